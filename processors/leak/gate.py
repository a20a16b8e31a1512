"""Whether any window of the last minutes and hours is loud enough to be compared with every pipe.

The test is the whitened square of the shift: a leak that can be told adds its evidence to the noise of all sensors.
Nearly every tick is quiet, and one product for all windows shows it: see :class:`Whiteners`.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.noise import Noise
from processors.leak.settings import WINDOWS
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

LEAST_BASELINE: Final = 12
MARGIN: Final = 1.0 + 1e-6
"""Of a bound, for what is lost in rounding."""
BEYOND: Final = 1e100
"""Makes every shift loud, when a sensor was so still that its factor says nothing."""


class Loud(NamedTuple):
    """A window that stands out."""

    row: int
    """Which of :data:`WINDOWS`."""
    baseline: int
    """Ticks it is compared with."""
    shift: Floats
    power: float
    """Its evidence, as if it were compared with a full day."""


class Whiteners:
    """What makes shifts of all windows, each against a full day, comparable with one another.

    With ``S`` the roots of a window's factors, ``S (C + min(added / factors)) S`` is never more than its covariance,
    so its inverse is never less: a bound of all windows' evidence in which only a scale depends on the window.
    """

    def __init__(self, noise: Noise, covariances: Floats, added: Floats) -> None:
        """``covariances`` are that of ``noise`` scaled by its factors, and the variances ``added`` to all of them."""
        self.covariances = covariances
        self._roots: list[Floats | None] = [None] * len(covariances)
        if noise.factors.min() > 0.0:
            least = noise.covariance + np.diag((added / noise.factors).min(axis=0))
            self.scale: Floats = 1.0 / np.sqrt(noise.factors)
            self.above: Floats = np.ascontiguousarray(_whitener(least).T) * MARGIN
        else:
            self.scale, self.above = np.ones(noise.factors.shape), np.eye(len(added)) * BEYOND

    def power(self, row: int, shift: Floats) -> float:
        """The evidence of a shift of window ``row``; ``|(shift * scale) @ above|^2`` is never less."""
        root = self._roots[row]
        if root is None:
            root = self._roots[row] = _whitener(self.covariances[row])
        white = root.dot(shift)
        return float(white.dot(white))


def _whitener(covariance: Floats) -> Floats:
    inverse: Floats = np.linalg.inv(np.linalg.cholesky(covariance))
    return inverse


class _Plan(NamedTuple):
    """How the windows are taken when so many ticks are there to compare."""

    edges: npt.NDArray[np.intp]
    """Which running sums, counted from the newest."""
    mix: Floats
    """What makes shifts of them."""
    baselines: list[int]
    limits: list[float]
    """Evidence from which a window is loud: less to compare with makes it noisier."""


class Gate:
    """Running sums of the residuals kept, and what becomes of them; derived from the state, never part of it."""

    def __init__(self, outputs: int, kept: int, per_day: int, least: float) -> None:
        """``least``: evidence from which a leak is believed."""
        self.per_day = per_day
        self.least = max(least, 0.5 * least + outputs)
        self._base, self._own = np.zeros((kept + 1, outputs)), slice(None)
        self._sums = self._base
        self._owner: object = None
        self._done = 0
        self._plans: dict[int, _Plan] = {}
        self._full = WINDOWS[-1] + per_day
        self.whole = self._plan(self._full)
        self._places = np.maximum(np.arange(kept + 1)[:, None] + self.whole.edges, 0)
        # written anew in every tick:
        self._newest = np.zeros(outputs)
        self._shifts, self._even, self._white = np.zeros((3, len(WINDOWS), outputs))
        self._flat, self._few = self._white.ravel(), self._white.size < self.least

    def share(self, sums: Floats, own: slice) -> None:
        """Keep the running sums there, in columns of its own."""
        self._base, self._own, self._sums = sums, own, sums[:, own]
        self.forget()

    def forget(self) -> None:
        """The residuals were made anew."""
        self._owner = None

    def follow(self, state: AreaState) -> None:
        """See to it that the running sums reach the rows of the state."""
        if self._owner is not state.residuals or self._done != state.rows:
            self._running(state)

    def reaches(self, end: int) -> None:
        """The running sums that are shared were written up to this row."""
        self._done = end

    def is_full(self, state: AreaState, tick: int) -> bool:
        """Whether at the next tick, this one, all windows and a whole day before them are there."""
        return min(state.rows, tick - state.quiet_before) + 1 >= self._full

    def loud(self, state: AreaState, made: Whiteners) -> list[Loud]:
        """The windows that stand out, each whitened by its own; the loudest first where all are there."""
        end = state.rows
        count = min(end, state.tick - state.quiet_before + 1)
        if count < LEAST_BASELINE + WINDOWS[0]:
            return []
        done = end - 1
        if self._owner is state.residuals and self._done == done:
            sums, newest = self._sums, self._newest
            newest[:] = state.residuals[done]
            np.add(sums[done], newest, sums[end])
            self._done = end
        elif self._owner is not state.residuals or self._done < end:
            self._running(state)
        if count < self._full:
            plan = self._plan(count)
            shifts = plan.mix.dot(self._at(plan.edges + end))
            white = (shifts * made.scale[: len(plan.limits)]).dot(made.above)
            return _loud(plan, made, shifts, np.vecdot(white, white).tolist())
        shifts = self.whole.mix.dot(self._at(self._places[end]), self._shifts)
        white = np.multiply(shifts, made.scale, self._even).dot(made.above, self._white)
        if self._few and self._flat.dot(self._flat) < self.least:
            return []  # all windows together would not be loud
        above = np.vecdot(white, white).tolist()
        if max(above) < self.least:
            return []
        return sorted(_loud(self.whole, made, shifts.copy(), above), key=lambda one: -one.power)

    def _plan(self, count: int) -> _Plan:
        """Shortly after a shift there is less than a day to compare with, and there are no long windows."""
        plan = self._plans.get(count)
        if plan is None:
            spans = np.array(WINDOWS)
            baseline = np.minimum(count - spans, self.per_day)
            use = int(((baseline >= LEAST_BASELINE) & (spans <= 2 * baseline)).sum())
            spans, baseline = spans[:use], baseline[:use]
            span, before = 1.0 / spans, 1.0 / baseline
            plan = self._plans[count] = _Plan(
                np.concatenate([[0], -spans, -spans - baseline]),
                np.hstack([span[:, None], np.diag(-span - before), np.diag(before)]),
                baseline.tolist(),
                (self.least * (1.0 + spans / baseline) / (1.0 + spans / self.per_day)).tolist(),
            )
        return plan

    def _at(self, rows: npt.NDArray[np.intp]) -> Floats:
        """Some of the running sums; whole rows are taken and then cut, for taking from a stretch would copy it all."""
        return self._base.take(rows, 0)[:, self._own]

    def _running(self, state: AreaState) -> None:
        """Running sums of the residuals kept; the first row is 0."""
        done = self._done if self._owner is state.residuals and self._done <= state.rows else 0
        if state.rows - done < LEAST_BASELINE:
            for row in range(done, state.rows):
                np.add(self._sums[row], state.residuals[row], out=self._sums[row + 1])
        else:
            np.cumsum(state.residuals[: state.rows], axis=0, out=self._sums[1 : state.rows + 1], dtype=np.float64)
        self._owner, self._done = state.residuals, state.rows


def _loud(plan: _Plan, made: Whiteners, shifts: Floats, above: list[float]) -> list[Loud]:
    """The windows that are loud, of those of which ``above`` says that they may be."""
    loud = []
    for row, limit in enumerate(plan.limits):
        if above[row] >= limit and (power := made.power(row, shifts[row])) >= limit:
            loud.append(Loud(row, plan.baselines[row], shifts[row], power))
    return loud
