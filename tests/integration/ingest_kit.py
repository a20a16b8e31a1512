"""What the tests of ingest share: a city of its own, a publisher, ingest as a process, and what stands in Kafka."""

import contextlib
import json
import os
import signal
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from log_kit import Log
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ops.registry import load_registry
from ops.topics import ensure_topics
from runtime.settings import KafkaSettings, Settings
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import CloudEvent
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import format_rfc3339, to_ms
from schemas.observation import Quality
from schemas.quarantine import Quarantined
from schemas.topics import EVENTS, QUARANTINE, Topic
from tests import warm
from tests.waiting import eventually

EYES = (sys.executable, "-m", "ops.cli.main")


def facility(name: str, device: str, zone: str = "dma:1", **binding: Any) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=binding.pop("facility_class", FacilityClass.PRESSURE_METER),
        zone=zone,
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device=device, **binding),),
    )


def reading(value: float = 1.0, **more: Any) -> bytes:
    """A message of one reading; without ``seq`` and ``time`` it has no identity of its own."""
    return json.dumps({"property": "pressure", "value": value, "unit": "kPa", **more}).encode()


def ago(**span: float) -> str:
    """So long before now, as a device would say it."""
    return format_rfc3339(datetime.now(UTC) - timedelta(**span))


class Row(NamedTuple):
    """One reading in the log and where its record stands."""

    partition: int
    position: int  # of its record among those of the partition
    shard: str
    device: str
    observed_property: str
    facility: str
    identity: str
    value: float
    time_ms: int
    quality: Quality
    arrival_ms: int


@dataclass
class City:
    """A topic prefix and a site of its own on the servers."""

    stack: Any
    kafka: KafkaSettings
    site: str = field(default_factory=lambda: f"s{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.log = Log(self.kafka)

    @classmethod
    def on(cls, stack: Any) -> "City":
        city = cls(stack, stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()}))
        ensure_topics(city.kafka)
        return city

    @property
    def shard(self) -> str:
        """The client id of this city's first ingest."""
        return f"ingest-{self.site}"

    def topic(self, device: str, channel: str = "observations") -> str:
        return f"eyes/v1/{self.site}/{device}/{channel}"

    def env(self, folder: Path, **more: str) -> dict[str, str]:
        """The environment of our processes in this city."""
        return {
            **os.environ,
            **self.stack.env,
            "EYES_CONFIG": str(folder / "none.toml"),
            "EYES_KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "EYES_KAFKA__SESSION_TIMEOUT_MS": "6000",
            "EYES_INGEST__TOPIC_FILTERS": json.dumps([f"eyes/v1/{self.site}/#"]),
            "EYES_SITE": self.site,
            "EYES_LOG__FORMAT": "json",
            **more,
        }

    def eyes(self, folder: Path, *arguments: str) -> str:
        """What an ``eyes`` command prints."""
        done = warm.run([*EYES, *arguments], self.env(folder, COLUMNS="250"))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def settings(self, shard: str = "", **ingest: Any) -> Settings:
        """The same settings in this process."""
        base: Settings = self.stack.settings
        chosen = {"client_id": shard or self.shard, "topic_filters": (f"eyes/v1/{self.site}/#",), **ingest}
        return base.model_copy(
            update={
                "site": self.site,
                "kafka": self.kafka,
                "mqtt": self.stack.mqtt("ingest"),
                "ingest": base.ingest.model_copy(update=chosen),
            }
        )

    def register(self, *facilities: Facility) -> None:
        """As ``eyes registry load`` does it; an ingest that runs learns of it a moment later."""
        load_registry(self.settings(), facilities, ())

    # ------------------------------------------------------------------------------------------------ what is in Kafka

    def events(self, topic: Topic) -> list[tuple[int, CloudEvent]]:
        """Everything in a topic: partition and event, in order within each partition."""
        return [(one.partition, one.event) for one in self.log.all_of(topic)]

    def of(self, topic: Topic, kind: type) -> list[Any]:
        return [event.data for _, event in self.events(topic) if isinstance(event.data, kind)]

    def ticks(self) -> dict[int, list[Tick]]:
        """The ticks of every partition, in order."""
        found: dict[int, list[Tick]] = {number: [] for number in range(EVENTS.partitions)}
        for partition, event in self.events(EVENTS):
            if isinstance(event.data, Tick):
                found[partition].append(event.data)
        return found

    def rows(self) -> list[Row]:
        """Every reading in the log."""
        return rows_of(self.events(EVENTS))

    def pressures(self, device: str, count: int) -> list[Row]:
        """The pressures of a device, when there are so many."""

        def found() -> list[Row]:
            return [row for row in self.rows() if row.device == device and row.observed_property == "pressure"]

        rows: list[Row] = eventually(lambda: rows if len(rows := found()) >= count else None)
        return rows

    def refused(self) -> list[Quarantined]:
        """Everything in the quarantine."""
        return self.of(QUARANTINE, Quarantined)

    def identities(self) -> list[str]:
        """The identities of all readings in the log, repetitions included."""
        return [row.identity for row in self.rows()]

    # ------------------------------------------------------------------------------------------------ what is published

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

    def publish(self, *messages: tuple[str, bytes], user: str = "device") -> None:
        """Publish in this order and wait for the broker's acknowledgement of each."""
        with self.publisher(user) as client:
            for info in [client.publish(topic, payload, qos=1) for topic, payload in messages]:
                info.wait_for_publish(30)
                assert info.is_published()

    def say(self, device: str, payloads: Sequence[bytes]) -> None:
        """Publish as this device."""
        self.publish(*((self.topic(device), payload) for payload in payloads))

    def ingest(self, folder: Path, shard: str = "", **env: str) -> "Ingest":
        return Ingest(self, folder, shard or self.shard, env)

    def make_session(self, shard: str = "") -> None:
        """Have the broker keep what comes for this shard from now on, as if its ingest had run before."""
        with session_of(self.stack.mqtt("ingest"), shard or self.shard) as (client, subscribed):
            client.subscribe(f"eyes/v1/{self.site}/#", qos=1)
            eventually(lambda: subscribed)

    def drop_session(self, shard: str = "") -> None:
        """Have the broker forget the shard's session, as if it had lost it."""
        with session_of(self.stack.mqtt("ingest"), shard or self.shard, keep=False):
            pass


@contextlib.contextmanager
def session_of(mqtt: Any, client_id: str, *, keep: bool = True) -> Iterator[tuple[paho.Client, list[int]]]:
    """A connection under this client id that takes nothing away; the list grows with every subscription confirmed."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, manual_ack=True)
    client.username_pw_set(mqtt.username, mqtt.password.get_secret_value())
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600 if keep else 0
    connected: list[int] = []
    subscribed: list[int] = []
    client.on_connect = lambda *_: connected.append(1)
    client.on_subscribe = lambda *_: subscribed.append(1)
    client.connect(mqtt.host, mqtt.port, clean_start=not keep, properties=properties)
    client.loop_start()
    try:
        eventually(lambda: connected)
        yield client, subscribed
    finally:
        client.disconnect()
        client.loop_stop()


def rows_of(events: Sequence[tuple[int, CloudEvent]]) -> list[Row]:
    """The readings in events, each with the position of its record in its partition."""
    positions: dict[int, int] = {}
    found: list[Row] = []
    for partition, event in events:
        position = positions[partition] = positions.get(partition, -1) + 1
        batch = event.data
        if not isinstance(batch, BatchColumns):
            continue
        columns = zip(
            batch.series_index,
            batch.identity,
            batch.result,
            batch.phenomenon_time,
            batch.result_quality,
            batch.arrival_time,
            strict=True,
        )
        for index, identity, value, time_ms, quality, arrival_ms in columns:
            series = batch.series[index]
            found.append(
                Row(
                    partition,
                    position,
                    batch.shard,
                    series.device,
                    series.observed_property,
                    series.facility,
                    identity,
                    value,
                    time_ms,
                    Quality(quality),
                    arrival_ms,
                )
            )
    return found


def tick_times(ticks: Sequence[Tick]) -> list[int]:
    return [to_ms(tick.time) for tick in ticks]


class Process:
    """One of our processes under ``eyes``: its log, its signals and what it says of itself over HTTP."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, env: dict[str, str], program: Sequence[str] = EYES
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [*program, *command]
        self._env = env
        self._runs = 0
        self.process: warm.Begun | None = None

    def start(self, *, wait: bool = True) -> Self:
        self._runs += 1
        self.process = warm.begin(self._command, self._env, self.log)
        if wait:
            eventually(self.is_ready)
        return self

    def is_ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        return len(self.lines("metrics_served")) == self._runs

    def __enter__(self) -> Self:
        if self.process:
            return self
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *_: object) -> None:
        self.kill()

    def lines(self, event: str) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        whole = (line for line in self.log.read_text().splitlines() if line.startswith("{") and line.endswith("}"))
        return [one for one in map(json.loads, whole) if one.get("event") == event]

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """As the kernel would when memory is short."""
        if self.process and self.process.poll() is None:
            self.process.kill()  # ends a stopped one too
            self.process.wait(10)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.signal(signal.SIGTERM)
        assert self.process
        return self.process.wait(30)

    def _get(self, path: str) -> tuple[int, str]:
        port = self.lines("metrics_served")[-1]["port"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def health(self) -> dict[str, Any]:
        """What ``/healthz`` says, with the status of the answer."""
        status, text = self._get("/healthz")
        return {**json.loads(text), "status": status}

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric's samples, of those whose labels contain ``label``."""
        _, text = self._get("/metrics")
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return sum(float(value) for key, value in samples if key.split("{")[0] == name and label in key)


class Ingest(Process):
    """``eyes ingest``; ready when its probe has come back, so that nothing published from then on can be missed."""

    def __init__(self, city: City, folder: Path, shard: str, env: dict[str, str]) -> None:
        command = ("ingest", "--client-id", shard, "--metrics-port", "0")
        super().__init__(shard, command, folder, city.env(folder, **env))
        self.city = city
        self.shard = shard

    def is_ready(self) -> bool:
        return super().is_ready() and self.health()["probeAgeS"] is not None

    @property
    def settled(self) -> bool:
        """Whether nothing of what it received waits for Kafka."""
        return self.metric("eyes_ingest_in_flight") == 0
