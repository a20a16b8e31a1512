"""What the regression leaves of ticks, with few array operations: :meth:`.rows.Reader.prepare` of their rows.

At a tick of five minutes and thirty sensors an array operation costs more for being called than for what it adds up.
So the regression, the offsets and the known leaks are one matrix, made anew when one of them changes, and what it is
multiplied with is reckoned number by number: with C's numbers where set-up could compile it, as ``quick.pxd`` says
(docs/decisions/0031-compiled-modules.md).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak import hydraulics
from processors.leak.hydraulics import BENT, FLOOR, LEAST, LOSS, SLOPE
from processors.leak.joined import stretches
from processors.leak.learning import usual_inflow
from processors.leak.network import Basis
from processors.leak.rows import FLOW_UNIT, LOWEST_LEVEL_M, Reader
from processors.leak.state import AreaState, Shift

Floats = npt.NDArray[np.float64]

NOBODY: Final[list[Shift]] = []


class Quick:
    """What a tick should read, derived from the state and never part of it."""

    def __init__(self, reader: Reader) -> None:
        """Nothing derived yet."""
        self.reader, self.model = reader, reader.model
        self.inflow = self.model.basis is Basis.INFLOW
        self.pressures, self.sensors = reader.pressures, reader.width
        basis = hydraulics.PUMPED if self.inflow else len(self.model.signatures) + 1  # the tank's level
        self.width = basis + hydraulics.regressors(self.model)
        """How many :meth:`terms` there are."""
        self.matrix = np.zeros((self.width, self.pressures))
        """What makes the expected pressures of them."""
        self.leaking = 0.0
        """What is known to leak, in the balance's unit."""
        self._pumped, self._levelled = bool(reader.columns.pump), bool(reader.columns.level)
        self._pump, self._level, self._used = reader.pump, reader.level, reader.used
        self._tank_m2, self._per_day = self.model.tank_m2, reader.per_day
        self._reference, self._unmetered = self.model.reference, self.model.unmetered
        self._known: Floats | None = None
        self._beta: Floats | None = None
        self._offset: Floats | None = None
        self._shifts = NOBODY
        self._taken = np.zeros((len(self.model.inflows), hydraulics.PUMPED))
        self._flows = np.zeros(len(self.model.inflows))  # written anew every time
        self._flow = 0.0
        self._expected: Floats | None = None
        self._day = -1
        self._usual = np.zeros(reader.per_day)

    def is_dry(self, readings: Floats, begin: int) -> bool:
        """Whether a tank is about to run dry in any of the ticks; the area's columns begin at ``begin``."""
        if self._levelled:
            for tick in range(len(readings)):
                if readings[tick, begin + self._level] < LOWEST_LEVEL_M:
                    return True
        return False

    def balance(self, state: AreaState, readings: Floats, begin: int, row: int, number: int) -> None:
        """Write behind the readings what flows in and is not accounted for in ticks from ``number`` on, within a day.

        In hundreds of m3/h. The first of the ticks is the state's ``row``; the area's columns begin at ``begin``.
        """
        end, unit = begin + self.sensors, FLOW_UNIT
        if not self.inflow:
            before = float(state.inputs[row - 1, self._level] if row else readings[0, begin + self._level])
            for tick in range(len(readings)):
                level = readings[tick, begin + self._level]
                rise = (level - before) * self._tank_m2 * self._per_day / 24.0
                readings[tick, end] = (
                    readings[tick, begin + self._pump] - rise - readings[tick, begin + self._used]
                ) / unit
                before = level
            return
        day = number // self._per_day
        if self._expected is not state.expected or self._day != day:
            self._expected, self._day = state.expected, day
            self._usual = usual_inflow(state, day, self._per_day)
        place = number - day * self._per_day
        for tick in range(len(readings)):
            total = 0.0
            for column in range(begin + self.pressures, begin + self._pump):
                total += readings[tick, column]
            if self._pumped:
                total -= readings[tick, begin + self._pump]
            readings[tick, end] = total / unit - self._usual[place + tick]

    def terms(self, readings: Floats, tick: int, begin: int, into: Floats) -> float:
        """Write what the matrix is multiplied with for the sensors of a tick, and give the weight of the tick.

        They are :func:`.hydraulics.basis` (with a pump) and :func:`.hydraulics.inflow_regressors`, or those of an area
        behind a tank, and :func:`.hydraulics.scale`.
        """
        reference, loss, bent, floor = self._reference, LOSS, BENT, FLOOR
        if not self.inflow:
            used = float(readings[tick, begin + self._used])
            load = (used * self._unmetered + 0.5 * self._flow) / reference
            into[tick, 0] = into[tick, 2] = 1.0
            into[tick, 1] = _sloped(load)
            share = abs(used) / reference
            into[tick, 3] = share
            into[tick, 4] = share**loss
            into[tick, 5] = readings[tick, begin + self._level]
            return 1.0 / (_sloped(used / reference) + floor)
        pump = float(readings[tick, begin + self._pump]) if self._pumped else 0.0
        total = 0.0
        for column in range(begin + self.pressures, begin + self._pump):
            total += readings[tick, column]
        u = _sloped((total - 0.5 * self._flow) / reference)
        on = 1.0 if pump > 1.0 else 0.0
        into[tick, 0], into[tick, 1], into[tick, 2], into[tick, 3] = 1.0, u, on, on * u
        total = 0.0
        taken, flows = self._taken, self._flows
        for inflow in range(len(flows)):
            known = taken[inflow, 0] + on * taken[inflow, 2] + (taken[inflow, 1] + on * taken[inflow, 3]) * u
            flows[inflow] = readings[tick, begin + self.pressures + inflow] - known
            total += flows[inflow]
        total = float(total) / reference
        clipped, drawn = abs(total), pump / (0.25 * reference)
        into[tick, 4], into[tick, 5], into[tick, 6], into[tick, 7] = 1.0, total, clipped**loss, clipped**bent
        into[tick, 8], into[tick, 9] = drawn, drawn * total
        first = flows[0]
        for inflow in range(1, len(flows)):
            split = (first - flows[inflow]) / reference
            at = 7 + 3 * inflow
            into[tick, at], into[tick, at + 1], into[tick, at + 2] = split, split * total, split * split
        return 1.0 / (_sloped(total) + floor)

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
            self._taken = np.ascontiguousarray(whole[:, pressures:].T)
        else:
            rows = [known[:, :pressures], usual, np.ones((1, pressures))]  # heights are counted from the tank's level
        self.matrix = np.vstack(rows)
        self.leaking = self._flow / FLOW_UNIT


def _sloped(load: float) -> float:
    """Load as leaks and noise answer to it; NaN stays NaN."""
    least, slope = LEAST, SLOPE
    sloped: float = (least if load < least else float(load)) ** slope
    return sloped


class Sheet:
    """What is left of some ticks of some areas, side by side; written anew every time."""

    def __init__(self, quicks: Sequence[Quick], count: int) -> None:
        """``count`` ticks at once; of each area the columns stand behind those of the one before, its balance last."""
        self.quicks = list(quicks)
        self._begins = [own.start for own in stretches([one.sensors + 1 for one in quicks])]
        outputs = stretches([one.pressures + 1 for one in quicks])
        self._outputs = [own.start for own in outputs]
        self._terms = [np.zeros((count, one.width)) for one in quicks]
        self._rows = [one[:, None, :] for one in self._terms]
        width = outputs[-1].stop
        self._expected, self._left = np.zeros((count, width)), np.zeros((count, width))
        self._products = [self._expected[:, None, own.start : own.stop - 1] for own in outputs]
        self._evens = np.zeros(count)

    def leave(self, readings: Floats) -> Floats:
        """What the regression leaves, ``[tick, output]``, of the readings of all areas, ``[tick, sensor]``.

        It stands until the next is asked for. Each tick comes out as if it were alone, NaN where something is lost.
        The states are those that were followed last.
        """
        for place in range(len(self.quicks)):
            self._leave(place, self.quicks[place], readings, self._terms[place], self._expected, self._left)
        return self._left

    def _leave(self, place: int, quick: Quick, readings: Floats, terms: Floats, expected: Floats, left: Floats) -> None:
        """The part of one area."""
        begin, output, evens = self._begins[place], self._outputs[place], self._evens
        for tick in range(len(readings)):
            evens[tick] = quick.terms(readings, tick, begin, terms)
        np.matmul(self._rows[place], quick.matrix, self._products[place])  # row by row
        for tick in range(len(readings)):
            even = evens[tick]
            for pressure in range(quick.pressures):
                at = output + pressure
                left[tick, at] = (readings[tick, begin + pressure] - expected[tick, at]) * even
            left[tick, output + quick.pressures] = readings[tick, begin + quick.sensors] - quick.leaking
