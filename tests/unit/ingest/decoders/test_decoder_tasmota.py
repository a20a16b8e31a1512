from typing import Any
from zoneinfo import ZoneInfo

import pytest
from household_kit import left, message, report, reports, values

from ingest.decoders.base import Options, RefusedError
from ingest.decoders.tasmota import Tasmota
from ingest.messages import Kind, Numbering
from schemas.quarantine import Reason

BERLIN = Options(timezone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            {
                "BME280": {"Temperature": 19.5, "Humidity": 41, "Pressure": 1002.5, "DewPoint": 6},
                "PressureUnit": "hPa",
                "TempUnit": "C",
            },
            {"temperature@BME280": 19.5, "humidity@BME280": 41.0, "pressure@BME280": 100250.0},
        ),
        (
            {
                "DS18B20-1": {"Id": "01", "Temperature": 50},
                "DS18B20-2": {"Id": "02", "Temperature": None},
                "TempUnit": "F",
            },
            {"temperature@DS18B20-1": 10.0},
        ),
        ({"BMP180": {"Pressure": 750}, "PressureUnit": "mmHg"}, {"pressure@BMP180": 99991.5}),
        ({"BMP180": {"Pressure": 30}, "PressureUnit": "inHg"}, {"pressure@BMP180": 101591.364}),
        (
            {
                "ENERGY": {
                    "TotalStartTime": "2025-01-01T00:00:00",
                    "Total": 2.5,
                    "Yesterday": 1,
                    "Today": 1,
                    "Period": 3,
                    "Power": 60,
                    "ApparentPower": 70,
                    "ReactivePower": 20,
                    "Factor": 0.85,
                    "Voltage": 230,
                    "Current": 0.3,
                    "Frequency": 50,
                }
            },
            {
                "energy@ENERGY": 2500.0,
                "power@ENERGY": 60.0,
                "apparent_power@ENERGY": 70.0,
                "reactive_power@ENERGY": 20.0,
                "power_factor@ENERGY": 0.85,
                "voltage@ENERGY": 230.0,
                "current@ENERGY": 0.3,
                "frequency@ENERGY": 50.0,
            },
        ),
        (
            {"ENERGY": {"Power": [1, 2, 3], "Voltage": 231}},
            {"power@ENERGY/1": 1.0, "power@ENERGY/2": 2.0, "power@ENERGY/3": 3.0, "voltage@ENERGY": 231.0},
        ),
        ({"COUNTER": {"C1": 12, "C2": 0}}, {"pulse_count@C1": 12.0, "pulse_count@C2": 0.0}),
        ({"SR04": {"Distance": 150.5}}, {"distance@SR04": 1.505}),
        ({"VL53L0X": {"Distance": 263}}, {"distance@VL53L0X": 0.263}),
        (
            {"MHZ19B": {"Model": "B", "CarbonDioxide": 640, "Temperature": 24}},
            {"co2@MHZ19B": 640.0, "temperature@MHZ19B": 24.0},
        ),
        ({"PMS5003": {"CF1": 3, "PM1": 3, "PM2.5": 4, "PM10": 6}}, {"pm2_5@PMS5003": 4.0, "pm10@PMS5003": 6.0}),
        (
            {"ANALOG": {"Temperature1": 20, "Illuminance2": 70}},
            {"temperature@ANALOG/1": 20.0, "illuminance@ANALOG/2": 70.0},
        ),
        ({"BH1750": {"Illuminance": 130}}, {"illuminance@BH1750": 130.0}),
        (
            {"TX23": {"Speed": {"Act": 36}, "Dir": {"Card": "N", "Deg": 5}}, "SpeedUnit": "km/h"},
            {"wind_speed@TX23": 10.0, "wind_direction@TX23": 5.0},
        ),
        ({"Switch1": "ON", "Switch2": "OFF"}, {"switch_on@Switch1": 1.0, "switch_on@Switch2": 0.0}),
        ({"CCS811": {"eCO2": 500, "TVOC": 200}}, {"tvoc@CCS811": 0.2}),
        ({"SPS30": {"PM1_0": 2, "PM2_5": 4, "PM10": 6}}, {"pm2_5@SPS30": 4.0, "pm10@SPS30": 6.0}),
        ({"GPS": {"lat": 60.2, "lon": -24.9, "hAcc": 3.1}}, {"latitude@GPS": 60.2, "longitude@GPS": -24.9}),
        (
            {"MAX31855": {"ProbeTemperature": 230.5, "ReferenceTemperature": 21, "Error": 0}},
            {"temperature@MAX31855": 230.5, "temperature@MAX31855/reference": 21.0},
        ),
        (
            {"MLX90614": {"OBJTMP": 86, "AMBTMP": 50}, "TempUnit": "F"},
            {"temperature@MLX90614": 30.0, "temperature@MLX90614/ambient": 10.0},
        ),
    ],
)
@pytest.mark.parametrize(
    ("topic", "wrap"), [("tele/pole/SENSOR", False), ("stat/pole/STATUS8", True), ("stat/pole/STATUS10", True)]
)
def test_sensors(topic: str, wrap: bool, said: dict[str, Any], expected: dict[str, float]) -> None:
    said = {"Time": "2026-05-01T10:00:00", **said}
    found = report(Tasmota(), topic, {"StatusSNS": said} if wrap else said)
    assert values(found) == pytest.approx(expected)
    assert (found.device, found.kind, found.time_ms) == ("pole", Kind.TELEMETRY, None)


def test_a_device_that_is_the_sensor_itself() -> None:
    said = {"Temperature": 25, "Humidity": 83, "Light": 10, "Noise": 20, "TempUnit": "C"}
    found = report(Tasmota(), "tele/pole/SENSOR", said)
    assert values(found) == {"temperature": 25.0, "humidity": 83.0}
    assert left(found) == {"Light": 10, "Noise": 20}, "steps of its own, neither lux nor decibel"


def test_what_nobody_knows_is_set_aside() -> None:
    said = {
        "HX711": {"Weight": 12},
        "DS18B20": {"Id": "0A", "Temperature": 9_000},
        "IBEACON_0242AC110002": {"RSSI": -50},
    }
    found = report(Tasmota(), "tele/pole/SENSOR", said)
    assert left(found) == {"HX711.Weight": 12, "DS18B20.Temperature": 9_000, "IBEACON_0242AC110002.RSSI": -50}
    assert (found.kind, found.measurements) == (Kind.DIAGNOSTIC, [])


def test_one_name_is_another_quantity_in_another_sensor() -> None:
    said = {"RG-15": {"Total": 7.2}, "AS3935": {"Event": 1, "Distance": 14}}
    found = report(Tasmota(), "tele/pole/SENSOR", said)
    assert found.measurements == [], "millimetres of rain are no kWh, and a storm's kilometres no centimetres"
    assert left(found) == {"RG-15.Total": 7.2, "AS3935.Event": 1, "AS3935.Distance": 14}


@pytest.mark.parametrize(
    ("time", "ms"),
    [
        ("2026-05-01T10:00:00", 1777622400000),  # 08:00 UTC
        ("2026-05-01T10:00:00+00:00", 1777629600000),
        ("1970-01-01T00:03:10", None),  # never set
        ("soon", None),
    ],
)
def test_local_time_is_an_instant_where_the_route_says_the_zone(time: str, ms: int | None) -> None:
    found = report(Tasmota(), "tele/pole/SENSOR", {"Time": time, "A": {"Temperature": 1}}, BERLIN)
    assert found.time_ms == found.measurements[0].time_ms == ms


def test_epoch_is_the_time_without_a_zone() -> None:
    said = {"Time": "2026-05-01T10:00:00", "Epoch": 1777629600, "A": {"Temperature": 1}}
    assert report(Tasmota(), "tele/pole/SENSOR", said).time_ms == 1777629600000


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("tele/pole/SENSOR", "pole"),
        ("pole/tele/SENSOR", "pole"),
        ("yard/north/pole/tele/SENSOR", "yard/north/pole"),
        ("tele/yard/pole/SENSOR", "yard/pole"),
        ("city/tele/pole/SENSOR", "city/pole"),
    ],
)
def test_the_prefix_may_stand_anywhere(topic: str, device: str) -> None:
    assert report(Tasmota(), topic, {"A": {"Temperature": 1}}).device == device


def test_state() -> None:
    said = {
        "Time": "2026-05-01T10:00:00",
        "Uptime": "2T03:04:05",
        "Vcc": 3.3,
        "POWER1": "ON",
        "POWER2": "OFF",
        "Wifi": {"RSSI": 80, "Signal": -60},
    }
    found = report(Tasmota(), "tele/pole/STATE", said)
    assert values(found) == {"switch_on@POWER1": 1.0, "switch_on@POWER2": 0.0, "rssi": -60.0, "uptime": 183845.0}
    assert (found.kind, found.about.uptime_s, left(found)) == (Kind.TELEMETRY, 183845.0, {"Vcc": 3.3})
    alone = report(Tasmota(), "tele/pole/STATE", {"UptimeSec": 7, "Wifi": {"Signal": -60}})
    assert (alone.kind, alone.about.uptime_s) == (Kind.STATUS, 7.0)


@pytest.mark.parametrize(("topic", "payload"), [("stat/pole/POWER2", "ON"), ("stat/pole/RESULT", {"POWER2": "ON"})])
def test_relays(topic: str, payload: Any) -> None:
    assert values(report(Tasmota(), topic, payload)) == {"switch_on@POWER2": 1.0}


@pytest.mark.parametrize(("word", "online"), [("Online", True), ("Offline", False)])
def test_last_will(word: str, online: bool) -> None:
    found = report(Tasmota(), "tele/pole/LWT", word)
    assert (found.kind, found.online, values(found)) == (Kind.STATUS, online, {"online": float(online)})


def test_a_last_will_of_another_word_is_refused() -> None:
    with pytest.raises(RefusedError, match="Online or Offline"):
        Tasmota().decode(message("tele/pole/LWT", "Maybe"))


def test_a_button_is_an_event() -> None:
    found = report(Tasmota(), "stat/pole/RESULT", {"Button2": {"Action": "DOUBLE"}})
    assert found.kind is Kind.EVENT
    assert found.happening is not None
    assert (found.happening.event_type, found.happening.channel) == ("action.double", "Button2")


def test_a_switch_that_says_its_state_is_no_event() -> None:
    found = report(Tasmota(), "stat/pole/RESULT", {"Switch1": {"Action": "ON"}})
    assert (values(found), found.happening) == ({"switch_on@Switch1": 1.0}, None)


@pytest.mark.parametrize(
    "said", [{"SetOption3": "ON"}, {"Time": "2026-05-01T10:00:00", "RfReceived": {"Data": "0x1"}}, {"Event": "Done"}]
)
def test_answers_of_commands_measure_nothing(said: dict[str, Any]) -> None:
    found = report(Tasmota(), "stat/pole/RESULT", said)
    assert (found.kind, found.measurements, found.unmapped) == (Kind.DIAGNOSTIC, [], [])


def test_start_up_messages() -> None:
    about = report(Tasmota(), "tele/pole/INFO1", {"Info1": {"Module": "Generic", "Version": "14.2.0(tasmota)"}}).about
    assert (about.model, about.firmware) == ("Generic", "14.2.0(tasmota)")
    third = report(Tasmota(), "tele/pole/INFO3", {"RestartReason": "Software/System restart", "Uptime": "0T00:00:09"})
    assert (third.kind, third.about.tags) == (Kind.BIRTH, {"restart_reason": "Software/System restart"})
    assert third.numbering is None
    counted = report(Tasmota(), "tele/pole/INFO3", {"Info3": {"RestartReason": "Power On", "BootCount": 7}})
    assert counted.numbering == Numbering(0, epoch="7")
    state = report(Tasmota(), "tele/pole/HASS_STATE", {"Version": "9.5", "Signal (dBm)": "-61", "Uptime": "0T00:00:09"})
    assert (values(state), state.about.uptime_s) == ({"rssi": -61.0, "uptime": 9.0}, 9.0)


def test_status_0_is_all_in_one() -> None:
    said = {
        "Status": {"FriendlyName": ["Pole 3", "second"], "Topic": "pole", "Power": 1},
        "StatusPRM": {"Uptime": "0 01:00:00", "RestartReason": "Power On"},
        "StatusFWR": {"Version": "14.2.0(tasmota)", "Hardware": "ESP8266EX"},
        "StatusNET": {"Mac": "02:42:AC:11:00:02"},
        "StatusSNS": {"Time": "2026-05-01T10:00:00", "AM2301": {"Temperature": 8}},
        "StatusSTS": {"Time": "2026-05-01T10:00:00", "POWER": "ON"},
    }
    found = report(Tasmota(), "stat/pole/STATUS0", said, BERLIN)
    assert values(found) == {"temperature@AM2301": 8.0, "switch_on@POWER": 1.0, "uptime": 3600.0}
    assert found.time_ms == 1777622400000
    assert (found.about.uptime_s, found.about.name) == (3600.0, "Pole 3")
    assert found.about.tags == {"restart_reason": "Power On", "mac": "02:42:AC:11:00:02"}


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("stat/pole/STATUS", {"Status": {"Topic": "other"}}),
        ("tasmota/discovery/0242AC110002/config", {"t": "pole", "ft": "%topic%/%prefix%/", "mac": "0242AC119999"}),
    ],
)
def test_a_device_speaks_only_for_itself(topic: str, said: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        Tasmota().decode(message(topic, said))
    assert caught.value.refusal.reason is Reason.IDENTITY_MISMATCH


def test_discovery_names_the_device_as_its_topics_do() -> None:
    said = {
        "t": "pole",
        "ft": "yard/%prefix%/%topic%/",
        "mac": "0242AC110002",
        "md": "Sonoff Basic",
        "dn": "Pole",
        "sw": "14.2.0",
    }
    found = report(Tasmota(), "tasmota/discovery/0242AC110002/config", said)
    assert (found.device, found.kind) == ("yard/pole", Kind.DISCOVERY)
    assert (found.about.model, found.about.firmware) == ("Sonoff Basic", "14.2.0")
    assert report(Tasmota(), "yard/tele/pole/STATE", {"POWER": "ON"}).device == found.device


@pytest.mark.parametrize("key", ["ZbReceived", "ZigbeeReceived"])
def test_devices_behind_a_zigbee_bridge(key: str) -> None:
    said = {
        key: {
            "0x1A2B": {
                "Device": "0x1A2B",
                "Name": "gate",
                "Contact": 1,
                "BatteryVoltage": 3,
                "Endpoint": 1,
                "LinkQuality": 70,
            },
            "hall": {"Device": "0x9F00", "Temperature": 21, "RMSVoltage": 230, "Power": 1, "Foo": 1},
            "0x0003": {"Device": "0x0003", "Click": "double", "LinkQuality": 5},
        }
    }
    bridge, gate, hall, button = reports(Tasmota(), "tele/bridge/SENSOR", said)
    assert (bridge.device, bridge.kind, bridge.measurements) == ("bridge", Kind.DIAGNOSTIC, [])
    assert (gate.device, gate.about.gateway, gate.about.name) == ("bridge/0x1A2B", "bridge", "gate")
    assert values(gate) == {"contact_open": 1.0, "battery_voltage": 3.0, "link_quality": 70.0}
    assert (hall.device, values(hall)) == ("bridge/0x9F00", {"temperature": 21.0, "voltage": 230.0, "switch_on": 1.0})
    assert left(hall) == {"Foo": 1}
    assert button.kind is Kind.EVENT


def test_devices_behind_a_lorawan_bridge() -> None:
    said = {"LwReceived": {"0x5C11": {"Device": "0x5C11", "RSSI": -70, "SNR": 9, "DoorOpen": 0, "Battery": 3.1}}}
    _, door = reports(Tasmota(), "tele/core/SENSOR", said)
    assert values(door) == {"contact_open": 0.0, "battery_voltage": 3.1, "rssi": -70.0, "snr": 9.0}


@pytest.mark.parametrize(
    ("topic", "payload"), [("cmnd/pole/POWER", "ON"), ("pole/cmnd/Status", "0"), ("tele/pole/STATE", b"")]
)
def test_commands_and_cleared_topics_are_ignored(topic: str, payload: Any) -> None:
    found = report(Tasmota(), topic, payload)
    assert (found.device, found.kind) == ("pole", Kind.IGNORED)


@pytest.mark.parametrize("topic", ["telemetry/pole/SENSOR", "tele/pole/temperature", "yard/state", "SENSOR", "tele"])
def test_other_topics_are_not_recognised(topic: str) -> None:
    assert Tasmota().recognise(message(topic, {"A": 1})) is None
