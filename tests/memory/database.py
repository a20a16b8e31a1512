"""The archive's database in memory, as PostgreSQL behaves where it matters: transactions, row locks, sessions that end.

:class:`MemorySink` has the methods of :class:`processors.archive.sink.Sink`; ``tests/contracts/database.py`` holds the
two against each other. Of copies only equal identities are known, however far apart, and changes of current states
are only counted.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from processors.archive.rows import Numbers, OriginKey, Row, Rows, SeriesKey
from processors.archive.sink import Held, Partition, Written
from runtime.errors import FencedError, OutcomeUnknownError, PoisonError, RetryableError
from tests.memory.network import Io
from tests.memory.process import VirtualTiming

_INDEX_MAX: Final = 2_704  # bytes of an entry of a PostgreSQL B-tree
_LOCK_TIMEOUT_S: Final = 10.0  # processors.archive.connection.SESSION
_IDLE_TIMEOUT_S: Final = 30.0
_KEYS: Final[Mapping[str, Callable[[Row], Hashable]]] = {
    "observations": lambda row: (row[3], row[6]),
    "camera_events": lambda row: (row[6], row[7], row[8], row[12]),
    "anomaly_events": lambda row: row[4],
    "quarantine": lambda row: row[0],
    "unregistered": lambda row: row[:3],
}


Key = tuple[int, str, Partition]
"""A row of offsets: generation, archive, partition."""


class Fate(Enum):
    """How a COMMIT goes wrong: the connection is lost inside of it."""

    LOST = auto()
    UNHEARD = auto()


@dataclass
class Generation:
    """One generation of the projection: tables, what numbers stand for, and how far the log is stored in it."""

    tables: dict[str, dict[Hashable, Row]] = field(default_factory=lambda: {name: {} for name in _KEYS})
    changes: Counter[Any] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    """Copies that were offered: of rows already there, or within one batch."""
    offsets: dict[tuple[str, Partition], tuple[int, int]] = field(default_factory=dict)
    """Next offset and epoch."""
    numbers: Numbers = field(default_factory=Numbers)

    def apply(self, rows: Rows, *, only_count: bool = False) -> Written:
        """Merge; rows that are there already stay as they are."""
        written = Written()
        for table, offered in rows.tables.items():
            inserted = 0
            for row in offered:
                key = _KEYS[table](row)
                if key in self.tables[table]:
                    self.repeated[table] += not only_count
                    continue
                inserted += 1
                if not only_count:
                    self.tables[table][key] = row
            written.add(table, inserted, len(offered) + rows.repeated.get(table, 0))
        if not only_count:
            self.repeated.update(rows.repeated)
            self.changes.update((change, str(params)) for change, params in rows.changes)
        return written

    def contents(self) -> dict[str, Any]:
        """Everything stored, with names in place of numbers."""
        series = {number: key for key, number in self.numbers.series.items()}
        origins = {number: key for key, number in self.numbers.origins.items()}
        named = {
            table: sorted((repr(row) for row in rows.values()), key=str)
            for table, rows in self.tables.items()
            if table != "observations"
        }
        named["observations"] = sorted(
            repr((*row[:3], series[row[3]], origins[row[4]], *row[5:])) for row in self.tables["observations"].values()
        )
        return {**named, "changes": dict(self.changes)}


@dataclass
class MemoryDatabase:
    """What is committed, and who has a transaction open."""

    io: Io
    timing: VirtualTiming
    up: bool = True
    fates: list[Fate] = field(default_factory=list)
    """What becomes of the next COMMITs."""
    generations: list[Generation] = field(default_factory=lambda: [Generation()])
    """The newest is current."""
    _locks: dict[Key, "MemorySink"] = field(default_factory=dict)
    _sessions: "list[MemorySink]" = field(default_factory=list)

    @property
    def current(self) -> Generation:
        """What a new session works in, and readers see."""
        return self.generations[-1]

    def switch(self) -> bool:
        """Put a generation in place of the current one, as filled as that is; not (False) while somebody has locks.

        See :func:`ops.rebuild.switch.switch`.
        """
        if self._locks:
            return False
        old = self.current
        self.generations.append(deepcopy(old))
        old.offsets = {key: (offset, epoch + 1) for key, (offset, epoch) in old.offsets.items()}
        return True

    def cut(self) -> None:
        """Every session ends; what it had not committed is gone."""
        for session in list(self._sessions):
            self.end(session)

    def end(self, session: "MemorySink") -> None:
        """One session ends."""
        session.ended = True
        self.unlock(session)
        if session in self._sessions:
            self._sessions.remove(session)

    def begin(self, session: "MemorySink") -> None:
        """A session begins.

        Raises:
            RetryableError: nobody is let in.
        """
        if not self.up:
            raise RetryableError("the database is away")
        self._sessions.append(session)

    def lock(self, session: "MemorySink", archive: str, partitions: Iterable[Partition]) -> None:
        """Lock the rows of these offsets in the session's generation, as UPDATE does.

        Raises:
            RetryableError: another transaction held one for too long.
        """
        for key in ((session.generation, archive, partition) for partition in sorted(partitions)):
            deadline_s = self.timing.now_s + _LOCK_TIMEOUT_S
            while (holder := self._locks.get(key)) not in (None, session):
                assert holder is not None
                if self.timing.now_s - holder.active_s > _IDLE_TIMEOUT_S:
                    self.end(holder)
                elif self.timing.now_s > deadline_s:
                    raise RetryableError("canceling statement due to lock timeout")
                self.timing.now_s += 1.0
                session.reach("db.lock")
            self._locks[key] = session

    def share(self, session: "MemorySink") -> None:
        """The session's generation stays current as long as its transaction lasts."""
        self._locks[session.generation, "", ("", id(session))] = session

    def unlock(self, session: "MemorySink") -> None:
        """The session's transaction is over."""
        self._locks = {key: holder for key, holder in self._locks.items() if holder is not session}


class MemorySink:
    """One connection of one archive; see :class:`processors.archive.sink.Sink`."""

    def __init__(self, database: MemoryDatabase, archive: str) -> None:
        self.ended = False
        self.active_s = database.timing.now_s
        self.numbers = Numbers()
        self.generation = 0
        """The one that is current when the session begins."""
        self._archive = archive
        self._database = database
        self._held: dict[Partition, Held] = {}
        self._staged: list[Rows] = []
        database.io("db.connect")
        database.begin(self)
        self.generation = len(database.generations)

    @property
    def stored(self) -> Generation:
        """The generation that it sees: its names mean the tables of no other."""
        return self._database.generations[self.generation - 1]

    @property
    def held(self) -> Mapping[Partition, Held]:
        """See Sink."""
        return self._held

    def close(self) -> None:
        """See Sink."""
        self._database.end(self)

    def reach(self, name: str) -> None:
        """One statement goes to the server.

        Raises:
            RetryableError: the session has ended.
        """
        self._database.io(name)
        if self.ended:
            raise RetryableError("the connection is lost")
        self.active_s = self._database.timing.now_s

    def take_over(self, log_starts: Mapping[Partition, int]) -> Mapping[Partition, Held]:
        """See Sink."""
        self._held = {}
        database = self._database
        taken: dict[Partition, Held] = {}
        with self._transaction():
            self.reach("db.projection")
            if not self._is_current():
                raise FencedError(f"generation {self.generation} of the projection is not current any more")
            database.share(self)
            for partition, start in sorted(log_starts.items()):
                self.reach("db.take_over")
                database.lock(self, self._archive, [partition])
                offset, epoch = self.stored.offsets.get((self._archive, partition), (start, 0))
                taken[partition] = Held(offset, epoch + 1)
            self.reach("db.commit")
            for partition, held in taken.items():
                self.stored.offsets[self._archive, partition] = held.next_offset, held.epoch
        self._held = taken
        return self._held

    def decided(self, partitions: Iterable[Partition]) -> bool:
        """See Sink."""
        self.reach("db.select")
        offsets = self.stored.offsets
        moved = any(offsets[self._archive, p][0] != self._held[p].next_offset for p in partitions)
        return moved or not self._is_current()

    def learn(self, series: Mapping[SeriesKey, str], origins: Iterable[OriginKey]) -> None:
        """See Sink."""
        self.reach("db.learn")
        known = self.stored.numbers
        for key in sorted(series):
            self.numbers.series[key] = known.series.setdefault(key, len(known.series) + 1)
        for origin in sorted(origins):
            self.numbers.origins[origin] = known.origins.setdefault(origin, len(known.origins) + 1)

    def write(self, rows: Rows, moves: Mapping[Partition, int]) -> Written:
        """See Sink."""
        with self._transaction():
            self._move(moves)
            written = self._merge(rows)
            self._commit(moves)
        return written

    def write_singly(self, attempts: Iterable[tuple[Rows, Rows]], moves: Mapping[Partition, int]) -> Written:
        """See Sink."""
        total = Written()
        with self._transaction():
            self._move(moves)
            for rows, instead in attempts:
                try:
                    written = self._merge(rows)
                except PoisonError:
                    written = self._merge(instead)
                    total.set_aside += 1
                for table, inserted in written.inserted.items():
                    total.add(table, inserted, inserted + written.repeated[table])
            self._commit(moves)
        return total

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._staged = []
        try:
            yield
        finally:
            self._staged = []
            self._database.unlock(self)

    def _move(self, moves: Mapping[Partition, int]) -> None:
        self.reach("db.move")
        self._database.lock(self, self._archive, moves)
        if not self._is_owner(moves):
            raise FencedError(f"another process has taken over partitions of {self._archive}")

    def _is_current(self) -> bool:
        return self.stored is self._database.current

    def _is_owner(self, moves: Mapping[Partition, int]) -> bool:
        """Whether every offset stands where we left it, under our epoch."""
        offsets = self.stored.offsets
        return all(offsets[self._archive, p] == (self._held[p].next_offset, self._held[p].epoch) for p in moves)

    def _merge(self, rows: Rows) -> Written:
        self.reach("db.merge")
        for row in rows.tables.get("observations", ()):
            if len(row[6].encode()) > _INDEX_MAX:
                raise PoisonError("index row size exceeds btree maximum")
        self._staged.append(rows)
        return self.stored.apply(rows, only_count=True)

    def _commit(self, moves: Mapping[Partition, int]) -> None:
        database = self._database
        fate = database.fates.pop(0) if database.fates else None
        database.io("db.commit")
        if self.ended or fate is Fate.LOST:
            database.end(self)
            raise OutcomeUnknownError("the connection was lost inside COMMIT")
        for rows in self._staged:
            self.stored.apply(rows)
        for partition, new in moves.items():
            epoch = self.stored.offsets[self._archive, partition][1]
            self.stored.offsets[self._archive, partition] = new, epoch
        database.unlock(self)
        database.io("db.committed")
        if self.ended or fate is Fate.UNHEARD:
            database.end(self)
            raise OutcomeUnknownError("the connection was lost inside COMMIT")
        for partition, new in moves.items():
            self._held[partition] = Held(new, self._held[partition].epoch)
