"""Covers that water lifts, that are carried away, or that fall silent after they went up."""

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from metamorphic_kit import Row, batches, by_time, disordered, doubled, found, holds, several, told
from street_kit import cover, facility, said

from processors.detectors.cover import CoverDetector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import Facility, FacilityClass
from tests.examples import examples

PLACE = (34.03, 113.85)


def shaft(**rules: float) -> PipelineTestDriver:
    driver = PipelineTestDriver(CoverDetector())
    named = {f"cover.{name}": value for name, value in rules.items()}
    driver.register(facility("it", FacilityClass.MANHOLE_COVER, interval_s=600.0, rules={"cover.depth_m": 2.0} | named))
    driver.advance(10)
    return driver


def say(driver: PipelineTestDriver, every_s: float = 20.0, **series: list[float]) -> None:
    """What each property says, in one message after the other."""
    for values in zip(*series.values(), strict=True):
        driver.read_many([("it", name, value, driver.now_ms) for name, value in zip(series, values, strict=True)])
        driver.advance(every_s)


def kinds(driver: PipelineTestDriver) -> list[str]:
    return [step.removesuffix(" it") for step in said(driver)]


# lifted


def test_a_cloudburst_lifts_a_cover_and_the_finding_is_the_drains() -> None:
    driver = shaft()
    say(driver, water_level=[0.3, 1.0, 1.7, 1.8], tilt_angle=[0, 0, 0, 0])
    assert kinds(driver) == ["raised drain_high"]
    assert driver.findings[0].summary == "Water stands under cover it"
    say(driver, water_level=[1.9, 2.0], tilt_angle=[17, 19])
    assert kinds(driver)[1:] == ["cleared drain_high", "raised cover_lifted"]
    assert driver.findings[-1].numbers["water_share"] == 1.0
    say(driver, water_level=[0.5, 0.4], tilt_angle=[19, 19])  # the water is gone, the cover lies beside its hole
    assert kinds(driver)[3:] == ["cleared cover_lifted", "raised cover_tilted"]
    say(driver, water_level=[0.4, 0.4], tilt_angle=[1, 1])
    assert driver.open == []


def test_water_that_is_seen_in_the_same_messages_lifts() -> None:
    driver = shaft()
    say(driver, tilt_angle=[17, 17], water_level=[1.9, 1.9])
    assert kinds(driver)[-1] == "raised cover_lifted"


@pytest.mark.parametrize(("after_s", "kind"), [(500.0, "cover_lifted"), (700.0, "cover_open")])
def test_water_that_comes_much_later_did_not_lift_it(after_s: float, kind: str) -> None:
    driver = shaft(silent_intervals=100.0)
    say(driver, contact_open=[1, 1])
    driver.advance(after_s)
    say(driver, full_alarm=[1, 1])
    assert [one.kind for one in driver.open] == [kind]


def test_water_that_is_told_just_after_a_tilt_was_believed_lifted_it_all_the_same() -> None:
    driver = shaft()
    say(driver, tilt_angle=[17, 17])
    assert kinds(driver) == ["raised cover_tilted"]
    before_ms = driver.now_ms - 30_000
    driver.read("it", "water_level", 1.9, at_ms=before_ms)
    say(driver, water_level=[1.9])
    assert kinds(driver)[1:] == ["cleared cover_tilted", "raised cover_lifted"]


def test_a_lifted_cover_that_falls_silent_is_under_water_not_stolen() -> None:
    driver = shaft()
    say(driver, water_level=[1.9, 1.9], tilt_angle=[17, 19])
    driver.advance(7200)
    assert [one.kind for one in driver.open] == ["cover_lifted"]


def test_metres_of_water_say_nothing_where_the_depth_is_not_known() -> None:
    driver = PipelineTestDriver(CoverDetector())
    driver.register(cover("it"))
    say(driver, water_level=[99, 99, 99], tilt_angle=[0, 0, 0])
    assert driver.findings == []


# stolen


def test_silence_after_a_tilt_is_theft_and_a_word_takes_it_back() -> None:
    driver = shaft()
    say(driver, tilt_angle=[40, 60])
    assert kinds(driver) == ["raised cover_tilted"]
    driver.advance(1860 - 21)
    assert len(driver.findings) == 1
    driver.advance(22)
    assert kinds(driver)[1:] == ["cleared cover_tilted", "raised cover_stolen"]
    stolen = driver.findings[-1]
    assert (stolen.severity, stolen.arrival_time) == ("critical", None)
    assert stolen.summary == "Cover it went up and has been silent for 31 min"
    say(driver, battery_percent=[90])
    assert len(driver.findings) == 3  # how it lies may be in the same message
    say(driver, battery_percent=[90])
    assert kinds(driver)[3:] == ["cleared cover_stolen", "raised cover_tilted"]
    assert len({one.id for one in driver.findings}) == 3


def test_two_words_that_are_lost_and_a_third_that_is_a_second_late_are_no_theft() -> None:
    driver = shaft()
    say(driver, every_s=600.0, tilt_angle=[40, 41], contact_open=[1, 1])
    driver.advance(1_201)
    say(driver, every_s=600.0, tilt_angle=[40], contact_open=[1])
    assert kinds(driver) == ["raised cover_open"]


@pytest.mark.parametrize("order", [("tilt_angle", "contact_open"), ("contact_open", "tilt_angle")])
@pytest.mark.parametrize(
    ("lies", "then"), [((2.0, 0.0), []), ((60.0, 1.0), ["raised cover_open"]), ((2.0, 1.0), ["raised cover_open"])]
)
def test_what_is_heard_again_after_a_long_silence_is_what_its_first_message_says(
    order: tuple[str, str], lies: tuple[float, float], then: list[str]
) -> None:
    driver = shaft()
    say(driver, tilt_angle=[40, 60], contact_open=[1, 1])
    driver.advance(7_200)
    assert kinds(driver)[-1] == "raised cover_stolen"
    before = len(driver.findings)
    values = dict(zip(("tilt_angle", "contact_open"), lies, strict=True))
    now_ms = driver.now_ms
    driver.read_many([("it", name, values[name], now_ms) for name in order])
    driver.advance(1)
    assert kinds(driver)[before:] == ["cleared cover_stolen", *then]


def test_a_lifted_cover_that_is_heard_again_in_its_place_without_water_leaves_nothing() -> None:
    driver = shaft()
    say(driver, tilt_angle=[17, 17], water_level=[1.9, 1.9])
    driver.advance(7_200)
    say(driver, tilt_angle=[0, 0], water_level=[0.2, 0.2])
    assert kinds(driver)[-2:] == ["raised cover_lifted", "cleared cover_lifted"]
    assert driver.open == []


def test_water_that_was_denied_once_and_stays_is_found_when_the_cover_lies_again() -> None:
    driver = shaft()
    say(driver, tilt_angle=[17, 17], water_level=[1.9, 1.9])
    say(driver, tilt_angle=[0, 0, 0], water_level=[0.2, 1.9, 1.9])
    assert kinds(driver)[-1] == "raised drain_high"


def covers(count: int) -> PipelineTestDriver:
    """Several in one street, heard every ten minutes."""
    driver = PipelineTestDriver(CoverDetector(), tick_s=10.0)
    names = ["it", *(f"other-{number}" for number in range(1, count))]
    driver.register(*(facility(name, FacilityClass.MANHOLE_COVER, interval_s=600.0) for name in names))
    driver.advance(10)
    return driver


def all_say(driver: PipelineTestDriver, times: int, angles: dict[str, float]) -> None:
    for _ in range(times):
        for name, angle in angles.items():
            driver.read(name, "tilt_angle", angle)
        driver.advance(600)


OTHERS = dict.fromkeys(("other-1", "other-2", "other-3"), 0.0)


def test_a_cover_that_is_silent_with_the_others_of_its_street_is_not_stolen() -> None:
    driver = covers(4)
    all_say(driver, 2, OTHERS | {"it": 25.0})
    assert kinds(driver) == ["raised cover_tilted"]
    driver.advance(3 * 3_600)  # their gateway is down
    all_say(driver, 2, OTHERS)  # they are heard before it is
    all_say(driver, 2, OTHERS | {"it": 0.0})
    assert kinds(driver) == ["raised cover_tilted", "cleared cover_tilted"]


def test_a_cover_that_is_not_heard_when_the_others_are_again_is_stolen() -> None:
    driver = covers(4)
    all_say(driver, 2, OTHERS | {"it": 25.0})
    driver.advance(3 * 3_600)
    all_say(driver, 5, OTHERS)
    assert kinds(driver) == ["raised cover_tilted", "cleared cover_tilted", "raised cover_stolen"]


def test_an_outage_that_begins_after_a_word_was_lost_is_one_as_well() -> None:
    driver = covers(4)
    all_say(driver, 2, OTHERS | {"it": 25.0})
    all_say(driver, 1, OTHERS)  # its own was lost
    driver.advance(2 * 3_600)
    all_say(driver, 2, OTHERS | {"it": 0.0})
    assert kinds(driver) == ["raised cover_tilted", "cleared cover_tilted"]


@pytest.mark.parametrize("silent", [("other-1",), ("other-1", "other-2", "other-3")])
def test_who_was_silent_long_before_excuses_nobody(silent: tuple[str, ...]) -> None:
    driver = covers(4)
    heard = {name: angle for name, angle in OTHERS.items() if name not in silent}
    all_say(driver, 1, OTHERS)
    all_say(driver, 5, heard | {"it": 0.0})
    all_say(driver, 2, heard | {"it": 25.0})
    all_say(driver, 3, heard)
    assert kinds(driver)[-1] == "raised cover_stolen"


def test_silence_without_a_tilt_is_no_theft() -> None:
    driver = shaft()
    say(driver, tilt_angle=[0, 0])
    driver.advance(36_000)
    assert driver.findings == []


def test_a_tilted_cover_that_goes_on_speaking_is_not_stolen() -> None:
    driver = shaft()
    say(driver, tilt_angle=[40, 60])
    for _ in range(20):
        say(driver, every_s=600.0, battery_percent=[90])
    assert kinds(driver) == ["raised cover_tilted"]


def test_our_own_outage_steals_no_cover() -> None:
    driver = shaft()
    say(driver, tilt_angle=[40, 60])
    driver.disconnect()
    driver.advance(5000)
    driver.reconnect()
    driver.advance(600)
    assert kinds(driver) == ["raised cover_tilted"]
    driver.advance(1800)
    assert kinds(driver)[-1] == "raised cover_stolen"


def test_a_clock_put_forward_steals_no_cover() -> None:
    driver = shaft()
    say(driver, tilt_angle=[40, 60])
    driver.advance(900)
    say(driver, battery_percent=[90])
    driver.step_clock(36_000)
    driver.advance(1000)  # the timer of the tilt is over; it was heard since
    assert kinds(driver) == ["raised cover_tilted"]
    driver.advance(900)
    assert kinds(driver)[-1] == "raised cover_stolen"


def test_a_position_far_away_is_theft_without_any_tilt() -> None:
    driver = shaft()
    say(driver, latitude=[PLACE[0] + 0.0008] * 3, longitude=[PLACE[1]] * 3)  # 89 m
    say(driver, latitude=[PLACE[0]] * 3, longitude=[PLACE[1] + 0.0010] * 3)  # 92 m
    assert driver.findings == []
    say(driver, latitude=[PLACE[0]] * 2, longitude=[PLACE[1] + 0.0012] * 2)  # 111 m
    assert kinds(driver) == ["raised cover_stolen"]
    say(driver, latitude=[PLACE[0]] * 2, longitude=[PLACE[1]] * 2)
    assert driver.open == []


def test_halves_of_two_positions_are_none() -> None:
    driver = shaft()
    for _ in range(4):
        say(driver, latitude=[PLACE[0] + 1])
        say(driver, longitude=[PLACE[1]])
    assert driver.findings == []


def test_an_open_one_that_keeps_shaking_is_carried_away() -> None:
    driver = shaft()
    say(driver, contact_open=[1] * 6, vibration=[1] * 6)
    assert kinds(driver) == ["raised cover_open"]
    say(driver, contact_open=[1] * 3, vibration=[1] * 3)
    assert kinds(driver)[1:] == ["cleared cover_open", "raised cover_stolen"]
    assert driver.findings[-1].since == driver.findings[0].since


def test_traffic_shakes_a_closed_one_for_ever() -> None:
    driver = shaft()
    say(driver, vibration=[1] * 60, contact_open=[0] * 60)
    assert driver.findings == []


def test_a_carried_one_that_is_put_back_was_not_stolen() -> None:
    driver = shaft()
    say(driver, contact_open=[1] * 9, vibration=[1] * 9)
    say(driver, contact_open=[0] * 2)
    assert driver.open == []
    say(driver, contact_open=[1] * 2)
    assert [one.kind for one in driver.open] == ["cover_open"]


# open


def test_tilt_and_contact_in_the_same_messages_are_one_open_cover() -> None:
    driver = shaft()
    say(driver, tilt_angle=[40, 40], contact_open=[1, 1])
    assert kinds(driver) == ["raised cover_open"]
    say(driver, tilt_angle=[0, 0], contact_open=[0, 0])
    assert driver.open == []


def test_one_word_of_the_contact_and_a_tilt_confirm_each_other() -> None:
    driver = shaft()
    say(driver, contact_open=[1])
    say(driver, tilt_angle=[40, 40])
    assert kinds(driver) == ["raised cover_open"]
    driver.advance(120)
    assert (len(driver.findings), driver.quarantined) == (1, [])


# other sensors


def test_a_flag_is_a_tilt_where_nothing_measures_the_angle() -> None:
    driver = shaft()
    say(driver, tilted=[1, 1])
    assert kinds(driver) == ["raised cover_tilted"]
    assert driver.findings[0].summary == "Cover it tilted away"
    say(driver, tilted=[0, 0])
    assert driver.open == []
    say(driver, tilt_angle=[0])
    say(driver, tilted=[1, 1, 1])
    assert driver.open == []


# what must change nothing

COVERS = (
    facility("cover-1", FacilityClass.MANHOLE_COVER, interval_s=600.0, rules={"cover.depth_m": 2.0}),
    facility("cover-2", FacilityClass.MANHOLE_COVER, interval_s=900.0),
)


def runs(device: str, name: str, values: list[float], every_s: float) -> st.SearchStrategy[list[Row]]:
    run = st.tuples(st.sampled_from(values), st.integers(3, 9))
    return st.lists(run, min_size=1, max_size=5).map(lambda some: holds(device, name, every_s, *some))


STORIES = st.tuples(
    runs("cover-1", "tilt_angle", [0, 4, 12, 95], 61.0),
    runs("cover-1", "water_level", [0.1, 1.3, 1.9], 199.0),
    runs("cover-2", "contact_open", [0, 1], 53.0),
    runs("cover-2", "vibration", [0, 1], 59.0),
).map(lambda some: by_time(row for rows in some for row in rows))


@settings(RELAXED, max_examples=examples(15))
@given(STORIES, st.sampled_from([3600.0, 86_400.0 * 17]), st.permutations(COVERS), batches())
def test_another_time_another_order_and_other_records_find_the_same(
    rows: list[Row], later_s: float, covers: list[Facility], records: list[int]
) -> None:
    plain = found(told(CoverDetector, COVERS, rows, tick_s=60.0, rest_s=3600.0))
    assert found(told(CoverDetector, COVERS, rows, later_s=later_s, tick_s=60.0, rest_s=3600.0), later_s) == plain
    assert found(told(CoverDetector, covers, rows, tick_s=60.0, rest_s=3600.0)) == plain
    assert found(told(CoverDetector, COVERS, rows, records=records, tick_s=60.0, rest_s=3600.0)) == plain


@settings(RELAXED, max_examples=examples(15))
@given(STORIES, several(), several())
def test_copies_and_slight_disorder_find_the_same(rows: list[Row], twice: list[int], swapped: list[int]) -> None:
    # Whether something shakes long enough is asked from when it went up, which another property says.
    rows = [row for row in rows if row[1] != "vibration"]
    plain = found(told(CoverDetector, COVERS, rows, tick_s=60.0, rest_s=3600.0))
    assert found(told(CoverDetector, COVERS, doubled(rows, twice), tick_s=60.0, rest_s=3600.0)) == plain
    # What was said first of a cover that is up, when word of the water came just after, another test says.
    swapped = [at % len(rows) for at in swapped]
    swapped = [at for at in swapped if not {"water_level"} < {row[1] for row in rows[at : at + 2]}]
    assert found(told(CoverDetector, COVERS, disordered(rows, swapped), tick_s=60.0, rest_s=3600.0)) == plain
