"""What is set aside, and what becomes of it when a person has mended the reason.

What must hold: a refused message can be listed, shown with its bytes and sent again; what nobody is registered for
waits, up to a quota for each device, is remembered over a restart, and is released once, with its identity and time and
marked so that it raises no alarm of yesterday.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES, City, Ingest, Row, ago, facility, reading

from schemas.model import to_ms
from schemas.observation import Quality
from schemas.quarantine import Quarantined, ReadingsReleased, Reason, UnregisteredReadings
from schemas.registry import FacilityRegistered
from schemas.topics import EVENTS, QUARANTINE, UNREGISTERED
from tests import warm
from tests.waiting import eventually

pytestmark = pytest.mark.servers

QUOTA = 5


@pytest.fixture(scope="module")
def city(stack: Any) -> City:
    city = City.on(stack)
    city.register(facility("F1", "dev"))
    return city


@pytest.fixture(scope="module")
def ingest(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    with city.ingest(tmp_path_factory.mktemp("ingest"), EYES_INGEST__UNREGISTERED_QUOTA=str(QUOTA)) as ingest:
        yield ingest


def test_what_was_refused_can_be_listed_shown_and_sent_again(city: City, ingest: Ingest, tmp_path: Path) -> None:
    """A message came before its time: a device that nobody had room for is given a second chance."""
    broken, good = b'{"property":"pressure","value":NaN}', reading(5.0, seq=5)
    city.say("late-comer", [reading(number, seq=number) for number in range(QUOTA)])
    city.say("late-comer", [good])
    city.say("dev", [broken])
    eventually(lambda: [one for one in city.refused() if one.device == "late-comer"])
    eventually(lambda: [one for one in city.refused() if one.mqtt_topic == city.topic("dev")])
    (record,) = [one for one in city.refused() if one.device == "late-comer"]
    listed = city.eyes(tmp_path, "quarantine", "list", "--reason", "unregistered_quota", "-n", "1000")
    assert str(record.id) in listed
    assert "malformed_json" not in listed
    assert "malformed_json" in city.eyes(tmp_path, "quarantine", "list", "-n", "1000")
    shown = city.eyes(tmp_path, "quarantine", "show", str(record.id))
    assert all(text in shown for text in ("unregistered_quota", city.topic("late-comer"), '"seq": 5'))
    raw = subprocess.run(
        [*EYES, "quarantine", "show", str(record.id), "--raw"],
        env=city.env(tmp_path),
        capture_output=True,
        timeout=240,
        check=True,
    )
    assert raw.stdout == good
    city.register(facility("F-late", "late-comer"))
    eventually(lambda: city.of(UNREGISTERED, ReadingsReleased))
    assert "published" in city.eyes(tmp_path, "quarantine", "retry", str(record.id))
    rows = city.pressures("late-comer", QUOTA + 1)
    assert rows[-1].identity == "a::5"
    assert rows[-1].quality is Quality.UNTIMED
    assert len([one for one in city.refused() if one.device == "late-comer"]) == 1  # the log does not forget
    unknown = warm.run([*EYES, "quarantine", "show", "00000000-0000-0000-0000-000000000000"], city.env(tmp_path))
    assert unknown.returncode == 1
    assert "nothing with id" in unknown.stderr


def test_strangers_wait_and_are_released_with_their_identity_and_time(
    city: City, ingest: Ingest, tmp_path: Path
) -> None:
    when = ago(hours=3)
    said = [
        reading(1.0, seq=1, time=when),
        reading(2.0, time=when),
        reading(3.0),
        reading(3.0),
        reading(4.0, time=ago(days=3), seq=9),  # late already when it came
        *(reading(5.0, seq=100 + number) for number in range(3)),
    ]
    counted = ingest.metric("eyes_unregistered_total")
    came_ms = time.time_ns() // 1_000_000
    city.say("stranger", said)
    eventually(lambda: len([one for one in city.refused() if one.device == "stranger"]) == len(said) - QUOTA)
    waiting = [one for one in city.of(UNREGISTERED, UnregisteredReadings) if one.device == "stranger"]
    assert [one.payload for one in waiting] == said[:QUOTA]
    over = [one for one in city.refused() if one.device == "stranger"]
    assert [one.payload for one in over] == said[QUOTA:]
    assert {one.reason for one in over} == {Reason.UNREGISTERED_QUOTA}
    assert not [row for row in city.rows() if row.device == "stranger"]
    eventually(lambda: ingest.metric("eyes_unregistered_total") == counted + QUOTA)

    known_ms = time.time_ns() // 1_000_000
    table = tmp_path / "strangers.csv"
    table.write_text(
        "facility,scheme,facility_class,zone,lon,lat,device\nF-s,local,pressure_meter,dma:9,113.8,34.0,stranger\n"
    )
    assert re.search(r"1\W+added", city.eyes(tmp_path, "registry", "load", str(table)))
    rows = city.pressures("stranger", QUOTA)
    assert len(rows) == QUOTA
    assert {row.quality for row in rows} == {Quality.RELEASED}  # kept, and never judged: no alarm of yesterday
    assert {row.facility for row in rows} == {"F-s"}
    when_ms = to_ms(datetime.fromisoformat(when))
    assert [row.identity for row in rows[:2]] == ["a::1", f"b:{when_ms}:2000.0"]
    assert [row.time_ms for row in rows[:2]] == [when_ms] * 2
    assert [f"{name}={identity}" for one in waiting for name, identity in one.identities] == [
        f"pressure={row.identity}" for row in rows
    ]
    assert all(came_ms <= row.arrival_ms <= known_ms for row in rows)
    assert all(came_ms <= row.time_ms <= known_ms for row in rows[2:])
    (closed,) = eventually(lambda: [one for one in city.of(UNREGISTERED, ReadingsReleased) if one.device == "stranger"])
    assert closed.messages == QUOTA
    eventually(lambda: ingest.metric("eyes_ingest_released_total") >= QUOTA)

    city.say("stranger", [reading(6.0, seq=200, time=ago(seconds=1))])  # and from now on it is one like any other
    assert city.pressures("stranger", QUOTA + 1)[-1].quality is Quality.GOOD
    assert_registered_before(city, "F-s", rows[0])


def assert_registered_before(city: City, name: str, row: Row) -> None:
    """The registration stands before the first reading that was looked up with it."""
    partition = [event.data for number, event in city.events(EVENTS) if number == row.partition]
    registered = [
        n for n, one in enumerate(partition) if isinstance(one, FacilityRegistered) and one.facility.facility == name
    ]
    assert registered[0] < row.position


def test_who_waits_is_remembered_over_a_restart_and_released_once(city: City, tmp_path: Path) -> None:
    other = City.on(city.stack)
    with other.ingest(tmp_path, EYES_INGEST__UNREGISTERED_QUOTA="3") as ingest:
        other.say("late", [reading(1.0, seq=number) for number in range(2)])
        eventually(lambda: len(other.of(UNREGISTERED, UnregisteredReadings)) == 2)
        ingest.kill()
        other.register(facility("F9", "nobody"))
        ingest.start()
        other.say("late", [reading(1.0, seq=number) for number in (2, 3)])
        eventually(lambda: other.of(QUARANTINE, Quarantined))
        assert [one.payload for one in other.of(QUARANTINE, Quarantined)] == [reading(1.0, seq=3)]
        other.register(facility("F1", "late"))
        eventually(lambda: other.of(UNREGISTERED, ReadingsReleased))
        ingest.kill()
        ingest.start()  # what is released stays so
        other.say("late", [reading(2.0, seq=9)])
        rows = other.pressures("late", 4)
        assert [row.identity for row in rows] == ["a::0", "a::1", "a::2", "a::9"]
        assert len(other.of(UNREGISTERED, ReadingsReleased)) == 1
