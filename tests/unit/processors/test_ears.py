"""The short cut that detectors take for readings that say nothing new changes not one byte of what they know."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from fold_kit import POISON, RELAXED, Scribe
from hypothesis import given, settings
from hypothesis import strategies as st
from state_kit import Earless, state
from street_kit import bay, cover, facility, lamp, records

from processors.detectors.clock import ClockDetector
from processors.detectors.cover import CoverDetector
from processors.detectors.health import HealthDetector
from processors.detectors.lamp import LampDetector
from processors.detectors.leak import LeakDetector
from processors.detectors.limit import LimitDetector
from processors.detectors.parking import ParkingDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.composed import PartitionFold
from processors.engine.contract import Clock, Detector, Ear, Outcome, Series, ZoneEvent
from processors.engine.driver import PipelineTestDriver
from processors.engine.outputs import outgoing
from schemas.facility import Facility, FacilityClass, Place
from schemas.observation import Quality
from tests.examples import examples

LATENESS_S = 1800.0


def night_lamp() -> Facility:
    """Where it is evening when stories begin."""
    made = facility("night-1", FacilityClass.STREET_LAMP, interval_s=10.0, rules={"lamp.rated_w": 120.0})
    return made.model_copy(update={"place": Place(lon=-74.0, lat=34.03)})


GAS = facility("gas-1", FacilityClass.GAS_SENSOR, rules={"limit_gas_ch4.high": 20.0, "limit_gas_ch4.for_s": 15.0})
METER = facility("press-1", FacilityClass.PRESSURE_METER, interval_s=10.0)
INLET = facility("flow-1", FacilityClass.FLOW_METER, interval_s=10.0)
CASES: dict[str, tuple[Detector[Any], Facility, dict[str, Sequence[float]]]] = {
    "cover": (CoverDetector(), cover(), {"tilt_angle": (0.0, 0.0, 4.9, 5.0, 9.0, 12.0, 95.0), "temperature": (20.0,)}),
    "contact": (CoverDetector(), cover(), {"contact_open": (0.0, 0.0, 1.0)}),
    "silence": (SilenceDetector(), lamp("lamp-1"), {"power": (60.0,), "switch_on": (1.0,)}),
    "clock": (ClockDetector(), lamp("lamp-1"), {"power": (60.0,)}),
    "health": (HealthDetector(), METER, {"pressure": (4e5, 4e5, 4.1e5, 4.2e5, 9e9)}),
    "radio": (HealthDetector(), cover(), {"rssi": (-90.0, -90.0, -118.0, -121.0, -130.0)}),
    "battery": (
        HealthDetector(),
        cover(),
        {"battery_percent": (90.0, 89.0, 30, 9), "low_battery": (0.0, 0.0, 1.0)},
    ),
    "counts": (HealthDetector(), cover(), {"uptime": (1.0, 5.0, 50.0, 50.0), "restart_count": (0.0, 1.0, 2.0)}),
    "limit": (LimitDetector(), GAS, {"gas_ch4": (0.0, 5.0, 19.0, 21.0, 40.0)}),
    "lamp": (LampDetector(), night_lamp(), {"power": (120.0, 120.0, 118.0, 60.0, 0.0), "switch_on": (1.0, 1.0, 0.0)}),
    "bay": (ParkingDetector(), bay("bay-1", "mag", max_stay_s=60.0), {"occupied": (0.0, 1.0, 1.0)}),
    "two": (ParkingDetector(), bay("bay-1", "mag", "radar", max_stay_s=60.0), {"occupied": (0.0, 1.0, 1.0)}),
    "beat": (ParkingDetector(), bay("bay-1", "mag", interval_s=10.0, max_stay_s=60.0), {"occupied": (0.0, 1.0, 1.0)}),
    "leak": (LeakDetector(), INLET, {"flow": (40.0, 41.0)}),
}


def earless(driver: PipelineTestDriver, detectors: Sequence[Detector[Any]]) -> PartitionFold:
    return PartitionFold([cast("Detector[Any]", Earless(one)) for one in detectors], driver.fold._lateness_ms)


@pytest.mark.parametrize("name", CASES)
def test_who_is_asked_first_knows_and_says_the_same(name: str) -> None:
    detector, stands, values = CASES[name]
    said = st.sampled_from([(prop, value) for prop, choices in values.items() for value in choices])
    gap = st.sampled_from([0.0, 5.0, 10.0, 10.0, 10.0, 35.0, 100.0, 600.0])
    age = st.sampled_from([0.0] * 6 + [12.0, 40.0])
    doubt = st.sampled_from([None] * 8 + [Quality.FUTURE])
    row = st.tuples(said, gap, age, st.sampled_from(stands.devices), st.integers(1, 6), st.integers(-3, 30), doubt)

    @settings(RELAXED, max_examples=examples(40))
    @given(st.lists(row, min_size=5, max_size=25), st.booleans(), st.sampled_from([Quality.GOOD, Quality.UNTIMED]))
    def check(rows: list[Any], numbers: bool, quality: Quality) -> None:
        seq = 0
        driver = PipelineTestDriver(detector, tick_s=10.0, lateness_s=LATENESS_S)
        driver.register(stands)
        for n in range(30 * (name == "leak")):  # by then it knows how often its meter speaks
            driver.read("flow-1", "flow", 40.0 + n)
            driver.advance(300)
        for (prop, value), gap_s, age_s, binding, times, leap, doubted in rows:
            seq += leap if leap < 2 else 0
            for _ in range(times):
                seq += 1
                at_ms = driver.now_ms - round(age_s * 1000)
                number = max(seq, 0) if numbers else None
                driver.read(binding.device, prop, value, at_ms=at_ms, seq=number, quality=doubted or quality)
                driver.advance(gap_s)
        driver.advance(700)
        again = earless(driver, [detector])
        assert [outgoing(output, "/test").value for output in again.fold(driver.log)] == records(driver)
        assert state(again) == state(driver.fold)

    check()


class Listener(Scribe):
    """Says nothing of values above 10, but counts them; of some it finds out only half-way that it cannot."""

    def ear(self, state: Any, series: Series) -> Ear | None:
        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
            if value <= 10:
                return False
            state.count += 1
            if value == POISON:
                raise ValueError("half-way")
            return True

        return hear

    def fold(self, state: Any, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """As the ear would."""
        (event,) = events
        value = getattr(event, "value", 0.0)
        if 10 < value != POISON:
            state.count += 1
            return Outcome()
        return super().fold(state, events, clock)


@RELAXED
@given(st.lists(st.tuples(st.sampled_from([0.0, 11.0, 12.0, 13.0, POISON]), st.booleans()), max_size=150))
def test_an_ear_that_raises_is_taken_back_and_so_is_the_event(rows: list[tuple[float, bool]]) -> None:
    driver = PipelineTestDriver(Listener(), Scribe("plain"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover(), lamp("lamp-1"))
    for value, ticks in rows:
        driver.read("cover-1", "tilt_angle", value)
        driver.advance(10.0 if ticks else 0.0)
    again = earless(driver, [Listener(), Scribe("plain")])
    assert [outgoing(output, "/test").value for output in again.fold(driver.log)] == records(driver)
    assert state(again) == state(driver.fold)
