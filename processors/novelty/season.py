"""What is usual at this hour: levels by hour of the day and by hour of the week, in one block of bytes.

In single precision and measured from the series' first value: per hour of the day its level, the usual departure from
it and readings so far; per hour of the week its level and readings. The hour at hand stands beside, in full precision,
and goes into the block when it is over: readings come many to the hour.
"""

import struct
from typing import Final

HOURS: Final = 24
HOURS_OF_WEEK: Final = 168
HOUR_MS: Final = 3_600_000
EPOCH_HOUR_OF_WEEK: Final = 72  # 1970-01-01 was a Thursday, weeks begin on Monday

_DAY_CELL: Final = struct.Struct("<2fB")
_WEEK_CELL: Final = struct.Struct("<fB")
_DAY_SIZE: Final = _DAY_CELL.size
_WEEK_SIZE: Final = _WEEK_CELL.size
_WEEK_BEGINS: Final = HOURS * _DAY_SIZE
SEEN_MAX: Final = 255
"""Readings are counted no further: long before, a level forgets at its own rate."""
_LARGEST: Final = 3.4e38  # single precision holds no more
SIZE: Final = _WEEK_BEGINS + HOURS_OF_WEEK * _WEEK_SIZE
"""1,056 bytes a series, however long it runs."""

Cell = tuple[float, ...]
"""Level, departure and readings of an hour of the day, level and readings of an hour of the week."""

UNKNOWN: Final[Cell] = (0.0,) * 5


def hour_of_week(time_ms: int) -> int:
    """Whole hours since Monday 00:00 UTC."""
    return (time_ms // HOUR_MS + EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK


def recall(hours: bytearray, hour: int, anchor: float) -> Cell:
    """What is known of an hour, given as whole hours since 1970."""
    if not hours:
        return UNKNOWN
    of_week = (hour + EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK
    level, departure, seen = _DAY_CELL.unpack_from(hours, of_week % HOURS * _DAY_SIZE)
    week_level, week_seen = _WEEK_CELL.unpack_from(hours, _WEEK_BEGINS + of_week * _WEEK_SIZE)
    return level + anchor, departure, seen + 0.0, week_level + anchor, week_seen + 0.0


def remember(hours: bytearray, hour: int, anchor: float, cell: Cell) -> None:
    """Put an hour that is over where :func:`recall` finds it."""
    if not hours:
        hours.extend(bytes(SIZE))
    of_week = (hour + EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK
    level, departure, seen, week_level, week_seen = cell
    day_at, week_at = of_week % HOURS * _DAY_SIZE, _WEEK_BEGINS + of_week * _WEEK_SIZE
    day_seen = int(seen) if seen < SEEN_MAX else SEEN_MAX
    of_week_seen = int(week_seen) if week_seen < SEEN_MAX else SEEN_MAX
    try:
        _DAY_CELL.pack_into(hours, day_at, level - anchor, departure, day_seen)
        _WEEK_CELL.pack_into(hours, week_at, week_level - anchor, of_week_seen)
    except OverflowError:  # beyond single precision: whatever it was, it was very far away
        _DAY_CELL.pack_into(hours, day_at, _held(level - anchor), _held(departure), day_seen)
        _WEEK_CELL.pack_into(hours, week_at, _held(week_level - anchor), of_week_seen)


def _held(value: float) -> float:
    return max(-_LARGEST, min(value, _LARGEST))
