"""What is remembered of one area: as large after a month as after a year (:mod:`.packing` makes bytes of it)."""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from processors.leak.noise import Noise

Floats = npt.NDArray[np.float64]


MOST: Final = 64
"""Shifts, steps and open leaks remembered at most."""


JUMP: Final = 0
DRIFT: Final = 1
STUCK: Final = 2
CREEP: Final = 3
"""Ways in which a meter lies; what creeps drifts over days, and only days show it."""


class Shift(msgspec.Struct):
    """A step that was seen: ``flow`` m3/h more (or less, a repair) leak at a pipe since a tick."""

    tick: int
    pipe: int
    flow: float


class Open(msgspec.Struct):
    """A leak that was said and not yet repaired."""

    pipe: int
    tick: int
    flow: float
    growing: bool
    grew_day: int


class Doubt(msgspec.Struct):
    """A meter that seems to lie."""

    column: int
    """Among the area's sensors."""
    kind: int
    """:data:`JUMP`, :data:`DRIFT`, :data:`STUCK` or :data:`CREEP`."""
    since: int
    seen: int
    """The ticks in which it began and was last seen."""
    error: float
    """How much too high it reads, m or m3/h; 0 where that cannot be said."""


class AreaState(msgspec.Struct):
    """Everything of one area."""

    inputs: np.ndarray
    """Readings of the last three days, single precision; NaN where one is lost."""
    residuals: np.ndarray
    rows: int
    tick: int
    moments: np.ndarray
    products: np.ndarray
    mean_regressors: np.ndarray
    mean_outputs: np.ndarray
    beta: np.ndarray
    offset: np.ndarray
    noise: Noise
    day_regressors: np.ndarray
    day_outputs: np.ndarray
    day_numbers: np.ndarray
    expected: np.ndarray
    """Inflow by day of the week and hour, in hundreds of m3/h; NaN where no such day was seen."""
    known: np.ndarray
    """Sum of signatures x flow of shifts older than the rows kept: what is taken off every reading."""
    known_flow: float
    repeats: np.ndarray
    moved: np.ndarray
    """The tick in which each sensor last said something new."""
    missing: np.ndarray
    back: np.ndarray
    stood: np.ndarray
    """For how many ticks each stood still when it was last looked at."""
    longest: np.ndarray
    """The longest that each stood still before it went on, in ticks."""
    distrust: np.ndarray
    """Per sensor the first tick at which it is believed again."""
    doubted: int = 0
    """The last of them: from then on all are believed."""
    learned: int = 0
    started: bool = False
    quiet_before: int = 0
    """First tick a baseline may hold: after a shift the past is no measure."""
    shifted_since: int = -1
    """When a shift that is being confirmed was first seen, and last."""
    shifted_last: int = -1_000
    shifts: list[Shift] = []
    """Those within the rows kept; older ones are in ``known``."""
    steps: list[Shift] = []
    """Those within the days kept: their size is not known exactly."""
    opened: list[Open] = []
    doubts: list[Doubt] = []


def doubted(state: AreaState, pressures: int) -> list[int]:
    """The pressures that are out of the sum because they jumped or drift; one that stands still is lost anyway."""
    return [doubt.column for doubt in state.doubts if doubt.column < pressures and doubt.kind != STUCK]
