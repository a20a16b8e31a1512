"""``eyes archive`` on real servers: what it stores and where it goes on, whatever is delivered again or missing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from archive_kit import NOW, T0, Store, finding, readings
from kafka import TopicPartition

from runtime.kafka import admin
from schemas.anomaly import Transition
from schemas.camera import CameraEvent, TrackPhase
from schemas.clock import Tick
from schemas.envelope import encode
from schemas.facility import CodeScheme, Facility, FacilityClass, Place
from schemas.identity import event_id
from schemas.model import Moment, to_ms
from schemas.quarantine import Quarantined, ReadingsReleased, Reason, UnregisteredReadings
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured, ZoneKind
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE, UNREGISTERED
from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers

PLACE = Place(lon=113.85, lat=34.03)


@pytest.fixture
def city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


def test_asked_to_end_it_stores_what_it_has_read_and_the_metrics_agree(city: Store, tmp_path: Path) -> None:
    city.write(readings([f"a:b:{n}" for n in range(10)]), b"no event of ours", readings(["a:b:3", "a:c:1"]))
    # A batch that is neither full nor old enough: only the end stores it.
    with city.archive(tmp_path, EYES_ARCHIVE__BATCH_MS="600000") as archive:
        eventually(lambda: archive.health().get("taken"))
        eventually(lambda: 3 in archive.metrics("eyes_archive_lag_records").values())  # it was handed all, stored none
        assert city.identities() == []
        assert archive.stop() == 0
    assert archive.said("archive.ended")
    assert city.identities() == sorted([f"a:b:{n}" for n in range(10)] + ["a:c:1"])
    assert city.offset() == 3

    city.write(readings([f"a:d:{n}" for n in range(7)]), readings(["a:d:0"]), b"nor this")
    with city.archive(tmp_path) as archive:
        eventually(lambda: city.offset() == 6)
        eventually(lambda: archive.metrics("eyes_archive_rows_total").get('table="observations"') == 7)
        rows = archive.metrics("eyes_archive_rows_total")
        assert rows['table="quarantine"'] == city.count("quarantine") - 1
        assert archive.metrics("eyes_archive_duplicates_total")['table="observations"'] == 1
        assert archive.metrics("eyes_archive_set_aside_total")[""] == 1
        eventually(lambda: set(archive.metrics("eyes_archive_lag_records").values()) == {0})
        assert archive.metrics("eyes_archive_stopped_partitions")[""] == 0
        assert archive.stop() == 0


def test_the_same_records_delivered_again_change_nothing(city: Store, tmp_path: Path) -> None:
    _write_one_of_each(city)
    tables = {
        "observations": "identity",
        "camera_events": "identity",
        "anomaly_events": "event_id",
        "anomalies": "finding_id",
        "quarantine": "id",
        "unregistered": "identity",
        "facilities": "facility",
        "zones": "zone",
    }

    def everything() -> dict[str, Any]:
        return {table: city.sql(f"SELECT * FROM {table} ORDER BY {key}") for table, key in tables.items()}

    with city.archive(tmp_path) as archive:
        eventually(lambda: _all_stored(city))
        before = everything()
        assert archive.stop() == 0
        assert all(before.values()), {table: len(rows) for table, rows in before.items()}
        city.run("UPDATE archive_offsets SET next_offset = 0")
        archive.start()
        eventually(lambda: _all_stored(city))
        assert archive.stop() == 0
    assert everything() == before


def test_every_topic_fills_its_tables(city: Store, tmp_path: Path) -> None:
    _write_one_of_each(city)
    with city.archive(tmp_path) as archive:
        eventually(lambda: _all_stored(city))
        assert archive.stop() == 0
    assert sorted(city.sql("SELECT reason, field, payload, mqtt_topic FROM quarantine")) == [
        ("poison", None, b'{"specversion":"1.0"}', None),
        ("schema", "value", b"\x00\xff{", "eyes/v1/s/d/observations"),
    ]
    assert city.sql("SELECT identity, released FROM unregistered ORDER BY identity") == [
        ("a::1", True),
        ("a::2", True),
        ("a::3", False),  # behind the release
    ]
    assert city.sql("SELECT state, opened_at, cleared_at, expected FROM anomalies") == [
        ("cleared", NOW, NOW + timedelta(hours=1), "W-1")
    ]
    assert city.sql("SELECT transition, expected FROM anomaly_events ORDER BY at") == [
        ("raised", "W-1"),
        ("cleared", "W-1"),
    ]
    assert city.sql("SELECT facility, zone, left_at FROM facilities ORDER BY facility") == [
        ("f-gone", "grid:1", NOW + timedelta(hours=2)),
        ("f-moved", "grid:2", None),
    ]
    assert city.sql("SELECT zone, kind FROM zones") == [("grid:1", "grid")]
    assert city.sql("SELECT partition, time FROM ticks_latest") == [(0, NOW)]
    assert city.sql("SELECT device, quality, facility, zone FROM readings") == [("d-1", "good", "f-1", "dma:1")]
    assert city.count("camera_events") == 1


def _facility(name: str, zone: str) -> FacilityRegistered:
    return FacilityRegistered(
        facility=Facility(
            facility=name, scheme=CodeScheme.LOCAL, facility_class=FacilityClass.MANHOLE_COVER, zone=zone, place=PLACE
        )
    )


def _write_one_of_each(city: Store) -> None:
    moment = Moment(to_ms(NOW))
    camera = CameraEvent(
        device="cam", facility="kerb-1", zone="segment:1", phase=TrackPhase.NEW, track="t", label="car", present=True,
        stationary=False, confidence=0.5, seen=moment, came=moment, identity="a::1", shard="s",
    )  # fmt: skip
    tick = Tick(time=NOW, generation=1, cadence_ms=1000, ticker="t", received_to={"s": T0})
    city.write(readings(["a:b:1"]), camera, tick, b'{"specversion":"1.0"}')
    city.write(ZoneConfigured(zone="grid:1", kind=ZoneKind.GRID, place=PLACE), at=NOW)
    city.write(_facility("f-moved", "grid:1"), _facility("f-gone", "grid:1"), at=NOW)
    # The old zone's partition may be read after the new one's.
    city.write(_facility("f-moved", "grid:2"), partition=1, at=NOW + timedelta(hours=1))
    city.write(FacilityLeft(facility="f-moved", zone="grid:1"), at=NOW + timedelta(hours=1))
    city.write(FacilityLeft(facility="f-gone", zone="grid:1"), at=NOW + timedelta(hours=2))
    cleared = finding(Transition.CLEARED, NOW + timedelta(hours=1))
    city.write(finding(Transition.RAISED, NOW), cleared, topic=ANOMALIES)
    refused = Quarantined(
        id=event_id("refused"), reason=Reason.SCHEMA, field="value", detail="no number", payload=b"\x00\xff{",
        payload_bytes=3, mqtt_topic="eyes/v1/s/d/observations", arrival_time=NOW, source="/s/ingest",
    )  # fmt: skip
    city.write(refused, refused, topic=QUARANTINE)

    def waiting(*identities: str) -> UnregisteredReadings:
        return UnregisteredReadings(
            id=event_id(*identities), device="stray", mqtt_topic="t", payload=b"{}", arrival_time=NOW,
            identities=tuple(("flow", identity) for identity in identities),
        )  # fmt: skip

    released = ReadingsReleased(device="stray", through=0, messages=1)
    city.write(waiting("a::1", "a::2"), released, waiting("a::3"), topic=UNREGISTERED)


def _all_stored(city: Store) -> bool:
    expected = {(EVENTS, 0): 9, (EVENTS, 1): 1, (ANOMALIES, 0): 2, (QUARANTINE, 0): 2, (UNREGISTERED, 0): 3}
    return all(city.offset(partition, topic) == offset for (topic, partition), offset in expected.items())


def test_an_offset_the_log_no_longer_holds_stops_its_partition_alone_until_somebody_decides(
    city: Store, tmp_path: Path
) -> None:
    from ops.database.migrate import connect
    from ops.database.operate import set_offset

    city.write(readings(["a:b:0"]), readings(["a:b:1"]))
    with city.archive(tmp_path) as archive:
        eventually(lambda: city.offset() == 2)
        assert archive.stop() == 0
        city.write(*(readings([f"a:b:{n}"]) for n in range(2, 10)))
        lost = TopicPartition(city.topic(), 0)
        client = admin(city.kafka)
        client.delete_records({lost: 5})
        client.close()

        archive.start()
        eventually(lambda: archive.health().get("stopped"))
        assert archive.health()["status"] == 503
        (why,) = archive.health()["stopped"].values()
        assert f"eyes db set-offset {city.topic()} 0 5" in why
        assert "goes on at offset 2, the log holds 5 to 10" in why
        assert [(one["partition"], one["level"]) for one in archive.said("archive.partition_stopped")] == [(0, "error")]
        assert archive.metrics("eyes_archive_stopped_partitions")[""] == 1
        city.write(readings(["a:c:0"], device="d-2"), partition=1)
        eventually(lambda: "a:c:0" in city.identities())  # the others go on
        assert city.offset() == 2  # and nobody jumped

        with connect(city.database) as connection:
            assert set_offset(connection, city.topic(), 0, 5) == [(city.archive_name, 2)]
        eventually(lambda: city.offset() == 10)
        eventually(lambda: archive.health().get("healthy"))
        assert archive.process is not None
        assert archive.process.poll() is None
        assert archive.stop() == 0
    assert city.identities() == sorted(["a:c:0", *(f"a:b:{n}" for n in (0, 1, 5, 6, 7, 8, 9))])


def test_an_offset_beyond_the_end_of_the_log_stops_its_partition(city: Store, tmp_path: Path) -> None:
    city.run(
        "INSERT INTO archive_offsets (archive, topic, partition, next_offset) VALUES (%s, %s, 0, 1000)",
        city.archive_name,
        city.topic(),
    )
    city.write(readings(["a:b:0"]))
    with city.archive(tmp_path) as archive:
        eventually(lambda: archive.health().get("stopped"))
        (why,) = archive.health()["stopped"].values()
        assert "goes on at offset 1000, the log holds 0 to 1" in why
        assert archive.stop() == 0
    assert city.identities() == []


def test_a_running_archive_goes_where_an_operator_sends_it(city: Store, tmp_path: Path) -> None:
    from ops.database.migrate import connect
    from ops.database.operate import set_offset

    city.write(*(readings([f"a:b:{n}"]) for n in range(5)))
    with city.archive(tmp_path) as archive:
        eventually(lambda: city.offset() == 5)
        city.run("DELETE FROM observations")
        with connect(city.database) as connection:
            set_offset(connection, city.topic(), 0, 2)
        city.write(readings(["a:b:5"]))
        assert archive.wait() == 75  # fenced: a supervisor starts it again
        assert archive.said("fenced")
        archive.start()
        eventually(lambda: city.offset() == 6)
        assert archive.stop() == 0
    assert city.identities() == [f"a:b:{n}" for n in range(2, 6)]


def test_without_its_schema_it_waits_and_with_it_goes_on(stack: TestStack, tmp_path: Path) -> None:
    from ops.database.migrate import connect, migrate

    with Store.on(stack) as city:
        city.run("DROP TABLE schema_migrations")
        city.write(readings(["a:b:0"]))
        with city.archive(tmp_path) as archive:
            eventually(lambda: archive.said("archive.database_away"))
            assert "eyes db migrate" in archive.said("archive.database_away")[0]["error"]
            with connect(city.database) as connection:
                from ops.database.migrate import _TABLE, load

                connection.execute(_TABLE)
                for migration in load():
                    connection.execute(
                        "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
                        [migration.number, migration.name, migration.checksum],
                    )
                assert migrate(connection) == []
            eventually(lambda: city.identities() == ["a:b:0"])
            assert archive.stop() == 0


def test_an_event_of_another_version_is_kept_and_blocks_nobody(city: Store, tmp_path: Path) -> None:
    import json

    from archive_kit import cloud_event

    future = json.loads(encode(cloud_event(readings(["a:b:1"]))))
    future["data"]["colour"] = ["red"]
    unknown = {**future, "type": "org.digital-eyes.observation.batch.v9"}
    city.write(json.dumps(future).encode(), json.dumps(unknown).encode(), readings(["a:b:2"]))
    with city.archive(tmp_path) as archive:
        eventually(lambda: city.offset() == 3)
        assert archive.stop() == 0
    assert city.identities() == ["a:b:2"]
    details = [row[0] for row in city.sql("SELECT detail FROM quarantine ORDER BY detail")]
    assert "colour" in details[0]
    assert "batch.v9" in details[1]


def test_an_older_word_about_a_facility_changes_nothing_though_it_is_said_later(city: Store, tmp_path: Path) -> None:
    def registered(name: str, zone: str, revision: int) -> FacilityRegistered:
        return _facility(name, zone).model_copy(update={"revision": revision})

    city.write(registered("f-moved", "grid:1", 5), registered("f-gone", "grid:1", 5), at=NOW)
    city.write(registered("f-moved", "grid:2", 6), partition=1, at=NOW)
    city.write(FacilityLeft(facility="f-gone", zone="grid:1", revision=6), at=NOW)
    # The rewrite of an ingest that has heard of neither.
    city.write(
        registered("f-moved", "grid:1", 5),
        registered("f-gone", "grid:1", 5),
        FacilityLeft(facility="f-moved", zone="grid:2", revision=4),
        _facility("f-last", "grid:1"),
        at=NOW + timedelta(hours=1),
    )
    with city.archive(tmp_path) as archive:
        eventually(lambda: city.sql("SELECT 1 FROM facilities WHERE facility = 'f-last'") == [(1,)])
        assert archive.stop() == 0
    assert city.sql("SELECT facility, zone, left_at, revision FROM facilities ORDER BY facility") == [
        ("f-gone", "grid:1", NOW, 6),
        ("f-last", "grid:1", None, 0),
        ("f-moved", "grid:2", None, 6),
    ]
