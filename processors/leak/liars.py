"""Sensors that lie: a value that stands still, or none at all; neither may raise a leak."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

UNLIKELY: Final = 20.0
"""A run of equal values less likely than exp of minus this is no chance."""
FORGET: Final = 0.001
GONE: Final = 12
"""Ticks without a value after which a sensor is out."""
RUN_LEAST: Final = 3


class Liars:
    """Which of an area's sensors cannot be believed."""

    def __init__(self, sensors: int, pressures: int, per_day: int) -> None:
        """``pressures`` come first; the others drive the regression."""
        self.sensors, self.pressures, self.per_day = sensors, pressures, per_day

    def clean(self, state: AreaState, values: Floats) -> npt.NDArray[np.float32]:
        """The readings of a tick, NaN for those that lie. Zero is no lie: pumps rest."""
        clean = values.astype(np.float32)
        there = ~np.isnan(values)
        same = (values == state.back) & (values != 0.0)
        if there.all():
            state.back = values
            state.missing[:] = 0.0
        else:
            state.back = np.where(there, values, state.back)
            state.missing = np.where(there, 0.0, state.missing + 1)
            same |= ~there & (state.runs > 0)  # a lost value in a run does not end it
        state.runs = (state.runs + 1) * same
        state.repeats += FORGET * ((same & (state.runs < GONE)) - state.repeats)
        doubtful = state.runs >= RUN_LEAST
        if doubtful.any():
            chance = -np.log(np.clip(state.repeats, 1e-3, 0.95))
            stuck = doubtful & (state.runs * chance > UNLIKELY)
            clean[stuck] = np.nan
            doubtful = stuck
        out = doubtful | (state.missing > GONE)
        if out.any():
            state.distrust = np.where(out, float(self.per_day), state.distrust)
        else:
            np.maximum(state.distrust - 1.0, 0.0, out=state.distrust)
        return clean

    def mask(self, state: AreaState) -> npt.NDArray[np.bool_]:
        """Pressures out of the sum: those that lie, and for a day those that lied."""
        bad: npt.NDArray[np.bool_] = state.distrust[: self.pressures] > 0
        return bad

    def taken_out(self, state: AreaState, variance: float) -> Floats:
        """What to add to a covariance of the pressures and the balance."""
        bad = np.append(self.mask(state), False)
        out: Floats = np.diag(np.where(bad, variance, 0.0))
        return out
