"""Topics on a real broker: made from the catalogue, left alone when right, refused when they are not."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from ops.logreader import find_topic, follow, read_all, read_last
from ops.topics import GZIP_LEVEL, SEGMENT_MS, ensure_topics
from runtime.errors import FatalError
from runtime.kafka import MAX_RECORD_BYTES, admin, idempotent_producer, transactional_producer
from runtime.lifecycle import Shutdown
from runtime.settings import KafkaSettings
from schemas.envelope import CloudEvent, encode
from schemas.model import from_ms
from schemas.quarantine import ReadingsReleased
from schemas.topics import ANOMALIES, CATALOGUE, EVENTS, FACILITIES, UNLIMITED, UNREGISTERED
from tests.servers import TestStack

pytestmark = pytest.mark.servers


@pytest.fixture
def kafka(stack: TestStack) -> KafkaSettings:
    return stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()})


@pytest.fixture
def client(kafka: KafkaSettings) -> Iterator[KafkaAdminClient]:
    client = admin(kafka, "test")
    yield client
    client.close()


def configs(client: KafkaAdminClient, kafka: KafkaSettings) -> dict[str, dict[str, str]]:
    """Topic to its settings, by the catalogue's names."""
    found = {}
    for topic in CATALOGUE:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.full_name(kafka.topic_prefix))
        described: Any = client.describe_configs([resource], config_filter="all")
        (values,) = described["topic"].values()
        found[topic.name] = {name: entry["value"] for name, entry in values.items()}
    return found


def test_what_the_catalogue_says_is_made_once(kafka: KafkaSettings, client: KafkaAdminClient) -> None:
    names = [topic.full_name(kafka.topic_prefix) for topic in CATALOGUE]
    assert ensure_topics(kafka) == names
    assert ensure_topics(kafka) == []
    counts = {one["name"]: len(one["partitions"]) for one in client.describe_topics(names)}
    assert counts == {topic.full_name(kafka.topic_prefix): topic.partitions for topic in CATALOGUE}
    for topic in CATALOGUE:
        told = configs(client, kafka)[topic.name]
        assert told["cleanup.policy"] == topic.cleanup
        assert told["retention.ms"] == str(UNLIMITED)  # a development stack keeps everything
        assert told["max.message.bytes"] == str(MAX_RECORD_BYTES)
        assert told["segment.ms"] == str(SEGMENT_MS)
        assert told["compression.type"] == topic.compression
        assert told["compression.gzip.level"] == GZIP_LEVEL


def test_in_production_the_catalogue_says_how_long_they_are_kept(
    kafka: KafkaSettings, client: KafkaAdminClient
) -> None:
    production = kafka.model_copy(update={"retention": "catalogue"})
    ensure_topics(production)
    told = {name: one["retention.ms"] for name, one in configs(client, production).items()}
    assert told == {
        topic.name: str(UNLIMITED if topic.cleanup == "compact" else topic.retention_ms) for topic in CATALOGUE
    }
    assert any(value != str(UNLIMITED) for value in told.values())


def test_only_what_is_missing_is_made(kafka: KafkaSettings, client: KafkaAdminClient) -> None:
    ensure_topics(kafka)
    client.delete_topics([ANOMALIES.full_name(kafka.topic_prefix)])
    deadline = time.monotonic() + 240
    while ANOMALIES.full_name(kafka.topic_prefix) in {one["name"] for one in client.describe_topics()}:
        assert time.monotonic() < deadline
    assert ensure_topics(kafka) == [ANOMALIES.full_name(kafka.topic_prefix)]


@pytest.mark.parametrize("partitions", [1, 13])
def test_another_number_of_partitions_is_refused_and_nothing_is_made(
    kafka: KafkaSettings, client: KafkaAdminClient, partitions: int
) -> None:
    name = EVENTS.full_name(kafka.topic_prefix)
    client.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}}, wait_for_metadata=True)
    with pytest.raises(FatalError, match=f"{name} has {partitions} partitions, the catalogue says 12.*topic_prefix"):
        ensure_topics(kafka)
    ours = {one["name"] for one in client.describe_topics() if one["name"].startswith(kafka.topic_prefix)}
    assert ours == {name}


def test_another_cleanup_policy_is_refused(kafka: KafkaSettings, client: KafkaAdminClient) -> None:
    name = FACILITIES.full_name(kafka.topic_prefix)
    client.create_topics({name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    with pytest.raises(FatalError, match=r"cleanup\.policy.*delete.*compact"):
        ensure_topics(kafka)


def test_a_record_of_the_largest_size_passes(kafka: KafkaSettings) -> None:
    ensure_topics(kafka)
    producer = idempotent_producer(kafka, "test")
    name = EVENTS.full_name(kafka.topic_prefix)
    producer.send(name, value=b"x" * (MAX_RECORD_BYTES - 1_000), partition=3).get(30)
    producer.close()
    (entry,) = read_all(kafka, EVENTS)
    assert (entry.partition, entry.event, len(entry.raw or b"")) == (3, None, MAX_RECORD_BYTES - 1_000)


# ------------------------------------------------------------------------------------------------- reading the log


def released(number: int) -> bytes:
    data = ReadingsReleased(device=f"d-{number}", through=0, messages=number)
    return encode(CloudEvent(id=str(number), source="/t", time=from_ms(1_000 * number), data=data))


def numbers(entries: Any) -> list[int]:
    return [entry.event.data.messages for entry in entries]


def test_the_log_is_read_whole_from_its_end_and_onwards(kafka: KafkaSettings) -> None:
    ensure_topics(kafka)
    name = UNREGISTERED.full_name(kafka.topic_prefix)
    producer = transactional_producer(kafka, "test")
    producer.init_transactions()
    assert list(read_all(kafka, UNREGISTERED)) == read_last(kafka, UNREGISTERED, 5) == []
    for number in range(10):  # each transaction leaves a marker behind it, where readers must not get stuck
        producer.begin_transaction()
        producer.send(name, value=released(number), partition=number % 3)
        producer.commit_transaction()
    producer.begin_transaction()
    producer.send(name, value=released(99), partition=0).get(30)
    producer.abort_transaction()
    assert sorted(numbers(read_all(kafka, UNREGISTERED))) == list(range(10))
    assert set(numbers(read_last(kafka, UNREGISTERED, 4))) <= set(range(10))
    assert numbers(read_last(kafka, UNREGISTERED, 100)) == list(range(10))

    shutdown = Shutdown()
    following = follow(kafka, UNREGISTERED, shutdown, last=100)
    assert [next(following).event.data.messages for _ in range(10)] == list(range(10))  # type: ignore[union-attr]
    producer.begin_transaction()
    producer.send(name, value=released(10), partition=3)
    producer.commit_transaction()
    assert numbers([next(following)]) == [10]
    shutdown.request()
    assert list(following) == []
    producer.close()


def test_nothing_is_missed_between_what_was_and_what_comes(kafka: KafkaSettings) -> None:
    ensure_topics(kafka)
    producer = idempotent_producer(kafka, "test")
    name = UNREGISTERED.full_name(kafka.topic_prefix)
    producer.send(name, value=released(0), partition=0).get(30)
    following = follow(kafka, UNREGISTERED, Shutdown(), last=1)
    first = next(following)  # what was; whoever reads it has not asked for what comes yet
    producer.send(name, value=released(1), partition=0).get(30)
    assert numbers([first, next(following)]) == [0, 1]
    following.close()  # type: ignore[attr-defined]
    producer.close()


def test_a_topic_is_found_by_any_of_its_names() -> None:
    assert find_topic("anomalies") is find_topic("city.anomalies") is find_topic("city.anomalies.v1") is ANOMALIES
    with pytest.raises(FatalError, match=r"no topic 'cases'; there are: city\.events\.v1, "):
        find_topic("cases")


def test_tombstones_and_keys_are_shown(kafka: KafkaSettings) -> None:
    ensure_topics(kafka)
    producer = idempotent_producer(kafka, "test")
    where = TopicPartition(FACILITIES.full_name(kafka.topic_prefix), 0)
    producer.send(where.topic, key=b"f-1", value=None, partition=0).get(30)
    producer.close()
    (entry,) = read_all(kafka, FACILITIES)
    assert (entry.key, entry.raw, entry.event) == ("f-1", None, None)
