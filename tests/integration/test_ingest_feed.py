"""A feed's clock at several speeds: ingest, processors and feeder as processes.

What must hold: what is found depends on what was said and when by the feed's clock, never on how fast the wall saw it.
Two days in a minute give every planted incident and nothing else, above all no silence of a device that spoke; and the
processors found exactly what a fold of the log finds that has all the time in the world.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES, City, Process, facility, reading, tick_times

from ops.accounting.truth import AFTER_END
from ops.run.city import DRAIN_S
from processors.detectors import ALL
from processors.engine.composed import PartitionFold
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.model import format_rfc3339, from_ms, to_ms
from schemas.observation import Quality
from schemas.quarantine import Quarantined, Reason
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE
from tests import warm
from tests.waiting import eventually

pytestmark = pytest.mark.servers

STEP_S = 60
LATENESS_MS = 86_400_000
PLANTED = {
    AnomalyKind.WATER_BURST,
    AnomalyKind.PARKING_OVERSTAY,
    AnomalyKind.NO_STOPPING,
    AnomalyKind.BUS_STOP_BLOCKED,
    AnomalyKind.COVER_TILTED,
    AnomalyKind.COVER_OPEN,
    AnomalyKind.DEVICE_SILENT,
}
"""By the demo."""


@dataclass(frozen=True)
class Fed:
    """A city after its feed, with everything found."""

    city: City
    truth: list[dict[str, Any]]
    report: dict[str, Any]

    @property
    def raised(self) -> list[Anomaly]:
        found = [one for one in self.city.of(ANOMALIES, Anomaly) if one.transition is Transition.RAISED]
        return sorted(found, key=lambda one: (one.since, one.kind, one.subject))


def feed(stack: Any, folder: Path, *arguments: str) -> Fed:
    """Feed a city of its own the demo, seed 11, and wait until the processors have said all there is to say."""
    folder.mkdir()
    city = City.on(stack)
    env = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": str(STEP_S)}
    truth = folder / "truth.ndjson"
    process = Process(
        "process", ("process", "--instance", city.site, "--metrics-port", "0"), folder, city.env(folder, **env)
    )
    with city.ingest(folder, **env) as ingest, process:
        fed = warm.run(
            [*EYES, "feed", "demo", "--seed", "11", "--clock-step", str(STEP_S), "--truth", str(truth), *arguments],
            city.env(folder, **env),
        )
        assert fed.returncode == 0, fed.stderr
        report = json.loads(fed.stdout.splitlines()[-1])
        assert report["unheard"] == 0
        end_ms = to_ms(datetime.fromisoformat(report["clock"]))
        eventually(lambda: ingest.settled and all(tick_times(t)[-1:] == [end_ms] for t in city.ticks().values()))
        expected = folded(city)
        eventually(lambda: len(city.of(ANOMALIES, Anomaly)) >= len(expected), DRAIN_S)
        assert Counter(map(str, city.of(ANOMALIES, Anomaly))) == Counter(map(str, expected))
        assert ingest.health()["healthy"]
    return Fed(city, [json.loads(line) for line in truth.read_text().splitlines()], report)


def folded(city: City) -> list[Anomaly]:
    """What a fold finds in the log as it stands."""
    folds = [PartitionFold(ALL, LATENESS_MS) for _ in range(EVENTS.partitions)]
    found = [said for number, event in city.events(EVENTS) for said in folds[number].fold([event.data])]
    return [one for one in found if isinstance(one, Anomaly)]


def unmatched(fed: Fed) -> tuple[list[str], list[str]]:
    """Incidents that nobody found, and findings that nobody planted; what the end left undecided may be either."""
    planted = sorted(fed.truth, key=lambda incident: incident["start"])
    false: list[str] = []
    for one in fed.raised:
        match = next((incident for incident in planted if _is_of(one, incident)), None)
        if match is None:
            false.append(f"{one.at} {one.kind} {one.summary}")
        else:
            planted.remove(match)
    return [json.dumps(one) for one in planted if not one.get("undecided")], false


def _is_of(found: Anomaly, incident: dict[str, Any]) -> bool:
    place = incident["subject"] == found.subject if incident["subject"] else incident["zone"] == found.zone
    began, ended = (datetime.fromisoformat(incident[name]) for name in ("start", "end"))
    return found.kind == incident["kind"] and place and began <= found.at <= ended + AFTER_END


def silences(fed: Fed) -> list[str]:
    return [one.subject for one in fed.raised if one.kind is AnomalyKind.DEVICE_SILENT]


@pytest.mark.timeout(900)
def test_the_speed_of_a_feed_changes_no_finding(stack: Any, tmp_path: Path) -> None:
    fast, slow = (feed(stack, tmp_path / speed, "--speed", speed, "--feed-for", "6h") for speed in ("2880", "720"))
    assert fast.report["clock"] == slow.report["clock"]
    assert fast.truth == slow.truth
    assert [(one.kind, one.subject) for one in fast.raised] == [(one.kind, one.subject) for one in slow.raised]
    for one, other in zip(fast.raised, slow.raised, strict=True):
        # what comes by time is counted from ticks, and under a faster clock more is said between two of them
        assert abs(one.since - other.since) <= timedelta(seconds=3 * STEP_S), (one, other)
        assert abs(one.at - other.at) <= timedelta(seconds=3 * STEP_S), (one, other)
    assert len(fast.raised) >= 2
    assert unmatched(fast) == unmatched(slow) == ([], [])


@pytest.mark.timeout(900)
def test_two_days_in_a_minute(stack: Any, tmp_path: Path) -> None:
    fed = feed(stack, tmp_path / "city", "--speed", "2880", "--feed-for", "48h", "--garbage", "0.001")
    assert fed.report["seconds"] < 100  # else it was no such feed
    missed, false = unmatched(fed)
    assert (missed, false) == ([], [])
    planted = [one["subject"] for one in fed.truth if one["kind"] == "device_silent" and not one.get("undecided")]
    assert Counter(planted) <= Counter(silences(fed))
    assert len(planted) >= 3
    assert {one.kind for one in fed.raised} == PLANTED
    # the copies and contradictions of the demo's devices are there, and the folds told them apart
    refused = Counter(one.reason for one in fed.city.of(QUARANTINE, Quarantined))
    assert refused[Reason.CONFLICTING_DUPLICATE] > 10
    assert refused[Reason.SCHEMA] > 10
    assert refused[Reason.POISON] == 0
    assert_time_only_goes_on(fed.city)


def test_a_restart_in_the_middle_of_a_feed_knows_how_late_it_is(stack: Any, tmp_path: Path) -> None:
    """Between the restart and the next message of the clock, it is not the wall's time, and no tick comes twice."""
    city = City.on(stack)
    city.register(facility("F1", "dev"))
    late, later = (to_ms(datetime.fromisoformat(f"2020-05-05T10:{minute}:00Z")) for minute in (30, 31))
    with city.ingest(tmp_path, EYES_CLOCK__MODE="feed", EYES_CLOCK__TICK_S=str(STEP_S)) as ingest:
        say_clock(city, late)
        city.say("dev", [reading(1.0, seq=1), reading(2.0, seq=2, time="2026-05-05T10:30:00Z")])
        city.pressures("dev", 2)
        ingest.kill()
        city.say("dev", [reading(3.0, seq=3), reading(4.0, seq=4, time="2026-05-05T10:30:00Z")])
        say_clock(city, late, later)
        ingest.start()
        rows = {row.identity: row for row in city.pressures("dev", 4)}
        eventually(lambda: all(tick_times(ticks) == [late, later] for ticks in city.ticks().values()))
    assert [rows[f"a::{seq}"].time_ms for seq in range(1, 5)] == [late] * 4
    assert [rows[f"a::{seq}"].quality for seq in range(1, 5)] == [Quality.UNTIMED, Quality.FUTURE] * 2


def say_clock(city: City, *times_ms: int) -> None:
    times = [format_rfc3339(from_ms(time_ms)) for time_ms in times_ms]
    city.publish(*(("eyes/v1/_clock", json.dumps({"time": time}).encode()) for time in times), user="feeder")


def assert_time_only_goes_on(city: City) -> None:
    """A tick for every step of the clock in every partition, none twice, and what it claims is no later than itself."""
    ticks = city.ticks()
    for number in ticks:
        times = tick_times(ticks[number])
        assert times == tick_times(ticks[0])
        assert times == sorted(set(times))
        assert [tick.received_to for tick in ticks[number]] == [{city.shard: time_ms} for time_ms in times]
