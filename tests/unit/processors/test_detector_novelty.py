"""Readings that are new to their series raise a finding once it has learnt, and calm clears it."""

import math

import pytest
from street_kit import ZONE, cover, facility, lamp, records, replayed, restart, said

from processors.detectors import ALL, cover_state
from processors.detectors.novelty import CALM, LEARNING, RULED, UNFIT, NoveltyDetector
from processors.engine.contract import Series
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import KINDS, AnomalyKind
from schemas.facility import FacilityClass
from schemas.identity import finding_id, reading_id, timed
from schemas.properties import PROPERTIES

STEP_S = 600.0
RAISED, CLEARED = "raised novelty lamp-1 voltage", "cleared novelty lamp-1 voltage"


def usual(number: int) -> float:
    return 80.0 + 10.0 * math.sin(2 * math.pi * number / 144) + number * 7 % 11 / 10


def city() -> PipelineTestDriver:
    driver = PipelineTestDriver(NoveltyDetector(), tick_s=STEP_S)
    driver.register(lamp())
    return driver


def speak(driver: PipelineTestDriver, first: int, count: int, device: str = "lamp-1") -> None:
    for number in range(first, first + count):
        driver.read(device, "voltage", usual(number))
        driver.advance(STEP_S)


def surprised() -> PipelineTestDriver:
    driver = city()
    speak(driver, 0, 1_000)
    driver.read("lamp-1", "voltage", 250.0)
    driver.advance(STEP_S)
    return driver


def test_a_reading_never_seen_before_raises_and_calm_clears() -> None:
    driver = surprised()
    assert said(driver) == [RAISED]
    (raised,) = driver.findings
    assert raised.summary.startswith("voltage of lamp-1 is new: ")
    assert "x the usual 22:00 (UTC): " in raised.summary
    assert raised.numbers["value"] == 250.0
    assert raised.numbers["score"] > 0.9
    assert raised.numbers["usual"] == pytest.approx(usual(1_000), abs=5.0)
    assert raised.numbers["beyond_spike"] > 0.5
    evidence = reading_id("lamp-1", "voltage", timed(round(raised.since.timestamp() * 1000), 250.0))
    assert raised.evidence == (evidence,)
    assert raised.id == finding_id(AnomalyKind.NOVELTY, ZONE, "lamp-1 voltage", str(evidence))
    speak(driver, 1_001, CALM - 1)
    assert said(driver) == [RAISED]
    speak(driver, 1_000 + CALM, 1)
    assert said(driver) == [RAISED, CLEARED]


@pytest.mark.parametrize(("learnt", "steps"), [(LEARNING - 1, 0), (LEARNING, 1)])
def test_nothing_is_said_before_the_series_was_learnt(learnt: int, steps: int) -> None:
    driver = city()
    speak(driver, 0, learnt)
    driver.read("lamp-1", "voltage", 900.0)
    assert len(said(driver)) == steps


def test_as_usual_says_nothing() -> None:
    driver = city()
    speak(driver, 0, 2_000)
    assert said(driver) == []


def test_a_reading_out_of_order_is_not_judged() -> None:
    driver = city()
    speak(driver, 0, 1_000)
    driver.read("lamp-1", "voltage", 250.0, at_ms=driver.now_ms - 3_600_000)
    assert said(driver) == []


def test_the_facility_leaves_and_takes_its_finding_along() -> None:
    driver = surprised()
    driver.left("lamp-1")
    assert said(driver) == [RAISED, CLEARED]
    assert driver.findings[-1].reason == "facility left"


def test_a_device_that_speaks_for_another_facility_is_learnt_anew() -> None:
    driver = surprised()
    driver.register(lamp("lamp-2", "lamp-1"))
    speak(driver, 1_001, 10)
    assert said(driver) == [RAISED, CLEARED]
    driver.read("lamp-1", "voltage", 900.0)
    assert said(driver) == [RAISED, CLEARED]


def test_two_series_know_nothing_of_each_other() -> None:
    driver = city()
    driver.register(lamp("lamp-2"))
    for number in range(1_000):
        driver.read_many(
            [("lamp-1", "voltage", usual(number), driver.now_ms), ("lamp-2", "voltage", 5.0, driver.now_ms)]
        )
        driver.advance(STEP_S)
    driver.read("lamp-2", "voltage", 80.0)
    assert said(driver) == ["raised novelty lamp-2 voltage"]


def test_restarts_and_replays_change_nothing() -> None:
    driver = city()
    speak(driver, 0, 900)
    restart(driver)
    driver.read("lamp-1", "voltage", 250.0)
    driver.advance(STEP_S)
    restart(driver)
    speak(driver, 901, CALM + 5)
    assert said(driver) == [RAISED, CLEARED]
    assert replayed(driver, [NoveltyDetector()]) == records(driver)


def series(name: str, kind: FacilityClass = FacilityClass.STREET_LAMP) -> Series:
    return Series("d", name, "1", "f", kind, ZONE)


@pytest.mark.parametrize("name", ["voltage", "temperature", "pm2_5", "battery_voltage"])
def test_it_hears_quantities(name: str) -> None:
    assert NoveltyDetector().wants(series(name))


@pytest.mark.parametrize("name", [*sorted(UNFIT), "occupied", "smoke_alarm", "of_tomorrow"])
def test_it_hears_no_flags_no_counters_and_nothing_unknown(name: str) -> None:
    assert not NoveltyDetector().wants(series(name))


def test_what_others_judge_is_left_to_them() -> None:
    """Those that hear every property, to know who lives or for a limit that somebody may set, judge no values."""
    judges = [one for one in ALL if not one.wants(series("latitude")) and one.name not in {"cover", "limit"}]
    assert {one.name for one in judges} >= {"parking", "leak", "level", "lamp"}
    for kind in FacilityClass:
        for name in PROPERTIES:
            if any(one.wants(series(name, kind)) for one in judges):
                assert not NoveltyDetector().wants(series(name, kind)), (kind, name)
    assert set().union(*RULED.values()) <= set(PROPERTIES)
    for name in cover_state.SIGNALS.keys() - UNFIT:
        assert not NoveltyDetector().wants(series(name, FacilityClass.MANHOLE_COVER)), name


def test_what_it_says_stands_in_the_table_of_kinds() -> None:
    assert KINDS[AnomalyKind.NOVELTY].severity == "warning"


def test_facilities_it_does_not_know_and_covers_are_passed_over() -> None:
    driver = city()
    driver.register(cover(), facility("meter-1", FacilityClass.PRESSURE_METER))
    for number in range(800):
        driver.read_many(
            [("cover-1", "tilt_angle", 1.0, driver.now_ms), ("meter-1", "pressure", 3e5 + number % 2, driver.now_ms)]
        )
        driver.advance(STEP_S)
    driver.read_many([("cover-1", "tilt_angle", 80.0, driver.now_ms), ("meter-1", "pressure", 9e5, driver.now_ms)])
    assert said(driver) == []
