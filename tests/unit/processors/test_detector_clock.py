"""Clocks that are wrong: three messages say so, three in a row with a plausible time take it back."""

import pytest
from street_kit import ZONE, lamp, said

from processors.detectors.clock import ClockDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass, Policy
from schemas.identity import finding_id, reading_id, timed
from schemas.observation import Quality
from schemas.registry import ClassConfigured

WRONG = ["raised device_clock lamp-1", "cleared device_clock lamp-1"]
G, F, L, U, R = Quality.GOOD, Quality.FUTURE, Quality.LATE, Quality.UNTIMED, Quality.RELEASED


def street() -> PipelineTestDriver:
    driver = PipelineTestDriver(ClockDetector(), tick_s=10.0)
    driver.register(lamp())
    return driver


def speak(driver: PipelineTestDriver, *qualities: Quality, every_s: float = 60.0) -> None:
    for quality in qualities:
        driver.read("lamp-1", "power", 80.0, quality=quality)
        driver.advance(every_s)


@pytest.mark.parametrize(
    ("qualities", "steps"),
    [
        ([F, F], 0),
        ([F, F, F], 1),
        ([L, L, L], 1),
        ([F, L, F], 1),
        ([F, G, F, G, G, F], 1),  # not three good ones in a row
        ([F, F, G, G, G, F, F], 0),
        ([G] * 9, 0),
        ([U] * 9, 0),
        ([R] * 9, 0),
        ([F, F, U, F], 1),
        ([F] * 9, 1),
        ([F, F, F, G, G], 1),
        ([F, F, F, G, G, F, G, G], 1),
        ([F, F, F, G, U, G, G], 2),
    ],
)
def test_three_wrong_raise_and_three_good_in_a_row_clear(qualities: list[Quality], steps: int) -> None:
    driver = street()
    speak(driver, *qualities)
    assert said(driver) == WRONG[:steps]


@pytest.mark.parametrize(("every_s", "raises"), [(3600.0, True), (3610.0, False)])
def test_the_three_must_fall_within_two_hours(every_s: float, raises: bool) -> None:
    driver = street()
    speak(driver, *[F] * 9, every_s=every_s)
    assert said(driver) == (WRONG[:1] if raises else [])


def test_many_readings_of_one_message_count_once() -> None:
    driver = street()
    for _ in range(2):
        driver.read_many([("lamp-1", name, 1.0, driver.now_ms) for name in ("power", "voltage", "current")], quality=F)
        driver.advance(60)
    assert said(driver) == []


def test_what_the_log_finds_late_counts_though_ingest_did_not() -> None:
    driver = street()
    driver.advance(2 * 86_400)
    for n in range(3):
        driver.read("lamp-1", "power", 1.0, at_ms=driver.now_ms - 90_000_000 + n)
        driver.advance(60)
    assert said(driver) == WRONG[:1]
    assert driver.findings[0].summary.endswith("dated long ago")


def test_the_finding_names_its_three_messages_and_its_id_the_first() -> None:
    driver = street()
    times = [driver.now_ms + n * 60_000 for n in range(3)]
    speak(driver, F, F, F)
    ids = tuple(reading_id("lamp-1", "power", timed(at_ms, 80.0)) for at_ms in times)
    (finding,) = driver.findings
    assert finding.evidence == ids
    assert finding.id == finding_id(AnomalyKind.DEVICE_CLOCK, ZONE, "lamp-1", str(ids[0]))
    assert finding.summary == "Clock of device lamp-1 is wrong: its readings are dated in the future"


def test_a_facility_that_leaves_clears_what_is_open_in_the_order_of_devices() -> None:
    driver = PipelineTestDriver(ClockDetector(), tick_s=10.0)
    driver.register(lamp("lamp-1", "b", "a"))
    for _ in range(3):
        for device in ("b", "a"):
            driver.read(device, "power", 1.0, quality=F)
        driver.advance(60)
    driver.left("lamp-1")
    assert said(driver)[2:] == ["cleared device_clock a", "cleared device_clock b"]
    assert {one.reason for one in driver.findings[2:]} == {"facility left"}


def test_readings_of_what_is_not_registered_say_nothing() -> None:
    driver = street()
    driver.left("lamp-1")
    driver._speaks_for["lamp-1", None] = lamp()
    speak(driver, F, F, F)
    assert said(driver) == []


def test_the_rule_says_how_many_and_within_how_long() -> None:
    driver = street()
    policy = Policy(rules={"clock.messages": 2.0, "clock.within_s": 100.0})
    driver.configure(ClassConfigured(facility_class=FacilityClass.STREET_LAMP, policy=policy))
    speak(driver, F, F, every_s=110.0)
    assert said(driver) == []
    speak(driver, F, G, G)
    assert said(driver) == []  # 110 s between the second and the third
    speak(driver, F, F, G, G)
    assert said(driver) == WRONG
    assert driver.findings[0].numbers == {"messages": 2.0}
