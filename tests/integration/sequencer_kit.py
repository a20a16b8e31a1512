"""What the tests of the sequencer share: findings and ticks as their writers write them, and what became of them."""

import itertools
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ingest_kit import City, Process
from kafka import KafkaProducer

from runtime.kafka import idempotent_producer
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.clock import Tick
from schemas.envelope import CloudEvent, encode
from schemas.facility import Place
from schemas.identity import event_id, finding_id
from schemas.model import Model, from_ms, to_ms
from schemas.topics import ANOMALIES, CASE_INPUTS, TICKS, Topic

NOW = 1_795_000_000_000
DISTRICTS = ("411002", "411003", "411081", None)


@dataclass
class Desk:
    """A city whose detectors and clock are this test."""

    city: City
    producer: KafkaProducer
    findings: list[tuple[int, str]] = field(default_factory=list)
    """The partition and event id of everything found, in order."""
    ticks: int = 0

    def say(self, *data: Model | bytes, partition: int = 0) -> None:
        """Write to the findings of this partition; ticks go where the time is written."""
        for one in data:
            if isinstance(one, bytes):
                self._send(ANOMALIES, partition, one)
                continue
            said = one.model_dump_json() if isinstance(one, Anomaly) else f"tick {self.ticks}"
            event = CloudEvent(str(event_id(said)), f"/{self.city.site}/test", from_ms(NOW), one)
            if isinstance(one, Anomaly):
                self.findings.append((partition, event.id))
                self._send(ANOMALIES, partition, encode(event))
            else:
                self.ticks += 1
                self._send(TICKS, 0, encode(event))
        self.producer.flush(30)

    def _send(self, topic: Topic, partition: int, value: bytes) -> None:
        name = topic.full_name(self.city.kafka.topic_prefix)
        self.producer.send(name, key=b"k", value=value, partition=partition)

    def live_on(self, first: int, count: int) -> None:
        """So many findings, each with its three steps and in its own partition, and a tick after every other."""
        for number in range(first, first + count):
            self.say(*life(number), partition=number % ANOMALIES.partitions)
            if number % 2:
                self.say(tick(NOW + number * 60_000))

    def process(self, folder: Path, instance: str = "0", **env: str) -> Process:
        name = f"{self.city.site}-{instance}"
        command = ("sequence", "--instance", name, "--metrics-port", "0")
        return Process(f"sequence-{instance}", command, folder, self.city.env(folder, **env))

    def copied(self) -> list[list[CloudEvent]]:
        """What a committed reader finds in each partition of the inputs of cases."""
        found: list[list[CloudEvent]] = [[] for _ in range(CASE_INPUTS.partitions)]
        for partition, event in self.city.events(CASE_INPUTS):
            found[partition].append(event)
        return found

    @property
    def complete(self) -> bool:
        """Whether everything that was written has been copied (perhaps too often)."""
        copied = self.copied()
        ids = {event.id for events in copied for event in events}
        ticks = [sum(isinstance(event.data, Tick) for event in events) for events in copied]
        return ids >= {id_ for _, id_ in self.findings} and min(ticks) >= self.ticks

    def assert_once_and_in_order(self) -> None:
        """Every finding once, the steps of each in order; every tick once in each partition, the times going on."""
        copied = self.copied()
        for events in copied:
            times = [to_ms(event.data.time) for event in events if isinstance(event.data, Tick)]
            assert times == sorted(set(times))
            assert len(times) == self.ticks
        found = [event for events in copied for event in events if isinstance(event.data, Anomaly)]
        assert Counter(event.id for event in found) == Counter(id_ for _, id_ in self.findings)
        steps: dict[uuid.UUID, list[Transition]] = {}
        for event in found:
            assert isinstance(event.data, Anomaly)
            steps.setdefault(event.data.id, []).append(event.data.transition)
        assert all(said == list(Transition) for said in steps.values()), steps
        order = {event.id: place for place, event in enumerate(found)}
        for _, of_partition in itertools.groupby(sorted(self.findings, key=lambda one: one[0]), key=lambda one: one[0]):
            places = [order[id_] for _, id_ in of_partition]
            by_key: dict[str | None, list[int]] = {}
            for place in places:
                by_key.setdefault(found[place].partitionkey, []).append(place)
            assert all(said == sorted(said) for said in by_key.values())


@contextmanager
def desk_on(city: City) -> Iterator[Desk]:
    """Write into this city until the end of the block."""
    producer = idempotent_producer(city.kafka, f"test-{city.site}")
    try:
        yield Desk(city, producer)
    finally:
        producer.close(timeout=5)


def life(number: int) -> Sequence[Anomaly]:
    """Raised, updated, cleared."""
    subject = f"F{number}"
    return [
        Anomaly(
            id=finding_id("cover_tilted", "grid:1", subject, "test"),
            transition=transition,
            kind=AnomalyKind.COVER_TILTED,
            severity=Severity.MAJOR,
            zone="grid:1",
            subject=subject,
            place=Place(lon=113.85, lat=34.03, district=DISTRICTS[number % len(DISTRICTS)]),
            since=from_ms(NOW),
            at=from_ms(NOW + number),
            arrival_time=from_ms(NOW),
            summary="tilted",
            detector="cover",
            detector_version=1,
        )
        for transition in Transition
    ]


def tick(time_ms: int) -> Tick:
    return Tick(time=from_ms(time_ms), generation=1, cadence_ms=1000, ticker="t", received_to={})
