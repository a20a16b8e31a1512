"""From events to rows, without a database: columns, identities within a batch, and what cannot be stored."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from archive_items import DAY, HORIZON, HOUR, NOW, SOME_ID, T0, One, anomaly, at, batch, broken, event, item, rows_of
from hypothesis import given
from hypothesis import strategies as st

from processors.archive.rows import Numbers, Rows, from_pg_time, pieces, poison_row
from processors.archive.tables import TABLES, Reach
from schemas.camera import CameraEvent, TrackPhase
from schemas.clock import ClockStepped
from schemas.device import DeviceTwin
from schemas.identity import timed
from schemas.model import Moment
from schemas.observation import Quality
from schemas.quarantine import Quarantined, Reason, UnregisteredReadings
from schemas.registry import RegistryRewriteBegun


def stored(*readings: One) -> list[tuple[Any, ...]]:
    return rows_of(item(batch(*readings))).tables["observations"]


def camera(identity: str = "a::1", time_ms: int = T0, **more: Any) -> CameraEvent:
    values: dict[str, Any] = {"device": "cam", "facility": "kerb-1", "zone": "segment:1", **more}
    return CameraEvent(
        phase=TrackPhase.NEW,
        track="t",
        label="car",
        present=True,
        stationary=False,
        confidence=0.5,
        seen=Moment(time_ms),
        came=Moment(T0 + 5),
        identity=identity,
        shard="s",
        **values,
    )


def test_every_row_has_a_value_for_every_column() -> None:
    refused = Quarantined(
        id=SOME_ID, reason=Reason.SCHEMA, detail="d", payload=b"x", payload_bytes=1, arrival_time=NOW, source="/s"
    )
    waiting = UnregisteredReadings(
        id=SOME_ID, device="d", mqtt_topic="t", payload=b"", arrival_time=NOW, identities=(("flow", "a::1"),)
    )
    twin = DeviceTwin(
        device="d", shard="s", registered=True, decoder="eyes", mqtt_topic="t", first_seen=T0, last_seen=T0, messages=1
    )
    rows = rows_of(item(batch(One())), item(camera()), item(anomaly()), item(refused), item(waiting), item(twin))
    assert set(rows.tables) == {table.name for table in TABLES}
    for table in TABLES:
        (row,) = rows.tables[table.name]
        assert len(row) == len(table.columns), table.name
        if None not in table.merges:
            assert list(table.columns)[-1] == "reach"
            assert row[-1] in table.merges
    assert rows.count == len(TABLES)


def test_a_reading_becomes_a_row() -> None:
    ((time, arrival, result, _, _, quality, identity, reach),) = stored(One(value=2.5, time_ms=T0 + 1))
    assert (from_pg_time(time), from_pg_time(arrival)) == (at(T0 + 1), at(T0))
    assert (result, quality, identity, reach) == (2.5, 0, "a:b:1", Reach.NUMBERED)


@pytest.mark.parametrize(
    ("identity", "quality", "reach"),
    [
        ("a:b:1", Quality.GOOD, Reach.NUMBERED),
        ("a:b:1", Quality.RELEASED, Reach.NUMBERED),
        ("a:b:1", Quality.UNTIMED, Reach.MOVED),
        ("a:b:1", Quality.LATE, Reach.MOVED),
        ("a:b:1", Quality.FUTURE, Reach.MOVED),
        (timed(T0, 1.0), Quality.GOOD, Reach.FIXED),
        (timed(T0, 1.0), Quality.RELEASED, Reach.FIXED),
        (timed(T0 - DAY, 1.0), Quality.LATE, Reach.MOVED),
        (f"b:{T0}9:1.0", Quality.FUTURE, Reach.MOVED),
        (f"d:{T0}:{T0 - 9}:pulse_count", Quality.UNTIMED, Reach.FIXED),
        (f"c:{T0}:00:0", Quality.UNTIMED, Reach.MOVED),
        ("", Quality.GOOD, Reach.MOVED),
    ],
)
def test_how_far_copies_are_looked_for(identity: str, quality: Quality, reach: Reach) -> None:
    ((*_, found),) = stored(One(identity=identity, quality=int(quality)))
    assert found == reach


def kept_by_a_slow_reader(readings: list[One]) -> list[One]:
    """The rule in plain words: of equal identities of a series within reach, the first stays."""
    kept: list[One] = []
    for one in readings:
        if one.identity.startswith(f"b:{one.time_ms}:"):
            moved = False
        else:
            moved = not (one.quality in (0, 4) and one.identity.startswith("a:"))
        for other in kept:
            if (one.device, one.observed_property, one.identity) != (
                other.device,
                other.observed_property,
                other.identity,
            ):
                continue
            reach = HORIZON.redelivery_ms if moved or other.quality > Quality.UNTIMED else HORIZON.lateness_ms
            if abs(one.time_ms - other.time_ms) <= reach:
                break
        else:
            kept.append(one)
    return kept


some_readings = st.lists(
    st.builds(
        One,
        device=st.sampled_from(["d-1", "d-2"]),
        identity=st.sampled_from(["a:b:1", "a:b:2", f"b:{T0}:1.0", f"c:{T0}:00:0"]),
        time_ms=st.sampled_from([T0 + d * 6 * HOUR for d in (-40, -33, -32, -5, -4, -1, 0, 1, 4, 5, 31, 32, 33)]),
        quality=st.integers(0, 4),
        value=st.floats(0, 10),
    ),
    max_size=12,
)


@given(some_readings, st.data())
def test_of_equal_identities_the_first_stays_however_the_records_were_cut(
    readings: list[One], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(readings)), max_size=3)))
    parts = [readings[i:j] for i, j in zip([0, *cuts], [*cuts, len(readings)], strict=True)]
    rows = rows_of(*(item(batch(*part)) for part in parts))
    kept = kept_by_a_slow_reader(readings)
    found = rows.tables.get("observations", [])
    assert [(row[6], from_pg_time(row[0]), row[2]) for row in found] == [
        (k.identity, at(k.time_ms), k.value) for k in kept
    ]
    assert rows.repeated.get("observations", 0) == len(readings) - len(kept)


@pytest.mark.parametrize(
    ("first", "second", "copies"),
    [
        (Quality.GOOD, Quality.GOOD, False),  # five days apart a device may have begun to count anew
        (Quality.GOOD, Quality.LATE, True),  # a copy that was kept on its arrival
        (Quality.LATE, Quality.GOOD, True),  # and the other way round
        (Quality.FUTURE, Quality.RELEASED, True),
        (Quality.GOOD, Quality.UNTIMED, True),
    ],
)
def test_copies_of_which_one_was_moved_are_known_further_apart(first: Quality, second: Quality, copies: bool) -> None:
    earlier = One(quality=int(first), time_ms=T0 + 5 * DAY)
    rows = rows_of(item(batch(earlier, One(quality=int(second)))))
    assert len(rows.tables["observations"]) == 2 - copies


def test_a_cameras_message_counts_once_for_each_facility_it_touches() -> None:
    rows = rows_of(
        item(camera()),
        item(camera(time_ms=T0 + 8 * DAY)),  # a copy, moved to its arrival
        item(camera(facility="kerb-2")),
        item(camera(time_ms=T0 + 8 * DAY + 1)),  # the camera counts anew
        item(camera(time_ms=T0 + 9 * DAY)),
        item(camera("a::2")),
    )
    assert len(rows.tables["camera_events"]) == 4
    assert rows.repeated == {"camera_events": 2}


def test_a_finding_becomes_a_row_with_its_offset() -> None:
    (row,) = rows_of(
        item(anomaly(evidence=(SOME_ID, SOME_ID), expected="W-1", caused_by=SOME_ID, verify=True, rule="cover"), 41)
    ).tables["anomaly_events"]
    named = dict(zip(TABLES[2].columns, row, strict=True))
    assert named["log_offset"] == 41
    assert (named["expected"], named["caused_by"], named["verify"]) == ("W-1", SOME_ID, True)
    assert named["rule"] == "cover"
    assert named["event_id"] == "city.events.v1/0/41"
    assert named["numbers"] == '{"a": 1.0, "b": 2.0}'
    assert named["evidence"] == f"{{{SOME_ID},{SOME_ID}}}"
    assert (named["facility"], named["arrival_time"], named["transition"]) == (None, None, "raised")


def test_each_waiting_reading_is_a_row() -> None:
    waiting = UnregisteredReadings(
        id=SOME_ID,
        device="d",
        mqtt_topic="t",
        payload=b"",
        arrival_time=NOW,
        identities=(("flow", "a::1"), ("pressure", "a::1")),
    )
    rows = rows_of(item(waiting, 9, partition=2)).tables["unregistered"]
    assert [row[:3] for row in rows] == [("d", "flow", "a::1"), ("d", "pressure", "a::1")]
    assert {row[-2:] for row in rows} == {(2, 9)}


def test_markers_are_no_rows() -> None:
    stepped = ClockStepped(before=NOW, after=NOW, ticker="t")
    rows = rows_of(item(RegistryRewriteBegun(partition=0, rewrite="r")), item(stepped))
    assert rows.tables == {}
    assert rows.changes == []


def test_what_is_no_event_is_kept_with_the_reason_and_where_it_stood() -> None:
    (row,) = rows_of(broken(b"\xff{", "type: unknown", 12)).tables["quarantine"]
    named = dict(zip(TABLES[3].columns, row, strict=True))
    assert named["reason"] == "poison"
    assert named["payload"] == b"\xff{"
    assert named["detail"] == "city.events.v1, partition 0, offset 12: type: unknown"
    (again,) = rows_of(broken(b"\xff{", "type: unknown", 12)).tables["quarantine"]
    assert again == row
    (elsewhere,) = rows_of(broken(b"\xff{", "type: unknown", 13)).tables["quarantine"]
    assert elsewhere[0] != row[0]


def test_a_long_error_is_cut() -> None:
    (row,) = rows_of(broken(b"x", "e" * 5000)).tables["quarantine"]
    assert len(row[3]) == 1024


def test_nul_is_written_as_its_sign_wherever_it_stands() -> None:
    nasty = One(device="d\0", identity="a:\0:1", facility="f\0", zone="z\0")
    one = item(batch(nasty))
    numbers = Numbers()
    series, origins = numbers.unknown([one])
    assert series == {("d␀", "pressure"): "Pa"}
    assert {origin[0] for origin in origins} == {"f␀"}
    assert stored(nasty)[0][6] == "a:␀:1"
    (row,) = rows_of(item(anomaly(summary="a\0b", reason="\\u0000"))).tables["anomaly_events"]
    assert "a␀b" in row
    assert not [cell for cell in row if isinstance(cell, str) and "\0" in cell]


@pytest.mark.parametrize(
    ("reading", "arrival_ms"),
    [
        (One(time_ms=-1), T0),
        (One(time_ms=253_402_300_800_000), T0),
        (One(time_ms=10**17), T0),
        (One(), -1),
        (One(), 10**15),
        (One(quality=5), T0),
        (One(quality=-1), T0),
        (One(quality=100_000), T0),  # its two lowest bytes are a number too
    ],
)
def test_what_no_column_can_hold_is_an_error(reading: One, arrival_ms: int) -> None:
    with pytest.raises(ValueError, match=r"(phenomenonTime|arrivalTime|resultQuality): outside of 0 to"):
        rows_of(item(batch(One(identity="a:b:0"), reading, arrival_ms=arrival_ms)))


@pytest.mark.parametrize("pg_time", [-(10**20), 10**20])
def test_a_time_no_calendar_has_is_an_error(pg_time: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_pg_time(pg_time)


def test_pieces_are_what_the_whole_was() -> None:
    whole = item(batch(One(), One(device="d-2", identity="a:b:2", value=3.0), One(identity="a:b:3")), 5)
    parts = list(pieces(whole))
    assert [rows_of(one).tables["observations"][0][2:3] for one, _ in parts] == [(1.0,), (3.0,), (1.0,)]
    assert [json.loads(raw)["identity"] for _, raw in parts] == ["a:b:1", "a:b:2", "a:b:3"]
    assert json.loads(parts[1][1])["device"] == "d-2"
    ids = {poison_row(one, "e", raw, number)[0] for number, (one, raw) in enumerate(parts)}
    assert len(ids) == 3
    single = item(anomaly())
    assert list(pieces(single)) == [(single, single.raw)]
    assert next(iter(pieces(broken(b"x"))))[1] == b"x"


def test_how_many_rows_an_item_gives_and_when_its_oldest_message_arrived() -> None:
    assert item(batch(One(), One(identity="a:b:2"), arrival_ms=T0 + 3)).rows == 2
    assert item(batch(One(), arrival_ms=T0 + 3)).arrival_ms == T0 + 3
    assert item(batch()).arrival_ms is None
    assert item(camera()).arrival_ms == T0 + 5
    assert (item(anomaly()).rows, item(anomaly()).arrival_ms) == (1, None)
    assert (broken(b"").rows, broken(b"").arrival_ms) == (1, None)


def test_a_series_without_number_is_asked_for() -> None:
    one = item(batch(One(), One(device="d-2")))
    numbers = Numbers(series={("d-1", "pressure"): 1})
    assert set(numbers.unknown([one])[0]) == {("d-2", "pressure")}
    with pytest.raises(KeyError):
        Rows(HORIZON).add(one, numbers)


def test_an_unknown_column_is_no_batch_of_ours() -> None:
    from schemas.envelope import UnknownEventError, decode, encode

    raw = json.loads(encode(event(batch(One()))))
    raw["data"]["colour"] = ["red"]
    with pytest.raises(UnknownEventError, match="colour"):
        decode(msgspec.json.encode(raw))
    short = replace(event(batch(One())), data=batch(One()))
    raw = json.loads(encode(short))
    raw["data"]["result"] = []
    with pytest.raises(UnknownEventError, match="different length"):
        decode(msgspec.json.encode(raw))
