"""The calendar of a simulated city, as the city must be told: it is made of dates, and knows nothing of calendars."""

from datetime import date

from ops.simulate.city.city import City
from ops.simulate.city.curb import HOLIDAYS
from schemas.curb import DEFAULT_CALENDAR, Calendar
from schemas.registry import CalendarConfigured


def calendar_of(city: City) -> CalendarConfigured:
    """Its holidays, which are a designated period, in its time zone."""
    days = tuple(date.fromisoformat(one) for one in city.holidays)
    return CalendarConfigured(calendar=Calendar(time_zone=DEFAULT_CALENDAR.time_zone, periods={HOLIDAYS: days}))
