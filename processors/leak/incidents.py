"""One incident per place: what is new, what belongs to a leak that is known, what is its repair."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.confidence import calibrated
from processors.leak.network import AreaModel, NetworkModel
from processors.leak.search import Verdict
from processors.leak.settings import RING_DAYS, Settings
from processors.leak.state import MOST, AreaState, Open, Shift

SAME_M: Final = 400.0
"""A second shift so near and so soon corrects the size of the first."""
REPAIR_M: Final = 600.0
REPAIRED: Final = "repaired"
GROWING: Final = "growing"
CORRECTED_DAYS: Final = 3
DOUBT_DAYS: Final = 6.0


class Alarm(NamedTuple):
    """A crew should go: to which pipe, since when, for how much."""

    tick: int
    pipe: int
    kind: str
    """``burst``, ``growing`` or ``repaired``."""
    since: int
    flow: float
    sure: float
    evidence: float
    misfit: float = 0.0


class Incidents:
    """What is open in an area, as a set of pure changes of its state."""

    def __init__(self, network: NetworkModel, model: AreaModel, settings: Settings, per_day: int) -> None:
        """``model``: the area's own part of the network."""
        self.network, self.settings, self.per_day = network, settings, per_day
        self.index, self.signatures = model.candidates.astype(np.intp), model.signatures

    def apart(self, one: int, other: int) -> float:
        """Metres between two pipes."""
        return float(self.network.distances_m[one, other])

    def burst(self, state: AreaState, verdict: Verdict, since: int) -> list[Alarm]:
        """A step up. What follows within a day nearby, and smaller, says only that the first was not exact."""
        pipe, peak = int(self.index[verdict.pipe]), int(self.index[verdict.peak])
        corrects = self._corrects(state, peak, verdict.flow)
        self._remember(state, Shift(since, peak, verdict.flow))
        if corrects:
            return []
        for leak in state.opened:
            soon = state.tick - leak.tick < self.per_day and verdict.flow < 0.5 * leak.flow
            if soon and self.apart(leak.pipe, pipe) <= self.settings.found_within_m:
                return []
        return [self._open(state, pipe, "burst", since, verdict.flow, verdict.sure, verdict.leak, verdict.misfit)]

    def repair(self, state: AreaState, verdict: Verdict, since: int) -> list[Alarm]:
        """A step down: the nearest open leak is repaired; none is open when one was repaired that nobody had found."""
        pipe = int(self.index[verdict.repaired])
        corrects = self._corrects(state, pipe, verdict.repaired_flow)
        self._remember(state, Shift(since, pipe, -verdict.repaired_flow))
        near = [(self.apart(leak.pipe, pipe), i) for i, leak in enumerate(state.opened)]
        if corrects or not near or min(near)[0] > REPAIR_M:
            return []
        gone = state.opened.pop(min(near)[1])
        return [Alarm(state.tick, gone.pipe, REPAIRED, since, -verdict.repaired_flow, 1.0, verdict.repair)]

    def growth(self, state: AreaState, verdict: Verdict) -> list[Alarm]:
        """Something grew over days."""
        pipe, peak = int(self.index[verdict.pipe]), int(self.index[verdict.peak])
        if self._corrects(state, peak, verdict.flow, CORRECTED_DAYS):
            self._remember(state, Shift(state.tick + 1, peak, verdict.flow))
            return []
        for leak in state.opened:
            if self.apart(leak.pipe, pipe) <= self.settings.found_within_m:
                leak.growing, leak.grew_day = True, state.tick // self.per_day
                return []
        return [
            self._open(state, pipe, "growing", state.tick, verdict.flow, verdict.sure, verdict.leak, verdict.misfit)
        ]

    def doubt(self, state: AreaState, signatures: npt.NDArray[np.float64], tick: int) -> npt.NDArray[np.float64]:
        """At a tick, the covariance of what known steps may still do as the load changes.

        Their size and place are not known exactly; it fades as the hours' deviations are learnt.
        """
        total = np.zeros((signatures.shape[1], signatures.shape[1]))
        for step in state.steps:
            age = (tick - step.tick) / self.per_day
            if age < DOUBT_DAYS:
                effect = step.flow * (1.0 - age / DOUBT_DAYS) * signatures[int(np.searchsorted(self.index, step.pipe))]
                total += self.settings.step_doubt**2 * (np.outer(effect, effect) + np.diag(effect * effect))
        return total

    def settle(self, state: AreaState, first: int) -> None:
        """Shifts before tick ``first`` become part of what is known of every reading."""
        for shift in state.shifts:
            if shift.tick <= first:
                self._settle(state, shift)
        state.shifts = [shift for shift in state.shifts if shift.tick > first]
        oldest = state.tick - RING_DAYS * self.per_day
        state.steps = [shift for shift in state.steps if shift.tick > oldest]

    def _settle(self, state: AreaState, shift: Shift) -> None:
        candidate = int(np.searchsorted(self.index, shift.pipe))
        state.known = state.known + shift.flow * self.signatures[:, candidate]
        state.known_flow += shift.flow

    def _corrects(self, state: AreaState, pipe: int, flow: float, days: int = 1) -> bool:
        return any(
            state.tick - shift.tick < days * self.per_day
            and flow < 0.9 * abs(shift.flow)
            and self.apart(shift.pipe, pipe) <= SAME_M
            for shift in state.steps
        )

    def _remember(self, state: AreaState, shift: Shift) -> None:
        if len(state.shifts) == MOST:
            self._settle(state, state.shifts[0])
        state.shifts = [*state.shifts, shift][-MOST:]
        state.steps = [*state.steps, shift][-MOST:]

    def _open(
        self,
        state: AreaState,
        pipe: int,
        kind: str,
        since: int,
        flow: float,
        sure: float,
        evidence: float,
        misfit: float,
    ) -> Alarm:
        state.opened = [
            *state.opened,
            Open(pipe, state.tick, flow, kind == "growing", state.tick // self.per_day),
        ][-MOST:]
        return Alarm(
            state.tick,
            pipe,
            kind,
            since,
            round(flow, 2),
            round(calibrated(kind, sure, self.settings), 3),
            round(evidence, 1),
            round(misfit, 2),
        )
