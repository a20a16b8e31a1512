"""ChirpStack v4: messages written from the documentation of its events."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.base import Message, RefusedError
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.chirpstack import ChirpStack
from ingest.decoders.lorawan import Made, Uplink
from ingest.messages import Kind, Numbering
from schemas.quarantine import Reason
from tests.examples import examples
from tests.unit.ingest.decoders.lorawan_kit import ARRIVED_MS, EUI, as_bytes, holds, measured, only_report, replaced

APPLICATION = "b2c1a7de-55f0-4f6e-9d0f-7f5e42a1c9aa"
TIME = "2026-09-14T05:31:07.250123+00:00"
TIME_MS = 1_789_363_867_250
INFO = {
    "tenantId": "0b1f1f0e-9a48-4b5c-8a5e-1ab5c9f2d001",
    "tenantName": "Harbour district",
    "applicationId": APPLICATION,
    "applicationName": "covers",
    "deviceProfileId": "5a1e0f64-0c3b-4a3f-8f2e-3d7b7d1c0002",
    "deviceProfileName": "Milesight EM310-TILT (EU868)",
    "deviceName": "cover 112",
    "devEui": EUI,
    "deviceClassEnabled": "CLASS_A",
    "tags": {"street": "Quay 4"},
}
UP: dict[str, Any] = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": TIME,
    "deviceInfo": INFO,
    "devAddr": "01A2B3C4",
    "adr": True,
    "dr": 5,
    "fCnt": 71,
    "fPort": 85,
    "confirmed": False,
    "data": "AXVk",
    "object": {"battery": 87, "angle_x": -2.5, "angle_y": 0.5, "angle_z": 91, "threshold_x": "normal"},
    "rxInfo": [
        {"gatewayId": "24e124fffef00001", "uplinkId": 11, "rssi": -113, "snr": -4.5, "location": {"latitude": 53.5}},
        {"gatewayId": "24e124fffef00002", "uplinkId": 12, "rssi": -97, "snr": 6},
    ],
    "txInfo": {"frequency": 868100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7}}},
}


def topic(event: str, eui: str = EUI, prefix: str = "") -> str:
    return f"{prefix}application/{APPLICATION}/device/{eui}/event/{event}"


def event(**fields: Any) -> dict[str, Any]:
    return {"deduplicationId": "d", "time": TIME, "deviceInfo": INFO, **fields}


def up(**fields: Any) -> dict[str, Any]:
    return {**UP, **fields}


class OneCodec:
    """Stands for a folder of codecs."""

    def __init__(self, made: Made | RefusedError | None) -> None:
        self._made = made
        self.asked: list[Uplink] = []

    def decode(self, uplink: Uplink) -> Made | None:
        self.asked.append(uplink)
        if isinstance(self._made, RefusedError):
            raise self._made
        return self._made


def test_uplink_with_object() -> None:
    report = only_report(ChirpStack(), topic("up"), UP)
    assert (report.device, report.kind, report.time_ms) == (EUI, Kind.TELEMETRY, TIME_MS)
    assert measured(report) == {
        "battery_percent": 87,
        "tilt_x": -2.5,
        "tilt_y": 0.5,
        "tilt_z": 91,
        "rssi": -97,
        "snr": 6,
    }
    assert {one.time_ms for one in report.measurements} == {TIME_MS}
    assert [(one.name, one.value) for one in report.unmapped] == [("threshold_x", "normal")]
    assert report.numbering == Numbering(71, 2**32, "01a2b3c4")
    about = report.about
    assert (about.name, about.gateway, about.vendor) == ("cover 112", "24e124fffef00002", "milesight")
    assert (about.model, about.tags) == ("Milesight EM310-TILT (EU868)", {"street": "Quay 4"})


def test_history_keeps_its_own_times() -> None:
    said = {
        "history": [{"timestamp": 1_789_000_000, "distance": 812}, {"distance": 813}, {"timestamp": 12, "distance": 9}]
    }
    report = only_report(ChirpStack(), topic("up"), up(object=said))
    assert [(one.value, one.time_ms) for one in report.measurements][:1] == [(0.812, 1_789_000_000_000)]
    assert len(report.measurements) == 3  # and the link
    assert {one.why for one in report.unmapped} == {"history without a time"}


@pytest.mark.parametrize("nothing", [{"object": None}, {"object": {}}])
def test_bytes_without_codec_stay_undecoded(nothing: dict[str, Any]) -> None:
    report = only_report(ChirpStack(), topic("up"), up(**nothing))
    assert report.kind is Kind.UNDECODED
    assert [(one.name, one.value) for one in report.unmapped] == [("data", "AXVk")]
    assert set(measured(report)) == {"rssi", "snr"}


def test_uplink_without_content_says_nothing() -> None:
    bare = {name: one for name, one in UP.items() if name not in {"object", "data", "fPort"}}
    report = only_report(ChirpStack(), topic("up"), bare)
    assert (report.kind, report.unmapped) == (Kind.DIAGNOSTIC, [])


def test_bytes_go_to_the_codec_of_the_make() -> None:
    codecs = OneCodec(Made({"temperature": 4.5}))
    tagged = {**INFO, "tags": {"vendor": "Dragino", "model": "LHT65", "offset": "2"}}
    report = only_report(ChirpStack(codecs=codecs), topic("up"), up(object=None, deviceInfo=tagged))
    assert measured(report)["temperature"] == 4.5
    assert report.kind is Kind.TELEMETRY
    (asked,) = codecs.asked
    assert (asked.who, asked.payload, asked.port, asked.received) == (("dragino", "lht65"), b"\x01ud", 85, TIME)
    assert asked.variables["offset"] == "2"


def test_codec_that_fails_refuses_the_message() -> None:
    codecs = OneCodec(RefusedError(Reason.CODEC, "data", "it loops"))
    with pytest.raises(RefusedError) as caught:
        ChirpStack(codecs=codecs).decode(Message(topic("up"), as_bytes(up(object=None)), ARRIVED_MS))
    assert caught.value.refusal.reason is Reason.CODEC


def test_codec_that_says_no_leaves_the_bytes() -> None:
    report = only_report(ChirpStack(codecs=OneCodec(Made({}, errors=("unknown FPort",)))), topic("up"), up(object=None))
    assert report.kind is Kind.UNDECODED
    assert report.unmapped[0].why == "the codec says: unknown FPort"


def test_normalised_payload_of_a_codec_wins() -> None:
    made = Made({"battery": 3, "temp": 9}, [{"battery": 3.0, "air": {"temperature": 9.25}}])
    report = only_report(ChirpStack(codecs=OneCodec(made)), topic("up"), up(object=None, deviceInfo={"devEui": EUI}))
    assert (measured(report)["battery_voltage"], measured(report)["temperature"]) == (3.0, 9.25)


@pytest.mark.parametrize(
    ("name", "fields", "kind", "values"),
    [
        ("join", {"devAddr": "01a2b3c4"}, Kind.JOIN, {}),
        ("status", {"margin": 7, "externalPowerSource": False, "batteryLevelUnavailable": False, "batteryLevel": 61.5},
         Kind.STATUS, {"battery_percent": 61.5}),
        ("status", {"margin": 7, "batteryLevel": 44}, Kind.STATUS, {"battery_percent": 44}),
        ("status", {"margin": 7, "batteryLevelUnavailable": True, "batteryLevel": 0}, Kind.STATUS, {}),
        ("status", {"margin": 7, "externalPowerSource": True, "batteryLevel": 0}, Kind.STATUS, {}),
        ("ack", {"queueItemId": "q", "acknowledged": False, "fCntDown": 3}, Kind.ACK, {}),
        ("txack", {"downlinkId": 9, "gatewayId": "24e124fffef00001", "txInfo": {}}, Kind.ACK, {}),
        ("log", {"level": "WARNING", "code": "UPLINK_F_CNT_RESET", "description": "x"}, Kind.DIAGNOSTIC, {}),
        ("location", {"location": {"latitude": 53.25, "longitude": 9.5, "altitude": 3}}, Kind.LOCATION,
         {"latitude": 53.25, "longitude": 9.5}),
        ("location", {"location": {"latitude": 0, "longitude": 0}}, Kind.LOCATION, {}),
        ("integration", {"integrationName": "loracloud", "eventType": "x", "object": {"tag": 1}}, Kind.DIAGNOSTIC, {}),
    ],
)  # fmt: skip
def test_every_event(name: str, fields: dict[str, Any], kind: Kind, values: dict[str, float]) -> None:
    report = only_report(ChirpStack(), topic(name), event(**fields))
    assert (report.device, report.kind, report.time_ms) == (EUI, kind, TIME_MS)
    assert measured(report) == values
    without_topic = only_report(ChirpStack(), "somewhere/else", event(**fields))
    assert without_topic.kind is kind


def test_recognised_behind_a_prefix_and_by_shape_alone() -> None:
    decoder = ChirpStack()
    assert decoder.recognise(Message(topic("up", prefix="eu868/city/"), b"", ARRIVED_MS))
    assert decoder.recognise(Message("lora", as_bytes(UP), ARRIVED_MS))
    assert decoder.recognise(Message("application/1/device/x/event/up", b"{}", ARRIVED_MS)) is None
    assert decoder.recognise(Message("lora", b'{"deviceInfo":{"name":"x"}}', ARRIVED_MS)) is None
    message = Message(topic("up"), as_bytes(UP), ARRIVED_MS)
    Catalogue().decode(message)
    assert message.decoder == "chirpstack-v4"


def test_identity_is_compared_without_case() -> None:
    assert only_report(ChirpStack(), topic("up", EUI.upper()), UP).device == EUI
    upper = {**INFO, "devEui": EUI.upper()}
    assert only_report(ChirpStack(), topic("up"), up(deviceInfo=upper)).device == EUI


@pytest.mark.parametrize(
    ("at", "payload", "reason"),
    [
        (topic("up", "70b3d5499f00ffff"), UP, Reason.IDENTITY_MISMATCH),
        (topic("up"), {"fCnt": 1}, Reason.SCHEMA),
        (topic("up"), up(deviceInfo={"devEui": "70b3"}), Reason.SCHEMA),
        (topic("reboot"), UP, Reason.SCHEMA),
        (topic("up"), up(object=None, data="@@@"), Reason.SCHEMA),
        (topic("up"), up(object=None, data="A" * 100_000), Reason.SCHEMA),
        (topic("up"), [UP], Reason.SCHEMA),
    ],
)
def test_what_is_refused(at: str, payload: Any, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        ChirpStack().decode(Message(at, as_bytes(payload), ARRIVED_MS))
    assert caught.value.refusal.reason is reason


def test_a_clock_that_was_never_set_is_no_time() -> None:
    assert only_report(ChirpStack(), topic("up"), up(time="1970-01-01T00:00:12Z")).time_ms is None
    assert only_report(ChirpStack(), topic("up"), up(time="2036-02-07T06:28:16Z")).time_ms == 2_085_978_496_000


def test_deep_and_enormous_content_is_bounded() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = {"data": deep}
    wide = {f"field_{at}": at for at in range(20_000)}
    many = {f"{name}_{at}": 1 for name in ("temp", "hum", "co2", "lux", "rh", "pir") for at in range(1_000)}
    for said in (
        deep,
        many,
        {"temperature": int("9" * 4000)},
        wide,
        {"messages": [[{"measurementId": 4097}] * 50] * 100},
    ):
        report = only_report(ChirpStack(), topic("up"), up(object=said))
        assert len(report.unmapped) <= 256
        assert len(report.measurements) <= 4_098


@given(st.binary(max_size=400), st.sampled_from(["up", "join", "status", "location", "log", ""]))
def test_any_bytes(payload: bytes, name: str) -> None:
    holds(ChirpStack(), topic(name), payload)


@settings(max_examples=examples(300))
@given(st.data())
def test_any_values_in_the_outline(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["up", "status", "location", "integration", "log", "txack"]))
    payload = replaced(deepcopy({**UP, "location": {"latitude": 1}, "batteryLevel": 5.5}), data.draw)
    holds(ChirpStack(), topic(name), as_bytes(payload))
