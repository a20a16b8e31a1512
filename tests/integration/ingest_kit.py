"""What the tests of ingest share: a registry, a publisher, ingest as a process, and what stands in Kafka."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from kafka import KafkaProducer, TopicPartition
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.follower import read_to_end
from ops.topics import ensure_topics
from runtime.kafka import reader
from runtime.settings import KafkaSettings, Settings
from schemas.envelope import CloudEvent, decode, encode
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import from_ms
from schemas.registry import FacilityRegistered
from schemas.topics import FACILITIES, Topic

MAIN = "from ops.cli.ingest import ingest; import typer; typer.run(ingest)"


def eventually(what: Callable[[], Any], timeout_s: float = 30.0, every_s: float = 0.05) -> Any:
    """Wait until this is true; returns it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := what():
            return result
        time.sleep(every_s)
    raise AssertionError(f"did not happen within {timeout_s} s: {what}")


def facility(name: str, device: str, zone: str, **binding: Any) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=binding.pop("facility_class", FacilityClass.PRESSURE_METER),
        zone=zone,
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device=device, **binding),),
    )


@dataclass
class City:
    """A topic prefix and a site of its own on the shared servers."""

    stack: Any
    kafka: KafkaSettings
    site: str = field(default_factory=lambda: f"s{uuid.uuid4().hex[:8]}")

    @classmethod
    def on(cls, stack: Any) -> "City":
        city = cls(stack, stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()}))
        ensure_topics(city.kafka)
        return city

    def topic(self, device: str, channel: str = "observations") -> str:
        return f"eyes/v1/{self.site}/{device}/{channel}"

    def register(self, *facilities: Facility) -> None:
        producer = KafkaProducer(bootstrap_servers=self.kafka.bootstrap, acks="all")
        for one in facilities:
            event = CloudEvent(
                id=str(uuid.uuid4()), source="/test/registry", time=from_ms(0), data=FacilityRegistered(facility=one)
            )
            producer.send(FACILITIES.full_name(self.kafka.topic_prefix), key=one.facility.encode(), value=encode(event))
        producer.flush(30)
        producer.close()

    def events(self, topic: Topic) -> list[tuple[int, CloudEvent]]:
        """Everything in a topic: partition and event, in order within each partition."""
        consumer = reader(self.kafka, f"test-{uuid.uuid4().hex[:6]}")
        try:
            where = [TopicPartition(topic.full_name(self.kafka.topic_prefix), n) for n in range(topic.partitions)]
            records = sorted(
                read_to_end(consumer, consumer.beginning_offsets(where)), key=lambda r: (r.partition, r.offset)
            )
            return [(record.partition, decode(record.value)) for record in records]
        finally:
            consumer.close()

    def of(self, topic: Topic, kind: type) -> list[Any]:
        return [event.data for _, event in self.events(topic) if isinstance(event.data, kind)]

    @contextlib.contextmanager
    def publisher(self, user: str = "device") -> Iterator[paho.Client]:
        settings = self.stack.mqtt(user)
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.username_pw_set(settings.username, settings.password.get_secret_value())
        client.max_inflight_messages_set(1000)
        client.connect(settings.host, settings.port)
        client.loop_start()
        try:
            yield client
        finally:
            client.disconnect()
            client.loop_stop()

    def publish(self, messages: Sequence[tuple[str, bytes]], user: str = "device") -> None:
        """Publish and wait for the broker's acknowledgement of each."""
        with self.publisher(user) as client:
            for info in [client.publish(topic, payload, qos=1) for topic, payload in messages]:
                info.wait_for_publish(30)
                assert info.is_published()

    def ingest(self, tmp_path: Path, shard: str | None = None, **env: str) -> "Ingest":
        return Ingest(self, tmp_path, shard or f"ingest-{self.site}", env)

    def make_session(self, shard: str) -> None:
        """Have the broker keep what comes for this shard from now on, as if its ingest had run before."""
        settings = self.stack.mqtt("ingest")
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=shard, protocol=paho.MQTTv5)
        client.username_pw_set(settings.username, settings.password.get_secret_value())
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        done: list[int] = []
        client.on_subscribe = lambda *_: done.append(1)
        client.on_connect = lambda c, *_: c.subscribe(f"eyes/v1/{self.site}/#", qos=1)
        client.connect(settings.host, settings.port, clean_start=False, properties=properties)
        client.loop_start()
        eventually(lambda: done)
        client.disconnect()
        client.loop_stop()


class Ingest:
    """``eyes ingest`` as a process."""

    def __init__(self, city: City, folder: Path, shard: str, env: dict[str, str]) -> None:
        self.city = city
        self.shard = shard
        self.log = folder / f"{shard}.log"
        self._env = {
            **os.environ,
            **city.stack.env,
            "EYES_CONFIG": str(folder / "none.toml"),
            "EYES_KAFKA__TOPIC_PREFIX": city.kafka.topic_prefix,
            "EYES_INGEST__TOPIC_FILTERS": json.dumps([f"eyes/v1/{city.site}/#"]),
            "EYES_SITE": city.site,
            "EYES_KAFKA__SESSION_TIMEOUT_MS": "6000",
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> "Ingest":
        before = self.lines("mqtt_connected")
        command = [sys.executable, "-c", MAIN, "--client-id", self.shard, "--metrics-port", "0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        if wait:
            eventually(lambda: len(self.lines("mqtt_connected")) > len(before), 60)
        return self

    def __enter__(self) -> Self:
        return self if self.process else self.start()

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            self.kill()

    def lines(self, event: str) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        whole = (line for line in self.log.read_text().splitlines() if line.startswith("{") and line.endswith("}"))
        return [one for one in map(json.loads, whole) if one.get("event") == event]

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process
        self.process.terminate()
        return self.process.wait(30)

    def metric(self, name: str) -> float:
        import urllib.request

        port = self.lines("metrics_served")[-1]["port"]
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name
        )


def settings_of(city: City, shard: str) -> Settings:
    """The same settings in this process."""
    base: Settings = city.stack.settings
    return base.model_copy(
        update={
            "site": city.site,
            "kafka": city.kafka,
            "mqtt": city.stack.mqtt("ingest"),
            "ingest": base.ingest.model_copy(
                update={"client_id": shard, "topic_filters": (f"eyes/v1/{city.site}/#",), "metrics_port": 0}
            ),
        }
    )
