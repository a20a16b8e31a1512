"""Which shards of which partitions are written next: each when it is old enough, the oldest first, a few at a time."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from processors.engine import snapshot
from processors.engine.ports import Outgoing
from processors.engine.snapshot import GENERATIONS, SHARDS, Shelved
from schemas.topics import SNAPSHOTS

_BYTES_MAX: Final = 8 * 1024 * 1024  # in one transaction


class State(Protocol):
    """What is written: the fold of a partition."""

    def snapshot(self, shard: int, offset: int) -> bytes:
        """See :meth:`processors.engine.composed.PartitionFold.snapshot`."""


class Due(NamedTuple):
    """A shard and when its turn comes."""

    at_s: float
    partition: int
    shard: int
    stay: int  # which of the partition's stays it is of


class Taken(NamedTuple):
    """What goes into one transaction."""

    records: list[Outgoing]
    failed: list[tuple[int, Exception]]
    """Partitions of which a shard could not be written."""


class Shelving:
    """A clean shard is written like a dirty one: at its old offset it would hold every recovery back."""

    def __init__(
        self, log_id: str, every_s: float, budget_s: float, monotonic: Callable[[], float], topic: str = SNAPSHOTS.name
    ) -> None:
        """Write each shard every ``every_s`` seconds to ``topic``; spend ``budget_s`` at most in one transaction."""
        self._topic = topic
        self._log = log_id
        self._every_s = every_s
        self._budget_s = budget_s
        self._monotonic = monotonic
        self._queue: deque[Due] = deque()  # in the order of time
        self._taken: list[tuple[Due, int]] = []  # with their generations; not committed yet
        self._stays: dict[int, int] = {}
        self._count = 0
        self._written: dict[int, dict[int, tuple[int, float]]] = {}  # generation and time, by partition and shard

    def join(self, partition: int, shelved: Mapping[int, Shelved]) -> None:
        """A partition goes live.

        Args:
            partition: which.
            shelved: the snapshots it was made from, where it was: then there is time until they are written again.
        """
        self._count += 1
        self._stays[partition] = self._count
        now_s = self._monotonic()
        if shelved:
            apart_s = self._every_s / SHARDS
            oldest = sorted(shelved, key=lambda shard: (shelved[shard].offset, shard))
            self._written[partition] = {
                shard: (shelved[shard].generation, now_s - self._every_s + (n + 1) * apart_s)
                for n, shard in enumerate(oldest)
            }
        written = self._written.setdefault(partition, {})
        due = [
            Due(
                max(now_s, written[shard][1] + self._every_s) if shard in written else now_s,
                partition,
                shard,
                self._count,
            )
            for shard in range(SHARDS)
        ]
        self._queue = deque(sorted([*self._queue, *due]))

    def leave(self, partition: int) -> None:
        """A partition is live no more; what is known of its snapshots holds until others are told to :meth:`join`."""
        self._stays.pop(partition, None)

    def stop(self) -> None:
        """Nothing is written any more."""
        self._stays.clear()

    def take(self, states: Mapping[int, tuple[State, int]]) -> Taken:
        """The records of the shards whose turn it is, as long as the budget lasts; at least one shard if any is due.

        They count as written when :meth:`written` is called, and not before.

        Args:
            states: of the live partitions, with the offsets at which they stand.
        """
        began_s = self._monotonic()
        self._give_back()
        taken = Taken([], [])
        size = 0
        for _ in range(len(self._queue)):  # each at most once
            if self._queue[0].at_s > began_s:
                break
            due = self._queue.popleft()
            if self._stays.get(due.partition) != due.stay:
                continue
            if due.partition not in states:
                self._queue.append(due._replace(at_s=began_s + self._every_s))
                continue
            state, offset = states[due.partition]
            try:
                data = state.snapshot(due.shard, offset)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the snapshot before this one still holds
                taken.failed.append((due.partition, error))
                self._queue.append(due._replace(at_s=began_s + self._every_s))
                continue
            before = self._written[due.partition].get(due.shard)
            generation = 0 if before is None else (before[0] + 1) % GENERATIONS
            self._taken.append((due, generation))
            for key, value in snapshot.split(self._log, due.shard, generation, offset, data):
                taken.records.append(Outgoing(self._topic, due.partition, key, value, headers=()))
            size += len(data)
            if size > _BYTES_MAX or self._monotonic() - began_s > self._budget_s:
                break
        return taken

    def written(self) -> None:
        """What was taken last is committed."""
        now_s = self._monotonic()
        for due, generation in self._taken:
            self._written[due.partition][due.shard] = generation, now_s
            self._queue.append(due._replace(at_s=now_s + self._every_s))
        self._taken = []

    def _give_back(self) -> None:
        """What was taken and not committed."""
        self._queue.extendleft(due for due, _ in reversed(self._taken))
        self._taken = []
