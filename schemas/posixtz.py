"""Local time from a POSIX time zone rule: pure arithmetic, the same on every machine.

POSIX.1-2017 (8.3, "TZ") with the extensions of RFC 9636 (3.3.2): hours of a rule from -167 to 167. Only rules of the
form ``Mm.w.d``; every zone of the tz database that still changes its clocks has such a one.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

_NAME: Final = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_TIME: Final = r"([+-]?)(\d{1,3})(?::(\d{2}))?(?::(\d{2}))?"
_RULE: Final = rf"M(\d{{1,2}})\.(\d)\.(\d)(?:/({_TIME}))?"
_ZONE: Final = re.compile(rf"{_NAME}({_TIME})(?:{_NAME}({_TIME})?,({_RULE}),({_RULE}))?")
_HOUR_S: Final = 3_600
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time has no zone
_LAST: Final = 5


@dataclass(frozen=True, slots=True)
class _Change:
    """The ``week``-th ``weekday`` (0 is Sunday, week 5 the last) of a month, at ``at_s`` after its midnight."""

    month: int
    week: int
    weekday: int
    at_s: int

    def in_year(self, year: int) -> int:
        """Seconds since 1970 in the wall time that holds before the change."""
        first = date(year, self.month, 1)
        day = 1 + (self.weekday - first.isoweekday()) % 7 + 7 * (self.week - 1)
        if day > monthrange(year, self.month)[1]:
            day -= 7
        return (date(year, self.month, day) - _EPOCH.date()).days * 86_400 + self.at_s


@dataclass(frozen=True, slots=True)
class PosixZone:
    """A zone: offsets are what is added to UTC, in seconds."""

    standard_s: int
    daylight_s: int
    begins: _Change | None
    """Of daylight time; None: there is none."""
    ends: _Change | None

    @classmethod
    def parse(cls, text: str) -> "PosixZone":
        """The zone that a rule describes.

        Raises:
            ValueError: it is none, or of another form.
        """
        found = _ZONE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no POSIX time zone, as in CST-8 or CET-1CEST,M3.5.0,M10.5.0/3")
        standard_s = -_seconds(found[1])
        if found[11] is None:
            return cls(standard_s, standard_s, None, None)
        daylight_s = standard_s + _HOUR_S if found[6] is None else -_seconds(found[6])
        return cls(standard_s, daylight_s, _change(found[11]), _change(found[20]))

    def offset_s(self, utc_s: int) -> int:
        """What is added to this moment to make it wall time."""
        if self.begins is None or self.ends is None:
            return self.standard_s
        year = (_EPOCH + timedelta(seconds=utc_s + self.standard_s)).year
        begins, ends = _span(self, year)
        inside = begins <= utc_s < ends if begins < ends else not ends <= utc_s < begins
        return self.daylight_s if inside else self.standard_s

    def wall(self, utc_s: int) -> datetime:
        """Wall time of a moment, without a zone."""
        return _EPOCH + timedelta(seconds=utc_s + self.offset_s(utc_s))

    def moment(self, wall: datetime) -> int:
        """The first moment, in seconds since 1970, at which the wall clock shows this time or has passed it.

        A time that comes twice is its first coming; one that is left out is the moment at which the clock is set.
        """
        wall_s = round((wall - _EPOCH).total_seconds())
        offsets = sorted({self.standard_s, self.daylight_s}, reverse=True)
        for offset_s in offsets:  # the larger offset comes first
            if self.offset_s(wall_s - offset_s) == offset_s:
                return wall_s - offset_s
        # Left out: the clock is set forward somewhere between the two readings of it.
        low, high = wall_s - offsets[0], wall_s - offsets[1]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.offset_s(middle) == offsets[0] else (middle, high)
        return high


@lru_cache(maxsize=1024)
def _span(zone: PosixZone, year: int) -> tuple[int, int]:
    """The moments in a year at which daylight time begins and ends."""
    assert zone.begins is not None
    assert zone.ends is not None
    return zone.begins.in_year(year) - zone.standard_s, zone.ends.in_year(year) - zone.daylight_s


def _seconds(text: str) -> int:
    found = re.fullmatch(_TIME, text)
    assert found is not None, "the whole matched"
    sign, hours, minutes, seconds = found.groups()
    total = int(hours) * _HOUR_S + int(minutes or 0) * 60 + int(seconds or 0)
    return -total if sign == "-" else total


def _change(text: str) -> _Change:
    found = re.fullmatch(_RULE, text)
    assert found is not None, "the whole matched"
    month, week, weekday = int(found[1]), int(found[2]), int(found[3])
    if not (1 <= month <= 12 and 1 <= week <= _LAST and weekday <= 6):  # noqa: PLR2004 - months and days of a week
        raise ValueError(f"{text!r} names no day: months are 1 to 12, weeks 1 to 5, days 0 to 6")
    return _Change(month, week, weekday, 2 * _HOUR_S if found[4] is None else _seconds(found[4]))
