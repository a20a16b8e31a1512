"""The log as it stood at one moment, read aside: in no group, so nobody's offset moves, and nothing is written."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition

from processors.detectors import GROUP
from runtime.kafka import admin, reader
from runtime.settings import KafkaSettings
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE, Topic

POLL_MS: Final = 500
RECORDS: Final = 1_000
CLIENT: Final = "eyes-past"

Advance = Callable[[int], None]
"""Told how many records were read since it was told last; what it raises ends the reading."""


class Span(NamedTuple):
    """The offsets of a partition: from ``start`` up to, but without, ``end``."""

    start: int
    end: int

    @property
    def records(self) -> int:
        """How many records there are, markers of transactions included."""
        return self.end - self.start


class Bounds(msgspec.Struct, frozen=True):
    """How far the log reached, by partition.

    What was published is bounded before the events that it was made of, and the folds' committed offsets before both:
    so what the folds published while we looked is explained by the events within these bounds.
    """

    cluster: str
    committed: dict[int, int]
    findings: dict[int, Span]
    refusals: dict[int, Span]
    events: dict[int, Span]

    @property
    def records(self) -> int:
        """How many records there are to fold."""
        return sum(span.records for span in self.events.values())

    @property
    def begins_cold(self) -> bool:
        """Whether the log's beginning is gone, so that the folds' state cannot be made again."""
        return any(span.start for span in self.events.values())


def bounds(settings: KafkaSettings) -> Bounds:
    """How far the log reaches now.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    client = admin(settings)
    try:
        group = settings.topic_prefix + GROUP
        offsets = client.list_group_offsets({group: None})[group]
        cluster = client.describe_cluster()["cluster_id"]
    finally:
        client.close()
    consumer = reader(settings, CLIENT)
    try:
        findings, refusals, events = (_spans(consumer, settings, one) for one in (ANOMALIES, QUARANTINE, EVENTS))
    finally:
        consumer.close()
    return Bounds(
        cluster=str(cluster),
        committed={at.partition: found.offset for at, found in offsets.items()},
        findings=findings,
        refusals=refusals,
        events=events,
    )


def _spans(consumer: KafkaConsumer, settings: KafkaSettings, topic: Topic) -> dict[int, Span]:
    partitions = [TopicPartition(topic.full_name(settings.topic_prefix), number) for number in range(topic.partitions)]
    starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    return {at.partition: Span(starts[at], ends[at]) for at in partitions}


def read(
    settings: KafkaSettings, topic: Topic, partition: int, span: Span, advance: Advance = lambda _records: None
) -> Iterator[tuple[int, bytes]]:
    """Offsets and values of one partition, in order.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or retention has passed over what comes next.
    """
    at = TopicPartition(topic.full_name(settings.topic_prefix), partition)
    consumer = reader(settings, CLIENT)
    try:
        consumer.assign([at])
        consumer.seek(at, span.start)
        position = span.start
        while position < span.end:
            for record in consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS).get(at, ()):
                if record.offset < span.end:
                    yield record.offset, record.value
            before, position = position, min(span.end, consumer.position(at))
            advance(position - before)
    finally:
        consumer.close()
