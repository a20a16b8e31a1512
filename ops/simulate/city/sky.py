"""The clock on the wall, the sun and the weather of the city.

Xuchang: 34.03 N, 113.85 E, UTC+8 without daylight saving; monsoon climate with its rain in July and August (normals of
the station in round numbers). The height of the sun after the usual approximations (declination by Cooper, equation of
time by Spencer), good to a minute or two; who decides whether a lamp should burn uses better ones.
"""

import math
from functools import lru_cache
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS

LAT_DEG: Final = 34.03
LON_DEG: Final = 113.85
UTC_OFFSET_MS: Final = 8 * HOUR_MS
SUNSET_DEG: Final = -0.833
"""Upper edge of the sun at the horizon, with refraction."""

_MEAN_C: Final = (1.0, 4.5, 10.0, 16.5, 22.0, 26.5, 27.5, 26.0, 21.5, 16.0, 9.0, 3.0)
_WET_DAYS: Final = (0.08, 0.10, 0.16, 0.18, 0.22, 0.28, 0.42, 0.36, 0.26, 0.18, 0.14, 0.08)
_WEEKEND: Final = 5


class Moment(NamedTuple):
    """Local time."""

    hour: float
    weekday: int  # 0 is Monday
    month: int  # 0 is January
    yearday: float

    @property
    def weekend(self) -> bool:
        """Saturday or Sunday."""
        return self.weekday >= _WEEKEND


def local(at_ms: int) -> Moment:
    """Local time of an instant."""
    days, rest = divmod(at_ms + UTC_OFFSET_MS, DAY_MS)
    yearday = (days + 0.5) % 365.2425  # day 0 is 1 January 1970; good to a day, which is all that a season needs
    return Moment(rest / HOUR_MS, (days + 3) % 7, min(11, int(yearday / 30.44)), yearday)


@lru_cache(maxsize=4096)
def sun(day: int) -> tuple[int, int]:
    """Sunrise and sunset of a local day (counted from 1970), in milliseconds from its midnight."""
    angle = 2 * math.pi * ((day + 0.5) % 365.2425) / 365.2425
    declination = math.radians(23.45) * math.sin(angle - math.radians(80.0))
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(angle)
        - 0.032077 * math.sin(angle)
        - 0.014615 * math.cos(2 * angle)
        - 0.040849 * math.sin(2 * angle)
    )
    lat = math.radians(LAT_DEG)
    cosine = (math.sin(math.radians(SUNSET_DEG)) - math.sin(lat) * math.sin(declination)) / (
        math.cos(lat) * math.cos(declination)
    )
    half_h = math.degrees(math.acos(cosine)) / 15
    noon_h = 12 + (UTC_OFFSET_MS / HOUR_MS * 15 - LON_DEG) / 15 - equation_min / 60
    return int((noon_h - half_h) * HOUR_MS), int((noon_h + half_h) * HOUR_MS)


def burning(at_ms: int) -> bool:
    """Whether street lamps are to burn: from 15 minutes after sunset to 15 minutes before sunrise."""
    day, rest = divmod(at_ms + UTC_OFFSET_MS, DAY_MS)
    rise, fall = sun(day)
    return not rise - 15 * MINUTE_MS <= rest < fall + 15 * MINUTE_MS


class Rain(NamedTuple):
    """A shower over the whole city; ``peak_mm_h`` in its middle."""

    start_ms: int
    end_ms: int
    peak_mm_h: float

    def rate(self, at_ms: int) -> float:
        """mm/h then."""
        if not self.start_ms < at_ms < self.end_ms:
            return 0.0
        return self.peak_mm_h * math.sin(math.pi * (at_ms - self.start_ms) / (self.end_ms - self.start_ms))


class Weather:
    """Temperature and rain, the same for all who ask."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._days: dict[int, tuple[float, Rain | None]] = {}

    def _day(self, day: int) -> tuple[float, Rain | None]:
        found = self._days.get(day)
        if found is None:
            draws = Draws(self._seed, "weather", day)
            month = local(day * DAY_MS - UTC_OFFSET_MS).month
            warmer = draws.normal(2.5)
            rain = None
            if draws.chance(_WET_DAYS[month]):
                start = day * DAY_MS - UTC_OFFSET_MS + int(draws.uniform(0, 20) * HOUR_MS)
                rain = Rain(start, start + int(draws.uniform(0.5, 4) * HOUR_MS), 2 + draws.wait(8.0))
            found = self._days[day] = warmer, rain
        return found

    def temperature(self, at_ms: int) -> float:
        """Of the air, degrees Celsius."""
        now = local(at_ms)
        warmer, _ = self._day((at_ms + UTC_OFFSET_MS) // DAY_MS)
        return _MEAN_C[now.month] + warmer + 5.5 * math.sin(2 * math.pi * (now.hour - 9) / 24)

    def rain(self, at_ms: int) -> float:
        """mm/h."""
        _, rain = self._day((at_ms + UTC_OFFSET_MS) // DAY_MS)
        return 0.0 if rain is None else rain.rate(at_ms)
