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
from processors.leak.joined import stretches
from processors.leak.network import Basis
from processors.leak.rows import FLOW_UNIT, Reader
from processors.leak.state import AreaState, Shift

Floats = npt.NDArray[np.float64]

NOBODY: Final[list[Shift]] = []


class Quick:
    """What a tick should read, derived from the state and never part of it."""

    def __init__(self, reader: Reader) -> None:
        """Nothing derived yet."""
        self.reader, self.model = reader, reader.model
        self.inflow = self.model.basis is Basis.INFLOW
        self.pressures = reader.pressures
        basis = hydraulics.PUMPED if self.inflow else len(self.model.signatures) + 1  # the tank's level
        self.width = basis + hydraulics.regressors(self.model)
        """How many :meth:`terms` there are."""
        self.matrix = np.zeros((self.width, self.pressures))
        """What makes the expected pressures of them."""
        self.leaking = 0.0
        """What is known to leak, in the balance's unit."""
        self._pumped = bool(reader.columns.pump)
        self._reference, self._unmetered = self.model.reference, self.model.unmetered
        self._known: Floats | None = None
        self._beta: Floats | None = None
        self._offset: Floats | None = None
        self._shifts = NOBODY
        self._taken: list[list[float]] = []
        self._flow = 0.0

    def terms(self, reading: list[float]) -> tuple[list[float], float]:
        """What the matrix is multiplied with for the sensors of a tick, and the weight of the tick."""
        reader = self.reader
        if self.inflow:
            inflows = reading[reader.pressures : reader.pump]
            pump = reading[reader.pump] if self._pumped else 0.0
            return hydraulics.inflow_tick(inflows, pump, self._reference, self._flow, self._taken)
        used = reading[reader.used]
        terms, even = hydraulics.consumption_tick(used, self._unmetered, self._reference, self._flow)
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
        pressures = self.pressures
        known = state.known.copy()
        self._flow = state.known_flow
        for shift in state.shifts:
            known += shift.flow * self.model.signatures[:, int(np.searchsorted(self.reader.index, shift.pipe))]
            self._flow += shift.flow
        usual = state.beta[:, :pressures].copy()
        usual[0] += state.offset
        if self.inflow:
            whole = np.zeros((hydraulics.PUMPED, known.shape[1]))  # without a pump its terms do nothing
            whole[: len(known)] = known
            rows = [whole[:, :pressures], usual]
            self._taken = whole[:, pressures:].T.tolist()
        else:
            rows = [known[:, :pressures], usual, np.ones((1, pressures))]  # heights are counted from the tank's level
        self.matrix = np.vstack(rows)
        self.leaking = self._flow / FLOW_UNIT


class Sheet:
    """What is left of some ticks of some areas, side by side; written anew every time.

    What an array operation costs here is its being called, so all that is known of a tick is packed into one row.
    """

    def __init__(self, quicks: Sequence[Quick], count: int) -> None:
        """``count`` ticks at once."""
        self.quicks = quicks
        terms, outputs = stretches([one.width for one in quicks]), stretches([one.pressures + 1 for one in quicks])
        first, width = terms[-1].stop, outputs[-1].stop
        evens = first + width
        self._rows = np.zeros((count, evens + len(quicks) + 1))
        self._pack = Struct(f"{self._rows.size}d").pack_into  # a list becomes an array so in a third of the time
        self._terms = [self._rows[:, None, own] for own in terms]
        self._kept = self._rows[:, first:evens]
        places = [[evens + place] * one.pressures + [evens + len(quicks)] for place, one in enumerate(quicks)]
        self._even_at = np.concatenate(places)
        self._even, self._expected, self._left = np.zeros((3, count, width))  # of a balance nothing is expected
        self._products = [self._expected[:, None, own.start : own.stop - 1] for own in outputs]

    def leave(self, ticks: Sequence[Sequence[list[float]]]) -> Floats:
        """What the regression leaves, ``[tick, output]``, of the readings of each area, the balance at their end.

        It stands until the next is asked for. Each tick comes out as if it were alone, NaN where something is lost.
        The states are those that were followed last.
        """
        known: list[float] = []
        for readings in ticks:
            kept: list[float] = []
            evens: list[float] = []
            for quick, reading in zip(self.quicks, readings, strict=True):
                terms, even = quick.terms(reading)
                known += terms
                kept += reading[: quick.pressures]
                kept.append(reading[-1] - quick.leaking)
                evens.append(even)
            known += kept
            known += evens
            known.append(1.0)
        self._pack(self._rows.data, 0, *known)
        for quick, own, product in zip(self.quicks, self._terms, self._products, strict=True):
            np.matmul(own, quick.matrix, product)  # row by row
        self._rows.take(self._even_at, 1, self._even, "clip")
        left: Floats = np.subtract(self._kept, self._expected, self._left)
        left *= self._even
        return left
