"""The Things Stack v3: messages written from the documentation of its data formats."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.base import Message, RefusedError
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.things_stack import ThingsStack
from ingest.messages import Kind, Numbering
from schemas.quarantine import Reason
from tests.examples import examples
from tests.unit.ingest.decoders.lorawan_kit import ARRIVED_MS, EUI, as_bytes, holds, measured, only_report, replaced

IDS = {
    "device_id": "bin-0042",
    "application_ids": {"application_id": "waste"},
    "dev_eui": EUI.upper(),
    "join_eui": "70B3D57ED0000000",
    "dev_addr": "260B9C11",
}
UPLINK: dict[str, Any] = {
    "session_key_id": "AYfg",
    "f_port": 2,
    "f_cnt": 512,
    "frm_payload": "DOQB",
    "decoded_payload": {"Bat": 3.3, "Distance": "640 mm", "Interrupt_flag": 0, "TempC_DS18B20": "0.00"},
    "rx_metadata": [
        {
            "gateway_ids": {"gateway_id": "roof-1", "eui": "58A0CBFFFE000001"},
            "rssi": -88,
            "channel_rssi": -88,
            "snr": 9.2,
        },
        {"gateway_ids": {"gateway_id": "packetbroker"}, "packet_broker": {}, "snr": 11},
    ],
    "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 9}}, "frequency": "868300000"},
    "received_at": "2026-08-02T10:00:00.500999Z",
    "consumed_airtime": "0.185344s",
    "version_ids": {
        "brand_id": "dragino",
        "model_id": "ldds75",
        "hardware_version": "1.1",
        "firmware_version": "1.1.4",
        "band_id": "EU_863_870",
    },
    "locations": {"user": {"latitude": 53.5, "longitude": 10.25, "source": "SOURCE_REGISTRY"}},
}
UP: dict[str, Any] = {
    "end_device_ids": IDS,
    "correlation_ids": ["gs:uplink:01"],
    "received_at": "2026-08-02T10:00:00.900Z",
    "uplink_message": UPLINK,
}
UPLINK_MS = 1_785_664_800_500
RECEIVED_MS = 1_785_664_800_900


def topic(kind: str = "up", device: str = "bin-0042", prefix: str = "") -> str:
    return f"{prefix}v3/waste@city/devices/{device}/{kind}"


def up(**fields: Any) -> dict[str, Any]:
    return {**UP, "uplink_message": {**UPLINK, **fields}}


def test_uplink_with_decoded_payload() -> None:
    report = only_report(ThingsStack(), topic(), UP)
    assert (report.device, report.kind, report.time_ms) == (EUI, Kind.TELEMETRY, UPLINK_MS)
    assert measured(report) == {"battery_voltage": 3.3, "distance": 0.64, "rssi": -88, "snr": 11}
    assert [(one.name, one.value) for one in report.unmapped] == [("TempC_DS18B20", "0.00")]
    assert report.numbering == Numbering(512, 2**32, "260b9c11")
    about = report.about
    assert (about.vendor, about.model, about.firmware, about.hardware) == ("dragino", "ldds75", "1.1.4", "1.1")
    assert (about.name, about.gateway, about.location) == ("bin-0042", "roof-1", (10.25, 53.5))


def test_first_frame_has_no_counter_and_is_number_zero() -> None:
    first = {name: one for name, one in UPLINK.items() if name != "f_cnt"}
    assert only_report(ThingsStack(), topic(), {**UP, "uplink_message": first}).numbering == Numbering(
        0, 2**32, "260b9c11"
    )


def test_without_dev_eui_the_device_id_stands() -> None:
    ids = {"device_id": "bin-0042", "application_ids": {"application_id": "waste"}}
    assert only_report(ThingsStack(), topic(), {**UP, "end_device_ids": ids}).device == "bin-0042"


def test_normalised_payload_wins_and_nothing_is_said_twice() -> None:
    said = [
        {"time": "2026-08-02T09:50:00Z", "air": {"temperature": 20.5, "relativeHumidity": 51, "pressure": 1001.5}},
        {"soil": {"depth": 10, "moisture": 33, "ec": 0.5}, "wind": {"speed": 3, "direction": 270}, "battery": 3.25},
        {"water": {"leak": True, "temperature": {"current": 8.5}}, "metering": {"water": {"total": 2500}}},
        {"action": {"contactState": "closed", "motion": {"detected": True, "count": 4}}},
        {"position": {"latitude": 53.75, "longitude": 10.5}, "air": {"location": "outdoor"}},
    ]
    report = only_report(ThingsStack(), topic(), up(normalized_payload=said))
    assert measured(report) == {
        "temperature": 20.5,
        "humidity": 51,
        "pressure": 100_150,
        "soil_moisture": 33,
        "conductivity": 500,
        "wind_speed": 3,
        "wind_direction": 270,
        "battery_voltage": 3.25,
        "water_leak": 1,
        "temperature/water": 8.5,
        "meter_reading": 2.5,
        "contact_open": 0,
        "motion": 1,
        "latitude": 53.75,
        "longitude": 10.5,
        "distance": 0.64,
        "rssi": -88,
        "snr": 11,
    }
    assert {one.time_ms for one in report.measurements if one.observed_property == "humidity"} == {1_785_664_200_000}
    assert ("action.motion.count", 4) in [(one.name, one.value) for one in report.unmapped]


def test_normalised_percent_is_no_voltage() -> None:
    report = only_report(
        ThingsStack(),
        topic(),
        up(version_ids={}, decoded_payload={"battery": 80}, normalized_payload=[{"battery": 80}]),
    )
    assert measured(report) == {"battery_percent": 80, "rssi": -88, "snr": 11}


def test_uplink_normalised_alone() -> None:
    said = {
        "end_device_ids": IDS,
        "received_at": "2026-08-02T10:00:00.900Z",
        "uplink_normalized": {"f_port": 2, "f_cnt": 3, "normalized_payload": {"air": {"temperature": -4.5}}},
    }
    report = only_report(ThingsStack(), topic("up/normalized"), said)
    assert (report.kind, report.time_ms, measured(report)) == (Kind.TELEMETRY, RECEIVED_MS, {"temperature": -4.5})


def test_bytes_without_codec_stay_undecoded() -> None:
    report = only_report(ThingsStack(), topic(), up(decoded_payload=None))
    assert report.kind is Kind.UNDECODED
    assert [(one.name, one.value, one.why) for one in report.unmapped] == [("data", "DOQB", "no codec for port 2")]


def test_place_that_the_payload_gave_is_measured() -> None:
    report = only_report(ThingsStack(), topic(), up(locations={"frm-payload": {"latitude": 53.125, "longitude": 9.75}}))
    assert (measured(report)["latitude"], measured(report)["longitude"]) == (53.125, 9.75)


@pytest.mark.parametrize(
    ("last", "fields", "kind", "values"),
    [
        ("join", {"join_accept": {"session_key_id": "AX"}}, Kind.JOIN, {}),
        ("down/ack", {"downlink_ack": {"f_port": 1}}, Kind.ACK, {}),
        ("down/nack", {"downlink_nack": {"f_port": 1}}, Kind.ACK, {}),
        ("down/sent", {"downlink_sent": {"f_port": 1}}, Kind.DIAGNOSTIC, {}),
        ("down/queued", {"downlink_queued": {"f_port": 1}}, Kind.DIAGNOSTIC, {}),
        ("down/failed", {"downlink_failed": {"downlink": {}, "error": {}}}, Kind.DIAGNOSTIC, {}),
        ("service/data", {"service_data": {"service": "alcsync", "data": {}}}, Kind.DIAGNOSTIC, {}),
        ("location/solved", {"location_solved": {"location": {"latitude": 53.5, "longitude": 10, "accuracy": 12}}},
         Kind.LOCATION, {"latitude": 53.5, "longitude": 10}),
    ],
)  # fmt: skip
def test_every_other_message(last: str, fields: dict[str, Any], kind: Kind, values: dict[str, float]) -> None:
    said = {"end_device_ids": IDS, "received_at": "2026-08-02T10:00:00.900Z", **fields}
    report = only_report(ThingsStack(), topic(last), said)
    assert (report.device, report.kind, report.time_ms, measured(report)) == (EUI, kind, RECEIVED_MS, values)


def test_what_applications_ask_the_stack_to_send_has_no_effect() -> None:
    said = {"downlinks": [{"f_port": 1, "frm_payload": "AA==", "priority": "NORMAL"}]}
    report = only_report(ThingsStack(), topic("down/push"), said)
    assert (report.device, report.kind) == ("bin-0042", Kind.IGNORED)


def test_recognised_behind_a_prefix_and_by_shape_alone() -> None:
    decoder = ThingsStack()
    assert decoder.recognise(Message(topic(prefix="city/ttn/"), b"", ARRIVED_MS))
    assert decoder.recognise(Message("hook", as_bytes(UP), ARRIVED_MS))
    assert decoder.recognise(Message("v3/devices/x", b"{}", ARRIVED_MS)) is None
    assert decoder.recognise(Message("hook", b'{"end_device_ids":{}}', ARRIVED_MS)) is None
    message = Message(topic(), as_bytes(UP), ARRIVED_MS)
    Catalogue().decode(message)
    assert message.decoder == "ttn-v3"


@pytest.mark.parametrize(
    ("at", "payload", "reason"),
    [
        (topic(device="bin-0043"), UP, Reason.IDENTITY_MISMATCH),
        (topic(), {"uplink_message": UPLINK}, Reason.SCHEMA),
        (topic(), {"end_device_ids": {}, "uplink_message": UPLINK}, Reason.SCHEMA),
        (topic(), {"end_device_ids": IDS}, Reason.SCHEMA),
        (topic(), up(decoded_payload=None, frm_payload="DOQ"), Reason.SCHEMA),
        (topic(), 7, Reason.SCHEMA),
    ],
)
def test_what_is_refused(at: str, payload: Any, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        ThingsStack().decode(Message(at, as_bytes(payload), ARRIVED_MS))
    assert caught.value.refusal.reason is reason


@given(st.binary(max_size=400), st.sampled_from(["up", "join", "location/solved", "down/push"]))
def test_any_bytes(payload: bytes, last: str) -> None:
    holds(ThingsStack(), topic(last), payload)


@settings(max_examples=examples(300))
@given(st.data())
def test_any_values_in_the_outline(data: st.DataObject) -> None:
    whole = {**UP, "uplink_message": {**UPLINK, "normalized_payload": [{"air": {"temperature": 1}, "time": "x"}]}}
    holds(ThingsStack(), topic(), as_bytes(replaced(deepcopy(whole), data.draw)))
