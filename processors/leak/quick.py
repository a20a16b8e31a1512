"""The residuals of ticks with few array operations: :meth:`.rows.Reader.prepare` of their rows, and the regression.

At a tick of five minutes and thirty sensors an array operation costs more for being called than for what it adds up.
So the regression, the offsets and the known leaks are one matrix, made anew when one of them changes.
"""

from collections.abc import Sequence
from struct import Struct
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


class Sheet:
    """What is written anew for so many ticks at a time: terms, balance and weight of each, and what is left of it."""

    def __init__(self, width: int, left: Floats) -> None:
        """``left``: where what is left is to stand, ``[tick, output]``; ``width``: of terms, balance and weight."""
        count = len(left)
        self.left = left
        self._known = np.zeros((count, width))
        self._pack = Struct(f"{count * width}d").pack_into
        self.terms, self.balance, self.even = self._known[:, None, :-2], self._known[:, -2], self._known[:, -1:]
        self.product, self.pressures, self.balance_left = left[:, None, :-1], left[:, :-1], left[:, -1]

    def write(self, known: Sequence[float]) -> None:
        """Tick by tick. A list becomes an array so in a third of the time."""
        self._pack(self._known.data, 0, *known)


class Quick:
    """What a tick should read, derived from the state and never part of it."""

    def __init__(self, reader: Reader) -> None:
        """Nothing derived yet."""
        self.reader, self.model = reader, reader.model
        self.inflow = self.model.basis is Basis.INFLOW
        self._pumped = bool(reader.columns.pump)
        self._reference, self._unmetered = self.model.reference, self.model.unmetered
        basis = hydraulics.PUMPED if self.inflow else len(self.model.signatures) + 1  # the tank's level
        self.width = basis + hydraulics.regressors(self.model) + 2
        """Of a :class:`Sheet`."""
        self._one = Sheet(self.width, np.zeros((1, reader.pressures + 1)))
        self._known: Floats | None = None
        self._beta: Floats | None = None
        self._offset: Floats | None = None
        self._shifts = NOBODY
        self._matrix = np.zeros((0, 0))
        self._taken: list[list[float]] = []
        self._leaking = 0.0

    def residual(self, state: AreaState, kept: Floats32, reading: list[float]) -> Floats:
        """What is left of a row (NaN where something is lost), until the next is asked for.

        ``kept``: as it is kept; ``reading``: the same as a list, the balance at its end.
        """
        self.follow(state)
        self.leave(kept[None], [reading], reading[-1:], self._one)
        left: Floats = self._one.left[0]
        return left

    def leave(self, kept: Floats32, readings: list[list[float]], balances: list[float], sheet: Sheet) -> None:
        """Write to the sheet what is left of rows; each comes out as if it were alone.

        The state is that which was followed last.
        """
        known: list[float] = []
        for reading, balance in zip(readings, balances, strict=True):
            terms, even = self._terms(reading)
            known += terms
            known += (balance, even)
        sheet.write(known)
        np.matmul(sheet.terms, self._matrix, sheet.product)  # row by row
        pressures = sheet.pressures
        np.subtract(kept[:, : self.reader.pressures], pressures, pressures)
        np.multiply(pressures, sheet.even, pressures)
        np.subtract(sheet.balance, self._leaking / FLOW_UNIT, sheet.balance_left)

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

    def follow(self, state: AreaState) -> None:
        """Make the matrix anew if something was learnt or became known."""
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
