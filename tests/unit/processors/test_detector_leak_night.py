"""Growing leaks without a model: by the flow of the night, or by what is not accounted for."""

import numpy as np
import pytest
from street_kit import records, replayed, restart

from processors.detectors.leak import LeakDetector
from processors.detectors.leak_night import DAY_MS, HOUR_MS, Nights, judge, take
from processors.detectors.leak_steps import Sample, Step
from processors.engine.driver import START, PipelineTestDriver
from schemas.anomaly import Anomaly, AnomalyKind
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import to_ms
from schemas.registry import ZoneConfigured, ZoneKind
from schemas.water import WaterNetworkConfigured, WaterRole, WaterSensor

ZONE = "dma:village"
LON = 113.85  # eight hours before Greenwich
STEP_S = 900
PER_DAY = 86_400 // STEP_S
DAYS = 9
NIGHT_MS = 18 * HOUR_MS  # 02:00 there


def facility(name: str) -> Facility:
    kind = FacilityClass.WATER_METER if name.startswith("house") else FacilityClass.FLOW_METER
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=kind,
        zone=ZONE,
        place=Place(lon=LON, lat=34.03),
        devices=(DeviceBinding(device=name),),
    )


def village(*names: str, roles: dict[str, WaterRole] | None = None, cost: float | None = None) -> PipelineTestDriver:
    driver = PipelineTestDriver(LeakDetector(), tick_s=STEP_S)
    driver.register(*map(facility, names))
    driver.configure(ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, name="Village", place=Place(lon=LON, lat=34.0)))
    if roles is not None:
        driver.configure_water(network(roles, cost))
    return driver


def network(roles: dict[str, WaterRole], cost: float | None = None, revision: int = 0) -> WaterNetworkConfigured:
    return WaterNetworkConfigured(
        zone=ZONE,
        sensors=tuple(WaterSensor(facility=name, observed_property="flow", role=role) for name, role in roles.items()),
        cost_per_m3=cost,
        currency=None if cost is None else "CNY",
        revision=revision,
    )


def use(steps: int, seed: int = 3) -> np.ndarray:
    """What the village takes: little at night; 10 m3/h on average."""
    chance = np.random.default_rng(seed)
    hour = (np.arange(steps) * STEP_S / 3600 + 8) % 24
    return (10 - 8 * np.cos(2 * np.pi * (hour - 3) / 24)) * (1 + 0.03 * chance.standard_normal(steps))


def live(driver: PipelineTestDriver, begin: int, flows: dict[str, np.ndarray]) -> None:
    for step in range(len(next(iter(flows.values())))):
        at_ms = to_ms(START) + (begin + step) * STEP_S * 1000
        driver.read_many([(name, "flow", float(flow[step]), at_ms) for name, flow in flows.items()])
        driver.advance(STEP_S)


def steps_of(findings: list[Anomaly]) -> list[str]:
    return [one.transition.value for one in findings]


def leaking(days: int, per_night: list[float]) -> np.ndarray:
    """What leaks at every step: so much from each noon on after the first days."""
    lost = np.zeros((days + len(per_night)) * PER_DAY)
    for day, flow in enumerate(per_night):
        lost[(days + day) * PER_DAY :] = flow
    return lost


def test_one_flow_meter_tells_a_leak_on_the_second_night_its_growth_and_its_repair() -> None:
    lost = leaking(DAYS, [2.0, 2.0, 2.2, 4.0, 0.0, 0.0, 0.0])
    driver = village("main")
    live(driver, 0, {"main": use(len(lost)) + lost})
    assert steps_of(driver.findings) == ["raised", "updated", "cleared"]
    raised, updated, cleared = driver.findings
    assert (raised.kind, raised.subject, raised.id) == (AnomalyKind.WATER_LEAK, ZONE, cleared.id)
    assert to_ms(raised.since) == to_ms(START) + DAYS * DAY_MS + NIGHT_MS
    assert raised.numbers["extra_flow_m3h"] == pytest.approx(2.0, abs=0.3)
    assert raised.numbers["usual_m3h"] == pytest.approx(2.1, abs=0.3)
    assert raised.numbers["loss_m3_per_day"] == pytest.approx(24 * raised.numbers["extra_flow_m3h"], abs=0.2)
    assert updated.numbers["extra_flow_m3h"] == pytest.approx(4.0, abs=0.3)
    assert 0.5 <= raised.score <= updated.score < 1
    assert len(raised.evidence) == 1
    assert raised.summary.startswith("Growing leak in Village: at night 4.")


def test_one_loud_night_is_none() -> None:
    lost = leaking(DAYS, [3.0, 0.0, 3.0, 0.0])
    driver = village("main")
    live(driver, 0, {"main": use(len(lost)) + lost})
    assert driver.findings == []


def test_before_a_week_is_known_nothing_is_said() -> None:
    driver = village("main")
    live(driver, 0, {"main": use(8 * PER_DAY) + leaking(5, [5.0] * 3)})
    assert driver.findings == []


def test_what_customers_take_is_no_leak_and_what_they_do_not_take_is_one() -> None:
    roles = {"main": WaterRole.INLET, "next": WaterRole.OUTLET, "house-1": WaterRole.CONSUMPTION}
    lost = leaking(DAYS, [0.0, 0.0, 0.0, 2.0, 2.0])
    feast = leaking(DAYS, [4.0, 4.0, 4.0, 4.0, 4.0])
    driver = village("main", "next", "house-1", roles=roles, cost=2.5)
    taken, passed = use(len(lost)) + feast, use(len(lost), seed=4)
    live(driver, 0, {"main": taken + 0.4 + passed + lost, "next": passed, "house-1": taken})
    assert steps_of(driver.findings) == ["raised"]
    (raised,) = driver.findings
    assert to_ms(raised.since) == to_ms(START) + (DAYS + 3) * DAY_MS + NIGHT_MS
    assert raised.numbers["extra_flow_m3h"] == pytest.approx(2.0, abs=0.05)
    assert raised.numbers["cost_per_day"] == pytest.approx(2.5 * 24 * 2.0, abs=3)
    assert "are lost" in raised.summary
    assert len(raised.evidence) == 3


def test_meters_configured_otherwise_end_what_is_open() -> None:
    lost = leaking(DAYS, [3.0, 3.0])
    driver = village("main", roles={"main": WaterRole.INLET})
    live(driver, 0, {"main": use(len(lost)) + lost})
    driver.configure_water(network({"main": WaterRole.INLET}, 1.0, revision=1))
    assert len(driver.open) == 1
    driver.configure_water(network({"main": WaterRole.OUTLET}, revision=2))
    assert driver.open == []


def test_a_restart_and_a_replay_change_nothing() -> None:
    lost = leaking(DAYS, [2.0, 2.0, 2.2, 4.0, 0.0, 0.0, 0.0])
    flow = use(len(lost)) + lost
    whole, cut = village("main"), village("main")
    live(whole, 0, {"main": flow})
    for begin, end in ((0, 700), (700, 1060), (1060, len(flow))):  # the second within a night
        live(cut, begin, {"main": flow[begin:end]})
        restart(cut)
    assert records(cut) == records(whole)
    assert replayed(cut, [LeakDetector()]) == records(whole)


def judged(flow: np.ndarray, share: float = 1.0) -> list[tuple[str, int, float]]:
    """What the pure part says; of so many of the steps."""
    chance = np.random.default_rng(1)
    nights, found = Nights(), []
    for step, value in enumerate(flow.tolist()):
        at_ms = step * STEP_S * 1000
        values = {"main": (value, Sample(at_ms, "", value, at_ms))} if chance.random() < share else {}
        night = take(nights, Step(at_ms, values), LON, {"main": WaterRole.INLET})
        verdict = None if night is None else judge(nights, night, lambda: True)
        if verdict is not None:
            found.append((verdict.what, step, verdict.night.value))
    return found


def test_ten_times_the_flow_is_ten_times_the_leak_at_the_same_time() -> None:
    lost = leaking(DAYS, [2.0, 2.0, 2.2, 4.0, 0.0, 0.0, 0.0])
    flow = use(len(lost)) + lost
    once, tenfold = judged(flow), judged(10 * flow)
    assert [one[:2] for one in once] == [one[:2] for one in tenfold]
    assert [10 * one[2] for one in once] == pytest.approx([one[2] for one in tenfold])


def test_a_night_of_which_half_is_missing_is_not_judged() -> None:
    lost = leaking(DAYS, [2.0, 2.0, 2.0])
    flow = use(len(lost)) + lost
    assert [one[0] for one in judged(flow, 0.9)] == ["raised"]
    assert judged(flow, 0.3) == []
