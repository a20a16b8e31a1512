"""What was told in one zone since its states were written down, so that a half-folded event can be taken back.

A fold may have changed half of its state before it raised. Copying the state before every event would cost more than
the fold, so each slot keeps a checkpoint and the zone one journal for all of them; checkpoints are taken anew when the
journal weighs about as much as they do. So the price per event is a small constant whatever the size of the state.

Calm readings are noted here before anybody is told of them: :meth:`Journal.settle` does both. So they stand here in the
order of their series, not of their coming, which must not matter (:class:`processors.engine.contract.Calm`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

from processors.engine.contract import ANY_MS, Absorb, Clock, Kept, Reading, Series, ZoneEvent
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
    kept: list[Kept]
    absorbs: dict[Any, "Absorbing"]
    """By slot."""
    until_ms: int
    """The least of theirs."""

    def write(self) -> None:
        """Note in the journal what was kept since the last time."""

    def told(self) -> None:
        """All were told what was kept: begin anew."""


class Absorbing:
    """Somebody who takes in what is kept of one series, and how much of it he has.

    Where that state was made anew, from a journal in which all of it stands as well, he takes it in for nobody.
    """

    __slots__ = ("absorb", "until_ms", "upto")

    def __init__(self, absorb: Absorb, until_ms: int) -> None:
        self.absorb = absorb
        self.until_ms = until_ms
        self.upto = 0

    def take_in(self, dozer: Dozer) -> bool:
        """Take in what is new; False: it raised, and whoever it belongs to must live it all again."""
        kept, upto = dozer.kept, self.upto
        if upto == len(kept):
            return True
        self.upto = len(kept)
        try:
            until_ms = self.absorb(kept[upto:] if upto else kept)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the fold will meet it again and say so
            return False
        if until_ms is not None and until_ms != self.until_ms:
            self.until_ms = until_ms
            dozer.until_ms = min(ANY_MS, *[one.until_ms for one in dozer.absorbs.values()])
        return True


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

    __slots__ = ("dozing", "entries", "forget", "keepers", "limit")

    def __init__(self, forget: Callable[[], None] = lambda: None) -> None:
        """Begin empty; ``forget`` is called where a state was made anew: nobody may hold on to the old one."""
        self.entries: list[Any] = []
        """:class:`Told`; and readings that all who want them were told, as bare tuples of the fields of
        :class:`processors.engine.contract.Kept`, one made for every reading there is, or lists of such."""
        self.keepers: Iterable[Keeper] = ()
        self.dozing: list[Dozer] = []
        """Who keeps readings that were not told yet."""
        self.forget = forget
        self.limit = _MIN_ENTRIES

    def settle(self, slot: Keeper) -> list[Spoilt]:
        """Tell one of them what was kept; gives what could not be told.

        What says nothing to it need not be noted yet: it would not miss it if it were to live the journal again.
        """
        failed = False
        for dozer in self.dozing:
            one = dozer.absorbs.get(slot)
            if one is not None and one.upto < len(dozer.kept):
                dozer.write()
                failed |= not one.take_in(dozer)
        return self._relived([slot]) if failed else []

    def newest(self) -> dict[str, int]:
        """Of each device of which readings are kept, the clock time of the newest."""
        found: dict[str, int] = {}
        for dozer in self.dozing:
            if dozer.kept and dozer.series is not None:
                device, now_ms = dozer.series.device, dozer.kept[-1][-1].now_ms
                if found.setdefault(device, now_ms) < now_ms:
                    found[device] = now_ms
        return found

    def settle_all(self) -> list[Spoilt]:
        """Tell all what was kept, which ends the keeping; gives what could not be told."""
        dozing, self.dozing, failed = self.dozing, [], []
        for dozer in dozing:
            dozer.write()
            failed += [slot for slot, one in dozer.absorbs.items() if not one.take_in(dozer)]
            dozer.told()
        return self._relived(failed) if failed else []

    def note(self, rows: list[Kept]) -> None:
        """Readings of one series that were kept: together, but they fill it as if each stood by itself."""
        if len(rows) == 1:
            self.entries.append(rows[0])
        else:
            self.entries.append(rows)
            self.limit -= len(rows) - 1

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

    def _relived(self, slots: list[Any]) -> list[Spoilt]:
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
            if not isinstance(entry, Told):
                for row in entry if isinstance(entry, list) else (entry,):
                    yield Reading._make(row[:-1]), row[-1]
            elif entry.slot is slot:
                yield entry.event, entry.clock
