"""How pressures go together, by hand, and what of a shift a single meter can do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detectors.leak_apart import FLOOR_KPA, LEAST_DAYS, Shift, judge, shift_of, usual
from processors.detectors.leak_pairs import DAYS, Day, Pairs, Relations, against, learn_day, levels, take_out, take_step
from processors.detectors.leak_stats import Floats

HOUR_MS = 3_600_000
SENSORS = 5
EIGHTS = st.integers(-80, 80).map(lambda number: number / 8)


def relations(seed: int) -> Relations:
    chance = np.random.default_rng(seed)
    weights = chance.uniform(1, 50, (SENSORS, SENSORS))
    np.fill_diagonal(weights, 0.0)
    return Relations(
        slopes=chance.normal(0, 1, (2, SENSORS)),
        pairs=chance.uniform(0.2, 2.0, (SENSORS, SENSORS)),
        weights=weights,
    )


def shifted(known: Relations, level: Floats) -> Shift:
    return Shift(1, level, against(known, level), np.full(SENSORS, 0.1))


def learnt(days: int, flow: Floats, pressures: Floats) -> tuple[Pairs, Relations | None]:
    pairs, found = Pairs.empty(pressures.shape[1], 1), None
    for hour in range(days * 24 + 5):
        at = hour % len(flow)
        take_step(pairs, ((20_000 * 24 + hour) * HOUR_MS, 0.0, 1.0), pressures[at], flow[at : at + 1], np.zeros(0))
        if pairs.over is not None:
            day, pairs.over = pairs.over, None
            found = learn_day(pairs, day, 1)
    return pairs, found


def test_what_flows_explain_and_what_one_pressure_says_of_another_by_hand() -> None:
    """p0 = 500 - 0.01 q|q| + n, p1 = 400 - 0.02 q|q| + 3 n, and n is noise that both have."""
    chance = np.random.default_rng(2)
    flow = chance.uniform(-20, 80, 24)
    shared = chance.normal(0, 1, 24)
    squares = flow * np.abs(flow)
    pressures = np.column_stack([500 - 0.01 * squares + shared, 400 - 0.02 * squares + 3 * shared])
    pairs, found = learnt(3, flow, pressures)
    assert found is not None
    beside = np.cov(squares, shared)[0, 1] / squares.var(ddof=1)  # by chance
    assert found.slopes[0] == pytest.approx([-0.01 + beside, -0.02 + 3 * beside], rel=1e-4)
    assert found.pairs[1, 0] == pytest.approx(3.0, rel=1e-4)
    assert found.pairs[0, 1] == pytest.approx(1 / 3, rel=1e-4)
    assert np.isnan(pairs.rows[: DAYS - 3]).all()
    assert np.ptp(levels(pairs, found)[-2:], axis=0) == pytest.approx([0, 0], abs=1e-6)  # the first has 20 hours only


def test_a_day_in_which_a_flow_is_missing_too_long_says_nothing() -> None:
    flow = np.where(np.arange(24) < 12, np.nan, 10.0)
    pairs, found = learnt(2, flow, np.ones((24, 3)))
    assert found is not None
    assert np.isnan(pairs.rows).all()
    assert not pairs.within.any()


def test_a_pressure_that_is_missing_for_hours_is_where_the_flows_put_it() -> None:
    flow = 50 + 30 * np.sin(np.arange(24.0))
    whole = np.column_stack([500 - 0.01 * flow**2, 450 - 0.03 * flow**2, 400 - 0.02 * flow**2])
    holed = whole.copy()
    holed[3:9, 1] = np.nan
    rows = []
    for pressures in (whole, holed):
        pairs, _ = learnt(4, flow, whole)
        for hour in range(4 * 24 + 5, 5 * 24 + 6):
            at = ((20_000 * 24 + hour) * HOUR_MS, 0.0, 1.0)
            take_step(pairs, at, pressures[hour % 24], flow[hour % 24 : hour % 24 + 1], np.zeros(0))
        assert pairs.over is not None
        rows.append(pairs.over.mean)
    assert rows[1] == pytest.approx(rows[0], abs=1e-3)


@given(st.integers(0, 50), st.integers(0, SENSORS - 1), EIGHTS)
def test_whatever_one_sensor_says_alone_is_no_evidence(seed: int, sensor: int, much: float) -> None:
    known = relations(seed)
    evidence = judge(known, shifted(known, np.where(np.arange(SENSORS) == sensor, much, 0.0)))
    assert max(evidence.falls, evidence.rises) == pytest.approx(0.0, abs=1e-6)
    if much:
        assert evidence.suspect == sensor


@given(st.integers(0, 50), st.integers(0, 1), EIGHTS)
def test_whatever_one_flow_meter_says_alone_is_no_evidence(seed: int, meter: int, much: float) -> None:
    known = relations(seed)
    evidence = judge(known, shifted(known, much * known.slopes[meter]))
    assert max(evidence.falls, evidence.rises) == pytest.approx(0.0, abs=1e-6)


@given(st.integers(0, 50), EIGHTS)
def test_what_all_do_alike_is_no_evidence(seed: int, much: float) -> None:
    known = relations(seed)
    evidence = judge(known, shifted(known, np.full(SENSORS, much)))
    assert max(evidence.falls, evidence.rises) == pytest.approx(0.0, abs=1e-6)


@given(st.integers(0, 50), st.lists(EIGHTS, min_size=SENSORS, max_size=SENSORS))
def test_a_shift_the_other_way_is_the_same_evidence_the_other_way(seed: int, level: list[float]) -> None:
    known = relations(seed)
    one, other = (judge(known, shifted(known, sign * np.array(level))) for sign in (1, -1))
    assert (one.falls, one.rises) == pytest.approx((other.rises, other.falls), abs=1e-9)
    assert one.strength == pytest.approx(other.strength, abs=1e-9)


def test_a_growth_that_is_even_is_no_part_of_what_is_usual() -> None:
    chance = np.random.default_rng(4)
    noise = chance.normal(0, 0.2, (DAYS, SENSORS))
    growing = np.arange(DAYS)[:, None] * np.array([-0.5, -0.2, 0.0, 0.0, 0.0])
    known = relations(1)
    assert usual(known, noise + growing) == pytest.approx(usual(known, noise))
    few = np.where(np.arange(DAYS)[:, None] < DAYS - 7 - LEAST_DAYS + 1, np.nan, noise)
    assert np.isnan(usual(known, few)).all()


def test_a_shift_needs_two_of_its_three_days_and_three_pressures() -> None:
    known, level = relations(1), np.zeros((DAYS, SENSORS))
    level[-3:] = 1.0
    spread, wary = np.full(SENSORS, 0.001), np.zeros(SENSORS)
    shift = shift_of(known, level, spread, wary, 1)
    assert shift is not None
    assert shift.level.tolist() == [1.0] * SENSORS
    assert shift.scale.tolist() == [FLOOR_KPA] * SENSORS
    level[-2:, 0], level[-1, 1] = np.nan, np.nan
    shift = shift_of(known, level, spread, wary, 1)
    assert shift is not None
    assert np.isnan(shift.level).tolist() == [True, False, False, False, False]
    spread[:3] = np.nan
    assert shift_of(known, level, spread, wary, 1) is None


def test_a_known_change_is_taken_out_of_all_days_along_its_pattern_only() -> None:
    pairs = Pairs.empty(3, 1)
    pattern, other = np.array([-2.0, -1.0, 0.0]), np.array([1.0, -2.0, 5.0])
    grown = np.linspace(0, 1, DAYS)[:, None]
    pairs.rows = np.hstack([grown * pattern + (1 - grown) * other, np.zeros((DAYS, 1))])
    pairs.rows[4, 1] = np.nan
    known = relations(0)._replace(slopes=np.zeros((1, 3)))
    take_out(pairs, levels(pairs, known), pattern, 1)
    left = pairs.rows[:, :3] - (pattern + (1 - grown) * other)
    left = np.delete(left, 4, axis=0)
    assert left == pytest.approx(np.zeros_like(left), abs=1e-12)


def test_days_that_were_left_out_stand_empty_between() -> None:
    pairs = Pairs.empty(2, 1)
    learn_day(pairs, Day(7, np.ones(3), np.eye(3)), 1)
    learn_day(pairs, Day(10, np.ones(3), np.eye(3)), 3)
    assert (~np.isnan(pairs.rows).any(axis=1)).nonzero()[0].tolist() == [DAYS - 4, DAYS - 1]
    learn_day(pairs, Day(900, np.ones(3), np.eye(3)), 890)
    assert (~np.isnan(pairs.rows).any(axis=1)).nonzero()[0].tolist() == [DAYS - 1]
