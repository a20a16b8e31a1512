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
    Unit("[ppth]", "%", 0.1),
    Unit("%RH", "%RH"),
    Unit("Pa", "Pa"),
    Unit("kPa", "Pa", 1e3),
    Unit("MPa", "Pa", 1e6),
    Unit("bar", "Pa", 1e5),
    Unit("mbar", "Pa", 1e2),
    Unit("hPa", "Pa", 1e2),
    Unit("[psi]", "Pa", 6_894.757_293_168_361),
    Unit("m[H2O]", "Pa", 9_806.65),
    Unit("mm[Hg]", "Pa", 133.322),
    Unit("[in_i'Hg]", "Pa", 3_386.378_8),
    Unit("m3/h", "m3/h"),
    Unit("L/s", "m3/h", 3.6),
    Unit("L/min", "m3/h", 0.06),
    Unit("L/h", "m3/h", 1e-3),
    Unit("m3/s", "m3/h", 3_600.0),
    Unit("m3", "m3"),
    Unit("L", "m3", 1e-3),
    Unit("mL", "m3", 1e-6),
    Unit("[gal_us]", "m3", 3.785_411_784e-3),
    Unit("[cft_i]", "m3", 0.028_316_846_592),
    Unit("m", "m"),
    Unit("cm", "m", 1e-2),
    Unit("mm", "m", 1e-3),
    Unit("km", "m", 1e3),
    Unit("[in_i]", "m", 0.0254),
    Unit("[ft_i]", "m", 0.3048),
    Unit("m2", "m2"),
    Unit("cm2", "m2", 1e-4),
    Unit("deg", "deg"),
    Unit("rad", "deg", 57.295_779_513_082_32),
    Unit("Cel", "Cel"),
    Unit("K", "Cel", 1.0, -273.15),
    Unit("[degF]", "Cel", 5 / 9, -160 / 9),
    Unit("V", "V"),
    Unit("mV", "V", 1e-3),
    Unit("A", "A"),
    Unit("mA", "A", 1e-3),
    Unit("W", "W"),
    Unit("kW", "W", 1e3),
    Unit("mW", "W", 1e-3),
    Unit("MW", "W", 1e6),
    Unit("V.A", "V.A"),
    Unit("kV.A", "V.A", 1e3),
    Unit("var", "var"),
    Unit("Wh", "Wh"),
    Unit("kWh", "Wh", 1e3),
    Unit("MWh", "Wh", 1e6),
    Unit("J", "Wh", 1 / 3_600),
    Unit("lx", "lx"),
    Unit("klx", "lx", 1e3),
    Unit("dB", "dB"),
    Unit("dBFS", "dBFS"),
    Unit("dBm", "dBm"),
    Unit("ppm", "ppm"),
    Unit("ppb", "ppm", 1e-3),
    Unit("ug/m3", "ug/m3"),
    Unit("mg/m3", "ug/m3", 1e3),
    Unit("uS/cm", "uS/cm"),
    Unit("mS/cm", "uS/cm", 1e3),
    Unit("Hz", "Hz"),
    Unit("kHz", "Hz", 1e3),
    Unit("m/s", "m/s"),
    Unit("km/h", "m/s", 1 / 3.6),
    Unit("[mi_i]/h", "m/s", 0.447_04),
    Unit("[kn_i]", "m/s", 1_852 / 3_600),
    Unit("[ft_i]/s", "m/s", 0.3048),
    Unit("m/s2", "m/s2"),
    Unit("[g]", "m/s2", 9.806_65),
    Unit("mm/h", "mm/h"),
    Unit("W/m2", "W/m2"),
    Unit("[pH]", "[pH]"),
    Unit("s", "s"),
    Unit("min", "s", 60.0),
    Unit("h", "s", 3_600.0),
    Unit("d", "s", 86_400.0),
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
