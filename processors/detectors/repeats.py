"""Whether a sensor that says the same again and again may be frozen, by how often it did so before."""

from typing import Final

import msgspec

_MOVES: Final = 4
"""So often a value must have changed before it is known to vary."""


class Repeats(msgspec.Struct, array_like=True):
    """Readings of one series, in order of time."""

    value: float | None = None
    same: int = 0
    """So many before the newest, in a row, said just that."""
    moves: int = 0
    repeats: int = 0
    """How often one was another than the one before, or the same, but for this row."""

    def hear(self, value: float) -> None:
        """The next reading."""
        if value == self.value:
            self.same += 1
            return
        if self.value is not None:
            self.moves += 1
            self.repeats += self.same
        self.value, self.same = value, 0

    def is_frozen(self, chance: float) -> bool:
        """Whether so many in a row that say the same, to the digit, have a smaller chance, by Laplace's rule."""
        if self.moves < _MOVES:
            return False
        share = (self.repeats + 1) / (self.repeats + self.moves + 2)
        return share**self.same < chance
