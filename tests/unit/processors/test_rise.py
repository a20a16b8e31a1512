"""How fast something rises: by what was said within the span, however often that was, in whatever order it came."""

from collections.abc import Iterable
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.detectors.rise import PARTS, anew, remember, rise_m

SPAN_MS = 300_000
DEPTHS = st.lists(st.tuples(st.integers(0, 900_000), st.integers(0, 50).map(float)), min_size=1, max_size=80)
NARROW = st.lists(  # many in one part of the span, and at its edges
    st.tuples(
        st.builds(int.__add__, st.sampled_from([0, SPAN_MS // PARTS, SPAN_MS]), st.integers(0, 9)),
        st.integers(0, 3).map(float),
    ),
    min_size=1,
    max_size=20,
)
WIDE = st.lists(
    st.tuples(st.integers(0, 60).map(lambda n: n * SPAN_MS // 20), st.integers(0, 5).map(float)),
    min_size=1,
    max_size=80,
)


@pytest.mark.parametrize("every_s", [1, 5, 10, 15, 20, 30, 60])
def test_a_steady_rise_is_the_same_however_often_it_is_told(every_s: int) -> None:
    recent: list[tuple[int, float]] = []
    for at_ms in range(0, 2 * SPAN_MS + 1, every_s * 1000):
        remember(recent, at_ms, at_ms / SPAN_MS * 0.045, SPAN_MS)
    at_ms, depth_m = recent[-1]
    assert rise_m(recent, at_ms, depth_m, SPAN_MS) == pytest.approx(0.045)
    assert len(recent) <= 2 * (PARTS + 2)


def test_what_is_said_again_takes_no_room() -> None:
    recent: list[tuple[int, float]] = []
    for depth_m in (0.1, 0.2, 0.3) * 100:
        remember(recent, 1_000, depth_m, SPAN_MS)
        remember(recent, 1_000, 0.0, SPAN_MS)
    assert recent == [(1_000, 0.0), (1_000, 0.3)]


@given(DEPTHS)
def test_the_rise_is_that_of_all_depths_but_for_a_part_of_the_span(depths: list[tuple[int, float]]) -> None:
    depths.sort()
    recent: list[tuple[int, float]] = []
    for at_ms, depth_m in depths:
        remember(recent, at_ms, depth_m, SPAN_MS)
    at_ms, depth_m = depths[-1]
    part_ms = SPAN_MS // PARTS
    within = [one for before_ms, one in depths if at_ms - SPAN_MS + part_ms <= before_ms < at_ms - part_ms]
    assert rise_m(recent, at_ms, depth_m, SPAN_MS) >= max((depth_m - one for one in within), default=0.0)
    assert {one for _, one in recent} <= {one for _, one in depths}


def told(depths: Iterable[tuple[int, float]], span_ms: int = SPAN_MS) -> list[tuple[int, float]]:
    recent: list[tuple[int, float]] = []
    for at_ms, depth_m in depths:
        remember(recent, at_ms, depth_m, span_ms)
    return recent


def staying(depths: list[tuple[int, float]], span_ms: int) -> list[tuple[int, float]]:
    """What is to stay of all that was ever said, by the rule and not one by one."""
    part_ms = span_ms // PARTS
    begin_ms = max(depths)[0] // part_ms * part_ms - span_ms
    before = [at_ms for at_ms, _ in depths if at_ms // part_ms < begin_ms // part_ms]
    oldest = (max(before) if before else begin_ms) // part_ms
    stay: set[tuple[int, float]] = set()
    for part in {at_ms // part_ms for at_ms, _ in depths}:
        if part >= oldest:
            beside = sorted(one for one in depths if one[0] // part_ms == part)
            stay |= {min(beside, key=itemgetter(1)), max(beside, key=itemgetter(1))}  # the first of equal ones
    return sorted(stay)


@given(st.one_of(DEPTHS, NARROW))
@example([(1, 3.0), (2, 3.0), (2, 3.0), (0, 3.0)])
@example([(SPAN_MS, 1.0), (0, 3.0), (0, 5.0), (1, 3.0)])  # the lowest of its part is as old as the span
def test_order_does_not_matter_within_the_span(depths: list[tuple[int, float]]) -> None:
    assert told(depths) == told(sorted(depths))


@given(st.one_of(DEPTHS, NARROW, WIDE), st.sampled_from([SPAN_MS, SPAN_MS + 7, 1_001, 100_001]), st.data())
def test_what_stays_follows_from_what_was_said_whatever_its_order_and_however_often(
    depths: list[tuple[int, float]], span_ms: int, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(depths), max_size=10))
    assert told(depths + again, span_ms) == staying(depths, span_ms)


@given(st.one_of(DEPTHS, NARROW, WIDE), st.integers(1, 40))
def test_it_takes_the_same_room_whatever_the_span(depths: list[tuple[int, float]], span_s: int) -> None:
    recent: list[tuple[int, float]] = []
    for at_ms, depth_m in depths:
        remember(recent, at_ms, depth_m, span_s * 1_000)
        assert len(recent) <= 2 * (PARTS + 3)
    assert all(before < after for before, after in pairwise(recent))


def test_of_what_is_older_than_the_span_only_the_last_counts() -> None:
    recent = told([(0, 0.0), (10_000, 0.05), (320_000, 0.06)])
    assert recent[:2] == [(0, 0.0), (10_000, 0.05)]
    assert rise_m(recent, 320_000, 0.06, SPAN_MS) == pytest.approx(0.01 * 300 / 310)


def test_what_was_remembered_by_another_rule_is_taken_in_by_this_one() -> None:
    assert anew([(0, 3.0), (2, 3.0), (SPAN_MS, 1.0)], SPAN_MS) == [(0, 3.0), (SPAN_MS, 1.0)]
    assert anew([], SPAN_MS) == []
