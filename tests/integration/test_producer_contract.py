"""Kafka's producer does what ingest counts on, and so does the one in memory (tests/unit/ingest)."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import NewTopic

from ingest.follower import read_to_end
from ingest.writer import open_producer
from runtime.kafka import admin, reader
from runtime.settings import Settings
from tests.contracts.producer import ProducerContract
from tests.servers import TestStack

pytestmark = pytest.mark.servers


class Rig:
    partitions = 2
    too_large = 4_000

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._settings = settings
        self.topic = prefix + "small"
        with closing(admin(settings.kafka)) as client:
            config = {"max.message.bytes": str(self.too_large - 1_000)}
            client.create_topics([NewTopic(self.topic, self.partitions, 1, topic_configs=config)])

    def open(self) -> Any:
        return open_producer(self._settings)

    def turn(self) -> None:
        time.sleep(0.01)

    def values(self, partition: int) -> list[bytes | None]:
        with closing(reader(self._settings.kafka, "contract")) as consumer:
            return [one.value for one in read_to_end(consumer, {TopicPartition(self.topic, partition): 0})]

    def patience(self) -> Iterator[None]:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            yield


@pytest.fixture
def rig(stack: TestStack) -> Rig:
    return Rig(stack.settings, stack.fresh_prefix())


class TestKafkaProducer(ProducerContract):
    pass
