from typing import Any

import pytest
from household_kit import left, message, report, values

from ingest.decoders.base import RefusedError
from ingest.decoders.openmqttgateway import OpenMqttGateway
from ingest.messages import Kind
from schemas.quarantine import Reason

MAC = "02:42:AC:11:00:02"
BT = "home/pole-gw/BTtoMQTT/0242AC110002"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            {"type": "THB", "tempc": 7.5, "tempf": 45.5, "hum": 70, "batt": 60, "volt": 2.8},
            {"temperature": 7.5, "humidity": 70.0, "battery_percent": 60.0, "battery_voltage": 2.8},
        ),
        ({"type": "THB", "tempf": 50}, {"temperature": 10.0}),
        ({"type": "BBQ", "tempc1": 40, "tempf1": 104, "tempc2": 60}, {"temperature@1": 40.0, "temperature@2": 60.0}),
        ({"type": "CTMO", "cont": True, "open": True, "lux": 3}, {"contact_open": 1.0, "illuminance": 3.0}),
        (
            {"type": "CTMO", "contact": "closed", "motion": True, "darkness": 9},
            {"contact_open": 0.0, "motion": 1.0, "illuminance": 9.0},
        ),
        ({"type": "WCVR", "open": 0}, {"contact_open": 0.0}),
        ({"type": "CTMO", "open": 1}, {"contact_open": 1.0}),
        (
            {"type": "PLANT", "moi": 30, "fer": 200, "lux": 5},
            {"soil_moisture": 30.0, "conductivity": 200.0, "illuminance": 5.0},
        ),
        ({"type": "TIRE", "pres": 2.1, "tempc": 20}, {"pressure": 210000.0, "temperature": 20.0}),
        (
            {"type": "ACEL", "pres": 1012.5, "accx": 0.1, "accy": 0.2, "accz": 9.7},
            {"pressure": 101250.0, "acceleration@x": 0.1, "acceleration@y": 0.2, "acceleration@z": 9.7},
        ),
        (
            {"type": "ENRG", "power": 15, "energy": 1.5, "volt": 230},
            {"power": 15.0, "energy": 1500.0, "voltage": 230.0},
        ),
        ({"type": "AIR", "co2": 700, "pm25": 4}, {"co2": 700.0, "pm2_5": 4.0}),
        ({"type": "BATT", "volt_in": 13, "volt_out": 5}, {"voltage@in": 13.0, "voltage@out": 5.0}),
        ({"type": "THB", "lowbatt": True}, {"low_battery": 1.0}),
        ({"lvl_cm": 12}, {"water_level": 0.12}),
    ],
)
def test_bluetooth(said: dict[str, Any], expected: dict[str, float]) -> None:
    whole = {
        "id": MAC,
        "rssi": -60,
        "brand": "B",
        "model": "M",
        "model_id": "M1",
        "servicedata": "0a",
        "acts": True,
        **said,
    }
    found = report(OpenMqttGateway(), BT, whole)
    assert values(found) == pytest.approx({"rssi": -60.0, **expected})
    assert (found.device, found.unmapped) == (MAC, [])
    assert (found.about.vendor, found.about.model, found.about.gateway) == ("B", "M1", "pole-gw")


def test_a_blind_is_open_by_a_share() -> None:
    found = report(OpenMqttGateway(), BT, {"id": MAC, "type": "WCVR", "open": 45, "lightlevel": 2, "direction": "up"})
    assert values(found) == {"contact_open": 1.0}
    assert left(found) == {"open": 45, "lightlevel": 2, "direction": "up"}


def test_a_button_is_an_event() -> None:
    found = report(OpenMqttGateway(), BT, {"id": MAC, "type": "BTN", "rssi": -50, "button": 2})
    assert found.happening is not None
    assert (found.kind, found.happening.event_type) == (Kind.EVENT, "action.2")


def test_a_distance_guessed_from_the_signal_is_no_measurement() -> None:
    for topic in (BT, "home/presence/pole-gw"):
        found = report(OpenMqttGateway(), topic, {"id": MAC, "distance": 3.2})
        assert (found.device, values(found), left(found)) == (MAC, {}, {"distance": 3.2})


def test_a_device_is_named_by_its_topic_where_the_message_does_not() -> None:
    assert report(OpenMqttGateway(), BT, {"tempc": 3}).device == MAC


def test_topic_and_message_must_name_the_same_device() -> None:
    with pytest.raises(RefusedError) as caught:
        OpenMqttGateway().decode(message(BT, {"id": "02:42:AC:11:99:99", "tempc": 3}))
    assert caught.value.refusal.reason is Reason.IDENTITY_MISMATCH
    with pytest.raises(RefusedError, match="names no device"):
        OpenMqttGateway().decode(message("home/pole-gw/BTtoMQTT", {"tempc": 3}))


@pytest.mark.parametrize(
    ("said", "expected", "device"),
    [
        (
            {
                "model": "Acurite-Tower",
                "id": 7,
                "channel": "A",
                "battery_ok": 1,
                "temperature_F": 50,
                "humidity": 40,
                "mod": "ASK",
            },
            {"low_battery": 0.0, "temperature": 10.0, "humidity": 40.0},
            "Acurite-Tower/A/7",
        ),
        (
            {
                "model": "Fineoffset-WH24",
                "id": 9,
                "battery_ok": 0,
                "wind_avg_km_h": 36,
                "wind_dir_deg": 90,
                "light_lux": 5,
            },
            {"low_battery": 1.0, "wind_speed": 10.0, "wind_direction": 90.0, "illuminance": 5.0},
            "Fineoffset-WH24/9",
        ),
        ({"model": "Oil-SonicSmart", "id": 3, "depth_cm": 80}, {"distance": 0.8}, "Oil-SonicSmart/3"),
    ],
)
def test_433_mhz(said: dict[str, Any], expected: dict[str, float], device: str) -> None:
    found = report(OpenMqttGateway(), f"home/pole-gw/RTL_433toMQTT/{device}", said)
    assert values(found) == pytest.approx(expected)
    assert (found.device, found.unmapped) == (device, [])


def test_the_receiver_about_itself() -> None:
    found = report(OpenMqttGateway(), "home/pole-gw/RTL_433toMQTT", {"model": "status", "rssi": -38, "pulses": 0})
    assert (found.device, found.kind, values(found)) == ("pole-gw", Kind.DIAGNOSTIC, {})


def test_a_code_of_a_remote_control_measures_nothing() -> None:
    found = report(
        OpenMqttGateway(), "home/pole-gw/433toMQTT", {"value": 1315156, "protocol": 1, "length": 24, "delay": 317}
    )
    assert (found.device, found.kind, found.measurements) == ("pole-gw", Kind.DIAGNOSTIC, [])
    assert left(found) == {"value": 1315156}


@pytest.mark.parametrize(
    ("said", "expected", "aside"),
    [
        (
            {"type": "ENRG", "avg": 1.2, "avgu": "kW", "sum": 30.5, "sumu": "kWh"},
            {"power": 1200.0, "energy": 30500.0},
            {},
        ),
        ({"type": "ENRG", "avg": 0.4, "avgu": "m³", "sum": 7.25, "sumu": "m³"}, {"meter_reading": 7.25}, {"avg": 0.4}),
        ({"type": "UNIQ", "level": 62.5, "status": 0}, {"fill_level": 62.5}, {"status": 0}),
        ({"type": "BODY", "state": "idle", "pressure": 40}, {}, {"state": "idle", "pressure": 40}),
    ],
)
def test_bluetooth_devices_with_words_of_their_own(
    said: dict[str, Any], expected: dict[str, float], aside: dict[str, Any]
) -> None:
    found = report(OpenMqttGateway(), "home/pole-gw/BTtoMQTT/0242AC110002", {"id": MAC, **said})
    assert (values(found), left(found)) == (pytest.approx(expected), aside)


def test_lora() -> None:
    raw = report(
        OpenMqttGateway(), "home/pole-gw/LORAtoMQTT", {"rssi": -110, "snr": -3.5, "packetSize": 2, "hex": "BEEF"}
    )
    assert (raw.kind, raw.device, raw.about.gateway) == (Kind.UNDECODED, "pole-gw", "pole-gw")
    assert (values(raw), left(raw)) == ({"rssi": -110.0, "snr": -3.5}, {"hex": "BEEF"})
    text = report(OpenMqttGateway(), "home/pole-gw/LORAtoMQTT", {"rssi": -90, "snr": 7, "from": "A1", "message": "hi"})
    assert (text.kind, values(text)) == (Kind.UNDECODED, {"rssi": -90.0, "snr": 7.0})
    assert left(text) == {"from": "A1", "message": "hi"}
    said = {"id": MAC, "rssi": -100, "snr": 8, "tempc": 12, "hex": "00"}
    assert values(report(OpenMqttGateway(), "home/pole-gw/LORAtoMQTT/0242AC110002", said))["temperature"] == 12.0


def test_a_wired_sensor_is_a_channel_of_its_gateway() -> None:
    found = report(OpenMqttGateway(), "home/pole-gw/CLIMAtoMQTT/bme", {"tempc": 5, "tempf": 41, "hum": 80})
    assert (found.device, values(found)) == ("pole-gw", {"temperature@bme": 5.0, "humidity@bme": 80.0})
    assert found.about.gateway is None


def test_further_wired_modules() -> None:
    said = {"volt": 12.1, "current": 0.5, "power": 6}
    expected = {"voltage@INA226": 12.1, "current@INA226": 0.5, "power@INA226": 6.0}
    assert values(report(OpenMqttGateway(), "home/pole-gw/INA226toMQTT", said)) == expected
    wire = report(
        OpenMqttGateway(), "home/pole-gw/CLIMAtoMQTT/ds1820/0x28AA", {"temp": 50, "unit": "F", "type": "DS18B20"}
    )
    assert (values(wire), wire.unmapped) == ({"temperature@ds1820/0x28AA": 10.0}, [])
    dht = values(report(OpenMqttGateway(), "home/pole-gw/DHTtoMQTT", {"temp": 22, "hum": 40}))
    assert dht == {"temperature@DHT": 22.0, "humidity@DHT": 40.0}
    assert values(report(OpenMqttGateway(), "home/pole-gw/HCSR501toMQTT", {"hcsr501": "true"})) == {
        "motion@HCSR501": 1.0
    }
    assert values(report(OpenMqttGateway(), "home/pole-gw/BMEtoMQTT/bme", {"pa": 99_000})) == {"pressure@bme": 99_000.0}


def test_the_gateway_about_itself() -> None:
    said = {"uptime": 600, "version": "v1.8.1", "env": "esp32-ble", "rssi": -60, "tempc": 52, "freemem": 9, "SSID": "x"}
    found = report(OpenMqttGateway(), "home/pole-gw/SYStoMQTT", said)
    assert (found.kind, values(found)) == (Kind.STATUS, {"rssi": -60.0, "temperature@device": 52.0, "uptime": 600.0})
    assert (found.about.firmware, found.about.uptime_s) == ("v1.8.1", 600.0)


@pytest.mark.parametrize(("word", "online"), [("online", True), ("offline", False)])
def test_last_will_comes_by_a_route(word: str, online: bool) -> None:
    found = OpenMqttGateway().decode(message("home/pole-gw/LWT", word)).reports[0]
    assert (found.device, found.online) == ("pole-gw", online)
    with pytest.raises(RefusedError, match="online or offline"):
        OpenMqttGateway().decode(message("home/pole-gw/LWT", "x"))


def test_infrared_is_ignored() -> None:
    assert report(OpenMqttGateway(), "home/pole-gw/IRtoMQTT", {"value": 1}).kind is Kind.IGNORED


@pytest.mark.parametrize("topic", ["BTtoMQTT/x", "home/gw/MQTTtoBT", "home/gw/LWT", "home/presence"])
def test_other_topics_are_not_recognised(topic: str) -> None:
    assert OpenMqttGateway().recognise(message(topic, {"tempc": 1})) is None
