"""What is usual at this hour: levels by hour of the day and by hour of the week, in one block of bytes.

As doubles: per hour of the day its level, spread and readings so far; per hour of the week its level and readings.
"""

import struct
from typing import Final

HOURS: Final = 24
HOURS_OF_WEEK: Final = 168
HOUR_MS: Final = 3_600_000
EPOCH_HOUR_OF_WEEK: Final = 72  # 1970-01-01 was a Thursday, weeks begin on Monday

DAY_CELL: Final = struct.Struct("<3d")
WEEK_CELL: Final = struct.Struct("<2d")
WEEK_BEGINS: Final = HOURS * DAY_CELL.size
SIZE: Final = WEEK_BEGINS + HOURS_OF_WEEK * WEEK_CELL.size
"""3,264 bytes a series, however long it runs."""


def hour_of_week(time_ms: int) -> int:
    """Whole hours since Monday 00:00 UTC."""
    return (time_ms // HOUR_MS + EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK


def empty() -> bytearray:
    """Nothing known of any hour."""
    return bytearray(SIZE)
