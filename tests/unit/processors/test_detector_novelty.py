"""Readings that are new to their series and stay so raise a finding once it has learnt; back to the usual clears it."""

import math

import pytest
from state_kit import slot
from street_kit import ZONE, cover, facility, records, replayed, restart, said

from processors.detectors import ALL, cover_state
from processors.detectors.novelty import NoveltyDetector
from processors.detectors.novelty_state import RULED
from processors.engine.contract import Series
from processors.engine.driver import PipelineTestDriver
from processors.novelty import season
from schemas.anomaly import KINDS, AnomalyKind
from schemas.facility import Facility, FacilityClass, Place, Policy
from schemas.identity import finding_id, reading_id, timed
from schemas.properties import OF_DEVICE, PROPERTIES
from schemas.registry import ClassConfigured, ZoneConfigured, ZoneKind
from schemas.rules.limit import UNLIMITED

STEP_S = 600.0
SAMPLES = 6
RAISED, CLEARED = "raised novelty lamp-1 voltage", "cleared novelty lamp-1 voltage"


def lamp(name: str = "lamp-1", device: str = "", **rules: float) -> Facility:
    """It is learnt as soon as it was heard often enough."""
    own = {"novelty.learn_d": 0.0, **{name.replace("__", "."): value for name, value in rules.items()}}
    return facility(name, FacilityClass.STREET_LAMP, device or name, rules=own)


def usual(number: int) -> float:
    return 80.0 + 10.0 * math.sin(2 * math.pi * number / 144) + number * 7 % 11 / 10


def city(**rules: float) -> PipelineTestDriver:
    driver = PipelineTestDriver(NoveltyDetector(), tick_s=STEP_S)
    driver.register(lamp("lamp-1", "", **rules))
    return driver


def speak(driver: PipelineTestDriver, first: int, count: int, more: float = 0.0) -> None:
    for number in range(first, first + count):
        driver.read("lamp-1", "voltage", usual(number) + more)
        driver.advance(STEP_S)


def suspected(**rules: float) -> PipelineTestDriver:
    """One reading short of a finding."""
    driver = city(**rules)
    speak(driver, 0, 1_000)
    speak(driver, 1_000, SAMPLES - 1, 120.0)
    return driver


def surprised(**rules: float) -> PipelineTestDriver:
    driver = suspected(**rules)
    speak(driver, 1_000 + SAMPLES - 1, 1, 120.0)
    return driver


def test_what_stays_far_from_all_before_raises_and_the_usual_clears() -> None:
    driver = suspected()
    assert said(driver) == []
    speak(driver, 1_005, 1, 120.0)
    assert said(driver) == [RAISED]
    (raised,) = driver.findings
    assert raised.summary.startswith("voltage of lamp-1 is new: 2.6x the usual 22:00 (UTC): ")
    assert raised.numbers["value"] == pytest.approx(usual(1_000) + 120.0)
    assert raised.numbers["score"] > 0.9
    assert raised.numbers["departures"] > 4.0
    assert raised.numbers["usual"] == pytest.approx(usual(1_000), abs=5.0)
    assert raised.numbers["beyond_spike"] > 0.5
    since_ms = round(raised.since.timestamp() * 1000)
    began = reading_id("lamp-1", "voltage", timed(since_ms, usual(1_000) + 120.0))
    trigger = reading_id("lamp-1", "voltage", timed(since_ms + 5 * 600_000, usual(1_005) + 120.0))
    assert raised.evidence == (began, trigger)
    assert raised.id == finding_id(AnomalyKind.NOVELTY, ZONE, "lamp-1 voltage", str(began))
    speak(driver, 1_006, SAMPLES - 1)
    assert said(driver) == [RAISED]
    speak(driver, 1_011, 1)
    assert said(driver) == [RAISED, CLEARED]


def test_it_is_told_of_the_usual_weekday_after_two_weeks() -> None:
    driver = city(novelty__samples=1.0, novelty__for_s=0.0)
    speak(driver, 0, 2_160)
    driver.read("lamp-1", "voltage", 2.3 * usual(0))
    (raised,) = driver.findings
    assert "x the usual Tuesday 00:00 (UTC)" in raised.summary


def test_a_single_reading_that_is_off_is_no_matter() -> None:
    driver = city()
    speak(driver, 0, 1_000)
    for number in range(1_000, 1_060, 6):
        speak(driver, number, 3, 120.0)
        speak(driver, number + 3, 3)
    assert said(driver) == []


def test_up_and_down_is_not_in_a_row() -> None:
    driver = city()
    speak(driver, 0, 1_000)
    for number in range(1_000, 1_012):
        speak(driver, number, 1, 120.0 * (-1) ** number)
    assert said(driver) == []


def test_six_readings_within_minutes_do_not_last() -> None:
    driver = city()
    speak(driver, 0, 1_000)
    for _ in range(30):
        driver.read("lamp-1", "voltage", 200.0 + driver.now_ms / 1e15)
        driver.advance(60.0)
    assert said(driver) == []
    driver.read("lamp-1", "voltage", 201.0)
    assert said(driver) == [RAISED]


def test_new_but_near_the_usual_is_no_matter() -> None:
    """A record by a tenth of the range is new, and nothing that anybody must look at."""
    hasty = {"novelty__samples": 1.0, "novelty__for_s": 0.0}
    for rules, steps in ((hasty, []), (hasty | {"novelty__departures": 0.0}, [RAISED])):
        driver = city(**rules)
        speak(driver, 0, 1_044)  # the peak of a day
        driver.read("lamp-1", "voltage", 93.5)
        assert said(driver) == steps


@pytest.mark.parametrize(
    ("often", "long", "steps"), [(1_001, 0, []), (1_000, 0, [RAISED]), (0, 8, []), (0, 6, [RAISED])]
)
def test_nothing_is_said_before_the_series_was_learnt(often: int, long: int, steps: list[str]) -> None:
    rules = {"novelty__learn_readings": max(often, 1.0), "novelty__learn_d": float(long)}
    assert said(surprised(**rules)) == steps


def test_what_lasts_becomes_usual_and_then_the_finding_ends() -> None:
    driver = city()
    speak(driver, 0, 1_000)
    speak(driver, 1_000, 3 * 144, 30.0)
    assert said(driver) == [RAISED]
    speak(driver, 1_432, 13 * 144, 30.0)
    assert said(driver) == [RAISED, CLEARED]


def test_as_usual_says_nothing() -> None:
    driver = city()
    speak(driver, 0, 2_000)
    assert said(driver) == []


def test_a_reading_out_of_order_is_not_judged() -> None:
    driver = suspected()
    driver.read("lamp-1", "voltage", 250.0, at_ms=driver.now_ms - 3_600_000)
    assert said(driver) == []


def test_the_facility_leaves_and_takes_its_finding_along() -> None:
    driver = surprised()
    driver.left("lamp-1")
    assert said(driver) == [RAISED, CLEARED]
    assert driver.findings[-1].reason == "facility left"
    assert slot(driver.fold, ZONE).snapshot() == NoveltyDetector().snapshot(NoveltyDetector().initial(ZONE))


def test_a_device_that_speaks_for_another_facility_is_learnt_anew() -> None:
    driver = surprised()
    driver.register(lamp("lamp-2", "lamp-1"))
    speak(driver, 1_006, 20)
    assert said(driver) == [RAISED, CLEARED]
    speak(driver, 1_026, 10, 120.0)
    assert said(driver) == [RAISED, CLEARED]


def test_two_series_know_nothing_of_each_other() -> None:
    driver = city()
    driver.register(lamp("lamp-2"))
    for number in range(1_010):
        there = 5.0 if number < 1_000 else 80.0
        now_ms = driver.now_ms
        driver.read_many([("lamp-1", "voltage", usual(number), now_ms), ("lamp-2", "voltage", there, now_ms)])
        driver.advance(STEP_S)
    assert said(driver) == ["raised novelty lamp-2 voltage"]


def test_restarts_and_replays_change_nothing() -> None:
    driver = city()
    speak(driver, 0, 900)
    restart(driver)
    speak(driver, 900, 3, 120.0)
    restart(driver)
    speak(driver, 903, 3, 120.0)
    restart(driver)
    speak(driver, 906, 3)
    restart(driver)
    speak(driver, 909, 3)
    assert said(driver) == [RAISED, CLEARED]
    assert replayed(driver, [NoveltyDetector()]) == records(driver)


# rules


def limited(**rules: float) -> Policy:
    return Policy(rules={name.replace("__", "."): value for name, value in rules.items()})


@pytest.mark.parametrize(
    "rules",
    [{"novelty__watch": 0.0}, {"limit_voltage__high": 300.0}, {"novelty__score": 1.0}, {"novelty__departures": 99.0}],
)
def test_a_rule_that_allows_more_ends_the_finding(rules: dict[str, float]) -> None:
    driver = surprised()
    driver.configure(ClassConfigured(facility_class=FacilityClass.STREET_LAMP, policy=limited(**rules)))
    assert said(driver) == [RAISED, CLEARED]
    assert driver.findings[-1].reason == "policy changed"
    speak(driver, 1_006, 10, 120.0)
    assert said(driver) == [RAISED, CLEARED]


def test_a_rule_of_something_else_ends_nothing() -> None:
    driver = surprised()
    place = Place(lon=113.85, lat=34.03)
    driver.configure(
        ZoneConfigured(
            zone=ZONE, kind=ZoneKind.STREET_SEGMENT, place=place, policy=limited(limit_temperature__high=40.0)
        )
    )
    driver.configure(ClassConfigured(facility_class=FacilityClass.STREET_LAMP, policy=limited(novelty__departures=5.0)))
    assert said(driver) == [RAISED]


def test_what_has_a_limit_is_neither_learnt_nor_kept() -> None:
    driver = city(limit_voltage__high=300.0)
    plain = city(novelty__watch=0.0)
    for one in (driver, plain):
        speak(one, 0, 900)
        speak(one, 900, 10, 150.0)
        assert said(one) == []
        assert len(slot(one.fold, ZONE).snapshot()) < 500  # no model of any series
    watched = city()
    speak(watched, 0, 60)
    assert len(slot(watched.fold, ZONE).snapshot()) > season.SIZE


def series(name: str, kind: FacilityClass = FacilityClass.STREET_LAMP) -> Series:
    return Series("d", name, "1", "f", kind, ZONE)


@pytest.mark.parametrize("name", ["voltage", "temperature", "humidity", "illuminance"])
def test_it_hears_quantities(name: str) -> None:
    assert NoveltyDetector().wants(series(name))


@pytest.mark.parametrize(
    "name",
    [
        *sorted(UNLIMITED | OF_DEVICE),
        "pulse_delta",
        "occupied",
        "smoke_alarm",
        "of_tomorrow",
        "pm2_5",
        "gas_lel",
        "current",
    ],
)
def test_it_hears_no_flags_no_counters_nothing_unknown_and_nothing_that_is_limited(name: str) -> None:
    assert not NoveltyDetector().wants(series(name))


def test_what_others_judge_is_left_to_them() -> None:
    """Those that hear every property, to know who lives or for a limit that somebody may set, judge no values."""
    ours = NoveltyDetector()
    judges = [
        one
        for one in ALL
        if not one.wants(series("latitude")) and one.name not in {"cover", "limit", "health", "novelty"}
    ]
    assert {one.name for one in judges} >= {"parking", "leak", "level", "lamp"}
    for kind in FacilityClass:
        for name in PROPERTIES:
            if name == "voltage":
                continue  # lamps hear it only to know that they are not frozen
            if any(one.wants(series(name, kind)) for one in judges):
                assert not ours.wants(series(name, kind)), (kind, name)
    assert set().union(*RULED.values()) <= set(PROPERTIES)
    for name in cover_state.SIGNALS:
        assert not ours.wants(series(name, FacilityClass.MANHOLE_COVER)), name


def test_what_it_says_stands_in_the_table_of_kinds() -> None:
    assert KINDS[AnomalyKind.NOVELTY].severity == "warning"


def test_facilities_it_does_not_know_and_covers_are_passed_over() -> None:
    driver = city()
    rules = {"novelty.learn_d": 0.0}
    driver.register(cover(rules=rules), facility("meter-1", FacilityClass.PRESSURE_METER, rules=rules))
    for number in range(810):
        far = number >= 800
        driver.read_many(
            [
                ("cover-1", "tilt_angle", 80.0 if far else 1.0, driver.now_ms),
                ("meter-1", "pressure", 9e5 if far else 3e5 + number % 2, driver.now_ms),
            ]
        )
        driver.advance(STEP_S)
    assert said(driver) == []


def test_the_finding_of_a_device_that_was_replaced_ends_and_the_new_one_is_learnt_from_its_own_words() -> None:
    driver = surprised()
    driver.register(lamp("lamp-1", "new"))
    assert said(driver) == [RAISED, CLEARED]
    assert driver.findings[-1].reason == "device replaced"
    assert len(slot(driver.fold, ZONE).snapshot()) < 500
    for number in range(700):  # another make says other numbers
        driver.read("new", "voltage", usual(number) + 150.0)
        driver.advance(STEP_S)
    assert len(driver.findings) == 2
    assert season.SIZE < len(slot(driver.fold, ZONE).snapshot()) < 2 * season.SIZE


def test_registered_with_another_device_beside_it_keeps_what_it_learnt() -> None:
    driver = surprised()
    both = lamp("lamp-1")
    driver.register(both.model_copy(update={"devices": (*both.devices, *lamp("x", "second").devices)}))
    assert said(driver) == [RAISED]
    assert len(slot(driver.fold, ZONE).snapshot()) > season.SIZE
