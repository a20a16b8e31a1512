"""What must hold for a while: objects on bays, private locks, sensors against cameras, traffic that crawls."""

from typing import Any

import pytest
from parking_kit import BOX, street, watched_bay
from street_kit import at_s, bay, facility, said

from processors.engine.driver import PipelineTestDriver
from schemas.camera import TrackPhase
from schemas.facility import Facility, FacilityClass


def test_an_obstruction_that_stays_blocks_a_bay() -> None:
    driver = street(bay("bay-1", "mag"))
    driver.read("mag", "obstruction", 1)
    driver.advance(600)
    assert said(driver) == []
    driver.advance(10)
    assert said(driver) == ["raised bay_blocked bay-1"]
    driver.read("mag", "obstruction", 0)
    driver.advance(290)
    driver.read("mag", "obstruction", 1)  # a cat, and the chair again
    driver.advance(100)
    driver.read("mag", "obstruction", 0)
    driver.advance(310)
    assert said(driver) == ["raised bay_blocked bay-1", "cleared bay_blocked bay-1"]
    assert at_s(driver, driver.findings[0]) == 600.0


def test_what_an_object_takes_is_not_overstayed() -> None:
    driver = street(bay("bay-1", "mag", max_stay_s=1_800.0))
    driver.read("mag", "obstruction", 1)
    driver.read("mag", "occupied", 1)
    driver.advance(5_000)
    driver.read("mag", "obstruction", 0)  # a vehicle in its place
    driver.advance(1_000)
    assert said(driver) == ["raised bay_blocked bay-1", "cleared bay_blocked bay-1"]
    driver.advance(1_000)
    assert said(driver)[2:] == ["raised parking_overstay bay-1"]


@pytest.mark.parametrize(("label", "blocked"), [("chair", True), ("person", False), ("car", False)])
def test_an_object_that_is_no_vehicle_blocks_a_bay(label: str, blocked: bool) -> None:
    driver = street(watched_bay())
    driver.read("mag", "occupied", 1)
    for _ in range(12):
        driver.see("cam-1", "bay-1", "t", label=label, box=BOX)
        driver.advance(60)
    assert ("raised bay_blocked bay-1" in said(driver)) is blocked


def test_a_lock_bars_a_bay_only_if_nobody_parks_there() -> None:
    driver = street(bay("bay-1", "mag", max_stay_s=None), bay("bay-2", "lock", max_stay_s=None), tick_s=600.0)
    driver.read("mag", "lock_raised", 1)
    driver.read("lock", "lock_raised", 1)
    driver.advance(43_200)
    driver.read("lock", "occupied", 1)  # its owner comes, with the lock still said to be up
    driver.advance(3_600)
    driver.read("lock", "occupied", 0)
    driver.advance(43_200)
    assert said(driver) == ["raised private_lock bay-1"]
    driver.read("mag", "lock_raised", 0)
    driver.advance(600)
    assert said(driver) == ["raised private_lock bay-1", "cleared private_lock bay-1"]


def test_a_camera_that_sees_a_car_contradicts_a_sensor_that_feels_none() -> None:
    driver = street(watched_bay())
    driver.read("mag", "occupied", 0)
    for _ in range(8):
        driver.see("cam-1", "bay-1", "t", box=BOX)
        driver.advance(60)
    assert said(driver) == ["raised sensor_camera_conflict bay-1"]
    assert at_s(driver, driver.findings[0]) == 300.0
    driver.read("mag", "occupied", 1)
    driver.advance(110)
    assert len(said(driver)) == 1
    driver.advance(20)
    assert said(driver) == ["raised sensor_camera_conflict bay-1", "cleared sensor_camera_conflict bay-1"]


def test_a_camera_that_speaks_again_has_a_minute_to_say_what_it_sees() -> None:
    """It froze before somebody came; the sensor felt him at once."""
    driver = street(watched_bay(interval_s=120.0))
    driver.see("cam-1", "bay-1", "t0", stationary=False, present=False, box=BOX)
    driver.advance(1000)
    for pause_s in (120, 120, 30):
        driver.read("mag", "occupied", 1)
        driver.advance(pause_s)
    driver.see("cam-1", "bay-1", "t1", stationary=False, present=False, box=BOX)
    driver.advance(50)
    driver.see("cam-1", "bay-1", "t2", box=BOX)
    driver.advance(600)
    assert said(driver) == []


@pytest.mark.parametrize("camera_speaks", [True, False])
def test_a_camera_that_says_nothing_at_all_contradicts_nobody(camera_speaks: bool) -> None:
    driver = street(watched_bay())
    driver.read("mag", "occupied", 1)
    for number in range(15):
        if camera_speaks:
            driver.see("cam-1", "bay-1", f"t{number}", stationary=False, present=False, box=BOX)
        driver.advance(60)
    assert said(driver) == (["raised sensor_camera_conflict bay-1"] if camera_speaks else [])


def test_a_sensor_that_fell_silent_contradicts_nobody() -> None:
    driver = street(watched_bay(interval_s=120.0))
    driver.read("mag", "occupied", 0)
    driver.advance(60)
    for minute in range(60):  # somebody comes, and the sensor is dead or behind a gateway that is
        driver.see("cam-1", "bay-1", "t", box=BOX)
        if minute >= 50 and minute % 2 == 0:
            driver.read("mag", "occupied", 0)  # it is back, and feels nothing
        driver.advance(60)
        if minute < 50:
            assert said(driver) == []
    assert said(driver) == ["raised sensor_camera_conflict bay-1"]


def test_a_word_that_agrees_again_says_nothing_of_the_silence_before_it() -> None:
    driver = street(watched_bay(interval_s=120.0), tick_s=60.0)
    driver.read("mag", "occupied", 0)
    driver.advance(60)
    for _ in range(5):
        driver.see("cam-1", "bay-1", "t", box=BOX)
        driver.advance(60)
    driver.see("cam-1", "bay-1", "t", box=BOX, at_ms=driver.now_ms + 4_000)
    driver.read("mag", "occupied", 1, at_ms=driver.now_ms + 5_000)
    driver.advance(120)
    assert said(driver) == []


def test_a_camera_that_froze_over_a_taken_bay_contradicts_nobody() -> None:
    driver = street(watched_bay(interval_s=120.0))
    driver.see("cam-1", "bay-1", "t", box=BOX)
    driver.read("mag", "occupied", 1)
    driver.advance(110)
    driver.read("mag", "occupied", 0)  # it leaves, which the camera sees no more
    for _ in range(20):
        driver.advance(60)
        driver.read("mag", "occupied", 0)
    assert said(driver) == []


def test_a_track_that_is_lost_again_and_again_is_no_disagreement() -> None:
    driver = street(watched_bay(interval_s=120.0), tick_s=1.0)
    for number in range(10):
        driver.read("mag", "occupied", 1)
        driver.see("cam-1", "bay-1", f"t{number}", box=BOX)
        driver.advance(80)
        driver.see("cam-1", "bay-1", f"t{number}", phase=TrackPhase.END, lost=True, box=BOX)
        driver.advance(15)
    assert said(driver) == []


def test_a_disagreement_begins_when_it_does_not_when_a_track_was_lost_before() -> None:
    driver = street(watched_bay(interval_s=120.0), tick_s=1.0)
    driver.read("mag", "occupied", 1)
    driver.see("cam-1", "bay-1", "t1", box=BOX)
    driver.advance(60)
    driver.see("cam-1", "bay-1", "t1", phase=TrackPhase.END, lost=True, box=BOX)
    driver.advance(10)
    driver.see("cam-1", "bay-1", "t2", box=BOX)
    driver.advance(90)
    driver.see("cam-1", "bay-1", "t2", stationary=False, present=False, box=BOX)
    driver.advance(2)
    driver.see("cam-1", "bay-1", "t2", phase=TrackPhase.END, present=False, box=BOX)
    for _ in range(4):
        driver.read("mag", "occupied", 1)
        driver.advance(70)
    assert said(driver) == []  # 282 s
    driver.read("mag", "occupied", 1)
    driver.advance(30)
    assert said(driver) == ["raised sensor_camera_conflict bay-1"]


def test_a_frozen_sensor_that_says_for_days_that_a_lock_is_up_is_not_believed() -> None:
    driver = street(bay("bay-1", "mag", max_stay_s=None), tick_s=600.0)
    driver.read("mag", "lock_raised", 1)
    for _ in range(26):
        driver.read("mag", "temperature", 20.5)
        driver.read("mag", "lock_raised", 1)
        driver.advance(3_600)
    for hour in range(21):  # thawed; it is up, and who knows since when
        driver.read("mag", "temperature", 20.0 + hour)
        driver.read("mag", "lock_raised", 1)
        driver.advance(3_600)
    assert said(driver) == []
    driver.read("mag", "temperature", 12.0)
    driver.advance(7_200)
    assert said(driver) == ["raised private_lock bay-1"]


def test_a_temperature_that_repeats_itself_by_chance_puts_a_lock_off_for_an_hour() -> None:
    driver = street(bay("bay-1", "mag", max_stay_s=None), tick_s=600.0)
    driver.read("mag", "lock_raised", 1)
    for hour in range(25):
        driver.read("mag", "temperature", 20.0 + min(hour, 20))
        driver.advance(3_600)
    assert said(driver) == []
    driver.read("mag", "temperature", 20.0)
    driver.advance(1_200)
    assert said(driver) == ["raised private_lock bay-1"]


def test_a_bay_that_no_camera_looks_at_has_no_conflict() -> None:
    driver = street(bay("bay-1", "mag"))
    driver.read("mag", "occupied", 1)
    driver.advance(3000)
    assert said(driver) == []


@pytest.mark.parametrize("hold_s", [290, 310])
def test_a_disagreement_that_flaps_at_its_threshold(hold_s: int) -> None:
    driver = street(watched_bay())
    driver.read("mag", "occupied", 0)
    for number in range(6):
        driver.see("cam-1", "bay-1", f"t{number}")
        driver.advance(hold_s)
        driver.see("cam-1", "bay-1", f"t{number}", present=False)
        driver.advance(130)
    steps = said(driver)
    assert len(steps) == (12 if hold_s > 300 else 0)


def test_traffic_that_crawls_is_congestion_until_it_flows() -> None:
    driver = street(facility("road-1", FacilityClass.ROAD_SECTION, "loop"))
    for speed, seconds in ((2.0, 200), (3.5, 90), (2.0, 30), (3.9, 400), (5.0, 200), (3.0, 50), (5.0, 60)):
        driver.read("loop", "traffic_speed", speed)  # between slow and flowing nothing changes
        driver.advance(seconds)
    assert said(driver) == ["raised segment_congested road-1", "cleared segment_congested road-1"]
    assert [at_s(driver, one) for one in driver.findings] == [300.0, 1020.0]


def test_a_detector_that_is_taken_most_of_the_time_says_so_too() -> None:
    driver = street(facility("road-1", FacilityClass.ROAD_SECTION, "loop"))
    driver.read("loop", "road_occupancy", 70.0)
    driver.advance(310)
    assert said(driver) == ["raised segment_congested road-1"]


def lane(name: str = "lane-1", **policy: Any) -> Facility:
    return facility(name, FacilityClass.TRAVEL_LANE, "cam-1", **policy)


def queue(driver: PipelineTestDriver, cars: int, minutes: int, first: int = 0) -> None:
    for _ in range(minutes):
        for number in range(cars):
            left = 100.0 * number
            driver.see("cam-1", "lane-1", f"t{first + number}", box=(left, 0.0, left + 80, 50.0))
        driver.advance(60)


def test_many_that_stand_in_a_lane_are_a_queue_and_one_is_double_parked() -> None:
    driver = street(lane())
    queue(driver, 1, 4)
    assert said(driver) == ["raised double_parking lane-1"]
    driver = street(lane(rules={"double_parking.dwell_s": 400.0}))
    queue(driver, 7, 9)
    assert said(driver) == ["raised segment_congested lane-1"]


@pytest.mark.parametrize(("metres", "taken", "raises"), [(10, True, True), (10, False, False), (90, True, False)])
def test_a_city_may_ask_for_a_taken_bay_beside_it(metres: float, taken: bool, raises: bool) -> None:
    near = bay("bay-1", "mag", max_stay_s=None)
    near = near.model_copy(update={"place": near.place.model_copy(update={"lat": 34.03 + metres / 111_320})})
    driver = street(lane(rules={"beside.within_m": 30.0}), near)
    driver.read("mag", "occupied", int(taken))
    queue(driver, 1, 5)
    assert ("raised double_parking lane-1" in said(driver)) is raises


def test_a_car_that_parks_beside_it_later_makes_it_double_parked_then() -> None:
    driver = street(lane(rules={"beside.within_m": 30.0}), bay("bay-1", "mag", max_stay_s=None))
    queue(driver, 1, 4)
    assert said(driver) == []
    driver.read("mag", "occupied", 1)
    queue(driver, 1, 1)
    assert said(driver) == ["raised double_parking lane-1"]


def test_a_sensor_whose_temperature_never_changes_is_frozen() -> None:
    for temperatures, raises in (
        ((20.0, 20.0, 20.0, 20.0, 20.0, 20.0), False),
        ((20.0, 20.1, 20.0, 20.3, 20.1, 20.1), True),
    ):
        driver = street(bay("bay-1", "mag", max_stay_s=3_000.0))
        for temperature in temperatures:
            driver.read("mag", "temperature", temperature)
            driver.read("mag", "occupied", 1)
            driver.advance(600)
        assert bool(said(driver)) is raises


def test_a_camera_that_loses_what_it_sees_goes_on_contradicting() -> None:
    driver = street(watched_bay(interval_s=120.0), tick_s=1.0)
    for second in range(0, 380, 5):
        if second % 120 == 60:
            driver.read("mag", "occupied", 0)
        track = f"t{second // 100}"
        if second % 100 == 95:
            driver.see(
                "cam-1", "bay-1", track, phase=TrackPhase.END, present=False, stationary=False, lost=True, box=BOX
            )
        else:
            driver.see("cam-1", "bay-1", track, box=BOX)
        driver.advance(5)
    assert said(driver) == ["raised sensor_camera_conflict bay-1"]
    assert at_s(driver, driver.findings[0]) == 360.0  # the sensor spoke at 60 s first


def test_one_that_was_lost_for_good_contradicts_nobody() -> None:
    driver = street(watched_bay(interval_s=120.0), tick_s=1.0)
    driver.read("mag", "occupied", 0)
    driver.see("cam-1", "bay-1", "t1", box=BOX)
    driver.advance(100)
    driver.see("cam-1", "bay-1", "t1", phase=TrackPhase.END, present=False, stationary=False, lost=True, box=BOX)
    for _ in range(10):
        driver.read("mag", "occupied", 0)
        driver.advance(60)
    assert said(driver) == []


@pytest.mark.parametrize(("last_s", "value", "is_one"), [(310, 1, True), (310, 0, False), (305, 0, True)])
def test_the_next_word_decides_a_dispute_whose_end_may_have_been_lost(last_s: int, value: int, *, is_one: bool) -> None:
    """A sensor that speaks every 200 s was heard 190 s before; it speaks at once if something has just changed."""
    driver = street(watched_bay(interval_s=200.0), tick_s=1.0)
    start_ms = driver.now_ms
    driver.see("cam-1", "bay-1", "t0", box=BOX)
    words = {10: 1, 210: 1, 410: 1, 300 + last_s: value}
    for second in range(620):
        driver.advance_to(start_ms + second * 1000)
        if second in words:
            driver.read("mag", "occupied", words[second], seq=second)
        if second == 300:  # it leaves
            driver.see("cam-1", "bay-1", "t0", present=False, stationary=False, box=BOX)
        if second == 420:
            driver.see("cam-1", "bay-1", "t1", present=False, stationary=False, box=BOX)
        if second == 604:
            assert said(driver) == []
    assert said(driver)[:1] == (["raised sensor_camera_conflict bay-1"] if is_one else [])


@pytest.mark.parametrize(("last_s", "value", "is_one"), [(1100, 1, True), (1100, 0, False), (1050, 0, True)])
def test_the_next_word_decides_of_an_object_that_may_have_gone_unheard(
    last_s: int, value: int, *, is_one: bool
) -> None:
    """A sensor that speaks every 10 min felt it at 400 s and said so at 500 s; from 1,000 s on it is too long."""
    driver = street(bay("bay-1", "mag", interval_s=600.0), tick_s=1.0)
    start_ms = driver.now_ms
    for at, felt in ((-700, 0), (-100, 0), (400, 1), (500, 1), (last_s, value)):
        driver.advance_to(start_ms + (800 + at) * 1000)
        assert said(driver) == []
        driver.read("mag", "occupied", 0)
        driver.read("mag", "obstruction", felt)
    driver.advance(10)
    assert said(driver)[:1] == (["raised bay_blocked bay-1"] if is_one else [])
