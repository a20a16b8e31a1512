"""What a name and a unit stand for, in formats where people choose the names: PLC tags, SenML, SensorThings.

A name is read as words (``Pressure/Discharge``, ``batteryVoltage``, ``tank_level``); a unit decides where words do not:
a level in metres is one of water, in percent one of filling. What people set rather than measure (limits, set points)
is never a reading.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from ingest.meaning.values import ucum
from schemas.properties import PROPERTIES
from schemas.units import UNITS

_NAME_MAX: Final = 256


def all_of(words: str) -> frozenset[str]:
    """A set of words, for tables that read better as text."""
    return frozenset(words.split())


_SAME: Final = {
    word: canonical
    for canonical, words in {
        "temperature": "temp tmp temperatur temps",
        "humidity": "hum rh hygro",
        "pressure": "press pres",
        "level": "lvl",
        "voltage": "volt volts vbat vbatt",
        "current": "curr amps amperage",
        "power": "pwr watts wattage",
        "energy": "kwh wh",
        "frequency": "freq",
        "battery": "batt bat vbat vbatt",
        "percent": "pct percentage soc charge remaining",
        "flow": "flowrate",
        "illuminance": "lux light illumination brightness luminosity",
        "leak": "leakage flood flooding",
        "moisture": "vwc",
        "fault": "faulted failure",
        "tamper": "tampered",
        "occupied": "occupancy presence",
        "motion": "pir movement",
        "vibration": "vibrating",
        "open": "opened",
        "closed": "close",
        "door": "gate window hatch cover lid cabinet contact manhole",
        "conductivity": "ec cond",
        "total": "totalizer totaliser totalised totalized cumulative",
        "volume": "vol",
        "pulse": "pulses",
        "count": "counter counts",
        "sound": "noise spl",
        "radiation": "irradiance",
        "rain": "rainfall precipitation",
        "rate": "intensity",
        "direction": "dir bearing",
        "speed": "velocity",
        "latitude": "lat",
        "longitude": "lon lng long",
        "distance": "range",
        "running": "run",
        "relay": "switch",
    }.items()
    for word in words.split()
}

_SET_NOT_MEASURED: Final = all_of(
    "setpoint sp set target limit limits threshold thresholds max min maximum minimum hysteresis deadband calibration "
    "offset gain scale scaling config configuration cmd command interval period timeout delay rated nominal "
    "spec capacity"
)
_NO_RATE: Final = all_of("total volume")
"""Words of a totalizer, also where the unit of the flow beside it was given for all."""
_NO_FLAG: Final = all_of("code count number total time")
"""With one of these, a number is no flag though it may be 0 or 1."""
_GENERIC: Final = all_of("value reading pv measurement measured process actual now present")

_RULES: Final[tuple[tuple[frozenset[str], str, bool], ...]] = tuple(
    (frozenset(words.split()), observed_property, inverted)
    for words, observed_property, inverted in (
        ("battery voltage", "battery_voltage", False),
        ("battery percent", "battery_percent", False),
        ("battery level", "battery_percent", False),
        ("battery low", "low_battery", False),
        ("battery", "battery_voltage", False),
        ("battery", "battery_percent", False),
        ("water level", "water_level", False),
        ("fill level", "fill_level", False),
        ("level", "water_level", False),
        ("level", "fill_level", False),
        ("depth", "water_level", False),
        ("fill", "fill_level", False),
        ("water leak", "water_leak", False),
        ("leak", "water_leak", False),
        ("valve open", "valve_open", False),
        ("valve closed", "valve_open", True),
        ("door open", "contact_open", False),
        ("door closed", "contact_open", True),
        ("soil moisture", "soil_moisture", False),
        ("moisture", "soil_moisture", False),
        ("power factor", "power_factor", False),
        ("apparent power", "apparent_power", False),
        ("reactive power", "reactive_power", False),
        ("wind speed", "wind_speed", False),
        ("wind direction", "wind_direction", False),
        ("rain rate", "rain_rate", False),
        ("rain", "rain_rate", False),
        ("solar radiation", "solar_irradiance", False),
        ("radiation", "solar_irradiance", False),
        ("sound level", "sound_level", False),
        ("sound peak", "sound_level_peak", False),
        ("sound", "sound_level", False),
        ("pulse count", "pulse_count", False),
        ("pulse", "pulse_count", False),
        ("signal strength", "rssi", False),
        ("link quality", "link_quality", False),
        ("smoke", "smoke_alarm", False),
        ("gas alarm", "gas_alarm", False),
        ("fire alarm", "fire_alarm", False),
        ("full alarm", "full_alarm", False),
        ("empty alarm", "empty_alarm", False),
        ("tilt x", "tilt_x", False),
        ("tilt y", "tilt_y", False),
        ("tilt z", "tilt_z", False),
        ("tilt", "tilt_angle", False),
        ("tilt", "tilted", False),
        ("pressure", "pressure", False),
        ("flow", "flow", False),
        ("flow volume", "meter_reading", False),
        ("meter", "meter_reading", False),
        ("volume", "meter_reading", False),
        ("flow total", "meter_reading", False),
        ("total", "meter_reading", False),
        ("conductivity", "conductivity", False),
        ("ph", "ph", False),
        ("temperature", "temperature", False),
        ("humidity", "humidity", False),
        ("power", "power", False),
        ("energy", "energy", False),
        ("voltage", "voltage", False),
        ("current", "current", False),
        ("frequency", "frequency", False),
        ("illuminance", "illuminance", False),
        ("distance", "distance", False),
        ("acceleration", "acceleration", False),
        ("co2", "co2", False),
        ("co", "co", False),
        ("tvoc", "tvoc", False),
        ("pm25", "pm2_5", False),
        ("pm10", "pm10", False),
        ("no2", "no2", False),
        ("so2", "so2", False),
        ("o3", "o3", False),
        ("h2s", "gas_h2s", False),
        ("nh3", "gas_nh3", False),
        ("ch4", "gas_ch4", False),
        ("methane", "gas_ch4", False),
        ("vibration", "vibration", False),
        ("motion", "motion", False),
        ("occupied", "occupied", False),
        ("tamper", "tamper", False),
        ("fault", "fault", False),
        ("running", "switch_on", False),
        ("relay", "switch_on", False),
        ("rssi", "rssi", False),
        ("snr", "snr", False),
        ("latitude", "latitude", False),
        ("longitude", "longitude", False),
    )
)

_ASSUMED: Final = all_of(
    "temperature humidity voltage current frequency battery_voltage co2 illuminance ph pulse_count rssi snr "
    "link_quality latitude longitude power_factor wind_direction soil_moisture sound_level sound_level_peak "
    "tilt_x tilt_y tilt_z tilt_angle pm2_5 pm10 battery_percent fill_level"
)
"""A number of these without a unit is taken in the usual one; of the others (pressure, flow, power) it could be any."""
_NEEDS_UNIT_BY_NAME: Final = frozenset({frozenset({"battery"}), frozenset({"level"})})
"""Words that stand for different properties, told apart by the unit alone."""

_BY_UNIT: Final = {
    "Cel": "temperature",
    "%RH": "humidity",
    "Pa": "pressure",
    "m3/h": "flow",
    "V": "voltage",
    "A": "current",
    "W": "power",
    "Wh": "energy",
    "V.A": "apparent_power",
    "var": "reactive_power",
    "lx": "illuminance",
    "Hz": "frequency",
    "[pH]": "ph",
    "uS/cm": "conductivity",
    "W/m2": "solar_irradiance",
    "dBm": "rssi",
}
"""By the canonical unit of a quantity that only one property has, for names that say nothing."""

_WORD: Final = re.compile(r"[^\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FINE_DUST: Final = re.compile(r"(?i)pm[\s_]?2[._,]?5")
_BRACKETED: Final = re.compile(r"^(.*\S)\s*[(\[]([^()\[\]]{1,16})[)\]]\s*$", re.DOTALL)


class Meaning(NamedTuple):
    """What a name stands for."""

    observed_property: str
    inverted: bool
    rest: str
    """The other words of the name, which tell several sensors of one property apart; may be empty."""


@lru_cache(maxsize=65_536)
def meaning(name: str, unit: str | None = None, *, truth: bool = False, by_unit: bool = True) -> Meaning | None:
    """The property that a name and a unit stand for; None where that is not certain.

    Args:
        name: as people write it.
        unit: UCUM or a common spelling; None where nobody gives one.
        truth: the values are true or false.
        by_unit: whether the unit may decide alone where no word of the name is known.
    """
    code = None if unit is None else ucum(unit)
    if len(name) > _NAME_MAX or (unit is not None and code is None):
        return None
    words = words_of(name)
    if not _SET_NOT_MEASURED.isdisjoint(words):
        return None
    found = _by_words(words, code, truth=truth)
    if found is not None:
        return found
    if truth or code is None or not (by_unit or set(words) <= _GENERIC):
        return None
    observed = _BY_UNIT.get(UNITS[code].canonical)
    if observed is None or (observed == "flow" and not _NO_RATE.isdisjoint(_SAME.get(word, word) for word in words)):
        return None
    return Meaning(observed, inverted=False, rest="_".join(words))


def _by_words(words: list[str], code: str | None, *, truth: bool) -> Meaning | None:
    """The rule with the most words of the name; of equal ones, that whose words stand last."""
    known = [_SAME.get(word, word) for word in words]
    said = set(known) | ({"battery", "voltage"} if {"vbat", "vbatt"} & set(words) else set())
    best, found = (0, 0), None
    for needed, observed_property, inverted in _RULES:
        if needed <= said and _fits(observed_property, needed, said, code, truth=truth):
            last = max((at for at, word in enumerate(known) if word in needed), default=0)
            if found is None or (len(needed), last) > best:
                rest = "_".join(word for word, same in zip(words, known, strict=True) if same not in needed)
                best, found = (len(needed), last), Meaning(observed_property, inverted, rest)
    return found


def _fits(observed_property: str, needed: frozenset[str], said: set[str], code: str | None, *, truth: bool) -> bool:
    prop = PROPERTIES[observed_property]
    if prop.is_flag:
        return truth or (code in (None, "1") and _NO_FLAG.isdisjoint(said))
    if truth or (observed_property == "flow" and not _NO_RATE.isdisjoint(said)):
        return False
    if code is None:
        return observed_property in _ASSUMED and needed not in _NEEDS_UNIT_BY_NAME
    return prop.accepts(code)


def words_of(name: str) -> list[str]:
    """The words of a name in lower case, without the number at the end of a word that is known without it."""
    text = _CAMEL.sub(" ", _FINE_DUST.sub("pm25 ", name))
    out: list[str] = []
    for word in _WORD.findall(text.lower()):
        bare = word.rstrip("0123456789")
        if bare and bare != word and word not in _WHOLE and (bare in _SAME or bare in _KNOWN):
            out += [bare, word[len(bare) :]]
        else:
            out.append(word)
    return out


_KNOWN: Final = frozenset(word for needed, _, _ in _RULES for word in needed)
_WHOLE: Final = frozenset(word for word in _KNOWN if word[-1:].isdigit())


def unit_in(name: str) -> tuple[str, str | None]:
    """A name and the unit written behind it in brackets or as its last part: ``Pressure (kPa)``, ``level_mm``."""
    if match := _BRACKETED.match(name[:_NAME_MAX]):
        return match[1], match[2]
    head, separator, tail = name.rpartition("_")
    if separator and head and tail != "1" and tail.lower() not in _NOT_AS_SUFFIX and ucum(tail) is not None:
        return head, tail
    return name, None


_NOT_AS_SUFFIX: Final = frozenset({"c", "f", "k", "g", "l", "h", "d", "s", "in", "rh", "ph"}) - {"c", "f", "rh"}
