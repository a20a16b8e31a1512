"""Words that are all by the same behind the clock: no road is as steady as a clock that is wrong.

What waits on its way waits less and less: a store that is sent when its device is heard again falls with every word,
and a gateway that sends each hour makes a saw of it. A clock that stands in another time zone is by a multiple of a
quarter of an hour behind, in every word, for as long as one looks.
"""

from typing import Final

import msgspec

from processors.detectors.common import Evidence
from processors.engine.contract import Clock, Reading
from schemas.rules import Values

QUARTER_MS: Final = 900_000
"""By multiples of it time zones differ."""
PART_OF_LAG: Final = 4
"""For so large a part of the lag it must last: a store that is worked off hardly faster than it fills falls by more."""
RARE: Final = 2
"""So often within the lag the device must speak: a gateway that sends by bundles holds none longer than its pause."""
_NONE_MS: Final = -1


class Far(msgspec.Struct, array_like=True):
    """Words of one device in a row that are all by the same behind; times by the clock of the log."""

    lag_ms: int
    """Of the first; below 0: the newest message said things of several times."""
    first: Evidence
    since_ms: int
    heard_ms: int
    arrival_ms: int
    words: int = 1


def lag_of(time_ms: int, shard: str, clock: Clock) -> int:
    """How far a word is behind what had been received when it came, in ms: what waited for us is no lag of it."""
    return min(clock.now_ms, clock.frontier.get(shard, clock.now_ms)) - time_ms


def follow(far: Far | None, reading: Reading, lag_ms: int, clock: Clock, values: Values) -> Far:
    """The row with one more word, or that which it begins."""
    steady_ms, now_ms = values["clock.steady_s"] * 1000, clock.now_ms
    is_steady = far is not None and abs(lag_ms - far.lag_ms) <= steady_ms
    if far is not None and reading.arrival_ms == far.arrival_ms:
        if not is_steady:
            far.lag_ms = _NONE_MS
        return far
    if far is None or far.lag_ms < 0 or not is_steady or RARE * (now_ms - far.heard_ms) > far.lag_ms:
        return Far(lag_ms, Evidence.of(reading), now_ms, now_ms, reading.arrival_ms)
    far.words += 1
    far.heard_ms, far.arrival_ms = now_ms, reading.arrival_ms
    return far


def is_wrong(far: Far, values: Values) -> bool:
    """Whether a row says that a clock stands wrong."""
    steady_ms = values["clock.steady_s"] * 1000
    off_ms = far.lag_ms % QUARTER_MS
    return (
        far.words >= values["clock.lag_messages"]
        and far.heard_ms - far.since_ms >= max(values["clock.lag_for_s"] * 1000, far.lag_ms / PART_OF_LAG)
        and min(off_ms, QUARTER_MS - off_ms) <= steady_ms
    )
