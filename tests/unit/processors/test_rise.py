"""How fast something rises: by what was said within the span, however often that was, in whatever order it came."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detectors.rise import PARTS, remember, rise_m

SPAN_MS = 300_000
DEPTHS = st.lists(st.tuples(st.integers(0, 900_000), st.integers(0, 50).map(float)), min_size=1, max_size=80)


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


@given(DEPTHS, st.randoms(use_true_random=False))
def test_order_does_not_matter_within_the_span(depths: list[tuple[int, float]], rng: object) -> None:
    depths = [(at_ms // 3, depth_m) for at_ms, depth_m in depths]
    mixed = list(depths)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    one: list[tuple[int, float]] = []
    other: list[tuple[int, float]] = []
    for at_ms, depth_m in sorted(depths):
        remember(one, at_ms, depth_m, SPAN_MS)
    for at_ms, depth_m in mixed:
        remember(other, at_ms, depth_m, SPAN_MS)
    assert one == other
    assert all(before <= after for before, after in pairwise(one))
