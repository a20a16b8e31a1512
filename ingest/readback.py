"""What an earlier process of this shard wrote last, so that a redelivery after a crash is recognised (tier (c))."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from ingest.follower import BOOTSTRAP_MS, OpenReader, read_to_end, understood
from ingest.normalise import OURS, reading_key
from ingest.recent import Recent
from runtime.kafka import reader
from runtime.settings import Settings
from schemas.camera import CameraEvent
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import TYPE_OF, CloudEvent, decode
from schemas.identity import payload_hash
from schemas.model import to_ms
from schemas.quarantine import Quarantined, UnregisteredReadings
from schemas.registry import FacilityRegistered
from schemas.topics import EVENTS, QUARANTINE, TICKS, UNREGISTERED

TAIL_RECORDS: Final = 2_000
"""Per partition, registrations not counted: a daily rewrite writes thousands of them in a row. Behind this, or what
other ingests wrote while we were away, a redelivery is not recognised."""
_FURTHER: Final = 4
_ARRIVED_PARTS: Final = 4
_REGISTERED: Final = b'"type":"%s"' % TYPE_OF[FacilityRegistered].encode()
_TICK: Final = b'"type":"%s"' % TYPE_OF[Tick].encode()

Arrivals = dict[tuple[str, int], int]


class ReadBack(NamedTuple):
    """What was found: how many arrivals can be redelivered, and the time of the newest ticks (0: none)."""

    arrivals: int
    ticks: dict[int, int]
    """By partition of the events."""
    coarse_ms: int
    """In ``city.ticks.v1``."""


def read_back(settings: Settings, source: str, recent: Recent, open_reader: OpenReader = reader) -> ReadBack:
    """Fill ``recent`` from the tail of the log, and find out how late it was there.

    Raises:
        kafka.errors.KafkaError: Kafka is away; try again later.
    """
    shard = settings.ingest.client_id
    topics = {
        topic.full_name(settings.kafka.topic_prefix): topic for topic in (EVENTS, UNREGISTERED, QUARANTINE, TICKS)
    }
    consumer = open_reader(settings.kafka, f"{shard}-readback", bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        partitions = [TopicPartition(name, n) for name, topic in topics.items() for n in range(topic.partitions)]
        first, last = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        starts = tail_starts(consumer, first, last)
        arrivals: Arrivals = {}
        given: dict[str, int] = {}
        ticks: dict[int, bytes] = {}
        coarse = b""
        last_sign_ms = 0
        for record in read_to_end(consumer, starts):
            if _TICK in record.value and topics[record.topic] is TICKS:
                coarse = record.value
            elif _TICK in record.value:
                ticks[record.partition] = record.value
            elif _REGISTERED in record.value:
                continue
            if source.encode() not in record.value:  # cheaper than decoding what other shards wrote
                continue
            found = understood(record, topics[record.topic])
            if found is None or found.event is None or found.event.source != source:
                continue
            last_sign_ms = max(last_sign_ms, record.timestamp)
            arrivals.update(_arrivals(found.event))
            if isinstance(found.event.data, BatchColumns):
                given.update(_given(found.event.data))
    finally:
        consumer.close()
    times = {partition: to_ms(_tick(raw).time) for partition, raw in ticks.items()}
    coarse_ms = _coarse_ms(coarse, settings.clock.generation) if coarse else 0
    return ReadBack(recent.read_back(arrivals, given, last_sign_ms), times, coarse_ms)


def tail_starts(
    consumer: KafkaConsumer, first: dict[TopicPartition, int], last: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Where to begin so that some :data:`TAIL_RECORDS` that are no registrations follow, or all there are.

    Raises:
        kafka.errors.KafkaError: Kafka is away.
    """
    starts = {where: max(first[where], last[where] - TAIL_RECORDS) for where in first}
    short = dict(starts)
    while short:
        others: Counter[TopicPartition] = Counter()
        for record in read_to_end(consumer, short):
            others[TopicPartition(record.topic, record.partition)] += _REGISTERED not in record.value
        short = {
            where: max(first[where], last[where] - _FURTHER * (last[where] - start))
            for where, start in short.items()
            if start > first[where] and others[where] < TAIL_RECORDS / 2
        }
        starts |= short
    return starts


def _tick(raw: bytes) -> Tick:
    tick = decode(raw).data
    assert isinstance(tick, Tick), "only a tick's type reads like that"
    return tick


def _coarse_ms(raw: bytes, generation: int) -> int:
    """A clock that was chosen anew may begin earlier than the one before it ended."""
    tick = _tick(raw)
    return to_ms(tick.time) if tick.generation == generation else 0


def _arrivals(event: CloudEvent) -> Iterator[tuple[tuple[str, int], int]]:
    """(payload hash, arrival) and event time of everything in an event that only its arrival identifies."""
    data = event.data
    if isinstance(data, BatchColumns):
        for identity, event_ms in zip(data.identity, data.phenomenon_time, strict=True):
            if (key := _parse(identity)) is not None:
                yield key, event_ms
    elif isinstance(data, CameraEvent):
        if (key := _parse(data.identity)) is not None:
            yield key, data.time_ms
    elif isinstance(data, UnregisteredReadings):
        for _, identity in data.identities:
            if (key := _parse(identity)) is not None:
                yield key, to_ms(event.time)
    elif isinstance(data, Quarantined):
        yield (payload_hash(data.mqtt_topic or "", data.payload), to_ms(data.arrival_time)), to_ms(event.time)


def _given(batch: BatchColumns) -> Iterator[tuple[str, int]]:
    """Readings with a number or a time of their own whose event time was ours to give."""
    columns = zip(batch.series_index, batch.identity, batch.result_quality, batch.phenomenon_time, strict=True)
    for index, identity, quality, event_ms in columns:
        if quality in OURS and not identity.startswith("c:"):
            series = batch.series[index]
            yield reading_key(series.device, series.observed_property, identity), event_ms


def _parse(identity: str) -> tuple[str, int] | None:
    parts = identity.split(":")
    if parts[0] != "c" or len(parts) != _ARRIVED_PARTS:
        return None
    return parts[2], int(parts[1])
