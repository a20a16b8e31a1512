"""Flow meters that lie raise no leak of the night and no burst; the same area with a leak does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from street_kit import records, replayed, restart

from ops.score.leak import Column, run
from ops.score.leak_nights import (
    BEGINS_DAY,
    LON,
    PER_DAY,
    STEP_MS,
    STORIES,
    WITH_PRESSURES,
    ZONE,
    Floats,
    believing,
    pressures,
    times_of,
    use,
)
from processors.detectors.health.detector import HealthDetector
from processors.detectors.leak import LeakDetector
from processors.detectors.leak_book import NIGHT, Book, known, learn, narrow, take_day
from processors.detectors.leak_lies import Lie, LieKind, at_all_hours, follows, is_usual_beside, lie_of, walks
from processors.detectors.leak_night import NIGHTS
from processors.detectors.leak_nightly import through_the_night
from processors.detectors.leak_state import LeakState, Sensor, from_bytes, to_bytes
from processors.detectors.leak_steps import Sample, Step
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.registry import ZoneConfigured, ZoneKind

KEY = "q|q|flow"
PLACE = Place(lon=LON, lat=34.0)
LEAK, JUMP, DRIFT, CLOCK = (
    AnomalyKind.WATER_LEAK,
    AnomalyKind.DEVICE_JUMP,
    AnomalyKind.DEVICE_DRIFT,
    AnomalyKind.DEVICE_CLOCK,
)


def nights_of(flow: Floats) -> list[Anomaly]:
    """What the nights of one meter say; a snapshot in between must change nothing."""
    state = LeakState(zone=ZONE, place=PLACE.model_dump_json(by_alias=True))
    state.sensors[KEY] = Sensor("q", "q", "flow")
    said: list[Anomaly] = []
    for number, (at_ms, value) in enumerate(zip(times_of(len(flow)), np.round(flow, 2).tolist(), strict=True)):
        if not np.isnan(value):
            said += through_the_night(state, Step(at_ms, {KEY: (value, Sample(at_ms, "", value, at_ms))}), 1)
        if number % 777 == 0:
            state = from_bytes(to_bytes(state))
    return said


def raised(findings: list[Anomaly]) -> list[AnomalyKind]:
    return [one.kind for one in findings if one.transition is Transition.RAISED]


def told(name: str, seed: int, begin: int = BEGINS_DAY * PER_DAY + 30) -> Floats:
    return STORIES[name](use(seed), begin, np.random.default_rng(seed))


# of each kind of lie, none raises a leak


seeds = st.integers(0, 10_000)
begins = st.integers(BEGINS_DAY * PER_DAY, (BEGINS_DAY + 1) * PER_DAY)


@given(seed=seeds, begin=begins, factor=st.sampled_from([3.6, 1000.0, 60.0, 2.0, 1 / 3.6, 1 / 60, 0.001]))
def test_another_unit_is_no_leak_and_is_said(seed: int, begin: int, factor: float) -> None:
    used = use(seed)
    found = nights_of(np.where(np.arange(len(used)) >= begin, factor * used, used))
    assert LEAK not in raised(found)
    if factor > 0.1:  # finer than the meter shows, it stands still
        assert JUMP in raised(found)


@given(seed=seeds, begin=begins, hiss=st.sampled_from([0.0, 0.02]), value=st.floats(0.5, 30.0))
def test_a_meter_that_stands_still_is_no_leak(seed: int, begin: int, hiss: float, value: float) -> None:
    used = use(seed)
    still = value + hiss * np.random.default_rng(seed).standard_normal(len(used))
    assert LEAK not in raised(nights_of(np.where(np.arange(len(used)) >= begin, still, used)))


@given(seed=seeds, begin=begins, hours=st.integers(3, 21))
def test_a_clock_that_is_wrong_is_no_leak(seed: int, begin: int, hours: int) -> None:
    used = use(seed)
    assert LEAK not in raised(nights_of(np.where(np.arange(len(used)) >= begin, np.roll(used, 4 * hours), used)))


@given(seed=seeds, begin=begins, gap=st.integers(5, 60), more=st.floats(3.0, 20.0), nought=st.booleans())
def test_an_offset_behind_a_gap_is_no_leak(seed: int, begin: int, gap: int, more: float, nought: bool) -> None:
    used = use(seed)
    said = np.where(np.arange(len(used)) >= begin, used + more, used)
    said[begin - gap : begin] = 0.0 if nought else np.nan
    assert LEAK not in raised(nights_of(said))


@given(seed=seeds, begin=begins, a_day=st.floats(0.05, 0.3))
def test_a_gain_that_drifts_is_no_leak(seed: int, begin: int, a_day: float) -> None:
    used = use(seed)
    days = np.maximum(np.arange(len(used)) - begin, 0) / PER_DAY
    assert LEAK not in raised(nights_of(used * (1 + a_day * days)))


@given(seed=seeds, begin=begins, most=st.floats(5.0, 100.0))
def test_any_numbers_are_no_leak(seed: int, begin: int, most: float) -> None:
    used = use(seed)
    noise = np.random.default_rng(seed).uniform(0, most, len(used))
    assert LEAK not in raised(nights_of(np.where(np.arange(len(used)) >= begin, noise, used)))


@given(seed=seeds, begin=begins, flow=st.floats(5.0, 20.0))
def test_a_leak_is_found_in_the_same_areas(seed: int, begin: int, flow: float) -> None:
    used = use(seed)
    said = np.where(np.arange(len(used)) >= begin, used + flow, used)
    assert raised(nights_of(said)) == [LEAK]
    assert believing(said)


@pytest.mark.parametrize("name", ["x 3.6", "x 1000", "clock 6 h ahead", "any number", "+ 5 m3/h behind a gap of 2 h"])
def test_who_believes_them_raises_leaks(name: str) -> None:
    """The stories are such that something must be done about them."""
    assert any(believing(told(name, seed)) for seed in range(3))


# what is said of the meter, and for how long


def test_another_unit_is_said_with_its_factor_until_it_is_mended() -> None:
    used = use(1)
    at = np.arange(len(used))
    found = nights_of(np.where((at >= 12.5 * PER_DAY) & (at < 16.5 * PER_DAY), 3.6 * used, used))
    assert [(one.kind, one.transition) for one in found] == [(JUMP, Transition.RAISED), (JUMP, Transition.CLEARED)]
    assert found[0].numbers["factor"] == pytest.approx(3.6, rel=0.25)
    assert (found[0].subject, found[0].facility) == ("q", "q")
    assert found[0].id == found[1].id
    assert found[1].reason == "it agrees with its usual days, or moves, again"


def test_one_that_stays_so_is_learnt_after_a_week_and_a_leak_is_found_again() -> None:
    used = use(2, days=40)
    at = np.arange(len(used))
    said = np.where(at >= 12.5 * PER_DAY, 3.6 * used, used) + np.where(at >= 34 * PER_DAY, 18.0, 0.0)
    found = nights_of(said)
    assert raised(found) == [JUMP, LEAK]
    assert found[1].reason == "it has said so for a week, which is learnt as usual"


@pytest.mark.parametrize(("story", "kind"), [("clock 6 h ahead", CLOCK), ("x 1.12 more every day", DRIFT)])
def test_a_clock_and_a_drift_are_said_by_their_names(story: str, kind: AnomalyKind) -> None:
    assert raised(nights_of(told(story, 3))) == [kind]


def test_water_drawn_in_the_night_alone_is_no_leak() -> None:
    used = use(4)
    hour = (np.arange(len(used)) / 4 + 4) % 24
    watered = (hour >= 0) & (hour < 6) & (np.arange(len(used)) >= BEGINS_DAY * PER_DAY)
    assert nights_of(used + 5.0 * watered) == []
    assert believing(used + 5.0 * watered)


def test_a_meter_may_be_heard_first_when_a_day_is_over() -> None:
    used, other = use(1), use(2)
    state = LeakState(zone=ZONE, place=PLACE.model_dump_json(by_alias=True))
    keys = (KEY, "a|a|pressure")  # before the other in the order of columns
    state.sensors = {key: Sensor(key[0], key[0], key.rpartition("|")[2]) for key in keys}
    for number, at_ms in enumerate(times_of(len(used))):
        spoke = [(KEY, used[number]), *([(keys[1], other[number])] if number >= 10 * PER_DAY else [])]
        values = {key: (float(value), Sample(at_ms, "", float(value), at_ms)) for key, value in spoke}
        assert through_the_night(state, Step(at_ms, values), 1) == []
        if number == 10 * PER_DAY:
            assert state.trust.book.row("days").tolist() == [0, NIGHTS]
    assert state.trust.book.keys == ("a|a|pressure", KEY)
    assert known(state.trust.book).tolist() == [True, True]


# through the pipeline: standing still is told once, by device health


def area() -> PipelineTestDriver:
    driver = PipelineTestDriver(LeakDetector(), HealthDetector(), tick_s=STEP_MS / 1000)
    driver.register(
        Facility(
            facility="q",
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.FLOW_METER,
            zone=ZONE,
            place=PLACE,
            devices=(DeviceBinding(device="q"),),
        )
    )
    driver.configure(ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, place=PLACE))
    return driver


def live(driver: PipelineTestDriver, flow: Floats) -> None:
    for value in np.round(flow, 2).tolist():
        driver.read_many([("q", "flow", value, driver.now_ms)])
        driver.advance(STEP_MS / 1000)


def test_a_meter_that_stands_still_is_told_by_health_alone() -> None:
    driver = area()
    live(driver, told("stands still", 5)[: 17 * PER_DAY])
    assert [(one.kind, one.detector) for one in driver.findings] == [(AnomalyKind.DEVICE_STUCK, "health")]


def test_a_restart_and_a_replay_change_nothing_of_what_is_said_of_a_meter() -> None:
    whole, cut = area(), area()
    flow = told("x 3.6", 6)[: 17 * PER_DAY]
    live(whole, flow)
    for begin, end in ((0, 1150), (1150, 1330), (1330, len(flow))):
        live(cut, flow[begin:end])
        restart(cut)
    assert JUMP in raised(whole.findings)
    assert records(cut) == records(whole) == replayed(whole, [LeakDetector(), HealthDetector()])


# with pressures


@pytest.mark.parametrize(
    ("story", "kinds"),
    [
        ("a leak of 5 m3/h", {LEAK, AnomalyKind.WATER_BURST}),
        ("the same, half way from the inlet", {LEAK}),
        ("+ 5 m3/h", {JUMP}),
    ],
)
def test_pressures_tell_an_offset_from_a_leak(story: str, kinds: set[AnomalyKind]) -> None:
    share, said = WITH_PRESSURES[story]
    used = use(0, 16)
    flow = np.round(said(used, BEGINS_DAY * PER_DAY, np.random.default_rng(0)), 2)
    known = pressures(used + share * (flow - used), 0)
    findings, _ = run(ZONE, times_of(len(flow)), [Column("q", "flow", flow), *known])
    assert set(raised(findings)) == kinds


# the parts


HOURS = np.arange(24)
USUAL = 10 - 8 * np.cos(2 * np.pi * (HOURS + 1) / 24)


@pytest.mark.parametrize(
    ("day", "lie"),
    [
        (USUAL, None),
        (USUAL + 5, None),
        (3.6 * USUAL, Lie(LieKind.SCALE, 3.6)),
        (np.roll(USUAL, 6), Lie(LieKind.CLOCK, 6.0)),
        (np.full(24, 9.0), Lie(LieKind.STUCK, 0.0)),
    ],
)
def test_what_explains_a_day(day: Floats, lie: Lie | None) -> None:
    found = lie_of(day, USUAL, 0.3)
    assert found == (lie if lie is None else replace_error(lie, found))


def replace_error(lie: Lie, found: Lie | None) -> Lie:
    assert found is not None
    assert found.error == pytest.approx(lie.error)
    return lie._replace(error=found.error)


def test_of_a_day_of_which_too_little_is_known_nothing_is_said() -> None:
    day = 3.6 * USUAL
    day[:7] = np.nan
    assert lie_of(day, USUAL, 0.3) is None


def test_a_leak_flows_at_all_hours_and_leaves_a_usual_day() -> None:
    night = np.isin(HOURS, [*NIGHT, 21, 20])
    assert at_all_hours(USUAL + 3, USUAL)
    assert not at_all_hours(USUAL + 3 * night, USUAL)
    assert is_usual_beside(USUAL + 3, USUAL, 0.3)
    assert not is_usual_beside(2 * USUAL, USUAL, 0.3)


@pytest.mark.parametrize(
    ("rises", "drifts"),
    [([2.0, 4.0, 6.0], True), ([-2.0, -4.0, -6.0], True), ([0.1, 3.0, 6.0], False), ([6.0, 6.1, 6.0], False)],
)
def test_a_drift_was_there_the_day_before_and_less(rises: list[float], drifts: bool) -> None:
    assert walks(np.array(rises)) is drifts


@pytest.mark.parametrize(("share", "is_so"), [(1.0, True), (0.5, True), (0.1, False), (-0.2, False)])
def test_pressures_follow_at_least_a_third_of_the_way(share: float, is_so: bool) -> None:
    should = np.array([-4.0, -5.0, -0.01])
    assert follows(should, share * should, np.full(3, 0.5)) is is_so


def test_pressures_that_feel_no_flow_say_nothing() -> None:
    assert follows(np.array([-0.1, 0.2]), np.zeros(2), np.full(2, 0.5)) is None


def test_a_meter_that_leaves_leaves_the_book() -> None:
    book = Book()
    for step in range(3 * PER_DAY):
        values = {key: (float(step % 7), Sample(0, "", 0.0, 0)) for key in ("a", "b")}
        day = take_day(book, Step(times_of(step + 1)[-1], values), LON)
        if day is not None:
            learn(book, day, np.ones(2, dtype=np.bool_))
    narrow(book, {"b"})
    assert book.keys == ("b",)
    assert {one.shape[1] for one in (book.sums, book.counts, book.usual, book.means, book.rows)} == {1}
