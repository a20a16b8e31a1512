"""The core of the novelty detector: what changes nothing, what is noticed, and what it says of it."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from fold_kit import RELAXED
from hypothesis import given
from hypothesis import strategies as st

from processors.detectors.common import pack, unpack
from processors.novelty import FROZEN, Novelty, Verdict, explain, observe, season
from processors.novelty.state import DRIFT, LEVEL, RANGE, ROUGHNESS, SEASON, SPIKE

STEP_MS = 300_000
DAY = 288  # readings
START_MS = 1_772_409_600_000  # Monday 2026-03-02T00:00Z

WALKS = st.builds(
    lambda seed, jumps: noisy(seed, 400, jumps),
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(100, 399), st.floats(-50, 50)), max_size=4),
)


def noisy(seed: int, length: int, jumps: Sequence[tuple[int, float]] = ()) -> list[float]:
    """A day's rhythm with noise, and single readings that are off."""
    chance = random.Random(seed)
    values = [20 + 5 * math.sin(2 * math.pi * i / DAY) + chance.gauss(0, 0.3) for i in range(length)]
    for at, size in jumps:
        values[at] += size
    return values


def verdicts(values: Sequence[float], state: Novelty | None = None, first: int = 0) -> list[Verdict]:
    state = Novelty() if state is None else state
    return [observe(state, START_MS + (first + i) * STEP_MS, value) for i, value in enumerate(values)]


def scores(values: Sequence[float]) -> list[float]:
    return [verdict.score for verdict in verdicts(values)]


def changed(values: list[float], begin: int, change: Callable[[int, float], float]) -> list[float]:
    return [change(i, value) if i >= begin else value for i, value in enumerate(values)]


@given(WALKS)
@RELAXED
def test_scores_lie_between_0_and_1_and_are_the_same_every_time(values: list[float]) -> None:
    first = verdicts(values)
    assert first == verdicts(values)
    assert all(0.0 <= verdict.score < 1.0 for verdict in first)


@given(WALKS, st.sampled_from([0.001, 0.5, 2.0, 1000.0]), st.sampled_from([-500.0, -3.0, 0.0, 40.0, 10_000.0]))
@RELAXED
def test_another_unit_or_offset_changes_no_verdict(values: list[float], scale: float, shift: float) -> None:
    assert scores([scale * (value + shift) for value in values]) == pytest.approx(scores(values), abs=1e-3)


@given(WALKS)
@RELAXED
def test_upside_down_is_judged_alike(values: list[float]) -> None:
    ours, other = verdicts(values), verdicts([-value for value in values])
    assert [one.score for one in other] == pytest.approx([one.score for one in ours], abs=1e-9)


@given(WALKS, st.integers(0, 400))
@RELAXED
def test_a_snapshot_in_between_changes_nothing(values: list[float], cut: int) -> None:
    state = Novelty()
    before = verdicts(values[:cut], state)
    data = pack(state)
    restored = unpack(data, Novelty)
    assert pack(restored) == data
    assert before + verdicts(values[cut:], restored, cut) == verdicts(values)


def test_memory_does_not_grow() -> None:
    state = Novelty()
    sizes = set()
    for day in range(1, 40):
        verdicts(noisy(day, DAY), state, day * DAY)
        sizes.add(len(pack(state)))
    assert max(sizes) - min(sizes) < 10  # numbers that take a byte more
    assert max(sizes) < 4_000
    assert len(state.hours) == season.SIZE


@pytest.mark.parametrize("value", [0.0, 45.0, -1e-12, 1e15, 0.1])
def test_a_constant_is_never_new(value: float) -> None:
    assert set(scores([value] * 3_000)) == {0.0}


def test_what_never_moved_and_then_does_is_as_new_as_can_be() -> None:
    (score,) = scores([45.0] * 1_000 + [45.5])[-1:]
    assert score > 0.9


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_passed_over(value: float) -> None:
    state, other = Novelty(), Novelty()
    verdicts(noisy(1, 500), state)
    verdicts(noisy(1, 500), other)
    assert observe(state, START_MS, value).score == 0.0
    assert state == other


def test_nothing_is_judged_before_there_is_anything_to_judge_by() -> None:
    values = [float(i % 3) for i in range(FROZEN.judge)]
    assert set(scores(values)) == {0.0}


CASES = {
    "spike": (changed(noisy(3, 3_000), 2_700, lambda i, v: v + 15 * (i == 2_700)), {RANGE, SPIKE, LEVEL, SEASON}),
    "dip inside the range of all values": (
        changed(noisy(3, 3_000), 2_664, lambda i, v: v - 8 * (i == 2_664)),  # at the peak of the day
        {SPIKE, SEASON},
    ),
    "level shift": (changed(noisy(3, 3_000), 2_700, lambda _, v: v + 9), {RANGE, SPIKE, LEVEL, SEASON, DRIFT}),
    "slow drift": (changed(noisy(3, 3_000), 2_300, lambda i, v: v + (i - 2_300) * 0.03), {LEVEL, SEASON, DRIFT}),
    "restless": (changed(noisy(3, 3_000), 2_700, lambda i, v: v + 2.5 * (-1) ** i), {SPIKE, SEASON, ROUGHNESS}),
    "frozen": (changed(noisy(3, 3_000), 2_700, lambda _i, _v: 20.0), {SEASON, DRIFT, ROUGHNESS}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_noticed(name: str) -> None:
    values, aspects = CASES[name]
    said = verdicts(values)
    assert max(verdict.score for verdict in said[750:2_300]) < 0.5
    alarm = next(verdict for verdict in said[2_300:] if verdict.score >= 0.5)
    assert {i for i, excess in enumerate(alarm.excess) if excess > 0.05} & aspects


def test_after_an_alarm_it_rests() -> None:
    values = changed(noisy(3, 1_000), 900, lambda i, v: v + 30 * (i - 899))
    alarms = [i for i, score in enumerate(scores(values)) if i > 750 and score >= 0.5]
    assert alarms[0] == 900
    assert all(later - earlier > FROZEN.rest for earlier, later in pairwise(alarms))
    assert alarms[1] == 900 + FROZEN.rest + 1


def test_the_second_of_its_kind_is_less_new() -> None:
    values = noisy(3, 2_000, [(1_000, 20.0), (1_000 + 2 * DAY, 19.0)])
    said = scores(values)
    assert said[1_000] >= 0.5 > said[1_000 + 2 * DAY]


def test_a_record_is_outlived() -> None:
    """Envelopes shrink: after many weeks a smaller spike is new again."""
    later = 1_000 + 105 * DAY
    said = verdicts(noisy(3, later + 1, [(1_000, 20.0), (later, 17.0)]))
    assert said[1_000].excess[RANGE] > 0.5
    assert said[later].excess[RANGE] > 0.1


def test_the_rounding_of_big_numbers_is_never_new() -> None:
    chance = random.Random(1)
    assert set(scores([1e9 + chance.gauss(0, 1e-3) for _ in range(2_000)])) == {0.0}


def test_another_set_of_constants_gives_other_verdicts() -> None:
    values = noisy(3, 1_000, [(900, 20.0)])
    bold = replace(FROZEN, unheard=FROZEN.unheard / 100)
    ours, other = Novelty(), Novelty()
    pairs = [
        (observe(ours, START_MS + i * STEP_MS, v).score, observe(other, START_MS + i * STEP_MS, v, bold).score)
        for i, v in enumerate(values)
    ]
    assert any(b > a for a, b in pairs)


def verdict(usual: float, basis: str, aspect: int, ratio: float = 1.0) -> Verdict:
    return Verdict(0.9, tuple(0.3 * (i == aspect) for i in range(7)), usual, basis, ratio)


TUESDAY_3 = START_MS + (24 + 3) * 3_600_000 + 1_200_000


@pytest.mark.parametrize(
    ("one", "value", "said"),
    [
        (verdict(10.0, "week", SPIKE), 23.0, "2.3x the usual Tuesday 03:00 (UTC): a spike"),
        (verdict(10.0, "hour", SEASON), 5.0, "0.5x the usual 03:00 (UTC): unlike this hour"),
        (verdict(10.0, "level", RANGE), 40.0, "4x the usual level: beyond all that was seen here"),
        (verdict(-2.0, "week", LEVEL), 4.5, "4.5 Cel against -2 Cel, the usual Tuesday 03:00 (UTC): off its level"),
        (verdict(0.001, "level", DRIFT), 4.5, "4.5 Cel against 0.001 Cel, the usual level: off its season for long"),
        (verdict(4.0, "hour", ROUGHNESS, 3.0), 4.0, "1x the usual 03:00 (UTC): restless"),
        (verdict(4.0, "hour", ROUGHNESS, 0.1), 4.0, "1x the usual 03:00 (UTC): unusually quiet"),
        (Verdict(0.0), 4.0, "as usual"),
    ],
)
def test_what_it_says(one: Verdict, value: float, said: str) -> None:
    assert explain(one, TUESDAY_3, value, "Cel") == said


def test_the_usual_hour_of_the_week_is_told_once_it_is_known() -> None:
    """Sundays are twice as busy; a Sunday like a Monday is then as usual for nobody."""
    state = Novelty()
    hours = range(24 * 7 * 12)
    for hour in hours:
        busy = 200.0 if hour // 24 % 7 == 6 else 100.0
        observe(state, START_MS + hour * 3_600_000, busy + hour % 24 + (hour * 7 % 5))
    last = observe(state, START_MS + len(hours) * 3_600_000, 400.0)
    assert last.basis == "week"
    assert last.usual == pytest.approx(102.0, abs=3.0)
    assert explain(last, START_MS + len(hours) * 3_600_000, 400.0).startswith("3.9x the usual Monday 00:00 (UTC)")
