"""A past to be replayed: what covers said in three streets, in the log, and what the detectors published of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive_kit import cloud_event
from kafka import KafkaProducer, TopicPartition

from ops.past import Bounds, bounds
from ops.topics import ensure_topics
from processors.detectors.cover import CoverDetector, State
from processors.engine.contract import Clock, Outcome, Reading, ZoneEvent
from processors.engine.driver import START, PipelineTestDriver
from runtime.kafka import admin, reader
from runtime.settings import Settings
from schemas.envelope import Data, encode
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import to_ms
from schemas.partitioning import partition_of
from schemas.topics import CATALOGUE, EVENTS, Topic
from tests import warm
from tests.servers import TestStack, free_ports
from tests.waiting import eventually

EYES = (sys.executable, "-m", "ops.cli.main")
ZONES = ("segment:1", "segment:2", "segment:3")
TICK_S = 600
T0 = to_ms(START)
HOUR = 3_600_000
DAY = 24 * HOUR
MILD, STEEP, FLAT = 12.0, 17.0, 8.0


def cover(name: str, zone: str) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.MANHOLE_COVER,
        zone=zone,
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device=name),),
    )


def tilt(driver: PipelineTestDriver, zone: str) -> None:
    """Each of the three covers leans for half an hour and is put right."""
    for angle in (0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0):
        for name, degrees in (("mild", MILD), ("steep", STEEP), ("flat", FLAT)):
            driver.read(f"{zone}/{name}".replace("/", "-"), "tilt_angle", angle * degrees)
        driver.advance(TICK_S)


def street(zone: str, days: int) -> PipelineTestDriver:
    """An hour after each midnight the covers lean."""
    driver = PipelineTestDriver(CoverDetector(), tick_s=TICK_S)
    driver.register(*(cover(f"{zone}-{name}", zone) for name in ("mild", "steep", "flat")))
    for day in range(days):
        driver.advance_to(T0 + day * DAY + HOUR)
        tilt(driver, zone)
    driver.advance_to(T0 + days * DAY)
    return driver


class HastyCover(CoverDetector):
    """Takes every sample twice, so one is enough to convince it."""

    version = 98  # type: ignore[misc]

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        told = [again for e in events for again in ((_just_before(e), e) if isinstance(e, Reading) else (e,))]
        return super().fold(state, told, clock)


def _just_before(reading: Reading) -> Reading:
    return reading._replace(time_ms=reading.time_ms - 1)  # what is said of one moment counts once


class DeafCover(CoverDetector):
    """Does not hear what is sent in the first half hour after one o'clock, so another sample begins its findings."""

    version = 99  # type: ignore[misc]

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        return super().fold(state, [e for e in events if not (isinstance(e, Reading) and self._deaf(e))], clock)

    def _deaf(self, reading: Reading) -> bool:
        return HOUR <= (reading.time_ms - T0) % DAY < HOUR + 3 * TICK_S * 1000


class FailingCover(CoverDetector):
    """Cannot stand a steep cover."""

    version = 97  # type: ignore[misc]

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        if any(isinstance(event, Reading) and event.value == STEEP for event in events):
            raise ValueError("too steep")
        return super().fold(state, events, clock)


@dataclass
class Past:
    """Topics of their own, events in them, and detectors that can be run over them."""

    stack: TestStack
    folder: Path
    settings: Settings
    streets: dict[str, PipelineTestDriver] = field(default_factory=dict)
    program: Sequence[str] = EYES

    @classmethod
    def on(cls, stack: TestStack, folder: Path) -> "Past":
        kafka = stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()})
        ensure_topics(kafka)
        return cls(stack, folder, stack.settings.model_copy(update={"kafka": kafka}))

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.stack.env,
            "EYES_CONFIG": str(self.folder / "none.toml"),
            "EYES_KAFKA__TOPIC_PREFIX": self.settings.kafka.topic_prefix,
            "EYES_KAFKA__SESSION_TIMEOUT_MS": "6000",
            "EYES_LOG__FORMAT": "json",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "COLUMNS": "250",
        }

    def write(self, zone: str, events: Sequence[Data | bytes], to: Topic = EVENTS) -> None:
        producer = KafkaProducer(bootstrap_servers=self.settings.kafka.bootstrap, acks="all", linger_ms=5)
        try:
            topic, at = to.full_name(self.settings.kafka.topic_prefix), partition_of(zone, to.partitions)
            values = (one if isinstance(one, bytes) else encode(cloud_event(one)) for one in events)
            sent = [producer.send(topic, value=value, partition=at) for value in values]
            producer.flush(60)
            assert all(future.get(60) for future in sent)
        finally:
            producer.close()

    def live(self, days: int) -> None:
        """The streets live for so many days, and the detectors say what they think of it."""
        self.streets = {zone: street(zone, days) for zone in ZONES}
        for zone, driver in self.streets.items():
            self.write(zone, driver.log)
        with self.detectors():
            eventually(self.caught_up)

    def caught_up(self) -> bool:
        now = self.bounds()
        return all(now.committed.get(number, 0) >= span.end for number, span in now.events.items())

    def bounds(self) -> Bounds:
        return bounds(self.settings.kafka)

    @contextmanager
    def detectors(self) -> Iterator[None]:
        """``eyes process`` for the length of the block."""
        (port,) = free_ports(1)
        command = [*self.program, "process", "--metrics-port", str(port)]
        process = warm.begin(command, self.env, self.folder / "process.log")
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def eyes(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return warm.run([*self.program, *arguments], self.env | env)

    def replay(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.eyes("replay", *arguments, **env)

    def expire(self, zone: str, before: int) -> int:
        """Retention passes over a zone's partition; which one that is."""
        at = TopicPartition(EVENTS.full_name(self.settings.kafka.topic_prefix), partition_of(zone, EVENTS.partitions))
        client = admin(self.settings.kafka)
        try:
            client.delete_records({at: before})
        finally:
            client.close()
        eventually(lambda: self.bounds().events[at.partition].start == before)
        return at.partition

    def everything(self) -> dict[str, Any]:
        """How far every topic reaches, and where every group of this city stands; Kafka forgets others meanwhile."""
        consumer, client = reader(self.settings.kafka, "test"), admin(self.settings.kafka)
        try:
            names = [topic.full_name(self.settings.kafka.topic_prefix) for topic in CATALOGUE]
            partitions = [at for name in names for at in _partitions(consumer, name)]
            groups = sorted(group["group_id"] for group in client.list_groups())
            groups = [group for group in groups if group.startswith(self.settings.kafka.topic_prefix)]
            assert groups, "that of the detectors is there"
            return {
                "ends": consumer.end_offsets(partitions),
                "groups": client.list_group_offsets(dict.fromkeys(groups)),
            }
        finally:
            consumer.close()
            client.close()


def _partitions(consumer: Any, topic: str) -> list[Any]:
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
