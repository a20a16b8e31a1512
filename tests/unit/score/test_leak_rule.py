"""The rule of BattLeDIM, on a street of four pipes."""

import numpy as np
import pytest

from ops.score.battledim import Leak, PipeMap, Sent, figures, judge

STREET = PipeMap(
    {"a": ("n0", "n1", 200.0), "b": ("n1", "n2", 200.0), "c": ("n2", "n3", 200.0), "d": ("n3", "n4", 400.0)}
)


def leak(link: str, start: int, end: int = 1000, *, abrupt: bool = True) -> Leak:
    return Leak(link, start, end, abrupt, np.full(1001, 12.0))


def test_pipes_are_measured_from_middle_to_middle() -> None:
    assert STREET.apart("a", "a") == 0
    assert STREET.apart("a", "b") == pytest.approx(200)
    assert STREET.apart("b", "d") == pytest.approx(500)


def test_an_alarm_within_reach_finds_and_costs_the_walk() -> None:
    verdict = judge([Sent(101, "b")], [leak("a", 100)], STREET)
    assert verdict.found == {"a": 101}
    assert verdict.eur == pytest.approx(901 * 12 / 12 * 0.8 - 200 / 300 * 500)


def test_an_alarm_out_of_reach_or_out_of_time_is_false() -> None:
    verdict = judge([Sent(101, "d"), Sent(99, "a"), Sent(600, "a")], [leak("a", 100, 500)], STREET)
    assert len(verdict.false) == 3
    assert verdict.eur == -1500


def test_a_repeat_at_a_found_leak_is_free_until_it_is_repaired() -> None:
    verdict = judge([Sent(101, "a"), Sent(102, "b"), Sent(501, "a")], [leak("a", 100, 500)], STREET)
    assert verdict.repeats == 1
    assert [alarm.step for alarm in verdict.false] == [501]


def test_the_nearest_leak_not_yet_found_is_found_first() -> None:
    leaks = [leak("a", 100), leak("c", 100)]
    verdict = judge([Sent(150, "a"), Sent(160, "b")], leaks, STREET)
    assert verdict.found == {"a": 150, "c": 160}


def test_a_leak_of_before_the_year_is_no_new_one() -> None:
    leaks = [leak("a", -50), leak("c", 100, abrupt=False)]
    result = figures([Sent(112, "c")], leaks, STREET, 1001)
    assert (result["new_found"], result["new_total"], result["leaks_all"]) == (1, 1, 2)
    assert result["median_delay_incipient_h"] == 1.0
    assert result["eur_perfect"] == pytest.approx((1001 + 902) * 0.8)
