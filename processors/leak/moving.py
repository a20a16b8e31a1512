"""Whether plainly nobody stands still in some ticks of all areas; where it is not plain, :mod:`.liars` looks closer."""

from collections.abc import Sequence
from itertools import chain
from operator import is_not, itemgetter
from struct import Struct

import numpy as np
import numpy.typing as npt

from processors.leak.joined import Joined
from processors.leak.liars import RUN_LEAST, Liars
from processors.leak.scale import Scale
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
        width = joined.columns[-1].stop
        self._limits = np.full(width, np.inf)  # a balance may stand still as it likes
        self._limits_of: list[Floats] = []
        self._pick = itemgetter(*joined.at.tolist())
        self._scale: Scale | None = None
        # written anew every time: the row before and those that came; when who moved
        self._rows = np.zeros((count + 1, width))
        self._row, self._before, self._came = self._rows[0], self._rows[:-1], self._rows[1:]
        self._pack, self._ticked = Struct(f"{self._came.size}d").pack_into, Struct(f"{count}d").pack_into
        self._moved, self._zero = np.zeros((2, count, width), dtype=np.bool_)
        self._ticks, self._when = np.zeros((count, 1)), np.zeros((count, width))
        self._first, self._soon = self._when[0], np.zeros(width)

    def count_in(self, scale: Scale) -> None:
        """Make of the sensors' values what the core counts in."""
        self._scale = scale.of(self.joined.at)

    def read(self, ticks: Sequence[Sequence[float] | Floats]) -> Floats:
        """What each column was told in each tick, of the values of the sensors of the network."""
        self._pack(self._came.data, 0, *chain.from_iterable(map(self._pick, ticks)))
        return self._came if self._scale is None else self._scale.counted(self._came)

    def follow(self, states: Sequence[AreaState]) -> None:
        """Take over what was learnt of who stands still."""
        known = [state.repeats for state in states]
        if len(known) != len(self._limits_of) or any(map(is_not, known, self._limits_of)):
            self._limits_of = known
            for liars, state, own in zip(self.liars, states, self.joined.columns, strict=True):
                self._limits[own.start : own.stop - 1] = liars.longest(state)

    def all_move(self, first: int) -> bool:
        """Take in what was read, of which nothing is lost, if plainly nobody stands still; else nothing is taken in.

        Who moved in so few ticks cannot have stood for too long in the last of them; so only who had not moved by the
        first must be looked at.
        """
        joined, moved, when = self.joined, self._moved, self._when
        self._row[:] = joined.back
        np.not_equal(self._came, self._before, moved)
        np.logical_or(moved, np.equal(self._came, 0.0, self._zero), moved)  # zero is no lie: pumps rest
        self._ticked(self._ticks.data, 0, *range(first, first + self.count))
        np.multiply(moved, self._ticks, when)
        np.maximum(self._first, joined.moved, out=self._first)
        if np.minimum.reduce(np.add(self._first, self._limits, self._soon)) < first + self.count - 1:
            return False
        np.maximum.reduce(when, 0, None, joined.moved)
        joined.back[:] = self._rows[-1]
        return True
