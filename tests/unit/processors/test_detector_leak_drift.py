"""Growing leaks from how pressures drift against each other: found, followed, over; and no sensor that lies is one."""

import random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from leak_drift_kit import (
    INLETS,
    LIES,
    NEAR,
    PER_DAY,
    PRESSURES,
    STEP_S,
    ZONE,
    Floats,
    area,
    configured,
    growing,
    live,
    network,
    rows_of,
)
from state_kit import slot, state
from street_kit import records, replayed, restart

from ops.score.leak import Column, Feeder, readings, run
from processors.detectors.leak import LeakDetector
from processors.detectors.leak_meters import Meters
from processors.detectors.leak_night import DAY_MS, RATIO
from processors.detectors.leak_paired import end_drifts, know_change, listen, through_the_day
from processors.detectors.leak_state import Drift, LeakState, Sensor, from_bytes, to_bytes
from processors.detectors.leak_steps import Step
from processors.engine.composed import PartitionFold
from processors.engine.driver import START, PipelineTestDriver
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.facility import FacilityClass, Place
from schemas.model import to_ms
from schemas.registry import FacilityRegistered, ZoneConfigured, ZoneKind

HOUR_MS = STEP_S * 1000
DAYS = 60
BEGIN, END = 25, 50
"""Days in which it leaks more and more."""
LOST = growing(DAYS, BEGIN, 0.5, 10.0, END)
FIRST_MS = to_ms(START)


def fresh() -> LeakState:
    names = [*(f"p{at}|p{at}|pressure" for at in range(PRESSURES)), *(f"q{at}|q{at}|flow" for at in range(INLETS))]
    sensors = {key: Sensor(*key.split("|")) for key in names}
    known = LeakState(zone=ZONE, layout=tuple(names), counts=(PRESSURES, INLETS, 0), sensors=sensors)
    known.place = configured().place.model_dump_json(by_alias=True)
    known.steps.interval_ms = HOUR_MS
    return known


def told(data: tuple[Floats, Floats], known: LeakState | None = None, begin: int = 0) -> list[Anomaly]:
    """What the days say, without all that is judged by the step."""
    known = known or fresh()
    meters = Meters.empty(PRESSURES, INLETS, 0)
    found = []
    pressure, flow = data
    for hour in range(begin, len(pressure)):
        step = Step(FIRST_MS + hour * HOUR_MS, {})
        meters.stuck(pressure[hour])
        listen(known, cast(Any, SimpleNamespace(meters=meters)), step, (pressure[hour] / 1000, flow[hour], np.zeros(0)))
        found += through_the_day(known, step, 7)
    return found


def steps_of(findings: list[Anomaly]) -> list[str]:
    return [one.transition.value for one in findings]


def day_of(finding: Anomaly) -> float:
    return (to_ms(finding.at) - FIRST_MS) / (PER_DAY * HOUR_MS)


def with_lie(data: tuple[Floats, Floats], sensor: int, lie: str, day: int) -> tuple[Floats, Floats]:
    pressure, flow = data
    pressure = pressure.copy()
    pressure[:, sensor] = LIES[lie](pressure[:, sensor], day * PER_DAY)
    return pressure, flow


# what is found


def columns(data: tuple[Floats, Floats]) -> tuple[list[int], list[Column]]:
    pressure, flow = data
    found = [Column(f"p{at}", "pressure", pressure[:, at]) for at in range(PRESSURES)]
    found += [Column(f"q{at}", "flow", flow[:, at]) for at in range(INLETS)]
    return [FIRST_MS + (at + 1) * HOUR_MS for at in range(len(pressure))], found


def test_a_leak_too_small_for_the_night_is_found_near_its_meter_followed_and_over_when_repaired() -> None:
    data = area(DAYS, LOST, seed=2)
    night = data[1].sum(axis=1)[: BEGIN * PER_DAY].reshape(-1, PER_DAY)[:, 18:20].mean()
    assert LOST.max() < (RATIO - 1) * night  # by the flow of the night it is none
    found, _ = run(ZONE, *columns(data))
    assert steps_of(found) == ["raised", "updated", "cleared"]
    raised, updated, cleared = found
    assert {one.kind for one in found} == {AnomalyKind.WATER_LEAK}
    assert {(one.id, one.subject, one.facility) for one in found} == {(raised.id, ZONE, f"p{NEAR}")}
    assert raised.facility_class is FacilityClass.PRESSURE_METER
    assert BEGIN + 4 <= day_of(raised) <= BEGIN + 14
    assert END + 2 <= day_of(cleared) <= END + 6
    assert FIRST_MS + BEGIN * PER_DAY * HOUR_MS <= to_ms(raised.since) < to_ms(raised.at)
    assert updated.numbers["pressure_drop_kpa"] >= 1.5 * raised.numbers["pressure_drop_kpa"] > 0
    assert 0.5 < raised.score < 1
    assert len(raised.evidence) == 1
    assert raised.summary.startswith(f"Growing leak in {ZONE}, nearest to p{NEAR}: its pressure fell by 0.0")
    assert cleared.reason == "the pressures are back to what they were against each other"


@pytest.mark.parametrize("near", range(PRESSURES))
def test_the_meter_that_is_named_is_near(near: int) -> None:
    found = [one for one in told(area(45, growing(45, BEGIN, 0.8, 16.0), near=near)) if one.transition == "raised"]
    assert len(found) == 1
    assert abs(int(str(found[0].facility)[1:]) - near) <= 1


def test_a_leak_that_stays_is_told_once_and_a_second_elsewhere_as_well() -> None:
    first, second = growing(80, BEGIN, 1.0, 6.0), growing(80, 55, 1.0, 10.0)
    pressure, flow = area(80, first, near=0)
    other, _ = area(80, second, near=5)
    alone, _ = area(80)
    raised = [one for one in told((pressure + other - alone, flow)) if one.transition is Transition.RAISED]
    assert [one.facility for one in raised] in (["p0", "p5"], ["p0", "p4"])
    assert len({one.id for one in raised}) == 2


@pytest.mark.parametrize(("days_ago", "second"), [(1, False), (20, True)])
def test_the_night_says_how_much_a_leak_is_that_just_grew_and_raises_one_of_its_own_otherwise(
    days_ago: int, *, second: bool
) -> None:
    """The pressures told of a leak some days before the night's flow rises by 30 m3/h."""
    times_ms, meters = columns(area(33, growing(33, BEGIN, 1e6, 30.0), seed=2))
    feeder = Feeder(ZONE)
    place = Place(lon=113.85, lat=34.0)
    feeder.take([ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, place=place)])
    feeder.take([FacilityRegistered(facility=one) for one in network()])
    for hour, events in enumerate(readings(ZONE, times_ms, meters)):
        if hour == BEGIN * PER_DAY:
            today = FIRST_MS // DAY_MS + BEGIN
            key, pattern = f"p{NEAR}|p{NEAR}|pressure", -np.eye(PRESSURES)[NEAR]
            cause = today - days_ago
            feeder.state.watch.drifts = [Drift(cause, cause * DAY_MS, key, pattern, 1.0, 1.0, 1, 2.0, True, cause)]
        feeder.advance(times_ms[hour])
        feeder.take(events)
    found = [one for one in feeder.findings if one.kind is AnomalyKind.WATER_LEAK]
    assert steps_of(found)[0] == ("raised" if second else "updated")
    assert found[0].facility == (None if second else f"p{NEAR}")
    assert found[0].numbers["extra_flow_m3h"] == pytest.approx(30.0, abs=4)
    assert found[0].numbers["loss_m3_per_day"] == pytest.approx(24 * found[0].numbers["extra_flow_m3h"], abs=0.1)
    assert second or found[0].summary.endswith("m3/h more flow in")


def test_what_the_night_has_told_is_not_told_by_the_pressures() -> None:
    known = fresh()
    known.nights.opened = cast(Any, object())
    assert told(area(DAYS, LOST), known) == []
    assert {drift.said for drift in known.watch.drifts} <= {False}


# what is not


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_said_of_weeks_in_which_nothing_grows(seed: int) -> None:
    assert told(area(DAYS, seed=seed)) == []


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_of_a_single_sensor_is_a_leak(lie: str) -> None:
    for sensor in range(PRESSURES):
        assert told(with_lie(area(DAYS, seed=sensor), sensor, lie, BEGIN)) == [], sensor


@pytest.mark.parametrize("lie", ["2 kPa less", "50 kPa less", "lost"])
def test_beside_a_sensor_that_lies_a_leak_is_found_where_it_is(lie: str) -> None:
    raised = [one for one in told(with_lie(area(DAYS, LOST), 5, lie, BEGIN)) if one.transition is Transition.RAISED]
    assert len(raised) == 1
    assert abs(int(str(raised[0].facility)[1:]) - NEAR) <= 1


def test_what_all_pressures_have_in_common_is_none() -> None:
    """More use from week to week; and a valve at the inlet that is set lower, at once or bit by bit."""
    pressure, flow = area(DAYS)
    more = 1 + 0.003 * np.arange(DAYS * PER_DAY) / PER_DAY
    slope = 0.001 * (1 + np.arange(PRESSURES) / 4)
    head = pressure + 1000 * (flow @ np.array([1.1, 0.9]))[:, None] ** 2 * slope
    thirsty = flow * more[:, None]
    assert told((head - 1000 * (thirsty @ np.array([1.1, 0.9]))[:, None] ** 2 * slope, thirsty)) == []
    day = np.arange(DAYS * PER_DAY)[:, None] / PER_DAY
    assert told((pressure - np.where(day >= BEGIN, 8_000, 0), flow)) == []
    assert told((pressure - 300 * np.maximum(day - BEGIN, 0), flow)) == []


@pytest.mark.parametrize("lie", [lambda q: 1.3 * q, lambda q: q + 8.0, lambda q: 0.8 * q])
def test_no_flow_meter_that_lies_a_little_is_a_leak(lie: Any) -> None:
    pressure, flow = area(DAYS)
    flow = flow.copy()
    flow[BEGIN * PER_DAY :, 1] = lie(flow[BEGIN * PER_DAY :, 1])
    assert told((pressure, flow)) == []


def test_two_pressures_say_nothing_of_each_other_that_one_of_them_could_not_say_alone() -> None:
    pressure, flow = area(DAYS, LOST)
    pressure = pressure.copy()
    pressure[:, 2:] = np.nan
    assert told((pressure, flow)) == []


def test_a_meter_that_is_doubted_teaches_nothing_for_as_long() -> None:
    known = fresh()
    known.trust.doubts["q0|q0|flow"] = cast(Any, None)
    assert told(area(DAYS, LOST), known) == []
    assert known.pairs is not None
    assert np.isnan(known.pairs.rows).all()


def test_what_a_burst_has_told_is_not_told_again_and_stays_with_it() -> None:
    known, lost = fresh(), growing(DAYS, BEGIN, 1e6, 10.0)
    data = area(DAYS, lost)
    assert told((data[0][: BEGIN * PER_DAY], data[1][: BEGIN * PER_DAY]), known) == []
    know_change(known, Step(FIRST_MS + BEGIN * PER_DAY * HOUR_MS, {}))
    month = 30 * PER_DAY
    assert told((data[0][:month], data[1][:month]), known, BEGIN * PER_DAY) == []
    assert [drift.said for drift in known.watch.drifts] == [False]
    assert told(data, known, month) == []
    assert steps_of(told(area(DAYS, lost))) == ["raised"]  # without the burst


def test_what_is_open_ends_with_a_reason() -> None:
    known = fresh()
    lost = growing(45, BEGIN, 0.5, 10.0)
    assert "raised" in steps_of(told(area(45, lost), known))
    (over,) = end_drifts(known, FIRST_MS, 7, "no flow meter is left")
    assert (over.transition, over.reason) == (Transition.CLEARED, "no flow meter is left")
    assert known.pairs is None
    assert known.watch.drifts == []


# when, in which order, from which state


def test_what_comes_later_changes_nothing_before() -> None:
    data = area(DAYS, LOST)
    whole = told(data)
    assert whole
    for day in (30, 36, 41, 53):
        cut = told((data[0][: day * PER_DAY], data[1][: day * PER_DAY]))
        assert cut == [one for one in whole if to_ms(one.at) < FIRST_MS + day * PER_DAY * HOUR_MS]


def test_a_snapshot_anywhere_changes_nothing_and_is_small() -> None:
    data = area(DAYS, LOST)
    known, found = fresh(), []
    for day in range(DAYS):
        end = (day + 1) * PER_DAY - 7
        begin = max(end - PER_DAY, 0)
        found += told((data[0][:end], data[1][:end]), known, begin)
        known = from_bytes(to_bytes(known))
    assert found == [one for one in told(data) if to_ms(one.at) < FIRST_MS + (DAYS * PER_DAY - 7) * HOUR_MS]
    assert len(to_bytes(known)) < 12_000


def driven(detector: LeakDetector | None = None) -> PipelineTestDriver:
    driver = PipelineTestDriver(detector or LeakDetector(), tick_s=STEP_S)
    driver.register(*network())
    driver.configure(configured())
    return driver


def test_order_copies_batches_restarts_and_a_replay_change_nothing() -> None:
    dice = random.Random(3)
    days = 36
    data = area(days, growing(days, BEGIN, 1.0, 20.0), seed=4)
    plain, shaken = driven(), driven()
    live(plain, data, 0, days * PER_DAY)
    for hour in range(days * PER_DAY):
        rows = rows_of(data, hour, shaken.now_ms)
        dice.shuffle(rows)
        cut = dice.randint(0, len(rows))
        for part in (rows[:cut], rows[cut:], rows[:1]):
            shaken.read_many(part)
        shaken.advance(STEP_S)
        if dice.random() < 0.02:
            restart(shaken)
    assert AnomalyKind.WATER_LEAK in {one.kind for one in plain.findings}
    assert shaken.findings == plain.findings
    assert replayed(plain, [LeakDetector()]) == records(plain)


def test_the_state_of_the_version_before_goes_on() -> None:
    """It knew nothing of pairs: they are learnt from then on, and all else is as it was."""

    class Before(LeakDetector):
        version = 6

        def snapshot(self, state: LeakState) -> bytes:
            known = msgspec.msgpack.decode(super().snapshot(state))
            return msgspec.msgpack.encode({name: known[name] for name in known if name not in ("pairs", "watch")})

    data = area(6)
    old, new = driven(Before()), driven()
    for driver in (old, new):
        live(driver, data, 0, 4 * PER_DAY)
    old.fold, _ = PartitionFold.restore([LeakDetector()], old.fold._lateness_ms, state(old.fold))
    was, now = (from_bytes(slot(driver.fold, ZONE).snapshot()) for driver in (old, new))
    assert now.pairs is not None
    assert was.pairs is None
    now.pairs, now.watch = None, was.watch
    assert to_bytes(was) == to_bytes(now)
    live(old, data, 4 * PER_DAY, 6 * PER_DAY)
    assert from_bytes(slot(old.fold, ZONE).snapshot()).pairs is not None
