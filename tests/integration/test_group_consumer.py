"""What the client of a group must do however little time its polls are given."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic

from runtime.group_consumer import GroupConsumer
from runtime.kafka import admin, connection
from tests.servers import TestStack

pytestmark = pytest.mark.servers

WAIT_S = 240.0


@pytest.fixture
def topic(stack: TestStack) -> str:
    """A topic of two partitions."""
    name = f"{stack.fresh_prefix()}records"
    with closing(admin(stack.settings.kafka)) as client:
        client.create_topics([NewTopic(name, 2, 1)])
    return name


@pytest.fixture
def consumer(stack: TestStack, topic: str) -> Iterator[KafkaConsumer]:
    found = GroupConsumer(
        **connection(stack.settings.kafka),
        group_id=topic,
        group_instance_id="0",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        metadata_max_age_ms=500,
    )
    with closing(found):
        yield found


def test_a_join_that_outlasts_a_poll_is_ended_by_the_next(
    stack: TestStack, topic: str, consumer: KafkaConsumer
) -> None:
    consumer.subscribe([topic])
    _poll_until(consumer, lambda: len(consumer.assignment()) == 2, timeout_ms=1000)
    with closing(admin(stack.settings.kafka)) as client:
        client.create_partitions({topic: NewPartitions(total_count=3)})
    _poll_until(consumer, lambda: len(consumer.assignment()) == 3, timeout_ms=1)


def test_records_put_aside_by_a_pause_do_not_keep_a_partition_from_being_read(
    stack: TestStack, topic: str, consumer: KafkaConsumer
) -> None:
    with closing(KafkaProducer(**connection(stack.settings.kafka))) as producer:
        for number in range(20):
            producer.send(topic, b"%d" % number, partition=number % 2)
        producer.flush(30)
    consumer.subscribe([topic])
    first = _poll_until(consumer, None, timeout_ms=1000, max_records=1)
    (paused,) = first
    other = TopicPartition(topic, 1 - paused.partition)
    consumer.pause(paused)
    _poll_until(consumer, lambda: consumer.position(other) == 10, timeout_ms=100, max_records=1)
    consumer.resume(paused)
    _poll_until(consumer, lambda: consumer.position(paused) == 10, timeout_ms=100)


def _poll_until(consumer: KafkaConsumer, condition: Callable[[], bool] | None, **options: Any) -> Any:
    """Poll until the condition holds, or without one until there are records; returns the last answer."""
    deadline = time.monotonic() + WAIT_S
    while True:
        polled = consumer.poll(**options)
        if condition() if condition is not None else polled:
            return polled
        assert time.monotonic() < deadline
