"""Windows on the log: a record, what was written from a moment on, what was written last before one.

Nothing here reads a topic from its beginning: Kafka finds the place by time, and the caller stops when it has seen
enough.
"""

from collections.abc import Iterator
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from ops.trace.chain import Place
from runtime.kafka import reader
from runtime.settings import KafkaSettings
from schemas.topics import Topic

CHUNK: Final = 256
CHUNK_MAX: Final = 16_384
_POLL_MS: Final = 200
_WAIT_MS: Final = 20  # a fetch on its way delays the next jump by so much
_POLL_RECORDS: Final = 50  # each is unpacked before the first is seen
_PATIENCE: Final = 150  # empty polls, half a minute


class StalledError(TimeoutError):
    """Kafka holds records that it does not deliver."""


class Log:
    """Reads one partition at a time, outside of any group.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._prefix = settings.topic_prefix
        self._consumer: KafkaConsumer = reader(
            settings, "eyes-trace", fetch_max_wait_ms=_WAIT_MS, max_poll_records=_POLL_RECORDS
        )
        self._ends: dict[TopicPartition, tuple[int, int]] = {}

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def place(self, topic: Topic, record: Any) -> Place:
        """Where a record stands."""
        return Place(topic.name, record.partition, record.offset, record.timestamp)

    def begins(self, topic: Topic, partition: int) -> tuple[int, int] | None:
        """Offset and time of the oldest record that is still held; None if there is none."""
        at = self._at(topic, partition)
        return next(((record.offset, record.timestamp) for record in self._read(at, *self._bounds(at))), None)

    def record(self, topic: Topic, partition: int, offset: int) -> Any | None:
        """The record at this offset, if it is still held."""
        at = self._at(topic, partition)
        first, end = self._bounds(at)
        if not first <= offset < end:
            return None
        return next((record for record in self._read(at, offset, offset + 1)), None)

    def since(self, topic: Topic, partition: int, from_ms: int) -> Iterator[Any]:
        """Everything from the first record on that was written at this time or later."""
        at = self._at(topic, partition)
        found = self._consumer.offsets_for_times({at: max(0, from_ms)})[at]
        if found is not None:
            yield from self._read(at, found.offset, self._bounds(at)[1])

    def behind(self, topic: Topic, partition: int, offset: int) -> Iterator[Any]:
        """Everything from this offset on."""
        at = self._at(topic, partition)
        first, end = self._bounds(at)
        yield from self._read(at, max(first, offset), end)

    def before(self, topic: Topic, partition: int, to_ms: int | None, limit: int) -> Iterator[list[Any]]:
        """What was written up to this time (None: till now), the newest ``limit`` records of it, in chunks.

        The newest chunk comes first, and each is larger than the one before; within a chunk the log's order holds.
        """
        at = self._at(topic, partition)
        first, end = self._bounds(at)
        if to_ms is not None and (found := self._consumer.offsets_for_times({at: to_ms + 1})[at]) is not None:
            end = found.offset
        first, size = max(first, end - limit), CHUNK
        while end > first:
            start = max(first, end - size)
            yield list(self._read(at, start, end))
            end, size = start, min(size * 2, CHUNK_MAX)

    def _at(self, topic: Topic, partition: int) -> TopicPartition:
        return TopicPartition(topic.full_name(self._prefix), partition)

    def _bounds(self, at: TopicPartition) -> tuple[int, int]:
        """First offset and end, as they were when first asked for: a log that grows must not keep us reading."""
        if at not in self._ends:
            first, end = self._consumer.beginning_offsets([at])[at], self._consumer.end_offsets([at])[at]
            self._ends[at] = first, end
        return self._ends[at]

    def _read(self, at: TopicPartition, start: int, end: int) -> Iterator[Any]:
        consumer, empty = self._consumer, 0
        consumer.assign([at])
        consumer.seek(at, start)
        while (position := consumer.position(at)) < end:
            records = consumer.poll(timeout_ms=_POLL_MS).get(at, ())
            for record in records:
                if record.offset >= end:
                    return
                yield record
            empty = 0 if records or consumer.position(at) > position else empty + 1
            if empty > _PATIENCE:
                raise StalledError(f"{at.topic}/{at.partition} from {position} to {end}")
