"""What meters and networks do to readings: ticks that are lost, a sensor that stands still, disorder on the way."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.detectors.leak_steps import Steps
from processors.engine.contract import Clock, Reading, Series
from schemas.facility import FacilityClass

Floats = npt.NDArray[np.float64]

LOST: Final = 0.02
"""Share of a sensor's readings that never come."""
STUCK_DAY: Final = 200
STUCK_DAYS: Final = 7
LATE_MS: Final = 10 * 60_000
"""Readings come up to so much later than they were taken, in any order."""
_STEP_MS: Final = 300_000
_PER_DAY: Final = 288
_SHARD: Final = "score"


def lost_and_stuck(values: Floats, seed: int = 1) -> Floats:
    """The same readings: of each sensor 2 % of the ticks lost, and the first sensor stands still for a week."""
    chance = np.random.default_rng(seed)
    faulty = values.copy()
    begin = STUCK_DAY * _PER_DAY
    faulty[begin : begin + STUCK_DAYS * _PER_DAY, 0] = values[begin - 1 : begin, 0]
    faulty[chance.random(faulty.shape) < LOST] = np.nan
    return faulty


def as_they_come(values: Floats, first: int, sensors: Sequence[str], seed: int = 2) -> Iterator[tuple[int, Floats]]:
    """Ticks as the pipeline closes them: every reading on its own, late by up to ten minutes, in order of arrival.

    ``first`` is the tick of the first row. A tick of which nothing came is not there at all.
    """
    chance = np.random.default_rng(seed)
    series = [Series(name, name, "", name, FacilityClass.PRESSURE_METER, _SHARD) for name in sensors]
    steps = Steps(interval_ms=_STEP_MS)
    waiting: dict[int, list[Reading]] = {}
    for row in range(len(values) + 4):
        tick = first + row
        if row < len(values):
            late = [int(ms) for ms in chance.integers(0, LATE_MS, len(series))]
            at = tick * _STEP_MS
            for one, value, after in zip(series, list(map(float, values[row])), late, strict=True):
                if not math.isnan(value):
                    come = at + after
                    waiting.setdefault(come // _STEP_MS, []).append(Reading(one, at, value, "", 0, come, _SHARD))
        for reading in sorted(waiting.pop(tick, ()), key=lambda reading: reading.arrival_ms):
            steps.add(reading.series.facility, reading)
        now = (tick + 1) * _STEP_MS
        for step in steps.close(Clock(now, {_SHARD: now})):
            found = (step.values.get(name) for name in sensors)
            yield step.time_ms // _STEP_MS, np.array([np.nan if one is None else one[0] for one in found])
