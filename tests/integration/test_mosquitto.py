"""Mosquitto does what ingest counts on, and so does the broker in memory (tests/unit/ingest/test_memory_broker.py)."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.mqtt import Client
from tests.contracts.broker import BrokerContract
from tests.servers import TestStack

pytestmark = pytest.mark.servers


class Rig:
    def __init__(self, stack: TestStack) -> None:
        self._stack = stack
        name = uuid.uuid4().hex[:8]
        self.root = f"eyes/_session/{name}/"  # ingest may write it too
        self.client_id = f"contract-{name}"
        self._publisher = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._login(self._publisher)
        self._publisher.connect(*self.address())
        self._publisher.loop_start()

    def _login(self, client: paho.Client) -> None:
        mqtt = self._stack.mqtt("ingest")
        assert mqtt.password is not None
        client.username_pw_set(mqtt.username, mqtt.password.get_secret_value())

    def client(self, deliver: Callable[..., None]) -> Client:
        client = Client(self.client_id, deliver, lambda: True, 1_000)
        self._login(client)
        return client

    def address(self) -> tuple[str, int]:
        return self._stack.settings.mqtt.host, self._stack.settings.mqtt.port

    def publish(self, topic: str, payload: bytes) -> None:
        self._publisher.publish(topic, payload, qos=1).wait_for_publish(30)

    def turn(self) -> None:
        time.sleep(0.005)

    def patience(self) -> Iterator[None]:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            yield

    def close(self) -> None:
        self._publisher.disconnect()
        self._publisher.loop_stop()


@pytest.fixture
def rig(stack: TestStack) -> Iterator[Rig]:
    rig = Rig(stack)
    yield rig
    rig.close()


class TestMosquitto(BrokerContract):
    pass
