"""Which curb policy applies at a moment, and until when: pure, asked when something changes and never per reading.

A time span is, for every local day on which it begins, an interval of moments. A local time that comes twice is its
first coming, one that is left out is the moment at which the clock is set: so spans that meet on the wall clock meet on
every night of the year, without a gap and without overlapping.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from schemas.curb import WEEKDAYS, Calendar, CurbPolicy, TimeSpan
from schemas.posixtz import PosixZone

HORIZON_DAYS: Final = 400
"""How far ahead a change is looked for: more than a year, so that yearly ones are found."""

_BEFORE: Final = timedelta(days=2)  # a span that began two days ago is over: the longest is a day and 23 h 59 min
_DAY: Final = timedelta(days=1)


class Spell(NamedTuple):
    """``policy`` applies (None: none does) from the moment asked for until ``until_ms``, which is exclusive.

    ``until_ms`` is the next change, or where looking ahead ended: ask again then.
    """

    policy: CurbPolicy | None
    until_ms: int


def spell(policies: Sequence[CurbPolicy], calendar: Calendar, at_ms: int) -> Spell:
    """What applies at a moment, and when that changes next.

    Args:
        policies: of one place; where two apply at once, the lowest priority number counts, then the earlier one.
        calendar: time zone and designated periods.
        at_ms: the moment.
    """
    zone = PosixZone.parse(calendar.time_zone)
    ranked = sorted(policies, key=lambda policy: policy.priority)
    at_s = at_ms // 1000  # boundaries are whole seconds
    current = _at(ranked, calendar, zone, at_s)
    today = zone.wall(at_s).date()
    pending: set[int] = set()
    for ahead in range(-_BEFORE.days, HORIZON_DAYS):
        day = today + ahead * _DAY
        pending.update(moment for span in _spans(ranked) for moment in _interval(span, calendar, zone, day))
        tomorrow_s = zone.moment(datetime.combine(day + _DAY, time()))
        due = sorted(moment for moment in pending if moment < tomorrow_s)  # a later day's spans begin not before
        pending.difference_update(due)
        for boundary_s in due:
            if boundary_s > at_s and _at(ranked, calendar, zone, boundary_s) != current:
                return Spell(current, boundary_s * 1000)
    horizon = datetime.combine(today + HORIZON_DAYS * _DAY, time())
    return Spell(current, zone.moment(horizon) * 1000)


def _spans(policies: Sequence[CurbPolicy]) -> Iterator[TimeSpan]:
    return (span for policy in policies for span in policy.time_spans)


def _at(ranked: Sequence[CurbPolicy], calendar: Calendar, zone: PosixZone, at_s: int) -> CurbPolicy | None:
    today = zone.wall(at_s).date()
    days = [today - back * _DAY for back in range(-1, _BEFORE.days + 1)]
    for policy in ranked:
        if not policy.time_spans:
            return policy
        for span in policy.time_spans:
            for day in days:
                interval = _interval(span, calendar, zone, day)
                if interval and interval[0] <= at_s < interval[1]:
                    return policy
    return None


def _interval(span: TimeSpan, calendar: Calendar, zone: PosixZone, day: date) -> tuple[int, int] | tuple[()]:
    """From and to, in seconds since 1970, where the span begins on this day; nothing where it does not."""
    if not _begins_on(span, calendar, day):
        return ()
    midnight = datetime.combine(day, time())
    start, end = (zone.moment(midnight + timedelta(minutes=minutes)) for minutes in span.minutes)
    return start, end


def _begins_on(span: TimeSpan, calendar: Calendar, day: date) -> bool:
    return (
        (span.start_date is None or span.start_date <= day)
        and (span.end_date is None or day < span.end_date)
        and (span.days_of_week is None or WEEKDAYS[day.weekday()] in span.days_of_week)
        and (span.days_of_month is None or day.day in span.days_of_month)
        and (span.months is None or day.month in span.months)
        and (
            span.designated_period is None
            or (day in calendar.periods.get(span.designated_period, ())) is not span.designated_period_except
        )
    )
