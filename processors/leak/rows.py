"""Readings of an area turned into what the regression and the search need, known leaks taken off."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak import hydraulics
from processors.leak.learning import usual_inflow
from processors.leak.network import AreaModel, Basis
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

FLOW_UNIT: Final = 100.0
"""The balance is kept in hundreds of m3/h, so that it is of the size of the pressures (m)."""
LOWEST_LEVEL_M: Final = 0.5
"""Below, a tank is about to run dry: what it feeds is no longer what the model says."""


class Rows(NamedTuple):
    """Readings turned into what the regression and the search need, one row per tick."""

    regressors: Floats
    outputs: Floats
    scale: Floats
    basis: Floats
    inflows: Floats
    pump: Floats


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
        self._expected: Floats | None = None
        self._day = -1
        self._usual: list[float] = []

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

    def balance(self, state: AreaState, reading: list[float], row: int, number: int) -> float:
        """What flows in and is not accounted for, in hundreds of m3/h."""
        if self.model.basis is Basis.CONSUMPTION:
            before = float(state.inputs[row - 1, self.level]) if row else reading[self.level]
            rise = (reading[self.level] - before) * self.model.tank_m2 * self.per_day / 24.0
            return (reading[self.pump] - rise - reading[self.used]) / FLOW_UNIT
        inflow = sum(reading[self.pressures : self.pump])
        if self.columns.pump:
            inflow -= reading[self.pump]
        day, place = divmod(number, self.per_day)
        if self._expected is not state.expected or self._day != day:
            self._expected, self._day = state.expected, day
            self._usual = usual_inflow(state, day, self.per_day).tolist()
        return inflow / FLOW_UNIT - self._usual[place]

    def prepare(self, state: AreaState, begin: int, end: int) -> Rows:
        """Rows ``begin`` to ``end`` of those kept, known leaks taken off."""
        reading = state.inputs[begin:end].astype(np.float64)
        count = end - begin
        numbers = np.arange(state.tick - state.rows + 1 + begin, state.tick - state.rows + 1 + end)
        if state.rows and numbers[-1] > state.tick:
            numbers -= numbers[-1] - state.tick
        leaking = np.full(count, state.known_flow)
        for shift in state.shifts:
            leaking += shift.flow * (numbers >= shift.tick)
        model = self.model
        pressures = reading[:, : self.pressures] - state.offset
        inflows = reading[:, self.pressures : self.pump]
        pump = reading[:, self.pump] if self.columns.pump else np.zeros(count)
        load = inflows.sum(axis=1) if model.basis is Basis.INFLOW else reading[:, self.used] * model.unmetered
        terms = hydraulics.basis(model, load - 0.5 * leaking * (1 if model.basis is Basis.INFLOW else -1), pump)
        effect = terms @ state.known
        for shift in state.shifts:
            since = max(0, int(shift.tick - numbers[0]))
            if since < count:
                candidate = int(np.searchsorted(self.index, shift.pipe))
                effect[since:] += terms[since:] @ (shift.flow * model.signatures[:, candidate])
        pressures = pressures - effect[:, : self.pressures]
        inflows = inflows - effect[:, self.pressures :]
        balance = reading[:, -1] - leaking / FLOW_UNIT
        if model.basis is Basis.INFLOW:
            regressors = hydraulics.inflow_regressors(inflows, pump, model.reference)
            weight = hydraulics.scale(inflows.sum(axis=1), model.reference)
        else:
            pressures = pressures - reading[:, [self.level]]
            regressors = hydraulics.consumption_regressors(reading[:, self.used], model.reference)
            weight = hydraulics.scale(reading[:, self.used], model.reference)
        outputs = np.column_stack([pressures * weight[:, None], balance])
        return Rows(regressors * weight[:, None], outputs, weight, terms, inflows, pump)
