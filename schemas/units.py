"""Units: the UCUM codes we accept and how each becomes the canonical unit of its quantity.

Source: The Unified Code for Units of Measure, https://ucum.org (case-sensitive codes, as FIWARE and SensorThings use).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Unit:
    """A UCUM code: ``canonical = value * factor + offset`` in the unit that stands for its quantity."""

    code: str
    canonical: str
    factor: float = 1.0
    offset: float = 0.0


_UNITS: Final = (
    Unit("1", "1"),
    Unit("%", "%"),
    Unit("Pa", "Pa"),
    Unit("kPa", "Pa", 1e3),
    Unit("MPa", "Pa", 1e6),
    Unit("bar", "Pa", 1e5),
    Unit("mbar", "Pa", 1e2),
    Unit("m[H2O]", "Pa", 9_806.65),
    Unit("m3/h", "m3/h"),
    Unit("L/s", "m3/h", 3.6),
    Unit("L/min", "m3/h", 0.06),
    Unit("L/h", "m3/h", 1e-3),
    Unit("m3/s", "m3/h", 3_600.0),
    Unit("m3", "m3"),
    Unit("L", "m3", 1e-3),
    Unit("m", "m"),
    Unit("cm", "m", 1e-2),
    Unit("mm", "m", 1e-3),
    Unit("deg", "deg"),
    Unit("rad", "deg", 57.295_779_513_082_32),
    Unit("Cel", "Cel"),
    Unit("K", "Cel", 1.0, -273.15),
    Unit("V", "V"),
    Unit("mV", "V", 1e-3),
    Unit("A", "A"),
    Unit("mA", "A", 1e-3),
    Unit("W", "W"),
    Unit("kW", "W", 1e3),
    Unit("Wh", "Wh"),
    Unit("kWh", "Wh", 1e3),
    Unit("lx", "lx"),
    Unit("dB", "dB"),
    Unit("ppm", "ppm"),
    Unit("s", "s"),
    Unit("min", "s", 60.0),
    Unit("h", "s", 3_600.0),
)

UNITS: Final[dict[str, Unit]] = {unit.code: unit for unit in _UNITS}


def to_canonical(value: float, unit: str) -> float:
    """The value in the canonical unit of its quantity.

    Raises:
        KeyError: the code is not one we know.
    """
    known = UNITS[unit]
    if known.factor == 1.0 and known.offset == 0.0:
        return value
    return value * known.factor + known.offset
