"""The broker on which ingest is simulated behaves as Mosquitto does (tests/integration/test_mosquitto.py)."""

from collections.abc import Callable, Iterator

import pytest

from ingest.mqtt import Client
from tests.contracts.broker import BrokerContract
from tests.memory.broker import Broker
from tests.memory.network import Network


class Rig:
    root = "eyes/test/"
    client_id = "c"

    def __init__(self) -> None:
        self.broker = Broker()
        self.network = Network(self.broker, lambda _name: None)

    def client(self, deliver: Callable[..., None]) -> Client:
        return Client(self.client_id, deliver, lambda: True, 1_000, self.network.dial)

    def address(self) -> tuple[str, int]:
        return "memory", 1

    def publish(self, topic: str, payload: bytes) -> None:
        self.broker.publish(topic, payload)

    def turn(self) -> None:
        self.network.pump()

    def patience(self) -> Iterator[None]:
        for _ in range(100):
            yield


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.network.cut()


class TestMemoryBroker(BrokerContract):
    pass
