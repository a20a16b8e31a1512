"""What was told in one zone since its states were written down, so that a half-folded event can be taken back.

A fold may have changed half of its state before it raised. Copying the state before every event would cost more than
the fold, so each slot keeps a checkpoint and the zone one journal for all of them; checkpoints are taken anew when the
journal weighs about as much as they do. So the price per event is a small constant whatever the size of the state.

Calm readings are noted here before anybody is told of them: :meth:`Journal.settle` does both. So they stand here in the
order of their series, not of their coming, which must not matter (:class:`processors.engine.contract.Calm`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from processors.engine.contract import Clock, Reading, Series, ZoneEvent
from processors.engine.kept import Kept, Whence
from runtime.errors import PoisonError

_MIN_ENTRIES: Final = 32
_BYTES_PER_ENTRY: Final = 32  # of checkpoints that justify keeping one more


class Keeper(Protocol):
    """Whoever has a checkpoint."""

    def mark(self) -> int:
        """Take it anew; gives its size in bytes."""

    def relive(self) -> list["Spoilt"]:
        """Begin at it again and be told all that stands in the journal; gives what could not be told."""


class Dozer(Protocol):
    """Whoever keeps calm readings of a series."""

    series: Series | None
    kept: Kept
    dozes: bool
    """Whether it stands among those that keep any."""

    def write(self) -> None:
        """Note in the journal what was kept since the last time."""

    def tell(self) -> list[Any]:
        """Tell all what was kept, and begin anew; gives those who raised, who must live it all again."""

    def tell_one(self, slot: Any) -> bool:
        """Tell one of them; False: it raised, and must live it all again."""


class Told:
    """What one slot alone was told."""

    __slots__ = ("clock", "event", "slot")

    def __init__(self, slot: object, event: ZoneEvent, clock: Clock) -> None:
        self.slot = slot
        self.event = event
        self.clock = clock


class Spoilt(NamedTuple):
    """An event that somebody could not be told."""

    slot: Any
    event: ZoneEvent
    clock: Clock
    error: PoisonError


class Journal:
    """The events of one zone behind the checkpoints of its slots."""

    __slots__ = ("dozing", "entries", "forget", "keepers", "limit", "whences")

    def __init__(self, forget: Callable[[], None] = lambda: None) -> None:
        """Begin empty; ``forget`` is called where a state was made anew: nobody may hold on to the old one."""
        self.entries: list[Any] = []
        """:class:`Told`; and readings that all who want them were told: a :data:`processors.engine.kept.Row`, or
        some that were kept, from one index to before another, as a tuple of these three."""
        self.keepers: Iterable[Keeper] = ()
        self.dozing: list[Dozer] = []
        """Who keeps readings that were not told yet."""
        self.whences: list[Whence] = []
        """By what batches those came that are kept."""
        self.forget = forget
        self.limit = _MIN_ENTRIES

    def settle(self, slot: Keeper) -> list[Spoilt]:
        """Tell one of them what was kept; gives what could not be told.

        What says nothing to it need not be noted yet: it would not miss it if it were to live the journal again.
        """
        done = True
        for dozer in self.dozing:
            done &= dozer.tell_one(slot)
        return [] if done else self.relived([slot])

    def settle_all(self) -> list[Spoilt]:
        """Tell all what was kept, which ends the keeping; gives what could not be told."""
        dozing, self.dozing, failed = self.dozing, [], []
        for dozer in dozing:
            dozer.dozes = False
            failed += dozer.tell()
        self.whences = []
        return self.relived(failed) if failed else []

    def note(self, kept: Kept, first: int) -> None:
        """Readings of one series that were kept: together, but they fill it as if each stood by itself."""
        after = kept.count
        if after - first == 1:
            self.entries.append(kept.row(first))
        else:
            self.entries.append((kept, first, after))
            self.limit -= after - first - 1

    def write(self) -> None:
        """Note all that was kept; nobody is told.

        Whose state is made anew lives all of it again, and what he had offered to take in is worth nothing any more.
        """
        for dozer in self.dozing:
            dozer.write()

    def write_before_last(self) -> None:
        """The same, when what was noted last is about to be told, and may have to be taken back."""
        if self.dozing:
            last = self.entries.pop()
            self.write()
            self.entries.append(last)

    def relived(self, slots: list[Any]) -> list[Spoilt]:
        """Make the states of these anew, with all that is kept; gives what could not be told."""
        self.write()
        self.forget()
        return [spoilt for slot in dict.fromkeys(slots) for spoilt in slot.relive()]

    def renew(self) -> None:
        """Take checkpoints anew and forget what stands before them, if that is worth it; nothing may be kept."""
        if len(self.entries) >= self.limit:
            self.begin()

    def begin(self) -> None:
        """The same, worth it or not; where nothing was told since, checkpoints are as states are."""
        if not self.entries:
            return
        self.weigh(sum(keeper.mark() for keeper in self.keepers))
        self.entries.clear()

    def weigh(self, size: int) -> None:
        """So many bytes of checkpoints stand before it: it may become so long."""
        self.limit = max(_MIN_ENTRIES, size // _BYTES_PER_ENTRY)

    def told(self, slot: object, first: int, last: int) -> Iterator[tuple[Any, Clock]]:
        """What a slot was told in these entries; of readings those that somebody wanted, not it alone."""
        for entry in self.entries[first:last]:
            if isinstance(entry, Told):
                if entry.slot is slot:
                    yield entry.event, entry.clock
            elif isinstance(entry[0], Kept):
                kept, begin, end = entry
                for at in range(begin, end):
                    row = kept.row(at)
                    yield Reading._make(row[:-1]), row[-1]
            else:
                yield Reading._make(entry[:-1]), entry[-1]
