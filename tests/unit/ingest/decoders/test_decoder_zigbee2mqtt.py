import pytest
from household_kit import left, message, report, reports, values

from ingest.decoders import zigbee_bridge
from ingest.decoders.base import RefusedError
from ingest.decoders.zigbee2mqtt import Zigbee2Mqtt
from ingest.messages import Kind
from schemas.quarantine import Reason

# what bridge/devices says, shortened to what matters
DEVICES = [
    {"ieee_address": "0x00124b0001020304", "type": "Coordinator", "friendly_name": "Coordinator"},
    {
        "ieee_address": "0xa4c138aa00112233",
        "type": "EndDevice",
        "friendly_name": "cellar/air",
        "software_build_id": "0122",
        "definition": {
            "vendor": "Tuya",
            "model": "TS0601_air",
            "exposes": [
                {"type": "numeric", "property": "voc", "unit": "ppb"},
                {"type": "numeric", "property": "voltage", "unit": "mV"},
                {"type": "numeric", "property": "temperature", "unit": "°F"},
                {"type": "numeric", "property": "linkquality", "unit": "lqi"},
                {"type": "light", "features": [{"property": "power", "unit": "kW"}]},
            ],
        },
    },
    {"ieee_address": "0xa4c138aa00112244", "type": "Router", "friendly_name": "unknown", "definition": None},
]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            {"temperature": 21.5, "humidity": 40, "pressure": 1013.2},
            {"temperature": 21.5, "humidity": 40.0, "pressure": 101320.0},
        ),
        ({"local_temperature": 19.5}, {"temperature": 19.5}),
        (
            {"contact": True, "tamper": False, "battery_low": True},
            {"contact_open": 0.0, "tamper": 0.0, "low_battery": 1.0},
        ),
        ({"contact": False}, {"contact_open": 1.0}),
        (
            {"occupancy": True, "illuminance": 40000, "illuminance_lux": 12},
            {"occupied": 1.0, "motion": 1.0, "illuminance": 12.0},
        ),
        ({"presence": False, "illuminance": 7}, {"occupied": 0.0, "illuminance": 7.0}),
        ({"water_leak": True, "smoke": False, "gas": True}, {"water_leak": 1.0, "smoke_alarm": 0.0, "gas_alarm": 1.0}),
        ({"carbon_monoxide": True, "co": 120}, {"gas_alarm@carbon_monoxide": 1.0, "co": 120.0}),
        (
            {"power": 5, "current": 0.02, "energy": 1.5, "voltage": 231},
            {"power": 5.0, "current": 0.02, "energy": 1500.0, "voltage": 231.0},
        ),
        ({"battery": 80, "voltage": 2900}, {"battery_percent": 80.0, "battery_voltage": 2.9}),
        ({"battery": 80, "voltage": 2.9}, {"battery_percent": 80.0, "battery_voltage": 2.9}),
        (
            {"state_l1": "ON", "state_l2": "OFF", "power_l2": 3},
            {"switch_on@l1": 1.0, "switch_on@l2": 0.0, "power@l2": 3.0},
        ),
        ({"voltage_phase_b": 229, "current_phase_c": 2}, {"voltage@phase_b": 229.0, "current@phase_c": 2.0}),
        (
            {"co2": 600, "pm25": 7, "pm10": 9, "soil_moisture": 33},
            {"co2": 600.0, "pm2_5": 7.0, "pm10": 9.0, "soil_moisture": 33.0},
        ),
        ({"angle_x": -3, "angle_y": 80, "angle_z": 2}, {"tilt_x": -3.0, "tilt_y": 80.0, "tilt_z": 2.0}),
        ({"device_temperature": 31, "temperature": 20}, {"temperature@device": 31.0, "temperature": 20.0}),
        ({"liquid_depth": 0.4, "liquid_level_percent": 12}, {"water_level": 0.4, "fill_level": 12.0}),
        ({"power_factor": 0.9, "power_apparent": 12}, {"power_factor": 0.9, "apparent_power": 12.0}),
        ({"tilt": True}, {"tilted": 1.0}),
    ],
)
def test_exposes(state: dict[str, object], expected: dict[str, float]) -> None:
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/probe", state)
    assert values(found) == pytest.approx(expected)
    assert found.kind is Kind.TELEMETRY
    assert found.unmapped == []


def test_what_is_no_measurement_is_set_aside_and_bookkeeping_is_not() -> None:
    state = {
        "state": "CLOSE",
        "position": 40,
        "tilt": 12,
        "color": {"x": 0.3},
        "voc": 120,
        "temperature": "hot",
        "humidity": 300,
        "battery": None,
        "update": {"state": "idle"},
        "update_available": False,
        "linkquality": 9,
        "action_rate": 3,
    }
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/blind", state)
    assert values(found) == {"link_quality": 9.0}
    expected = {
        "state": "CLOSE",
        "position": 40,
        "tilt": 12,
        "color.x": 0.3,
        "voc": 120,
        "temperature": "hot",
        "humidity": 300,
    }
    assert left(found) == expected


@pytest.mark.parametrize("word", ["OPEN", "LOCK", "idle", "1"])
def test_a_state_of_another_word_switches_nothing(word: str) -> None:
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/thing", {"state": word})
    assert (values(found), left(found)) == ({}, {"state": word})


@pytest.mark.parametrize("topic", ["zigbee2mqtt/yard/gate 3", "city/zigbee2mqtt-north/yard/gate 3"])
def test_a_friendly_name_may_hold_slashes_and_the_base_levels_before_it(topic: str) -> None:
    assert report(Zigbee2Mqtt(), topic, {"contact": True}).device == "yard/gate 3"


@pytest.mark.parametrize("seen", ["2026-05-01T10:00:00.250Z", "2026-05-01T12:00:00.250+02:00", 1777629600250])
def test_last_seen_is_the_time(seen: object) -> None:
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/p", {"temperature": 1, "last_seen": seen})
    assert found.time_ms == found.measurements[0].time_ms == 1777629600250


def test_a_clock_that_was_never_set_is_no_time() -> None:
    assert report(Zigbee2Mqtt(), "zigbee2mqtt/p", {"temperature": 1, "last_seen": 1234}).time_ms is None


@pytest.mark.parametrize(("payload", "online"), [("online", True), ("offline", False), ({"state": "online"}, True)])
@pytest.mark.parametrize(
    ("topic", "device"), [("zigbee2mqtt/a/b/availability", "a/b"), ("zigbee2mqtt/bridge/state", "bridge")]
)
def test_availability(topic: str, device: str, payload: object, online: bool) -> None:
    found = report(Zigbee2Mqtt(), topic, payload)
    assert (found.device, found.kind, found.online, values(found)) == (
        device,
        Kind.STATUS,
        online,
        {"online": float(online)},
    )


@pytest.mark.parametrize("topic", ["zigbee2mqtt/a/availability", "zigbee2mqtt/bridge/state"])
def test_availability_of_another_word_is_refused(topic: str) -> None:
    with pytest.raises(RefusedError, match="online or offline"):
        Zigbee2Mqtt().decode(message(topic, "perhaps"))


def test_attribute_output() -> None:
    assert values(report(Zigbee2Mqtt(), "zigbee2mqtt/yard/p/temperature", "21.5")) == {"temperature": 21.5}
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/yard/p/state", "ON")
    assert (found.device, values(found)) == ("yard/p", {"switch_on": 1.0})
    assert report(Zigbee2Mqtt(), "zigbee2mqtt/p/contact", "false").device == "p"


@pytest.mark.parametrize("state", [{"action": "double", "battery": 90, "linkquality": 30}, {"click": "double"}])
def test_a_button_is_an_event(state: dict[str, object]) -> None:
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/button", state)
    assert found.kind is Kind.EVENT
    assert found.happening is not None
    assert found.happening.event_type == "action.double"


def test_an_empty_action_is_none() -> None:
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/button", {"action": "", "battery": 90})
    assert (found.kind, found.happening) == (Kind.TELEMETRY, None)


@pytest.mark.parametrize(
    "topic",
    ["zigbee2mqtt/a/b/set", "zigbee2mqtt/a/get", "zigbee2mqtt/a/set/state", "zigbee2mqtt/bridge/request/restart"],
)
def test_commands_are_ignored(topic: str) -> None:
    assert report(Zigbee2Mqtt(), topic, {"state": "ON"}).kind is Kind.IGNORED


def test_a_retained_state_that_was_taken_back_is_ignored() -> None:
    assert report(Zigbee2Mqtt(), "zigbee2mqtt/a", b"").kind is Kind.IGNORED


def test_devices_are_announced_and_their_units_learned() -> None:
    decoder = Zigbee2Mqtt()
    decoded = decoder.decode(message("zigbee2mqtt/bridge/devices", DEVICES))
    assert decoded.learned == "zigbee2mqtt/bridge/devices"
    bridge, air, unknown = decoded.reports
    assert (bridge.device, bridge.kind) == ("bridge", Kind.DISCOVERY)
    assert (air.device, air.about.vendor, air.about.model, air.about.firmware) == (
        "cellar/air",
        "Tuya",
        "TS0601_air",
        "0122",
    )
    assert air.about.tags == {"ieee_address": "0xa4c138aa00112233"}
    assert unknown.device == "unknown"

    state = {"voc": 500, "voltage": 300, "temperature": 50, "linkquality": 80, "power": 1}
    expected = {"tvoc": 0.5, "battery_voltage": 0.3, "temperature": 10.0, "link_quality": 80.0, "power": 1000.0}
    assert values(report(decoder, "zigbee2mqtt/cellar/air", state)) == pytest.approx(expected)
    other = values(report(decoder, "zigbee2mqtt-2/cellar/air", state))
    assert other["temperature"] == 50.0, "another bridge, another device"

    again = Zigbee2Mqtt()
    again.learn(message("zigbee2mqtt/bridge/devices", DEVICES))
    assert values(report(again, "zigbee2mqtt/cellar/air", state)) == pytest.approx(expected)


def test_units_of_a_bounded_number_of_bridges_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zigbee_bridge, "BASES_MAX", 1)
    decoder = Zigbee2Mqtt()
    for base, learned in (("zigbee2mqtt", True), ("zigbee2mqtt-2", False), ("zigbee2mqtt", True)):
        decoded = decoder.decode(message(f"{base}/bridge/devices", DEVICES))
        assert (decoded.learned is not None) is learned
        assert len(decoded.reports) == 3, "they are announced all the same"


def test_the_bridge_about_itself() -> None:
    info = {"version": "2.1.3", "coordinator": {"type": "ConBee3", "ieee_address": "0x00"}}
    assert report(Zigbee2Mqtt(), "zigbee2mqtt/bridge/info", info).about.firmware == "2.1.3"
    health = {"process": {"uptime_sec": 86400}}
    assert report(Zigbee2Mqtt(), "zigbee2mqtt/bridge/health", health).about.uptime_s == 86400.0
    logged = report(Zigbee2Mqtt(), "zigbee2mqtt/bridge/logging", {"level": "info", "message": "x"})
    assert (logged.device, logged.kind) == ("bridge", Kind.DIAGNOSTIC)


@pytest.mark.parametrize(("kind", "expected"), [("device_joined", Kind.JOIN), ("device_leave", Kind.EVENT)])
def test_devices_join_and_leave(kind: str, expected: Kind) -> None:
    event = {"type": kind, "data": {"friendly_name": "yard/p", "ieee_address": "0x01"}}
    found = report(Zigbee2Mqtt(), "zigbee2mqtt/bridge/event", event)
    assert (found.device, found.kind) == ("yard/p", expected)


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("zigbee2mqtt/yard/gate", {"friendlyName": "cellar", "ieeeAddr": "0xa4c138aa00112233"}),
        ("zigbee2mqtt/0xa4c138aa00112233", {"friendlyName": "0xa4c138aa00112233", "ieeeAddr": "0xa4c138aa00112299"}),
    ],
)
def test_a_device_speaks_only_for_itself(topic: str, device: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as caught:
        Zigbee2Mqtt().decode(message(topic, {"contact": True, "device": device}))
    assert caught.value.refusal.reason is Reason.IDENTITY_MISMATCH


def test_device_information_in_a_state() -> None:
    device = {
        "friendlyName": "gate",
        "ieeeAddr": "0xa4c138aa00112233",
        "model": "MCCGQ11LM",
        "manufacturerName": "LUMI",
    }
    about = report(Zigbee2Mqtt(), "zigbee2mqtt/gate", {"contact": True, "device": device}).about
    assert (about.vendor, about.model, about.name) == ("LUMI", "MCCGQ11LM", "gate")


@pytest.mark.parametrize("topic", ["tele/zigbee2mqtt", "zigbee/lamp", "zigbee2mqtt"])
def test_other_topics_are_not_recognised(topic: str) -> None:
    assert Zigbee2Mqtt().recognise(message(topic, {"state": "ON"})) is None


def test_a_state_that_is_no_object_is_refused() -> None:
    with pytest.raises(RefusedError, match="no attribute in the topic"):
        reports(Zigbee2Mqtt(), "zigbee2mqtt/lamp", "[1]")
