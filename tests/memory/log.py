"""A log in memory that behaves as Kafka does where it matters: transactions, read_committed, fencing, retention.

The engine's ports over it are in ``tests/unit/processors/memory_ports.py``, kafka-python's clients in
:mod:`tests.memory.consumer` and :mod:`tests.memory.producer`.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from processors.engine.ports import Bounds
from runtime.errors import FencedError

At = tuple[str, int]
"""Topic and partition."""


class Fate(Enum):
    """What became of a transaction."""

    OPEN = auto()
    COMMITTED = auto()
    ABORTED = auto()


@dataclass(eq=False)
class Transaction:
    """Records and offsets that become visible together; the log keeps its markers where Kafka would."""

    transactional_id: str
    epoch: int
    fate: Fate = Fate.OPEN
    touched: dict[At, None] = field(default_factory=dict)
    offsets: dict[tuple[str, At], int] = field(default_factory=dict)
    notes: dict[tuple[str, At], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One offset of a partition: a record, a tombstone, or (of a transaction, without a value) a marker."""

    value: bytes | None
    transaction: Transaction | None = None
    key: bytes = b""
    timestamp_ms: int = 0


class MemoryLog:
    """Partitions and the offsets of groups."""

    def __init__(self) -> None:
        self._entries: defaultdict[At, list[Entry]] = defaultdict(list)
        self._starts: defaultdict[At, int] = defaultdict(int)
        self._offsets: dict[tuple[str, At], int] = {}
        self._notes: dict[tuple[str, At], str] = {}
        self._epochs: defaultdict[str, int] = defaultdict(int)
        self._open: dict[str, Transaction] = {}

    # plain writers

    def append(self, at: At, *values: bytes | None, key: bytes = b"", timestamp_ms: int = 0) -> int:
        """Write records (None: tombstones) outside of any transaction; gives the offset of the last."""
        self._entries[at] += [Entry(value, key=key, timestamp_ms=timestamp_ms) for value in values]
        return len(self._entries[at]) - 1

    def delete_before(self, at: At, offset: int) -> None:
        """Retention passes over everything below ``offset``."""
        self._starts[at] = max(self._starts[at], offset)

    # readers, all of them read_committed

    def bounds(self, at: At) -> Bounds:
        """The first offset kept, and the last stable one: what lies behind an open transaction is not there yet."""
        entries = self._entries[at]
        end = len(entries)
        if self._open:
            end = next((i for i, entry in enumerate(entries) if _is_open(entry)), end)
        return Bounds(self._starts[at], end)

    def read(self, at: At, offset: int, max_records: int) -> tuple[list[tuple[int, bytes | None]], int]:
        """Records from ``offset`` on, and where to read next, beyond markers (given to no reader) and what was aborted.

        Raises:
            LookupError: the log no longer holds this offset.
        """
        start, end = self.bounds(at)
        if offset < start:
            raise LookupError(offset)
        found: list[tuple[int, bytes | None]] = []
        while offset < end and len(found) < max_records:
            entry = self._entries[at][offset]
            if entry.transaction is None or (entry.value is not None and entry.transaction.fate is Fate.COMMITTED):
                found.append((offset, entry.value))
            offset += 1
        return found, offset

    def spoil(self, at: At, dice: random.Random) -> None:
        """A bit of one of the last records turns; nothing happens where there is none."""
        entries = self._entries[at]
        found = [n for n, entry in enumerate(entries) if entry.value is not None and n >= len(entries) - 100]
        if found:
            n = dice.choice(found)
            value = bytearray(entries[n].value or b"")
            value[dice.randrange(len(value))] ^= 1 << dice.randrange(8)
            entries[n] = replace(entries[n], value=bytes(value))

    def history(self, at: At) -> list[tuple[int, bytes]]:
        """Everything that was ever written by plain writers, retention or not."""
        return [(n, entry.value) for n, entry in enumerate(self._entries[at]) if entry.value is not None]

    def entry(self, at: At, offset: int) -> Entry:
        """What stands there."""
        return self._entries[at][offset]

    def values(self, at: At) -> list[bytes | None]:
        """Everything a reader is given from the start."""
        return [value for _, value in self.read(at, self.bounds(at).start, len(self._entries[at]))[0]]

    def committed(self, group: str, at: At) -> int | None:
        """The group's offset."""
        return self._offsets.get((group, at))

    def note(self, group: str, at: At) -> str:
        """What was committed beside the group's offset."""
        return self._notes.get((group, at), "")

    def set_offset(self, group: str, at: At, offset: int) -> None:
        """An operator (or another worker) commits."""
        self._offsets[group, at] = offset

    # transactions

    def init(self, transactional_id: str) -> int:
        """Fence older producers of this id and abort what they left open; gives the new epoch."""
        if transactional_id in self._open:
            self._end(self._open[transactional_id], Fate.ABORTED)
        self._epochs[transactional_id] += 1
        return self._epochs[transactional_id]

    def begin(self, transactional_id: str, epoch: int) -> Transaction:
        """Raises:
        FencedError: a newer producer has this id.
        """
        self._check(transactional_id, epoch)
        transaction = self._open[transactional_id] = Transaction(transactional_id, epoch)
        return transaction

    def send(self, transaction: Transaction, at: At, value: bytes) -> None:
        """Write a record that nobody sees before :meth:`commit`.

        Raises:
            FencedError: a newer producer has this id.
        """
        self._check(transaction.transactional_id, transaction.epoch)
        transaction.touched[at] = None
        self._entries[at].append(Entry(value, transaction))

    def commit(self, transaction: Transaction) -> None:
        """Make records and offsets visible.

        Raises:
            FencedError: a newer producer has this id.
        """
        self._check(transaction.transactional_id, transaction.epoch)
        self._end(transaction, Fate.COMMITTED)
        self._offsets |= transaction.offsets
        self._notes |= transaction.notes

    def abort(self, transaction: Transaction) -> None:
        """Nobody will ever see it."""
        self._end(transaction, Fate.ABORTED)

    def time_out(self) -> None:
        """What is still open has been so for too long: aborted, and whoever began it is fenced."""
        for transactional_id in list(self._open):
            self.init(transactional_id)

    def _check(self, transactional_id: str, epoch: int) -> None:
        if self._epochs[transactional_id] != epoch:
            raise FencedError(f"{transactional_id} has epoch {self._epochs[transactional_id]}, not {epoch}")

    def _end(self, transaction: Transaction, fate: Fate) -> None:
        transaction.fate = fate
        del self._open[transaction.transactional_id]
        for at in transaction.touched:
            self._entries[at].append(Entry(None, transaction))


def _is_open(entry: Entry) -> bool:
    return entry.transaction is not None and entry.transaction.fate is Fate.OPEN
