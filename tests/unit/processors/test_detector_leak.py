"""Bursts in a made-up water network: found once, cleared after repair, and nothing where nothing is."""

import random
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from state_kit import slot, state
from street_kit import records, replayed, restart, said
from water_kit import DAY, FLOWS, HOUR, PRESSURES, STEP_S, ZONE, Burst, Floats, configured, flow_on, network, water

from processors.detectors.leak import LeakDetector
from processors.detectors.leak_model import Model
from processors.detectors.leak_state import from_bytes, to_bytes
from processors.detectors.leak_stats import MEMORY
from processors.detectors.leak_steps import DELAY_MS, PATIENCE_MS
from processors.engine.driver import START, PipelineTestDriver
from schemas.anomaly import AnomalyKind, Transition
from schemas.facility import FacilityClass
from schemas.identity import finding_id
from schemas.model import to_ms
from schemas.water import WaterNetworkConfigured, WaterRole, WaterSensor

BURST = Burst(start=36 * HOUR, end=44 * HOUR)
RAISED, UPDATED, CLEARED = (f"{step} water_burst {ZONE}" for step in Transition)


def area(zone: str = ZONE) -> PipelineTestDriver:
    driver = PipelineTestDriver(LeakDetector(), tick_s=STEP_S)
    driver.register(*network(zone))
    driver.configure(configured(zone))
    return driver


def days(*bursts: Burst, steps: int = 48 * HOUR, seed: int = 7) -> PipelineTestDriver:
    driver = area()
    flow_on(driver, water(steps, bursts, seed), 0, steps)
    return driver


def hours_in(driver: PipelineTestDriver, index: int) -> float:
    """When a step of a finding was said, in hours since the first tick."""
    return (to_ms(driver.findings[index].at) - to_ms(START)) / 3_600_000


# what is found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_without_a_burst_raise_nothing(seed: int) -> None:
    driver = days(steps=4 * DAY, seed=seed)
    assert said(driver) == []
    assert driver.quarantined == []


@pytest.mark.parametrize(("flow", "near"), [(24.0, 2), (12.0, 5)])
def test_an_abrupt_burst_is_raised_once_in_its_zone_and_cleared_after_repair(flow: float, near: int) -> None:
    driver = days(Burst(BURST.start, BURST.end, flow, near))
    steps = [step for step in said(driver) if step != UPDATED]
    assert steps == [RAISED, CLEARED]
    assert len({one.id for one in driver.findings}) == 1
    raised, cleared = driver.findings[0], driver.findings[-1]
    assert 36.0 <= hours_in(driver, 0) <= 36.5
    assert 44.0 <= hours_in(driver, -1) <= 44.5
    assert abs(to_ms(raised.since) - to_ms(START) - 36 * 3_600_000) <= 2 * STEP_S * 1000
    assert (raised.zone, raised.subject, raised.facility) == (ZONE, ZONE, None)
    assert raised.place == configured().place
    assert raised.summary.startswith("Burst in Area 1: inflow ")
    assert cleared.summary == f"Burst in Area 1 that began at {raised.since:%H:%M} UTC is over"
    assert cleared.numbers["extra_flow_m3h"] == pytest.approx(flow, rel=0.15)
    assert len(raised.evidence) == 3 + FLOWS


def test_what_a_burst_loses_is_said_in_water_and_where_it_has_a_price_in_money() -> None:
    driver = area()
    inlets = tuple(WaterSensor(facility=f"q{n}", observed_property="flow", role=WaterRole.INLET) for n in range(FLOWS))
    driver.configure_water(WaterNetworkConfigured(zone=ZONE, sensors=inlets, cost_per_m3=2.5, currency="CNY"))
    flow_on(driver, water(37 * HOUR, (BURST,)), 0, 37 * HOUR)
    numbers = driver.findings[0].numbers
    assert numbers["loss_m3_per_day"] == pytest.approx(24 * numbers["extra_flow_m3h"])
    assert numbers["cost_per_day"] == pytest.approx(2.5 * 24 * numbers["extra_flow_m3h"])


@pytest.mark.parametrize("lie", [lambda q: 3.6 * q, lambda q: 1000 * q, lambda q: q / 3.6, lambda q: q + 60])
@pytest.mark.parametrize("meters", [slice(0, 1), slice(1, 2)])
def test_a_flow_meter_that_lies_is_no_burst(lie: Callable[[Floats], Floats], meters: slice) -> None:
    pressure, flow = water(44 * HOUR)
    flow = flow.copy()
    flow[36 * HOUR :, meters] = np.round(lie(flow[36 * HOUR :, meters]), 2)
    driver = area()
    flow_on(driver, (pressure, flow), 0, 44 * HOUR)
    assert said(driver) == []


def test_nothing_is_judged_before_a_day_was_seen() -> None:
    driver = days(Burst(20 * HOUR, 60 * HOUR), steps=36 * HOUR)
    assert all(hours_in(driver, n) >= 24 for n in range(len(driver.findings)))


def test_nothing_is_kept_of_an_area_until_it_has_a_flow_meter() -> None:
    driver = PipelineTestDriver(LeakDetector(), tick_s=STEP_S)
    driver.register(*(meter for meter in network() if meter.facility_class is FacilityClass.PRESSURE_METER))
    driver.configure(configured())
    pressure, flow = water(37 * HOUR, (BURST,))
    before = slot(driver.fold, ZONE).snapshot()
    flow_on(driver, (pressure, flow[:, :0]), 0, 40)
    assert slot(driver.fold, ZONE).snapshot() == before
    driver.register(*network())
    flow_on(driver, (pressure, flow), 40, 37 * HOUR)
    assert said(driver)[0] == RAISED


def test_what_is_open_ends_when_the_last_flow_meter_leaves() -> None:
    driver = days(BURST, steps=37 * HOUR)
    for n in range(FLOWS):
        assert len(driver.open) == 1
        driver.left(f"q{n}")
    assert driver.open == []
    assert driver.findings[-1].reason == "no flow meter is left"
    pressure, flow = water(40)
    before = slot(driver.fold, ZONE).snapshot()
    flow_on(driver, (pressure, flow[:, :0]), 0, 40)
    assert slot(driver.fold, ZONE).snapshot() == before


def test_a_sensor_that_lies_is_no_burst() -> None:
    pressure, flow = water(48 * HOUR)
    pressure = pressure.copy()
    pressure[36 * HOUR :, 3] -= 40_000
    driver = area()
    flow_on(driver, (pressure, flow), 0, 48 * HOUR)
    assert said(driver) == []


def test_a_spike_of_one_step_is_no_burst() -> None:
    pressure, flow = water(48 * HOUR)
    pressure, flow = pressure.copy(), flow.copy()
    pressure[40 * HOUR] -= 15_000
    flow[40 * HOUR] += 20
    driver = area()
    flow_on(driver, (pressure, flow), 0, 48 * HOUR)
    assert said(driver) == []


def test_zones_know_nothing_of_each_other() -> None:
    driver = days(BURST, steps=38 * HOUR)
    driver.register(*(one.model_copy(update={"zone": "dma:2"}) for one in network()))
    assert {one.zone for one in driver.findings} == {ZONE}


def test_a_meter_that_leaves_ends_what_can_not_be_followed_without_it() -> None:
    driver = days(BURST, steps=38 * HOUR)
    driver.left("p2")
    flow_on(driver, water(48 * HOUR, (BURST,)), 38 * HOUR, 41 * HOUR, without="p2")
    assert [step for step in said(driver) if step != UPDATED] == [RAISED, CLEARED]
    assert driver.findings[-1].reason == "the meters changed: it can not be followed any more"
    flow_on(driver, water(4 * DAY), 41 * HOUR, 4 * DAY, without="p2")
    assert len(driver.open) == 0


# feeds that end and begin again


@pytest.mark.parametrize("stop_h", [37.0, 38.5, 40.0, 43.5])
@pytest.mark.parametrize("wait_h", [3, 12, 30])
def test_a_feed_that_ended_within_a_burst_and_begins_anew_without_it_raises_nothing(stop_h: float, wait_h: int) -> None:
    """After the gap the burst is over; the only thing to say is that."""
    stop = int(stop_h * HOUR)
    driver = days(BURST, steps=stop)
    before = len(driver.findings)
    assert driver.findings[0].transition is Transition.RAISED
    driver.advance(wait_h * 3600)
    now = stop + wait_h * HOUR
    flow_on(driver, water(now + 12 * HOUR), now, now + 12 * HOUR)
    assert [step for step in said(driver)[before:] if step != UPDATED] == [CLEARED]


@pytest.mark.parametrize("stop", [30 * HOUR, 30 * HOUR + 7, 40 * HOUR])
@pytest.mark.parametrize("wait_s", [STEP_S, 7 * STEP_S, 6 * 3600 + 120, 20 * 3600])
def test_a_feed_that_pauses_without_a_burst_raises_nothing(stop: int, wait_s: int) -> None:
    driver = days(steps=stop)
    driver.advance(wait_s)
    now = stop + wait_s // STEP_S
    flow_on(driver, water(now + 12 * HOUR), now, now + 12 * HOUR)
    assert said(driver) == []


def test_a_feed_that_ends_in_the_middle_of_a_step_raises_nothing() -> None:
    driver = days(steps=30 * HOUR)
    pressure, _ = water(30 * HOUR + 1)
    driver.read_many([(f"p{i}", "pressure", float(pressure[-1, i]), driver.now_ms) for i in range(3)])
    driver.advance(8 * 3600)
    now = 38 * HOUR
    flow_on(driver, water(now + 12 * HOUR), now, now + 12 * HOUR)
    assert said(driver) == []


def test_a_burst_that_goes_on_behind_a_gap_stays_the_same_finding() -> None:
    driver = days(BURST, steps=39 * HOUR)
    driver.advance(2 * 3600)
    flow_on(driver, water(48 * HOUR, (BURST,)), 41 * HOUR, 48 * HOUR)
    assert [step for step in said(driver) if step != UPDATED] == [RAISED, CLEARED]
    assert hours_in(driver, -1) >= 44.0


def test_what_a_gap_left_out_stands_in_no_window() -> None:
    model = Model.empty(PRESSURES, FLOWS, 0, STEP_S / 3600)
    for ring in model._rings():
        ring[:] = np.arange(MEMORY, dtype=np.float64)[:, None]
    model.gap(3)
    for ring in model._rings():
        assert np.isnan(ring[-3:]).all()
        assert ring[:-3, 0].tolist() == list(range(3, MEMORY))
    model.gap(10 * DAY)  # for ever is no longer than the memory
    assert all(np.isnan(ring).all() for ring in model._rings())


def test_the_steps_of_a_pause_are_left_out_of_the_memory() -> None:
    driver = days(steps=30 * HOUR)
    driver.advance(6 * STEP_S)
    flow_on(driver, water(31 * HOUR), 30 * HOUR + 6, 31 * HOUR)
    model = from_bytes(slot(driver.fold, ZONE).snapshot()).model
    assert model is not None
    assert np.isnan(model.flows[:, 0]).sum() == 6


# order, copies, arrival


def test_order_within_the_delay_copies_and_records_change_nothing() -> None:
    dice = random.Random(5)
    plain, shaken = area(), area()
    steps = 38 * HOUR
    pressure, flow = water(steps, (BURST,))
    late: list[tuple[str, str, float, int]] = []
    for step in range(steps):
        rows = [(f"p{i}", "pressure", float(pressure[step, i]), plain.now_ms) for i in range(PRESSURES)]
        rows += [(f"q{i}", "flow", float(flow[step, i]), plain.now_ms) for i in range(FLOWS)]
        plain.read_many(rows)
        mixed = [*rows, *late]
        dice.shuffle(mixed)
        held = {dice.choice(rows) for _ in range(2)}  # come with the next step, within the delay
        late = sorted(held)
        for row in mixed:
            if row not in held:
                shaken.read_many([row] * dice.randint(1, 2))
        plain.advance(STEP_S)
        shaken.advance(STEP_S)
    assert DELAY_MS >= STEP_S * 1000
    without_arrivals = [
        [one.model_copy(update={"arrival_time": None}) for one in driver.findings] for driver in (plain, shaken)
    ]
    assert without_arrivals[0] == without_arrivals[1] != []


def test_a_step_waits_for_a_shard_that_hears_nothing_but_not_for_ever() -> None:
    driver = days(steps=3 * HOUR)
    detector = LeakDetector()
    closed = from_bytes(detector.snapshot(slot(driver.fold, ZONE)._state)).last_ms
    driver.disconnect()
    driver.advance(PATIENCE_MS / 1000 - 1200)
    assert from_bytes(slot(driver.fold, ZONE).snapshot()).last_ms <= closed + 2 * STEP_S * 1000
    driver.advance(3600)
    state = from_bytes(slot(driver.fold, ZONE).snapshot())
    assert state.last_ms == to_ms(START) + (3 * HOUR - 1) * STEP_S * 1000
    assert not state.steps.open


# snapshots and identity


def test_snapshots_anywhere_change_nothing() -> None:
    dice = random.Random(3)
    plain, restarted = area(), area()
    data = water(45 * HOUR, (BURST,))
    for driver in (plain, restarted):
        step = 0
        while step < 45 * HOUR:
            until = min(45 * HOUR, step + dice.randint(1, 60))
            flow_on(driver, data, step, until)
            step = until
            if driver is restarted:
                restart(driver)
    assert records(plain) == records(restarted) != []
    assert state(plain.fold) == state(restarted.fold)


def test_a_replay_gives_the_same_records() -> None:
    driver = days(BURST, steps=45 * HOUR)
    assert replayed(driver, [LeakDetector()]) == records(driver) != []


def test_the_id_comes_from_the_zone_and_when_it_began() -> None:
    driver = days(BURST, steps=37 * HOUR)
    raised = driver.findings[0]
    assert raised.id == finding_id(AnomalyKind.WATER_BURST, ZONE, ZONE, str(to_ms(raised.since)))


@pytest.mark.parametrize("steps", [3, 30])
def test_a_snapshot_does_not_tell_in_which_order_meters_were_heard(steps: int) -> None:
    """Before (3 steps) and after the interval was inferred; slots of steps are integers, which sort as numbers."""
    snapshots = set()
    for seed in range(4):
        dice = random.Random(seed)
        driver = PipelineTestDriver(LeakDetector(), tick_s=STEP_S)
        facilities = list(network())
        dice.shuffle(facilities)
        driver.register(*facilities)
        pressure, flow = water(steps)
        for step in range(steps):
            rows = [(f"p{i}", "pressure", float(v), driver.now_ms) for i, v in enumerate(pressure[step])]
            rows += [(f"q{i}", "flow", float(v), driver.now_ms + 2 * STEP_S * 1000) for i, v in enumerate(flow[step])]
            dice.shuffle(rows)
            for row in rows:
                driver.read_many([row])
            driver.advance(STEP_S)
        state = slot(driver.fold, ZONE)._state
        assert state.steps.open or state.steps.early
        snapshots.add(to_bytes(state))
    assert len(snapshots) == 1


def test_slots_are_written_in_the_order_of_their_numbers() -> None:
    driver = days(steps=30)
    state = slot(driver.fold, ZONE)._state
    (samples,) = list(state.steps.open.values())[:1]
    forwards, backwards = (
        msgspec.structs.replace(state, steps=msgspec.structs.replace(state.steps, open=dict.fromkeys(slots, samples)))
        for slots in ([9, 10, 100], [100, 10, 9])
    )
    assert to_bytes(forwards) == to_bytes(backwards)
    assert list(from_bytes(to_bytes(backwards)).steps.open) == [9, 10, 100]
