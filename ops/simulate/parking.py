"""Parking bays: vehicles come and go, sensors say so at once and otherwise every five minutes."""

from collections.abc import Iterator
from typing import Final

from ops.simulate.layout import BAY_INTERVAL_S, bay_id
from ops.simulate.model import MINUTE_MS, SECOND_MS, Sample, Value
from ops.simulate.plan import day_plan
from ops.simulate.rng import stream

SHORTEST_GAP_MS: Final = 3 * MINUTE_MS  # well above what a detector may take for a flicker of the sensor
SHORTEST_STAY_MS: Final = 4 * MINUTE_MS
LONGEST_STAY_MS: Final = 100 * MINUTE_MS
ROOM_MS: Final = 10 * MINUTE_MS  # free before and after a planned stay
MEAN_GAP_MIN: Final = 25.0
MISSED_ONE: Final = 0.01
MISSED_TWO: Final = 0.003
EARLY_MS: Final = 45 * SECOND_MS


def stays(seed: int, index: int) -> Iterator[tuple[int, int]]:
    """When the bay is occupied, in milliseconds from the start of the feed; endless."""
    rng = stream(seed, "bay", index)
    planned = _planned(seed, index)
    following = next(planned)
    at = int(rng.uniform(1, 40) * MINUTE_MS)
    while True:
        stay = int(min(LONGEST_STAY_MS, max(SHORTEST_STAY_MS, rng.lognormal(3.4, 0.7) * MINUTE_MS)))
        gap = int(SHORTEST_GAP_MS + rng.exponential(MEAN_GAP_MIN) * MINUTE_MS)
        if at + stay + ROOM_MS > following[0]:
            yield following
            at = following[1] + ROOM_MS + gap
            following = next(planned)
        else:
            yield at, at + stay
            at += stay + gap


def bay(seed: int, index: int, start_ms: int) -> Iterator[Sample]:
    """All that the sensor in one bay ever says."""
    occupied, changes = False, _changes(seed, index)
    change_ms, change = next(changes)
    for since, movable in _beats(seed, index):
        while change_ms <= since:
            occupied = change
            yield Sample(start_ms + change_ms, bay_id(index), (Value("occupied", occupied),), movable=False)
            change_ms, change = next(changes)
        yield Sample(start_ms + since, bay_id(index), (Value("occupied", occupied),), movable=movable)


def _planned(seed: int, index: int) -> Iterator[tuple[int, int]]:
    day = 0
    while True:
        plan = day_plan(seed, day)
        for span in (plan.overstay, plan.near_stay):  # in this order within each day
            if span.index == index:
                yield span.start_ms, span.end_ms
        day += 1


def _changes(seed: int, index: int) -> Iterator[tuple[int, bool]]:
    for begin, end in stays(seed, index):
        yield begin, True
        yield end, False


def _beats(seed: int, index: int) -> Iterator[tuple[int, bool]]:
    """Times of the heartbeats. Now and then one or two get lost on the radio; the next one then comes a bit early."""
    rng = stream(seed, "bay beats", index)
    at = int(rng.integers(BAY_INTERVAL_S * 1000))
    while True:
        luck = float(rng.random())
        missed = 2 if luck < MISSED_TWO else 1 if luck < MISSED_TWO + MISSED_ONE else 0
        yield at, missed == 0
        if missed:
            at += missed * BAY_INTERVAL_S * 1000
            yield at + BAY_INTERVAL_S * 1000 - EARLY_MS, False
            at += BAY_INTERVAL_S * 1000
        at += BAY_INTERVAL_S * 1000


def longest_silence_s() -> float:
    """The longest a healthy bay says nothing; below three intervals, where a device counts as silent."""
    return 3 * BAY_INTERVAL_S - EARLY_MS / 1000
