"""The leak core on a made-up network: what it finds, where, and what must change nothing."""

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.leak.area import Area
from processors.leak.core import LeakCore
from processors.leak.incidents import Alarm
from processors.leak.network import AreaModel, Basis, NetworkModel
from processors.leak.screen import Screen
from processors.leak.settings import Settings
from processors.leak.state import MOST, AreaState, Shift
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, Floats, burst, network, readings

NETWORK = network()
DAYS = 14


def fold(values: Floats, core: LeakCore | None = None, first: int = FIRST) -> tuple[list[Alarm], LeakCore]:
    core = core or LeakCore(NETWORK)
    alarms = []
    for row, reading in enumerate(values):
        alarms += core.tick(first + row, reading)
    return alarms, core


AT = 10 * PER_DAY + 130
ONE_BURST = readings(NETWORK, DAYS, [(13, burst(DAYS, AT, 9.0))])


def test_a_burst_is_found_within_the_hour_at_its_place_and_size() -> None:
    alarms, _ = fold(ONE_BURST)
    assert [alarm.kind for alarm in alarms] == ["burst"]
    assert 0 <= alarms[0].tick - FIRST - AT <= 12
    assert NETWORK.distances_m[alarms[0].pipe, 13] <= 300
    assert alarms[0].flow == pytest.approx(9.0, rel=0.4)
    assert alarms[0].sure > 0.8


def test_a_network_without_leaks_is_quiet() -> None:
    alarms, _ = fold(readings(NETWORK, 28, []))
    assert alarms == []


def test_a_repair_is_no_second_leak() -> None:
    days = DAYS + 6  # sooner after the burst, its own uncertainty hides the repair
    alarms, _ = fold(readings(NETWORK, days, [(13, burst(days, AT, 9.0, AT + 7 * PER_DAY))]))
    assert [alarm.kind for alarm in alarms] == ["burst", "repaired"]
    assert alarms[1].pipe == alarms[0].pipe


def test_a_second_leak_is_found_while_the_first_still_runs() -> None:
    second = AT + 100
    both = [(13, burst(DAYS, AT, 9.0)), (33, burst(DAYS, second, 9.0))]
    alarms, _ = fold(readings(NETWORK, DAYS, both))
    assert [alarm.kind for alarm in alarms] == ["burst", "burst"]
    assert NETWORK.distances_m[alarms[1].pipe, 33] <= 300
    assert alarms[1].tick - FIRST - second <= 12


def test_a_growing_leak_is_found_before_it_is_great() -> None:
    days = 40
    flow = np.clip((np.arange(days * PER_DAY) / PER_DAY - 15) * 0.25, 0, None)
    alarms, _ = fold(readings(NETWORK, days, [(27, flow)]))
    first = alarms[0]
    assert first.kind == "growing"
    assert NETWORK.distances_m[first.pipe, 27] <= 300
    assert flow[first.tick - FIRST] < 4.0


def growing(days: int, begin: int, a_day: float) -> Floats:
    return np.clip((np.arange(days * PER_DAY) / PER_DAY - begin) * a_day, 0, None)


@pytest.mark.parametrize(("one", "other"), [(13, 33), (5, 30)])
def test_two_leaks_that_grow_together_are_both_found_at_their_places(one: int, other: int) -> None:
    flow = growing(22, 15, 0.5)
    alarms, _ = fold(readings(NETWORK, 22, [(one, flow), (other, flow)]))
    assert [alarm.kind for alarm in alarms] == ["growing", "growing"]
    for pipe in (one, other):
        assert min(NETWORK.distances_m[alarm.pipe, pipe] for alarm in alarms) <= 300


def test_what_fits_no_place_is_no_growing_leak() -> None:
    values = readings(NETWORK, 20, [(13, growing(20, 15, 0.5))])
    drift = growing(20, 15, 0.02)
    values[:, 2] -= drift
    values[:, 6] += drift
    assert fold(values, LeakCore(NETWORK))[0] == []
    loose, _ = fold(values, LeakCore(NETWORK, Settings(misfit_slow=1e9)))
    assert loose  # it is the misfit that keeps them away


def test_the_cheap_looks_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = readings(NETWORK, DAYS, [(13, burst(DAYS, AT, 5.0)), (33, burst(DAYS, AT + 100, 9.0))])
    screened, _ = fold(values)
    passed: list[bool] = []
    passes = Screen.passes

    def watched(self: Screen, state: AreaState, row: int, shift: Floats, version: int) -> bool:
        passed.append(passes(self, state, row, shift, version))
        return True

    monkeypatch.setattr(Screen, "passes", watched)
    assert fold(values)[0] == screened
    assert len(screened) == 2
    assert 0 < sum(passed) < len(passed)


def test_one_sensor_alone_raises_nothing() -> None:
    values = readings(NETWORK, DAYS, [])
    values[AT:, 2] -= 0.3
    alarms, _ = fold(values)
    assert alarms == []


def test_a_sensor_that_stands_still_raises_nothing_and_hides_no_burst() -> None:
    values = ONE_BURST.copy()
    values[9 * PER_DAY :, 5] = values[9 * PER_DAY, 5]
    alarms, _ = fold(values)
    assert [alarm.kind for alarm in alarms] == ["burst"]
    assert alarms[0].tick - FIRST >= AT


def test_lost_readings_raise_nothing_and_hide_no_burst() -> None:
    values = ONE_BURST.copy()
    values[np.random.default_rng(1).random(values.shape) < 0.02] = np.nan
    alarms, _ = fold(values)
    assert [alarm.kind for alarm in alarms] == ["burst"]


def test_a_day_in_which_nothing_came_begins_anew() -> None:
    core = LeakCore(NETWORK)
    fold(ONE_BURST[: 8 * PER_DAY], core)
    alarms, _ = fold(readings(NETWORK, 4, []), core, FIRST + 11 * PER_DAY)
    assert alarms == []


@pytest.mark.parametrize("cut", [AT - 1, AT + 1, 11 * PER_DAY])
def test_nothing_looks_ahead(cut: int) -> None:
    whole, _ = fold(ONE_BURST)
    before, _ = fold(ONE_BURST[:cut])
    assert before == [alarm for alarm in whole if alarm.tick < FIRST + cut]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, DAYS * PER_DAY - 1), max_size=4, unique=True))
def test_putting_it_down_and_taking_it_up_changes_nothing(cuts: list[int]) -> None:
    whole, core = fold(ONE_BURST)
    parts: list[Alarm] = []
    taken = LeakCore(NETWORK)
    begin = 0
    for cut in [*sorted(cuts), len(ONE_BURST)]:
        some, taken = fold(ONE_BURST[begin:cut], taken, FIRST + begin)
        parts += some
        begin = cut
        taken = LeakCore.from_bytes(taken.to_bytes(), NETWORK)
    assert parts == whole
    assert taken.to_bytes() == core.to_bytes()


def test_the_state_is_as_large_at_any_age() -> None:
    days = 50  # older than everything that is remembered
    leaks = [(13, burst(days, AT, 9.0, AT + 8 * PER_DAY)), (33, burst(days, AT + 700, 9.0))]
    values = readings(NETWORK, days, leaks)
    core = LeakCore(NETWORK)
    sizes = {len(core.to_bytes())}
    said = 0
    for row, reading in enumerate(values):
        said += len(core.tick(FIRST + row, reading))
        if row % PER_DAY == 100:
            sizes.add(len(core.to_bytes()))
    assert said >= 3
    assert len(sizes) == 1


def test_no_more_shifts_are_kept_than_there_is_room_for() -> None:
    core = LeakCore(NETWORK)
    area, state = core._areas[0], core._states[0]
    for number in range(MOST + 5):
        state.tick = FIRST + number
        area.incidents._remember(state, Shift(state.tick, 13, 1.0))
    assert len(state.shifts) == MOST
    assert state.known_flow == pytest.approx(5.0)  # the oldest are part of what is known, none is lost
    assert len(core.to_bytes()) == len(LeakCore(NETWORK).to_bytes())


@pytest.mark.parametrize("basis", [Basis.INFLOW, Basis.CONSUMPTION])
def test_one_tick_alone_leaves_what_it_leaves_among_many(basis: Basis) -> None:
    area = Area(NETWORK, model_with(basis), SENSORS, PER_DAY, Settings())
    state = area.initial()
    chance = np.random.default_rng(4)
    state.tick, state.rows, state.learned = FIRST + 40, 41, 3
    state.inputs[:41] = chance.uniform(20.0, 60.0, (41, state.inputs.shape[1]))
    state.inputs[:41, area.reader.pump] *= chance.integers(0, 2, 41)
    state.beta, state.offset = chance.normal(size=state.beta.shape), chance.normal(size=state.offset.shape)
    state.beta[:, -1] = 0.0  # the balance is explained by nothing
    state.known, state.known_flow = chance.normal(size=state.known.shape) / 100.0, 3.0
    state.shifts = [Shift(FIRST + 20, 7, 4.0), Shift(FIRST + 30, 9, -2.0)]
    area._settle(state, area._left(state, area.reader.prepare(state, 0, state.rows)))
    usual = area.expected(state)[state.tick % PER_DAY]
    area._reading[0] = state.inputs[40]
    alone = area.residual(state) - usual
    np.testing.assert_allclose(alone, state.residuals[40], rtol=1e-5, atol=1e-5)


def test_of_a_network_in_which_nothing_is_measured_nothing_is_said() -> None:
    core = LeakCore(msgspec.structs.replace(NETWORK, areas=()))
    assert core.sensors == ()
    assert [alarm for number in range(FIRST, FIRST + 7) for alarm in core.tick(number, [])] == []


SENSORS = (*(f"P{i}" for i in range(8)), "F0", "F1", "PUMP", "TANK", "USED")


def model_with(basis: Basis) -> AreaModel:
    """An area with a pump: one that it empties, or one that it fills."""
    area = NETWORK.areas[0]
    if basis is Basis.INFLOW:
        four = np.concatenate([area.signatures, 0.1 * area.signatures])
        return msgspec.structs.replace(area, pump="PUMP", signatures=four)
    only = area.signatures[:, :, : len(area.pressures)]
    return msgspec.structs.replace(
        area, basis=basis, inflows=(), pump="PUMP", level="TANK", consumption="USED", signatures=only, unmetered=1.2
    )


def test_a_sensor_that_often_stands_still_is_believed_once_that_is_known() -> None:
    values = readings(NETWORK, 12, [])
    night = (np.arange(len(values)) % PER_DAY) < 90
    values[night, 5] = 50.0  # behind a reducing valve nothing moves at night
    core = LeakCore(NETWORK)
    doubted = []
    for row, reading in enumerate(values):
        core.tick(FIRST + row, reading)
        doubted.append(bool(core._areas[0].liars.mask(core.states[0])[5]))
    assert any(doubted[: 2 * PER_DAY])
    assert not any(doubted[4 * PER_DAY :])
    stuck = np.tile(values[-1], (4 * PER_DAY, 1)) + np.where(np.arange(10) == 5, 0.0, readings(NETWORK, 4, []) % 0.1)
    for row, reading in enumerate(stuck):
        core.tick(FIRST + len(values) + row, reading)
    assert core._areas[0].liars.mask(core.states[0])[5]  # for days it is not believed


def test_a_model_survives_its_bytes_and_nonsense_is_refused() -> None:
    again = NetworkModel.from_bytes(NETWORK.to_bytes())
    assert again.to_bytes() == NETWORK.to_bytes()
    assert again.pipes == NETWORK.pipes
    np.testing.assert_allclose(again.areas[0].signatures, NETWORK.areas[0].signatures, rtol=1e-6)
    with pytest.raises(ValueError, match="not a network model"):
        NetworkModel.from_bytes(b"nonsense")
    with pytest.raises(ValueError, match="not a state"):
        LeakCore.from_bytes(b"nonsense", NETWORK)
