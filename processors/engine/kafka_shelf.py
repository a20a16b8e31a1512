"""The snapshots of :mod:`processors.engine.ports` in a compacted topic of Kafka."""

from typing import Final

from kafka import KafkaConsumer, TopicPartition

from processors.engine.kafka_adapter import CALL_MS, retryable
from processors.engine.ports import Stored
from runtime.kafka import reader
from runtime.settings import KafkaSettings

_FETCH_BYTES: Final = 16 * 1024 * 1024  # of one partition in one answer: a state is some hundred megabytes
_RECORDS: Final = 64


class KafkaShelf:
    """A consumer outside of any group, which exists as long as there is something to read."""

    def __init__(self, settings: KafkaSettings, topic: str, client_id: str) -> None:
        self._settings = settings
        self._topic = settings.topic_prefix + topic
        self._client_id = client_id
        self._consumer: KafkaConsumer | None = None
        self._ends: dict[TopicPartition, int] = {}

    def begin(self, partition: int) -> None:
        """See :class:`processors.engine.ports.Shelf`."""
        at = TopicPartition(self._topic, partition)
        with retryable():
            if self._consumer is None:
                self._consumer = reader(self._settings, self._client_id, max_partition_fetch_bytes=_FETCH_BYTES)
            start = self._consumer.beginning_offsets([at], timeout_ms=CALL_MS)[at]
            end = self._consumer.end_offsets([at], timeout_ms=CALL_MS)[at]
            self._consumer.assign([*self._ends, at])
            self._consumer.seek(at, start)
        self._ends[at] = end

    def read(self, timeout_s: float) -> list[Stored]:
        """See :class:`processors.engine.ports.Shelf`."""
        consumer = self._consumer
        if consumer is None:
            return []
        with retryable():
            polled = consumer.poll(timeout_ms=round(timeout_s * 1000), max_records=_RECORDS)
            found = [
                Stored(at.partition, record.value)
                for at, records in polled.items()
                for record in records
                if record.value
            ]
            for at, end in list(self._ends.items()):
                # What lies between may be markers and no records at all, so the position decides.
                if consumer.position(at, timeout_ms=CALL_MS) >= end:
                    found.append(Stored(at.partition, None))
                    self.stop(at.partition)
        return found

    def stop(self, partition: int) -> None:
        """See :class:`processors.engine.ports.Shelf`."""
        if self._ends.pop(TopicPartition(self._topic, partition), None) is None:
            return
        if not self._ends:
            self.close()
        elif self._consumer is not None:
            self._consumer.assign(list(self._ends))

    def close(self) -> None:
        """See :class:`processors.engine.ports.Shelf`."""
        consumer, self._consumer = self._consumer, None
        self._ends = {}
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=CALL_MS)
