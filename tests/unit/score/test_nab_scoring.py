"""The benchmark's rule of scoring, by hand and by what must hold for any detector."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.score.nab.corpus import load
from ops.score.nab.leaderboard import PUBLISHED
from ops.score.nab.scoring import (
    OUTSIDE,
    PROBATION,
    PROFILES,
    Marked,
    Profile,
    at,
    best,
    mark,
    normalised,
    probation,
    worth_at,
)
from tests.examples import examples

REAL = Path(__file__).parents[4] / "shared" / "data" / "nab"
STANDARD, LOW_FP, LOW_FN = PROFILES
LENGTH = 200  # of it 30 in probation
WINDOWS = ((60, 79), (120, 139))


def series(*alarms: int, length: int = LENGTH) -> list[float]:
    return [1.0 if number in alarms else 0.0 for number in range(length)]


def marked(*alarms: int, windows: Sequence[tuple[int, int]] = WINDOWS) -> Marked:
    return mark([series(*alarms)], [windows])


def points(*alarms: int, profile: Profile = STANDARD) -> float:
    return at(marked(*alarms), profile, 1.0).points


@pytest.mark.parametrize(
    ("position", "worth"),
    [(-1.0, 0.98661), (-0.5, 0.84828), (0.0, 0.0), (1.0, -0.98661), (2.999, -0.9999994), (3.0, -1.0), (40.0, -1.0)],
)
def test_the_sigmoid_of_the_paper(position: float, worth: float) -> None:
    assert worth_at(position) == pytest.approx(worth, abs=1e-5)


@pytest.mark.parametrize(("readings", "on_probation"), [(0, 0), (100, 15), (1_127, 169), (5_000, 750), (22_695, 750)])
def test_probation_is_a_share_and_no_more_than_750_readings(readings: int, on_probation: int) -> None:
    assert probation(readings) == on_probation


def test_an_alarm_at_the_first_reading_of_a_window_is_worth_one() -> None:
    assert points(60) == pytest.approx(1.0 - 1.0)
    assert points(60, 120) == pytest.approx(2.0)


def test_an_alarm_in_the_middle_of_a_window_by_hand() -> None:
    """Ten of twenty readings are left, the present one with them: position -0.5."""
    tanh = math.tanh  # 2 / (1 + e^5x) - 1 is -tanh(5x / 2)
    assert points(70) == pytest.approx(tanh(1.25) / tanh(2.5) - 1.0)
    assert points(79) == pytest.approx(tanh(2.5 / 20) / tanh(2.5) - 1.0)


def test_of_many_alarms_in_a_window_the_earliest_counts() -> None:
    assert points(64, 65, 78) == points(64)


def test_false_alarms_cost_more_the_farther_they_are_behind_a_window() -> None:
    base = points()
    assert points(31) == base - 0.11  # before any window
    near, far = base - points(81), base - points(119)
    assert near == pytest.approx(0.11 * math.tanh(2.5 * 2 / 19))
    assert near < far == pytest.approx(0.11 * math.tanh(2.5 * 40 / 19))
    assert points(198) == pytest.approx(base - 0.11)  # three widths behind
    assert points(81, profile=LOW_FP) - points(profile=LOW_FP) == pytest.approx(-2 * near)


def test_every_false_alarm_costs() -> None:
    assert points(31, 32, 33) == pytest.approx(points() - 0.33)


def test_misses_weigh_by_profile() -> None:
    assert (points(), points(profile=LOW_FP), points(profile=LOW_FN)) == (-2.0, -2.0, -4.0)


def test_probation_neither_gives_nor_costs() -> None:
    assert points(0, 29) == points()
    assert points(30) < points()


def test_a_window_of_one_reading_can_be_found() -> None:
    result = at(marked(60, 61, windows=((60, 60),)), STANDARD, 1.0)
    assert (result.found, result.false) == (1, 1)
    assert result.points == pytest.approx(1.0 - 0.11)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_silence_is_0_and_perfection_100(profile: Profile) -> None:
    assert best(marked(), profile).score == 0.0
    assert at(marked(), profile, 1.0).score == 0.0
    assert best(marked(60, 120), profile).score == pytest.approx(100.0)


def test_a_corpus_without_windows_has_nothing_to_find() -> None:
    assert best(marked(50, windows=()), STANDARD).score == 0.0
    assert at(marked(50, windows=()), STANDARD, 1.0).score == pytest.approx(-0.11)
    assert normalised(0.0, 0, STANDARD) == 0.0


def test_one_threshold_for_the_whole_corpus() -> None:
    """What is best for each file alone is not what is best for both."""
    loud = [0.9 if number in {60, 100} else 0.0 for number in range(LENGTH)]
    soft = [0.5 if number == 60 else 0.0 for number in range(LENGTH)]
    both = mark([loud, soft], [WINDOWS[:1], WINDOWS[:1]])
    result = best(both, STANDARD)
    assert (result.threshold, result.windows, result.found, result.false) == (0.5, 2, 2, 1)
    assert result.score == pytest.approx(100 * (2 + 2 - 0.11 * math.tanh(2.5 * 21 / 19)) / 4)


def test_windows_are_numbered_through_the_corpus() -> None:
    both = mark([series(), series()], [WINDOWS, WINDOWS[:1]])
    assert sorted(set(both.window.tolist())) == [PROBATION, OUTSIDE, 0, 1, 2]


SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9]), min_size=LENGTH, max_size=LENGTH)
RULED = settings(deadline=None, max_examples=examples(80))


@given(SCORES, st.sampled_from(PROFILES))
@RULED
def test_no_threshold_beats_the_best_and_silence_is_always_possible(scores: list[float], profile: Profile) -> None:
    one = mark([scores], [WINDOWS])
    result = best(one, profile)
    assert 0.0 <= result.score <= 100.0
    tried = [at(one, profile, threshold) for threshold in (0.0, 0.1, 0.2, 0.5, 0.9, 1.0)]
    assert max(other.score for other in tried) == pytest.approx(result.score, abs=1e-9)
    if result.threshold < 1.0:
        assert at(one, profile, result.threshold) == pytest.approx(result)


@given(st.integers(60, 79), st.integers(60, 79), st.sampled_from(PROFILES))
@RULED
def test_later_never_scores_more(first: int, second: int, profile: Profile) -> None:
    earlier, later = min(first, second), max(first, second)
    assert points(earlier, profile=profile) >= points(later, profile=profile)


@given(st.sets(st.integers(0, LENGTH - 1), max_size=30), st.integers(0, LENGTH - 1), st.sampled_from(PROFILES))
@RULED
def test_one_more_false_alarm_never_helps(alarms: set[int], another: int, profile: Profile) -> None:
    if not any(first <= another <= last for first, last in WINDOWS):
        assert points(*alarms, another, profile=profile) <= points(*alarms, profile=profile) + 1e-12


@given(SCORES)
@RULED
def test_only_the_order_of_scores_matters(scores: list[float]) -> None:
    ours = best(mark([scores], [WINDOWS]), STANDARD)
    other = best(mark([[score**3 / 2 for score in scores]], [WINDOWS]), STANDARD)
    assert other.score == pytest.approx(ours.score)


def windowed_gaussian(values: Sequence[float]) -> list[float]:
    """The benchmark's baseline: two-sided tail of a normal distribution over up to 6,400 readings, moved by 100."""
    x = np.asarray(values)
    sums, squares = np.cumsum(x), np.cumsum(x * x)
    out = [0.0]
    for i in range(1, len(x)):
        end = i if i <= 6_400 else i - (i - 6_400) % 100
        begin = max(end - 6_400, 0)
        count = end - begin
        mean = (sums[end - 1] - (sums[begin - 1] if begin else 0.0)) / count
        mean_square = (squares[end - 1] - (squares[begin - 1] if begin else 0.0)) / count
        deviation = math.sqrt(max(mean_square - mean * mean, 0.0)) or 1e-6
        out.append(1.0 - 0.5 * math.erfc(abs(x[i] - mean) / deviation / math.sqrt(2)))
    return out


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/nab is not here")
def test_a_baseline_scores_as_it_was_published() -> None:
    """Its thresholds lie at the last digits of 1, where arithmetic differs; hence a point of tolerance."""
    corpus = load(REAL)
    row = mark([windowed_gaussian(one.values) for one in corpus], [one.windows for one in corpus])
    (entry,) = [one for one in PUBLISHED if one.detector == "Windowed Gaussian"]
    assert best(row, STANDARD).score == pytest.approx(entry.standard, abs=1.0)
    assert best(row, LOW_FN).score == pytest.approx(entry.reward_low_fn, abs=1.0)
    assert best(row, STANDARD).windows == 116


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/nab is not here")
def test_chance_gains_little() -> None:
    """Published is one draw, 16.83; a dozen draws gave 11 on average, with a deviation of 4."""
    corpus = load(REAL)
    chance = np.random.default_rng(42)
    row = mark([chance.random(len(one.values)).tolist() for one in corpus], [one.windows for one in corpus])
    assert 0.0 < best(row, STANDARD).score < 25.0
