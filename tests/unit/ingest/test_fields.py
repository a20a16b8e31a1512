"""What fields of decoded payloads mean: the table, and the walk over an object."""

from pathlib import Path
from typing import Any

import pytest

from ingest.decoders.draft import Draft
from ingest.meaning.fields import FieldsError, load_fields
from ingest.meaning.objects import Reader


def read(said: dict[str, Any], vendor: str = "", model: str = "", own: Path | None = None) -> Draft:
    fields = load_fields(own)
    draft = Draft("d", 5)
    Reader(draft, fields.names(fields.make(vendor, model))).read(said)
    return draft


def values(draft: Draft) -> dict[str, float]:
    return {
        f"{one.observed_property}/{one.channel}" if one.channel else one.observed_property: one.value
        for one in draft.measurements
    }


GENERAL = [
    ({"Temp_C": 21}, {"temperature": 21}),
    ({"TEMPERATURE": "21.5 °C"}, {"temperature": 21.5}),
    ({"temp_f": 32}, {"temperature": 0}),
    ({"temperature_2": 4, "temperature3": 5}, {"temperature/2": 4, "temperature/3": 5}),
    ({"relative_humidity_1": 40, "barometric_pressure_2": 1000, "luminosity_3": 12}, {
        "humidity/1": 40, "pressure/2": 100_000, "illuminance/3": 12}),
    ({"temperatureSensor": {"1": 22.5, "7": 3}}, {"temperature/1": 22.5, "temperature/7": 3}),
    ({"gpsLocation": {"4": {"latitude": 1.5, "longitude": 2.5}}}, {"latitude": 1.5, "longitude": 2.5}),
    ({"gps_1": {"latitude": 1.5, "longitude": 2.5, "altitude": 3}}, {"latitude/1": 1.5, "longitude/1": 2.5}),
    ({"pressure": 1013.25}, {"pressure": 101_325}),
    ({"distance": "120 cm"}, {"distance": 1.2}),
    ({"distance_mm": 250}, {"distance": 0.25}),
    ({"total_volume_l": 4500, "temperature_water": 9.5}, {"meter_reading": 4.5, "temperature/water": 9.5}),
    ({"distance": {"value": 2, "unit": "m", "displayName": "Distance"}}, {"distance": 2}),
    ({"leak": "NoLeak"}, {"water_leak": 0}),
    ({"Water_Leak": 1}, {"water_leak": 1}),
    ({"valve_3": "open", "valve_3_pulse": 9}, {"valve_open/3": 1, "pulse_count/3": 9}),
    ({"occupancy": "vacant", "tamper": "installed", "position": "tilt"}, {"occupied": 0, "tamper": 0}),
    ({"pir": "trigger", "door": "closed", "socket_status": "on"}, {"motion": 1, "contact_open": 0, "switch_on": 1}),
    ({"Good_Battery": 0}, {"low_battery": 1}),
    ({"data": {"co2": 500}}, {"co2": 500}),
    ({"pm2_5": 12, "pm10": 30}, {"pm2_5": 12, "pm10": 30}),
    ({"pm1_0": 3, "PM2.5": 6, "PM10": 8}, {"pm2_5": 6, "pm10": 8}),
    ({"readings": [{"name": "humidity", "value": 44, "unit": "%"}]}, {"humidity": 44}),
    ({"latitude": "53.5", "longitude": "10"}, {"latitude": 53.5, "longitude": 10}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "meant"), GENERAL)
def test_general_names(said: dict[str, Any], meant: dict[str, float]) -> None:
    assert values(read(said)) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (3.6, {"battery_voltage": 3.6}),
        ("3.6 V", {"battery_voltage": 3.6}),
        ("3600 mV", {"battery_voltage": 3.6}),
        ("88%", {"battery_percent": 88}),
        (88, {"battery_percent": 88}),
        (7.5, {"battery_percent": 7.5}),
        ("low", {"low_battery": 1}),
        (3, {}),
        (0, {}),
        (True, {}),
        (250, {}),
    ],
)
def test_battery_of_an_unknown_vendor(value: Any, meant: dict[str, float]) -> None:
    draft = read({"battery": value})
    assert values(draft) == meant
    assert bool(draft.unmapped) is not bool(meant)


@pytest.mark.parametrize(
    ("vendor", "model", "said", "meant"),
    [
        ("milesight-iot", "EM300-TH", {"battery": 3}, {"battery_percent": 3}),
        ("milesight", "em500-pp", {"pressure": 25}, {"pressure": 25_000}),
        ("milesight", "em500-smtc", {"humidity": 30, "ec": 150}, {"soil_moisture": 30, "conductivity": 150}),
        ("milesight", "ws523", {"current": 1500, "power_factor": 98}, {"current": 1.5, "power_factor": 0.98}),
        ("milesight", "ct101", {"current": 12.5, "power": "on"}, {"current": 12.5}),
        ("dragino", "lse01", {"BatV": 3.3, "conduct_SOIL": 120, "temp_SOIL": "9.50"}, {
            "battery_voltage": 3.3, "conductivity": 120, "temperature/soil": 9.5}),
        ("dragino", "LHT65", {"TempC_SHT": 8, "TempC_DS": 327.67}, {"temperature": 8}),
        ("netvox", "r311a", {"Volt": "2.3(low battery)", "OnOff": 1}, {
            "battery_voltage": 2.3, "low_battery": 1, "contact_open": 1}),
        ("netvox", "r718n3", {"Current1": 900, "Current3": 7000, "Multiplier1": 1}, {"current/1": 0.9, "current/3": 7}),
        ("netvox", "ra02a", {"FireAlarm": "No Alarm", "Temp": 24}, {"fire_alarm": 0, "temperature": 24}),
        ("elsys", "ers", {"vdd": 3645, "motion": 4, "waterleak": 0}, {
            "battery_voltage": 3.645, "motion": 1, "water_leak": 0}),
        ("dingtek", "dc410", {"level": "900 mm", "battery": True, "angle": "3 °"}, {
            "distance": 0.9, "low_battery": 1, "tilt_angle": 3}),
        ("decentlab", "dl-smtp", {"volumetric_water_content": {"value": 0.25, "unit": "m³⋅m⁻³"}}, {
            "soil_moisture": 25}),
        ("browan", "tbwl100", {"status": 1, "battery": 3.5}, {"water_leak": 1, "battery_voltage": 3.5}),
        ("axioma", "qalcosonic-w1", {"CurrentVolume": 12.5}, {"meter_reading": 12.5}),
        ("pepperl-fuchs", "wilsen-sonic-level", {"proxx": 49, "fillinglvl": 93, "battery_vol": 3.4, "temp": 8}, {
            "distance": 0.49, "fill_level": 93, "battery_voltage": 3.4, "temperature": 8}),
        ("aquascope", "bvs", {"valve": "On", "leak": "N"}, {"valve_open": 1, "water_leak": 0}),
        ("sensative", "strips", {"battery": 80, "flood": {"value": 0}, "floodAlarm": {"value": False}}, {
            "battery_percent": 80, "water_leak": 0}),
        ("mclimate", "t-valve", {"valveState": True, "boxTamper": False}, {"valve_open": 1, "tamper": 0}),
        ("milesight", "at101", {"tamper_status": "install"}, {"tamper": 0}),
        ("dragino", "ldds04", {"distance1_cm": 80, "distance2_cm": 0}, {"distance": 0.8}),
        ("netvox", "rb11e", {"Occupy": 0, "DisassembledAlarm": 1}, {"occupied": 0, "tamper": 1}),
        ("dingtek", "df400", {"level": 120, "percent": 60, "volt": 5.8}, {
            "distance": 0.12, "fill_level": 60, "battery_voltage": 5.8}),
        ("browan", "merryiot-dw10", {"open": 1, "tilt": 0, "humi": 30}, {
            "contact_open": 1, "tilted": 0, "humidity": 30}),
        ("browan", "tabs-tbms100", {"mot_motionst": 1, "mot_counts": 9}, {"motion": 1}),
        ("b-meters", "hydrodigit-s1", {"alarm": {"waterLeak": True, "lowBattery": False}, "temperature": -2.5}, {
            "water_leak": 1, "low_battery": 0, "temperature": -2.5}),
        ("vutility", "voltdrop", {"voltageL1": 229.5, "currentL3": 16, "phaseAngleL1": 0}, {
            "voltage/1": 229.5, "current/3": 16}),
    ],
)  # fmt: skip
def test_vendors_and_models(vendor: str, model: str, said: dict[str, Any], meant: dict[str, float]) -> None:
    assert values(read(said, vendor, model)) == meant


def test_units_that_nobody_gave_are_not_invented() -> None:
    draft = read({"distance": 30, "pressure": 3.2, "water_level": 4, "current": 5, "energy": 7})
    assert draft.measurements == []
    assert {one.why.split()[-3] for one in draft.unmapped} == {"is"}
    assert len(draft.unmapped) == 5


def test_flags_that_vendors_turn_round_are_believed_in_words_only() -> None:
    draft = read({"door": 1, "contact": True, "valve": 0})
    assert draft.measurements == []
    assert len(draft.unmapped) == 3
    assert values(read({"door": "Open", "valve": "closed"})) == {"contact_open": 1, "valve_open": 0}


def test_one_reading_has_one_value() -> None:
    draft = read({"temperature": 20, "temp": 21, "humidity": 40, "rh": 40})
    assert [(one.observed_property, one.value) for one in draft.measurements] == [("temperature", 20), ("humidity", 40)]
    assert [(one.name, one.value) for one in draft.unmapped] == [("temperature", 21)]


def test_no_reading_becomes_none() -> None:
    draft = read({"distance": "No Sensor", "temperature": None, "humidity": "null", "temp": 327.67, "co2": 2e9})
    assert draft.measurements == []
    assert [one.name for one in draft.unmapped] == ["distance", "humidity", "temp", "co2"]


def test_unknown_fields_keep_their_dotted_name() -> None:
    draft = read({"data": {"xyz": 1}, "limits": {"temperature": 5}, "flags": [1, 2]})
    assert [(one.name, one.value) for one in draft.unmapped] == [
        ("data.xyz", 1),
        ("limits.temperature", 5),
        ("flags", [1, 2]),
    ]
    assert draft.measurements == []


def test_sensecap_messages_nested_and_flat() -> None:
    entry = {"measurementId": "4102", "measurementValue": 12.5, "type": "Soil Temperature"}
    nested = {"valid": True, "messages": [[entry], [{"type": "upload_battery", "battery": 90}]]}
    assert values(read(nested, "sensecap", "s2104")) == {"temperature/soil": 12.5, "battery_percent": 90}
    flat = {"messages": [{"type": "report_telemetry", "measurementId": 4115, "measurementValue": 42}]}
    assert values(read(flat, "seeed")) == {"distance": 0.42}


def test_answers_to_commands_are_no_readings() -> None:
    draft = read({"Cmd": "GetX", "Device": "R718A", "Temp": 3}, "netvox", "r718a")
    assert draft.measurements == []
    assert len(draft.unmapped) == 3


@pytest.mark.parametrize(
    ("profile", "vendor", "model"),
    [
        ("milesight em400-tld", "milesight", "em400tld"),
        ("Dragino LDDS75 v1.1 EU868", "dragino", "ldds75"),
        ("EM500-CO2 (class A)", "milesight", "em500co2"),
        ("NKE Watteco SENSO", "nkewatteco", "senso"),
        ("Water meters", "", ""),
    ],
)
def test_profiles_are_matched_loosely(profile: str, vendor: str, model: str) -> None:
    assert load_fields().make("", "", profile) == (vendor, model)


def test_own_table_wins(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[general]]\nis = "distance"\nunit = "cm"\nnames = ["sludge", "distance"]\n')
    assert [one.value for one in read({"sludge": 30}, own=own).measurements] == [0.3]
    assert [one.value for one in read({"distance": 5}, own=own).measurements] == [0.05]
    assert values(read({"temp": 1}, own=own)) == {"temperature": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[general]]\nis = "warmth"\nnames = ["x"]', "'warmth' is no property"),
        ('[[general]]\nis = "distance"\nunit = "kPa"\nnames = ["x"]', "'kPa' is no unit of distance"),
        ('[[general]]\nis = "distance"\nnamess = ["x"]', "namess"),
        ("[[general", "own.toml"),
    ],
)
def test_wrong_tables_are_named(tmp_path: Path, text: str, says: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(FieldsError, match=r"own\.toml") as caught:
        load_fields(own)
    assert says in str(caught.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FieldsError, match="cannot be read"):
        load_fields(tmp_path / "none.toml")
