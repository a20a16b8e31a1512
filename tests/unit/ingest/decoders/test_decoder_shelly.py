from typing import Any

import pytest
from household_kit import left, message, report, reports, values

from ingest.decoders.base import RefusedError
from ingest.decoders.shelly_gen1 import ShellyGen1
from ingest.decoders.shelly_gen2 import ShellyGen2
from ingest.messages import Kind
from schemas.quarantine import Reason

HT = "shellyht-0A1B2C"
PM = "shellypro4pm-0242ac110002"


# ------------------------------------------------------------------------------------------------- first generation


@pytest.mark.parametrize("below", ["sensor/temperature", "ext_temperature/0"])
def test_999_degrees_are_a_probe_that_is_not_there(below: str) -> None:
    found = report(ShellyGen1(), f"shellies/{HT}/{below}", "999.0")
    assert (found.measurements, left(found)) == ([], {below: "999.0"})
    many = report(ShellyGen1(), f"shellies/{HT}/ext_temperatures", {"0": {"tC": 999}, "1": {"tC": 8}})
    assert values(many) == {"temperature@ext/1": 8.0}


@pytest.mark.parametrize(
    ("below", "payload", "expected"),
    [
        ("relay/0", "on", {"switch_on@relay/0": 1.0}),
        ("relay/1", "off", {"switch_on@relay/1": 0.0}),
        ("relay/0", "overpower", {"switch_on@relay/0": 0.0, "fault@relay/0": 1.0}),
        ("relay/0/power", "12.5", {"power@relay/0": 12.5}),
        ("relay/0/energy", "600", {"energy@relay/0": 10.0}),  # watt-minutes
        ("relay/power", "7", {"power@relay": 7.0}),
        ("light/0", "on", {"switch_on@light/0": 1.0}),
        ("light/0/status", {"ison": False, "brightness": 30}, {"switch_on@light/0": 0.0}),
        (
            "white/2/status",
            {"ison": True, "brightness": 60, "power": 6.5, "overpower": False},
            {"switch_on@white/2": 1.0, "power@white/2": 6.5, "fault@white/2": 0.0},
        ),
        ("color/0/energy", "60", {"energy@color/0": 1.0}),
        ("emeter/2/voltage", "231.4", {"voltage@emeter/2": 231.4}),
        ("emeter/2/current", "0.4", {"current@emeter/2": 0.4}),
        ("emeter/0/pf", "-0.91", {"power_factor@emeter/0": -0.91}),
        ("emeter/0/reactive_power", "3", {"reactive_power@emeter/0": 3.0}),
        ("emeter/0/total", "12345.6", {"energy@emeter/0": 12345.6}),
        ("input/1", "1", {"switch_on@input/1": 1.0}),
        ("temperature", "33.5", {"temperature": 33.5}),
        ("overtemperature", "0", {"fault@overtemperature": 0.0}),
        ("voltage", "230", {"voltage": 230.0}),
        ("sensor/temperature", "-4.25", {"temperature": -4.25}),
        ("sensor/humidity", "61", {"humidity": 61.0}),
        ("sensor/battery", "88", {"battery_percent": 88.0}),
        ("sensor/lux", "120", {"illuminance": 120.0}),
        ("sensor/tilt", "45", {"tilt_angle": 45.0}),
        ("sensor/vibration", "1", {"vibration": 1.0}),
        ("sensor/flood", "true", {"water_leak": 1.0}),
        ("sensor/smoke", "false", {"smoke_alarm": 0.0}),
        ("sensor/state", "open", {"contact_open": 1.0}),
        ("sensor/state", "close", {"contact_open": 0.0}),
        ("sensor/error", "3", {"fault@error": 1.0}),
        ("ext_temperature/0", "18.5", {"temperature@ext/0": 18.5}),
        ("ext_temperatures", {"1": {"hwID": "28", "tC": 8}}, {"temperature@ext/1": 8.0}),
        ("ext_humidity/0", "55", {"humidity@ext/0": 55.0}),
        ("adc/0", "11.8", {"voltage@adc/0": 11.8}),
        (
            "status",
            {
                "motion": True,
                "vibration": False,
                "lux": 9,
                "bat": 70,
                "tmp": {"value": 68, "units": "F", "is_valid": True},
            },
            {"motion": 1.0, "vibration": 0.0, "illuminance": 9.0, "battery_percent": 70.0, "temperature": 20.0},
        ),
        (
            "info",
            {
                "wifi_sta": {"rssi": -61},
                "relays": [{"ison": True}],
                "meters": [{"power": 3, "total": 600}, {"power": 0, "is_valid": False}],
            },
            {"rssi": -61.0, "switch_on@relay/0": 1.0, "power@relay/0": 3.0, "energy@relay/0": 10.0},
        ),
        (
            "info",
            {"emeters": [{"power": 1, "voltage": 230, "total": 9, "is_valid": True}, {"power": 1, "is_valid": False}]},
            {"power@emeter/0": 1.0, "voltage@emeter/0": 230.0, "energy@emeter/0": 9.0},
        ),
    ],
)
def test_gen1_topics(below: str, payload: Any, expected: dict[str, float]) -> None:
    found = report(ShellyGen1(), f"shellies/{HT}/{below}", payload)
    assert values(found) == pytest.approx(expected)
    assert (found.device, found.unmapped) == (HT, [])


@pytest.mark.parametrize(
    ("below", "payload"),
    [
        ("roller/0/pos", "40"),
        ("roller/0", "open"),
        ("sensor/tilt", "-1"),
        ("sensor/illumination", "dark"),
        ("emeter/0/energy", "9"),
    ],
)
def test_gen1_what_is_no_measurement_is_set_aside(below: str, payload: str) -> None:
    found = report(ShellyGen1(), f"shellies/{HT}/{below}", payload)
    assert (left(found), found.measurements, found.kind) == ({below: payload}, [], Kind.TELEMETRY)


@pytest.mark.parametrize("below", ["temperature_f", "longpush/0"])
def test_gen1_what_is_said_elsewhere_leaves_no_trace(below: str) -> None:
    found = report(ShellyGen1(), f"shellies/{HT}/{below}", "1")
    assert (found.measurements, found.unmapped) == ([], [])


@pytest.mark.parametrize(("word", "active", "severity"), [("none", False, None), ("heavy", True, "heavy")])
def test_gen1_gas(word: str, active: bool, severity: str | None) -> None:
    found = report(ShellyGen1(), "shellies/shellygas-0A1B2C/sensor/alarm_state", word)
    assert (found.kind, values(found)) == (Kind.EVENT, {"gas_alarm": float(active)})
    assert found.happening is not None
    assert (found.happening.event_type, found.happening.active, found.happening.severity) == (
        "gas_alarm",
        active,
        severity,
    )


def test_gen1_gas_under_test_is_no_alarm() -> None:
    found = report(ShellyGen1(), "shellies/shellygas-0A1B2C/sensor/alarm_state", "test")
    assert (found.happening, found.measurements) == (None, [])


@pytest.mark.parametrize(
    ("event", "expected"), [("S", "action.single"), ("SSS", "action.triple"), ("L", "action.long")]
)
def test_gen1_button(event: str, expected: str) -> None:
    found = report(ShellyGen1(), f"shellies/{HT}/input_event/1", {"event": event, "event_cnt": 4})
    assert found.happening is not None
    assert (found.kind, found.happening.event_type, found.happening.channel) == (Kind.EVENT, expected, "input/1")


def test_gen1_button_after_a_start_was_not_pressed() -> None:
    assert report(ShellyGen1(), f"shellies/{HT}/input_event/0", {"event": "", "event_cnt": 0}).kind is Kind.DIAGNOSTIC


@pytest.mark.parametrize("topic", ["shellies/announce", f"shellies/{HT}/announce"])
def test_gen1_announcement(topic: str) -> None:
    said = {"id": HT, "model": "SHHT-1", "mac": "84CCA80A1B2C", "fw_ver": "20230913-1", "new_fw": False}
    found = report(ShellyGen1(), topic, said)
    assert (found.device, found.kind, found.about.model, found.about.firmware) == (
        HT,
        Kind.DISCOVERY,
        "SHHT-1",
        "20230913-1",
    )


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        (f"shellies/{HT}/announce", {"id": "shellyht-FFFFFF"}),
        ("shellies/announce", {"id": HT, "mac": "84CCA8FFFFFF"}),
        (f"shellies/{HT}/info", {"mac": "84CCA8FFFFFF"}),
    ],
)
def test_gen1_a_device_speaks_only_for_itself(topic: str, said: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        ShellyGen1().decode(message(topic, said))
    assert caught.value.refusal.reason is Reason.IDENTITY_MISMATCH


def test_gen1_a_device_named_by_its_owner_may_have_any_mac() -> None:
    assert report(ShellyGen1(), "shellies/gate/info", {"mac": "84CCA8FFFFFF", "uptime": 9}).about.uptime_s == 9.0


@pytest.mark.parametrize("topic", [f"shellies/{HT}/relay/0/command", "shellies/command", f"shellies/{HT}/light/0/set"])
def test_gen1_commands_are_ignored(topic: str) -> None:
    assert report(ShellyGen1(), topic, "on").kind is Kind.IGNORED


# ------------------------------------------------------------------------------------------------ second generation


@pytest.mark.parametrize(
    ("component", "status", "expected"),
    [
        (
            "switch:3",
            {
                "id": 3,
                "output": True,
                "apower": 8.5,
                "voltage": 231,
                "freq": 50,
                "current": 0.1,
                "pf": 0.6,
                "aenergy": {"total": 99.5, "by_minute": [1], "minute_ts": 1},
                "temperature": {"tC": 41, "tF": 105.8},
            },
            {
                "switch_on": 1.0,
                "power": 8.5,
                "voltage": 231.0,
                "frequency": 50.0,
                "current": 0.1,
                "power_factor": 0.6,
                "energy": 99.5,
                "temperature": 41.0,
            },
        ),
        ("switch:3", {"output": False, "errors": ["overpower"]}, {"switch_on": 0.0, "fault": 1.0}),
        ("light:0", {"output": True}, {"switch_on": 1.0}),
        ("cover:0", {"apower": 3}, {"power": 3.0}),
        ("pm1:0", {"apower": 5, "aenergy": {"total": 7}}, {"power": 5.0, "energy": 7.0}),
        (
            "em1:1",
            {"act_power": 5, "aprt_power": 6, "voltage": 230},
            {"power": 5.0, "apparent_power": 6.0, "voltage": 230.0},
        ),
        ("em1data:1", {"total_act_energy": 5, "total_act_ret_energy": None}, {"energy": 5.0}),
        ("temperature:100", {"id": 100, "tC": 8.5, "tF": 47.3}, {"temperature": 8.5}),
        ("temperature:100", {"id": 100, "tC": None, "tF": None, "errors": ["read"]}, {}),
        ("humidity:0", {"rh": 55}, {"humidity": 55.0}),
        (
            "devicepower:0",
            {"battery": {"V": 5.9, "percent": 77}, "external": {"present": False}},
            {"battery_voltage": 5.9, "battery_percent": 77.0},
        ),
        ("voltmeter:100", {"voltage": 4.5}, {"voltage": 4.5}),
        ("smoke:0", {"alarm": True, "mute": False}, {"smoke_alarm": 1.0}),
        ("flood:0", {"alarm": False, "mute": False, "errors": []}, {"water_leak": 0.0}),
        ("illuminance:0", {"lux": 33}, {"illuminance": 33.0}),
        ("input:2", {"id": 2, "state": True}, {"switch_on": 1.0}),
        ("input:2", {"id": 2, "state": None}, {}),
        ("input:2", {"counts": {"total": 30, "by_minute": [1]}, "freq": 2}, {"pulse_count": 30.0, "frequency": 2.0}),
        ("presencezone:200", {"value": True, "num_objects": 2}, {"occupied": 1.0, "object_count": 2.0}),
        ("thermostat:0", {"current_C": 19}, {"temperature": 19.0}),
    ],
)
def test_gen2_components(component: str, status: dict[str, Any], expected: dict[str, float]) -> None:
    whole = {f"{name}@{component}": value for name, value in expected.items()}
    found = report(ShellyGen2(), f"{PM}/status/{component}", status)
    fault = {f"fault@{component}": 0.0} if component.startswith(("switch", "light", "cover", "pm1", "em1:")) else {}
    assert values(found) == pytest.approx({**fault, **whole})
    assert (found.device, found.unmapped) == (PM, [])
    params = {"ts": 1777629600.25, component: status}
    told = report(
        ShellyGen2(), f"{PM}/events/rpc", {"src": PM, "dst": f"{PM}/events", "method": "NotifyStatus", "params": params}
    )
    assert values(told) == pytest.approx(whole)
    assert told.time_ms == 1777629600250


def test_gen2_errors_that_are_gone_are_told_by_a_whole_status_or_by_none_of_them() -> None:
    def frame(method: str, status: dict[str, Any]) -> dict[str, Any]:
        return {"src": PM, "method": method, "params": {"ts": 1777629600, "switch:0": status}}

    topic = f"{PM}/events/rpc"
    assert values(report(ShellyGen2(), topic, frame("NotifyStatus", {"output": False}))) == {"switch_on@switch:0": 0.0}
    for method, status in (("NotifyFullStatus", {}), ("NotifyStatus", {"errors": []})):
        assert values(report(ShellyGen2(), topic, frame(method, status))) == {"fault@switch:0": 0.0}


def test_gen2_three_phases() -> None:
    status = {
        "a_voltage": 230,
        "a_act_power": 1,
        "b_current": 2,
        "c_pf": 0.5,
        "n_current": None,
        "total_act_power": 9,
        "total_current": 3,
    }
    found = values(report(ShellyGen2(), "hall/status/em:0", status))
    assert found == {
        "fault@em:0": 0.0,
        "voltage@em:0/a": 230.0,
        "power@em:0/a": 1.0,
        "current@em:0/b": 2.0,
        "power_factor@em:0/c": 0.5,
        "power@em:0": 9.0,
        "current@em:0": 3.0,
    }
    energy = {"a_total_act_energy": 5, "b_total_act_energy": 6, "total_act": 11}
    expected = {"energy@emdata:0/a": 5.0, "energy@emdata:0/b": 6.0, "energy@emdata:0": 11.0}
    assert values(report(ShellyGen2(), "hall/status/emdata:0", energy)) == expected


def test_gen2_what_nobody_knows_is_set_aside() -> None:
    found = report(
        ShellyGen2(), "hall/status/light:0", {"output": True, "brightness": 30, "calibration": {"progress": 3}}
    )
    assert left(found) == {"light:0.brightness": 30, "light:0.calibration.progress": 3}


def test_gen2_system_and_radio() -> None:
    params = {
        "ts": 1777629600,
        "sys": {"uptime": 60, "mac": "0242AC110002", "fw_id": "20260101/1.7.0"},
        "wifi": {"rssi": -55, "ssid": "x"},
    }
    found = report(ShellyGen2(), f"{PM}/events/rpc", {"src": PM, "method": "NotifyFullStatus", "params": params})
    assert (values(found), found.kind, found.unmapped) == ({"rssi": -55.0, "uptime": 60.0}, Kind.STATUS, [])
    assert (found.about.uptime_s, found.about.firmware) == (60.0, "20260101/1.7.0")


def test_gen2_a_bluetooth_device_has_its_own_time() -> None:
    found = report(
        ShellyGen2(), "hall/status/bthomedevice:200", {"rssi": -70, "battery": 90, "last_updated_ts": 1777629600}
    )
    assert {one.time_ms for one in found.measurements} == {1777629600000}
    assert found.time_ms is None


def test_gen2_events() -> None:
    events = [
        {"component": "input:0", "id": 0, "event": "double_push", "ts": 1777629600.5},
        {"component": "sys", "event": "config_changed", "ts": 1777629601},
    ]
    pressed, changed = reports(
        ShellyGen2(), f"{PM}/events/rpc", {"src": PM, "method": "NotifyEvent", "params": {"events": events}}
    )
    assert pressed.happening is not None
    assert (pressed.kind, pressed.happening.event_type, pressed.happening.channel) == (
        Kind.EVENT,
        "action.double_push",
        "input:0",
    )
    assert pressed.time_ms == 1777629600500
    assert changed.kind is Kind.DIAGNOSTIC


def test_gen2_ids_may_be_in_any_case() -> None:
    wall = "ShellyWallDisplay-0242AC110002"
    assert report(ShellyGen2(), f"city/{wall}/online", "true").device == wall
    frame = {"src": wall.lower(), "method": "NotifyStatus", "params": {"ts": 1, "humidity:0": {"rh": 40}}}
    assert report(ShellyGen2(), f"{wall}/events/rpc", frame).device == wall


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        (f"{PM}/status/switch:0", PM),
        (f"city/north/{PM}/status/switch:0", PM),
        ("city/gate/status/switch:0", "city/gate"),
    ],
)
def test_gen2_the_prefix_names_the_device(topic: str, device: str) -> None:
    assert report(ShellyGen2(), topic, {"output": True}).device == device


def test_gen2_a_device_speaks_only_for_itself() -> None:
    frame = {"src": "shellypro4pm-0242ac119999", "method": "NotifyStatus", "params": {"ts": 1}}
    with pytest.raises(RefusedError) as caught:
        ShellyGen2().decode(message(f"{PM}/events/rpc", frame))
    assert caught.value.refusal.reason is Reason.IDENTITY_MISMATCH
    named = report(ShellyGen2(), "city/gate/events/rpc", frame)
    assert (named.device, named.about.tags) == ("city/gate", {"shelly_id": "shellypro4pm-0242ac119999"})


@pytest.mark.parametrize(("word", "online"), [("true", True), ("false", False)])
@pytest.mark.parametrize(
    ("decoder", "topic", "device"), [(ShellyGen2(), f"{PM}/online", PM), (ShellyGen1(), f"shellies/{HT}/online", HT)]
)
def test_last_will(decoder: ShellyGen1 | ShellyGen2, topic: str, device: str, word: str, online: bool) -> None:
    found = report(decoder, topic, word)
    assert (found.device, found.online, values(found)) == (device, online, {"online": float(online)})
    with pytest.raises(RefusedError, match="true or false"):
        decoder.decode(message(topic, "perhaps"))


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("user_1/rpc", {"id": 1, "src": PM, "dst": "user_1", "result": {}}),
        (f"{PM}/rpc", {"id": 1, "src": "user_1", "method": "Switch.Set"}),
        (f"{PM}/command/switch:0", "on"),
        (f"{PM}/command", "announce"),
    ],
)
def test_gen2_commands_and_their_answers_are_ignored(topic: str, payload: Any) -> None:
    assert report(ShellyGen2(), topic, payload).kind is Kind.IGNORED


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("gate/online", "true"),
        ("gate/status/sys", {}),
        ("gate/events/rpc", {"method": "Other"}),
        ("a/rpc", "x"),
        ("gate/status/bin:0", {}),
    ],
)
def test_gen2_other_topics_are_not_recognised(topic: str, payload: Any) -> None:
    assert ShellyGen2().recognise(message(topic, payload)) is None
