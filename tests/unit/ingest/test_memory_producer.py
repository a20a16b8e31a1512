"""The producer on which ingest is simulated behaves as Kafka's does (tests/integration/test_producer_contract.py)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.producer import ProducerContract
from tests.memory.log import MemoryLog
from tests.memory.producer import MemoryProducer


class Rig:
    topic = "t"
    partitions = 2
    too_large = 1_000

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.producer = MemoryProducer(self.log, {self.topic: self.partitions}, lambda: 0)

    def open(self) -> Any:
        return self.producer

    def turn(self) -> None:
        """One record goes its way; the scheduler refuses what is too large."""
        for at in self.producer.waiting[:1]:
            if len(self.producer._lanes[at][0].value or b"") < self.too_large:
                self.producer.arrive(at)
            else:
                self.producer.refuse(at)
        self.producer.answer()

    def values(self, partition: int) -> list[bytes | None]:
        return self.log.values((self.topic, partition))

    def patience(self) -> Iterator[None]:
        for _ in range(100):
            yield


@pytest.fixture
def rig() -> Rig:
    return Rig()


class TestMemoryProducer(ProducerContract):
    pass
