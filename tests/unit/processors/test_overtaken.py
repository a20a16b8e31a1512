"""Of two samples of one series the later one may come first: what is found is the same."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from metamorphic_kit import Row, disordered, doubled, found, holds, several, told
from street_kit import facility, said

from processors.detectors.cover import CoverDetector
from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import FacilityClass
from tests.examples import examples

Case = tuple[Callable[[], Detector[Any]], FacilityClass, str, Sequence[float], float]
ROAD, BIN = FacilityClass.ROAD_SECTION, FacilityClass.WASTE_BIN
COVER, GAS = FacilityClass.MANHOLE_COVER, FacilityClass.GAS_SENSOR
CASES: dict[str, Case] = {
    "gas": (LimitDetector, GAS, "gas_ch4", [100, 4_500, 6_000], 60.0),
    "dust": (LimitDetector, FacilityClass.AIR_STATION, "pm2_5", [20, 70, 90], 1_300.0),
    "noise": (LimitDetector, FacilityClass.NOISE_METER, "sound_level", [40, 59, 70], 310.0),
    "bin": (LevelDetector, BIN, "fill_level", [10, 60, 88, 99], 1_800.0),
    "flag": (LevelDetector, BIN, "full_alarm", [0, 1], 1_800.0),
    "drain": (LevelDetector, FacilityClass.DRAIN, "fill_level", [20, 70, 90], 600.0),
    "road": (LevelDetector, ROAD, "water_level", [0.0, 0.04, 0.1, 0.2], 1_000.0),
    "tilt": (CoverDetector, COVER, "tilt_angle", [0, 7, 30, 95], 61.0),
    "contact": (CoverDetector, COVER, "contact_open", [0, 1], 61.0),
    "shaft": (CoverDetector, COVER, "full_alarm", [0, 1], 61.0),
}


def lasting(driver: PipelineTestDriver) -> list[Any]:
    """What was found, without a lesser degree that was true of those that had come, until the other came."""
    passing = {one.id for one in driver.findings if (one.reason or "").startswith("became ")}
    return [
        (one.subject, one.kind, one.transition, one.since)
        for one in sorted(driver.findings, key=lambda one: (one.since, one.transition))
        if one.id not in passing
    ]


@pytest.mark.parametrize("name", CASES)
def test_neighbours_of_one_series_that_change_places_find_the_same(name: str) -> None:
    """Whoever holds for two samples at least: what convinces must not be denied by one that is still on its way."""
    detector, kind, prop, values, every_s = CASES[name]
    run = st.tuples(st.sampled_from(values), st.sampled_from([2, 2, 3, 4, 7]))

    @settings(RELAXED, max_examples=examples(60))
    @given(st.lists(run, min_size=2, max_size=9), several(40), several(40))
    def check(runs: list[tuple[float, int]], swapped: list[int], twice: list[int]) -> None:
        rows: list[Row] = holds("it", prop, every_s, *runs)
        there = [facility("it", kind, interval_s=3_600.0)]
        plain = told(detector, there, rows)
        assert lasting(told(detector, there, disordered(rows, swapped))) == lasting(plain)
        assert found(told(detector, there, doubled(rows, twice))) == found(plain)

    check()


@pytest.mark.parametrize(
    ("detector", "kind", "prop", "values"),
    [
        (LimitDetector, GAS, "gas_ch4", [100, 6_000, 6_000, 4_500]),
        (LevelDetector, BIN, "fill_level", [20, 90, 90, 60]),
        (CoverDetector, COVER, "tilt_angle", [0, 30, 30, 7]),
    ],
)
def test_a_sample_between_the_limits_that_overtakes_the_one_that_convinces_takes_nothing_away(
    detector: Callable[[], Detector[Any]], kind: FacilityClass, prop: str, values: list[float]
) -> None:
    driver = PipelineTestDriver(detector(), tick_s=60.0)
    driver.register(facility("it", kind))
    begin_ms = driver.now_ms
    driver.advance(300)
    for n in (0, 1, 3, 2):
        driver.read("it", prop, values[n], at_ms=begin_ms + n * 60_000)
        driver.advance(2)
    assert [step.split()[0] for step in said(driver)] == ["raised"]
    assert len(driver.open) == 1


def test_what_is_older_than_a_contrary_sample_before_completes_nothing() -> None:
    driver = PipelineTestDriver(LimitDetector(), tick_s=60.0)
    driver.register(facility("it", GAS))
    begin_ms = driver.now_ms
    driver.advance(600)
    for at_s, value in ((100, 100), (160, 6_000), (220, 100), (40, 6_000), (160.0, 6_000), (280, 100), (200, 6_000)):
        driver.read("it", "gas_ch4", value, at_ms=begin_ms + round(at_s * 1000))
        driver.advance(2)
    assert driver.findings == []
