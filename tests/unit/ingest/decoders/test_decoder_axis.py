"""Axis' event bridge, written after the VAPIX documentation."""

from typing import Any

import pytest
from camera_kit import altered, chosen, message_of, one, run, values
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.axis import Axis
from ingest.messages import Kind
from schemas.camera import TrackPhase
from schemas.quarantine import Reason

AXIS = Axis()
SERIAL = "B8A44F1234AB"
ROOT = f"axis/{SERIAL}/event/"
AOA = {
    "topic": "axis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2",
    "timestamp": 1763999998250,
    "serial": SERIAL,
    "message": {"source": {}, "key": {}, "data": {"active": "1", "classTypes": "truck", "objectId": "31"}},
}
AOA_TOPIC = ROOT + "tns:axis/CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2"
PIR = {
    "topic": "onvif:Device/axis:Sensor/PIR",
    "timestamp": 1763999998250,
    "message": {"source": {"sensor": "0"}, "key": {}, "data": {"state": "1"}},
}
PIR_TOPIC = ROOT + "tns:onvif/Device/tns:axis/Sensor/PIR/$source/sensor/0"


def test_an_event() -> None:
    report = one(AXIS, AOA_TOPIC, AOA)
    assert (report.device, report.kind, report.time_ms) == (SERIAL, Kind.EVENT, 1763999998250)
    said = report.happening
    assert said.event_type == "CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2"
    assert (said.active, said.operation, said.region) == (True, None, "Device1Scenario2")
    assert said.objects == [{"label": "truck", "id": "31"}]
    (seen,) = report.sightings
    assert (seen.phase, seen.label, seen.zones) == (TrackPhase.NEW, "truck", ("Device1Scenario2",))
    assert report.about.vendor == "Axis"
    assert report.unmapped == []


def test_the_end_of_an_event_ends_the_same_track() -> None:
    ended = AOA | {"message": {"data": {"active": "0", "classTypes": "truck"}}}
    first, last = one(AXIS, AOA_TOPIC, AOA).sightings[0], one(AXIS, AOA_TOPIC, ended).sightings[0]
    assert last.phase is TrackPhase.END
    assert (first.track, first.label) == (last.track, last.label)


def test_a_sensor_beside_the_picture_measures_and_sees_nothing() -> None:
    report = one(AXIS, PIR_TOPIC, PIR)
    assert (report.happening.event_type, report.happening.active) == ("Device/Sensor/PIR", True)
    assert values(report) == {"motion/0": 1.0}
    assert report.sightings == []


@pytest.mark.parametrize("said", ["car,human", "car; human", "Car Human", ["car", "human"]])
def test_several_classes(said: Any) -> None:
    both = AOA | {"message": {"data": {"active": "1", "classTypes": said}}}
    assert one(AXIS, AOA_TOPIC, both).happening.objects == [{"label": "car"}, {"label": "human"}]


def test_moving_is_no_alarm() -> None:
    moving = PIR | {"topic": "onvif:PTZController/axis:Move/Channel_1", "message": {"data": {"is_moving": "1"}}}
    report = one(AXIS, ROOT + "tns:onvif/PTZController/tns:axis/Move/Channel_1", moving)
    assert report.happening.active is None
    assert [one.name for one in report.unmapped] == ["data.is_moving"]


def test_without_its_topic_in_the_message_the_mqtt_topic_says_it() -> None:
    payload = {"message": PIR["message"]}
    assert one(AXIS, PIR_TOPIC, payload).happening.event_type == "Device/Sensor/PIR"


@pytest.mark.parametrize(
    ("topic", "serial", "device"),
    [
        (AOA_TOPIC, None, SERIAL),
        ("city/north/" + AOA_TOPIC.removeprefix("axis/"), None, SERIAL),
        (AOA_TOPIC, SERIAL.lower(), SERIAL),
        ("city/gate-3/event/tns:axis/X", SERIAL, SERIAL),
        ("city/gate-3/event/tns:axis/X", None, "gate-3"),
        ("cameras/gate-3", None, "gate-3"),
        ("cameras/gate-3", SERIAL, SERIAL),
        ("", SERIAL, SERIAL),
    ],
)
def test_whose_message_it_is(topic: str, serial: str | None, device: str) -> None:
    assert one(AXIS, topic, AOA | {"serial": serial}).device == device


def test_a_camera_speaks_only_for_itself() -> None:
    decoded = run(AXIS, AOA_TOPIC, AOA | {"serial": "ACCC8E999999"})
    assert decoded.refusal.reason is Reason.IDENTITY_MISMATCH
    assert decoded.device == SERIAL


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        ({"topic": "onvif:Device/axis:Sensor/PIR"}, Reason.SCHEMA, "message"),
        (PIR | {"message": "on"}, Reason.SCHEMA, "message"),
        (PIR | {"message": {"source": []}}, Reason.SCHEMA, "message.source"),
        (PIR | {"topic": 7.5}, Reason.SCHEMA, "topic"),
        (PIR | {"serial": "a+b"}, Reason.SCHEMA, "serial"),
        ("{", Reason.MALFORMED_JSON, None),
        (b"\xff\x00", Reason.MALFORMED_JSON, None),
        ("[]", Reason.SCHEMA, None),
    ],
)
def test_bad_input_keeps_its_device(
    payload: str | bytes | dict[str, Any] | list[Any], reason: Reason, field: str | None
) -> None:
    decoded = run(AXIS, PIR_TOPIC, payload)
    assert (decoded.refusal.reason, decoded.refusal.field, decoded.device) == (reason, field, SERIAL)
    assert decoded.reports == ()


def test_times_and_fields_that_make_no_sense() -> None:
    report = one(AXIS, PIR_TOPIC, PIR | {"timestamp": 12, "extra": {"a": 1}})
    assert report.time_ms is None
    assert [(one.name, one.value) for one in report.unmapped] == [("extra", "object of 1")]


@pytest.mark.parametrize(
    ("topic", "payload", "online"),
    [
        (ROOT + "connection", "Connected", True),
        (ROOT + "connection", '{"connected": false}', False),
        (f"axis/{SERIAL}", '{"status": "offline"}', False),
        (f"axis/{SERIAL}/connection", "Connection Lost", False),
    ],
)
def test_connections(topic: str, payload: str | bytes | dict[str, Any] | list[Any], online: bool | None) -> None:
    report = one(AXIS, topic, payload)
    assert (report.device, report.kind, report.online) == (SERIAL, Kind.STATUS, online)
    assert values(report) == {"online": float(online)}


def test_a_connection_in_words_of_somebodys_own() -> None:
    decoded = run(AXIS, ROOT + "connection", "hello")
    assert (decoded.refusal.reason, decoded.device) == (Reason.SCHEMA, SERIAL)


def test_who_recognises_what() -> None:
    assert chosen(AOA_TOPIC, b"") == "axis-mqtt"
    assert chosen("city/" + AOA_TOPIC.removeprefix("axis/"), b"\xff") == "axis-mqtt"
    assert chosen("cameras/gate-3", AOA) == "axis-mqtt"
    assert chosen(f"axis/{SERIAL}/connection", "x") == "axis-mqtt"
    for topic, payload in (
        ("application/x/device/0102030405060708/event/up", "{}"),
        ("cameras/gate-3", {"topic": "a/b", "message": {}}),
        ("cameras/gate-3", {"topic": ["onvif:"], "message": {}}),
    ):
        assert AXIS.recognise(message_of(topic, payload)) is None


TOPICS = st.sampled_from([AOA_TOPIC, PIR_TOPIC, "gate", "", ROOT + "connection", f"axis/{SERIAL}", "a/event", "event"])


@settings(deadline=None)
@given(TOPICS, st.binary(max_size=64))
def test_any_bytes(topic: str, payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    AXIS.recognise(message_of(topic, payload))
    run(AXIS, topic, payload)


@settings(deadline=None)
@given(TOPICS, altered([AOA, PIR, {"connected": "true"}]))
def test_any_json_of_the_right_outline(topic: str, payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    AXIS.recognise(message_of(topic, payload))
    run(AXIS, topic, payload)
