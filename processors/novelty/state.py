"""All that is remembered of one series."""

from typing import Final

import msgspec

from processors.novelty.season import UNKNOWN, Cell

RANGE, SPIKE, LEVEL, SEASON, DRIFT, HOUR_DRIFT, ROUGHNESS = range(7)
"""The aspects under which a reading may be unheard of; each keeps the envelope of what it has seen."""

ASPECTS: Final = 7
NAMES: Final = ("range", "spike", "level", "season", "drift", "hour_drift", "roughness")

LEVELS: Final = 9


class Novelty(msgspec.Struct, gc=False, array_like=True):
    """Some thirty numbers and a table of hours of 1 KB; nothing grows.

    Numbers that are read and written together at every reading stand in tuples: to take one apart and to make a new one
    costs a tenth of so many attributes. All are in the unit of the series, except the envelopes of ``SEASON`` (a
    multiple of the usual departure at that hour) and ``ROUGHNESS`` (a logarithm of a ratio).
    """

    count: int = 0  # readings so far
    first_ms: int = 0  # event time of the first
    anchor: float = 0.0  # its value, from which the table of hours measures: single precision is enough then
    rest: int = 0  # readings that are still kept quiet after an alarm
    hour: int = 0  # the hour at hand, in whole hours since 1970
    levels: tuple[float, ...] = (0.0,) * LEVELS
    """Last value, slow level, usual departure from the hour's level, level a spike is measured from, level a shift is
    measured from, smoothed departure from the best known season, the same from the hour of the day, recent and usual
    size of changes."""
    cell: Cell = UNKNOWN  # of the hour at hand
    highs: tuple[float, ...] = (0.0,) * ASPECTS
    lows: tuple[float, ...] = (0.0,) * ASPECTS
    hours: bytearray = msgspec.field(default_factory=bytearray)
    """All other hours (:mod:`processors.novelty.season`); empty until the first one is over."""
