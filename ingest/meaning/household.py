"""What building automation calls things: one table of field names for Zigbee2MQTT, Tasmota, Home Assistant and more.

They all grew around the same sensors and use the same words with other spellings (``soil_moisture``, ``CarbonDioxide``,
``PM2.5``). A decoder lays its own words over :data:`COMMON` where its format means something else by one.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple


class Field(NamedTuple):
    """What a field means; ``unit`` is that of a value without one, None: the property's own."""

    observed_property: str
    unit: str | None = None
    invert: bool = False  # of flags: true means that ours is false
    channel: str = ""  # which of the device's sensors of the property it is, where the name says so


Fields = Mapping[str, Field]
"""Folded field name to meaning."""

_NOT_LETTERS: Final = re.compile(r"[\s_.\-/]+")
_DECIMAL: Final = re.compile(r"(?<=\d)[_.](?=\d)")  # PM1.0 is not PM10
_NAME_MAX: Final = 64

OWN_STATUS: Final = frozenset(
    {"battery_percent", "battery_voltage", "low_battery", "link_quality", "rssi", "snr", "online"}
)
"""Properties that tell of the device itself; a message with nothing else measures nothing of the world."""

COMMON: Final[Fields] = {
    "temperature": Field("temperature", "Cel"),
    "temp": Field("temperature", "Cel"),
    "devicetemperature": Field("temperature", "Cel", channel="device"),
    "soiltemperature": Field("temperature", "Cel", channel="soil"),
    "humidity": Field("humidity", "%RH"),
    "hum": Field("humidity", "%RH"),
    "soilmoisture": Field("soil_moisture", "%"),
    "moisture": Field("soil_moisture", "%"),
    "pressure": Field("pressure", "hPa"),
    "illuminance": Field("illuminance", "lx"),
    "illuminancelux": Field("illuminance", "lx"),
    "lux": Field("illuminance", "lx"),
    "co2": Field("co2", "ppm"),
    "carbondioxide": Field("co2", "ppm"),
    "pm2.5": Field("pm2_5", "ug/m3"),
    "pm25": Field("pm2_5", "ug/m3"),
    "pm10": Field("pm10", "ug/m3"),
    "noise": Field("sound_level", "dB"),
    "windspeed": Field("wind_speed", "m/s"),
    "winddirection": Field("wind_direction", "deg"),
    "power": Field("power", "W"),
    "activepower": Field("power", "W"),
    "apparentpower": Field("apparent_power", "V.A"),
    "powerapparent": Field("apparent_power", "V.A"),
    "reactivepower": Field("reactive_power", "var"),
    "powerreactive": Field("reactive_power", "var"),
    "powerfactor": Field("power_factor", "1"),
    "energy": Field("energy", "kWh"),
    "voltage": Field("voltage", "V"),
    "current": Field("current", "A"),
    "frequency": Field("frequency", "Hz"),
    "acfrequency": Field("frequency", "Hz"),
    "occupancy": Field("occupied"),
    "occupied": Field("occupied"),
    "presence": Field("occupied"),
    "motion": Field("motion"),
    "vibration": Field("vibration"),
    "shock": Field("vibration"),
    "waterleak": Field("water_leak"),
    "leak": Field("water_leak"),
    "flood": Field("water_leak"),
    "smoke": Field("smoke_alarm"),
    "gas": Field("gas_alarm"),
    "tamper": Field("tamper"),
    "fault": Field("fault"),
    "battery": Field("battery_percent", "%"),
    "batterypercentage": Field("battery_percent", "%"),
    "batterylevel": Field("battery_percent", "%"),
    "batteryvoltage": Field("battery_voltage", "V"),
    "batterylow": Field("low_battery"),
    "lowbattery": Field("low_battery"),
    "linkquality": Field("link_quality"),
    "rssi": Field("rssi", "dBm"),
    "snr": Field("snr", "dB"),
    "latitude": Field("latitude", "deg"),
    "longitude": Field("longitude", "deg"),
}


def words(text: str) -> frozenset[str]:
    """The words of a text, for tables that would be a page long with one name a line."""
    return frozenset(text.split())


@lru_cache(maxsize=8192)
def _fold(name: str) -> str:
    return ".".join(_NOT_LETTERS.sub("", part) for part in _DECIMAL.split(name)).lower()


def fold(name: str) -> str:
    """A field name without what spellings differ in: ``soil_moisture`` and ``SoilMoisture`` are one.

    What stands between two digits is a decimal point: ``PM2_5`` is ``pm2.5``.
    """
    return _fold(name) if len(name) <= _NAME_MAX else ""


def table(own: Fields, without: Iterable[str] = ()) -> Fields:
    """The common words, less those that mean something else in a format, under the words of its own."""
    left = frozenset(without)
    return {**{name: field for name, field in COMMON.items() if name not in left}, **own}
