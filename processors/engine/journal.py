"""What was told in one zone since its states were written down, so that a half-folded event can be taken back.

A fold may have changed half of its state before it raised. Copying the state before every event would cost more than
the fold, so each slot keeps a checkpoint and the zone one journal for all of them; checkpoints are taken anew when the
journal weighs about as much as they do. So the price per event is a small constant whatever the size of the state.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from processors.engine.contract import Clock, Reading, ZoneEvent

_MIN_ENTRIES: Final = 32
_BYTES_PER_ENTRY: Final = 32  # of checkpoints that justify keeping one more


class Keeper(Protocol):
    """Whoever has a checkpoint."""

    def mark(self) -> int:
        """Take it anew; gives its size in bytes."""


class Told(NamedTuple):
    """What one slot alone was told."""

    slot: object
    event: ZoneEvent


class Journal:
    """The events of one zone behind the checkpoints of its slots."""

    __slots__ = ("clock", "entries", "keepers", "limit")

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.entries: list[Any] = []
        """Clocks, which hold for what is behind them; :class:`Told`; and readings that all who want them were told, as
        bare tuples of the fields of :class:`Reading`: one is made for every reading there is."""
        self.keepers: Iterable[Keeper] = ()
        self.limit = _MIN_ENTRIES

    def at(self, clock: Clock) -> None:
        """What comes next happens under this clock."""
        if len(self.entries) >= self.limit:
            weight = sum(keeper.mark() for keeper in self.keepers)
            self.entries.clear()
            self.clock = None
            self.limit = max(_MIN_ENTRIES, weight // _BYTES_PER_ENTRY)
        if clock is not self.clock:
            self.entries.append(clock)
            self.clock = clock

    def told(self, slot: object, first: int, last: int) -> Iterator[tuple[Any, Clock]]:
        """What a slot was told in these entries; of readings those that somebody wanted, not it alone."""
        clock: Clock | None = None
        for number, entry in enumerate(self.entries[:last]):
            if isinstance(entry, Clock):
                clock = entry
            elif number >= first:
                assert clock is not None, "a journal begins with a clock"
                if not isinstance(entry, Told):
                    yield Reading._make(entry), clock
                elif entry.slot is slot:
                    yield entry.event, clock
