"""The field names of rtl_433, whose messages OpenMQTTGateway passes on: the unit stands behind the name.

Source: https://github.com/merbanan/rtl_433/blob/master/docs/DATA_FORMAT.md.
"""

from collections.abc import Mapping
from typing import Any, Final

from ingest.meaning.household import Field, Fields

FIELDS: Final[Fields] = {
    "temperaturec": Field("temperature", "Cel"),
    "temperaturef": Field("temperature", "[degF]"),
    "temperature1c": Field("temperature", "Cel", channel="1"),
    "temperature2c": Field("temperature", "Cel", channel="2"),
    "tempc": Field("temperature", "Cel"),
    "tempf": Field("temperature", "[degF]"),
    "humidity": Field("humidity", "%RH"),
    "hum": Field("humidity", "%RH"),
    "moisture": Field("soil_moisture", "%"),
    "batteryok": Field("low_battery", invert=True),
    "batterymv": Field("battery_voltage", "mV"),
    "batteryv": Field("battery_voltage", "V"),
    "pressurehpa": Field("pressure", "hPa"),
    "pressurekpa": Field("pressure", "kPa"),
    "pressurepsi": Field("pressure", "[psi]"),
    "pressurebar": Field("pressure", "bar"),
    "windavgms": Field("wind_speed", "m/s"),
    "windavgkmh": Field("wind_speed", "km/h"),
    "windavgmih": Field("wind_speed", "[mi_i]/h"),
    "winddirdeg": Field("wind_direction", "deg"),
    "rainratemmh": Field("rain_rate", "mm/h"),
    "lightlux": Field("illuminance", "lx"),
    "lux": Field("illuminance", "lx"),
    "powerw": Field("power", "W"),
    "energykwh": Field("energy", "kWh"),
    "currenta": Field("current", "A"),
    "voltagev": Field("voltage", "V"),
    "depthcm": Field("distance", "cm"),
    "co2ppm": Field("co2", "ppm"),
    "pm2.5ugm3": Field("pm2_5", "ug/m3"),
    "pm10ugm3": Field("pm10", "ug/m3"),
    "tamper": Field("tamper"),
    "motion": Field("motion"),
    "rssi": Field("rssi", "dBm"),
    "snr": Field("snr", "dB"),
}
"""Folded names (:func:`ingest.meaning.household.fold`)."""


def device_of(said: Mapping[str, Any]) -> str:
    """Model, channel and id: an id alone is used again by every maker."""
    parts = (said.get(key) for key in ("model", "channel", "id"))
    return "/".join(str(part)[:40].replace("/", "-") for part in parts if isinstance(part, str | int) and part != "")
