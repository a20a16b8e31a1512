"""The normalised payload of the LoRaWAN Device Repository: one closed schema, so nothing has to be guessed.

Source: https://github.com/TheThingsNetwork/lorawan-devices/blob/master/lib/payload.json
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ingest.decoders.draft import Draft
from ingest.meaning.times import rfc3339
from ingest.meaning.values import finite

_ENTRIES_MAX: Final = 256
_BATTERY_V_MAX: Final = 30
_DEPTH_MAX: Final = 4

_NUMBERS: Final[Mapping[str, tuple[str, str, str]]] = {  # dotted field: property, unit, channel
    "battery": ("battery_voltage", "V", ""),
    "battVolt": ("battery_voltage", "V", ""),  # as some codecs of the repository have it
    "soil.moisture": ("soil_moisture", "%", ""),
    "soil.temperature": ("temperature", "Cel", "soil"),
    "soil.ec": ("conductivity", "mS/cm", ""),  # dS/m
    "soil.pH": ("ph", "[pH]", ""),
    "air.temperature": ("temperature", "Cel", ""),
    "air.relativeHumidity": ("humidity", "%RH", ""),
    "air.pressure": ("pressure", "hPa", ""),
    "air.co2": ("co2", "ppm", ""),
    "air.lightIntensity": ("illuminance", "lx", ""),
    "wind.speed": ("wind_speed", "m/s", ""),
    "wind.direction": ("wind_direction", "deg", ""),
    "rain.intensity": ("rain_rate", "mm/h", ""),
    "water.temperature.current": ("temperature", "Cel", "water"),
    "water.temperature": ("temperature", "Cel", "water"),
    "metering.water.total": ("meter_reading", "L", ""),
    "position.latitude": ("latitude", "deg", ""),
    "position.longitude": ("longitude", "deg", ""),
}
_FLAGS: Final = {
    "water.leak": ("water_leak", ("leak", "detected"), ("no leak", "dry")),
    "action.motion.detected": ("motion", (), ()),
    "action.contactState": ("contact_open", ("open",), ("closed",)),
}
_OF_NO_READING: Final = frozenset({"time", "soil.depth", "air.location"})


def read_normalised(draft: Draft, said: Any) -> None:
    """Take a normalised payload: one measurement, or a list of them, each perhaps with a time of its own."""
    for one in said[:_ENTRIES_MAX] if isinstance(said, list) else [said]:
        if not isinstance(one, dict):
            continue
        time_ms = rfc3339(one.get("time"))
        for field, value in _leaves(one, "", 0):
            if field == "battery" and not _volts(value):
                draft.unknown(field, value, "volts by the schema, and no battery has as many")
            elif field in _NUMBERS:
                name, unit, channel = _NUMBERS[field]
                draft.number(name, value, unit, channel=channel, time_ms=time_ms, field=field)
            elif field in _FLAGS:
                name, true, false = _FLAGS[field]
                draft.flag(name, value, true=true, false=false, time_ms=time_ms, field=field)
            elif field not in _OF_NO_READING:
                draft.unknown(field, value)


def _volts(value: Any) -> bool:
    number = finite(value)
    return number is None or number <= _BATTERY_V_MAX


def _leaves(said: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in said.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, dict) and depth < _DEPTH_MAX:
            yield from _leaves(value, f"{dotted}.", depth + 1)
        elif value is not None:
            yield dotted, value
