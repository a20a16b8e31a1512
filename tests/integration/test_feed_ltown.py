"""A year of a town from its files to findings: fed, registered and configured by one command, on the real servers."""

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City, Process, eventually, tick_times

from ops.feed.ltown import Ltown
from ops.feed.publication import canonical
from ops.registry import read_registered
from processors.engine.composed import PartitionFold
from processors.engine.models import held
from schemas.anomaly import Anomaly
from schemas.chunks import Assembly, ModelChunk
from schemas.model import to_ms
from schemas.observation import Quality
from schemas.partitioning import partition_of
from schemas.registry import RegistryRewriteBegun, RegistryRewriteEnded
from schemas.topics import ANOMALIES, EVENTS, MODELS
from schemas.water import WaterNetworkConfigured, WaterRole
from tests.ltown_year import START, year
from tests.surveyor import Surveyor

pytestmark = pytest.mark.servers

EYES = (sys.executable, str(Path(__file__).with_name("water_eyes.py")))
REAL = Path(__file__).parents[3] / "shared" / "data" / "ltown"
ZONE = "dma:ltown"
PARTITION = partition_of(ZONE, EVENTS.partitions)
WEEK_MS = 7 * 86_400_000
LATENESS_MS = 86_400_000
FEED = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": "60", "PYTHONPATH": str(Path(__file__).parents[2])}


def feed(city: City, folder: Path, *arguments: str) -> int:
    """Feed to the end; gives the feed's last clock."""
    fed = subprocess.run(
        [*EYES, "feed", "ltown", *arguments],
        env=city.env(folder, **FEED),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert fed.returncode == 0, fed.stderr
    report = json.loads(fed.stdout.splitlines()[-1])
    assert report["unheard"] == 0
    return to_ms(datetime.fromisoformat(report["clock"]))


def received(city: City, end_ms: int, ingest: Any) -> None:
    eventually(lambda: ingest.settled and all(tick_times(t)[-1:] == [end_ms] for t in city.ticks().values()))


def said(town: Ltown) -> Counter[tuple[str, int, float]]:
    """What the meters say, in the units of the log."""
    return Counter((s.device, s.at_ms, canonical(float(v.value), v.unit)) for s in town.items() for v in s.values)


def heard(city: City, since_ms: int = 0) -> Counter[tuple[str, int, float]]:
    rows = [row for row in city.rows() if row.time_ms >= since_ms]
    assert {row.quality for row in rows} <= {Quality.GOOD}
    return Counter((row.device, row.time_ms, row.value) for row in rows)


def folded(city: City) -> list[Anomaly]:
    """What an uninterrupted fold of the zone's partition finds."""
    (digest,) = {chunk.model for chunk in city.of(MODELS, ModelChunk)}
    assembly = Assembly(digest)
    for chunk in city.of(MODELS, ModelChunk):
        assembly.add(chunk)
    assert assembly.data is not None
    fold = PartitionFold((Surveyor(),), LATENESS_MS, models=held({digest: assembly.data}))
    events = [event.data for partition, event in city.events(EVENTS) if partition == PARTITION]
    return [one for one in fold.fold(events) if isinstance(one, Anomaly)]


@pytest.mark.timeout(300)
def test_a_town_is_registered_configured_and_fed_by_one_command(stack: Any, tmp_path: Path) -> None:
    folder = year(tmp_path, rows=24)
    city = City.on(stack)
    env = city.env(tmp_path, **FEED)
    name = ("process", "--instance", city.site, "--metrics-port", "0")
    with city.ingest(tmp_path, **FEED) as ingest, Process("process", name, tmp_path, env, EYES):
        end_ms = feed(city, tmp_path, str(folder), "--configure", "--speed", "1000x")
        received(city, end_ms, ingest)
        assert heard(city) == said(Ltown(folder))
        registered = read_registered(city.kafka)
        network = registered.networks[ZONE]
        assert {sensor.facility for sensor in network.sensors} == set(registered.facilities)
        assert Counter(sensor.role for sensor in network.sensors)[WaterRole.CONSUMPTION] == 3

        end_ms = feed(city, tmp_path, str(folder), "--configure", "--speed", "0", "--start-at", "next")
        received(city, end_ms, ingest)
        assert heard(city, START + WEEK_MS) == said(Ltown(folder, shift_ms=WEEK_MS))
        expected = folded(city)
        assert len({one.summary for one in expected}) > 3
        eventually(lambda: len(city.of(ANOMALIES, Anomaly)) >= len(expected))
        assert Counter(map(str, city.of(ANOMALIES, Anomaly))) == Counter(map(str, expected))
    assert city.refused() == []
    assert [one.model for one in city.of(EVENTS, WaterNetworkConfigured)[:1]] == [network.model]
    assert_rewritten(city, network)


def assert_rewritten(city: City, network: WaterNetworkConfigured) -> None:
    """Each rewrite of the zone's partition says the network again."""
    between: list[list[Any]] = []
    for partition, event in city.events(EVENTS):
        if partition != PARTITION:
            continue
        if isinstance(event.data, RegistryRewriteBegun):
            between.append([])
        elif isinstance(event.data, RegistryRewriteEnded):
            networks = [one for one in between[-1] if isinstance(one, WaterNetworkConfigured)]
            assert [one.model_copy(update={"revision": 0}) for one in networks] == [network]
        elif between:
            between[-1].append(event.data)
    assert len(between) >= 2


@pytest.mark.timeout(300)
@pytest.mark.skipif(not REAL.is_dir(), reason="the data of L-Town-R lies beside the project only where it is developed")
def test_hours_of_the_real_town_arrive_as_they_are(stack: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="reading parquet needs the extra `data`")
    city = City.on(stack)
    span = ("--from", "2018-01-20T00:00:00Z", "--to", "2018-01-20T03:00:00Z")
    town = Ltown(
        REAL / "scen_1",
        to_ms(datetime.fromisoformat("2018-01-20T00:00:00Z")),
        to_ms(datetime.fromisoformat("2018-01-20T03:00:00Z")),
    )
    with city.ingest(tmp_path, **FEED) as ingest:
        end_ms = feed(city, tmp_path, str(REAL / "scen_1"), "--configure", "--speed", "1000x", *span)
        received(city, end_ms, ingest)
    assert heard(city) == said(town)
    assert len(said(town)) == 36 * 38 + 3 * 82
    assert city.refused() == []
