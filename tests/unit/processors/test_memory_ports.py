"""The log that the simulations stand on behaves as Kafka does (tests/integration/test_kafka_contract.py)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from kafka import TopicPartition
from memory_ports import MemoryGroup, MemorySink, MemorySource

from processors.engine.kafka_adapter import KafkaSource
from processors.engine.places import Places
from processors.engine.ports import Source
from schemas.topics import ANOMALIES, EVENTS
from tests.contracts.log import SinkContract, SourceContract
from tests.memory.group import Group, MemoryConsumer
from tests.memory.log import MemoryLog

TOPIC = "input"
PLACES = Places((replace(EVENTS, name=TOPIC, partitions=2),))


class Rig:
    partitions = (0, 1)

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.group = MemoryGroup(self.log, "g", TOPIC)

    def write(self, partition: int, *values: bytes) -> None:
        self.log.append((TOPIC, partition), *values)

    def source(self, instance: str) -> Source:
        return MemorySource(self.group, instance, lambda _s: None)

    def sink(self, instance: str, source: MemorySource) -> MemorySink:
        return MemorySink(instance, source)

    def settle_group(self, members: Sequence[str]) -> None:
        self.group.assign(shares(members))

    def left_open(self, instance: str, value: bytes) -> None:
        self.log.send(self.log.begin(instance, self.log.init(instance)), (ANOMALIES.name, 0), value)

    def published(self) -> list[bytes]:
        return self.log.values((ANOMALIES.name, 0))

    def delete_before(self, partition: int, offset: int) -> None:
        self.log.delete_before((TOPIC, partition), offset)

    def patience(self) -> Iterator[None]:
        for _ in range(50):
            yield


class ConsumerRig(Rig):
    """The engine's own adapter over kafka-python's consumer in memory, on which the archive is simulated."""

    def __init__(self) -> None:
        super().__init__()
        self.consumers = Group(self.log)

    def source(self, instance: str) -> Source:
        consumer = MemoryConsumer(self.consumers, instance, lambda _name: None, lambda _s: None)
        source = KafkaSource.__new__(KafkaSource)
        source._prefix, source._places, source._consumer = "", PLACES, consumer  # type: ignore[assignment]
        return source

    def settle_group(self, members: Sequence[str]) -> None:
        self.consumers.assign(
            {name: [TopicPartition(TOPIC, number) for number in numbers] for name, numbers in shares(members).items()}
        )


def shares(members: Sequence[str]) -> dict[str, list[int]]:
    """Each has one, or one has both."""
    found: dict[str, list[int]] = {name: [] for name in members}
    for number, name in zip(range(2), [*members, *members], strict=False):
        found[name].append(number)
    return found


class TestMemorySource(SourceContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return Rig()


class TestMemorySink(SinkContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return Rig()


class TestMemoryConsumer(SourceContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return ConsumerRig()
