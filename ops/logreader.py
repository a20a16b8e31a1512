"""Reads the log as a person would: from the end, from the start, or the last few records of a topic."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from runtime.errors import FatalError
from runtime.kafka import reader
from runtime.lifecycle import Shutdown
from runtime.settings import KafkaSettings
from schemas.envelope import CloudEvent, UnknownEventError, decode
from schemas.topics import CATALOGUE, Topic


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record: where it stands, its bytes, and the event in them (None where they are none of ours)."""

    topic: str
    partition: int
    offset: int
    key: str | None
    raw: bytes | None
    event: CloudEvent | None


def find_topic(name: str) -> Topic:
    """The topic of the catalogue meant by `anomalies`, `city.anomalies` or `city.anomalies.v1`.

    Raises:
        FatalError: no such topic; the message lists those that are.
    """
    for topic in CATALOGUE:
        short = topic.name.removeprefix("city.").removesuffix(".v1")
        if name in {short, f"city.{short}", topic.name}:
            return topic
    raise FatalError(f"no topic {name!r}; there are: {', '.join(t.name for t in CATALOGUE)}")


def read_all(settings: KafkaSettings, topic: Topic) -> Iterator[LogEntry]:
    """Everything the topic holds now, partition by partition as it comes; ends at the end."""
    with _opened(settings, topic) as (consumer, partitions):
        consumer.seek_to_beginning(*partitions)
        yield from _until_end(consumer, partitions)


def read_last(settings: KafkaSettings, topic: Topic, count: int) -> list[LogEntry]:
    """The newest ``count`` records of a topic, in the order of their event times."""
    with _opened(settings, topic) as (consumer, partitions):
        return _newest(consumer, partitions, count)


def follow(settings: KafkaSettings, topic: Topic, shutdown: Shutdown, last: int = 0) -> Iterator[LogEntry]:
    """The newest ``last`` records, and whatever is written behind them, until asked to stop."""
    with _opened(settings, topic) as (consumer, partitions):
        yield from _newest(consumer, partitions, last)
        while not shutdown.requested:
            for records in consumer.poll(timeout_ms=200).values():
                yield from map(_entry, records)


class _opened:  # noqa: N801 - reads as a statement
    """A reader assigned to all partitions of a topic."""

    def __init__(self, settings: KafkaSettings, topic: Topic) -> None:
        self._consumer = reader(settings, "eyes-logreader")
        name = topic.full_name(settings.topic_prefix)
        self._partitions = [TopicPartition(name, number) for number in range(topic.partitions)]

    def __enter__(self) -> tuple[KafkaConsumer, list[TopicPartition]]:
        self._consumer.assign(self._partitions)
        return self._consumer, self._partitions

    def __exit__(self, *_: object) -> None:
        self._consumer.close()


def _newest(consumer: KafkaConsumer, partitions: list[TopicPartition], count: int) -> list[LogEntry]:
    """The newest records; the consumer then stands behind them."""
    first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, max(first[partition], end[partition] - count))
    entries = list(_until_end(consumer, partitions)) if count else []
    entries.sort(key=lambda entry: (entry.event.time.timestamp() if entry.event else 0.0, entry.partition))
    return entries[-count:] if count else []


def _until_end(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> Iterator[LogEntry]:
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=200).values():
            yield from map(_entry, records)


def _entry(record: Any) -> LogEntry:
    event = None
    if record.value is not None:
        try:
            event = decode(record.value)
        except UnknownEventError:
            event = None
    key = record.key.decode(errors="replace") if record.key is not None else None
    return LogEntry(record.topic, record.partition, record.offset, key, record.value, event)
