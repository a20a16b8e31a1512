"""A device that was taken away says nothing any more, and one of several that is calm says nothing for the others."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from lamp_kit import NIGHT, NOON, RATED, all_take, feeder, lamp, take
from lamp_kit import street as lamps
from metamorphic_kit import Row, by_time, found, holds, told
from street_kit import facility, said

from processors.detectors.clock import ClockDetector
from processors.detectors.cover import CoverDetector
from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import DeviceBinding, Facility, FacilityClass
from schemas.observation import Quality
from schemas.registry import FacilityRegistered
from tests.examples import examples

Words = tuple[str, str, Sequence[float]]
COVER, BIN, GAS = FacilityClass.MANHOLE_COVER, FacilityClass.WASTE_BIN, FacilityClass.GAS_SENSOR
ROAD = FacilityClass.ROAD_SECTION


def street(detector: Detector[Any], kind: FacilityClass, *devices: str) -> PipelineTestDriver:
    driver = PipelineTestDriver(detector, tick_s=10.0)
    driver.register(at(kind, *devices))
    return driver


def at(kind: FacilityClass, *devices: str) -> Facility:
    return facility("it", kind, *devices, interval_s=600.0)


def say(driver: PipelineTestDriver, device: str, name: str, *values: float, every_s: float = 60.0) -> None:
    for value in values:
        driver.read(device, name, value)
        driver.advance(every_s)


@pytest.mark.parametrize(
    ("detector", "kind", "old", "new", "kinds"),
    [
        (LevelDetector, BIN, ("smoke_alarm", 1), ("fill_level", 20), ["bin_fire"]),
        (LevelDetector, BIN, ("fill_level", 99), ("fill_level", 20), ["bin_overflowing"]),
        (LevelDetector, ROAD, ("water_level", 0.3), ("water_level", 0.0), ["road_flooded"]),
        (CoverDetector, COVER, ("contact_open", 1), ("tilt_angle", 0.5), ["cover_open"]),
        (CoverDetector, COVER, ("tilt_angle", 40), ("contact_open", 0), ["cover_tilted"]),
        (LimitDetector, GAS, ("gas_ch4", 9000), ("gas_lel", 0.1), ["gas_limit"]),
        (LimitDetector, GAS, ("gas_alarm", 1), ("gas_ch4", 1), ["gas_limit"]),
    ],
)
def test_what_rests_on_the_word_of_a_device_ends_when_it_is_replaced(
    detector: Callable[[], Detector[Any]],
    kind: FacilityClass,
    old: tuple[str, float],
    new: tuple[str, float],
    kinds: list[str],
) -> None:
    driver = street(detector(), kind, "old")
    say(driver, "old", old[0], *[old[1]] * 3)
    assert [one.kind for one in driver.open] == kinds
    before = len(driver.findings)
    driver.register(at(kind, "new"))
    assert driver.open == []
    assert [one.reason for one in driver.findings[before:]] == ["device replaced"]
    say(driver, "new", new[0], *[new[1]] * 20)
    driver.advance(86_400)
    assert len(driver.findings) == before + 1
    assert driver.quarantined == []


@pytest.mark.parametrize(
    ("detector", "kind", "name", "values"),
    [
        (LevelDetector, BIN, "fill_level", [99, 99, 99]),
        (CoverDetector, COVER, "contact_open", [1, 1]),
        (LimitDetector, GAS, "gas_ch4", [9000, 9000]),
    ],
)
def test_a_device_that_is_taken_away_for_good_leaves_nothing(
    detector: Callable[[], Detector[Any]], kind: FacilityClass, name: str, values: list[float]
) -> None:
    driver = street(detector(), kind, "old")
    say(driver, "old", name, *values)
    assert len(driver.open) == 1
    bare = at(kind, "old").model_copy(update={"devices": ()})
    driver.register(bare)
    assert driver.findings[-1].reason == "device no longer registered"
    assert driver.open == []


@pytest.mark.parametrize(
    ("detector", "kind", "name", "value"),
    [
        (LevelDetector, BIN, "fill_level", 99),
        (CoverDetector, COVER, "contact_open", 1),
        (LimitDetector, GAS, "gas_ch4", 9000),
    ],
)
def test_what_the_one_that_stays_says_goes_on_as_the_same_finding(
    detector: Callable[[], Detector[Any]], kind: FacilityClass, name: str, value: float
) -> None:
    driver = street(detector(), kind, "old", "other")
    for _ in range(3):
        driver.read("other", name, value)
        say(driver, "old", name, value)
    (opened,) = driver.open
    driver.register(at(kind, "new", "other"))
    assert [one.id for one in driver.open] == [opened.id]
    say(driver, "new", name, 0, 0, 0)
    assert [one.id for one in driver.open] == [opened.id]
    say(driver, "other", name, 0, 0, 0)
    assert (driver.open, driver.findings[-1].reason) == ([], None)


@pytest.mark.parametrize(
    ("detector", "kind", "name", "value"),
    [
        (LevelDetector, BIN, "smoke_alarm", 1),
        (CoverDetector, COVER, "contact_open", 1),
        (LimitDetector, GAS, "gas_alarm", 1),
    ],
)
def test_what_is_still_on_its_way_from_the_old_one_says_nothing(
    detector: Callable[[], Detector[Any]], kind: FacilityClass, name: str, value: float
) -> None:
    driver = street(detector(), kind, "old")
    driver.read("old", name, 0)
    driver.write(FacilityRegistered(facility=at(kind, "new")))  # another ingest has not heard of it yet
    say(driver, "old", name, value, value, value)
    driver.advance(600)
    assert (driver.findings, driver.quarantined) == ([], [])


@pytest.mark.parametrize(
    ("detector", "kind", "old", "new", "finding"),
    [
        (LevelDetector, BIN, ("fill_level", 40), ("full_alarm", 1), "raised bin_overflowing it"),
        (CoverDetector, COVER, ("tilt_angle", 1), ("tilted", 1), "raised cover_tilted it"),
    ],
)
def test_a_new_one_of_another_kind_is_heard(
    detector: Callable[[], Detector[Any]],
    kind: FacilityClass,
    old: tuple[str, float],
    new: tuple[str, float],
    finding: str,
) -> None:
    driver = street(detector(), kind, "old")
    say(driver, "old", old[0], *[old[1]] * 5)
    driver.register(at(kind, "new"))
    say(driver, "new", new[0], *[new[1]] * 5)
    assert said(driver) == [finding]


def test_a_cover_that_was_taken_for_stolen_is_not_when_its_device_was_only_dead() -> None:
    driver = street(CoverDetector(), COVER, "old")
    say(driver, "old", "tilt_angle", 40, 40)
    driver.advance(7_200)
    assert [one.kind for one in driver.open] == ["cover_stolen"]
    driver.register(at(COVER, "new"))
    assert (driver.open, driver.findings[-1].reason) == ([], "device replaced")
    driver.advance(86_400)
    say(driver, "new", "tilt_angle", 0, 0)
    assert driver.open == []


@pytest.mark.parametrize(("start", "watts", "kind"), [(NOON, RATED, "lamp_on_by_day"), (NIGHT, 0.0, "lamp_dark")])
def test_a_lamp_of_which_another_tells_is_judged_anew(start: datetime, watts: float, kind: str) -> None:
    driver = lamps(start, lamp("it"))
    take(driver, *[watts] * 12)
    assert [one.kind for one in driver.open] == [kind]
    driver.register(lamp("it").model_copy(update={"devices": (DeviceBinding(device="new"),)}))
    assert (driver.open, driver.findings[-1].reason) == ([], "device replaced")
    say(driver, "new", "power", *[watts] * 12, every_s=300.0)
    assert [one.kind for one in driver.open] == [kind]


def test_a_feeder_is_not_dark_by_the_word_of_controllers_that_are_gone() -> None:
    names = ["l1", "l2", "l3", "l4"]
    driver = lamps(NIGHT, feeder(), *map(lamp, names))
    all_take(driver, dict.fromkeys(names, 0.0), times=12)
    assert [one.kind for one in driver.open] == ["feeder_dark"]
    for name in names:
        driver.register(lamp(name).model_copy(update={"devices": (DeviceBinding(device=f"new-{name}"),)}))
    assert driver.open == []
    all_take(driver, {f"new-{name}": RATED for name in names}, times=12)
    assert (driver.open, driver.quarantined) == ([], [])


def test_the_clock_of_a_device_that_is_gone_is_nobody_s_matter() -> None:
    driver = street(ClockDetector(), GAS, "old")
    for _ in range(3):
        driver.read("old", "gas_ch4", 3, quality=Quality.FUTURE)
        driver.advance(60)
    assert [one.kind for one in driver.open] == ["device_clock"]
    driver.register(at(GAS, "new"))
    assert (driver.open, driver.findings[-1].reason) == ([], "device replaced")


def test_registered_again_with_the_same_devices_all_is_as_it_was() -> None:
    driver = street(LimitDetector(), GAS, "a", "b")
    say(driver, "a", "gas_ch4", 9000)
    driver.register(at(GAS, "b", "a"))
    say(driver, "a", "gas_ch4", 9000)
    assert len(driver.open) == 1


# a second sensor

CASES: dict[str, tuple[Callable[[], Detector[Any]], FacilityClass, dict[str, list[float]], dict[str, float]]] = {
    "gas": (LimitDetector, GAS, {"gas_ch4": [10, 4500, 6000], "gas_alarm": [0, 1]}, {"gas_ch4": 3, "gas_alarm": 0}),
    "noise": (LimitDetector, FacilityClass.NOISE_METER, {"sound_level": [40, 59, 70]}, {"sound_level": 35}),
    "bin": (
        LevelDetector,
        BIN,
        {"fill_level": [20, 60, 88, 99], "temperature": [20, 50, 90]},
        {"fill_level": 5, "temperature": 20, "fire_alarm": 0},
    ),
    "flag": (LevelDetector, BIN, {"full_alarm": [0, 1]}, {"fill_level": 5}),
    "road": (LevelDetector, ROAD, {"water_level": [0.0, 0.04, 0.1, 0.2]}, {"water_level": 0.0}),
    "cover": (
        CoverDetector,
        COVER,
        {"tilt_angle": [0, 7, 30, 95], "contact_open": [0, 1]},
        {"tilt_angle": 1, "contact_open": 0},
    ),
    "tilted": (CoverDetector, COVER, {"tilted": [0, 1]}, {"tilt_angle": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_second_sensor_that_is_calm_hides_nothing_of_what_the_first_one_says(case: str) -> None:
    detector, kind, loud, calm = CASES[case]

    def runs(name: str, values: list[float]) -> st.SearchStrategy[list[Row]]:
        run = st.tuples(st.sampled_from(values), st.sampled_from([1, 2, 3, 14]))
        return st.lists(run, min_size=1, max_size=5).map(lambda some: holds("a", name, 60.0, *some))

    @settings(RELAXED, max_examples=examples(15))
    @given(st.tuples(*(runs(name, values) for name, values in loud.items())), st.sampled_from([0.0, 7.0, 31.0]))
    def check(series: Iterable[list[Row]], offset: float) -> None:
        rows = [row for some in series for row in some]
        last = max(row[3] for row in rows)
        beside = [
            ("b", name, value, offset + at) for name, value in calm.items() for at in range(0, int(last) + 60, 60)
        ]
        alone = found(told(detector, [at(kind, "a")], by_time(rows), tick_s=30.0, rest_s=300.0))
        both = found(told(detector, [at(kind, "a", "b")], by_time([*rows, *beside]), tick_s=30.0, rest_s=300.0))
        assert both == alone

    check()
