"""The detector of located leaks: what the core says of ticks, said of readings, whatever way they came."""

import random
from functools import cache

import pytest
from street_kit import records, replayed, restart

from processors.detectors.leak import LeakDetector
from processors.detectors.pipe_leak import RECONFIGURED, PipeLeakDetector
from processors.detectors.pipe_leak_report import said
from processors.detectors.pipe_leak_state import OpenLeak, PipeLeakState
from processors.detectors.pipe_leak_steps import Step
from processors.engine.driver import PipelineTestDriver
from processors.leak.core import STEP_S, LeakCore
from processors.leak.explain import LIKELIEST
from processors.leak.incidents import REPAIRED
from schemas.anomaly import AnomalyKind, Transition
from schemas.model import to_ms
from tests.unit.processors.leak_network_kit import PER_DAY, Floats, burst, readings
from tests.unit.processors.pipe_leak_kit import (
    FIRST,
    MODEL,
    NAMES,
    PLAIN,
    SENSORS,
    STEP_MS,
    ZONE,
    configured,
    facility,
    flow_on,
    rows,
    town,
)

DAYS = 16
AT = 7 * PER_DAY + 130
LEAK = 13


@cache
def burst_and_repair() -> Floats:
    return readings(PLAIN, DAYS, [(LEAK, burst(DAYS, AT, 9.0, AT + 7 * PER_DAY))])


def offline(values: Floats) -> list[tuple[str, int, int, float]]:
    """What the core says of the same values without any of the pipeline."""
    core = LeakCore(MODEL)
    assert core.sensors == tuple(sensor.key for sensor in SENSORS)
    alarms = [alarm for step, row in enumerate(values) for alarm in core.tick(FIRST + step, row)]
    return [(alarm.kind, alarm.tick, alarm.pipe, alarm.flow) for alarm in alarms]


@cache
def whole() -> PipelineTestDriver:
    driver = town()
    flow_on(driver, burst_and_repair(), 0, DAYS * PER_DAY)
    return driver


def test_the_pipeline_says_what_the_core_says() -> None:
    driver = whole()
    expected = offline(burst_and_repair())
    assert [kind for kind, *_ in expected] == ["burst", REPAIRED]
    raised, cleared = driver.findings
    assert (raised.transition, cleared.transition) == (Transition.RAISED, Transition.CLEARED)
    assert raised.id == cleared.id
    assert to_ms(raised.at) == expected[0][1] * STEP_MS
    assert to_ms(cleared.at) == expected[1][1] * STEP_MS
    assert raised.subject == f"{ZONE}/p{expected[0][2]}"
    assert raised.numbers["extra_flow_m3h"] == expected[0][3]
    assert driver.quarantined == []


def test_a_finding_says_where_how_much_and_by_what_it_is_known() -> None:
    raised = whole().findings[0]
    pipe = int(raised.subject.removeprefix(f"{ZONE}/p"))
    assert MODEL.distances_m[pipe, LEAK] <= 300
    lon, lat = MODEL.positions[pipe]
    assert (raised.place.lon, raised.place.lat) == pytest.approx((lon, lat), abs=1e-6)
    assert raised.kind == AnomalyKind.WATER_BURST
    assert abs(to_ms(raised.since) // STEP_MS - FIRST - AT) <= 2
    flow = raised.numbers["extra_flow_m3h"]
    assert raised.numbers["loss_m3_per_day"] == pytest.approx(24 * flow, abs=0.1)
    assert raised.numbers["cost_per_day"] == pytest.approx(24 * flow * 0.8, abs=0.01)
    assert raised.score == raised.numbers["probability"] > 0.8
    assert len(raised.evidence) == 4 + 2
    assert raised.summary.startswith(f"Burst near pipe p{pipe} of Ring: ")
    assert f"{24 * flow:.0f} m3 or {24 * flow * 0.8:.0f} EUR a day" in raised.summary


def test_a_finding_names_the_likeliest_pipes_and_what_the_meters_show() -> None:
    numbers = whole().findings[0].numbers
    likely = {key.removeprefix("probability:p"): value for key, value in numbers.items() if ":p" in key}
    assert len(likely) == LIKELIEST
    assert all(MODEL.distances_m[int(pipe), LEAK] <= 600 for pipe in likely)
    assert 0.3 < sum(likely.values()) <= 1.001
    shown = {key.removeprefix("residual_m:"): value for key, value in numbers.items() if key.startswith("residual_m:")}
    assert set(shown) <= set(NAMES)
    assert all(MODEL.distances_m[5 * int(name.removeprefix("P")), LEAK] > 1500 for name in shown)
    assert all(0.02 < metres < 0.1 for metres in shown.values())  # less fallen than if so much went everywhere
    assert numbers["balance_m3h"] == pytest.approx(9.0, abs=4.0)
    assert numbers["evidence"] > 40


def test_what_is_said_again_is_the_same_finding_at_its_new_place() -> None:
    state = PipeLeakState(ZONE)
    state.begin(configured(), LeakCore(MODEL))
    leak = OpenLeak("burst", 3, 7, 8 * STEP_MS, 3, 5.0, 0.8, 50.0)
    step = Step.bare(9 * STEP_MS)
    first = said(state, leak, Transition.RAISED, step, "pipe_leak", 2)
    leak.named, leak.flow = 9, 6.0
    second = said(state, leak, Transition.UPDATED, step, "pipe_leak", 2)
    assert second.id == first.id
    assert (first.subject, second.subject) == (f"{ZONE}/p3", f"{ZONE}/p9")
    assert first.place != second.place
    assert second.numbers["extra_flow_m3h"] == 6.0


def test_order_and_copies_within_ten_minutes_change_nothing() -> None:
    chance = random.Random(4)
    driver, values = town(), burst_and_repair()
    end = AT + PER_DAY // 2
    late: list[tuple[str, str, float, int]] = []
    for step in range(end):
        now, late = late, []
        for row in rows(values, step):
            (late if chance.random() < 0.3 else now).append(row)
            if chance.random() < 0.1:
                late.append(row)
        chance.shuffle(now)
        if now:
            driver.read_many(now)
        driver.advance(STEP_S)
    assert [one.model_dump(exclude={"arrival_time"}) for one in driver.findings] == [
        one.model_dump(exclude={"arrival_time"}) for one in whole().findings[:1]
    ]


def test_a_restart_and_a_replay_change_nothing() -> None:
    driver, values = town(), burst_and_repair()
    for start, end in ((0, AT - 3), (AT - 3, AT + 2), (AT + 2, AT + 40)):
        flow_on(driver, values, start, end)
        restart(driver)
    assert records(driver) == records(whole())[: len(records(driver))]
    assert driver.findings
    assert replayed(driver, [PipeLeakDetector()]) == records(driver)


def test_the_state_is_as_large_after_two_weeks_as_after_one() -> None:
    driver, values = town(), readings(PLAIN, 15, [])
    sizes = []
    for week in range(2):
        flow_on(driver, values, week * 7 * PER_DAY, (week + 1) * 7 * PER_DAY)
        (slot,) = [slot for slot in driver.fold._known(ZONE).everyone if slot.detector.name == "pipe_leak"]
        sizes.append(len(slot.snapshot()))
    assert sizes[1] < 1.1 * sizes[0]


def test_what_is_open_is_ended_when_another_network_is_configured_and_not_for_a_new_price() -> None:
    driver = town()
    flow_on(driver, burst_and_repair(), 0, AT + 20)
    assert len(driver.open) == 1
    driver.configure_water(configured(revision=1, cost_per_m3=1.2))
    assert len(driver.open) == 1
    driver.configure_water(configured(None, revision=2))
    assert driver.open == []
    assert driver.findings[-1].reason == RECONFIGURED


def test_a_zone_with_a_model_is_left_alone_by_the_method_without_one() -> None:
    with_model, without = town(LeakDetector()), town(LeakDetector(), digest=None)
    for driver in (with_model, without):
        flow_on(driver, burst_and_repair(), 0, AT + 40)
    assert [finding.kind for finding in without.findings if finding.transition == Transition.RAISED] == [
        AnomalyKind.WATER_BURST
    ]
    assert with_model.findings == []
    without.configure_water(configured(revision=1))
    assert without.open == []
    assert without.findings[-1].reason == "the network's model is known: see its pipes"


def test_bytes_that_are_no_model_are_set_aside_and_the_network_before_stays() -> None:
    driver = town()
    driver.configure_water(configured(driver.model(b"no model"), revision=1))
    assert len(driver.quarantined) == 1
    flow_on(driver, burst_and_repair(), 0, AT + 20)
    assert len(driver.open) == 1


def test_readings_of_strangers_are_not_the_networks() -> None:
    driver = town()
    driver.register(facility("P9"))
    driver.read("P9", "pressure", 1.0)
    driver.advance(3600)
    assert driver.findings == []


def test_a_meter_that_lies_is_told_as_a_finding_of_its_device_and_raises_no_leak() -> None:
    driver, values = town(), readings(PLAIN, 9, []).copy()
    values[AT:, 2] += 0.4
    values[AT:, 4] = values[AT, 4]
    flow_on(driver, values, 0, 9 * PER_DAY)
    restart(driver)
    said = {(one.kind, one.subject): one for one in driver.findings if one.transition == Transition.RAISED}
    assert set(said) == {(AnomalyKind.DEVICE_JUMP, "P2"), (AnomalyKind.DEVICE_STUCK, "P4")}
    jumped, stuck = said[AnomalyKind.DEVICE_JUMP, "P2"], said[AnomalyKind.DEVICE_STUCK, "P4"]
    assert jumped.numbers["error"] == pytest.approx(0.4, abs=0.05)
    assert jumped.facility == "P2"
    assert jumped.place == facility("P2").place
    assert jumped.summary.startswith("The pressure of P2 jumped away from the others, by 0.396 m too high, since ")
    assert len(jumped.evidence) == 1
    assert abs(to_ms(stuck.since) // STEP_MS - FIRST - AT) <= 1
    driver.configure_water(configured(None, revision=1))
    assert driver.open == []
