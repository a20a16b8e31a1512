"""What is not there teaches nothing: a silent sensor is neither calm, nor changed, nor standing still."""

import numpy as np
import pytest

from processors.leak.area import Area
from processors.leak.learning import carried, learn_day, yesterday
from processors.leak.noise import Noise
from processors.leak.settings import SHIPPED
from processors.leak.state import AreaState
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, PRESSURES, Floats, network

SENSORS = 4
SILENT = 0
WEEK = 7


def days_of_noise(count: int) -> Floats:
    """Residuals of sensors that have half of their noise in common."""
    chance = np.random.default_rng(11)
    own = chance.standard_normal((count * PER_DAY, SENSORS))
    return own + chance.standard_normal((count * PER_DAY, 1))


def learnt(rows: Floats, spoke: list[np.ndarray]) -> Noise:
    """Each day with the one before it."""
    noise = Noise.empty(SENSORS)
    for day, these in enumerate(spoke, 1):
        noise.learn(rows[(day - 1) * PER_DAY : (day + 1) * PER_DAY].copy(), PER_DAY, these)
    return noise


ALL = np.ones(SENSORS, dtype=bool)
OTHERS = np.arange(SENSORS) != SILENT


def test_a_week_of_silence_does_not_make_a_sensor_calm() -> None:
    rows = days_of_noise(2 * WEEK + 1)
    before = learnt(rows, [ALL] * WEEK)
    rows[(WEEK + 1) * PER_DAY :, SILENT] = 0.0  # as a sensor that is out is carried on
    after = learnt(rows, [ALL] * WEEK + [OTHERS] * WEEK)
    spread = after.covariance[SILENT, SILENT] / before.covariance[SILENT, SILENT]
    shared = after.covariance[SILENT, OTHERS] / before.covariance[SILENT, OTHERS]
    assert spread == pytest.approx(1.0, abs=0.1)
    assert shared == pytest.approx(np.ones(SENSORS - 1), abs=0.2)
    assert np.linalg.eigvalsh(after.covariance).min() > 0.1
    assert np.array_equal(after.hours[:, SILENT], before.hours[:, SILENT])
    assert np.array_equal(after.factors[:, SILENT], before.factors[:, SILENT])


def test_what_the_others_teach_does_not_depend_on_who_is_silent() -> None:
    rows = days_of_noise(WEEK + 1)
    whole = learnt(rows, [ALL] * WEEK)
    rows[3 * PER_DAY :, SILENT] = 0.0
    part = learnt(rows, [ALL, ALL] + [OTHERS] * (WEEK - 2))
    assert np.array_equal(part.covariance[np.ix_(OTHERS, OTHERS)], whole.covariance[np.ix_(OTHERS, OTHERS)])
    assert np.array_equal(part.hours[:, OTHERS], whole.hours[:, OTHERS])
    assert np.array_equal(part.factors[:, OTHERS], whole.factors[:, OTHERS])


def area_and_state() -> tuple[Area, AreaState]:
    model = network()
    names = (*model.areas[0].pressures, *model.areas[0].inflows)
    area = Area(model, model.areas[0], names, PER_DAY, SHIPPED)
    return area, area.initial()


def test_a_day_of_silence_is_as_the_day_before_it() -> None:
    _, state = area_and_state()
    chance = np.random.default_rng(5)
    width = state.beta.shape[0]
    slopes = chance.standard_normal(state.beta.shape)
    slopes[:, -1] = 0.0
    for day in range(12):
        regressors = np.column_stack([np.ones(PER_DAY), chance.standard_normal((PER_DAY, width - 1))])
        outputs = regressors @ slopes
        if day > 7:
            outputs[:, :PRESSURES] -= 0.5  # a leak, to which the regression must not get used
        left = yesterday(state)
        if day == 11:
            outputs[:, SILENT] = np.nan
        learn_day(state, day, regressors, outputs, np.ones(PER_DAY), SHIPPED.memory_days)
        if day == 11:
            was = state.day_outputs[-2] - state.day_regressors[-2] @ state.beta
            assert abs(left[SILENT]) > 0.2
            assert yesterday(state)[SILENT] == pytest.approx(was[SILENT], abs=0.05)


def test_gaps_are_carried_and_begin_as_said() -> None:
    rows = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, 3.0]])
    assert carried(rows).tolist() == [[0.0, 1.0], [2.0, 1.0], [2.0, 3.0]]
    assert carried(rows, np.array([7.0, 8.0])).tolist() == [[7.0, 1.0], [2.0, 1.0], [2.0, 3.0]]


@pytest.mark.parametrize(("lost", "believed"), [((), False), ((2, 4, 6), True)])
def test_a_lost_tick_is_none_in_which_a_sensor_stood_still(lost: tuple[int, ...], believed: bool) -> None:
    area, state = area_and_state()
    state.repeats = np.full(area.reader.width, 0.05)  # seven equal values are no chance: 0.05^7 < e^-20
    chance = np.random.default_rng(2)
    taken = np.zeros(area.reader.width, dtype=np.float32)
    state.moved[:] = FIRST
    for tick in range(9):
        values = chance.random(area.reader.width) + 1.0
        values[SILENT] = np.nan if tick in lost else 1.0
        state.tick = FIRST + tick
        taken[:] = values
        area.liars.clean(state, values, taken, taken.tolist())
    assert bool(taken[SILENT] == 1.0) is believed
