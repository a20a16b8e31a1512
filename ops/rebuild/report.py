"""How a rebuild tells whoever watches it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a partition's log begins for this rebuild; what is older comes from the old generation."""

    topic: str
    partition: int
    from_offset: int
    first_offset: int
    first_time: datetime | None
    """Log time of the first record there is; None where the partition holds none."""
    old_next: int
    """Where the old generation stands; below ``first_offset`` neither has what lies between."""


class Report(Protocol):
    """Told by the rebuild, in its own thread."""

    def say(self, line: str) -> None:
        """One line for a person."""

    def boundaries(self, found: Sequence[Boundary]) -> None:
        """The log does not hold its beginning."""

    def stage(self, name: str, total: int) -> None:
        """What is done now, and how much of it there is; 0 when that is not known."""

    def advance(self, done: int, rows: int = 0) -> None:
        """So much of the stage was done, and so many rows stored."""
