"""What a verdict says to a person: ``2.3x the usual Tuesday 03:00 (UTC)``."""

from typing import Final

from processors.novelty.observe import Verdict
from processors.novelty.season import hour_of_week
from processors.novelty.state import DRIFT, HOUR_DRIFT, LEVEL, RANGE, ROUGHNESS, SEASON, SPIKE

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RATIO_FROM: Final = 0.05  # of the value: against a smaller usual level a ratio says nothing

WHAT: Final = {
    RANGE: "beyond all that was seen here",
    SPIKE: "a spike",
    LEVEL: "off its level",
    SEASON: "unlike this hour",
    DRIFT: "off its season for long",
    HOUR_DRIFT: "off its season for long",
    ROUGHNESS: "restless",
}


def explain(verdict: Verdict, time_ms: int, value: float, unit: str = "") -> str:
    """The reading against what is usual, and in what way it is new; ``unit`` as UCUM."""
    if not verdict.excess:
        return "as usual"
    aspect = max(range(len(verdict.excess)), key=verdict.excess.__getitem__)
    what = "unusually quiet" if aspect == ROUGHNESS and verdict.ratio < 1.0 else WHAT[aspect]
    return f"{against(verdict, time_ms, value, unit)}: {what}"


def against(verdict: Verdict, time_ms: int, value: float, unit: str = "") -> str:
    """``2.3x the usual Tuesday 03:00 (UTC)``, or both numbers where a ratio would mislead."""
    when = _when(verdict.basis, time_ms)
    usual = verdict.usual
    if value * usual > 0.0 and abs(usual) >= RATIO_FROM * abs(value):
        return f"{value / usual:.2g}x the usual {when}"
    unit = f" {unit}" if unit and unit != "1" else ""
    return f"{value:.4g}{unit} against {usual:.4g}{unit}, the usual {when}"


def _when(basis: str, time_ms: int) -> str:
    day, hour = divmod(hour_of_week(time_ms), 24)
    if basis == "week":
        return f"{DAYS[day]} {hour:02d}:00 (UTC)"
    return f"{hour:02d}:00 (UTC)" if basis == "hour" else "level"
