"""Units of SenML: the registries of RFC 8428 (section 12.1) and RFC 8798 (secondary), as UCUM codes with a factor.

They are case-sensitive and not UCUM: ``C`` is a coulomb, ``F`` a farad and ``g`` a gram.
"""

from typing import Final, NamedTuple

from ingest.meaning.values import ucum
from ingest.meaning.words import all_of


class Scaled(NamedTuple):
    """A UCUM code and what a value is multiplied with to be in it."""

    ucum: str
    factor: float = 1.0


_KNOWN: Final = {
    "m": Scaled("m"),
    "km": Scaled("km"),
    "cm": Scaled("cm"),
    "mm": Scaled("mm"),
    "A": Scaled("A"),
    "mA": Scaled("mA"),
    "K": Scaled("K"),
    "Cel": Scaled("Cel"),
    "Hz": Scaled("Hz"),
    "MHz": Scaled("kHz", 1e3),
    "rad": Scaled("rad"),
    "deg": Scaled("deg"),
    "Pa": Scaled("Pa"),
    "hPa": Scaled("hPa"),
    "J": Scaled("J"),
    "Wh": Scaled("Wh"),
    "kWh": Scaled("kWh"),
    "W": Scaled("W"),
    "kW": Scaled("kW"),
    "VA": Scaled("V.A"),
    "kVA": Scaled("kV.A"),
    "var": Scaled("var"),
    "kvar": Scaled("var", 1e3),
    "V": Scaled("V"),
    "mV": Scaled("mV"),
    "lx": Scaled("lx"),
    "m3": Scaled("m3"),
    "l": Scaled("L"),
    "m/s": Scaled("m/s"),
    "km/h": Scaled("km/h"),
    "m/s2": Scaled("m/s2"),
    "m3/s": Scaled("m3/s"),
    "l/s": Scaled("L/s"),
    "W/m2": Scaled("W/m2"),
    "mm/h": Scaled("mm/h"),
    "m/h": Scaled("mm/h", 1e3),
    "pH": Scaled("[pH]"),
    "dB": Scaled("dB"),
    "dBm": Scaled("dBm"),
    "Bspl": Scaled("dB", 10.0),
    "count": Scaled("1"),
    "/": Scaled("1"),
    "%": Scaled("%"),
    "/100": Scaled("%"),
    "/1000": Scaled("[ppth]"),
    "%RH": Scaled("%RH"),
    "%EL": Scaled("%"),
    "ppm": Scaled("ppm"),
    "ppb": Scaled("ppb"),
    "ug/m3": Scaled("ug/m3"),
    "S/m": Scaled("uS/cm", 1e4),
    "s": Scaled("s"),
    "min": Scaled("min"),
    "h": Scaled("h"),
    "lat": Scaled("deg"),
    "lon": Scaled("deg"),
}
_OTHERS: Final = all_of(
    "kg g cd mol sr N C F Ohm S Wb T H lm Bq Gy Sv kat m2 cd/m2 bit bit/s EL 1/s 1/min beat/min beats B VAs vars J/m "
    "kg/m3 NTU ms Ah varh kvarh kVAh Wh/km KiB GB Mbit/s B/s MB/s dBW"
)
"""Registered, and of no quantity we have; their spelling must not be taken for another unit."""

DECIDES: Final = {"lat": "latitude", "lon": "longitude", "%EL": "battery_percent", "Bspl": "sound_level"}
"""Units that only one property has, whatever the name says."""

SUMS: Final = {
    "W": ("energy", Scaled("J")),
    "kW": ("energy", Scaled("J", 1e3)),
    "m3/s": ("meter_reading", Scaled("m3")),
    "l/s": ("meter_reading", Scaled("L")),
}
"""What the sum of values over time is, by the unit of the values: unit times seconds."""


def scaled(unit: str | None) -> Scaled | None:
    """The UCUM code of a unit; None where there is none or we have no such quantity.

    What is in neither registry is read as people spell units, for devices that send ``kPa``.
    """
    if unit is None or unit in _OTHERS:
        return None
    known = _KNOWN.get(unit)
    if known is not None:
        return known
    code = ucum(unit)
    return None if code is None else Scaled(code)
