"""How devices spell numbers, flags and units. Nothing is guessed: what is not certainly meant so is None."""

import math
import re
from typing import Any, Final, NamedTuple

from schemas.units import UNITS

_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(.{0,24}?)\s*", re.DOTALL)
_TEXT_MAX: Final = 64
_DIGITS_MAX: Final = 40

_SPELLINGS: Final = {
    "c": "Cel",
    "°c": "Cel",
    "º c": "Cel",
    "ºc": "Cel",
    "℃": "Cel",
    "degc": "Cel",
    "celsius": "Cel",
    "f": "[degF]",
    "°f": "[degF]",
    "ºf": "[degF]",
    "℉": "[degF]",
    "fahrenheit": "[degF]",
    "k": "K",
    "kelvin": "K",
    "°": "deg",
    "º": "deg",
    "degree": "deg",
    "degrees": "deg",
    "percent": "%",
    "pct": "%",
    "‰": "[ppth]",
    "%rh": "%RH",
    "rh": "%RH",
    "% rh": "%RH",
    "rh%": "%RH",
    "psi": "[psi]",
    "mh2o": "m[H2O]",
    "mwc": "m[H2O]",
    "mmhg": "mm[Hg]",
    "inhg": "[in_i'Hg]",
    "m³": "m3",
    "m^3": "m3",
    "cbm": "m3",
    "l": "L",
    "liter": "L",
    "litre": "L",
    "liters": "L",
    "litres": "L",
    "ml": "mL",
    "gal": "[gal_us]",
    "ft³": "[cft_i]",
    "ft3": "[cft_i]",
    "cf": "[cft_i]",
    "in": "[in_i]",
    "inch": "[in_i]",
    "ft": "[ft_i]",
    "feet": "[ft_i]",
    "meter": "m",
    "meters": "m",
    "metre": "m",
    "metres": "m",
    "m³/h": "m3/h",
    "m^3/h": "m3/h",
    "cmh": "m3/h",
    "m³/s": "m3/s",
    "l/s": "L/s",
    "lps": "L/s",
    "l/min": "L/min",
    "lpm": "L/min",
    "l/h": "L/h",
    "volt": "V",
    "volts": "V",
    "amp": "A",
    "amps": "A",
    "ampere": "A",
    "watt": "W",
    "watts": "W",
    "va": "V.A",
    "kva": "kV.A",
    "lux": "lx",
    "lm/m2": "lx",
    "db": "dB",
    "dba": "dB",
    "db(a)": "dB",
    "dbspl": "dB",
    "dbfs": "dBFS",
    "dbm": "dBm",
    "µg/m³": "ug/m3",
    "μg/m³": "ug/m3",
    "µg/m3": "ug/m3",
    "ug/m³": "ug/m3",
    "mg/m³": "mg/m3",
    "µs/cm": "uS/cm",
    "μs/cm": "uS/cm",
    "g": "[g]",
    "m/s²": "m/s2",
    "kph": "km/h",
    "mph": "[mi_i]/h",
    "kn": "[kn_i]",
    "ft/s": "[ft_i]/s",
    "w/m²": "W/m2",
    "w⋅m⁻²": "W/m2",
    "m⋅s⁻¹": "m/s",
    "µs⋅cm⁻¹": "uS/cm",
    "μs⋅cm⁻¹": "uS/cm",
    "ms⋅cm⁻¹": "mS/cm",
    "µg⋅m⁻³": "ug/m3",
    "μg⋅m⁻³": "ug/m3",
    "mm⋅h⁻¹": "mm/h",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "ph": "[pH]",
}
_CASELESS: Final[dict[str, str | None]] = {}
for _code in UNITS:  # kpa, KWH, Mbar; but "mw" may be milliwatts or megawatts and is neither
    _CASELESS[_code.lower()] = None if _code.lower() in _CASELESS else _code

_TRUE: Final = frozenset({"1", "true", "on", "yes", "y", "active", "alarm", "detected", "triggered"})
_FALSE: Final = frozenset({"0", "false", "off", "no", "n", "inactive", "normal", "clear", "none", "ok", "idle"})


class Amount(NamedTuple):
    """A number and the UCUM unit that was written behind it; unit None where none was, "" where we do not know it."""

    value: float
    unit: str | None


def ucum(spelled: str | None) -> str | None:
    """The UCUM code that is meant by a unit as people and devices spell it; None where that is not certain."""
    if spelled is None:
        return None
    if spelled in UNITS:
        return spelled
    text = spelled.strip()
    if text in UNITS:
        return text
    folded = text.lower()
    return _SPELLINGS.get(folded) or _CASELESS.get(folded)


def finite(value: Any) -> float | None:
    """A JSON number as a float; None for anything else, for a bool, and beyond what a float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def amount(value: Any) -> Amount | None:
    """A number, or a text that is a number and perhaps a unit: ``30``, ``"25 ℃"``, ``"1700 mm"``."""
    number = finite(value)
    if number is not None:
        return Amount(number, None)
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        return None
    match = _NUMBER.fullmatch(value)
    if match is None or len(match[1]) > _DIGITS_MAX:
        return None
    number = float(match[1])
    if not math.isfinite(number):
        return None
    spelled = match[2]
    return Amount(number, None if not spelled else ucum(spelled) or "")


def flag(value: Any, true: frozenset[str] = frozenset(), false: frozenset[str] = frozenset()) -> bool | None:
    """A flag as devices spell it; further words, in lower case, are a field's own."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return {0.0: False, 1.0: True}.get(float(value)) if -1 < value < 2 else None  # noqa: PLR2004 - 0 or 1
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        return None
    word = value.strip().lower()
    if word in true:
        return True
    if word in false:
        return False
    return True if word in _TRUE else False if word in _FALSE else None
