"""What meters and networks do to readings: ticks that are lost, a sensor that stands still, disorder on the way."""

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from ops.score.driven import Come
from processors.detectors.pipe_leak_state import PER_DAY
from processors.detectors.pipe_leak_steps import STEP_MS

Floats = npt.NDArray[np.float64]

LOST: Final = 0.02
"""Share of ticks of which nothing ever comes."""
STUCK_DAY: Final = 200
STUCK_DAYS: Final = 7
LATE_MS: Final = 10 * 60_000
"""Readings come up to so much later than they were taken, in any order."""


def lost_and_stuck(values: Floats, seed: int = 1) -> Floats:
    """The same readings: 2 % of the ticks lost, and the first sensor stands still for a week."""
    chance = np.random.default_rng(seed)
    faulty = values.copy()
    begin = STUCK_DAY * PER_DAY
    faulty[begin : begin + STUCK_DAYS * PER_DAY, 0] = values[begin - 1 : begin, 0]
    faulty[chance.random(len(faulty)) < LOST] = np.nan
    return faulty


def late(ticks: Iterable[tuple[int, list[Come]]], sensors: int, seed: int = 2) -> Iterator[tuple[int, list[Come]]]:
    """Every tick of the clock, and what came since the one before: each reading late by up to ten minutes.

    ``ticks``: when readings were taken, and which, of so many ``sensors``.
    """
    chance = np.random.default_rng(seed)
    waiting: dict[int, list[Come]] = {}
    tick = 0
    for tick, readings in ticks:
        after = chance.integers(0, LATE_MS, sensors).tolist()
        for column, at_ms, value, identity, _ in readings:
            come_ms = at_ms + after[column]
            waiting.setdefault(come_ms // STEP_MS, []).append((column, at_ms, value, identity, come_ms))
        yield tick, _in_order(waiting.pop(tick, []))
    while waiting:
        tick += 1
        yield tick, _in_order(waiting.pop(tick, []))


def _in_order(readings: list[Come]) -> list[Come]:
    return sorted(readings, key=itemgetter(-1))
