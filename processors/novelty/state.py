"""All that is remembered of one series."""

from typing import Final

import msgspec

from processors.novelty import season

RANGE, SPIKE, LEVEL, SEASON, DRIFT, HOUR_DRIFT, ROUGHNESS = range(7)
"""The aspects under which a reading may be unheard of; each keeps the envelope of what it has seen."""

ASPECTS: Final = 7
NAMES: Final = ("range", "spike", "level", "season", "drift", "hour_drift", "roughness")


class Novelty(msgspec.Struct, gc=False):
    """A few numbers and 3.3 KB of hours; nothing grows.

    Levels and envelopes are in the unit of the series, except the envelopes of ``SEASON`` (a multiple of the usual
    departure at that hour) and ``ROUGHNESS`` (a logarithm of a ratio).
    """

    count: int = 0  # readings so far
    first_ms: int = 0  # event time of the first
    last: float = 0.0
    mean: float = 0.0  # slow level
    spread: float = 0.0  # usual departure from the hour's level
    short: float = 0.0  # level a spike is measured from
    long: float = 0.0  # level a shift is measured from
    drift: float = 0.0  # smoothed departure from the best known season
    hour_drift: float = 0.0  # the same from the hour of the day
    step: float = 0.0  # recent size of changes between readings
    usual_step: float = 0.0
    rest: int = 0  # readings that are still kept quiet after an alarm
    highs: list[float] = msgspec.field(default_factory=lambda: [0.0] * ASPECTS)
    lows: list[float] = msgspec.field(default_factory=lambda: [0.0] * ASPECTS)
    hours: bytearray = msgspec.field(default_factory=season.empty)
