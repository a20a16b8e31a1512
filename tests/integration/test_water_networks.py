"""From a folder to folds that look their model up: configured, folded, restarted, replayed, and lost and mended."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from replay_kit import Past

from ops.logreader import read_all
from ops.registry import read_registered
from ops.topics import ensure_topics
from processors.engine.driver import START
from processors.engine.kafka_models import KafkaModels
from runtime.kafka import admin
from schemas.anomaly import Anomaly
from schemas.chunks import ModelChunk, digest_of
from schemas.clock import Tick
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import Data
from schemas.facility import FacilityClass
from schemas.identity import numbered
from schemas.model import from_ms, to_ms
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined
from schemas.registry import FacilityRegistered, ZoneConfigured
from schemas.topics import ANOMALIES, EVENTS, MODELS, QUARANTINE
from schemas.water import WaterNetworkConfigured
from tests.servers import TestStack
from tests.surveyor import BYTES, build, network
from tests.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

ZONE = "dma:weidu"
PARTITION = partition_of(ZONE, EVENTS.partitions)
EYES = (sys.executable, str(Path(__file__).with_name("water_eyes.py")))
INP = """[JUNCTIONS]
 n1  10
 n2  12
[RESERVOIRS]
 R1  50
[PIPES]
 p1  R1  n1  100
 p2  n1  n2  100
[COORDINATES]
 R1  0 0
 n1  100 0
 n2  200 100
[END]
"""
SENSORS = f"""zone = "{ZONE}"
origin = [113.85, 34.03]
cost_per_m3 = 0.8
currency = "EUR"
[[sensor]]
role = "inlet"
facility = "meter-1"
element = "p1"
"""
PRESSURE = """[[sensor]]
role = "pressure"
facility = "p-2"
element = "n2"
"""


class Water(Past):
    """A network in a folder, and meters that speak."""

    def __init__(self, past: Past) -> None:
        super().__init__(past.stack, past.folder, past.settings, program=EYES)
        self.dir = past.folder / "weidu"
        self.dir.mkdir()
        (self.dir / "weidu.inp").write_text(INP)
        self.says(SENSORS)
        self._seq = count()
        self._now_ms = to_ms(START)

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "EYES_PROCESSORS__SNAPSHOT_S": "0.1", "PYTHONPATH": str(Path(__file__).parents[2])}

    def says(self, sensors: str) -> None:
        (self.dir / "sensors.toml").write_text(sensors)

    def configure(self, *more: str, code: int = 0) -> str:
        answer = self.eyes("water", "configure", str(self.dir), *more)
        assert answer.returncode == code, answer.stderr
        return " ".join((answer.stdout + answer.stderr).split())

    def flow(self, value: float) -> None:
        """The inlet's meter says this, and a minute passes."""
        self._now_ms += 60_000
        series = SeriesColumns("meter-1", "flow", "m3/h", "meter-1", FacilityClass.FLOW_METER, ZONE)
        identity = numbered("", next(self._seq))
        at = [self._now_ms]
        batch = BatchColumns("ingest-0", [series], [0], at, [value], [identity], [0], at)
        now = from_ms(self._now_ms)
        tick = Tick(time=now, generation=1, cadence_ms=1000, ticker="ingest-0", received_to={"ingest-0": self._now_ms})
        said: list[Data] = [batch, tick]
        self.write(ZONE, said)

    def findings(self) -> list[str]:
        entries = read_all(self.settings.kafka, ANOMALIES)
        return [entry.event.data.summary for entry in entries if entry.event and isinstance(entry.event.data, Anomaly)]

    def refused(self) -> list[Quarantined]:
        entries = read_all(self.settings.kafka, QUARANTINE)
        return [entry.event.data for entry in entries if entry.event and isinstance(entry.event.data, Quarantined)]

    def chunks(self) -> list[ModelChunk]:
        entries = read_all(self.settings.kafka, MODELS)
        return [entry.event.data for entry in entries if entry.event and isinstance(entry.event.data, ModelChunk)]

    def events(self) -> list[Data]:
        """The zone's, in their order."""
        entries = read_all(self.settings.kafka, EVENTS)
        return [entry.event.data for entry in entries if entry.event and entry.partition == PARTITION]

    def lose_models(self) -> None:
        """Somebody deleted the topic."""
        client = admin(self.settings.kafka)
        try:
            name = MODELS.full_name(self.settings.kafka.topic_prefix)
            client.delete_topics([name])
            eventually(lambda: name not in client.list_topics())
        finally:
            client.close()
        ensure_topics(self.settings.kafka)

    @contextmanager
    def folded(self) -> Iterator[None]:
        """The detectors run; at the end of the block they have committed all that stands in the log."""
        with self.detectors():
            yield
            eventually(self.caught_up)


@pytest.fixture
def water(stack: TestStack, tmp_path: Path) -> Water:
    return Water(Past.on(stack, tmp_path))


def model(sensors: int) -> bytes:
    return build(sensors)


def test_a_configured_network_is_folded_replayed_and_found_again(water: Water) -> None:
    told = water.configure("--register")
    digest = digest_of(model(1))
    assert f"model {digest}: 2,441 KiB in 3 chunks written" in told
    assert "network of dma:weidu configured: 1 inlet" in told
    assert "no sensor of role pressure" in told
    kinds = [type(event) for event in water.events()]
    assert kinds == [ZoneConfigured, FacilityRegistered, WaterNetworkConfigured]
    registered = read_registered(water.settings.kafka)
    assert registered.networks[ZONE].model == digest
    assert (registered.facilities["meter-1"].place.lon, registered.zones[ZONE].place.lat) == (113.850541, 34.030451)
    water.flow(5.0)
    with water.folded():
        pass
    assert water.findings() == ["5 by 1 sensors"]

    water.says(SENSORS + PRESSURE)
    assert "facility p-2 is not registered" in water.configure(code=1)
    assert "would be configured" in water.configure("--register", "--dry-run")
    assert len(water.chunks()) == 3
    water.configure("--register")
    with water.folded():  # from snapshots, and on to another model
        water.flow(5.0)
    assert water.findings() == ["5 by 1 sensors", "10 by 2 sensors"]

    with water.folded():  # and from snapshots that name it
        water.flow(6.0)
    assert water.findings()[-1] == "12 by 2 sensors"
    verified = water.eyes("verify", "--json")
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["published"] == 3
    replayed = water.replay("-p", "surveyor", "--json", "--fail-on-difference")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert json.loads(replayed.stdout)["failed"] == 0
    assert water.refused() == []

    events = len(water.events())
    again = water.configure("--register")
    assert "in the log already" in again
    assert "as it was: 1 inlet, 1 pressure" in again
    assert (len(water.chunks()), len(water.events())) == (6, events)
    listed = water.eyes("water", "list").stdout
    assert digest_of(model(2))[:12] in listed
    assert "MISSING" not in listed
    shown = water.eyes("registry", "show", ZONE).stdout
    assert digest_of(model(2)) in shown


def test_a_restart_needs_no_more_of_the_log_than_its_snapshots(water: Water) -> None:
    water.says(SENSORS + PRESSURE)
    water.configure("--register")
    water.flow(5.0)
    with water.folded():
        for value in range(10):  # so that every shard is written again behind the configuration
            water.flow(value)
            eventually(water.caught_up)
    before = water.bounds().events[PARTITION].end - 4
    water.expire(ZONE, before)
    with water.folded():
        water.flow(7.0)
    assert water.findings()[-1] == "14 by 2 sensors"
    assert water.refused() == []


def test_a_trial_is_told_of_the_network(water: Water) -> None:
    water.says(SENSORS + PRESSURE)
    water.configure("--register")
    water.flow(5.0)
    with water.folded():
        begun = water.eyes("shadow", "begin", "surveyor@2")
        assert begun.returncode == 0, begun.stderr
        water.flow(6.0)
        eventually(water.caught_up)
        promoted = water.eyes("shadow", "promote", "surveyor@2", "--yes")
        assert promoted.returncode == 0, promoted.stderr
        water.flow(7.0)
    said = water.findings()
    assert (said[:2], said[-1]) == (["10 by 2 sensors", "12 by 2 sensors"], "14 by 2 sensors")
    verified = water.eyes("verify", "--json")
    assert verified.returncode == 0, verified.stdout
    assert water.refused() == []


def test_where_models_were_lost_folds_go_on_without_and_configuring_again_mends_it(water: Water) -> None:
    water.says(SENSORS + PRESSURE)
    water.configure("--register")
    water.flow(5.0)
    with water.folded():
        pass
    water.lose_models()
    assert "IS MISSING" in water.eyes("water", "list").stdout
    with water.folded():  # its snapshots are of no use, and in the log nobody finds the model either
        water.flow(6.0)
        eventually(lambda: water.findings()[-1] == "6 by 0 sensors")
        standing = [event for event in water.events() if isinstance(event, WaterNetworkConfigured)]
        water.write(ZONE, standing[-1:])  # as the daily rewrite says it again
        assert [one.field for one in eventually(water.refused)] == ["WaterNetworkConfigured"]
        (refusal,) = water.refused()
        assert "eyes water configure" in refusal.detail
        assert "3 chunks written" in water.configure("--register")
        water.flow(7.0)
    assert water.findings()[-1] == "14 by 2 sensors"
    assert len(water.refused()) == 1
    assert "eyes water configure" in (water.folder / "process.log").read_text()
    assert "MISSING" not in water.eyes("water", "list").stdout


def test_an_event_by_hand_that_names_nothing_stops_nobody(water: Water) -> None:
    water.configure("--register")
    water.write(ZONE, [network("0" * 64, ZONE, revision=to_ms(START) * 2)])
    water.flow(5.0)
    with water.folded():
        pass
    assert water.findings() == ["5 by 1 sensors"]
    (refusal,) = water.refused()
    assert f"no model {'0' * 64} in the log" in refusal.detail
    assert water.eyes("verify").returncode == 0


def test_a_model_is_found_wherever_its_chunks_lie(water: Water) -> None:
    for sensors in (SENSORS, SENSORS + PRESSURE, SENSORS):
        water.says(sensors)
        water.configure("--register")
    assert len(water.chunks()) == 6
    one, two = digest_of(model(1)), digest_of(model(2))
    library = KafkaModels(water.settings.kafka, "test")
    assert library.fetch([one, "0" * 64, two]) == ["0" * 64]
    assert (library(one), library(two)) == (model(1), model(2))
    assert len(library(one)) == BYTES
    backwards = KafkaModels(water.settings.kafka, "test")
    assert backwards.fetch(["0" * 64]) == ["0" * 64]  # has seen where all begin
    assert backwards.fetch([two]) == []
    assert backwards.fetch([one]) == []
    water.lose_models()
    assert backwards.fetch([one, "0" * 64]) == ["0" * 64]  # what is at hand stays
    water.configure("--register")
    assert KafkaModels(water.settings.kafka, "test").fetch([one]) == []
    assert backwards.fetch([two]) == []
