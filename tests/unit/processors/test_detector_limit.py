"""Limits of any quantity: too much, too little, too fast, and other limits at night."""

from datetime import datetime
from typing import Any

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from metamorphic_kit import Row, batches, by_time, disordered, doubled, found, holds, several, told
from street_kit import ZONE, facility, said

from processors.detectors.limit import LimitDetector
from processors.detectors.limit_state import LIMITED, is_within
from processors.engine.driver import PipelineTestDriver
from schemas.curb import Calendar
from schemas.facility import Facility, FacilityClass, Place, Policy
from schemas.registry import CalendarConfigured, ClassConfigured, ZoneConfigured, ZoneKind
from tests.examples import examples

MINUTE, HOUR = 60.0, 3600.0
DAYTIME = datetime.fromisoformat("2026-03-02T04:00:00Z")  # noon in China


def station(name: str = "it", kind: FacilityClass = FacilityClass.AIR_STATION, **rules: float) -> Facility:
    named = {f"limit_{key.replace('__', '.')}": value for key, value in rules.items()}
    return facility(name, kind, **({"rules": named} if named else {}))


def city(*facilities: Facility, start: datetime = DAYTIME) -> PipelineTestDriver:
    driver = PipelineTestDriver(LimitDetector(), start=start, tick_s=60.0)
    driver.register(*facilities or (station(),))
    return driver


def say(driver: PipelineTestDriver, name: str, *values: float, every_s: float = MINUTE) -> None:
    for value in values:
        driver.read("it", name, value)
        driver.advance(every_s)


def kinds(driver: PipelineTestDriver) -> list[str]:
    return [step.removesuffix(" it") for step in said(driver)]


# what stands in the table


@pytest.mark.parametrize(
    ("name", "calm", "beyond", "kind"),
    [
        ("gas_lel", 10.0, 10.1, "gas_limit"),
        ("gas_ch4", 5_000.0, 5_001.0, "gas_limit"),
        ("gas_h2s", 7.0, 7.1, "gas_limit"),
        ("co", 24.0, 24.1, "gas_limit"),
    ],
)
def test_gases_have_limits_that_two_samples_pass(name: str, calm: float, beyond: float, kind: str) -> None:
    driver = city(station(kind=FacilityClass.GAS_SENSOR))
    say(driver, name, *[calm] * 5, beyond, calm, beyond, calm)
    assert driver.findings == []
    say(driver, name, beyond, beyond)
    assert [one.kind for one in driver.open] == [kind]
    say(driver, name, 0, 0)
    assert driver.open == []


def test_an_alarm_of_the_device_itself_counts_at_once() -> None:
    driver = city(station(kind=FacilityClass.GAS_SENSOR))
    say(driver, "gas_alarm", 0, 0, 1)
    assert said(driver) == ["raised gas_limit it gas_alarm"]


def test_dust_must_last_for_an_hour() -> None:
    driver = city()
    say(driver, "pm2_5", *[80.0] * 6, every_s=10 * MINUTE)
    assert driver.findings == []
    say(driver, "pm2_5", 90)
    assert said(driver) == ["raised air_limit it pm2_5"]
    assert driver.findings[0].summary == "it pm2_5 is 90 ug/m3, the limit is 75 ug/m3"
    assert driver.findings[0].numbers == {"value": 90.0, "limit": 75.0}
    assert driver.findings[0].since == DAYTIME
    say(driver, "pm2_5", *[70.0] * 20, every_s=10 * MINUTE)  # within, but not by the margin
    assert len(driver.open) == 1
    say(driver, "pm2_5", *[65.0] * 3, every_s=10 * MINUTE)
    assert len(driver.open) == 1
    say(driver, "pm2_5", 65.0)
    assert driver.open == []


def test_what_has_no_limit_is_never_beyond_one() -> None:
    driver = city()
    for name in ("temperature", "humidity", "co2", "wind_speed", "pressure"):
        say(driver, name, *[1e3 if name not in {"humidity", "wind_speed"} else 100.0] * 3)
    assert driver.findings == []


def test_every_quantity_has_a_rule_and_no_counter_has() -> None:
    assert {"temperature", "pressure", "voltage", "sound_level", "water_level"} <= LIMITED.keys()
    assert not {"meter_reading", "energy", "latitude", "occupied"} & LIMITED.keys()


@pytest.mark.parametrize("values", [[10.1, 9.9], [10.1, 10.1, 7.9], [10.0], [9.0, 10.1, 10.0]])
def test_what_flaps_at_the_threshold_is_at_most_one_finding(values: list[float]) -> None:
    driver = city(station(kind=FacilityClass.GAS_SENSOR))
    say(driver, "gas_lel", *values * 20)
    assert len(driver.findings) == (values.count(10.1) == 2)


def test_a_burst_of_ten_times_as_many_readings_finds_the_same() -> None:
    slow, fast = city(), city()
    say(slow, "pm2_5", *[80.0] * 12, *[60.0] * 12, every_s=600.0)
    say(fast, "pm2_5", *[80.0] * 120, *[60.0] * 120, every_s=60.0)
    assert said(slow) == said(fast) == ["raised air_limit it pm2_5", "cleared air_limit it pm2_5"]
    assert [one.at for one in fast.findings] <= [one.at for one in slow.findings]


# limits that somebody set


def test_low_high_and_back() -> None:
    driver = city(station(voltage__low=207.0, voltage__high=253.0, voltage__margin=2.0))
    say(driver, "voltage", 230, 206, 206, 208, 208, 208)
    assert len(driver.open) == 1  # within, but not by the margin
    say(driver, "voltage", 209, 209, 254, 254, 252, 251, 251)
    assert [one.transition for one in driver.findings] == ["raised", "cleared"] * 2
    assert [one.numbers["limit"] for one in driver.findings if one.transition == "raised"] == [207.0, 253.0]
    assert {one.kind for one in driver.findings} == {"limit_exceeded"}
    assert driver.findings[0].summary == "it voltage is 206 V, the limit is 207 V"


def test_what_goes_from_too_little_to_too_much_is_one_finding() -> None:
    driver = city(station(voltage__low=207.0, voltage__high=253.0))
    say(driver, "voltage", 100, 100, 300, 300)
    assert len(driver.findings) == 1


@pytest.mark.parametrize(
    ("values", "raises"),
    [([5, 5, 8.1, 8.1], True), ([5, 5, 8.0, 8.0], False), ([9, 9, 6.9, 6.9], True), ([9, 9, 7.1, 7.1], False)],
)
def test_a_change_is_too_fast_up_or_down(values: list[float], *, raises: bool) -> None:
    driver = city(station(temperature__rise=3.0, temperature__fall=2.0))
    say(driver, "temperature", *values)
    assert said(driver) == ["raised limit_exceeded it temperature"] * raises


def test_a_change_is_a_rate_where_readings_are_far_apart() -> None:
    driver = city(station(temperature__rise=3.0))
    say(driver, "temperature", 0, 4, 8, 12, 16, every_s=10 * MINUTE)  # 2 Cel in five minutes
    assert driver.findings == []
    say(driver, "temperature", 23, 30, every_s=10 * MINUTE)
    assert len(driver.open) == 1


def test_a_change_clears_when_it_is_over() -> None:
    driver = city(station(temperature__rise=3.0))
    say(driver, "temperature", 5, 9, 9)
    assert driver.findings[0].summary == "it temperature went up by 4 Cel within 5 min, the limit is 3 Cel"
    say(driver, "temperature", *[9.0] * 8)
    assert driver.open == []


def test_two_quantities_of_one_facility_are_two_findings() -> None:
    driver = city(station(kind=FacilityClass.GAS_SENSOR))
    say(driver, "co", 30, 30)
    say(driver, "gas_h2s", 30, 30)
    assert said(driver) == ["raised gas_limit it co", "raised gas_limit it gas_h2s"]
    assert {one.facility for one in driver.findings} == {"it"}


# quiet hours


@pytest.mark.parametrize(
    ("span_h", "clock", "inside"),
    [
        ((22.0, 6.0), "21:59:59", False),
        ((22.0, 6.0), "22:00:00", True),
        ((22.0, 6.0), "00:00:00", True),
        ((22.0, 6.0), "05:59:59", True),
        ((22.0, 6.0), "06:00:00", False),
        ((12.5, 14.0), "12:30:00", True),
        ((12.5, 14.0), "14:00:00", False),
        ((0.0, 0.0), "12:00:00", False),
    ],
)
def test_a_span_of_the_day(span_h: tuple[float, float], clock: str, *, inside: bool) -> None:
    at_ms = round(datetime.fromisoformat(f"2026-03-02T{clock}+08:00").timestamp() * 1000)
    span_ms = round(span_h[0] * HOUR * 1000), round(span_h[1] * HOUR * 1000)
    assert is_within("CST-8", span_ms, at_ms) is inside


@pytest.mark.parametrize(
    ("utc", "inside"),
    [
        ("2026-03-28T20:59Z", False),  # 21:59 in winter
        ("2026-03-28T21:00Z", True),
        ("2026-03-29T00:59Z", True),  # 01:59; then the clock is set to 3
        ("2026-03-29T01:00Z", True),
        ("2026-03-29T03:59Z", True),  # 05:59 in summer
        ("2026-03-29T04:00Z", False),
        ("2026-10-24T20:00Z", True),  # 22:00 in summer
        ("2026-10-25T04:59Z", True),  # 05:59 in winter: this night has nine quiet hours
        ("2026-10-25T05:00Z", False),
    ],
)
def test_quiet_hours_follow_the_clocks_of_the_city_when_they_are_set(utc: str, *, inside: bool) -> None:
    at_ms = round(datetime.fromisoformat(utc).timestamp() * 1000)
    night_ms = 22 * 3_600_000, 6 * 3_600_000
    assert is_within("CET-1CEST,M3.5.0,M10.5.0/3", night_ms, at_ms) is inside


def test_a_party_goes_on_past_ten_in_the_evening() -> None:
    driver = city(start=datetime.fromisoformat("2026-03-02T21:30:00+08:00"))
    say(driver, "sound_level", *[55.0] * 30)
    assert driver.findings == []
    say(driver, "sound_level", *[55.0] * 10)
    assert driver.findings == []
    say(driver, "sound_level", 55.0)
    assert said(driver) == ["raised noise_limit it sound_level"]
    assert driver.findings[0].numbers["limit"] == 50.0
    assert driver.findings[0].since == datetime.fromisoformat("2026-03-02T22:00:00+08:00")
    say(driver, "sound_level", *[48.0] * 11)
    assert driver.open == []


def test_a_sensor_that_froze_by_day_is_not_loud_at_night() -> None:
    driver = city(start=datetime.fromisoformat("2026-03-02T21:00:00+08:00"))
    say(driver, "sound_level", *[52.0, 54.5, 53.0, 56.1, 55.0, 54.0] * 4)
    say(driver, "sound_level", *[55.0] * 90)
    assert driver.findings == []
    say(driver, "sound_level", *[55.3, 54.9, 56.0, 55.1] * 3)  # it was none: it moves again
    assert said(driver) == ["raised noise_limit it sound_level"]


@pytest.mark.parametrize(("begins", "steps"), [("22:30", 1), ("21:30", 0)])
def test_a_hum_to_the_digit_is_loud_where_it_began_in_the_quiet_hours(begins: str, steps: int) -> None:
    driver = city(start=datetime.fromisoformat("2026-03-02T20:00:00+08:00"))
    end_ms = round(datetime.fromisoformat(f"2026-03-02T{begins}:00+08:00").timestamp() * 1000)
    calm, number = [44.0, 46.0, 45.0, 47.0, 43.0, 48.0], 0
    while driver.now_ms < end_ms:
        say(driver, "sound_level", calm[number % 6])
        number += 1
    say(driver, "sound_level", *[57.0] * 180)
    assert said(driver) == ["raised noise_limit it sound_level"] * steps
    say(driver, "sound_level", *calm * 3)
    assert driver.open == []


def test_the_morning_ends_what_only_the_night_forbids() -> None:
    driver = city(start=datetime.fromisoformat("2026-03-03T05:30:00+08:00"))
    say(driver, "sound_level", *[55.0] * 30)
    assert len(driver.open) == 1
    say(driver, "sound_level", *[55.0] * 11)
    assert driver.open == []


def test_the_calendar_says_when_it_is_night() -> None:
    driver = city(start=datetime.fromisoformat("2026-03-02T12:00:00+08:00"))
    say(driver, "sound_level", *[55.0] * 30)
    assert driver.findings == []
    driver.configure(CalendarConfigured(calendar=Calendar(time_zone="EST5EDT,M3.2.0,M11.1.0")))  # there it is 23:30
    say(driver, "sound_level", *[55.0] * 11)
    assert said(driver) == ["raised noise_limit it sound_level"]


# rules and the registry


def test_a_class_a_zone_and_a_facility_may_say_it() -> None:
    driver = city()
    rules = {"limit_temperature.high": 40.0}
    driver.configure(ClassConfigured(facility_class=FacilityClass.AIR_STATION, policy=Policy(rules=rules)))
    say(driver, "temperature", 41, 41)
    assert len(driver.open) == 1
    zone = ZoneConfigured(
        zone=ZONE,
        kind=ZoneKind.STREET_SEGMENT,
        place=Place(lon=113.85, lat=34.03),
        policy=Policy(rules={"limit_temperature.high": 45.0}),
    )
    driver.configure(zone)
    assert driver.findings[-1].reason == "policy changed"
    driver.register(station(temperature__high=30.0))
    assert driver.open == []
    say(driver, "temperature", 31, 31)
    assert len(driver.open) == 1
    driver.register(station(temperature__high=30.5))
    assert len(driver.open) == 1
    driver.register(station(temperature__high=35.0))
    assert driver.findings[-1].reason == "policy changed"
    say(driver, "temperature", 36, 36)
    driver.left("it")
    assert driver.findings[-1].reason == "facility left"


def test_a_rule_for_something_else_leaves_a_finding_and_a_suspicion_alone() -> None:
    driver = city(station(temperature__high=40.0, temperature__margin=5.0))
    say(driver, "temperature", 41, 41, 38)
    say(driver, "pm10", *[200.0] * 2, every_s=HOUR)
    rules = {"limit_humidity.high": 90.0}
    driver.configure(ClassConfigured(facility_class=FacilityClass.AIR_STATION, policy=Policy(rules=rules)))
    assert len(driver.open) == 1
    say(driver, "pm10", 200)
    assert [one.kind for one in driver.open] == ["limit_exceeded", "air_limit"]


def test_a_limit_that_is_taken_back_ends_the_finding() -> None:
    driver = city(station(humidity__low=20.0))
    say(driver, "humidity", 10, 10)
    driver.register(station())
    assert [one.reason for one in driver.findings] == [None, "policy changed"]


# what must change nothing

STATIONS = (
    station("gas-1", FacilityClass.GAS_SENSOR),
    station("air-1"),
    station("noise-1", FacilityClass.NOISE_METER),
    station("box-1", FacilityClass.LAMP_FEEDER, voltage__low=207.0, voltage__high=253.0, voltage__margin=2.0),
)


def runs(device: str, name: str, values: list[float], every_s: float, begin_s: float) -> st.SearchStrategy[list[Row]]:
    """What holds for a sample more than it must, or for plainly less: who comes last may depend on disorder."""
    run = st.tuples(st.sampled_from(values), st.sampled_from([4, 9, 12]))
    return st.lists(run, min_size=1, max_size=6).map(lambda some: holds(device, name, every_s, *some, begin_s=begin_s))


STORIES = st.tuples(
    runs("gas-1", "gas_lel", [0.0, 9.0, 10.0, 10.1, 30.0], 60.0, 0.0),
    runs("air-1", "pm2_5", [20.0, 65.0, 75.0, 80.0], 1000.0, 11.0),
    runs("noise-1", "sound_level", [40.0, 48.0, 50.0, 55.0, 61.0], 330.0, 14.5 * HOUR),
    runs("box-1", "voltage", [200.0, 207.0, 230.0, 252.0, 260.0], 130.0, 21.0),
).map(lambda some: by_time(row for rows in some for row in rows))


@settings(RELAXED, max_examples=examples(20))
@given(STORIES, st.sampled_from([86_400.0, 86_400.0 * 17]), st.permutations(STATIONS), batches())
def test_another_day_another_order_and_other_records_find_the_same(
    rows: list[Row], later_s: float, facilities: list[Facility], records: list[int]
) -> None:
    plain = found(told(LimitDetector, STATIONS, rows))
    assert found(told(LimitDetector, STATIONS, rows, later_s=later_s, tick_s=HOUR), later_s) == plain
    assert found(told(LimitDetector, facilities, rows)) == plain
    assert found(told(LimitDetector, STATIONS, rows, records=records)) == plain


@settings(RELAXED, max_examples=examples(20))
@given(STORIES, several(), several())
def test_copies_and_slight_disorder_find_the_same(rows: list[Row], twice: list[int], swapped: list[int]) -> None:
    plain: Any = found(told(LimitDetector, STATIONS, rows))
    assert found(told(LimitDetector, STATIONS, doubled(rows, twice))) == plain
    assert found(told(LimitDetector, STATIONS, disordered(rows, swapped))) == plain
