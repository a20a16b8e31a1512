"""The sensors of a Tasmota device: ``{"Time": ..., "BME280": {"Temperature": 21.4}, "TempUnit": "C"}``.

The name of a sensor is the channel of what it measures, also where it is the device's only one: a second one that is
plugged in later must not change what the first is called.
"""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from ingest.decoders.draft import Draft
from ingest.decoders.fields import set_aside, take
from ingest.decoders.tasmota_zigbee import BRIDGES
from ingest.meaning.household import Field, Fields, fold, table
from ingest.meaning.values import ucum

FIELDS: Final[Fields] = table(
    {
        "tvoc": Field("tvoc", "ppb"),
        "fertility": Field("conductivity", "uS/cm"),
        "factor": Field("power_factor", "1"),
        "total": Field("energy", "kWh"),  # of ENERGY; a rain gauge's is millimetres
        "speed": Field("wind_speed", "m/s"),
        "ph": Field("ph", "[pH]"),
        "pir": Field("motion"),
        "dba": Field("sound_level", "dB"),
        "lat": Field("latitude", "deg"),
        "lon": Field("longitude", "deg"),
        "probetemperature": Field("temperature", "Cel"),  # thermocouples before version 13
        "referencetemperature": Field("temperature", "Cel", channel="reference"),
        "objtmp": Field("temperature", "Cel"),
        "ambtmp": Field("temperature", "Cel", channel="ambient"),
    },
    without=("temp", "hum", "energy", "co2", "gas", "noise", "fault"),
)
_SKIPPED: Final = frozenset(
    {"Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit", "AltitudeUnit", "UTC", "MqttCount"}
)
_PARTS_OF_TOTAL: Final = frozenset({"TotalStartTime", "Yesterday", "Today", "Period", "TotalTariff", "TodaySumImport"})
_NUMBERED: Final = re.compile(r"([A-Za-z]+?)(\d{1,2})")
_COUNTER: Final = re.compile(r"C\d")
_SWITCH: Final = re.compile(r"Switch\d{1,2}")
_MILLIMETRES: Final = ("VL53L", "TOF10120")
_LIGHTNING: Final = "AS3935"  # its distance is how many kilometres a storm is away
_METER: Final = "ENERGY"
_PHASES_MAX: Final = 8
_NAME_MAX: Final = 64
_FOREIGN: Final = "IBEACON"  # somebody's beacon that came by, not a sensor of the device


class Units(NamedTuple):
    """What a message says its units are; the device's settings, so they are the same for all of its sensors."""

    temperature: str
    pressure: str
    speed: str

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Units":
        """Those a message names; Celsius, hPa and m/s are the firmware's own."""
        return cls(
            *(
                unit if isinstance(unit := said.get(key), str) and ucum(unit) else default
                for key, default in (("TempUnit", "C"), ("PressureUnit", "hPa"), ("SpeedUnit", "m/s"))
            )
        )


def sensors(draft: Draft, said: Mapping[str, Any]) -> None:
    """Take what the sensors of a device measured."""
    units = Units.of(said)
    for key, value in said.items():
        if key in _SKIPPED or key in BRIDGES:
            continue
        if _SWITCH.fullmatch(key):
            word = value.get("Action") if isinstance(value, dict) else value
            draft.flag("switch_on", word, channel=key, field=key)
        elif isinstance(value, dict) and not key.startswith(_FOREIGN):
            _sensor(draft, key[:_NAME_MAX], value, units)
        elif (field := FIELDS.get(fold(key))) is not None and isinstance(value, int | float):
            _take(draft, field, value, key, "", units)  # Sonoff SC: the device is the sensor
        else:
            set_aside(draft, key, value)


def _sensor(draft: Draft, sensor: str, said: Mapping[str, Any], units: Units) -> None:
    for key, value in said.items():
        name = f"{sensor}.{key}"
        field, channel = _meaning(sensor, key)
        if sensor == _METER and key in _PARTS_OF_TOTAL:
            continue
        if sensor == "COUNTER" and _COUNTER.fullmatch(key):
            draft.number("pulse_count", value, channel=key, field=name)
        elif isinstance(value, dict) and key in ("Speed", "Dir"):  # TX20 and its kin
            _wind(draft, sensor, key, value, units)
        elif field is None or isinstance(value, dict):
            if key not in ("Id", "Address", "Unit", "mac", "MAC"):
                set_aside(draft, name, value)
        elif isinstance(value, list):
            for number, one in enumerate(islice(value, _PHASES_MAX), 1):
                _take(draft, field, one, name, f"{channel}/{number}", units)
        else:
            _take(draft, field, value, name, channel, units)


def _meaning(sensor: str, key: str) -> tuple[Field | None, str]:
    """What a sensor's field means, and its channel: the sensor, with the number of the field where it has one."""
    if (key == "Total" and sensor != _METER) or (key == "Distance" and sensor.startswith(_LIGHTNING)):
        return None, sensor
    if key == "Distance":
        return Field("distance", "mm" if sensor.startswith(_MILLIMETRES) else "cm"), sensor
    field = FIELDS.get(fold(key))
    if field is not None:
        return field, sensor
    match = _NUMBERED.fullmatch(key)  # ANALOG: Temperature1, Illuminance2
    field = FIELDS.get(fold(match[1])) if match else None
    return field, f"{sensor}/{match[2]}" if match and field is not None else sensor


def _take(draft: Draft, field: Field, value: Any, name: str, channel: str, units: Units) -> None:
    said = {"temperature": units.temperature, "pressure": units.pressure, "wind_speed": units.speed}
    take(draft, field, value, name, channel=channel, unit=said.get(field.observed_property))


def _wind(draft: Draft, sensor: str, key: str, said: Mapping[str, Any], units: Units) -> None:
    if key == "Speed":
        draft.number("wind_speed", said.get("Act"), units.speed, channel=sensor, field=f"{sensor}.Speed.Act")
    else:
        draft.number("wind_direction", said.get("Deg"), "deg", channel=sensor, field=f"{sensor}.Dir.Deg")
