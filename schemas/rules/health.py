"""What ``processors.detectors.health`` decides by; the numbers per property stand in :mod:`schemas.health`."""

import math
from collections.abc import Iterator
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.health import DRIFT_FLOOR, LIMITS, STILL_S
from schemas.properties import PROPERTIES
from schemas.rules.rule import Parameter, Rule, count, seconds


def _watching(name: str, about: str, kind: AnomalyKind, *parameters: Parameter) -> Rule:
    """A rule of the health of devices: for all classes."""
    return Rule(name, "health", about, frozenset(), (kind,), parameters)


def _ratio(name: str, default: float, high: float, meaning: str, *, low: float = 0.0, unit: str = "1") -> Parameter:
    return Parameter(name, unit, default, low, high, meaning)


def _possible() -> Iterator[Parameter]:
    """The limits of what is physically possible, where there are any."""
    for name, limits in LIMITS.items():
        prop = PROPERTIES[name]
        width = prop.high - prop.low
        for what, low, high, unit, meaning in (
            ("low", prop.low, prop.high, prop.unit, "its sensors show nothing below"),
            ("high", prop.low, prop.high, prop.unit, "its sensors show nothing above"),
            ("step", 0.0, width, prop.unit, "it may change by so much at once"),
            ("per_s", 0.0, width, f"{prop.unit}/s", "and by so much more for every second"),
        ):
            default = getattr(limits, what)
            if math.isfinite(default) and (what != "per_s" or math.isfinite(limits.step)):
                yield Parameter(f"{name}_{what}", unit, default, low, high, meaning)


RULES: Final[tuple[Rule, ...]] = (
    _watching(
        "stuck",
        "A reading stands still far longer than it ever did.",
        AnomalyKind.DEVICE_STUCK,
        _ratio("longer", 4.0, 1_000.0, "so many times the longest time it ever stood still", low=1.0),
        count("moves", 30, 100_000, "so often it must have moved before that is known"),
        seconds("learn_s", 86_400.0, "and for so long it must have been watched: a night at least"),
        seconds("lively_s", 21_600.0, "or only so long, where it never rests: a property with a patience of its own"),
        count("peers", 3, 10_000, "so many others of its zone and class stand for one of these that has no record"),
        seconds("least_s", 3_600.0, "no shorter standstill is too long"),
        count("samples", 10, 1_000, "so many readings of it at least"),
        _ratio("share", 0.05, 1.0, "it stands still while it moves by less than this share of what is usual"),
        *(
            seconds(f"{name}_s", until_s, f"{name} may stand still for so long before its record is known", low=60.0)
            for name, until_s in STILL_S.items()
        ),
    ),
    _watching(
        "jump",
        "A reading says what no street can have caused.",
        AnomalyKind.DEVICE_JUMP,
        count("clear_samples", 10, 10_000, "so many possible readings in a row, near where it was, end it"),
        seconds("settle_s", 86_400.0, "or so long possible elsewhere: there it stands from now on", low=1.0),
        *_possible(),
    ),
    _watching(
        "property_silence",
        "One sensor of a device is dead while the device speaks.",
        AnomalyKind.PROPERTY_SILENT,
        _ratio("longer", 4.0, 1_000.0, "so many times the longest gap it ever had", low=1.0),
        count("readings", 24, 100_000, "so many readings must have come before that is known"),
        count("known", 200, 1_000_000, "after so many it is known so well that one time less is enough"),
    ),
    _watching(
        "drift",
        "A reading walks away from those of its neighbours.",
        AnomalyKind.DEVICE_DRIFT,
        count("others", 3, 1_000, "so many neighbours of its zone and class it needs"),
        count("learn_hours", 48, 8_784, "so many hours teach what is usual"),
        count("hours", 6, 8_784, "so many hours in a row far away make it, near again end it"),
        _ratio("spreads", 6.0, 1_000.0, "far away: so many times what it usually varies by, and at least:", low=1.0),
        *(
            _ratio(name, floor, PROPERTIES[name].high, f"of {name}", unit=PROPERTIES[name].unit)
            for name, floor in DRIFT_FLOOR.items()
        ),
    ),
    _watching(
        "battery",
        "A battery is nearly empty, or will be soon.",
        AnomalyKind.DEVICE_BATTERY,
        _ratio("low_percent", 15.0, 100.0, "at or below it is nearly empty", unit="%"),
        count("samples", 2, 1_000, "so many such charges in a row"),
        _ratio("denied_percent", 50.0, 100.0, "above it the device's own word of a low one is wrong", unit="%"),
        _ratio("left_d", 14.0, 3_660.0, "or empty in so many days by its slope", unit="d"),
        count("history_days", 7, 29, "by so many days that are over"),
        _ratio("margin_percent", 10.0, 100.0, "so far above `low_percent` it is well again", unit="%"),
    ),
    _watching(
        "restarts",
        "A device restarts again and again.",
        AnomalyKind.DEVICE_RESTARTS,
        count("count", 3, 100, "so many restarts"),
        seconds("within_s", 3_600.0, "within so long; none for so long ends it", low=1.0),
    ),
    _watching(
        "duplicate",
        "Two devices speak under one id.",
        AnomalyKind.DEVICE_DUPLICATE,
        count("returns", 3, 100, "so often the numbers go back to a row that was left"),
        seconds("within_s", 3_600.0, "within so long; never for so long ends it", low=1.0),
    ),
    _watching(
        "signal",
        "A device is at the end of its radio range.",
        AnomalyKind.DEVICE_SIGNAL,
        Parameter("rssi_dbm", "dBm", -120.0, -200.0, 50.0, "it is hardly heard below this strength"),
        Parameter("snr_db", "dB", -15.0, -100.0, 100.0, "or below this ratio to the noise"),
        _ratio("margin_db", 3.0, 100.0, "so far above it is heard well", unit="dB"),
        seconds("low_s", 14_400.0, "for so long"),
    ),
)
