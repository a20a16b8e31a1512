"""kafka-python's consumer over the log in memory, outside of any group: assigned and sought by its owner."""

from collections.abc import Callable, Collection
from typing import Any

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import OffsetOutOfRangeError

from tests.memory.log import MemoryLog
from tests.memory.network import Io


def record(log: MemoryLog, at: TopicPartition, offset: int) -> ConsumerRecord:
    """As kafka-python hands one out."""
    entry = log.entry(tuple(at), offset)
    return ConsumerRecord(
        topic=at.topic,
        partition=at.partition,
        leader_epoch=None,
        offset=offset,
        timestamp=entry.timestamp_ms,
        timestamp_type=0,
        key=entry.key,
        value=entry.value,
        headers=[],
        checksum=None,
        serialized_key_size=len(entry.key),
        serialized_value_size=len(entry.value or b""),
        serialized_header_size=0,
    )


class MemoryReader:
    """The part of :class:`kafka.KafkaConsumer` that a reader without a group uses."""

    def __init__(self, log: MemoryLog, io: Io, wait: Callable[[float], None]) -> None:
        """``io`` is called before each call and may raise a KafkaError; ``wait`` when a poll found nothing."""
        self._log = log
        self._io = io
        self._wait = wait
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()

    def beginning_offsets(self, partitions: Collection[TopicPartition], timeout_ms: int = 0) -> dict[Any, int]:
        """See kafka-python."""
        del timeout_ms
        self._io("kafka.offsets")
        return {at: self._log.bounds(tuple(at)).start for at in partitions}

    def end_offsets(self, partitions: Collection[TopicPartition], timeout_ms: int = 0) -> dict[Any, int]:
        """See kafka-python."""
        del timeout_ms
        self._io("kafka.offsets")
        return {at: self._log.bounds(tuple(at)).end for at in partitions}

    def assign(self, partitions: Collection[TopicPartition]) -> None:
        """See kafka-python."""
        self._positions = dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See kafka-python."""
        assert partition in self._positions, f"{partition} is not assigned"
        self._positions[partition] = offset

    def position(self, partition: TopicPartition, timeout_ms: int = 0) -> int:
        """See kafka-python."""
        del timeout_ms
        return self._positions[partition]

    def committed(self, partition: TopicPartition, timeout_ms: int = 0) -> int | None:
        """See kafka-python; a reader commits nothing, and what the archive commits is only for show."""
        del partition, timeout_ms
        self._io("kafka.committed")
        return None

    def poll(self, timeout_ms: float = 0, max_records: int = 500) -> dict[TopicPartition, list[ConsumerRecord]]:
        """See kafka-python."""
        self._io("kafka.poll")
        polled = self._fetch(max_records)
        if not polled:
            self._wait(timeout_ms / 1000)
        return polled

    def close(self, *, autocommit: bool = True, timeout_ms: int = 0) -> None:
        """See kafka-python."""

    def _fetch(self, room: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        polled = {}
        for at in sorted(self._positions.keys() - self._paused):
            try:
                found, self._positions[at] = self._log.read(tuple(at), self._positions[at], room)
            except LookupError:
                raise OffsetOutOfRangeError({at: self._positions[at]}) from None
            if found:
                polled[at] = [record(self._log, at, offset) for offset, _ in found]
                room -= len(found)
        return polled
