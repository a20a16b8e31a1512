"""Where a battery is going: the state of charge at the end of each of the last days, and a line through them. Pure."""

from typing import Final

DAY_MS: Final = 86_400_000
DAYS_KEPT: Final = 30
_DAYS_TO_JUDGE: Final = 3
_YEARS_AHEAD: Final = 20

Days = tuple[tuple[int, float], ...]
"""Day since the epoch and percent, oldest first."""


def with_charge(days: Days, time_ms: int, percent: float) -> Days:
    """The days with one more reading; what is older than the newest day changes nothing."""
    day = time_ms // DAY_MS
    if days and day < days[-1][0]:
        return days
    kept = days[:-1] if days and days[-1][0] == day else days
    return (*kept[-(DAYS_KEPT - 1) :], (day, percent))


def trend(days: Days) -> float | None:
    """Percent a day by least squares; None with less than three days."""
    if len(days) < _DAYS_TO_JUDGE:
        return None
    count = len(days)
    mean_day = sum(day for day, _ in days) / count
    mean = sum(percent for _, percent in days) / count
    spread = sum((day - mean_day) ** 2 for day, _ in days)
    return round(sum((day - mean_day) * (percent - mean) for day, percent in days) / spread, 4)


def empty_at(days: Days) -> int | None:
    """Milliseconds since the epoch at which the line reaches zero; None where it does not fall towards it."""
    slope = trend(days)
    if slope is None or slope >= 0:
        return None
    day, percent = days[-1]
    left = percent / -slope
    return None if left > 365 * _YEARS_AHEAD else round((day + left) * DAY_MS)
