# cython: boundscheck=False, wraparound=False
"""Whether some ticks of all areas are quiet, as nearly all are: one look at all windows, ticks and areas.

It may find too much, never too little: :mod:`.gate` looks at what is found again. Number by number, with C's numbers
where set-up could compile it (``hush.pxd``). Then nothing checks a place in an array or list, which the first line
says: no place here may be counted from the end.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from processors.leak.gate import LEAST_BASELINE, NEARLY, Gate, Whiteners
from processors.leak.joined import Floats32, Joined
from processors.leak.settings import WINDOWS
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]


class Hush:
    """Looks at as many ticks as there are always; derived from the states of the areas, never part of them."""

    def __init__(self, gates: Sequence[Gate], joined: Joined, count: int, per_day: int) -> None:
        """``count`` ticks at once."""
        self.gates, self.joined, self.count, self._day = list(gates), joined, count, per_day
        self._limits = [NEARLY * gate.least for gate in gates]
        self._begins = [own.start for own in joined.outputs]
        self._windows = np.array(WINDOWS, dtype=np.intp)
        self._made: list[Whiteners] = []
        self._roots = [np.zeros((len(WINDOWS), 0, 0)) for _ in gates]
        self._shift, self._white = np.zeros((2, joined.sums.shape[1]))  # written anew every time
        self._loud = np.zeros((len(self.gates), count), dtype=np.intp)

    def follow(self, states: Sequence[AreaState], made: list[Whiteners]) -> None:
        """Take over what was learnt of the noise, and what became of residuals that were not looked at here."""
        for gate, state in zip(self.gates, states, strict=True):
            gate.follow(state)
        if self._made != made:
            self._made = made
            self._roots = [np.ascontiguousarray(one.roots.transpose(0, 2, 1)) for one in made]

    def maybe(self, row: int, behind: Sequence[int]) -> list[list[int]] | None:
        """Of each area, which of the ticks whose residuals stand from ``row`` on may be loud; None: all are quiet.

        ``behind``: of each area, how many ticks there are to compare at the first of them, itself included.
        """
        end = row + self.count
        for gate in self.gates:
            gate.reaches(end)
        self._add_up(self.joined.sums, self.joined.residuals, row)
        loud = False
        for area in range(len(self.gates)):
            loud |= self._look(area, self._roots[area], self.joined.sums, row, behind[area])
        return [np.flatnonzero(one).tolist() for one in self._loud] if loud else None

    def _add_up(self, sums: Floats, residuals: Floats32, row: int) -> None:
        """Carry the running sums on."""
        for place in range(row, row + self.count):
            for output in range(len(self._shift)):
                sums[place + 1, output] = sums[place, output] + float(residuals[place, output])

    def _look(self, area: int, roots: Floats, sums: Floats, row: int, behind: int) -> bool:
        """Note which ticks of an area may be loud; whether any may.

        As :class:`.gate.Gate` has it: shortly after a shift there is less than a day to compare with, which makes
        windows noisier, and there are no long ones.
        """
        least, begin, width, found = self._limits[area], self._begins[area], roots.shape[1], False
        shift, white, windows, loud = self._shift, self._white, self._windows, self._loud
        for place in range(self.count):
            end, loud[area, place] = row + place + 1, 0
            for window in range(len(windows)):
                ticks = windows[window]
                before = min(behind + place - ticks, self._day)
                if before < LEAST_BASELINE or ticks > 2 * before:
                    break
                middle = end - ticks
                first = middle - before
                span, part = 1.0 / ticks, 1.0 / before
                for output in range(width):
                    at = begin + output
                    since = sums[middle, at]
                    shift[output] = (sums[end, at] - since) * span - (since - sums[first, at]) * part
                    white[output] = 0.0
                for output in range(width):
                    for other in range(output, width):  # nothing stands below: roots are triangles
                        white[other] += roots[window, output, other] * shift[output]
                power = 0.0
                for output in range(width):
                    power += white[output] * white[output]
                if power * (1.0 + ticks * 1.0 / self._day) >= least * (1.0 + ticks * part):
                    loud[area, place], found = 1, True
                    break
        return found
