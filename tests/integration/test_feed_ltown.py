"""A year of a town from its files to findings: fed, registered and configured by one command, on the real servers."""

import dataclasses
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES as PLAIN_EYES
from ingest_kit import City, Process, tick_times

from ops.feed.ltown import Ltown
from ops.feed.publication import canonical
from ops.registry import read_registered
from ops.score.battledim import PipeMap
from ops.score.driven import Told, told
from ops.score.located import score
from ops.score.ltown import STEP_S, read, sensed
from processors.engine.composed import PartitionFold
from processors.engine.models import held
from processors.leak.network import NetworkModel
from schemas.anomaly import Anomaly, Transition
from schemas.chunks import Assembly, ModelChunk
from schemas.model import format_rfc3339, from_ms, to_ms
from schemas.observation import Quality
from schemas.partitioning import partition_of
from schemas.registry import RegistryRewriteBegun, RegistryRewriteEnded
from schemas.topics import ANOMALIES, EVENTS, MODELS
from schemas.water import WaterNetworkConfigured, WaterRole
from tests import warm
from tests.ltown_year import START, year
from tests.small_town import PER_DAY, Leak, small_town
from tests.surveyor import Surveyor
from tests.waiting import eventually

pytestmark = pytest.mark.servers

EYES = (sys.executable, str(Path(__file__).with_name("water_eyes.py")))
REAL = Path(__file__).parents[3] / "shared" / "data" / "ltown"
ZONE = "dma:ltown"
PARTITION = partition_of(ZONE, EVENTS.partitions)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
LATENESS_MS = 86_400_000
FEED = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": "60", "PYTHONPATH": str(Path(__file__).parents[2])}


def feed(city: City, folder: Path, *arguments: str, eyes: tuple[str, ...] = EYES) -> int:
    """Feed to the end; gives the feed's last clock."""
    fed = warm.run([*eyes, "feed", "ltown", *arguments], city.env(folder, **FEED))
    assert fed.returncode == 0, fed.stderr
    report = json.loads(fed.stdout.splitlines()[-1])
    assert report["unheard"] == 0
    return to_ms(datetime.fromisoformat(report["clock"]))


def received(city: City, end_ms: int, ingest: Any, within_s: float = 240.0) -> None:
    eventually(lambda: ingest.settled and all(tick_times(t)[-1:] == [end_ms] for t in city.ticks().values()), within_s)


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


@pytest.mark.timeout(900)
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


# -- the same alarms live as in the score ------------------------------------------------------------------------------

COARSE = {**FEED, "EYES_CLOCK__TICK_S": "300"}


def scored(folder: Path, inp: Path, begin_ms: int, end_ms: int) -> list[Told]:
    """What `eyes score leak` says of these readings: raised, said again, cleared."""
    pytest.importorskip("wntr", reason="signatures need the extra `sim`")
    from ops.water.signatures import network_model

    whole = read(folder)
    first, last = (ms // 1000 // STEP_S - whole.first for ms in (begin_ms, end_ms))
    span = dataclasses.replace(whole, values=whole.values[first:last], first=whole.first + first, leaks=())
    model = NetworkModel.from_bytes(network_model(inp, sensed(whole.columns)).to_bytes())
    return score(span, model, PipeMap.read(inp)).told


def published(city: City) -> list[Told]:
    """The same as it was published."""
    return told([one for one in city.of(ANOMALIES, Anomaly) if one.detector == "pipe_leak"])


def live(stack: Any, tmp_path: Path, folder: Path, begin_ms: int, end_ms: int) -> list[Told]:
    """What the pipeline says of these readings, fed as fast as it goes; that all of them arrived as they were."""
    city = City.on(stack)
    env = city.env(tmp_path, **COARSE)
    name = ("process", "--instance", city.site, "--metrics-port", "0")
    span = ("--from", format_rfc3339(from_ms(begin_ms)), "--to", format_rfc3339(from_ms(end_ms)))
    fast = ("--configure", "--speed", "0", "--clock-step", "120")
    with city.ingest(tmp_path, **COARSE) as ingest, Process("process", name, tmp_path, env) as worker:
        last_ms = feed(city, tmp_path, str(folder), *fast, *span, eyes=PLAIN_EYES)
        received(city, last_ms // 300_000 * 300_000, ingest, 240)
        expected = said(Ltown(folder, begin_ms, end_ms))
        assert heard(city) == expected
        eventually(lambda: worker.metric("eyes_processor_events_total") >= expected.total(), 240)
        eventually(lambda: worker.metric("eyes_processor_lag_records") == 0, 120)
    assert city.refused() == []
    return published(city)


SMALL = (
    Leak("n13", 7 * PER_DAY, 14 * PER_DAY + 150, 0.0, more_a_day=0.9),
    Leak("n31", 6 * PER_DAY + 60, 6 * PER_DAY + 72, 3.0),
    Leak("n40", 6 * PER_DAY + 72, 12 * PER_DAY + 200, 7.0),
)
"""A burst as soon as anything is judged, which moves and widens after an hour, and growth; both are repaired."""


@pytest.mark.timeout(900)
def test_a_small_town_fed_live_gives_the_findings_of_its_score(stack: Any, tmp_path: Path) -> None:
    folder = small_town(tmp_path, 15, *SMALL)
    begin_ms, end_ms = START, START + 15 * DAY_MS
    expected = scored(folder, tmp_path / "L-TOWN.inp", begin_ms, end_ms)
    for kind in ("burst", "growing"):
        life = [one for one in expected if one.kind == kind]
        assert (life[0].transition, life[-1].transition) == (Transition.RAISED, Transition.CLEARED)
        assert Transition.UPDATED in {one.transition for one in life[1:-1]}
    assert len({one.pipe for one in expected if one.kind == "growing"}) > 1, "its place is corrected"
    assert live(stack, tmp_path, folder, begin_ms, end_ms) == expected


@pytest.mark.timeout(900)
@pytest.mark.skipif(not REAL.is_dir(), reason="the data of L-Town-R lies beside the project only where it is developed")
def test_days_of_the_real_town_fed_live_give_the_alarms_of_their_score(stack: Any, tmp_path: Path) -> None:
    folder = REAL / "scen_2"
    begin_ms = to_ms(datetime(2018, 5, 31, tzinfo=UTC))
    end_ms = begin_ms + 6 * DAY_MS + 4 * HOUR_MS
    expected = scored(folder, REAL / "L-TOWN.inp", begin_ms, end_ms)
    assert expected[0].transition is Transition.RAISED
    assert live(stack, tmp_path, folder, begin_ms, end_ms) == expected
