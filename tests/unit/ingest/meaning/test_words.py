import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.meaning.words import meaning, unit_in, words_of
from schemas.properties import PROPERTIES


@pytest.mark.parametrize(
    ("name", "unit", "observed", "rest"),
    [
        ("Pressure/Discharge", "kPa", "pressure", "discharge"),
        ("Flow/Rate", "m3/h", "flow", "rate"),
        ("flow_total", "m3", "meter_reading", ""),
        ("tank_level", "m", "water_level", "tank"),
        ("tank_level", "%", "fill_level", "tank"),
        ("batteryVoltage", None, "battery_voltage", ""),
        ("vbat", "mV", "battery_voltage", ""),
        ("Battery", "V", "battery_voltage", ""),
        ("Battery Level", "%", "battery_percent", ""),
        ("PM2.5", None, "pm2_5", ""),
        ("CO2", None, "co2", ""),
        ("H2S", "ppb", "gas_h2s", ""),
        ("Motor/Current", "A", "current", "motor"),
        ("Current Temperature", "°C", "temperature", "current"),
        ("Temperature2", None, "temperature", "2"),
        ("Wind Speed", "km/h", "wind_speed", ""),
        ("ReactivePower", "var", "reactive_power", ""),
        ("Power", "kW", "power", ""),
        ("signal strength", None, "rssi", ""),
        ("FT-101", "L/s", "flow", "ft_101"),
        ("Flow Meter 1", "L/s", "flow", "meter_1"),
        ("Totalizer", "m3", "meter_reading", ""),
        ("Energy/Total", "kWh", "energy", "total"),
        ("Pulses", None, "pulse_count", ""),
    ],
)
def test_words_and_units_say_what_is_measured(name: str, unit: str | None, observed: str, rest: str) -> None:
    found = meaning(name, unit)
    assert found is not None
    assert (found.observed_property, found.inverted, found.rest) == (observed, False, rest)


@pytest.mark.parametrize(
    ("name", "observed", "inverted"),
    [
        ("Fault", "fault", False),
        ("Door/Open", "contact_open", False),
        ("hatch closed", "contact_open", True),
        ("Valve/Closed", "valve_open", True),
        ("Battery Low", "low_battery", False),
        ("leakDetected", "water_leak", False),
        ("Pump1/Running", "switch_on", False),
    ],
)
def test_flags(name: str, observed: str, inverted: bool) -> None:
    found = meaning(name, truth=True)
    assert found is not None
    assert (found.observed_property, found.inverted) == (observed, inverted)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Pressure", None),  # kPa, bar or psi
        ("Level", None),
        ("Battery", None),
        ("Power", None),
        ("Temperature/Setpoint", "°C"),
        ("max temperature", "°C"),
        ("High Limit", "kPa"),
        ("Pressure", "m"),
        ("Flow/Total", "m3/h"),
        ("Fault Count", None),
        ("Pressure", "furlong"),
        ("Whatever", None),
        ("x", "m"),
        ("", None),
        ("Temperature" * 99, "°C"),
    ],
)
def test_what_is_not_certain_is_nothing(name: str, unit: str | None) -> None:
    assert meaning(name, unit) is None


def test_a_unit_alone_decides_only_where_it_may() -> None:
    assert meaning("Scans", "kPa", by_unit=False) is None
    assert meaning("Process Value", "kPa", by_unit=False) is not None


@pytest.mark.parametrize(
    ("name", "bare", "unit"),
    [
        ("Pressure (kPa)", "Pressure", "kPa"),
        ("Level [%]", "Level", "%"),
        ("level_mm", "level", "mm"),
        ("temp_c", "temp", "c"),
        ("channel_1", "channel_1", None),
        ("room_d", "room_d", None),
        ("Pressure", "Pressure", None),
    ],
)
def test_units_written_behind_a_name(name: str, bare: str, unit: str | None) -> None:
    assert unit_in(name) == (bare, unit)


@given(st.text(max_size=40), st.none() | st.text(max_size=6), st.booleans())
def test_any_text_is_read(name: str, unit: str | None, truth: bool) -> None:
    words_of(name)
    unit_in(name)
    found = meaning(name, unit, truth=truth)
    assert found is None or (found.observed_property in PROPERTIES and not set(found.rest) & set(":|@ \n"))
