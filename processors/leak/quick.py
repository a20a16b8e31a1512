"""The residual of one tick with few array operations: :meth:`.rows.Reader.prepare` of one row, and the regression.

At a tick of five minutes and thirty sensors an array operation costs more for being called than for what it adds up.
So the regression, the offsets and the known leaks are one matrix, made anew when one of them changes.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak import hydraulics
from processors.leak.network import Basis
from processors.leak.rows import FLOW_UNIT, Reader
from processors.leak.state import AreaState, Shift

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

NOBODY: Final[list[Shift]] = []


class Quick:
    """What a tick should read, derived from the state and never part of it."""

    def __init__(self, reader: Reader) -> None:
        """Nothing derived yet."""
        self.reader, self.model = reader, reader.model
        self.inflow = self.model.basis is Basis.INFLOW
        self._pumped = bool(reader.columns.pump)
        self._reference, self._unmetered = self.model.reference, self.model.unmetered
        self._known: Floats | None = None
        self._beta: Floats | None = None
        self._offset: Floats | None = None
        self._shifts = NOBODY
        self._matrix = np.zeros((0, 0))
        self._taken: list[list[float]] = []
        self._leaking = 0.0
        # written anew in every tick; in double precision, without Python's numbers: casts cost more than arithmetic
        self._driven = np.empty(0)
        self._even = np.zeros(())
        self._kept = np.empty(reader.pressures)
        self._left = np.empty(reader.pressures + 1)
        self._part = self._left[: reader.pressures]

    def residual(self, state: AreaState, kept: Floats32, reading: list[float], usual: Floats) -> Floats:
        """What the newest row leaves (NaN where something is lost), until the next is asked for.

        ``kept`` and ``reading``: the row as it is kept and as a list; ``usual``: what the hour usually leaves.
        """
        self._follow(state)
        pressures = self.reader.pressures
        terms, even = self._terms(reading)
        left, part, driven, own = self._left, self._part, self._driven, self._kept
        driven[:], own[:], self._even[()] = terms, kept[:pressures], even
        np.subtract(own, driven.dot(self._matrix, part), part)
        np.multiply(part, self._even, part)
        left[pressures] = reading[-1] - self._leaking / FLOW_UNIT
        left -= usual
        return left

    def residuals(self, state: AreaState, kept: Floats32, readings: list[list[float]], usual: Floats) -> Floats:
        """The same of several rows of which nothing is lost; each comes out as if it were alone."""
        self._follow(state)
        pressures = self.reader.pressures
        rows = []
        for reading in readings:
            terms, even = self._terms(reading)
            terms += (even, reading[-1] - self._leaking / FLOW_UNIT)
            rows.append(terms)
        known = np.array(rows)
        left = np.empty((len(rows), pressures + 1))
        left[:, :-1] = kept[:, :pressures]
        left[:, -1] = known[:, -1]
        part = left[:, :-1]
        part -= np.matmul(known[:, None, :-2], self._matrix)[:, 0]  # row by row
        part *= known[:, -2:-1]
        left -= usual
        return left

    def _terms(self, reading: list[float]) -> tuple[list[float], float]:
        """What the matrix is multiplied with, and the weight of the row."""
        reader = self.reader
        if self.inflow:
            inflows = reading[reader.pressures : reader.pump]
            pump = reading[reader.pump] if self._pumped else 0.0
            return hydraulics.inflow_tick(inflows, pump, self._reference, self._leaking, self._taken)
        used = reading[reader.used]
        terms, even = hydraulics.consumption_tick(used, self._unmetered, self._reference, self._leaking)
        terms.append(reading[reader.level])
        return terms, even

    def _follow(self, state: AreaState) -> None:
        if (
            self._known is state.known
            and self._shifts is state.shifts
            and self._beta is state.beta
            and self._offset is state.offset
        ):
            return
        self._known, self._shifts, self._beta, self._offset = state.known, state.shifts, state.beta, state.offset
        pressures = self.reader.pressures
        known = state.known.copy()
        self._leaking = state.known_flow
        for shift in state.shifts:
            known += shift.flow * self.model.signatures[:, int(np.searchsorted(self.reader.index, shift.pipe))]
            self._leaking += shift.flow
        usual = state.beta[:, :pressures].copy()
        usual[0] += state.offset
        if self.inflow:
            whole = np.zeros((hydraulics.PUMPED, known.shape[1]))  # without a pump its terms do nothing
            whole[: len(known)] = known
            rows = [whole[:, :pressures], usual]
            self._taken = whole[:, pressures:].T.tolist()
        else:
            rows = [known[:, :pressures], usual, np.ones((1, pressures))]  # heights are counted from the tank's level
        self._matrix = np.vstack(rows)
        self._driven = np.empty(len(self._matrix))
