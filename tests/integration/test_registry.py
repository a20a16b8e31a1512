"""``eyes registry`` on a real broker: events before states, where their readings will go; again changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from ops.logreader import LogEntry, read_all
from ops.registry import load as loading
from ops.registry import load_registry, read_registered, remove_facility, retire_ingest
from ops.topics import ensure_topics
from runtime.errors import FatalError
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from schemas.clock import ShardRetired
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.partitioning import partition_of
from schemas.registry import (
    LOAD_KEY,
    CalendarConfigured,
    ClassConfigured,
    FacilityLeft,
    FacilityRegistered,
    ZoneConfigured,
    ZoneKind,
)
from schemas.topics import EVENTS, FACILITIES
from schemas.works import MaintenancePlanned
from tests import warm
from tests.servers import TestStack

pytestmark = pytest.mark.servers

HERE, THERE = "segment:1", "segment:2"
ZONE = ZoneConfigured(zone=HERE, kind=ZoneKind.STREET_SEGMENT, place=Place(lon=113.85, lat=34.03))


def bay(facility: str, zone: str = HERE, **more: Any) -> Facility:
    return Facility(
        facility=facility,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.PARKING_BAY,
        zone=zone,
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device=f"d-{facility}", interval_s=300),),
        **more,
    )


@pytest.fixture
def settings(stack: TestStack) -> Settings:
    kafka = stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()})
    ensure_topics(kafka)
    return stack.settings.model_copy(update={"kafka": kafka})


def said(settings: Settings) -> list[tuple[int, Any]]:
    """Partition and data of the registry's events, each partition in its order; their revisions apart."""
    return [(partition, data.model_copy(update={"revision": 0})) for partition, data in revised(settings)]


def revised(settings: Settings) -> list[tuple[int, Any]]:
    entries = sorted(read_all(settings.kafka, EVENTS), key=lambda entry: (entry.partition, entry.offset))
    return [(entry.partition, entry.event.data) for entry in entries if entry.event]


def states(settings: Settings) -> list[LogEntry]:
    """The records about facilities and zones."""
    entries = sorted(read_all(settings.kafka, FACILITIES), key=lambda entry: entry.offset)
    return [entry for entry in entries if not (entry.key or "").startswith("/")]


def where(zone: str) -> int:
    return partition_of(zone, EVENTS.partitions)


def test_a_load_says_that_it_is_under_way_until_all_is_said(settings: Settings) -> None:
    load_registry(settings, [bay("b-1"), bay("b-2")], [ZONE])
    said = [
        (entry.key or "", entry.raw is None)
        for entry in sorted(read_all(settings.kafka, FACILITIES), key=lambda entry: entry.offset)
    ]
    mark = said[0][0]
    assert mark.startswith(LOAD_KEY)
    states = [("zone:" + HERE, False), ("b-1", False), ("b-2", False)]
    assert said == [(mark, False), (mark, False), *states, (mark, True)]
    load_registry(settings, [bay("b-1"), bay("b-2")], [ZONE])  # nothing new is no load
    assert len(list(read_all(settings.kafka, FACILITIES))) == len(said)


def test_an_event_stands_in_the_zones_partition_and_the_state_behind_its_key(settings: Settings) -> None:
    report = load_registry(settings, [bay("b-1"), bay("b-2", THERE)], [ZONE])
    assert (report.added, report.zones) == (("b-1", "b-2"), (HERE,))
    expected = [
        (where(HERE), ZONE),
        (where(HERE), FacilityRegistered(facility=bay("b-1"))),
        (where(THERE), FacilityRegistered(facility=bay("b-2", THERE))),
    ]
    assert said(settings) == sorted(expected, key=lambda one: one[0])
    assert [entry.key for entry in states(settings)] == [f"zone:{HERE}", "b-1", "b-2"]
    registered = read_registered(settings.kafka)
    assert registered.facilities == {"b-1": bay("b-1"), "b-2": bay("b-2", THERE)}
    assert registered.zones == {HERE: ZONE}
    for entry in read_all(settings.kafka, EVENTS):
        assert entry.event is not None
        assert entry.event.partitionkey == entry.key
        assert entry.event.source == "/xuchang/registry"


def test_events_are_acknowledged_before_any_state_is_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing: list[int] = []

    def spying(*arguments: Any, **more: Any) -> KafkaProducer:
        producer = idempotent_producer(*arguments, **more)
        send = producer.send

        def spy(topic: str, *arguments: Any, **more: Any) -> Any:
            if topic == FACILITIES.full_name(settings.kafka.topic_prefix) and not more["key"].startswith(b"/"):
                standing.append(len(said(settings)))  # what anybody can read by now
            return send(topic, *arguments, **more)

        monkeypatch.setattr(producer, "send", spy)
        return producer

    monkeypatch.setattr(loading, "idempotent_producer", spying)
    load_registry(settings, [bay("b-1"), bay("b-2", THERE)], [ZONE])
    assert standing == [3, 3, 3]


def test_a_loader_that_died_between_the_two_is_mended_by_loading_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = loading.send
    with monkeypatch.context() as patch:

        def die(producer: KafkaProducer, topic: str, records: Any) -> list[int]:
            if topic.endswith(FACILITIES.name) and any(key == "b-1" for key, _, _ in records):
                raise KeyboardInterrupt
            return send(producer, topic, records)

        patch.setattr(loading, "send", die)
        with pytest.raises(KeyboardInterrupt):
            load_registry(settings, [bay("b-1")], [])
    assert len(said(settings)) == 1
    assert read_registered(settings.kafka).facilities == {}
    assert load_registry(settings, [bay("b-1")], []).added == ("b-1",)
    assert read_registered(settings.kafka).facilities == {"b-1": bay("b-1")}
    assert [data for _, data in said(settings)] == [FacilityRegistered(facility=bay("b-1"))] * 2


def test_loading_again_writes_nothing(settings: Settings) -> None:
    first = load_registry(settings, [bay("b-1"), bay("b-2")], [ZONE])
    before = said(settings), states(settings)
    assert first.unchanged == 0
    again = load_registry(settings, [bay("b-1"), bay("b-2")], [ZONE])
    assert (again.added, again.changed, again.removed, again.zones, again.unchanged) == ((), (), (), (), 2)
    assert (said(settings), states(settings)) == before


def test_what_moves_leaves_its_old_partition_and_appears_in_the_new(settings: Settings) -> None:
    assert where(HERE) != where(THERE)
    load_registry(settings, [bay("b-1")], [])
    report = load_registry(settings, [bay("b-1", THERE)], [])
    assert (report.changed, report.moved) == (("b-1",), ("b-1",))
    by_partition = {
        number: [data for partition, data in said(settings) if partition == number]
        for number in map(where, (HERE, THERE))
    }
    assert by_partition == {
        where(HERE): [FacilityRegistered(facility=bay("b-1")), FacilityLeft(facility="b-1", zone=HERE)],
        where(THERE): [FacilityRegistered(facility=bay("b-1", THERE))],
    }
    assert read_registered(settings.kafka).facilities == {"b-1": bay("b-1", THERE)}


def test_revisions_grow_with_every_change_and_stand_in_the_state(settings: Settings) -> None:
    load_registry(settings, [bay("b-1")], [ZONE])
    load_registry(settings, [bay("b-1", name="bay 1")], [ZONE])
    remove_facility(settings, "b-1")
    load_registry(settings, [bay("b-1")], [])
    revisions = [data.revision for _, data in revised(settings)]
    assert revisions[0] == revisions[1] > 0  # one load, one revision
    assert revisions[1:] == sorted(set(revisions[1:]))
    assert read_registered(settings.kafka).revision == revisions[-1]


def test_a_clock_that_was_set_back_makes_no_revision_smaller(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_registry(settings, [bay("b-1")], [])
    monkeypatch.setattr(loading.time, "time_ns", lambda: 0)
    load_registry(settings, [bay("b-1", name="bay 1")], [])
    before, after = (data.revision for _, data in revised(settings))
    assert after == before + 1


def test_what_is_removed_leaves_and_its_state_is_a_tombstone(settings: Settings) -> None:
    load_registry(settings, [bay("b-1"), bay("b-2")], [])
    remove_facility(settings, "b-1")
    assert load_registry(settings, [], [], remove_missing=True).removed == ("b-2",)
    assert [data for _, data in said(settings)][2:] == [
        FacilityLeft(facility="b-1", zone=HERE),
        FacilityLeft(facility="b-2", zone=HERE),
    ]
    assert [(entry.key, entry.raw) for entry in states(settings)][2:] == [("b-1", None), ("b-2", None)]
    assert read_registered(settings.kafka).facilities == {}
    with pytest.raises(FatalError, match="no facility 'b-1' is registered"):
        remove_facility(settings, "b-1")


@pytest.fixture
def eyes(stack: TestStack, settings: Settings, tmp_path: Path) -> Any:
    env = {
        **os.environ,
        **stack.env,
        "EYES_CONFIG": str(tmp_path / "none.toml"),
        "EYES_KAFKA__TOPIC_PREFIX": settings.kafka.topic_prefix,
        "COLUMNS": "200",
    }

    def run(*arguments: str, of: str = "registry") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops.cli.main", of, *arguments]
        return warm.run(command, env)

    return run


def test_the_command_line(eyes: Any, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "bays.csv"
    head = "facility,scheme,facility_class,name,zone,lon,lat,device\n"
    file.write_text(head + "b-1,local,parking_bay,[/bold] bay,segment:1,113.85,34.03,d-1\n", encoding="utf-8")
    dry = eyes("load", str(file), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.startswith("1 would be added")
    assert read_registered(settings.kafka).facilities == {}
    assert eyes("load", str(file)).stdout.startswith("1 added, 0 changed")
    assert eyes("load", str(file)).stdout.startswith("0 added, 0 changed (0 moved), 0 removed, 1 unchanged")
    listed = eyes("list", "--class", "parking_bay", "--zone", "segment:1")
    assert listed.returncode == 0, listed.stderr
    assert "[/bold] bay" in listed.stdout
    assert "b-1" not in eyes("list", "--zone", "elsewhere").stdout
    assert json.loads(eyes("show", "b-1").stdout)["devices"] == [{"device": "d-1"}]
    missing = eyes("show", "b-2")
    assert missing.returncode == 1
    assert "nothing is registered as 'b-2'" in " ".join(missing.stderr.split())
    assert eyes("remove", "b-1").stdout == "b-1 is no longer registered\n"
    assert read_registered(settings.kafka).facilities == {}

    file.write_text(head + "b-1,local,bench,,segment:1,113.85,34.03,\n", encoding="utf-8")
    wrong = eyes("load", str(file))
    assert wrong.returncode == 1
    assert "bays.csv:2: facility_class: 'bench' is none of" in " ".join(wrong.stderr.split())
    assert "Traceback" not in wrong.stderr


def test_rules_of_a_class_stand_in_every_partition_and_the_nearest_applies(eyes: Any, settings: Settings) -> None:
    load_registry(settings, [bay("b-1"), bay("b-2", THERE)], [ZONE])
    before = len(said(settings))

    def rules(*arguments: str) -> str:
        done = eyes(*arguments, of="rules")
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def applies(facility: str) -> list[str]:
        row = next(line for line in rules("show", facility).splitlines() if "overstay.clear_s" in line)
        return [cell.strip() for cell in row.split("│")[2:5]]

    assert applies("b-1") == ["30", "s", "default"]
    dry = rules("set", "overstay.clear_s=45", "--class", "parking_bay", "--dry-run")
    assert dry == "class parking_bay would be configured\n"
    assert len(said(settings)) == before
    rules("set", "overstay.clear_s=45", "silence.intervals=5", "--class", "parking_bay")
    assert rules("set", "overstay.clear_s=45", "--class", "parking_bay") == "class parking_bay as it was\n"
    rules("set", "overstay.clear_s=50", "--zone", HERE)
    rules("set", "overstay.clear_s=55", "--facility", "b-1")
    assert applies("b-1") == ["55", "s", "facility b-1"]
    assert applies("b-2") == ["45", "s", "class parking_bay"]
    policy = Policy(rules={"overstay.clear_s": 45.0, "silence.intervals": 5.0})
    word = ClassConfigured(facility_class=FacilityClass.PARKING_BAY, policy=policy)
    assert sorted(number for number, data in said(settings) if data == word) == list(range(EVENTS.partitions))
    assert read_registered(settings.kafka).city == {word.key: word}
    rules("unset", "overstay.clear_s", "--facility", "b-1")
    assert applies("b-1") == ["50", "s", f"zone {HERE}"]


def test_a_calendar_is_set_once_for_every_partition(eyes: Any, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "calendar.json"
    file.write_text('{"timeZone": "CET-1", "periods": {"holidays": ["2026-10-01"]}}', encoding="utf-8")

    def calendar(*arguments: str) -> str:
        done = eyes(*arguments, of="calendar")
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    assert '"CST-8"' in calendar("show")
    assert calendar("set", str(file), "--dry-run") == "calendar would be configured\n"
    assert calendar("set", str(file)) == "calendar configured\n"
    assert calendar("set", str(file)) == "calendar as it was\n"
    assert json.loads(calendar("show")) == json.loads(file.read_text(encoding="utf-8"))
    words = [number for number, data in said(settings) if isinstance(data, CalendarConfigured)]
    assert sorted(words) == list(range(EVENTS.partitions))
    file.write_text('{"timeZone": "Europe/Berlin"}', encoding="utf-8")
    wrong = eyes("set", str(file), of="calendar")
    assert wrong.returncode == 1
    assert "timeZone: 'Europe/Berlin' is no POSIX time zone" in " ".join(wrong.stderr.split())


def test_what_no_rule_takes_is_refused_by_name(eyes: Any, settings: Settings) -> None:
    load_registry(settings, [bay("b-1"), bay("b-2", THERE)], [ZONE])
    for arguments, problem in (
        (("set", "overstay.clear_s=1"), "exactly one of --class, --zone and --facility"),
        (("set", "overstay.clear=1", "--zone", HERE), "there is no parameter 'overstay.clear'"),
        (("unset", "overstay.clear_s", "--facility", "b-1"), "nothing is said here of 'overstay.clear_s'"),
        (("set", "overstay.clear_s=1", "--zone", THERE), "no zone 'segment:2' is configured"),
        (("show", "b-9"), "no facility 'b-9' is registered"),
    ):
        wrong = eyes(*arguments, of="rules")
        assert wrong.returncode == 1
        assert problem in " ".join(wrong.stderr.split())


def test_works_are_planned_moved_and_called_off(eyes: Any, settings: Settings) -> None:
    load_registry(settings, [bay("b-1")], [ZONE])

    def works(*arguments: str) -> str:
        done = eyes(*arguments, of="works")
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def planned() -> list[tuple[int, str, str | None, str, bool]]:
        return [
            (number, one.works, one.facility, f"{one.ends:%H}", one.cancelled)
            for number, one in said(settings)
            if isinstance(one, MaintenancePlanned)
        ]

    when = ("--from", "2126-12-01T08:00+08:00", "--to", "2126-12-01T18:00+08:00")
    assert works("plan", "W-1", "--facility", "b-1", *when) == "W-1 planned\n"
    assert works("plan", "W-1", "--facility", "b-1", *when) == "W-1 as it was\n"
    assert works("plan", "W-1", "--zone", HERE, *when[:3], "2126-12-01T20:00+08:00") == "W-1 planned\n"
    assert HERE in works("list")
    over = ("--from", "2026-01-01", "--to", "2026-01-02", "--kind", "cover_open")
    works("plan", "W-0", "--zone", HERE, *over)
    assert "W-0" not in works("list")
    assert "cover_open" in works("list", "--over")
    assert works("cancel", "W-1") == "W-1 called off\n"
    at = where(HERE)
    assert planned() == [
        (at, "W-1", "b-1", "10", False),
        (at, "W-1", None, "12", False),
        (at, "W-0", None, "00", False),
        (at, "W-1", None, "12", True),
    ]
    assert read_registered(settings.kafka).works == {}  # the one was called off, the other is long over
    for arguments, problem in (
        (("plan", "W-2", *when), "exactly one of --zone and --facility"),
        (("plan", "W-2", "--zone", "segment:9", *when), "no zone 'segment:9'"),
        (("plan", "W-2", "--zone", HERE, "--from", "2026-01-02", "--to", "2026-01-02"), "ends is not after begins"),
        (("cancel", "W-1"), "no works 'W-1' are planned"),
    ):
        wrong = eyes(*arguments, of="works")
        assert wrong.returncode == 1
        assert problem in " ".join(wrong.stderr.split())


def test_an_ingest_that_is_taken_away_is_retired_in_every_partition(settings: Settings) -> None:
    retire_ingest(settings, "ingest-2")
    entries = [entry for entry in read_all(settings.kafka, EVENTS) if entry.event]
    assert sorted(entry.partition for entry in entries) == list(range(EVENTS.partitions))
    assert {entry.event.data for entry in entries if entry.event} == {ShardRetired(shard="ingest-2")}
