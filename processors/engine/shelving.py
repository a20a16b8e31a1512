"""Which shards of which partitions are written next: each when it is old enough, the oldest first, a few at a time."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from processors.engine import snapshot
from processors.engine.ports import Outgoing
from processors.engine.snapshot import GENERATIONS, SHARDS
from processors.engine.zone import SnapshotError
from schemas.topics import SNAPSHOTS

_BYTES_MAX: Final = 8 * 1024 * 1024  # in one transaction


class State(Protocol):
    """What is written: the fold of a partition."""

    def snapshot(self, shard: int, offset: int) -> bytes:
        """See :meth:`processors.engine.composed.PartitionFold.snapshot`."""


class _Due(NamedTuple):
    at_s: float
    partition: int
    shard: int
    stay: int  # which of the partition's stays it is of


class Shelving:
    """A clean shard is written like a dirty one: at its old offset it would hold every recovery back."""

    def __init__(self, every_s: float, budget_s: float, monotonic: Callable[[], float]) -> None:
        """Write each shard every ``every_s`` seconds; spend ``budget_s`` at most on those of one transaction."""
        self._every_s = every_s
        self._budget_s = budget_s
        self._monotonic = monotonic
        self._queue: deque[_Due] = deque()  # in the order of time
        self._stays: dict[int, int] = {}
        self._count = 0
        self._generations: dict[int, dict[int, int]] = {}  # by partition and shard

    def join(self, partition: int, generations: Mapping[int, int]) -> None:
        """A partition goes live.

        Args:
            partition: which.
            generations: of its newest shards, where it has any: then there is time until they are written again.
        """
        self._count += 1
        self._stays[partition] = self._count
        apart_s = self._every_s / SHARDS if generations else 0.0
        first_s = self._monotonic() + apart_s
        due = [_Due(first_s + shard * apart_s, partition, shard, self._count) for shard in range(SHARDS)]
        self._queue = deque(sorted([*self._queue, *due]))
        self._generations[partition] = dict(generations)

    def leave(self, partition: int) -> None:
        """A partition is live no more."""
        self._stays.pop(partition, None)

    def generations(self, partition: int) -> Mapping[int, int]:
        """Of the newest shards of a partition that was live."""
        return self._generations[partition]

    def take(self, states: Mapping[int, tuple[State, int]]) -> Iterator[Outgoing]:
        """The records of the shards whose turn it is, as long as the budget lasts; at least one shard if any is due.

        Args:
            states: of the live partitions, with the offsets at which they stand.

        Raises:
            SnapshotError: a state that was restored turns out to be none; it names the partition.
        """
        began_s = self._monotonic()
        size = 0
        for _ in range(len(self._queue)):  # each at most once
            if self._queue[0].at_s > began_s:
                return
            due = self._queue.popleft()
            if self._stays.get(due.partition) != due.stay:
                continue
            self._queue.append(due._replace(at_s=began_s + self._every_s))
            if due.partition not in states:
                continue
            state, offset = states[due.partition]
            try:
                data = state.snapshot(due.shard, offset)
            except SnapshotError as error:
                error.partition = due.partition
                raise
            generations = self._generations[due.partition]
            generation = generations[due.shard] = (generations.get(due.shard, -1) + 1) % GENERATIONS
            for key, value in snapshot.split(due.shard, generation, offset, data):
                yield Outgoing(SNAPSHOTS.name, due.partition, key, value, headers=())
            size += len(data)
            if size > _BYTES_MAX or self._monotonic() - began_s > self._budget_s:
                return
