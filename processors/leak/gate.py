"""Whether any window of the last minutes and hours is loud enough to be compared with every pipe.

The test is the whitened square of the shift: a leak that can be told adds its evidence to the noise of all sensors.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.settings import WINDOWS
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

LEAST_BASELINE = 12


class Loud(NamedTuple):
    """A window that stands out."""

    row: int
    """Which of :data:`WINDOWS`."""
    baseline: int
    """Ticks it is compared with."""
    shift: Floats


class Gate:
    """Running sums of the residuals kept, and what becomes of them; derived from the state, never part of it."""

    def __init__(self, outputs: int, kept: int, per_day: int, least: float) -> None:
        """``least``: evidence from which a leak is believed."""
        self.per_day = per_day
        self._least = max(least, 0.5 * least + outputs)
        self._sums = np.zeros((kept + 1, outputs))
        self._owner: object = None
        self._done = 0
        self._spans = np.array(WINDOWS)
        self._back = np.concatenate([[0], -self._spans, -self._spans - per_day])
        span, day = 1.0 / self._spans, np.full(len(WINDOWS), 1.0 / per_day)
        self._mix = np.hstack([span[:, None], np.diag(-span - day), np.diag(day)])
        self._edges = np.zeros((len(self._back), outputs))  # written anew in every tick
        self._white = np.zeros((len(WINDOWS), outputs))
        self._upright = self._white[:, :, None]

    def forget(self) -> None:
        """The residuals were made anew."""
        self._owner = None

    def loud(self, state: AreaState, roots: Floats) -> list[Loud]:
        """The windows that stand out, each whitened by its own of ``roots``; the loudest first where all are there."""
        end = state.rows
        count = min(end, state.tick - state.quiet_before + 1)
        if count < LEAST_BASELINE + WINDOWS[0]:
            return []
        sums = self._running(state)
        if count >= WINDOWS[-1] + self.per_day:
            shifts = self._mix.dot(sums.take(self._back + end, 0, self._edges, "clip"))
            np.matmul(roots, shifts[:, :, None], self._upright)
            power = np.vecdot(self._white, self._white).tolist()
            least = self._least
            if max(power) < least:
                return []
            loud = [row for row, one in enumerate(power) if one >= least]
            loud.sort(key=lambda row: -power[row])
            return [Loud(row, self.per_day, shifts[row]) for row in loud]
        return self._soon(sums, roots, end, count)

    def _soon(self, sums: Floats, roots: Floats, end: int, count: int) -> list[Loud]:
        """Shortly after a shift: less than a day to compare with, and no long windows."""
        baseline = np.minimum(count - self._spans, self.per_day)
        use = int(((baseline >= LEAST_BASELINE) & (self._spans <= 2 * baseline)).sum())
        spans, baseline = self._spans[:use], baseline[:use]
        edge = sums[end - spans]
        shifts = (sums[end] - edge) / spans[:, None] - (edge - sums[end - spans - baseline]) / baseline[:, None]
        white = np.matmul(roots[:use], shifts[:, :, None])[:, :, 0]
        spare = (1.0 + spans / baseline) / (1.0 + spans / self.per_day)
        loud = np.flatnonzero((white * white).sum(axis=1) >= self._least * spare)
        return [Loud(row, int(baseline[row]), shifts[row]) for row in loud.tolist()]

    def _running(self, state: AreaState) -> Floats:
        """Running sums of the residuals kept; the first row is 0."""
        done = self._done if self._owner is state.residuals and self._done <= state.rows else 0
        if done == state.rows - 1:
            np.add(self._sums[done], state.residuals[done], self._sums[done + 1])
        elif state.rows - done < LEAST_BASELINE:
            for row in range(done, state.rows):
                np.add(self._sums[row], state.residuals[row], out=self._sums[row + 1])
        else:
            np.cumsum(state.residuals[: state.rows], axis=0, out=self._sums[1 : state.rows + 1], dtype=np.float64)
        self._owner, self._done = state.residuals, state.rows
        return self._sums
