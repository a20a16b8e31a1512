"""When what goes wrong in the street: every day of the feed has one of everything, at other times and places.

The hours are counted from the start of the feed, not from midnight: whoever starts it sees things happen at once. What
only nearly goes wrong is planned too, because a test without near-misses proves little.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS
from ops.simulate.rng import stream

COVERS: Final = 30
BAYS: Final = 24
LAMPS: Final = 12

FIRST_TILTED: Final = 22  # the cover with serial 000123, known from the documentation

NEAR_TILT_MS: Final = 2 * HOUR_MS
NEAR_STAY_MS: Final = 110 * MINUTE_MS
NEAR_STOP_MS: Final = 100 * 1000


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in milliseconds from the start of the feed, to which of its class."""

    index: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What goes wrong on one day, and what nearly does."""

    tilted: Span
    opened: Span
    overstay: Span
    no_stopping: Span
    bus_stop: Span
    silent_lamp: Span
    silent_cover: Span
    near_tilt: Span
    near_stay: Span
    near_stop: Span


@lru_cache(maxsize=8)
def day_plan(seed: int, day: int) -> DayPlan:
    """The plan of one day; covers and bays of one day are all different ones."""
    rng = stream(seed, "plan", day)
    covers = [int(i) for i in rng.permutation(COVERS)]
    bays = [int(i) for i in rng.permutation(BAYS)]
    lamp = int(rng.integers(LAMPS))
    if day == 0:
        covers.remove(FIRST_TILTED)
        covers.insert(0, FIRST_TILTED)

    def span(index: int, from_h: float, jitter_h: float, short_h: float, long_h: float) -> Span:
        start = day * DAY_MS + int((from_h + rng.uniform(0, jitter_h)) * 3600) * 1000
        return Span(index, start, start + int(rng.uniform(short_h, long_h) * 3600) * 1000)

    def exactly(index: int, from_h: float, jitter_h: float, length_ms: int) -> Span:
        start = span(index, from_h, jitter_h, 0, 0).start_ms
        return Span(index, start, start + length_ms)

    return DayPlan(
        tilted=span(covers[0], 1.5, 1.0, 3.0, 5.0),
        silent_lamp=span(lamp, 4.0, 1.0, 3.0, 4.0),
        bus_stop=span(1, 7.0, 1.0, 0.1, 0.2),
        opened=span(covers[1], 9.0, 1.5, 1.0, 2.0),
        no_stopping=span(0, 11.5, 1.5, 0.15, 0.3),
        overstay=span(bays[0], 12.5, 1.0, 3.0, 4.0),
        silent_cover=span(covers[3], 17.0, 1.5, 3.0, 4.0),
        near_tilt=exactly(covers[2], 13.0, 1.0, NEAR_TILT_MS),
        near_stop=exactly(0, 15.0, 2.0, NEAR_STOP_MS),
        near_stay=exactly(bays[1], 18.0, 1.5, NEAR_STAY_MS),
    )
