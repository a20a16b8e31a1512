"""Whether some ticks of all areas are quiet, as nearly all are: one look at all windows, ticks and areas.

It may find too much, never too little: :mod:`.gate` looks at what is found again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from processors.leak.gate import NEARLY, Gate, Whiteners
from processors.leak.joined import Joined
from processors.leak.settings import WINDOWS
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]


class Hush:
    """Looks at as many ticks as there are always; derived from the states of the areas, never part of them."""

    def __init__(self, gates: Sequence[Gate], joined: Joined, count: int) -> None:
        """``count`` ticks at once."""
        self.gates, self.joined, self.count = gates, joined, count
        plan, width = gates[0].whole, joined.outputs[-1].stop
        self._mix = plan.mix
        self._places = np.maximum(np.arange(len(joined.sums)) + plan.edges[:, None], 0)
        self._made: list[Whiteners] = []
        self._roots = np.zeros((len(WINDOWS), width, width))
        self._shares = np.zeros((width, len(gates)))
        for area, (gate, own) in enumerate(zip(gates, joined.outputs, strict=True)):
            self._shares[own, area] = 1.0 / (NEARLY * gate.least)
        # written anew every time
        self._edges = np.zeros((len(plan.edges), count, width))
        self._shifts, self._white = np.zeros((2, len(WINDOWS), count, width))
        self._flat = self._edges.reshape(len(plan.edges), -1), self._shifts.reshape(len(WINDOWS), -1)
        self._rows = self._white.reshape(-1, width)
        self._power = np.zeros((len(WINDOWS) * count, len(gates)))

    def follow(self, states: Sequence[AreaState], made: list[Whiteners]) -> None:
        """Take over what was learnt of the noise, and what became of residuals that were not looked at here."""
        for gate, state in zip(self.gates, states, strict=True):
            gate.follow(state)
        if self._made != made:
            self._made = made
            for one, own in zip(made, self.joined.outputs, strict=True):
                self._roots[:, own, own] = one.roots.transpose(0, 2, 1)

    def maybe(self, row: int) -> list[list[int]] | None:
        """Of each area, which of the ticks whose residuals stand from ``row`` on may be loud; None: all are quiet.

        Of all of them all windows and the day before them must be there.
        """
        end = row + self.count
        for gate in self.gates:
            gate.reaches(end)
        sums = self.joined.sums[row : end + 1]
        sums[1:] = self.joined.residuals[row:end]
        np.add.accumulate(sums, 0, None, sums)
        self.joined.sums.take(self._places[:, row + 1 : end + 1], 0, self._edges, "clip")
        self._mix.dot(*self._flat)
        np.matmul(self._shifts, self._roots, self._white)
        np.multiply(self._rows, self._rows, self._rows)
        power = self._rows.dot(self._shares, self._power)
        if np.maximum.reduce(power, None) < 1.0:
            return None
        most = power.reshape(len(WINDOWS), self.count, -1).max(axis=0)
        return [[place for place in range(self.count) if most[place, area] >= 1.0] for area in range(len(self.gates))]
