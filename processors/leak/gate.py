"""Whether any window of the last minutes and hours is loud enough to be compared with every pipe.

The test is the whitened square of the shift: a leak that can be told adds its evidence to the noise of all sensors.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.settings import WINDOWS
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

LEAST_BASELINE: Final = 12
NEARLY: Final = 1.0 - 1e-9
"""Of a limit: what is lost in rounding when all windows are looked at in one."""


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
    """What makes shifts of all windows, each against a full day, comparable with one another."""

    def __init__(self, covariances: Floats) -> None:
        """``covariances``: of the shift of each window."""
        self.covariances = covariances
        self.roots: Floats = np.linalg.inv(np.linalg.cholesky(covariances))
        """Of the inverses: ``|root @ shift|^2`` is the evidence of a shift."""

    def power(self, row: int, shift: Floats) -> float:
        """The evidence of a shift of window ``row``."""
        white = self.roots[row].dot(shift)
        return float(white.dot(white))


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
        self._newest = np.zeros(outputs)  # written anew in every tick

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

    def behind(self, state: AreaState, tick: int) -> int:
        """How many ticks there will be to compare at the next tick, this one, itself included."""
        return min(state.rows, tick - state.quiet_before) + 1

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
        plan = self.whole if count >= self._full else self._plan(count)
        shifts = plan.mix.dot(self._base.take(np.maximum(end + plan.edges, 0), 0)[:, self._own])
        white = np.matmul(made.roots[: len(shifts)], shifts[:, :, None])[:, :, 0]
        loud = []
        for row, (limit, power) in enumerate(zip(plan.limits, np.vecdot(white, white).tolist(), strict=True)):
            if power >= NEARLY * limit and (power := made.power(row, shifts[row])) >= limit:
                loud.append(Loud(row, plan.baselines[row], shifts[row], power))
        return sorted(loud, key=lambda one: -one.power) if plan is self.whole else loud

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

    def _running(self, state: AreaState) -> None:
        """Running sums of the residuals kept; the first row is 0."""
        done = self._done if self._owner is state.residuals and self._done <= state.rows else 0
        if state.rows - done < LEAST_BASELINE:
            for row in range(done, state.rows):
                np.add(self._sums[row], state.residuals[row], out=self._sums[row + 1])
        else:
            np.cumsum(state.residuals[: state.rows], axis=0, out=self._sums[1 : state.rows + 1], dtype=np.float64)
        self._owner, self._done = state.residuals, state.rows
