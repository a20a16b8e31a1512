"""Bins, drains, tanks and roads: what fills, what only seems to, and what empties again."""

from typing import Any

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from metamorphic_kit import Row, batches, by_time, disordered, doubled, found, holds, several, told
from street_kit import facility, said

from processors.detectors.level import LevelDetector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import Facility, FacilityClass, Policy
from schemas.registry import ClassConfigured
from tests.examples import examples

MINUTE = 60.0


def thing(name: str, kind: FacilityClass, **rules: float) -> Facility:
    named = {key.replace("__", "."): value for key, value in rules.items()}
    return facility(name, kind, **({"rules": named} if named else {}))


def watch(kind: FacilityClass, **rules: float) -> PipelineTestDriver:
    driver = PipelineTestDriver(LevelDetector(), tick_s=30.0)
    driver.register(thing("it", kind, **rules))
    return driver


def say(driver: PipelineTestDriver, name: str, *values: float, every_s: float = MINUTE) -> None:
    for value in values:
        driver.read("it", name, value)
        driver.advance(every_s)


def kinds(driver: PipelineTestDriver) -> list[str]:
    return [step.removesuffix(" it") for step in said(driver)]


# bins


def test_a_bin_fills_overflows_and_is_emptied() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", 40, 70, 85, 86, every_s=1800)
    assert kinds(driver) == ["raised bin_full"]
    assert driver.findings[0].summary == "Bin it is 86 % full"
    assert driver.findings[0].numbers == {"share": 0.86, "limit_share": 0.85}
    say(driver, "fill_level", 95, 97, every_s=1800)
    assert kinds(driver)[1:] == ["cleared bin_full", "raised bin_overflowing"]
    assert driver.findings[1].reason == "became bin_overflowing"
    say(driver, "fill_level", 60, 5, 4, every_s=1800)
    assert kinds(driver)[3:] == ["cleared bin_overflowing"]
    assert driver.findings[-1].summary == "Bin it was emptied"
    assert driver.open == []


def test_a_finding_names_the_samples_that_began_and_ended_it() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    begin_ms = driver.now_ms
    say(driver, "fill_level", 90, 91)
    (raised,) = driver.findings
    assert len(raised.evidence) == 2
    assert raised.since.timestamp() * 1000 == begin_ms
    assert (raised.at - raised.since).total_seconds() == 60


@pytest.mark.parametrize(
    "levels",
    [[84.9] * 9, [40, 99, 40], [40, 99, 40, 99, 40, 99], [99], [84, 86, 84, 86, 84]],
    ids=["nearly", "a lid", "a lid again and again", "once", "flapping at the threshold"],
)
def test_what_only_seems_to_fill_a_bin_is_silent(levels: list[float]) -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", *levels)
    assert driver.findings == []


def test_a_bin_that_flaps_above_the_threshold_is_one_finding() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", *[86, 87, 84, 83, 88, 86, 31, 90] * 5)
    assert kinds(driver) == ["raised bin_full"]


def test_a_single_low_sample_empties_no_bin() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", 90, 91, 0, 91)
    assert len(driver.open) == 1


def test_two_sensors_in_one_message_are_one_sample() -> None:
    driver = PipelineTestDriver(LevelDetector())
    driver.register(facility("it", FacilityClass.WASTE_BIN, "a", "b"))
    for device in ("a", "b"):
        driver.read(device, "fill_level", 99)
    driver.advance(5)
    assert driver.findings == []


def test_a_distance_is_a_fill_level_where_the_depth_is_known() -> None:
    driver = watch(FacilityClass.WASTE_BIN, bin__depth_m=1.2)
    say(driver, "distance", 0.5, 0.17, 0.17)
    assert kinds(driver) == ["raised bin_full"]
    unknown = watch(FacilityClass.WASTE_BIN)
    say(unknown, "distance", 0.0, 0.0, 0.0)
    assert unknown.findings == []


def test_a_full_flag_counts_where_nothing_measures() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "full_alarm", 1, 1)
    assert kinds(driver) == ["raised bin_overflowing"]
    say(driver, "full_alarm", 0, 0)
    assert driver.open == []
    say(driver, "fill_level", 40)
    say(driver, "full_alarm", 1, 1, 1)
    assert driver.open == []


@pytest.mark.parametrize(("temperatures", "raises"), [([60.0] * 3, False), ([60.1], True)])
def test_a_bin_hotter_than_sixty_degrees_burns(temperatures: list[float], *, raises: bool) -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "temperature", *temperatures)
    assert kinds(driver) == ["raised bin_fire"] * raises
    say(driver, "temperature", 46, 46, 44, 44)
    assert driver.open == []
    assert driver.quarantined == []


def test_fire_and_fill_are_two_matters() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", 96, 96)
    say(driver, "fire_alarm", 1)
    assert kinds(driver) == ["raised bin_overflowing", "raised bin_fire"]
    assert driver.findings[1].severity == "critical"
    say(driver, "temperature", 80)  # the same fire
    say(driver, "fire_alarm", 0, 0)
    assert len(driver.findings) == 2
    say(driver, "temperature", 20, 20)
    assert kinds(driver)[2:] == ["cleared bin_fire"]


LIVELY = [40.3, 41.1, 40.8, 42.0, 41.6, 42.4, 43.1, 42.9, 43.6, 44.2]


@pytest.mark.parametrize(
    ("before", "then", "kinds_of"),
    [
        (LIVELY, [97.0] * 40, []),  # it froze when somebody lifted the lid
        (LIVELY, [97.0, 96.8], ["raised bin_overflowing"]),
        (LIVELY, [97.0, 97.0, 97.0, 96.6], ["raised bin_overflowing"]),  # it was none: it moves again
        (LIVELY, [100.0, 100.0], ["raised bin_overflowing"]),  # the end of its scale
        ([*LIVELY, 60.2, 75.9, 88.0], [97.0, 97.0], ["raised bin_overflowing"]),  # it rose until it stood there
        ([40, 40, 40, 41, 41, 41, 42, 42, 42, 43, 43, 43, 44, 44, 44], [97, 97], ["raised bin_overflowing"]),
        ([40], [97.0, 97.0], ["raised bin_overflowing"]),  # nobody knows yet how it moves
    ],
    ids=["frozen", "alive", "alive again", "top", "risen", "whole percents", "new"],
)
def test_a_gauge_that_froze_with_the_lid_before_it_is_one_sample(
    before: list[float], then: list[float], kinds_of: list[str]
) -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", *before, *then, every_s=1800)
    assert [one for one in kinds(driver) if "overflow" in one] == kinds_of
    say(driver, "fill_level", 20.1, 20.4, every_s=1800)
    assert driver.open == []


# drains and tanks


def test_a_drain_beyond_four_fifths_of_its_depth() -> None:
    driver = watch(FacilityClass.DRAIN, drain__depth_m=2.0)
    say(driver, "water_level", 1.59, 1.59, 1.61, 1.61)
    assert kinds(driver) == ["raised drain_high"]
    assert driver.findings[0].summary == "Drain it has water up to 80 % of its depth"
    say(driver, "water_level", 1.3, 1.3, 1.3, 1.1, 1.1)
    assert kinds(driver)[1:] == ["cleared drain_high"]


def test_metres_say_nothing_of_a_drain_whose_depth_is_not_known() -> None:
    driver = watch(FacilityClass.DRAIN)
    say(driver, "water_level", 50, 50, 50)
    assert driver.findings == []
    say(driver, "fill_level", 81, 81)
    assert kinds(driver) == ["raised drain_high"]


def test_a_tank_runs_empty_and_over() -> None:
    driver = watch(FacilityClass.WATER_TANK, tank__depth_m=4.0)
    say(driver, "water_level", 0.4, 0.4, 0.5, 0.5, 0.7, 0.7, 3.8, 3.8, 3.5, 3.5)
    assert kinds(driver) == ["raised tank_low", "cleared tank_low", "raised tank_high", "cleared tank_high"]


def test_a_tank_that_only_has_flags() -> None:
    driver = watch(FacilityClass.WATER_TANK)
    say(driver, "empty_alarm", 1, 1, 0, 0)
    say(driver, "full_alarm", 1, 1, 0, 0)
    assert kinds(driver) == ["raised tank_low", "cleared tank_low", "raised tank_high", "cleared tank_high"]


# roads


def test_a_cloudburst() -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "water_level", 0, 0, 0.01, 0.02, 0.04, 0.045)
    assert kinds(driver) == ["raised road_water"]
    assert driver.findings[0].summary == "Road it fills with water: 4 cm more in 5 min"
    say(driver, "water_level", 0.09, 0.14, 0.16, 0.17)
    assert kinds(driver)[1:] == ["cleared road_water", "raised road_flooded"]
    assert driver.findings[1].reason == "became road_flooded"
    say(driver, "water_level", *[0.1] * 60)
    assert len(driver.open) == 1
    say(driver, "water_level", *[0.02] * 30)  # 29 minutes
    assert len(driver.open) == 1
    say(driver, "water_level", 0.02)
    assert kinds(driver)[3:] == ["cleared road_flooded"]
    assert driver.open == []


def test_the_law_asks_for_an_area_where_it_is_known() -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "surface_area", 100)
    say(driver, "water_level", 0.2, 0.2, 0.2)
    assert [one.kind for one in driver.open] == ["road_water"]
    say(driver, "surface_area", 101)
    say(driver, "water_level", 0.2, 0.2)
    assert [one.kind for one in driver.open] == ["road_flooded"]


@pytest.mark.parametrize(("ago_s", "kind"), [(1_700.0, "road_water"), (4 * 3_600.0, "road_flooded")])
def test_an_area_of_hours_ago_holds_back_no_flood(ago_s: float, kind: str) -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "water_level", 0.04)
    say(driver, "surface_area", 30, every_s=ago_s)
    say(driver, "water_level", 0.8, 0.8, every_s=20)
    assert [one.kind for one in driver.open] == [kind]


def test_an_area_that_grows_old_while_the_water_stands_makes_it_a_flood() -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "surface_area", 30)
    say(driver, "water_level", *[0.3] * 20)
    assert [one.kind for one in driver.open] == ["road_water"]
    say(driver, "water_level", *[0.3] * 20)
    assert kinds(driver)[1:] == ["cleared road_water", "raised road_flooded"]


@pytest.mark.parametrize(
    ("depths", "every_s", "raises"),
    [
        ([0.0, 0.0301, 0.0301], 60, True),
        ([0.0, 0.03, 0.03, 0.03], 60, False),  # not more than 3 cm
        ([0.0, 0.04, 0.0, 0.04, 0.0], 60, False),  # a wave of a lorry
        ([0.0, 0.01, 0.02, 0.03, 0.04, 0.049], 240, False),  # slowly
        ([0.0, 0.045, 0.0455], 1500, False),  # 4.5 cm, but in 25 minutes
        ([0.0, 0.04, 0.049], 240, True),
        ([0.05, 0.05], 3600, True),
        ([0.049] * 9, 60, False),
    ],
)
def test_an_early_warning_is_five_centimetres_or_a_rise_of_three_in_five_minutes(
    depths: list[float], every_s: float, *, raises: bool
) -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "water_level", *depths, every_s=every_s)
    assert kinds(driver) == ["raised road_water"] * raises


def test_water_that_comes_back_within_half_an_hour_is_the_same_finding() -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "water_level", 0.2, 0.2, *[0.0] * 20, 0.05, *[0.0] * 20)
    assert kinds(driver) == ["raised road_flooded"]


def test_silence_dries_no_road() -> None:
    driver = watch(FacilityClass.ROAD_SECTION)
    say(driver, "water_level", 0.2, 0.2, 0.0)
    driver.advance(7200)
    assert len(driver.open) == 1


# rules and the registry


def test_a_rule_that_allows_more_ends_a_finding_and_one_that_allows_less_waits() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", 86, 86)
    policy = Policy(rules={"bin.full_share": 0.9})
    driver.configure(ClassConfigured(facility_class=FacilityClass.WASTE_BIN, policy=policy, revision=1))
    assert kinds(driver) == ["raised bin_full", "cleared bin_full"]
    assert driver.findings[-1].reason == "policy changed"
    driver.configure(ClassConfigured(facility_class=FacilityClass.WASTE_BIN, revision=2))
    driver.advance(3600)
    assert driver.open == []
    say(driver, "fill_level", 86, 86)
    assert len(driver.open) == 1


def test_a_bin_in_between_stays_what_it_was_under_another_rule() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", 90, 90, 60)
    driver.register(thing("it", FacilityClass.WASTE_BIN, bin__full_share=0.8))
    assert len(driver.open) == 1


def test_what_leaves_or_becomes_another_thing_clears() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    say(driver, "fill_level", 96, 96)
    say(driver, "temperature", 90)
    driver.register(thing("it", FacilityClass.MANHOLE_COVER))
    assert [one.reason for one in driver.findings[2:]] == ["facility left", "facility left"]
    assert driver.open == []


def test_readings_from_before_the_newest_contrary_one_say_nothing() -> None:
    driver = watch(FacilityClass.WASTE_BIN)
    old_ms = driver.now_ms
    driver.advance(600)
    say(driver, "fill_level", 20)
    for n in range(4):
        driver.read("it", "fill_level", 99, at_ms=old_ms + n * 1000)
    assert driver.findings == []


# what must change nothing


THINGS = (
    thing("bin-1", FacilityClass.WASTE_BIN),
    thing("bin-2", FacilityClass.WASTE_BIN, bin__full_share=0.7),
    thing("drain-1", FacilityClass.DRAIN, drain__depth_m=2.0),
    thing("road-1", FacilityClass.ROAD_SECTION),
    thing("tank-1", FacilityClass.WATER_TANK),
)


def runs(device: str, name: str, values: list[float], every_s: float) -> st.SearchStrategy[list[Row]]:
    """What holds for a sample more than it must, or for plainly less: who comes last may depend on disorder."""
    run = st.tuples(st.sampled_from(values), st.sampled_from([3, 4, 9, 12]))
    return st.lists(run, min_size=1, max_size=6).map(lambda some: holds(device, name, every_s, *some))


STORIES = st.tuples(
    runs("bin-1", "fill_level", [20, 60, 84.9, 85, 95, 99], 900.0),
    runs("bin-2", "fill_level", [20, 60, 69.9, 70, 99], 700.0),
    runs("drain-1", "water_level", [0.5, 1.3, 1.6, 1.9], 300.0),
    runs("road-1", "water_level", [0.0, 0.04, 0.1, 0.2], 450.0),
    runs("tank-1", "fill_level", [5, 10, 12, 50, 97], 620.0),
).map(lambda some: by_time(row for rows in some for row in rows))


@settings(RELAXED, max_examples=examples(30))
@given(STORIES, st.sampled_from([3600.0, 86_400.0 * 3, 86_400.0 * 17 + 1234]), st.permutations(THINGS), batches())
def test_another_time_another_order_and_other_records_find_the_same(
    rows: list[Row], later_s: float, facilities: list[Facility], records: list[int]
) -> None:
    plain = found(told(LevelDetector, THINGS, rows))
    assert found(told(LevelDetector, THINGS, rows, later_s=later_s), later_s) == plain
    assert found(told(LevelDetector, facilities, rows)) == plain
    assert found(told(LevelDetector, THINGS, rows, records=records)) == plain


@settings(RELAXED, max_examples=examples(30))
@given(STORIES, several(), several())
def test_copies_and_slight_disorder_find_the_same(rows: list[Row], twice: list[int], swapped: list[int]) -> None:
    plain: Any = found(told(LevelDetector, THINGS, rows))
    assert found(told(LevelDetector, THINGS, doubled(rows, twice))) == plain
    assert found(told(LevelDetector, THINGS, disordered(rows, swapped))) == plain


def test_ten_times_as_many_readings_find_the_same() -> None:
    slow = holds("bin-1", "fill_level", 900.0, (40, 9), (88, 9), (97, 9), (3, 9))
    fast = holds("bin-1", "fill_level", 90.0, (40, 90), (88, 90), (97, 90), (3, 90))
    steps = [(one[0], *one[2:]) for one in found(told(LevelDetector, THINGS, slow))]
    assert [(one[0], *one[2:]) for one in found(told(LevelDetector, THINGS, fast))] == steps
    assert len(steps) == 4
