"""ONVIF's XML, written after its specifications."""

from typing import Any

import pytest
from camera_kit import chosen, mangled, message_of, ms, one, run, values
from hypothesis import given, settings
from hypothesis import strategies as st
from test_xmltree import BOMBS

from ingest.decoders.onvif import Onvif
from ingest.messages import Kind
from schemas.camera import TrackPhase
from schemas.quarantine import Reason

ONVIF = Onvif()
UUID = "0b7c9a52-11d4-4c6e-9f60-5d2f3e8a7b10"
TIME = "2025-11-24T15:59:58.250Z"


def items(part: str, said: dict[str, str]) -> str:
    inner = "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in said.items())
    return f"<tt:{part}>{inner}</tt:{part}>"


def notification(
    topic: str,
    data: dict[str, str],
    source: dict[str, str] | None = None,
    key: dict[str, str] | None = None,
    operation: str | None = "Changed",
    producer: str | None = f"uri://{UUID}/ProducerReference",
) -> str:
    reference = f"<w:ProducerReference><a:Address>{producer}</a:Address></w:ProducerReference>" if producer else ""
    attribute = f' PropertyOperation="{operation}"' if operation else ""
    return (
        '<w:NotificationMessage xmlns:w="http://docs.oasis-open.org/wsn/b-2" xmlns:a="http://www.w3.org/2005/08/addressing"'
        ' xmlns:tt="http://www.onvif.org/ver10/schema">'
        f'<w:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">{topic}</w:Topic>{reference}'
        f'<w:Message><tt:Message UtcTime="{TIME}"{attribute}>'
        f"{items('Source', source or {})}{items('Key', key or {})}{items('Data', data)}"
        "</tt:Message></w:Message></w:NotificationMessage>"
    )


def stream(*inner: str) -> str:
    body = "".join(f"<m:Event>{one}</m:Event>" for one in inner)
    return (
        f'<?xml version="1.0"?><m:MetadataStream xmlns:m="http://www.onvif.org/ver10/schema">{body}</m:MetadataStream>'
    )


def envelope(*inner: str) -> str:
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>'
        '<e:PullMessagesResponse xmlns:e="http://www.onvif.org/ver10/events/wsdl">'
        f"<e:CurrentTime>{TIME}</e:CurrentTime>{''.join(inner)}</e:PullMessagesResponse></s:Body></s:Envelope>"
    )


FRAME = (
    '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
    f'<tt:Frame UtcTime="{TIME}" Source="cam0">'
    '<tt:Transformation><tt:Translate x="-1.0" y="-1.0"/><tt:Scale x="0.002" y="0.002"/></tt:Transformation>'
    '<tt:Object ObjectId="12"><tt:Appearance><tt:Shape><tt:BoundingBox left="200" top="900" right="400" bottom="600"/>'
    '<tt:CenterOfGravity x="300" y="750"/></tt:Shape><tt:Class><tt:Type Likelihood="0.6">Bus</tt:Type>'
    '<tt:Type Likelihood="0.85">Truck</tt:Type></tt:Class></tt:Appearance>'
    "<tt:Behaviour><tt:Idle/></tt:Behaviour></tt:Object>"
    '<tt:Object ObjectId="13"><tt:Appearance><tt:Class><tt:ClassCandidate><tt:Type>Human</tt:Type>'
    "<tt:Likelihood>0.4</tt:Likelihood></tt:ClassCandidate></tt:Class></tt:Appearance>"
    "<tt:Behaviour><tt:Removed/></tt:Behaviour></tt:Object>"
    '<tt:Object ObjectId="14"/>'
    '<tt:ObjectTree><tt:Delete ObjectId="9"/></tt:ObjectTree>'
    "</tt:Frame></tt:VideoAnalytics></tt:MetadataStream>"
)


def test_a_property_that_became_active() -> None:
    text = notification(
        "tns1:RuleEngine/FieldDetector/ObjectsInside",
        {"IsInside": "true"},
        source={
            "VideoSourceConfigurationToken": "vsc-1",
            "VideoAnalyticsConfigurationToken": "va",
            "Rule": "fire lane",
        },
        key={"ObjectId": "77"},
    )
    report = one(ONVIF, "", stream(text))
    assert (report.device, report.kind, report.time_ms) == (UUID, Kind.EVENT, ms(TIME))
    said = report.happening
    assert (said.event_type, said.operation) == ("RuleEngine/FieldDetector/ObjectsInside", "Changed")
    assert (said.active, said.channel, said.region) == (True, "vsc-1", "fire lane")
    assert said.objects == [{"id": "77"}]
    (seen,) = report.sightings
    assert seen.phase is TrackPhase.NEW
    assert seen.track == "RuleEngine/FieldDetector/ObjectsInside/vsc-1/fire lane/77"
    assert (seen.label, seen.zones) == ("ObjectsInside", ("fire lane",))
    assert (values(report), report.unmapped) == ({}, [])


@pytest.mark.parametrize(
    ("operation", "value", "phase", "active"),
    [
        ("Changed", "1", TrackPhase.NEW, True),
        ("Initialized", "1", TrackPhase.UPDATE, True),
        ("Changed", "0", TrackPhase.END, False),
        ("Initialized", "false", TrackPhase.END, False),
        ("Deleted", "1", TrackPhase.END, False),
        (None, "1", TrackPhase.NEW, True),
    ],
)
def test_operations(operation: str | None, value: Any, phase: TrackPhase, active: bool | None) -> None:
    text = notification("tns1:RuleEngine/CellMotionDetector/Motion", {"IsMotion": value}, operation=operation)
    report = one(ONVIF, "", text)
    assert (report.sightings[0].phase, report.happening.active) == (phase, active)
    assert values(report) == {"motion": float(active)}


@pytest.mark.parametrize(
    ("topic", "source", "data", "active", "measured", "seen"),
    [
        ("tns1:VideoSource/MotionAlarm", {"Source": "v0"}, {"State": "true"}, True, {"motion/v0": 1.0}, 1),
        ("x:RuleEngine/y:TamperDetector/z:Tamper", {"Source": "v0"}, {"IsTamper": "1"}, True, {"tamper/v0": 1.0}, 0),
        ("tns1:Device/Trigger/Relay", {"RelayToken": "r"}, {"LogicalState": "inactive"}, False, {}, 0),
        ("tns1:Device/tnsaxis:Light/Status", {"id": "0"}, {"state": "OFF"}, False, {}, 0),
        ("tns1:Device/HardwareFailure/FanFailure", {"Token": "f"}, {"Failed": "true"}, True, {"fault/f": 1.0}, 0),
        ("tns1:PTZController/tnsaxis:Move/Channel_1", {"PTZ": "1"}, {"is_moving": "1"}, None, {}, 0),
        ("tns1:RuleEngine/LineDetector/Crossed", {"Rule": "line"}, {"ObjectId": "5"}, None, {}, 0),
        ("tns1:AudioAnalytics/Audio/DetectedSound", {}, {"isSoundDetected": "true"}, True, {}, 0),
        ("tns1:RuleEngine/MyRuleDetector/VehicleDetect", {"Source": "0"}, {"State": "true"}, True, {}, 1),
    ],
)
def test_what_topics_become(
    topic: str, source: dict[str, str], data: Any, active: bool | None, measured: dict[str, float], seen: int
) -> None:
    report = one(ONVIF, "", notification(topic, data, source=source))
    assert report.happening.active is active
    assert values(report) == measured
    assert len(report.sightings) == seen


def test_of_several_states_any_is_enough() -> None:
    for first, second in (("1", "0"), ("0", "1")):
        text = notification("tns1:VideoSource/MotionAlarm", {"State": first, "IsMotion": second})
        assert one(ONVIF, "", text).happening.active is True


def test_what_analyses_the_picture_is_no_channel() -> None:
    source = {"VideoAnalyticsConfigurationToken": "va", "VideoSourceConfigurationToken": "v1"}
    report = one(ONVIF, "", notification("tns1:VideoSource/MotionAlarm", {"State": "1"}, source=source))
    assert report.happening.channel == "v1"


def test_an_application_of_axis() -> None:
    topic = "tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario3"
    report = one(ONVIF, "", notification(topic, {"active": "1", "classTypes": "car, human", "objectId": "8"}))
    assert report.happening.objects == [{"label": "car", "id": "8"}, {"label": "human", "id": "8"}]
    assert report.happening.region == "Device1Scenario3"
    (seen,) = report.sightings
    assert (seen.track, seen.label) == ("CameraApplicationPlatform/ObjectAnalytics/Device1Scenario3", "car")
    assert seen.zones == ("Device1Scenario3",)


def test_data_nobody_knows_are_kept_aside() -> None:
    report = one(ONVIF, "", notification("tns1:VideoSource/MotionAlarm", {"State": "maybe", "Level": "7"}))
    assert {one.name: one.value for one in report.unmapped} == {"data.State": "maybe", "data.Level": "7"}
    assert report.happening.active is None


def test_a_plate_is_of_the_object_and_of_no_sighting() -> None:
    text = notification("tns1:RuleEngine/Recognition/LicensePlate", {})
    inner = "<tt:LicensePlateInfo><tt:PlateNumber>K7</tt:PlateNumber></tt:LicensePlateInfo>"
    plate = f"<tt:ElementItem Name='LicensePlateInfo'>{inner}</tt:ElementItem>"
    report = one(ONVIF, "", text.replace("<tt:Data>", "<tt:Data>" + plate))
    assert report.happening.objects == [{"plate": "K7"}]
    assert report.sightings == []
    other = "<tt:ElementItem Name='Shape'><tt:x/></tt:ElementItem>"
    report = one(ONVIF, "", text.replace("<tt:Data>", "<tt:Data>" + other))
    assert [one.name for one in report.unmapped] == ["data.Shape"]


def test_several_notifications_and_one_that_is_wrong() -> None:
    good = notification("tns1:VideoSource/MotionAlarm", {"State": "1"})
    decoded = run(ONVIF, "", envelope(good, notification("", {}), good))
    assert [one.device for one in decoded.reports] == [UUID, UUID]
    assert (decoded.refused, decoded.refusal.reason, decoded.refusal.field) == (1, Reason.SCHEMA, "Topic")


def test_nothing_happened() -> None:
    assert one(ONVIF, "", envelope()).kind is Kind.IGNORED


@pytest.mark.parametrize(
    ("topic", "producer", "source", "device"),
    [
        ("onvif/gate-7/events", f"uri://{UUID}", {"Source": "v0"}, "gate-7"),
        ("site/gate-7/onvif", None, {"Source": "v0"}, "site/gate-7"),
        ("onvif/events", f"uri://{UUID.upper()}/x", {"Source": "v0"}, UUID),
        ("", "http://10.1.2.3/onvif/event_service", {"Source": "v0"}, "10.1.2.3"),
        ("", "http://[::1", {"Source": "v0"}, "v0"),
        ("", None, {"Source": "v0"}, "v0"),
        ("", None, {}, "onvif"),
    ],
)
def test_whose_message_it_is(topic: str, producer: str | None, source: dict[str, str], device: str) -> None:
    text = notification("tns1:VideoSource/MotionAlarm", {"State": "1"}, source=source, producer=producer)
    assert one(ONVIF, topic, text).device == device


def test_a_time_without_zone_is_read_in_the_routes_zone() -> None:
    text = notification("tns1:VideoSource/MotionAlarm", {"State": "1"}).replace(TIME, "2025-11-24T23:59:58")
    assert one(ONVIF, "", text).time_ms is None
    assert one(ONVIF, "", text, zone="Asia/Shanghai").time_ms == ms("2025-11-24T23:59:58+08:00")


def test_a_scene() -> None:
    report = one(ONVIF, "onvif/gate", FRAME)
    assert (report.device, report.kind, report.time_ms) == ("gate", Kind.EVENT, ms(TIME))
    assert (report.happening.event_type, report.happening.channel) == ("VideoAnalytics/Frame", "cam0")
    assert report.happening.objects == [
        {"id": "12", "label": "truck", "score": 0.85, "box_xyxy": [0.2, 0.1, 0.4, 0.4], "stationary": True},
        {"id": "13", "label": "human", "score": 0.4},
        {"id": "14"},
    ]
    assert [(one.track, one.phase, one.label, one.stationary) for one in report.sightings] == [
        ("VideoAnalytics/Frame/cam0/12", TrackPhase.UPDATE, "truck", True),
        ("VideoAnalytics/Frame/cam0/13", TrackPhase.END, "human", False),
        ("VideoAnalytics/Frame/cam0/14", TrackPhase.UPDATE, "object", False),
        ("VideoAnalytics/Frame/cam0/9", TrackPhase.END, "object", False),
    ]


def test_a_frame_with_nothing_in_it() -> None:
    empty = stream().replace("></m:", "><m:VideoAnalytics><m:Frame/></m:VideoAnalytics></m:")
    assert "Frame" in empty
    assert one(ONVIF, "", empty).kind is Kind.IGNORED


@pytest.mark.parametrize("payload", BOMBS.values(), ids=BOMBS.keys())
def test_bombs(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    assert run(ONVIF, "onvif/gate", payload).refusal.reason is Reason.MALFORMED_XML


@pytest.mark.parametrize("payload", ["<Envelope><Fault/></Envelope>", "<NotificationMessage/>"])
def test_xml_of_something_else(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    assert run(ONVIF, "onvif/gate", payload).refusal.reason is Reason.SCHEMA


def test_only_so_many_notifications() -> None:
    small = "<NotificationMessage><Topic>a/b</Topic><Message><Message UtcTime='x'/></Message></NotificationMessage>"
    decoded = run(ONVIF, "onvif/gate", f"<Notify>{small * 1200}</Notify>")
    assert (len(decoded.reports), decoded.refused) == (1000, 1)


def test_who_recognises_what() -> None:
    for text in (stream(notification("a:b", {})), envelope(), notification("a:b", {}), FRAME, " \r\n" + FRAME):
        assert chosen("", text) == "onvif-xml"
        assert chosen("any/topic", text) == "onvif-xml"
    for payload in ("<EventNotificationAlert/>", "NotificationMessage", "<html/>", "{}"):
        assert ONVIF.recognise(message_of("onvif/x", payload)) is None


TEMPLATES = [
    stream(
        notification("tns1:RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "1"}, {"Rule": "r"}, {"ObjectId": "1"})
    ),
    envelope(notification("tns1:VideoSource/MotionAlarm", {"State": "true", "classTypes": "car"}, {"Source": "v"})),
    FRAME,
]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    for prefix in (b"", b"<NotificationMessage>"):
        ONVIF.recognise(message_of("x", prefix + payload))
        run(ONVIF, "onvif/gate", prefix + payload)


@settings(deadline=None)
@given(mangled(TEMPLATES))
def test_any_xml_of_the_right_outline(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    ONVIF.recognise(message_of("x", payload))
    run(ONVIF, "onvif/gate", payload)
    run(ONVIF, "", payload)
