"""How the leak detector is scored, and that it sees real abrupt bursts in a labelled month."""

from datetime import datetime
from pathlib import Path

import pytest

from ops.score.leak import HOUR_MS, STEP_MS, Column, Leak, is_false, load, match, run
from schemas.anomaly import Transition
from schemas.model import to_ms

REAL = Path(__file__).parents[4] / "shared" / "data" / "ltown" / "ltown_2018"
DAY_MS = 24 * HOUR_MS


def leak(link: str, start_h: float, *, peak_h: float | None = None, abrupt: bool = True) -> Leak:
    start_ms = int(start_h * HOUR_MS)
    return Leak(link, start_ms, start_ms if peak_h is None else int(peak_h * HOUR_MS), abrupt)


def hours(*values: float) -> list[int]:
    return [int(value * HOUR_MS) for value in values]


def test_one_alarm_finds_one_leak_that_began_at_most_a_day_before() -> None:
    leaks = [leak("p1", 0), leak("p2", 1), leak("p3", 100)]
    found, left = match(hours(2, 30, 101), leaks)
    assert found == {"p2": HOUR_MS, "p3": HOUR_MS}  # the newest that can be meant
    assert left == hours(30)


@pytest.mark.parametrize(("at_h", "false"), [(71.0, False), (73.0, True)])
def test_an_alarm_long_after_everything_is_false(at_h: float, false: bool) -> None:
    assert is_false(hours(at_h)[0], [leak("p1", 0)]) is false


def test_an_alarm_before_a_growing_leaks_peak_is_false_and_after_it_is_not() -> None:
    growing = [leak("p1", 0, peak_h=200, abrupt=False)]
    assert is_false(hours(150)[0], growing)
    assert not is_false(hours(201)[0], growing)


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/ltown is not here")
def test_an_abrupt_burst_of_a_labelled_year_is_raised_within_hours_and_nothing_in_the_quiet_before() -> None:
    times_ms, columns, leaks = load(REAL)
    begin, end = (to_ms(datetime.fromisoformat(f"2018-{day}T00:00:00+00:00")) for day in ("05-10", "05-26"))
    first, last = (round((at - times_ms[0]) / STEP_MS) for at in (begin, end))
    part = [Column(one.facility, one.observed_property, one.values[first:last]) for one in columns]
    findings, _ = run("dma:ltown", times_ms[first:last], part)
    raised = [to_ms(one.at) for one in findings if one.transition is Transition.RAISED]
    (burst,) = [one.start_ms for one in leaks if one.abrupt and begin < one.start_ms < end]
    assert raised
    assert all(at >= burst for at in raised)
    assert raised[0] - burst < 6 * HOUR_MS
