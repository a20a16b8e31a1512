"""Lamps: a night, a day, and what goes wrong in them."""

from datetime import datetime, timedelta

import pytest
from lamp_kit import HOUR, MINUTE, NIGHT, NOON, RATED, kinds, lamp, street, take
from state_kit import Earless
from street_kit import facility, records, replayed, said

from processors.detectors.lamp import LampDetector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import FacilityClass, Policy
from schemas.registry import ClassConfigured

# dark


def test_a_lamp_that_is_dark_for_a_quarter_of_an_hour() -> None:
    driver = street(NIGHT)
    take(driver, 118, 119, 3, 2, 1)
    assert driver.findings == []
    take(driver, 0)
    assert kinds(driver) == ["raised lamp_dark"]
    assert driver.findings[0].since == NIGHT + timedelta(minutes=10)
    assert driver.findings[0].summary == "Lamp it is dark at night"
    take(driver, 118, 118)
    assert kinds(driver)[1:] == ["cleared lamp_dark"]
    assert driver.open == []


@pytest.mark.parametrize(
    ("start", "watts"),
    [
        (NIGHT, [0, 0, 0, 118, 0, 0, 0, 118]),  # a quarter of an hour each, with light between
        (NIGHT, [24.0] * 20),  # a fifth of its power is not less than that
        (NOON, [0.0] * 20),  # by day it should be
        (datetime.fromisoformat("2026-03-02T10:35:00Z"), [0.0] * 3),  # dusk
        (datetime.fromisoformat("2026-03-02T22:25:00Z"), [0.0] * 12),  # dawn
    ],
)
def test_what_is_not_dark(start: datetime, watts: list[float]) -> None:
    driver = street(start)
    take(driver, *watts)
    assert driver.findings == []


def test_a_dark_lamp_stays_found_by_day_until_it_burns_in_the_next_night() -> None:
    driver = street(NIGHT)
    take(driver, *[0.0] * 300)  # 25 hours
    assert kinds(driver) == ["raised lamp_dark"]
    take(driver, 118, 118)
    assert driver.open == []


@pytest.mark.parametrize("off", [("switch_on", 0.0), ("dim_level", 0.0)])
def test_what_is_off_on_purpose_is_not_dark(off: tuple[str, float]) -> None:
    driver = street(NIGHT)
    driver.read("it", *off)
    take(driver, *[0.0] * 20)
    assert driver.findings == []
    driver.read("it", off[0], 100.0 if off[0] == "dim_level" else 1.0)
    take(driver, *[0.0] * 4)
    assert kinds(driver) == ["raised lamp_dark"]


DUSK = NIGHT - timedelta(hours=2)  # the sun sets at 18:24, and half an hour is twilight
OFF = [("switch_on", 0.0, 1.0), ("dim_level", 0.0, 100.0)]


def told(driver: PipelineTestDriver, prop: str, value: float, watts: float, hours: float) -> None:
    """Speaks each ten minutes, of its relay and of its power."""
    for _ in range(round(hours * 6)):
        driver.read("it", prop, value)
        driver.read("it", "power", watts + (driver.now_ms // 600_000) % 3 / 10)
        driver.advance(10 * MINUTE)


@pytest.mark.parametrize(("prop", "off", "on"), OFF)
def test_who_says_that_it_is_off_and_never_went_on_tonight_has_lost_its_schedule(
    prop: str, off: float, on: float
) -> None:
    driver = street(NOON)
    told(driver, prop, off, 0.3, 3 * 24)
    assert kinds(driver) == ["raised lamp_dark"]
    (finding,) = driver.findings
    assert (finding.since.hour, finding.since.minute) == (11, 0)  # half an hour behind sunset, in UTC
    told(driver, prop, on, 118.0, 1 / 3)
    assert kinds(driver) == ["raised lamp_dark", "cleared lamp_dark"]


@pytest.mark.parametrize(("prop", "off", "on"), OFF)
@pytest.mark.parametrize("lit_h", [2, 5, 8])  # before midnight, by the sun, and behind it
def test_who_burned_at_dusk_is_off_on_purpose_for_the_rest_of_the_night(
    prop: str, off: float, on: float, lit_h: int
) -> None:
    driver = street(DUSK)
    for _ in range(3):
        told(driver, prop, on, 118.0, lit_h)
        told(driver, prop, off, 0.3, 14 - lit_h)
        told(driver, prop, off, 0.0, 10)
    assert driver.findings == []
    assert replayed(driver, [Earless(LampDetector())]) == records(driver)


def test_who_was_not_watched_at_dusk_may_have_burned() -> None:
    driver = street(DUSK)
    driver.advance(3 * HOUR)
    told(driver, "switch_on", 0.0, 0.3, 8)
    assert driver.findings == []


def test_a_city_may_say_that_what_a_switch_says_is_meant() -> None:
    driver = street(NOON, lamp("it", switch_s=0))
    told(driver, "switch_on", 0.0, 0.3, 48)
    assert driver.findings == []


def test_a_dimmed_lamp_is_judged_by_what_is_left() -> None:
    driver = street(NIGHT)
    driver.read("it", "dim_level", 30.0)
    take(driver, *[36.0] * 20)
    assert driver.findings == []
    take(driver, *[7.0] * 4)
    assert kinds(driver) == ["raised lamp_dark"]


def test_what_nobody_registered_is_learnt_on_the_first_nights() -> None:
    driver = street(NIGHT, facility("it", FacilityClass.STREET_LAMP))
    take(driver, *[80.0] * 9)
    take(driver, *[15.0] * 4)
    assert kinds(driver) == ["raised lamp_dark"]
    take(driver, *[55.0] * 8)
    assert kinds(driver)[1:] == ["cleared lamp_dark", "raised lamp_power"]
    unknown = street(NIGHT, facility("it", FacilityClass.STREET_LAMP))
    take(unknown, *[15.0] * 4)
    assert unknown.findings == []
    take(unknown, *[4.0] * 4)
    assert kinds(unknown) == ["raised lamp_dark"]


@pytest.mark.parametrize("watts", [[23.0, 25.0], [23.0, 24.0], [23.0, 37.0]])
def test_a_lamp_that_flaps_at_the_threshold_is_not_dark(watts: list[float]) -> None:
    driver = street(NIGHT)
    take(driver, *watts * 20, every_s=20 * MINUTE)
    assert "raised lamp_dark" not in kinds(driver)


def test_a_burst_of_ten_times_as_many_readings_finds_the_same() -> None:
    slow, fast = street(NIGHT), street(NIGHT)
    take(slow, *[118.0] * 4, *[0.0] * 6, *[118.0] * 4)
    take(fast, *[118.0] * 40, *[0.0] * 60, *[118.0] * 40, every_s=30.0)
    assert said(slow) == said(fast) == ["raised lamp_dark it", "cleared lamp_dark it"]


def test_what_a_dimmed_lamp_takes_is_not_learnt() -> None:
    driver = street(NIGHT, facility("it", FacilityClass.STREET_LAMP))
    driver.read("it", "dim_level", 50.0)
    take(driver, *[40.0] * 12)
    driver.read("it", "dim_level", 100.0)
    take(driver, *[80.0] * 20)
    assert driver.findings == []
    take(driver, *[15.0] * 4)
    assert kinds(driver) == ["raised lamp_dark"]


# by day


def burning(driver: PipelineTestDriver, *gaps_min: float) -> None:
    """It burns from now on, says so after each of these gaps, and after the last that it is out."""
    driver.read("it", "power", 118)
    for gap in gaps_min[:-1]:
        driver.advance(gap * MINUTE)
        driver.read("it", "power", 118)
    driver.advance(gaps_min[-1] * MINUTE)
    driver.read("it", "power", 0)


@pytest.mark.parametrize(
    ("gaps_min", "is_found"),
    [
        ((6, 10, 10, 5), True),  # out before it was due to speak: it burned until then
        ((6, 10, 10, 10), False),  # due: it may have been out since the word before
        ((6, 10, 20), False),  # and even longer, as a word was lost
        ((6, 10, 10, 2), False),  # 28 minutes are no half hour
    ],
)
def test_how_long_it_burned_by_day_says_the_word_that_it_is_out_if_that_was_not_due(
    gaps_min: tuple[float, ...], *, is_found: bool
) -> None:
    speaks = facility("it", FacilityClass.STREET_LAMP, interval_s=10 * MINUTE, rules={"lamp.rated_w": RATED})
    driver = street(NOON, speaks)
    burning(driver, *gaps_min)
    assert kinds(driver) == ["raised lamp_on_by_day"] * is_found
    if is_found:
        assert driver.findings[0].since == NOON
        assert driver.findings[0].summary == "Lamp it burned by day for 31 min"
    driver.advance(10 * MINUTE)
    driver.read("it", "power", 0)
    assert kinds(driver)[1:] == ["cleared lamp_on_by_day"] * is_found


def test_without_an_interval_nobody_knows_when_a_word_was_due() -> None:
    driver = street(NOON)
    burning(driver, 6, 10, 10, 5)
    assert driver.findings == []


def test_a_lamp_that_burns_for_half_an_hour_by_day() -> None:
    driver = street(NOON)
    take(driver, *[118.0] * 6)
    assert driver.findings == []
    take(driver, 118)
    assert kinds(driver) == ["raised lamp_on_by_day"]
    take(driver, 0, 0)
    assert kinds(driver)[1:] == ["cleared lamp_on_by_day"]


def test_a_switch_tells_of_the_day_where_nothing_measures() -> None:
    driver = street(NOON)
    for value in (1, 1, 1, 0, 0):
        driver.read("it", "switch_on", value)
        driver.advance(1000)
    assert kinds(driver) == ["raised lamp_on_by_day", "cleared lamp_on_by_day"]


def test_a_lamp_that_does_its_work_for_a_month_is_silent() -> None:
    driver = street(NOON)
    for _ in range(30 * 96):
        now = driver.now_ms // 1000 % 86_400
        take(driver, 0.4 if now > (-65 * MINUTE) % 86_400 or now < 10.7 * HOUR else 118.0, every_s=15 * MINUTE)
    assert driver.findings == []


# power and cycling


def test_a_wrong_power_must_last() -> None:
    driver = street(NIGHT)
    take(driver, *[157.0] * 6)
    assert driver.findings == []
    take(driver, 157)
    assert kinds(driver) == ["raised lamp_power"]
    assert driver.findings[0].summary == "Lamp it takes 157 W, 131 % of what it should"
    take(driver, 150, 150, 150, 130, 130)
    assert kinds(driver)[1:] == ["cleared lamp_power"]


def test_a_lamp_that_goes_on_and_out_again_and_again() -> None:
    driver = street(NIGHT)
    take(driver, 118, 0, 118, 0, 118, 0)
    assert driver.findings == []
    take(driver, 118)
    assert kinds(driver) == ["raised lamp_cycling"]
    assert driver.findings[0].numbers["cycles"] == 3
    take(driver, *[118.0] * 11)
    assert len(driver.open) == 1
    take(driver, 118, 118)
    assert kinds(driver)[1:] == ["cleared lamp_cycling"]


def test_what_cycled_before_dawn_must_be_steady_in_the_next_night() -> None:
    driver = street(datetime.fromisoformat("2026-03-02T21:45:00Z"))
    take(driver, 118, 0, 118, 0, 118, 0, 118)
    driver.advance(15 * MINUTE)
    take(driver, *[0.0] * 25, every_s=30 * MINUTE)
    assert kinds(driver) == ["raised lamp_cycling"]
    take(driver, 118, 118)
    assert len(driver.open) == 1
    take(driver, *[118.0] * 12)
    assert driver.open == []


def test_old_words_that_come_late_are_no_cycling() -> None:
    driver = street(NIGHT)
    before_ms = driver.now_ms
    driver.advance(HOUR)
    for n in range(8):
        take(driver, 118)
        driver.read("it", "power", 0.0, at_ms=before_ms + n * 1000)
    assert driver.findings == []


def test_cycling_slowly_is_none() -> None:
    driver = street(NIGHT)
    take(driver, *[118, 0] * 6, every_s=13 * MINUTE)
    assert "raised lamp_cycling" not in kinds(driver)


# rules and the registry


def test_a_rule_that_allows_it_ends_it() -> None:
    driver = street(NIGHT)
    take(driver, *[20.0] * 5)
    policy = Policy(rules={"lamp.dark_share": 0.1})
    driver.configure(ClassConfigured(facility_class=FacilityClass.STREET_LAMP, policy=policy))
    assert kinds(driver) == ["raised lamp_dark", "cleared lamp_dark"]
    assert driver.findings[-1].reason == "policy changed"


def test_a_lamp_that_leaves_clears_all_of_its_own() -> None:
    driver = street(NIGHT)
    take(driver, *[0.0] * 5)
    driver.left("it")
    take_back = [one.reason for one in driver.findings if one.transition == "cleared"]
    assert take_back == ["facility left"]
    assert driver.open == []


def nightly(driver: PipelineTestDriver, *watts: float) -> None:
    """Until the sun is up, every ten minutes; then an hour by day of the last of them."""
    take(driver, *watts, every_s=10 * MINUTE)
    driver.advance_to(int((NOON + timedelta(days=1)).timestamp() * 1000))
    take(driver, *[watts[-1]] * 7, every_s=10 * MINUTE)


@pytest.mark.parametrize(
    ("watts", "is_found"),
    [
        ([118.1, 119.0, 117.5, 118.4, 118.2, 118.9, *[118.3] * 6], False),  # never the same before: it is frozen
        ([118.0, 118.0, 118.0, 119.0, 118.0, 118.0, 118.0, 119.0, *[118.0] * 6], True),  # its meter counts whole watts
        ([118.0] * 12, True),  # nobody knows that it should vary
    ],
)
def test_a_lamp_that_froze_while_it_burned_does_not_burn_by_day(watts: list[float], *, is_found: bool) -> None:
    driver = street(NIGHT)
    nightly(driver, *watts)
    assert ("raised lamp_on_by_day" in kinds(driver)) is is_found


VARIES = [round(229.0 + number * 7 % 11 / 5, 1) for number in range(36)]  # never the same twice in a row


@pytest.mark.parametrize(
    ("volts", "is_found"),
    [
        ([*VARIES, *[229.4] * 6], False),  # never the same before: it is frozen
        ([*VARIES, *VARIES[:6]], True),
        ([*VARIES, *[0.0] * 6], True),  # the mains are gone, which is why
        ([230.0] * 42, True),  # nobody knows that it should vary
        ([], True),  # nothing measures it
    ],
)
def test_a_lamp_that_froze_while_it_was_out_is_not_dark(volts: list[float], *, is_found: bool) -> None:
    driver = street(NIGHT)
    for number in range(42):
        if volts:
            driver.read("it", "voltage", volts[number])
        take(driver, 118.0 if number < 36 else 0.0, every_s=10 * MINUTE)
    assert ("raised lamp_dark" in kinds(driver)) is is_found


def test_a_lamp_that_thaws_and_is_dark_is_found_then() -> None:
    driver = street(NIGHT)
    for volts in VARIES:
        driver.read("it", "voltage", volts)
        take(driver, 118.0)
    for volts in [*[229.4] * 6, *VARIES[:6]]:
        driver.read("it", "voltage", volts)
        take(driver, 0.0, every_s=10 * MINUTE)
    assert kinds(driver) == ["raised lamp_dark"]


def test_an_older_voltage_that_comes_late_says_nothing() -> None:
    driver = street(NIGHT)
    for volts in VARIES:
        driver.read("it", "voltage", volts)
        take(driver, 118.0)
    for _ in range(6):
        driver.read("it", "voltage", 229.4)
        driver.read("it", "voltage", 230.7, at_ms=driver.now_ms - 1_000)
        take(driver, 0.0, every_s=10 * MINUTE)
    assert kinds(driver) == []
