"""Vehicles that cameras follow under ids that do not last: who stands where, for how long, and how sure that is."""

from typing import Any

import pytest
from parking_kit import BESIDE, CLEARED, HERE, RAISED, Camera
from street_kit import kerb

from processors.detectors.parking.boxes import overlap
from schemas.camera import TrackPhase
from schemas.facility import Policy
from schemas.model import from_ms


def test_it_stood_before_the_camera_was_sure_of_it() -> None:
    camera = Camera()
    camera.stands("a", 0, 195)
    assert (camera.said, camera.times_s) == ([RAISED], [180.0])
    camera.leaves("a")
    camera.at(256)
    assert (camera.said, camera.times_s) == ([RAISED, CLEARED], [180.0, 255.0])
    assert camera.driver.findings[-1].numbers == {"stay_s": 195.0}


def test_who_is_seen_leaving_stood_there_until_then_whatever_was_lost_before() -> None:
    camera = Camera()
    camera.at(0).sees("a", phase=TrackPhase.NEW, stationary=False)
    camera.at(10).sees("a", still_s=10.0)
    camera.at(200).leaves("a")
    assert camera.said == [RAISED]
    assert camera.driver.findings[0].since == from_ms(camera.driver.now_ms - 204_000)


@pytest.mark.parametrize(("ended_s", "is_one"), [(195, True), (187, False)])
def test_that_a_track_has_ended_says_that_it_stood_there_until_ten_seconds_before(
    ended_s: int, *, is_one: bool
) -> None:
    camera = Camera()
    camera.at(0).sees("a", phase=TrackPhase.NEW, stationary=False)
    camera.at(10).sees("a", still_s=10.0)
    camera.at(ended_s).sees("a", phase=TrackPhase.END, present=False, stationary=False)
    camera.at(300)
    assert camera.said == ([RAISED, CLEARED] if is_one else [])


def test_one_that_leaves_just_in_time_is_none() -> None:
    camera = Camera()
    camera.stands("a", 0, 179)
    camera.leaves("a")
    camera.at(1000)
    assert camera.said == []


def test_one_that_is_lost_and_found_under_other_ids_stands_there_all_the_time() -> None:
    camera = Camera()
    camera.stands("a", 0, 75)
    camera.loses("a")
    camera.stands("b", 80, 120)
    camera.loses("b")
    camera.stands("c", 125, 200, box=(104.0, 304.0, 246.0, 394.0))
    assert (camera.said, camera.times_s) == ([RAISED], [180.0])
    assert camera.driver.findings[0].since == from_ms(camera.driver.now_ms - 200_000)


def test_one_that_is_found_again_after_its_time_is_a_finding_from_then_on() -> None:
    camera = Camera()
    camera.stands("a", 0, 175)
    camera.loses("a")
    camera.stands("b", 250, 261)
    assert (camera.said, camera.times_s) == ([RAISED], [250.0])


@pytest.mark.parametrize(("gap_s", "joined"), [(119.0, True), (121.0, False)])
def test_a_lost_one_is_waited_for_so_long(gap_s: float, joined: bool) -> None:
    camera = Camera()
    camera.stands("a", 0, 75)
    camera.loses("a")
    camera.stands("b", 75 + gap_s, 75 + gap_s + 80)
    assert camera.said == ([RAISED] if joined else [])


def test_one_that_was_seen_leaving_is_not_the_next_in_its_place() -> None:
    camera = Camera()
    camera.stands("a", 0, 100)
    camera.leaves("a")
    camera.stands("b", 110, 200)
    camera.leaves("b")
    camera.at(1000)
    assert camera.said == []


def test_one_whose_track_ends_outside_has_left_though_nobody_heard_it_leave() -> None:
    camera = Camera()
    camera.stands("a", 0, 100)
    camera.sees("a", phase=TrackPhase.END, present=False, stationary=False)
    camera.stands("b", 110, 200)
    camera.leaves("b")
    camera.at(1000)
    assert camera.said == []


def test_two_beside_each_other_are_two() -> None:
    camera = Camera()
    camera.stands("a", 0, 100)
    camera.loses("a")
    camera.stands("b", 101, 230, box=BESIDE)
    camera.leaves("b", box=BESIDE)
    camera.at(1000)
    assert camera.said == []


def test_a_second_one_is_the_same_finding_until_both_have_left() -> None:
    camera = Camera()
    camera.stands("a", 0, 200)
    assert camera.said == [RAISED]
    camera.stands("b", 201, 401, box=BESIDE)
    camera.leaves("a")
    camera.at(470)
    camera.sees("b", box=BESIDE)
    camera.at(500)
    assert camera.said == [RAISED]
    camera.leaves("b", box=BESIDE)
    camera.at(565)
    assert camera.said == [RAISED, CLEARED]


def test_a_new_id_before_the_old_one_ends_is_the_same_vehicle() -> None:
    camera = Camera()
    camera.stands("a", 0, 75)
    camera.stands("b", 75, 150)  # nothing more is heard of the old one
    camera.leaves("b")
    camera.at(230)
    assert camera.said == []
    camera.at(900)
    assert camera.said == []


def test_plates_that_differ_are_two_vehicles_in_one_place() -> None:
    camera = Camera()
    camera.stands("a", 0, 100, plate="a" * 32)
    camera.loses("a")
    camera.stands("b", 105, 200, plate="b" * 32)
    camera.leaves("b")
    camera.at(1000)
    assert camera.said == []


def test_one_plate_is_one_vehicle_wherever_its_box_is() -> None:
    camera = Camera()
    camera.stands("a", 0, 100, plate="a" * 32)
    camera.loses("a", plate="a" * 32)
    camera.stands("b", 105, 190, plate="a" * 32, box=BESIDE)
    assert camera.said == [RAISED]


def test_one_word_alone_convinces_nobody() -> None:
    camera = Camera()
    camera.at(10).sees("a", still_s=10.0)
    camera.at(500)
    assert camera.said == []  # it left, and both messages that said so were lost
    camera.sees("a")
    assert camera.said == [RAISED]  # or not
    assert camera.times_s == [180.0]  # it was too long then, whoever says so when


def test_nor_do_old_ones() -> None:
    camera = Camera()
    camera.stands("a", 0, 75)
    camera.at(500)
    assert camera.said == []
    camera.at(800)
    assert camera.driver.fold.timers == 0  # it is gone, and forgotten


def test_the_message_that_it_leaves_says_that_it_stood() -> None:
    camera = Camera(kerb(activity="fire_lane"))
    camera.at(10).sees("a", still_s=10.0)
    camera.at(63)
    assert camera.said == []
    camera.leaves("a")
    assert (camera.said, camera.times_s) == (["raised fire_lane_blocked kerb-1"], [60.0])


@pytest.mark.parametrize("behind_s", [0.0, 30.0, 110.0])
def test_a_clock_that_is_behind_makes_nothing_early(behind_s: float) -> None:
    camera = Camera(behind_s=behind_s)
    camera.stands("a", 0, 170)
    camera.leaves("a")
    camera.at(1000)
    assert camera.said == []
    camera.stands("b", 1000, 1200)
    assert camera.said == [RAISED]


def test_the_same_vehicle_makes_no_other_finding_until_it_has_cooled_down() -> None:
    camera = Camera()
    camera.stands("a", 0, 200, plate="a" * 32)
    camera.leaves("a", plate="a" * 32)
    camera.stands("b", 400, 700, plate="a" * 32)
    assert camera.said == [RAISED, CLEARED]
    camera.stands("c", 701, 1000, plate="b" * 32, box=BESIDE)
    assert camera.said == [RAISED, CLEARED, RAISED]  # another does


def test_one_that_is_still_there_when_it_has_cooled_down_is_a_finding() -> None:
    camera = Camera()
    camera.stands("a", 0, 200)
    camera.leaves("a")
    camera.at(260)
    camera.sees("a")
    camera.stands("a", 300, 2200)
    assert camera.said == [RAISED, CLEARED, RAISED]
    assert camera.times_s[-1] >= 260 + 1800


def test_what_passes_leaves_next_to_no_trace() -> None:
    camera = Camera()
    before = camera.driver.fold.timers
    for number in range(50):
        camera.at(number * 3).sees(f"t{number}", phase=TrackPhase.NEW, stationary=False)
        camera.sees(f"t{number}", phase=TrackPhase.END, present=False, stationary=False)
    assert camera.driver.fold.timers == before
    spot = state_of(camera).spots["kerb-1"]
    assert (spot.sources, spot.stays) == ({}, {})
    assert len(spot.passed) == 8  # to tell what was overtaken


def test_that_it_leaves_may_overtake_that_it_stood() -> None:
    camera = Camera()
    camera.at(20).leaves("a")
    left_ms = camera.driver.now_ms - 4_000  # when it was seen leaving, not when its track ended
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, at_ms=left_ms - 6_000)
    (stay,) = state_of(camera).spots["kerb-1"].stays.values()
    assert (stay.since_ms, stay.free_ms, stay.lost) == (left_ms - 6_000, left_ms, False)
    camera.at(300)
    assert state_of(camera).spots["kerb-1"].stays == {}
    assert camera.said == []


def test_that_it_is_lost_may_overtake_that_it_stood() -> None:
    camera = Camera()
    camera.at(20).loses("a")
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, at_ms=camera.driver.now_ms - 6_000)
    camera.stands("b", 25, 200)  # found again
    assert camera.said == [RAISED]
    assert camera.driver.findings[0].since == from_ms(camera._start_ms + 14_000)


def test_that_it_ends_may_overtake_that_it_left() -> None:
    camera = Camera()
    camera.stands("a", 0, 100)
    ended_ms = camera.driver.now_ms
    camera.at(104).loses("a")
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, at_ms=ended_ms, present=False, stationary=False)
    camera.stands("b", 110, 200)
    camera.leaves("b")
    camera.at(1000)
    assert camera.said == []  # the first was gone when the second came


def test_tracks_and_vehicles_are_forgotten() -> None:
    camera = Camera()
    for number in range(20):
        camera.stands(f"t{number}", number * 400, number * 400 + 200, plate=f"{number:032x}")
        camera.leaves(f"t{number}")
    camera.at(20 * 400 + 3600)
    assert len(camera.said) == 40
    spot = state_of(camera).spots["kerb-1"]
    assert (spot.sources, spot.stays, spot.cooling, spot.left, spot.watches) == ({}, {}, {}, {}, {})
    assert camera.driver.fold.timers == 0


def state_of(camera: Camera) -> Any:
    return camera.driver.fold._known("segment:1").slots[0]._state


@pytest.mark.parametrize(
    ("activity", "label", "raises"),
    [
        ("fire_lane", "chair", True),
        ("fire_lane", "Person", False),
        ("no_stopping", "chair", False),
        ("no_stopping", "Truck", True),
        ("bicycle_lane", "motorcycle", False),
        ("bicycle_lane", "car", True),
        ("bus_stop", "bus", False),
    ],
)
def test_what_counts_depends_on_the_place(activity: str, label: str, raises: bool) -> None:
    camera = Camera(kerb(activity=activity))
    camera.stands("a", 0, 200, label=label)
    assert bool(camera.said) is raises


def test_dwell_and_overlap_are_configured() -> None:
    rules = {"no_stopping.dwell_s": 30.0, "tracks.join_gap_s": 20.0, "tracks.words": 1.0, "tracks.fresh_s": 600.0}
    camera = Camera(kerb().model_copy(update={"policy": Policy(activity="no_stopping", rules=rules)}))
    camera.at(10).sees("a", still_s=10.0)
    camera.at(31)
    assert camera.said == [RAISED]


@pytest.mark.parametrize(
    ("other", "share"),
    [(HERE, 1.0), (BESIDE, 0.0), ((100.0, 300.0, 170.0, 390.0), 0.5), ((170.0, 300.0, 310.0, 390.0), 1 / 3)],
)
def test_overlap_is_intersection_over_union(other: Any, share: float) -> None:
    assert overlap(HERE, other) == overlap(other, HERE) == pytest.approx(share)
    assert overlap((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)) == 0.0
