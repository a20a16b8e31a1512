"""What must last is not made of two readings around a silence; what only takes samples is."""

from collections.abc import Callable
from typing import Any

import pytest
from street_kit import facility, said

from processors.detectors.cover import CoverDetector
from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from processors.detectors.novelty import NoveltyDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import FacilityClass

DAY_S = 86_400.0
LOUD = ["raised noise_limit it sound_level"]


def city(detector: Detector[Any], kind: FacilityClass, every_s: float | None, **rules: float) -> PipelineTestDriver:
    driver = PipelineTestDriver(detector, SilenceDetector(), tick_s=60.0)
    named = {name.replace("__", "."): value for name, value in rules.items()}
    driver.register(facility("it", kind, interval_s=every_s, **({"rules": named} if named else {})))
    return driver


def say(driver: PipelineTestDriver, name: str, *values: float, every_s: float = 60.0) -> None:
    for value in values:
        driver.read("it", name, value)
        driver.advance(every_s)


def of_the_world(driver: PipelineTestDriver) -> list[str]:
    return [step for step in said(driver) if "device_silent" not in step]


@pytest.mark.parametrize(("silent_s", "steps", "lasted_s"), [(DAY_S, [], 960.0), (0.0, LOUD, 1_440.0)])
def test_noise_before_and_after_a_silence_has_not_lasted(silent_s: float, steps: list[str], lasted_s: float) -> None:
    driver = city(LimitDetector(), FacilityClass.NOISE_METER, 60.0)
    say(driver, "sound_level", *[70.0, 71.0] * 4)
    driver.advance(silent_s)
    say(driver, "sound_level", *[70.0, 71.0] * 4)
    assert of_the_world(driver) == steps
    say(driver, "sound_level", *[70.0, 71.0] * 4)
    assert of_the_world(driver) == LOUD
    assert driver.now_ms / 1000 - driver.open[-1].since.timestamp() == pytest.approx(lasted_s)


def test_calm_before_and_after_a_silence_has_not_lasted_either() -> None:
    driver = city(LimitDetector(), FacilityClass.NOISE_METER, 60.0)
    say(driver, "sound_level", *[70.0, 71.0] * 8, 40.0)
    driver.advance(DAY_S)
    say(driver, "sound_level", *[40.0] * 9)
    assert of_the_world(driver) == LOUD
    say(driver, "sound_level", *[40.0] * 3)
    assert len(of_the_world(driver)) == 2


def test_a_device_that_speaks_when_something_changes_is_not_silent() -> None:
    driver = city(LimitDetector(), FacilityClass.NOISE_METER, None)
    say(driver, "sound_level", 70.0, 71.0)
    driver.advance(DAY_S)
    say(driver, "sound_level", 70.0)
    assert of_the_world(driver) == LOUD


@pytest.mark.parametrize(
    ("detector", "kind", "name", "values", "steps"),
    [
        (LevelDetector, FacilityClass.WASTE_BIN, "fill_level", (95, 95), ["raised bin_overflowing it"]),
        (LimitDetector, FacilityClass.GAS_SENSOR, "gas_ch4", (9000, 9000), ["raised gas_limit it gas_ch4"]),
    ],
)
def test_samples_in_a_row_go_on_after_a_silence(
    detector: Callable[[], Detector[Any]],
    kind: FacilityClass,
    name: str,
    values: tuple[float, float],
    steps: list[str],
) -> None:
    driver = city(detector(), kind, 600.0)
    say(driver, name, values[0], every_s=DAY_S)
    say(driver, name, values[1])
    assert of_the_world(driver) == steps


def test_a_road_that_is_dry_before_and_after_a_silence_was_not_dry_for_so_long() -> None:
    driver = city(LevelDetector(), FacilityClass.ROAD_SECTION, 60.0)
    say(driver, "water_level", 0.2, 0.2, 0.0)
    driver.advance(DAY_S)
    say(driver, "water_level", *[0.0] * 29)
    assert of_the_world(driver) == ["raised road_flooded it"]
    say(driver, "water_level", 0.0, 0.0)
    assert len(of_the_world(driver)) == 2


def test_a_cover_that_shook_before_and_after_a_silence_was_not_carried_all_the_time() -> None:
    driver = city(CoverDetector(), FacilityClass.MANHOLE_COVER, 60.0, cover__silent_intervals=1_000.0)
    say(driver, "contact_open", 1, 1)
    say(driver, "vibration", 1)
    driver.advance(3_600)
    say(driver, "vibration", 1, 1)
    assert [one.kind for one in driver.open if one.kind != "device_silent"] == ["cover_open"]
    say(driver, "vibration", 1, 1)
    assert "cover_stolen" in {one.kind for one in driver.open}


def test_what_is_new_before_and_after_a_silence_counts_anew() -> None:
    def told(silent_s: float) -> PipelineTestDriver:
        driver = city(
            NoveltyDetector(), FacilityClass.AIR_STATION, 600.0, novelty__learn_d=0.0, novelty__learn_readings=100.0
        )
        say(driver, "temperature", *[20.0 + number * 7 % 11 / 10 for number in range(300)], every_s=600.0)
        say(driver, "temperature", *[60.0 + number / 10 for number in range(4)], every_s=600.0)
        driver.advance(silent_s)
        say(driver, "temperature", *[60.0 + number / 10 for number in range(4)], every_s=600.0)
        return driver

    assert of_the_world(told(0.0)) == ["raised novelty it temperature"]
    driver = told(DAY_S)
    assert of_the_world(driver) == []
    say(driver, "temperature", 60.0, 60.5, every_s=600.0)
    assert of_the_world(driver) == ["raised novelty it temperature"]
