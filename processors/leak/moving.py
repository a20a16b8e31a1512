"""Whether plainly nobody stands still in some ticks of all areas; where it is not plain, :mod:`.liars` looks closer.

Number by number, with C's numbers where set-up could compile it (``moving.pxd``).
"""

from collections.abc import Sequence
from operator import is_not

import numpy as np
import numpy.typing as npt

from processors.leak.joined import Floats32, Joined
from processors.leak.liars import RUN_LEAST, Liars
from processors.leak.scale import WHOLE, Scale
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]


class Moving:
    """Looks at as many ticks as there are always; derived from the states of the areas, never part of them."""

    def __init__(self, liars: Sequence[Liars], joined: Joined, count: int) -> None:
        """``count`` ticks at once, in which nobody can both move and stand still for too long.

        Raises:
            ValueError: they are too many for that.
        """
        if count > RUN_LEAST:
            raise ValueError(f"who moves may stand still for too long in {count} ticks")
        self.liars, self.joined, self.count = liars, joined, count
        self._width = joined.columns[-1].stop
        self._limits = np.full(self._width, np.inf)  # a balance may stand still as it likes
        self._limits_of: list[Floats] = []
        self._at = joined.at
        self._units, self._share, self._scaled = np.ones(self._width), 1.0, False
        self._came = np.zeros((count, self._width))  # written anew every time
        self._soon = np.zeros(self._width)

    def count_in(self, scale: Scale) -> None:
        """Make of the sensors' values what the core counts in."""
        self._units, self._share, self._scaled = scale.of(self.joined.at).units, scale.share, True

    def read(self, ticks: Sequence[Sequence[float] | Floats], kept: Floats32, readings: Floats) -> bool:
        """Take the values of the sensors of the network in each tick; whether none is lost.

        Writes what each column was told as the inputs keep it, in single precision.
        """
        return self._read(ticks, self._came, kept, readings)

    def _read(self, ticks: Sequence[Sequence[float] | Floats], came: Floats, kept: Floats32, readings: Floats) -> bool:
        at, units, share, even, whole = self._at, self._units, self._share, WHOLE, True
        for tick in range(self.count):
            values = ticks[tick]
            for column in range(self._width):
                value = float(values[at[column]])
                if self._scaled:  # as in Scale.counted
                    value = (value / units[column] * share + even - even) / share
                came[tick, column] = value
                kept[tick, column] = value
                value = float(kept[tick, column])
                readings[tick, column] = value
                if value != value:  # noqa: PLR0124 - NaN
                    whole = False
        return whole

    def follow(self, states: Sequence[AreaState]) -> None:
        """Take over what was learnt of who stands still."""
        known = [state.repeats for state in states]
        if len(known) != len(self._limits_of) or any(map(is_not, known, self._limits_of)):
            self._limits_of = known
            limits = np.full(self._width, np.inf)
            for liars, state, own in zip(self.liars, states, self.joined.columns, strict=True):
                limits[own.start : own.stop - 1] = liars.longest(state)
            self._limits = limits

    def all_move(self, first: int) -> bool:
        """Take in what was read, of which nothing is lost, if plainly nobody stands still; else nothing is taken in.

        Who moved in so few ticks cannot have stood for too long in the last of them; so only who had not moved by the
        first must be looked at.
        """
        return self._all_move(self._came, self.joined.back, self.joined.moved, first)

    def _all_move(self, came: Floats, back: Floats, moved: Floats, first: int) -> bool:
        soon, limits, last = self._soon, self._limits, first + self.count - 1
        for column in range(self._width):
            before, when = back[column], moved[column]
            for tick in range(self.count):
                now = came[tick, column]
                if now != before or now == 0.0:  # zero is no lie: pumps rest
                    when = float(first + tick)
                if tick == 0 and when + limits[column] < last:
                    return False
                before = now
            soon[column] = when
        for column in range(self._width):
            moved[column], back[column] = soon[column], came[self.count - 1, column]
        return True
