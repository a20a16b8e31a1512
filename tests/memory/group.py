"""A consumer group in memory and kafka-python's consumer as a static member of it; assignments are eager."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import FencedInstanceIdError, IllegalStateError

from tests.memory.consumer import MemoryReader
from tests.memory.log import MemoryLog
from tests.memory.network import Io


class Group:
    """Who has which partitions; any change begins a new generation, of which a member hears in its next poll."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.generation = 0
        self.members: dict[str, MemoryConsumer] = {}
        """By instance; a dead one stays until it is taken out or comes again."""
        self._assignments: dict[str, frozenset[TopicPartition]] = {}

    def assign(self, assignments: Mapping[str, Collection[TopicPartition]]) -> None:
        """A new generation in which each has these."""
        self.generation += 1
        self._assignments = {name: frozenset(partitions) for name, partitions in assignments.items()}

    def partitions_of(self, instance: str) -> frozenset[TopicPartition]:
        """What this member has in the present generation."""
        return self._assignments.get(instance, frozenset())


class MemoryConsumer(MemoryReader):
    """The part of :class:`kafka.KafkaConsumer` that a member of a group uses."""

    def __init__(self, group: Group, instance: str, io: Io, wait: Callable[[float], None]) -> None:
        super().__init__(group.log, io, wait)
        self.hears_late = 0
        """How many polls still read as assigned before, the last of which hears of a rebalance when it has read:
        another thread of the client hears of it, with its next heartbeat."""
        self._polls_left = 0
        self._group = group
        self._instance = instance
        self._generation = -1
        self._listener: Any = None

    def subscribe(self, topics: Collection[str], listener: Any) -> None:
        """See kafka-python."""
        del topics
        self._listener = listener
        self._group.members[self._instance] = self  # fences an older one of this name

    def assignment(self) -> set[TopicPartition]:
        """See kafka-python."""
        return set(self._positions)

    def pause(self, *partitions: TopicPartition) -> None:
        """See kafka-python."""
        self._paused |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """See kafka-python."""
        self._paused -= set(partitions)

    def position(self, partition: TopicPartition, timeout_ms: int = 0) -> int:
        """See kafka-python."""
        if partition not in self._positions:
            raise IllegalStateError(f"{partition} is not assigned")
        return super().position(partition, timeout_ms)

    def highwater(self, partition: TopicPartition) -> int:
        """See kafka-python."""
        return self._log.bounds(tuple(partition)).end

    def commit(self, offsets: Any = None, timeout_ms: int = 0) -> None:
        """See kafka-python; what the archive commits is only for show."""
        self._io("kafka.commit")

    def commit_async(self, offsets: Any = None, callback: Any = None) -> None:
        """See kafka-python."""

    def poll(self, timeout_ms: float = 0, max_records: int = 500) -> dict[TopicPartition, list[ConsumerRecord]]:
        """See kafka-python."""
        self._io("kafka.poll")
        if self._group.members.get(self._instance) is not self:
            raise FencedInstanceIdError
        stale = self._generation != self._group.generation
        if stale and not self.hears_late:
            self._rejoin()
        polled = self._fetch(max_records)
        if stale and self.hears_late:
            self._polls_left -= 1
            if self._polls_left <= 0:
                self._rejoin()
        if not polled:
            self._wait(timeout_ms / 1000)
        return polled

    def _rejoin(self) -> None:
        self._generation = self._group.generation
        self._polls_left = self.hears_late
        if self._positions:
            self._listener.on_partitions_revoked(sorted(self._positions))
        self._positions = dict.fromkeys(self._group.partitions_of(self._instance), 0)
        self._paused.clear()
        self._listener.on_partitions_assigned(sorted(self._positions))
