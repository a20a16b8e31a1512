"""The ports of the loop over the log in memory, and a group whose rebalances take everything away first (eager).

Faults are planned one by one, so a test says what goes wrong and when.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum, auto

from processors.engine.ports import NO_NOTES, Bounds, Outgoing, Owner, Record, Stored
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from schemas.topics import SNAPSHOTS
from tests.memory.log import At, MemoryLog


class MemoryGroup:
    """Who has which partitions of a topic; any change begins a new generation."""

    def __init__(self, log: MemoryLog, name: str, topic: str) -> None:
        self.log = log
        self.name = name
        self.topic = topic
        self.generation = 0
        self.incumbents: dict[str, MemorySource] = {}
        """Who has each name now: a second member under it fences the first."""
        self._assignments: dict[str, tuple[int, ...]] = {}

    def assign(self, assignments: Mapping[str, Collection[int]]) -> None:
        """Members hear of it in their next poll; until then they are members of a generation that is over."""
        self.generation += 1
        self._assignments = {member: tuple(sorted(partitions)) for member, partitions in assignments.items()}

    def partitions_of(self, member: str) -> tuple[int, ...]:
        """What a member has in the present generation."""
        return self._assignments.get(member, ())


class MemorySource:
    """:class:`processors.engine.ports.Source` of one member."""

    def __init__(self, group: MemoryGroup, member: str, wait: Callable[[float], None]) -> None:
        """``wait`` is told how long a poll that found nothing would have taken."""
        self.group = group
        self.member = member
        self.generation = 0
        self.unreachable: list[str] = []
        """Names of methods whose next call fails: one entry, one failure."""
        self.hears_half = False
        """Whether the next rebalance is told in two polls: taken away in one, given back in another."""
        self.hears_late = False
        """Whether a poll reads first and hears of a rebalance then, as where another thread tells of it."""
        self._wait = wait
        self._owner: Owner | None = None
        self._assigned: tuple[int, ...] = ()
        self._positions: dict[int, int] = {}
        self._running: set[int] = set()
        self._joined = False

    @property
    def was_replaced(self) -> bool:
        """Whether somebody has joined under our name since we did."""
        return self._joined and self.group.incumbents[self.member] is not self

    def subscribe(self, owner: Owner) -> None:
        """``owner`` is told of what it is given."""
        self._owner = owner

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        """See the port."""
        self._reach("poll")
        stale = self.generation != self.group.generation
        if stale and not self.hears_late and not self._rejoin():
            return []
        records: list[Record] = []
        for partition in sorted(self._running):
            room = max_records - len(records)
            try:
                found, self._positions[partition] = self._log.read(self.at(partition), self._positions[partition], room)
            except LookupError as gone:
                raise OutcomeUnknownError(f"offset {gone} was deleted") from None
            records += [Record(partition, offset, value) for offset, value in found]
        if stale and self.hears_late:
            self._rejoin()
        if not records:
            self._wait(timeout_s)
        return records

    def start(self, partition: int, offset: int) -> None:
        """See the port."""
        self._reach("start")
        assert partition in self._assigned, f"partition {partition} is not ours"
        self._positions[partition] = offset
        self._running.add(partition)

    def stop(self, partition: int) -> None:
        """See the port."""
        self._reach("stop")
        self._running.discard(partition)

    def position(self, partition: int) -> int:
        """See the port."""
        self._reach("position")
        return self._positions[partition]

    def committed(self, partition: int) -> int | None:
        """See the port."""
        self._reach("committed")
        return self._log.committed(self.group.name, self.at(partition))

    def note(self, partition: int) -> str:
        """See the port."""
        self._reach("note")
        return self._log.note(self.group.name, self.at(partition))

    def bounds(self, partition: int) -> Bounds:
        """See the port."""
        self._reach("bounds")
        return self._log.bounds(self.at(partition))

    def close(self) -> None:
        """See the port."""

    def lag(self, partition: int) -> int | None:
        """See the port."""
        return self._log.bounds(self.at(partition)).end - self._positions[partition]

    @property
    def _log(self) -> MemoryLog:
        return self.group.log

    def at(self, partition: int) -> At:
        """Where a partition of this number stands in the log."""
        return self.group.topic, partition

    def _reach(self, method: str) -> None:
        if method in self.unreachable:
            self.unreachable.remove(method)
            raise RetryableError(f"{method}: the log is away")

    def _rejoin(self) -> bool:
        """Learn of a rebalance; False when what is given comes only with the next poll."""
        assert self._owner is not None, "subscribe comes before poll"
        if self.was_replaced:
            raise FencedError("another process runs under our instance name")
        if self._running or self._assigned:
            self._owner.on_revoked(self._assigned)
        self._running.clear()
        self._assigned = ()
        if self.hears_half:
            self.hears_half = False
            return False
        self._joined = True
        self.group.incumbents[self.member] = self
        self.generation = self.group.generation
        self._assigned = self.group.partitions_of(self.member)
        self._owner.on_assigned(self._assigned)
        return True


class MemoryShelf:
    """:class:`processors.engine.ports.Shelf`: a topic of the same log, read a few records at a time."""

    def __init__(self, log: MemoryLog, topic: str, records: int) -> None:
        """``records``: how many are read at once."""
        self.unreachable: list[str] = []
        """Names of methods whose next call fails."""
        self._log = log
        self._topic = topic
        self._records = records
        self._reading: dict[int, tuple[int, int]] = {}

    def begin(self, partition: int) -> None:
        """See the port."""
        self._reach("begin")
        self._reading[partition] = self._log.bounds((self._topic, partition))

    def read(self, timeout_s: float) -> list[Stored]:
        """See the port."""
        self._reach("read")
        found: list[Stored] = []
        for partition, (position, end) in list(self._reading.items()):
            records, after = self._log.read((self._topic, partition), position, self._records)
            found += [Stored(partition, value) for offset, value in records if offset < end]
            self._reading[partition] = after, end
            if after >= end:
                found.append(Stored(partition, None))
                del self._reading[partition]
        return found

    def stop(self, partition: int) -> None:
        """See the port."""
        self._reading.pop(partition, None)

    def close(self) -> None:
        """See the port."""

    def _reach(self, method: str) -> None:
        if method in self.unreachable:
            self.unreachable.remove(method)
            raise RetryableError(f"{method}: the log is away")


class Fault(Enum):
    """How a commit goes wrong."""

    LOST = auto()  # it never arrives; the transaction stays open
    UNHEARD = auto()  # it happens, and nobody tells us


class MemorySink:
    """:class:`processors.engine.ports.Sink` of one worker."""

    def __init__(self, transactional_id: str, source: MemorySource) -> None:
        """Offsets are committed as the member of the group that ``source`` is."""
        self.transactional_id = transactional_id
        self.faults: list[Fault | None] = []
        """What happens to the next commits, in order; None: nothing does."""
        self.stall: Callable[[], None] | None = None
        """What goes on elsewhere while the next commit is about to begin: this process is frozen for so long."""
        self.frozen = False
        """Whether that is going on now."""
        self.unreachable = 0
        """How many times ``open`` fails."""
        self.commits: list[tuple[int, dict[int, int]]] = []
        """The outputs (without snapshots) and offsets of each commit that was not refused."""
        self._source = source
        self._epoch: int | None = None

    def open(self) -> None:
        """See the port."""
        if self.unreachable:
            self.unreachable -= 1
            raise RetryableError("open: the log is away")
        self._epoch = self._source.group.log.init(self.transactional_id)

    def commit(
        self, outputs: Sequence[Outgoing], offsets: Mapping[int, int], notes: Mapping[int, str] = NO_NOTES
    ) -> None:
        """See the port."""
        assert self._epoch is not None, "open comes before commit"
        if self.stall is not None:
            stall, self.stall = self.stall, None
            self.frozen = True
            stall()
            self.frozen = False
        log, group = self._source.group.log, self._source.group
        fault = self.faults.pop(0) if self.faults else None
        try:
            transaction = log.begin(self.transactional_id, self._epoch)
        except FencedError as error:  # as Kafka's adapter has it
            self._epoch = None
            raise OutcomeUnknownError(str(error)) from error
        for output in outputs:
            log.send(transaction, (output.topic, output.partition), output.value)
        if not self._is_member():
            if self._source.was_replaced:
                raise FencedError("another process runs under our instance name")
            self._epoch = None
            raise OutcomeUnknownError("the group has gone on without us")
        for partition, offset in offsets.items():
            transaction.offsets[group.name, self._source.at(partition)] = offset
            transaction.notes[group.name, self._source.at(partition)] = notes.get(partition, "")
        if fault is not Fault.LOST:
            log.commit(transaction)
            said = sum(output.topic != SNAPSHOTS.name for output in outputs)
            self.commits.append((said, dict(offsets)))
        if fault is not None:
            self._epoch = None
            raise OutcomeUnknownError(fault.name)

    def _is_member(self) -> bool:
        """Whether the group still counts us among its members, as a commit says who we are and of which generation."""
        return self._source.generation == self._source.group.generation and not self._source.was_replaced

    def close(self) -> None:
        """See the port."""
        self._epoch = None
