"""Kafka does what the engine counts on, and so does the log in memory (tests/unit/processors/test_memory_ports.py)."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest
from kafka import KafkaProducer, TopicPartition

from ingest.follower import read_to_end
from ops.topics import ensure_topics
from processors.engine.kafka_adapter import KafkaSink, KafkaSource
from processors.engine.places import Places
from processors.engine.ports import Sink, Source
from runtime.kafka import admin, reader, transactional_producer
from runtime.settings import KafkaSettings
from schemas.topics import ANOMALIES, EVENTS
from tests.contracts.log import SinkContract, SourceContract
from tests.servers import TestStack

pytestmark = pytest.mark.servers

PLACES = Places((EVENTS,))


class Rig:
    partitions = tuple(range(EVENTS.partitions))

    def __init__(self, kafka: KafkaSettings, opened: ExitStack) -> None:
        self._kafka = kafka
        self._opened = opened
        self._group = f"g{uuid.uuid4().hex[:8]}"

    def write(self, partition: int, *values: bytes) -> None:
        with closing(KafkaProducer(bootstrap_servers=self._kafka.bootstrap, acks="all")) as producer:
            for value in values:
                producer.send(EVENTS.full_name(self._kafka.topic_prefix), value=value, partition=partition)
            producer.flush(30)

    def source(self, instance: str) -> Source:
        source = KafkaSource(self._kafka, PLACES, self._group, instance)
        self._opened.callback(source.close)
        return source

    def sink(self, instance: str, source: KafkaSource) -> Sink:
        sink = KafkaSink(self._kafka, instance, PLACES, source.membership, "fold")
        self._opened.callback(sink.close)
        return sink

    def settle_group(self, members: Sequence[str]) -> None:
        """Kafka's own business."""

    def left_open(self, instance: str, value: bytes) -> None:
        producer = transactional_producer(self._kafka, self._kafka.topic_prefix + instance)
        self._opened.callback(producer.close, timeout=0)
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(ANOMALIES.full_name(self._kafka.topic_prefix), value=value, partition=0).get(30)

    def published(self) -> list[bytes]:
        with closing(reader(self._kafka, "contract")) as consumer:
            at = TopicPartition(ANOMALIES.full_name(self._kafka.topic_prefix), 0)
            return [record.value for record in read_to_end(consumer, {at: 0})]  # to the last stable offset

    def delete_before(self, partition: int, offset: int) -> None:
        with closing(admin(self._kafka)) as client:
            client.delete_records({TopicPartition(EVENTS.full_name(self._kafka.topic_prefix), partition): offset})

    def patience(self) -> Iterator[None]:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            yield


@pytest.fixture
def rig(stack: TestStack) -> Iterator[Rig]:
    kafka = stack.settings.kafka.model_copy(
        update={"topic_prefix": stack.fresh_prefix(), "session_timeout_ms": 30_000, "transaction_timeout_ms": 60_000}
    )
    ensure_topics(kafka)
    with closing(reader(kafka, "contract")) as consumer:  # a group that knew of no partitions would share none for long
        for topic in (EVENTS, ANOMALIES):
            name = topic.full_name(kafka.topic_prefix)
            consumer.end_offsets([TopicPartition(name, number) for number in range(topic.partitions)])
    with ExitStack() as opened:
        yield Rig(kafka, opened)


class TestKafkaSource(SourceContract):
    pass


class TestKafkaSink(SinkContract):
    pass
