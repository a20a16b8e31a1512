"""What ``processors.detectors.limit`` decides by: a rule for every quantity that a probe may measure.

Sources of the defaults:

- sound: GB 3096-2008, table 1, area of class 2 (homes, shops and workshops side by side): 60 dB by day, 50 dB from
  22:00 to 06:00. Other classes: 0 50/40, 1 55/45, 3 65/55, 4a 70/55.
- no2, so2, o3: GB 3095-2012, one hour, class 2 (200, 500 and 200 ug/m3 at 25 Cel). pm2_5, pm10: the same, 24 hours (75
  and 150 ug/m3); an hour beyond them is our proposal.
- gas_lel, gas_ch4, co, gas_h2s: the low alarms that makers of detectors set after GB 6222-2005 and GBZ 2.1 (10 % of the
  lower explosive limit; 24 ppm; 10 mg/m3). gas_nh3: GBZ 2.1, 15 minutes (30 mg/m3), not seen in print.
"""

import math
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.properties import PROPERTIES, Property
from schemas.rules.rule import Parameter, Rule, count, seconds, share

FAMILY: Final = "limit"
HOUR_S: Final = 3_600.0

UNLIMITED: Final = frozenset(
    {
        "meter_reading",
        "pulse_count",
        "volume_delta",
        "pulse_delta",
        "energy",
        "uptime",
        "restart_count",
        "latitude",
        "longitude",
        "wind_direction",
    }
)
"""Counters only rise, a place is no quantity, and a direction runs in a circle."""

KINDS: Final = (
    dict.fromkeys(("gas_lel", "gas_ch4", "gas_h2s", "gas_nh3", "co", "gas_alarm"), AnomalyKind.GAS_LIMIT)
    | dict.fromkeys(("pm2_5", "pm10", "no2", "so2", "o3", "co2", "tvoc"), AnomalyKind.AIR_LIMIT)
    | dict.fromkeys(("sound_level", "sound_level_peak"), AnomalyKind.NOISE_LIMIT)
)
"""By property; all others are :attr:`~schemas.anomaly.AnomalyKind.LIMIT_EXCEEDED`."""

_DEFAULTS: Final[dict[str, dict[str, float]]] = {
    "gas_lel": {"high": 10.0, "margin": 2.0},
    "gas_ch4": {"high": 5_000.0, "margin": 1_000.0},
    "gas_h2s": {"high": 7.0, "margin": 2.0},
    "gas_nh3": {"high": 42.0, "margin": 7.0},
    "co": {"high": 24.0, "margin": 4.0},
    "gas_alarm": {"high": 0.5, "samples": 1},
    "pm2_5": {"high": 75.0, "margin": 10.0, "samples": 3, "for_s": HOUR_S, "clear_s": 1_800.0},
    "pm10": {"high": 150.0, "margin": 20.0, "samples": 3, "for_s": HOUR_S, "clear_s": 1_800.0},
    "no2": {"high": 0.106, "margin": 0.01, "samples": 3, "for_s": HOUR_S, "clear_s": 1_800.0},
    "so2": {"high": 0.19, "margin": 0.02, "samples": 3, "for_s": HOUR_S, "clear_s": 1_800.0},
    "o3": {"high": 0.102, "margin": 0.01, "samples": 3, "for_s": HOUR_S, "clear_s": 1_800.0},
    "sound_level": {
        "high": 60.0,
        "night_high": 50.0,
        "margin": 2.0,
        "samples": 3,
        "for_s": 600.0,
        "clear_s": 600.0,
    },
}


def rule_of(observed_property: str) -> str:
    """The name of the rule of a property."""
    return f"{FAMILY}_{observed_property}"


def _limit(prop: Property, name: str, default: float, meaning: str, low: float) -> Parameter:
    return Parameter(name, prop.unit, default, low, prop.high, meaning, unlimited=True)


def _rule(prop: Property) -> Rule:
    said = _DEFAULTS.get(prop.name, {})
    change = 1e-6  # a rise or a fall is a difference
    return Rule(
        rule_of(prop.name),
        "limit",
        f"`{prop.name}` is beyond a limit or changes too fast.",
        frozenset(),
        (KINDS.get(prop.name, AnomalyKind.LIMIT_EXCEEDED),),
        (
            _limit(prop, "high", said.get("high", math.inf), "more than this is too much", prop.low),
            _limit(prop, "night_high", said.get("night_high", math.inf), "in the quiet hours: this instead", prop.low),
            _limit(prop, "low", -math.inf, "less than this is too little", prop.low),
            _limit(prop, "rise", math.inf, "more than this up is too fast", change),
            _limit(prop, "fall", math.inf, "more than this down is too fast", change),
            seconds("change_s", 300.0, "within so long", low=1.0),
            Parameter("margin", prop.unit, said.get("margin", 0.0), 0.0, prop.high, "so far within a limit is calm"),
            count("samples", int(said.get("samples", 2)), 1_000, "so many samples in a row are believed"),
            seconds("for_s", said.get("for_s", 0.0), "and only when they last so long"),
            count("clear_samples", 2, 1_000, "so many calm samples in a row end it"),
            seconds("clear_s", said.get("clear_s", 0.0), "and only when they last so long"),
            share(
                "frozen_chance",
                1e-3,
                "what was allowed and then repeats itself by a smaller chance is a frozen sensor's: no news",
            ),
            Parameter("night_from_h", "h", 22.0, 0.0, 24.0, "when the quiet hours begin, local time"),
            Parameter("night_to_h", "h", 6.0, 0.0, 24.0, "and when they end, on the next day if that is earlier"),
        ),
        family=FAMILY,
    )


RULES: Final[tuple[Rule, ...]] = tuple(
    _rule(prop)
    for prop in PROPERTIES.values()
    if (not prop.is_flag or prop.name in KINDS) and prop.name not in UNLIMITED
)
