"""Health: sensors that lie, devices that will not last, and all that only looks like it."""

import math

import pytest
from health_kit import DAY, HOUR, MINUTE, Row, air, days_of_air, noise, play, station, told
from street_kit import ZONE, at_s, bay, cover, facility, said

from processors.detectors.health import HealthDetector, stuck
from processors.detectors.health.bounds import Bounds
from processors.detectors.health.watch import Watch
from processors.engine.driver import PipelineTestDriver
from schemas.facility import FacilityClass, Place, Policy
from schemas.registry import ZoneConfigured, ZoneKind

STUCK = ["raised device_stuck air-1/temperature", "cleared device_stuck air-1/temperature"]


def silent_about(*rows: Row, of: FacilityClass, **how: object) -> None:
    names = sorted({row.device for row in rows})
    assert said(told(rows, *(facility(name, of) for name in names))) == [], how


# stuck


def frozen(begin_s: float, hours: float, value: float = 12.34) -> list[Row]:
    return [
        Row(begin_s + n * 5 * MINUTE, "air-1", "temperature", value) for n in range(int(hours * HOUR / (5 * MINUTE)))
    ]


def test_a_reading_that_freezes_is_stuck_within_two_hours_and_is_not_when_it_moves_again() -> None:
    story = [*days_of_air("air-1", 2), *frozen(2 * DAY, 5), *days_of_air("air-1", 0.2, 2 * DAY + 5 * HOUR)]
    driver = told(story, station())
    assert said(driver) == STUCK
    raised = driver.findings[0]
    assert raised.facility == "air-1"
    assert raised.since.timestamp() == driver.log[0].time.timestamp() + 2 * DAY  # type: ignore[union-attr]
    assert HOUR <= (raised.at - raised.since).total_seconds() <= 2 * HOUR
    assert raised.numbers["stood_s"] >= raised.numbers["longest_s"] * 4
    assert raised.evidence


def test_before_its_record_is_known_the_property_itself_has_patience() -> None:
    driver = told([*frozen(0, 80)], station())
    assert said(driver) == STUCK[:1]
    assert (driver.findings[0].at - driver.findings[0].since).total_seconds() == pytest.approx(3 * DAY, abs=HOUR)


def test_one_that_froze_when_it_was_new_is_held_to_others_of_its_kind() -> None:
    others = [row for n in range(3) for row in days_of_air(f"air-{n + 2}", 1)]
    names = [station(f"air-{n}") for n in range(1, 5)]
    driver = told([*others, *frozen(0, 24)], *names)
    assert said(driver) == STUCK[:1]
    assert 6 * HOUR <= (driver.findings[0].at - driver.findings[0].since).total_seconds() <= 8 * HOUR
    two = [row for row in others if row.device != "air-4"]
    assert said(told([*two, *frozen(0, 24)], *names[:3])) == []


def test_noise_far_below_its_own_is_a_standstill_too() -> None:
    story = [*days_of_air("air-1", 2)]
    story += [row._replace(value=row.value + 0.004 * noise(row.at_s)) for row in frozen(2 * DAY, 5)]
    assert said(told(story, station())) == STUCK[:1]


@pytest.mark.parametrize(
    ("of", "prop", "value"),
    [
        (FacilityClass.PARKING_BAY, "occupied", 1.0),
        (FacilityClass.MANHOLE_COVER, "tilt_angle", 1.5),
        (FacilityClass.WASTE_BIN, "fill_level", 40.0),
        (FacilityClass.DRAIN, "water_level", 0.3),
        (FacilityClass.STREET_LAMP, "power", 0.0),
        (FacilityClass.WEATHER_STATION, "rain_rate", 0.0),
        (FacilityClass.MANHOLE_COVER, "contact_open", 0.0),
    ],
)
def test_what_may_stand_still_does_so_for_weeks(of: FacilityClass, prop: str, value: float) -> None:
    silent_about(*(Row(n * HOUR, "d", prop, value) for n in range(24 * 21)), of=of)


def test_a_bin_that_stands_still_every_night_is_not_stuck() -> None:
    def fill(day: int, hour: float) -> float:
        return min(95.0, 5.0 + 4.0 * max(0.0, min(hour, 20.0) - 7.0) + day % 3)

    rows = [Row(d * DAY + n * 20 * MINUTE, "bin", "fill_level", fill(d, n / 3)) for d in range(14) for n in range(72)]
    silent_about(*rows, of=FacilityClass.WASTE_BIN)


def test_after_a_fire_what_moves_as_it_did_does_not_stand_still() -> None:
    calm = [Row(n * 900, "bin-1", "temperature", round(20 + 0.3 * noise(n), 1)) for n in range(150)]
    story = [row._replace(value=300.0) if 60 <= n < 63 else row for n, row in enumerate(calm)]
    assert "raised device_stuck bin-1/temperature" not in said(told(story, facility("bin-1", FacilityClass.WASTE_BIN)))


def test_what_a_bin_does_when_it_is_filled_and_emptied_is_no_measure_of_its_usual_move() -> None:
    """Else the hiss of its night would look still."""
    bounds = Bounds(
        is_free=False, low=0, high=100, step=100, per_ms=0, may_rest=False, prior_ms=0, is_judged=True, longer=4,
        peers=3, moves=30, learn_ms=0, least_ms=0, samples=10, share=0.05,
    )  # fmt: skip
    watch = Watch("bin-1", 0, 10.0)
    for n, value in enumerate([*range(12, 90, 2), 10, 60, 99, 5, 70, 10]):
        stuck.moved(watch, n, value, bounds)
        watch.value = value
    assert watch.step < 2.5


def test_a_radar_that_says_one_speed_for_hours_is_stuck() -> None:
    rows = [Row(n * 120, "radar-1", "traffic_speed", round(10 + noise(n), 1)) for n in range(30 * 30)]
    rows += [Row((900 + n) * 120, "radar-1", "traffic_speed", 10.3) for n in range(4 * 30)]
    driver = told(rows, facility("radar-1", FacilityClass.TRAVEL_LANE))
    assert said(driver) == ["raised device_stuck radar-1/traffic_speed"]


def test_after_an_early_jump_what_moves_does_not_stand_still() -> None:
    """The others of its kind, which know how long they stand still, must not speak for it by a wrong measure."""
    others = [row for name in ("air-2", "air-3", "air-4") for row in days_of_air(name, 1)]
    calm = [Row(n * 300, "air-1", "temperature", round(20 + 0.3 * noise(n), 1)) for n in range(288)]
    story = [row._replace(value=130.0) if 5 <= n < 8 else row for n, row in enumerate(calm)]
    stations = [station(name) for name in ("air-1", "air-2", "air-3", "air-4")]
    found = said(told(sorted([*others, *story], key=lambda row: row.at_s), *stations))
    assert found == ["raised device_jump air-1/temperature", "cleared device_jump air-1/temperature"]


def test_a_flow_at_rest_is_not_stuck_although_it_always_moved_before() -> None:
    rows = [Row(n * 5 * MINUTE, "flow", "flow", 20 + noise(n)) for n in range(2 * 288)]
    rows += [Row(2 * DAY + n * 5 * MINUTE, "flow", "flow", 0.0) for n in range(3 * 288)]
    silent_about(*rows, of=FacilityClass.FLOW_METER)


def test_time_in_which_nothing_came_is_no_standstill() -> None:
    story = [*days_of_air("air-1", 2)]
    last = story[-1]
    story.append(last._replace(at_s=last.at_s + 8 * HOUR))
    story += days_of_air("air-1", 0.1, last.at_s + 9 * HOUR)
    assert said(told(story, station())) == []


def test_a_zone_that_is_more_patient_hears_later_or_never() -> None:
    driver = PipelineTestDriver(HealthDetector(), tick_s=60.0)
    driver.register(station())
    policy = Policy(rules={"stuck.longer": 1000.0, "stuck.least_s": 10 * 3600.0})
    driver.configure(ZoneConfigured(zone=ZONE, kind=ZoneKind.GRID, place=Place(lon=113.85, lat=34.03), policy=policy))
    play(driver, [*days_of_air("air-1", 2), *frozen(2 * DAY, 8)])
    assert said(driver) == []


# jumps


def test_a_value_beyond_what_sensors_show_is_said_once_and_over_after_ten_good_ones() -> None:
    story = [row._replace(value=-127.0) if 400 <= n < 403 else row for n, row in enumerate(days_of_air("air-1", 2))]
    driver = told(story, station())
    assert said(driver) == ["raised device_jump air-1/temperature", "cleared device_jump air-1/temperature"]
    raised, cleared = driver.findings
    assert raised.numbers == {"value": -127.0, "most": -50.0}
    assert (cleared.at - raised.at).total_seconds() == (2 + 10 + 1) * 5 * MINUTE  # the way back is no possible one


def test_a_change_faster_than_physics_names_both_values() -> None:
    driver = told([Row(0, "a", "temperature", 20.0), Row(60, "a", "temperature", 60.0)], station("s", "a"))
    (raised,) = driver.findings
    assert raised.numbers == {"value": 60.0, "change": 40.0, "elapsed_s": 60.0, "most": 13.0}
    assert raised.summary == "a/temperature went from 20 to 60 within 60 s"


def test_an_hour_later_the_same_change_is_possible() -> None:
    assert said(told([Row(0, "a", "temperature", 20.0), Row(HOUR, "a", "temperature", 60.0)], station("s", "a"))) == []


def went(*levels: tuple[float, float], every_s: float = 5 * MINUTE) -> list[Row]:
    """At each level for so many hours, with the noise of the air."""
    rows: list[Row] = []
    for level, hours in levels:
        begin_s = rows[-1].at_s + every_s if rows else 0.0
        times = [begin_s + n * every_s for n in range(round(hours * HOUR / every_s))]
        rows += [Row(at_s, "air-1", "temperature", round(level + noise(at_s), 2)) for at_s in times]
    return rows


JUMPED = ["raised device_jump air-1/temperature", "cleared device_jump air-1/temperature"]


def test_that_it_stands_where_it_went_does_not_end_a_jump_and_that_it_is_back_does() -> None:
    driver = told(went((20.0, 6), (75.0, 20), (24.0, 6)), station())
    assert said(driver) == JUMPED
    assert driver.findings[1].summary == "air-1/temperature has been possible again"
    assert at_s(driver, driver.findings[1]) == (26 * 60 + 10 * 5) * MINUTE  # ten behind the way back


def test_a_jump_is_over_when_it_stood_where_it_went_for_a_day() -> None:
    driver = told(went((20.0, 6), (75.0, 40)), station())
    assert said(driver) == JUMPED
    assert at_s(driver, driver.findings[1]) == 30 * HOUR
    assert "has stayed at 7" in driver.findings[1].summary


def test_a_second_jump_from_where_it_went_is_no_way_back_and_begins_the_day_anew() -> None:
    driver = told(went((20.0, 6), (75.0, 20), (-40.0, 20)), station())
    assert said(driver) == JUMPED[:1]


def test_from_beyond_what_it_can_show_any_possible_reading_is_a_way_back() -> None:
    assert said(told(went((20.0, 6), (200.0, 6), (5.0, 2)), station())) == JUMPED


def test_the_rule_says_for_how_long_it_must_stand_there() -> None:
    driver = told(went((20.0, 6), (75.0, 3)), station(rules={"jump.settle_s": 7_200.0}))
    assert said(driver) == JUMPED


def test_a_bin_may_burn() -> None:
    silent_about(
        *(Row(n * MINUTE, "b", "temperature", t) for n, t in enumerate([20.0, 22.0, 90.0, 300.0, 25.0])),
        of=FacilityClass.WASTE_BIN,
    )


# one sensor of many


def two(prop: str, days: float, begin_s: float = 0.0) -> list[Row]:
    return [
        row._replace(prop=prop, value=50 + 20 * noise(prop, row.at_s)) for row in days_of_air("air-1", days, begin_s)
    ]


MISSING = ["raised property_silent air-1/humidity", "cleared property_silent air-1/humidity"]


@pytest.mark.parametrize(("readings", "longer"), [(100, 4), (190, 4), (210, 3), (500, 3)])
def test_who_is_known_well_is_missed_after_three_of_its_gaps(readings: int, longer: int) -> None:
    every_s, last_s = 20 * MINUTE, (readings - 1) * 20 * MINUTE
    rows = [Row(n * every_s, "air-1", "humidity", 50 + 20 * noise("h", n)) for n in range(readings)]
    rows += [
        Row(at_s, "air-1", "temperature", air("air-1", at_s))
        for at_s in (n * 5 * MINUTE for n in range(int(last_s / 300) + 48))
    ]
    driver = told(sorted(rows, key=lambda row: row.at_s), station())
    (raised,) = driver.findings
    assert longer < raised.numbers["longer"] <= longer + 1.5  # two looks, a quarter of an hour apart
    assert raised.numbers["longest_gap_s"] == every_s


def test_one_sensor_that_says_no_more_is_missed_while_the_other_speaks() -> None:
    story = [*days_of_air("air-1", 2), *two("humidity", 1), *two("humidity", 0.5, 1.5 * DAY)]
    driver = told(story, station())
    assert said(driver) == MISSING
    raised, cleared = driver.findings
    assert HOUR / 3 < (raised.at - raised.since).total_seconds() < HOUR
    assert cleared.numbers["silent_s"] == pytest.approx(0.5 * DAY, abs=600)


def test_a_device_that_is_silent_as_a_whole_misses_no_sensor() -> None:
    story = [*days_of_air("air-1", 1), *two("humidity", 1)]
    story += [*days_of_air("air-1", 1, 2 * DAY), *two("humidity", 1, 2 * DAY + 60)]
    assert said(told(story, station())) == []


def test_one_word_after_a_long_silence_misses_nobody() -> None:
    story = [*days_of_air("air-1", 1), *two("humidity", 1), *days_of_air("air-1", 0.001, 2 * DAY)]
    story += [*days_of_air("air-1", 1, 2 * DAY + 2 * HOUR), *two("humidity", 1, 2 * DAY + 2 * HOUR)]
    assert said(told(story, station())) == []


def test_what_a_device_says_of_itself_is_no_sensor() -> None:
    link = [row._replace(prop="rssi", value=-90.0) for row in days_of_air("air-1", 1)]
    assert said(told([*days_of_air("air-1", 2), *link], station())) == []


def test_what_is_said_only_when_something_happens_is_not_missed() -> None:
    happens = [at for at in range(0, 5 * DAY, 300) if noise("event", at) > 0.9]
    story = [*days_of_air("air-1", 5), *(Row(at, "air-1", "vibration", 1.0) for at in happens)]
    assert len(happens) > 50
    assert said(told(story, station())) == []


# neighbours


def street(days: float, drifts: str = "", by_hour: float = 0.0, begin_h: float = 60.0) -> list[Row]:
    rows = []
    for n in range(5):
        name = f"air-{n}"
        for row in days_of_air(name, days, every_s=10 * MINUTE):
            drifted = max(0.0, row.at_s / HOUR - begin_h) * by_hour if name == drifts else 0.0
            rows.append(row._replace(value=row.value + 0.5 * n + drifted))
    return rows


def stations(many: int = 5) -> list[object]:
    return [station(f"air-{n}") for n in range(many)]


def test_one_that_walks_away_from_its_neighbours_drifts() -> None:
    driver = told(street(5, "air-3", 0.2), *stations())  # type: ignore[arg-type]
    assert said(driver) == ["raised device_drift air-3/temperature"]
    (raised,) = driver.findings
    assert raised.numbers["off"] > raised.numbers["threshold"] == 3.0
    assert raised.facility == "air-3"
    hours = (raised.at - driver.log[0].time).total_seconds() / HOUR  # type: ignore[union-attr]
    assert 60 + 3.0 / 0.2 < hours < 60 + 3.0 / 0.2 + 8


def test_when_all_walk_nobody_drifts() -> None:
    rows = [row._replace(value=row.value + max(0.0, row.at_s / HOUR - 60) * 0.2) for row in street(5)]
    assert said(told(rows, *stations())) == []  # type: ignore[arg-type]


def test_three_are_no_neighbourhood() -> None:
    rows = [row for row in street(5, "air-0", 0.5) if row.device in {"air-0", "air-1", "air-2"}]
    assert said(told(rows, *stations(3))) == []  # type: ignore[arg-type]


def test_one_that_comes_back_drifts_no_more() -> None:
    rows = [
        row._replace(value=row.value + (5.0 if row.device == "air-2" and 60 * HOUR < row.at_s < 80 * HOUR else 0.0))
        for row in street(5)
    ]
    assert said(told(rows, *stations())) == [  # type: ignore[arg-type]
        "raised device_drift air-2/temperature",
        "cleared device_drift air-2/temperature",
    ]


# the registry


def test_a_facility_that_leaves_takes_its_findings_along() -> None:
    story = [*days_of_air("air-1", 2), *frozen(2 * DAY, 3)]
    driver = told(story, station())
    driver.left("air-1")
    assert said(driver) == STUCK
    assert driver.findings[-1].reason == "facility left"


def test_sensors_of_one_property_on_two_channels_are_two() -> None:
    driver = PipelineTestDriver(HealthDetector(), tick_s=60.0)
    driver.register(station())
    for n in range(200):
        for name, value in (("in", 20.0 + noise(n)), ("out", -20.0 + noise(n, 1))):
            at = driver.now_ms
            driver.read_many([("air-1", "temperature", value, at)], seq=n, boot=f"x@{name}")
        driver.advance(60)
    assert said(driver) == []
    assert math.isclose(air("a", 0), 12.0, abs_tol=0.4)


def test_bays_and_covers_of_an_ordinary_day_are_well() -> None:
    rows = [Row(n * 600, "bay-1", "occupied", float(noise(n // 4) > 0)) for n in range(500)]
    rows += [Row(n * 600, "cover-1", "tilt_angle", 0.5 + (n % 3) / 10) for n in range(500)]
    rows += [Row(n * 3600, "cover-1", "battery_percent", 90.0 - n // 40) for n in range(80)]
    assert said(told(rows, bay("bay-1", "bay-1"), cover())) == []
