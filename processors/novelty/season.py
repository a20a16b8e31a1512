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


def learn_day(
    hours: bytearray, at: int, cell: tuple[float, float, float], value: float, departure: float, rate: float
) -> None:
    """A reading and its departure from what was expected, into the hour of the day whose ``cell`` stands at ``at``."""
    level, spread, seen = cell
    rate = max(rate, 1.0 / (seen + 1.0))
    DAY_CELL.pack_into(hours, at, level + rate * (value - level), spread + rate * (departure - spread), seen + 1.0)


def learn_week(hours: bytearray, at: int, cell: tuple[float, float], value: float, rate: float) -> None:
    """A reading, into the hour of the week whose ``cell`` stands at ``at``."""
    level, seen = cell
    rate = max(rate, 1.0 / (seen + 1.0))
    WEEK_CELL.pack_into(hours, at, level + rate * (value - level), seen + 1.0)
