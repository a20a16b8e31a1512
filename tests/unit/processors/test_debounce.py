"""What convinces: samples in a row, whatever the order in which they come."""

from itertools import permutations

import pytest

from processors.detectors.debounce import Need, Signal
from processors.engine.contract import Reading, Series
from schemas.facility import FacilityClass

SERIES = Series("d", "fill_level", "%", "f", FacilityClass.WASTE_BIN, "z")


def told(samples: list[tuple[int, bool]], need: Need) -> Signal:
    """Samples at a second, each with whether it says yes."""
    signal = Signal()
    for at_s, says in samples:
        reading = Reading(SERIES, at_s * 1000, float(says), f"b:{at_s}:{says}", 0, at_s * 1000, "s")
        signal.hear(reading, reading.value, against=says is not signal.on, need=need)
    return signal


@pytest.mark.parametrize(
    ("said", "need", "on"),
    [
        ("1", Need(1), True),
        ("1", Need(2), False),
        ("11", Need(2), True),
        ("101", Need(2), False),
        ("1011", Need(2), True),
        ("1111", Need(2, 3000), True),
        ("111", Need(2, 3000), False),
        ("110", Need(2), True),  # one against it is not enough to end it
        ("1100", Need(2), False),
        ("110100", Need(2), False),
    ],
)
def test_samples_in_a_row_that_last(said: str, need: Need, *, on: bool) -> None:
    assert told([(at, one == "1") for at, one in enumerate(said)], need).on is on


def test_three_yeses_in_any_order_are_believed_from_the_first_of_them() -> None:
    for samples in permutations([(1, True), (2, True), (3, True)]):
        signal = told(list(samples), Need(3))
        assert signal.on
        assert signal.cause is not None
        assert signal.cause.time_ms == 1000


def test_a_no_that_comes_late_restarts_the_row_after_it() -> None:
    before = told([(1, True), (3, True), (2, False)], Need(3))
    assert (before.on, before.count) == (False, 1)
    assert before.first is not None
    assert before.first.time_ms == 3000
    assert not told([(1, True), (3, True), (2, False), (4, True)], Need(3)).on
    assert told([(1, True), (3, True), (2, False), (4, True), (5, True)], Need(3)).on
    older = told([(1, True), (3, True), (0, False), (4, True)], Need(3))
    assert older.on  # from before the row


def test_a_no_after_the_row_ends_it_also_when_a_yes_of_before_comes_last() -> None:
    assert not told([(1, True), (3, False), (2, True)], Need(2)).on
    assert told([(1, True), (3, False), (2, True), (4, True), (5, True)], Need(2)).on
    at_once = told([(2, False), (2, True), (2, True)], Need(1))
    assert not at_once.on  # of one time: the no counts


def test_one_time_is_one_sample() -> None:
    assert not told([(1, True), (1, True)], Need(2)).on
    assert told([(1, True), (1, True), (2, True)], Need(2)).on


def test_it_goes_by_only_where_nothing_is_suspected() -> None:
    signal = told([(1, False)], Need(2))
    assert signal.goes_by(5000, 7.0)
    assert (signal.contrary_ms, signal.newest_ms, signal.value) == (5000, 5000, 7.0)
    assert signal.goes_by(3000, 8.0)
    assert (signal.contrary_ms, signal.newest_ms, signal.value) == (5000, 5000, 7.0)
    assert not told([(1, True)], Need(2)).goes_by(5000, 7.0)
    assert not told([(1, True), (2, True)], Need(2)).goes_by(5000, 7.0)
