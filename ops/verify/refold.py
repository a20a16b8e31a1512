"""Reads the log from its beginning and folds it, in a place of its own: nothing is published, nobody's offset moves."""

from collections.abc import Callable, Iterator
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from ops.verify.compare import Expected
from processors.detectors import ALL, GROUP
from processors.engine.composed import PartitionFold
from processors.engine.outputs import outgoing
from processors.engine.refusal import undecodable
from runtime.kafka import admin, reader
from runtime.settings import Settings
from schemas.envelope import UnknownEventError, decode
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE, Topic

POLL_MS: Final = 500
RECORDS: Final = 1_000

Advance = Callable[[int], None]


class Refold:
    """The log as it stands when this is made: what comes behind that is not looked at.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prefix = settings.kafka.topic_prefix
        self._source = f"/{settings.site}/process"
        client = admin(settings.kafka)
        try:
            group = self._prefix + GROUP
            offsets = client.list_group_offsets({group: None})[group]
        finally:
            client.close()
        self.committed = {at.partition: found.offset for at, found in offsets.items()}
        """The folds' committed offsets by partition."""
        consumer = self._reader()
        try:
            partitions = self._partitions(EVENTS)
            self._starts = consumer.beginning_offsets(partitions)
            self._ends = consumer.end_offsets(partitions)
        finally:
            consumer.close()

    @property
    def records(self) -> int:
        """How many records there are to fold, markers of transactions included."""
        return sum(end - self._starts[at] for at, end in self._ends.items())

    @property
    def begins_cold(self) -> bool:
        """Whether the log's beginning is gone, so that the folds' state cannot be made again."""
        return any(self._starts.values())

    def findings(self, partition: int, advance: Advance) -> dict[str, list[Expected]]:
        """What the fold of one partition says, by output topic; ``advance`` is told how many records were folded."""
        lateness_ms = round(self._settings.ingest.lateness_s * 1000)
        fold = PartitionFold(ALL, lateness_ms)
        said: dict[str, list[Expected]] = {ANOMALIES.name: [], QUARANTINE.name: []}
        at = TopicPartition(EVENTS.full_name(self._prefix), partition)
        for offset, value in self._read(at, self._starts[at], self._ends[at], advance):
            try:
                outputs = fold.fold([decode(value).data])
            except UnknownEventError as error:
                outputs = [undecodable(value, f"{at.topic}/{partition}/{offset}", error, fold.now_ms)]
            for output in outputs:
                record = outgoing(output, self._source)
                said[record.topic].append(Expected(offset, record.value))
        return said

    def published(self, topic: Topic) -> dict[int, list[bytes]]:
        """What the folds have published to a topic, by partition."""
        consumer = self._reader()
        try:
            partitions = self._partitions(topic)
            starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        finally:
            consumer.close()
        marker = f'"source":"{self._source}"'.encode()
        return {
            at.partition: [
                value for _, value in self._read(at, starts[at], ends[at], lambda _: None) if marker in value
            ]
            for at in partitions
        }

    def _read(self, at: TopicPartition, start: int, end: int, advance: Advance) -> Iterator[tuple[int, bytes]]:
        consumer = self._reader()
        try:
            consumer.assign([at])
            consumer.seek(at, start)
            position = start
            while position < end:
                for record in consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS).get(at, ()):
                    if record.offset < end:
                        yield record.offset, record.value
                before, position = position, min(end, consumer.position(at))
                advance(position - before)
        finally:
            consumer.close()

    def _reader(self) -> KafkaConsumer:
        return reader(self._settings.kafka, "eyes-verify")

    def _partitions(self, topic: Topic) -> list[TopicPartition]:
        return [TopicPartition(topic.full_name(self._prefix), number) for number in range(topic.partitions)]
