"""The log as it stood at one moment, read aside: in no group, so nobody's offset moves, and nothing is written."""

import time
from collections.abc import Callable, Generator
from typing import Final, NamedTuple

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from processors.correlators import GROUP as CORRELATORS
from processors.detectors import GROUP
from runtime.kafka import admin, reader
from runtime.settings import KafkaSettings
from schemas.topics import ANOMALIES, CASE_INPUTS, DERIVED, EVENTS, QUARANTINE, SHADOWS, Topic

POLL_MS: Final = 500
RECORDS: Final = (
    100  # of a hundred readings each, a second of folding: progress is told and an end is asked for after them
)
COORDINATOR_S: Final = 15.0
_COORDINATOR_ERRORS: Final = (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError)
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

    log: str
    """The ids that Kafka gave itself and the topics: another log has others."""
    committed: dict[int, int]
    findings: dict[int, Span]
    refusals: dict[int, Span]
    events: dict[int, Span]
    shadows: dict[int, Span] = {}
    """What was found on trial."""
    derived: dict[int, Span] = {}
    """Readings that were derived."""
    inputs: dict[int, Span] = {}
    """Of the folds over findings."""
    correlated: dict[int, int] = {}
    """How far those have committed."""

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
    correlated = committed_offsets(settings, CORRELATORS)
    committed = committed_offsets(settings)
    client = admin(settings)
    try:
        log = _identity(client, settings)
    finally:
        client.close()
    consumer = reader(settings, CLIENT)
    try:
        findings, shadows, derived, refusals, events, inputs = (
            spans(consumer, settings, one) for one in (ANOMALIES, SHADOWS, DERIVED, QUARANTINE, EVENTS, CASE_INPUTS)
        )
    finally:
        consumer.close()
    return Bounds(
        log=log,
        committed=committed,
        findings=findings,
        refusals=refusals,
        events=events,
        shadows=shadows,
        derived=derived,
        inputs=inputs,
        correlated=correlated,
    )


def committed_offsets(settings: KafkaSettings, of: str = GROUP) -> dict[int, int]:
    """How far the folds of a group have committed, by partition.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    group = settings.topic_prefix + of
    give_up = time.monotonic() + COORDINATOR_S
    client = admin(settings)
    try:
        while True:
            try:
                offsets = client.list_group_offsets({group: None})[group]
            except _COORDINATOR_ERRORS:  # a Kafka that never had a group makes room for them first
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)
            else:
                return {at.partition: found.offset for at, found in offsets.items()}
    finally:
        client.close()


def _identity(client: KafkaAdminClient, settings: KafkaSettings) -> str:
    described = client.describe_topics([topic.full_name(settings.topic_prefix) for topic in (EVENTS, ANOMALIES)])
    ids = sorted(f"{topic['name']}={topic['topic_id']}" for topic in described)
    return " ".join([str(client.describe_cluster()["cluster_id"]), *ids])


def spans(consumer: KafkaConsumer, settings: KafkaSettings, topic: Topic) -> dict[int, Span]:
    """How far a topic reaches now, by partition."""
    partitions = [TopicPartition(topic.full_name(settings.topic_prefix), number) for number in range(topic.partitions)]
    starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    return {at.partition: Span(starts[at], ends[at]) for at in partitions}


def read(
    settings: KafkaSettings, topic: Topic, partition: int, span: Span, advance: Advance = lambda _records: None
) -> Generator[tuple[int, bytes]]:
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
