"""Hikvision's events, written after its ISAPI guide."""

from typing import Any

import pytest
from camera_kit import altered, chosen, mangled, message_of, ms, one, run, values
from hypothesis import given, settings
from hypothesis import strategies as st
from test_xmltree import BOMBS

from ingest.decoders.hikvision import Hikvision
from ingest.messages import Kind
from schemas.camera import TrackPhase
from schemas.quarantine import Reason

HIKVISION = Hikvision()
MAC = "c0:56:e3:12:ab:cd"


def alert(
    inner: str = "",
    *,
    event_type: str = "linedetection",
    state: str = "active",
    count: str = "1",
    mac: str = MAC,
    time: str = "2025-11-24T23:59:58+08:00",
) -> str:
    owner = f"<macAddress>{mac}</macAddress>" if mac else ""
    return (
        '<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">'
        f"<ipAddress>10.1.2.3</ipAddress><portNo>80</portNo><protocol>HTTP</protocol>{owner}<channelID>2</channelID>"
        f"<dateTime>{time}</dateTime><activePostCount>{count}</activePostCount><eventType>{event_type}</eventType>"
        f"<eventState>{state}</eventState><eventDescription>alarm</eventDescription>{inner}</EventNotificationAlert>"
    )


REGIONS = (
    "<DetectionRegionList><DetectionRegionEntry><regionID>4</regionID><detectionTarget>vehicle</detectionTarget>"
    "<TargetRect><X>0.25</X><Y>0.5</Y><width>0.125</width><height>0.25</height></TargetRect></DetectionRegionEntry>"
    "<DetectionRegionEntry><regionID>5</regionID></DetectionRegionEntry></DetectionRegionList>"
    "<channelName>Qiyi Road</channelName>"
)
PLATE = (
    "<ANPR><country>3</country><licensePlate>K12345</licensePlate><confidenceLevel>93</confidenceLevel>"
    "<vehicleType>SUVMPV</vehicleType></ANPR>"
)
JSON = {
    "ipAddress": "10.1.2.3",
    "macAddress": MAC,
    "channelID": 2,
    "dateTime": "2025-11-24T23:59:58+08:00",
    "activePostCount": 3,
    "eventType": "fielddetection",
    "eventState": "active",
    "DetectionRegionList": [
        {"regionID": 4, "detectionTarget": "human", "TargetRect": {"X": 0.1, "Y": 0.2, "width": 0.3, "height": 0.4}}
    ],
}


def test_an_event_with_regions() -> None:
    report = one(HIKVISION, "", alert(REGIONS))
    assert (report.device, report.kind) == (MAC, Kind.EVENT)
    assert report.time_ms == ms("2025-11-24T15:59:58+00:00")
    said = report.happening
    assert (said.event_type, said.active, said.channel, said.region) == ("linedetection", True, "2", "4")
    assert said.objects == [{"label": "vehicle", "box_xyxy": [0.25, 0.5, 0.375, 0.75]}]
    (seen,) = report.sightings
    assert (seen.phase, seen.track, seen.label) == (TrackPhase.NEW, "linedetection/2/4", "vehicle")
    assert seen.zones == ("4", "5")
    assert (report.about.vendor, report.about.name) == ("Hikvision", "Qiyi Road")
    assert report.unmapped == []


def test_the_same_in_json() -> None:
    for payload in (JSON, {"EventNotificationAlert": JSON}):
        report = one(HIKVISION, "", payload)
        assert (report.device, report.time_ms) == (MAC, ms("2025-11-24T15:59:58+00:00"))
        assert (report.happening.channel, report.happening.region) == ("2", "4")
        assert report.happening.objects == [{"label": "human", "box_xyxy": [0.1, 0.2, 0.4, 0.6]}]
        assert report.sightings[0].phase is TrackPhase.UPDATE


@pytest.mark.parametrize(
    ("state", "count", "phase"),
    [("active", "1", TrackPhase.NEW), ("active", "7", TrackPhase.UPDATE), ("inactive", "0", TrackPhase.END)],
)
def test_phases(state: str, count: str, phase: TrackPhase) -> None:
    (seen,) = one(HIKVISION, "", alert(event_type="fielddetection", state=state, count=count)).sightings
    assert (seen.phase, seen.track) == (phase, "fielddetection/2")


@pytest.mark.parametrize(
    ("event_type", "state", "measured", "seen"),
    [
        ("VMD", "active", {"motion/2": 1.0}, 1),
        ("VMD", "inactive", {"motion/2": 0.0}, 1),
        ("PIR", "active", {"motion/2": 1.0}, 0),
        ("shelteralarm", "active", {"tamper/2": 1.0}, 0),
        ("scenechangedetection", "active", {"tamper/2": 1.0}, 0),
        ("videoloss", "active", {"fault/2": 1.0}, 0),
        ("diskfull", "active", {"fault/2": 1.0}, 0),
        ("fireDetection", "active", {"fire_alarm/2": 1.0}, 0),
        ("IO", "active", {}, 0),
        ("audioexception", "active", {}, 0),
        ("duration", "active", {}, 0),
        ("somethingNew", "active", {}, 0),
    ],
)
def test_what_events_become(event_type: str, state: str, measured: dict[str, float], seen: int) -> None:
    report = one(HIKVISION, "", alert(event_type=event_type, state=state))
    assert (report.kind, values(report), len(report.sightings)) == (Kind.EVENT, measured, seen)


def test_the_heartbeat() -> None:
    report = one(HIKVISION, "", alert(event_type="videoloss", state="inactive", count="0"))
    assert (report.kind, report.online, report.happening.active) == (Kind.STATUS, True, False)
    assert values(report) == {"fault/2": 0.0, "online": 1.0}


def test_a_port_is_a_region_and_no_measurement() -> None:
    report = one(HIKVISION, "", alert("<inputIOPortID>3</inputIOPortID>", event_type="IO"))
    assert (report.happening.region, values(report), report.sightings) == ("3", {}, [])


def test_a_plate_is_of_the_object_and_of_no_sighting() -> None:
    report = one(HIKVISION, "", alert(PLATE, event_type="ANPR"))
    assert report.happening.objects == [{"label": "suvmpv", "plate": "K12345", "score": 0.93}]
    assert report.happening.active is True
    assert report.sightings == []
    unread = PLATE.replace("K12345", "unknown").replace("93", "0")
    assert one(HIKVISION, "", alert(unread, event_type="ANPR")).happening.objects == [{"label": "suvmpv"}]
    report = one(HIKVISION, "", alert(PLATE, event_type="vehicleDetection"))
    assert "K12345" not in str(report.sightings)


def test_a_parked_vehicle_stands() -> None:
    (seen,) = one(HIKVISION, "", alert(event_type="parking")).sightings
    assert (seen.label, seen.stationary) == ("vehicle", True)


SERIAL = (
    '<Extensions><serialNumber xmlns="urn:selfextension:psiaext-ver10-xsd">DS-7608 X/K1\n</serialNumber></Extensions>'
)


@pytest.mark.parametrize(
    ("topic", "mac", "inner", "device"),
    [
        ("", MAC, SERIAL, MAC),
        ("hikvision/gate-7/alert", MAC, "", MAC),
        ("", "", SERIAL, "DS-7608 X/K1"),
        ("", "00:00:00:00:00:00", SERIAL, "DS-7608 X/K1"),
        ("hikvision/gate-7/alert", "", "", "gate-7"),
        ("", "none", "", "10.1.2.3"),
        ("hikvision/C056E312ABCD/alert", MAC, "", MAC),
    ],
)
def test_whose_message_it_is(topic: str, mac: str, inner: str, device: str) -> None:
    assert one(HIKVISION, topic, alert(inner, mac=mac)).device == device


def test_a_camera_speaks_only_for_itself() -> None:
    assert run(HIKVISION, "hikvision/c0-56-e3-00-00-01/alert", alert()).refusal.reason is Reason.IDENTITY_MISMATCH


def test_nobodys_message() -> None:
    text = alert(mac="").replace("10.1.2.3", "")
    refusal = run(HIKVISION, "", text).refusal
    assert (refusal.reason, refusal.field) == (Reason.SCHEMA, "macAddress")


@pytest.mark.parametrize(
    ("time", "zone", "utc"),
    [
        ("2025-11-24T23:59:58+08:00", "Europe/Berlin", "2025-11-24T15:59:58+00:00"),
        ("2025-11-24T23:59:58", "Asia/Shanghai", "2025-11-24T15:59:58+00:00"),
        ("2025-11-24T23:59:58", None, None),
        ("1970-01-01T08:00:12+08:00", None, None),
        ("yesterday", "Asia/Shanghai", None),
    ],
)
def test_times(time: Any, zone: str | None, utc: str | None) -> None:
    assert one(HIKVISION, "", alert(time=time), zone=zone).time_ms == (None if utc is None else ms(utc))


def test_what_nobody_knows_is_kept_aside() -> None:
    report = one(HIKVISION, "", alert("<mood>calm</mood>", state="perhaps"))
    assert {one.name: one.value for one in report.unmapped} == {"mood": "calm", "eventState": "perhaps"}
    assert (report.happening.active, report.sightings) == (None, [])


def test_a_box_beyond_the_picture_is_no_box() -> None:
    report = one(HIKVISION, "", alert(REGIONS.replace("0.25", "250")))
    assert report.happening.objects == [{"label": "vehicle"}]


def multipart(*inner: str) -> bytes:
    parts = (f"--MIME_boundary\r\nContent-Type: application/xml\r\nContent-Length: 9\r\n\r\n{one}\r\n" for one in inner)
    return "".join(parts).encode()


def test_multipart_with_a_picture() -> None:
    picture = b"--MIME_boundary\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0<JFIF\r\n\r\n--MIME_boundary--\r\n"
    decoded = run(HIKVISION, "", multipart(alert(), alert(event_type="VMD")) + picture)
    assert [one.happening.event_type for one in decoded.reports] == ["linedetection", "VMD"]
    assert decoded.refused == 0


def test_a_bad_part_among_good_ones() -> None:
    decoded = run(HIKVISION, "", multipart(alert(), "<EventNotificationAlert>", alert(event_type="")))
    assert (len(decoded.reports), decoded.refused, decoded.device) == (1, 2, MAC)
    assert decoded.refusal.reason is Reason.MALFORMED_XML


@pytest.mark.parametrize("payload", [one for one in BOMBS.values() if one[:1] == b"<"], ids=lambda one: one[:20])
def test_bombs(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    assert run(HIKVISION, "hikvision/gate", payload).refusal.reason is Reason.MALFORMED_XML


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.SCHEMA),
        (b"\xff\xd8\xff\xe0", Reason.SCHEMA),
        (b"<ResponseStatus/>", Reason.SCHEMA),
        (b"{}", Reason.SCHEMA),
        (b'{"EventNotificationAlert": 1}', Reason.SCHEMA),
        (b"{" * 1000, Reason.MALFORMED_JSON),
        (b'{"a":' * 800 + b"1" + b"}" * 800, Reason.MALFORMED_JSON),
        (b'{"a":[' * 60 + b"1" + b"]}" * 60, Reason.MALFORMED_JSON),
    ],
)
def test_bad_input(payload: str | bytes | dict[str, Any] | list[Any], reason: Reason) -> None:
    assert run(HIKVISION, "hikvision/gate", payload).refusal.reason is reason


def test_who_recognises_what() -> None:
    for payload in (
        alert(),
        JSON,
        {"EventNotificationAlert": JSON},
        multipart(alert()),
        b"\xef\xbb\xbf" + alert().encode(),
    ):
        assert chosen("", payload) == "hikvision-isapi"
        assert chosen("any/topic", payload) == "hikvision-isapi"
    for payload in ("EventNotificationAlert", "<x/>", {"eventType": "a"}, {"log": "EventType"}):
        assert HIKVISION.recognise(message_of("", payload)) is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    for prefix in (b"", b"<EventNotificationAlert>", b"--b\r\n\r\n<EventNotificationAlert>"):
        HIKVISION.recognise(message_of("x", prefix + payload))
        run(HIKVISION, "hikvision/gate", prefix + payload)


@settings(deadline=None)
@given(mangled([alert(REGIONS), alert(PLATE, event_type="ANPR"), alert(SERIAL, mac="")]))
def test_any_xml_of_the_right_outline(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    HIKVISION.recognise(message_of("x", payload))
    run(HIKVISION, "", payload)


@settings(deadline=None)
@given(altered([JSON, {"EventNotificationAlert": JSON}]))
def test_any_json_of_the_right_outline(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    HIKVISION.recognise(message_of("x", payload))
    run(HIKVISION, "", payload)
