"""Observed properties: one closed table of what a probe may measure, in which unit, within which bounds.

A value outside the physical bounds cannot be understood as this property and is refused; whether a possible value
is alarming is a detector's business, never this table's.
"""

from dataclasses import dataclass
from typing import Final

from schemas.units import UNITS


@dataclass(frozen=True, slots=True)
class Property:
    """An observed property; ``unit`` is canonical, ``low`` and ``high`` are inclusive and in that unit."""

    name: str
    unit: str
    low: float
    high: float
    is_flag: bool = False  # true/false, stored as 1.0/0.0

    def accepts(self, unit: str) -> bool:
        """Whether a value in this UCUM unit can be converted to ours."""
        known = UNITS.get(unit)
        return known is not None and known.canonical == self.unit


def _flag(name: str) -> Property:
    return Property(name, "1", 0.0, 1.0, is_flag=True)


_PROPERTIES: Final = (
    Property("pressure", "Pa", -100_000.0, 10_000_000.0),
    Property("flow", "m3/h", -1_000_000.0, 1_000_000.0),
    Property("water_level", "m", -100.0, 1_000.0),
    Property("meter_reading", "m3", 0.0, 1e12),
    Property("tilt_angle", "deg", 0.0, 180.0),
    _flag("contact_open"),
    _flag("occupied"),
    _flag("switch_on"),
    _flag("vibration"),
    _flag("fault"),
    _flag("tamper"),
    Property("fill_level", "%", 0.0, 100.0),
    Property("distance", "m", 0.0, 10_000.0),
    Property("power", "W", -1e9, 1e9),
    Property("energy", "Wh", -1e15, 1e15),
    Property("voltage", "V", -1e6, 1e6),
    Property("current", "A", -1e6, 1e6),
    Property("illuminance", "lx", 0.0, 1e6),
    Property("temperature", "Cel", -273.15, 2_000.0),
    Property("humidity", "%", 0.0, 100.0),
    Property("sound_level", "dB", -200.0, 300.0),
    Property("co2", "ppm", 0.0, 1e6),
    Property("gas_h2s", "ppm", 0.0, 1e6),
    Property("gas_nh3", "ppm", 0.0, 1e6),
    Property("battery_percent", "%", 0.0, 100.0),
    Property("battery_voltage", "V", 0.0, 1_000.0),
)

PROPERTIES: Final[dict[str, Property]] = {prop.name: prop for prop in _PROPERTIES}
