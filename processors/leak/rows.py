"""Readings of an area turned into what the regression and the search need, known leaks taken off."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak import hydraulics
from processors.leak.network import AreaModel, Basis
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

FLOW_UNIT: Final = 100.0
"""The balance is kept in hundreds of m3/h, so that it is of the size of the pressures (m)."""
LOWEST_LEVEL_M: Final = 0.5
"""Below, a tank is about to run dry: what it feeds is no longer what the model says."""


class Flows(NamedTuple):
    """What drives the pressures, known leaks taken off, one row per tick."""

    basis: Floats
    """What signatures are a sum over."""
    scale: Floats
    inflows: Floats
    pump: Floats
    leaking: Floats
    """What is known to leak, m3/h."""


class Rows(NamedTuple):
    """Readings turned into what the regression needs, one row per tick."""

    regressors: Floats
    outputs: Floats
    scale: Floats


@dataclass(frozen=True, slots=True)
class Columns:
    """Where an area's sensors are in a row of all readings."""

    pressures: list[int]
    inflows: list[int]
    pump: list[int]
    level: list[int]
    consumption: list[int]

    @property
    def all(self) -> list[int]:
        """In the order in which an area keeps them."""
        return [*self.pressures, *self.inflows, *self.pump, *self.level, *self.consumption]


class Reader:
    """Knows where an area's readings are and what the model makes of them."""

    def __init__(self, model: AreaModel, names: tuple[str, ...], per_day: int) -> None:
        """``names``: the sensors of a tick, in order."""
        self.model, self.per_day = model, per_day
        self.index = model.candidates.astype(np.intp)
        self.columns = Columns(
            hydraulics.columns(names, model.pressures),
            hydraulics.columns(names, model.inflows),
            hydraulics.columns(names, [model.pump]),
            hydraulics.columns(names, [model.level]),
            hydraulics.columns(names, [model.consumption]),
        )
        self.pressures = len(model.pressures)
        self.width = len(self.columns.all)
        self.at = np.array(self.columns.all, dtype=np.intp)
        self.pump = self.pressures + len(model.inflows)
        self.level = self.pump + len(self.columns.pump)
        self.used = self.level + len(self.columns.level)

    def believe(
        self,
        state: AreaState,
        reading: npt.NDArray[np.float32],
        previous: npt.NDArray[np.float32] | None,
        *,
        whole: bool,
    ) -> bool:
        """Without its flows a row says nothing of pressures; they are taken from the row before, the pressures not.

        ``whole``: nothing of the row is lost; returns whether that is still so.
        """
        dry = bool(self.columns.level) and bool(reading[self.level] < LOWEST_LEVEL_M)
        if whole and not dry:
            return True
        drivers = reading[self.pressures : self.width]
        if dry:
            state.quiet_before = state.tick + self.per_day
        if np.isnan(drivers).any() or dry:
            reading[: self.pressures] = np.nan
            if previous is not None:
                drivers[np.isnan(drivers)] = previous[self.pressures : self.width][np.isnan(drivers)]
        return False

    def prepare(self, state: AreaState, begin: int, end: int, readings: npt.NDArray[np.float32] | None = None) -> Rows:
        """Rows ``begin`` to ``end`` of those kept, known leaks taken off; of ``readings`` if other ones are tried."""
        reading = (state.inputs[begin:end] if readings is None else readings).astype(np.float64)
        flows = self.flows(state, begin, reading)
        pressures = reading[:, : self.pressures] - state.offset
        effect = flows.basis @ state.known[:, : self.pressures]
        for since, change in self._shifts(state, begin, len(reading)):
            effect[since:] += flows.basis[since:] @ change[:, : self.pressures]
        pressures -= effect
        if self.model.basis is Basis.INFLOW:
            regressors = hydraulics.inflow_regressors(flows.inflows, flows.pump, self.model.reference)
        else:
            pressures -= reading[:, [self.level]]
            regressors = hydraulics.consumption_regressors(reading[:, self.used], self.model.reference)
        weight = flows.scale[:, None]
        outputs = np.empty((len(reading), self.pressures + 1))
        np.multiply(pressures, weight, outputs[:, :-1])
        outputs[:, -1] = reading[:, -1] - flows.leaking / FLOW_UNIT
        return Rows(regressors * weight, outputs, flows.scale)

    def flows(self, state: AreaState, begin: int, reading: Floats) -> Flows:
        """What drives the pressures in these rows, the first of which is ``begin`` of those kept."""
        count, model = len(reading), self.model
        shifts = self._shifts(state, begin, count)
        leaking = np.full(count, state.known_flow)
        for (since, _), shift in zip(shifts, state.shifts, strict=True):
            leaking[since:] += shift.flow
        inflows = reading[:, self.pressures : self.pump]
        pump = reading[:, self.pump] if self.columns.pump else np.zeros(count)
        if model.basis is Basis.CONSUMPTION:
            used = reading[:, self.used]
            terms = hydraulics.basis(model, used * model.unmetered + 0.5 * leaking, pump)
            return Flows(terms, hydraulics.scale(used, model.reference), inflows, pump, leaking)
        terms = hydraulics.basis(model, inflows.sum(axis=1) - 0.5 * leaking, pump)
        effect = terms @ state.known[:, self.pressures :]
        for since, change in shifts:
            effect[since:] += terms[since:] @ change[:, self.pressures :]
        inflows = inflows - effect
        return Flows(terms, hydraulics.scale(inflows.sum(axis=1), model.reference), inflows, pump, leaking)

    def weights(self, state: AreaState, begin: int) -> Floats:
        """Of the newest rows from ``begin`` on: what made metres into what the regression leaves."""
        return self.flows(state, begin, state.inputs[begin : state.rows].astype(np.float64)).scale

    def _shifts(self, state: AreaState, begin: int, count: int) -> list[tuple[int, Floats]]:
        """Per shift the first of so many rows that feels it, and what it does, ``[basis, sensor]``."""
        first = state.tick - state.rows + 1 + begin
        return [
            (min(max(0, shift.tick - first), count), shift.flow * self._signature(shift.pipe)) for shift in state.shifts
        ]

    def _signature(self, pipe: int) -> Floats:
        signature: Floats = self.model.signatures[:, int(np.searchsorted(self.index, pipe))]
        return signature
