"""Dahua's events, written after its HTTP API and the events of its video intercoms."""

import json
from typing import Any

import pytest
from camera_kit import ARRIVED, altered, chosen, mangled, message_of, ms, one, run, values
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.dahua import Dahua
from ingest.messages import Kind
from schemas.camera import TrackPhase
from schemas.quarantine import Reason

DAHUA = Dahua()
DATA = {
    "Class": "Normal",
    "EventID": 10021,
    "Name": "kerb north",
    "Object": {"Action": "Appear", "BoundingBox": [2048, 4096, 4096, 6144], "ObjectID": 512, "ObjectType": "Vehicle"},
    "RealUTC": 1763999998,
    "UTC": 1764028798,
    "UTCMS": 250,
}


def text(code: str = "CrossRegionDetection", action: str = "Start", index: str = "1", data: Any = None) -> str:
    return f"Code={code};action={action};index={index}" + (
        "" if data is None else f";data={data if isinstance(data, str) else json.dumps(data, indent=3)}"
    )


def test_an_event() -> None:
    report = one(DAHUA, "dahua/gate-7/events", text(data=DATA))
    assert (report.device, report.kind, report.time_ms) == ("gate-7", Kind.EVENT, 1763999998250)
    said = report.happening
    assert (said.event_type, said.active, said.channel) == ("CrossRegionDetection", True, "1")
    assert (said.event_id, said.region) == ("10021", "kerb north")
    assert said.objects == [{"label": "vehicle", "id": "512", "box_xyxy": [0.25, 0.5, 0.5, 0.75]}]
    (seen,) = report.sightings
    assert (seen.phase, seen.track) == (TrackPhase.NEW, "CrossRegionDetection/1/kerb north")
    assert (seen.label, seen.zones, seen.time.timestamp()) == ("vehicle", ("kerb north",), 1763999998.25)
    assert report.unmapped == []


def test_the_end_of_an_event_ends_the_same_track() -> None:
    (seen,) = one(DAHUA, "", text(action="Stop", data=DATA)).sightings
    assert (seen.phase, seen.track) == (TrackPhase.END, "CrossRegionDetection/1/kerb north")


def test_regions_of_motion() -> None:
    report = one(DAHUA, "", text("VideoMotion", data={"Id": [0, 1], "RegionName": ["bay", "kerb"]}))
    assert report.happening.region == "bay"
    assert report.sightings[0].zones == ("bay", "kerb")
    assert values(report) == {"motion/1/bay": 1.0}


@pytest.mark.parametrize(
    ("code", "action", "data", "active", "measured", "labels"),
    [
        ("VideoMotion", "Start", None, True, {"motion/1": 1.0}, ["VideoMotion"]),
        ("VideoMotion", "Stop", None, False, {"motion/1": 0.0}, ["VideoMotion"]),
        ("SmartMotionHuman", "Start", None, True, {"motion/1": 1.0}, ["human"]),
        ("ParkingDetection", "Start", None, True, {}, ["vehicle"]),
        ("VideoLoss", "Start", None, True, {"fault/1": 1.0}, []),
        ("VideoBlind", "Stop", None, False, {"tamper/1": 0.0}, []),
        ("AlarmLocal", "Start", None, True, {}, []),
        ("CrossLineDetection", "Pulse", None, None, {}, []),
        ("NewEvent", "Start", None, True, {}, []),
        ("VideoMotion", "State", {"State": True}, True, {"motion/1": 1.0}, ["VideoMotion"]),
        ("VideoMotion", "State", {"State": 8}, None, {}, []),
    ],
)
def test_what_events_become(
    code: str, action: str, data: Any, active: bool | None, measured: dict[str, float], labels: list[str]
) -> None:
    report = one(DAHUA, "", text(code, action, data=data))
    assert (report.happening.active, values(report)) == (active, measured)
    assert [seen.label for seen in report.sightings] == labels


@pytest.mark.parametrize(
    ("data", "value", "why"),
    [("notjson", "notjson", "no JSON"), ('{"a":', '{"a":', "no JSON"), ("[1, 2]", "array of 2", "no JSON object")],
)
def test_data_that_say_nothing_are_kept_aside(data: Any, value: Any, why: str) -> None:
    report = one(DAHUA, "", text(data=data))
    assert [(one.name, one.value, one.why) for one in report.unmapped] == [("data", value, why)]
    assert report.happening.active is True


def test_data_nobody_knows_are_kept_aside() -> None:
    report = one(DAHUA, "", text(data={"Mood": "calm"}))
    assert [(one.name, one.value) for one in report.unmapped] == [("data.Mood", "calm")]


def test_what_was_seen_is_said_by_the_object_before_the_event() -> None:
    report = one(DAHUA, "", text("ParkingDetection", data={"Object": {"ObjectType": "Truck"}}))
    assert [(seen.label, seen.stationary) for seen in report.sightings] == [("truck", True)]
    report = one(DAHUA, "", text("ParkingDetection", data={"Objects": [{"ObjectType": "Unknown", "ObjectID": 3}]}))
    assert report.happening.objects == [{"id": "3"}]
    assert report.sightings[0].label == "vehicle"


def test_plates_are_of_objects_only() -> None:
    plate = {"ObjectType": "Plate", "Text": "K12345", "ObjectID": 7}
    report = one(DAHUA, "", text(data={"Object": plate, "TrafficCar": {"PlateNumber": "K999"}}))
    assert report.happening.objects == [
        {"label": "plate", "id": "7", "plate": "K12345"},
        {"label": "vehicle", "plate": "K999"},
    ]
    assert "K12345" not in str(report.sightings)


@pytest.mark.parametrize(
    ("data", "zone", "time"),
    [
        ({"RealUTC": 1763999998, "UTC": 1764028798}, "Asia/Shanghai", 1763999998000),
        ({"RealUTC": 1764028798}, "Asia/Shanghai", 1764028798000),
        ({"UTC": 1763999998, "UTCMS": 7}, None, 1763999998007),
        ({"UTC": 1763999998}, "Asia/Shanghai", 1763999998000),
        ({"UTC": 1764028798}, "Asia/Shanghai", 1763999998000),
        ({"UTC": 1763999998, "UTCMS": 70000}, None, 1763999998000),
        ({"LocaleTime": "2025-11-24 23:59:58"}, "Asia/Shanghai", ms("2025-11-24T15:59:58+00:00")),
        ({"LocaleTime": "2025-11-24 23:59:58"}, None, None),
        ({"UTC": 4}, None, None),
        ({"RealUTC": "soon"}, None, None),
        ({}, None, None),
    ],
)
def test_times(data: Any, zone: str | None, time: Any) -> None:
    assert ARRIVED - 60_000 < 1763999998000 < ARRIVED
    assert one(DAHUA, "", text(data=data), zone=zone).time_ms == time


STREAM = (
    "--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 37\r\n\r\n"
    "Code=VideoMotion;action=Start;index=0\r\n\r\n"
    "--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nHeartbeat\r\n\r\n"
    "--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 60\r\n\r\n"
    'Code=VideoBlind;action=Start;index=0;data={\r\n   "State" : 1\r\n}\r\n\r\n--myboundary\r\n'
)


def test_a_stream_of_parts() -> None:
    decoded = run(DAHUA, "dahua/gate", STREAM)
    said = [(one.kind, one.happening and one.happening.event_type, values(one)) for one in decoded.reports]
    assert said == [
        (Kind.EVENT, "VideoMotion", {"motion/0": 1.0}),
        (Kind.STATUS, None, {"online": 1.0}),
        (Kind.EVENT, "VideoBlind", {"tamper/0": 1.0}),
    ]
    assert decoded.reports[1].online is True


def test_pictures_in_a_stream_are_left_out() -> None:
    picture = b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\r\n--myboundary--\r\n"
    decoded = run(DAHUA, "dahua/gate", STREAM.encode() + picture)
    assert (len(decoded.reports), decoded.refused) == (3, 0)


def test_one_event_that_is_no_text_among_others() -> None:
    decoded = run(DAHUA, "dahua/gate", text().encode() + b"\nCode=\xff;action=Start\n" + text().encode())
    assert (len(decoded.reports), decoded.refused, decoded.refusal.reason) == (2, 1, Reason.INVALID_UTF8)


def test_several_events_in_one_text() -> None:
    decoded = run(DAHUA, "", text(data=DATA) + "\r\n\r\n" + text("VideoMotion") + "\n" + text("X", "Hold"))
    assert [one.happening.event_type for one in decoded.reports] == ["CrossRegionDetection", "VideoMotion"]
    assert (decoded.refused, decoded.refusal.field) == (1, "action")


def test_heartbeat() -> None:
    report = one(DAHUA, "dahua/gate", "Heartbeat\r\n")
    assert (report.device, report.kind, report.online) == ("gate", Kind.STATUS, True)


VTO = {"Action": "Start", "Code": "VideoMotion", "Index": 0, "Data": {"UTC": 1763999998}, "serialNumber": "4F05A1BPAZ"}
DHIP = {
    "id": 1,
    "method": "client.notifyEventStream",
    "params": {
        "SID": 513,
        "eventList": [VTO, {"Action": "Pulse", "Code": "BackKeyLight", "Data": {"State": 8}, "Index": 0}],
    },
}


def test_json() -> None:
    report = one(DAHUA, "", VTO)
    assert (report.device, report.time_ms) == ("4F05A1BPAZ", 1763999998000)
    assert (report.happening.event_type, report.happening.channel) == ("VideoMotion", "0")
    lower = {key.lower(): value for key, value in VTO.items()}
    assert one(DAHUA, "dahua/gate", lower).device == "gate"
    assert [one.happening.event_type for one in run(DAHUA, "dahua/gate", DHIP).reports] == [
        "VideoMotion",
        "BackKeyLight",
    ]


def test_without_topic_and_serial_number() -> None:
    assert one(DAHUA, "", text()).device == "dahua"
    assert one(DAHUA, "site/gate-7/dahua", text()).device == "site/gate-7"


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        (b"", Reason.SCHEMA, None),
        (b"Code", Reason.SCHEMA, None),
        (b"Code=;action=Start;index=0", Reason.SCHEMA, "Code"),
        (b"Code=A;index=0", Reason.SCHEMA, "action"),
        (b"Code=A;action=\xff", Reason.INVALID_UTF8, None),
        (b"{}", Reason.SCHEMA, "Code"),
        (b'{"Code":"A","Action":[]}', Reason.SCHEMA, "action"),
        (b"{" * 100_000, Reason.MALFORMED_JSON, None),
        (b"\x00\x01\x02", Reason.SCHEMA, None),
    ],
)
def test_bad_input(payload: str | bytes | dict[str, Any] | list[Any], reason: Reason, field: str | None) -> None:
    refusal = run(DAHUA, "dahua/gate", payload).refusal
    assert (refusal.reason, refusal.field) == (reason, field)


def test_data_nested_without_end() -> None:
    report = one(DAHUA, "", text(data="[" * 100_000))
    assert report.unmapped[0].why == "no JSON"


def test_only_so_many_events() -> None:
    decoded = run(DAHUA, "", "Code=A;action=Start;index=0\n" * 1200)
    assert (len(decoded.reports), decoded.refused) == (1000, 1)


def test_who_recognises_what() -> None:
    for payload in (text(), "\r\n" + text(data=DATA), STREAM, VTO, DHIP):
        assert chosen("any/topic", payload) == "dahua-events"
    assert chosen("dahua/gate", "Heartbeat") == "dahua-events"
    for topic, payload in (
        ("any/topic", "Heartbeat"),
        ("any/topic", "ErrorCode=3"),
        ("any/topic", {"Code": "x", "Action": "toggle", "Index": 0}),
        ("any/topic", {"code": "x", "action": "start"}),
        ("any/topic", {"code": 5, "action": "Start", "index": 0}),
        ("any/topic", {"params": {"eventList": 1}}),
    ):
        assert DAHUA.recognise(message_of(topic, payload)) is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    for prefix in (b"", b"Code=", b"Code=A;action=Start;index=0;data="):
        DAHUA.recognise(message_of("x", prefix + payload))
        run(DAHUA, "dahua/gate", prefix + payload)


@settings(deadline=None)
@given(mangled([text(data=DATA), STREAM]))
def test_any_text_of_the_right_outline(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    DAHUA.recognise(message_of("x", payload))
    run(DAHUA, "dahua/gate", payload)


@settings(deadline=None)
@given(altered([VTO, DHIP, VTO | {"Data": DATA}]))
def test_any_json_of_the_right_outline(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    DAHUA.recognise(message_of("x", payload))
    run(DAHUA, "dahua/gate", payload, zone="Asia/Shanghai")


@settings(deadline=None)
@given(altered([DATA]))
def test_any_data_in_text(data: Any) -> None:
    run(DAHUA, "", b"Code=VideoMotion;action=Start;index=0;data=" + data, zone="Asia/Shanghai")
