"""Which policy applies and until when: told as stories, and held against a look at every quarter of an hour."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from processors.detectors.curb import HORIZON_DAYS, spell
from schemas.curb import WEEKDAYS, Calendar, CurbPolicy, TimeSpan
from tests.examples import examples

BERLIN, XUCHANG = "CET-1CEST,M3.5.0,M10.5.0/3", "CST-8"
PLACES = {BERLIN: ZoneInfo("Europe/Berlin"), XUCHANG: ZoneInfo("Asia/Shanghai")}
QUARTER_MS = 900_000


def calendar(zone: str = BERLIN, **periods: tuple[date, ...]) -> Calendar:
    return Calendar(time_zone=zone, periods=periods)


def policy(activity: Any = "no stopping", priority: int = 1, **span: Any) -> CurbPolicy:
    return CurbPolicy(priority=priority, activity=activity, time_spans=(TimeSpan(**span),) if span else ())


def ms(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=PLACES[zone], fold=fold).timestamp() * 1000)


def told(policies: list[CurbPolicy], text: str, days: Calendar | None = None, fold: int = 0) -> tuple[str | None, str]:
    """The activity, and the local time of the next change."""
    days = days or calendar()
    found = spell(policies, days, ms(text, days.time_zone, fold))
    until = datetime.fromtimestamp(found.until_ms / 1000, PLACES[days.time_zone])
    return found.policy and found.policy.activity, until.isoformat(timespec="minutes")


NIGHT = policy(time_of_day_start="22:00", time_of_day_end="06:00")
RUSH = policy(days_of_week=("mon", "tue", "wed", "thu", "fri"), time_of_day_start="07:00", time_of_day_end="09:30")
PARKING = policy("parking", 9)


def test_starts_count_and_ends_do_not() -> None:
    # 2026-06-01 is a Monday
    assert told([RUSH, PARKING], "2026-06-01T06:59") == ("parking", "2026-06-01T07:00+02:00")
    assert told([RUSH, PARKING], "2026-06-01T07:00") == ("no stopping", "2026-06-01T09:30+02:00")
    assert told([RUSH, PARKING], "2026-06-01T09:30") == ("parking", "2026-06-02T07:00+02:00")
    assert told([RUSH, PARKING], "2026-06-05T12:00") == ("parking", "2026-06-08T07:00+02:00")


def test_what_begins_tomorrow_may_come_before_the_end_of_what_began_today() -> None:
    market = policy("loading", 0, time_of_day_start="00:00", time_of_day_end="00:30")
    assert told([NIGHT, market], "2026-06-05T23:00") == ("no stopping", "2026-06-06T00:00+02:00")


def test_a_span_past_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday = policy(days_of_week=("fri",), time_of_day_start="22:00", time_of_day_end="06:00")
    assert told([friday], "2026-06-06T05:59") == ("no stopping", "2026-06-06T06:00+02:00")
    assert told([friday], "2026-06-05T05:59") == (None, "2026-06-05T22:00+02:00")


def test_the_night_on_which_the_clock_is_put_forward_is_an_hour_shorter() -> None:
    assert told([NIGHT], "2026-03-28T22:00") == ("no stopping", "2026-03-29T06:00+02:00")
    assert ms("2026-03-29T06:00") - ms("2026-03-28T22:00") == 7 * 3_600_000
    gone = policy(time_of_day_start="02:00", time_of_day_end="02:30")  # there is no such time in this night
    assert told([gone], "2026-03-29T01:59") == (None, "2026-03-30T02:00+02:00")
    half = policy(time_of_day_start="02:30", time_of_day_end="04:00")
    assert told([half], "2026-03-29T01:59") == (None, "2026-03-29T03:00+02:00")


def test_the_night_on_which_the_clock_is_put_back_is_an_hour_longer() -> None:
    assert told([NIGHT], "2026-10-24T22:00") == ("no stopping", "2026-10-25T06:00+01:00")
    until, then = policy("loading", time_of_day_end="02:30"), policy("parking", time_of_day_start="02:30")
    assert told([until, then], "2026-10-25T02:29") == ("loading", "2026-10-25T02:30+02:00")
    assert told([until, then], "2026-10-25T02:10", fold=1) == ("parking", "2026-10-26T00:00+01:00")


def test_holidays_come_with_the_calendar() -> None:
    days = calendar(holidays=(date(2026, 5, 1),))
    workdays = policy(days_of_week=WEEKDAYS[:5], designated_period="holidays", designated_period_except=True)
    free = policy("parking", designated_period="holidays")
    assert told([workdays, free], "2026-04-30T12:00", days) == ("no stopping", "2026-05-01T00:00+02:00")
    assert told([workdays, free], "2026-05-01T00:00", days) == ("parking", "2026-05-02T00:00+02:00")
    assert told([workdays, free], "2026-05-02T00:00", days) == (None, "2026-05-04T00:00+02:00")
    assert told([free], "2026-05-01T12:00")[0] is None  # a calendar without holidays has none


def test_the_lowest_number_counts_and_of_equal_ones_the_first() -> None:
    assert told([PARKING, RUSH], "2026-06-01T08:00")[0] == "no stopping"
    assert told([policy("loading"), policy("parking")], "2026-06-01T08:00")[0] == "loading"


def test_dates_and_months_bound_a_span() -> None:
    once = policy(start_date=date(2026, 7, 1), end_date=date(2026, 7, 3))
    assert told([once], "2026-06-01T00:00") == (None, "2026-07-01T00:00+02:00")
    assert told([once], "2026-07-01T00:00") == ("no stopping", "2026-07-03T00:00+02:00")
    second_monday = policy(months=(2,), days_of_week=("mon",), days_of_month=tuple(range(8, 15)))
    assert told([second_monday], "2026-02-10T00:00") == (None, "2027-02-08T00:00+01:00")


def test_what_never_changes_is_to_be_asked_again() -> None:
    for policies in ([], [PARKING]):
        found = spell(policies, calendar(XUCHANG), ms("2026-06-01T15:00", XUCHANG))
        assert found.until_ms - ms("2026-06-01T00:00", XUCHANG) == HORIZON_DAYS * 86_400_000


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        ({"timeOfDayStart": "25:00"}, "timeOfDayStart"),
        ({"timeOfDayStart": "08:00", "timeOfDayEnd": "08:00"}, "leave both out"),
        ({"timeOfDayStart": "24:00"}, "must be before 24:00"),
        ({"startDate": "2026-07-01", "endDate": "2026-07-01"}, "not after start_date"),
        ({"designatedPeriodExcept": True}, "without a designated_period"),
        ({"daysOfWeek": ["monday"]}, "daysOfWeek"),
        ({"startDate": "the first of May"}, "startDate|isoformat"),
    ],
)
def test_a_span_that_says_nothing_sensible_is_refused(span: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TimeSpan.model_validate_json(json.dumps(span))


def test_a_policy_and_a_calendar_go_through_the_wire() -> None:
    days = calendar(holidays=(date(2026, 5, 1),))
    assert Calendar.model_validate_json(days.model_dump_json(by_alias=True)) == days
    once = policy(start_date=date(2026, 7, 1), designated_period="holidays", days_of_week=("mon",))
    assert CurbPolicy.model_validate_json(once.model_dump_json(by_alias=True)) == once
    with pytest.raises(ValidationError, match="no POSIX time zone"):
        calendar("Europe/Berlin")


# generated

times = st.sampled_from(["00:00", "00:30", "01:45", "02:00", "02:30", "03:00", "12:00", "22:15", "23:45"])
weekdays = st.none() | st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(tuple)


@st.composite
def policies(draw: st.DrawFn) -> CurbPolicy:
    spans = []
    for _ in range(draw(st.integers(0, 2))):
        start, end = draw(st.none() | times), draw(st.none() | times | st.just("24:00"))
        period = draw(st.none() | st.just("holidays"))
        spans.append(
            TimeSpan(
                days_of_week=draw(weekdays),
                time_of_day_start=start,
                time_of_day_end=None if end == start else end,
                designated_period=period,
                designated_period_except=period is not None and draw(st.booleans()),
            )
        )
    return CurbPolicy(
        priority=draw(st.integers(0, 2)),
        activity=draw(st.sampled_from(["parking", "loading", "travel"])),
        time_spans=tuple(spans),
    )


EVES = [date(2026, 3, 27), date(2026, 10, 23), date(2026, 12, 30), date(2026, 6, 1)]
"""Friday before the clock is put forward, before it is put back; before a new year; a day like others."""


@settings(RELAXED, max_examples=examples(25))
@given(
    st.lists(policies(), max_size=4),
    st.sampled_from(EVES),
    st.sampled_from([BERLIN, XUCHANG]),
    st.sets(st.integers(0, 5), max_size=3),
    st.integers(0, 95),
)
def test_until_it_changes_it_is_the_same_and_then_it_is_not(
    rules: list[CurbPolicy], eve: date, zone: str, off: set[int], quarters: int
) -> None:
    days = calendar(zone, holidays=tuple(sorted(eve + timedelta(days=n) for n in off)))
    began = at_ms = ms(f"{eve}T00:00", zone) + quarters * QUARTER_MS
    while at_ms < began + 3 * 86_400_000:
        found = spell(rules, days, at_ms)
        if found.until_ms > began + 300 * 86_400_000:
            return  # nothing changes any more
        assert found.until_ms > at_ms
        for look in range(at_ms, found.until_ms, max(QUARTER_MS, (found.until_ms - at_ms) // 5)):
            assert spell(rules, days, look) == found
        assert spell(rules, days, found.until_ms - 1) == found
        assert spell(rules, days, found.until_ms).policy != found.policy
        at_ms = found.until_ms


@RELAXED
@given(st.lists(times, min_size=1, max_size=4, unique=True), st.sampled_from(EVES), st.integers(0, 4 * 96))
def test_spans_that_meet_on_the_wall_leave_no_moment_to_nobody_and_none_to_two(
    cuts: list[str], eve: date, quarters: int
) -> None:
    cuts = sorted({*cuts, "00:00"})
    parts = [
        policy("parking", n, time_of_day_start=start, time_of_day_end=end)
        for n, (start, end) in enumerate(zip(cuts, [*cuts[1:], "24:00"], strict=True))
    ]
    at_ms = ms(f"{eve}T00:00") + quarters * QUARTER_MS
    applying = [one for one in parts if spell([one], calendar(), at_ms).policy is not None]
    assert len(applying) == 1
