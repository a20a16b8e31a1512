"""A city under load, its servers and its processes within reach of a test that hurts it."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import urlopen

from ops.database.migrate import connect
from ops.logreader import read_all
from ops.pipeline import NO_ANSWER, member
from ops.run.city import City
from ops.run.snapshot import scrape
from ops.stack.local import LocalStack
from ops.trace.reading import readings_in
from ops.verify import Refold, verify
from schemas.anomaly import Anomaly
from schemas.clock import Tick
from schemas.columns import AcceptedColumns
from schemas.topics import ACCEPTED, ANOMALIES, CASE_INPUTS, Topic
from tests.waiting import eventually

WAIT_S = 300.0
DRAIN_S = 300.0
STORED = """
SELECT device, observed_property, identity, result FROM observations JOIN series USING (series_id)
UNION ALL
SELECT device, 'camera', identity, NULL FROM camera_events
"""


@dataclass(frozen=True)
class Scenario:
    """What a fault test has."""

    city: City
    stack: LocalStack

    def feed_more(self, lines: int) -> None:
        """Return when so many more publications were written down than now."""
        goal = self.written() + lines
        wait_until(lambda: self.written() >= goal, f"{lines} more publications")

    def written(self) -> int:
        """Lines in the feeder's list of ids."""
        file = self.city.feeder.sent_file
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def outage(self, server: str, seconds: float) -> None:
        """Stop a server for a span that is the fault itself, and start it again."""
        self.stack.stop(server)
        time.sleep(seconds)
        self.stack.start(server)

    def kill(self, process: str) -> None:
        """SIGKILL one of our processes; return when the supervisor has brought it back and all are well."""
        before = self.restarts(process)
        assert self.city.supervisor.kill(process) is not None
        wait_until(lambda: self.restarts(process) > before, f"crash of {process} seen")
        assert self.city.supervisor.wait_ready(WAIT_S), self.city.supervisor.status()

    def metric(self, process: str, name: str) -> float:
        """The sum of a figure of one of our processes over all its labels; 0 while it does not answer."""
        try:
            return scrape(member(self.city.settings, process).metrics_url).total(name)
        except OSError:
            return 0.0

    def health(self, process: str) -> dict[str, Any]:
        """What a process says of itself; nothing while it does not answer."""
        return health_of(member(self.city.settings, process).health_url)

    def restarts(self, process: str) -> int:
        """How often the supervisor saw it end by itself."""
        return next(status.restarts for status in self.city.supervisor.status() if status.name == process)

    def assert_nothing_lost_nothing_doubled(self, *, log_is_whole: bool = True) -> None:
        """The reckoning by ids; every row has its message; what was published is what the log gives; nobody helped."""
        kafka = self.city.settings.kafka
        wait_until(lambda: any(entry.event is not None for entry in read_all(kafka, ANOMALIES)), "finding")
        reckoning = self.city.reckon(drain_s=DRAIN_S)
        assert reckoning.account.balanced, reckoning.account
        assert reckoning.account.stored > 0
        assert reckoning.verdict is not None
        assert reckoning.verdict.good, reckoning.verdict
        self._assert_every_reading_has_its_bytes()
        if log_is_whole:
            past = verify(Refold(self.city.settings))
            assert past.good, past
            assert past.published > 0
        self._assert_cases_hear_of_everything_once()
        wait_until(
            lambda: all(status.healthy for status in self.city.supervisor.status()),
            f"healthy processes: {self.city.supervisor.status()}",
        )

    def _assert_every_reading_has_its_bytes(self) -> None:
        """What is stored was said, value and all, by a message that ``city.accepted.v1`` holds byte for byte."""
        kept = {
            (said.device, said.observed_property, _lasting(said.identity), said.value)
            for entry in read_all(self.city.settings.kafka, ACCEPTED)
            if entry.event is not None and isinstance(entry.event.data, AcceptedColumns)
            for topic, arrival_ms, payload in zip(
                entry.event.data.mqtt_topic, entry.event.data.arrival_time, entry.event.data.payload, strict=True
            )
            for said in readings_in(topic, payload, arrival_ms)
        }
        with connect(self.city.settings.database) as connection:
            stored = {
                (device, name, _lasting(identity), value)
                for device, name, identity, value in connection.execute(STORED).fetchall()
            }
        assert stored
        assert stored <= kept, sorted(stored - kept)[:10]

    def _assert_cases_hear_of_everything_once(self) -> None:
        """Every finding stands in the inputs of cases, under its own id; time goes on in each of their partitions."""
        kafka = self.city.settings.kafka

        def ids(topic: Topic) -> Counter[str]:
            events = (entry.event for entry in read_all(kafka, topic))
            return Counter(event.id for event in events if event is not None and isinstance(event.data, Anomaly))

        wait_until(lambda: ids(CASE_INPUTS).keys() >= ids(ANOMALIES).keys(), "copy of every finding")
        assert ids(CASE_INPUTS) == ids(ANOMALIES)
        times: dict[int, list[datetime]] = {}
        for entry in read_all(kafka, CASE_INPUTS):
            if entry.event is not None and isinstance(entry.event.data, Tick):
                times.setdefault(entry.partition, []).append(entry.event.data.time)
        assert times.keys() == set(range(CASE_INPUTS.partitions))
        assert all(said == sorted(set(said)) for said in times.values())


def _lasting(identity: str) -> str:
    """Without the arrival, which two deliveries do not have in common."""
    tier, _, rest = identity.partition(":")
    return rest.partition(":")[2] if tier == "c" else identity


def health_of(url: str) -> dict[str, Any]:
    """What a process says of itself, well or not; nothing while it does not answer, or ends in the middle of it."""
    try:
        with _answer(url) as answer:
            report: dict[str, Any] = json.load(answer)
    except (*NO_ANSWER, ValueError):
        return {}
    return report


def _answer(url: str) -> IO[bytes]:
    try:
        answer: IO[bytes] = urlopen(url, timeout=5)
    except HTTPError as unwell:
        return unwell
    return answer


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: it did not in time; names what was waited for.
    """
    eventually(condition, timeout_s, named=what)
