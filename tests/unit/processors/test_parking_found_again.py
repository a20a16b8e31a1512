"""Lost, found again, gone: what a camera says before it calls something stationary, and when somebody leaves."""

import pytest
from parking_kit import CLEARED, HERE, RAISED, Camera
from street_kit import kerb

from schemas.camera import TrackPhase
from schemas.observation import Quality


def test_one_that_moved_before_it_stood_is_not_the_one_that_was_lost_there() -> None:
    camera = Camera()
    camera.stands("a", 0, 70.5)
    camera.loses("a")  # and it left before it was found again
    camera.at(100).sees("b", phase=TrackPhase.NEW, stationary=False, still_s=0.0)
    camera.at(113).sees("b", still_s=10.0)  # it rolled for three seconds
    camera.at(173).sees("b", still_s=70.0)
    camera.at(240).leaves("b")
    assert camera.said == []


def test_one_that_never_moved_is_the_one_that_was_lost_there() -> None:
    camera = Camera()
    camera.stands("a", 0, 70.5)
    camera.loses("a")
    camera.at(76).sees("b", phase=TrackPhase.NEW, stationary=False, still_s=0.0)
    camera.at(86.4).sees("b", still_s=10.0)  # frames are counted, so it is not sure to the second
    camera.at(146).sees("b", still_s=70.0)
    camera.at(181)
    assert camera.said == [RAISED]
    assert camera.times_s[0] == 180


def test_who_takes_the_place_of_another_shows_that_it_is_gone() -> None:
    camera = Camera()
    camera.stands("a", 0, 191)
    assert camera.said == [RAISED]
    camera.at(210).sees("b", phase=TrackPhase.NEW, stationary=False)  # nobody heard that the first one left
    camera.at(223).sees("b", still_s=10.0)
    camera.at(230).leaves("b")
    camera.at(274)
    assert camera.said == [RAISED, CLEARED]


def found_again_it_stood_too_long(camera: Camera) -> None:
    """What was lost is seen under another id after eleven seconds, until it leaves after three minutes."""
    camera.at(11).sees("b", phase=TrackPhase.NEW, stationary=False, still_s=0.0)
    for second in (21, 81, 141):
        camera.at(second).sees("b", still_s=float(second - 11))
    camera.at(183).leaves("b")
    assert camera.said[:1] == [RAISED]
    assert camera.times_s[0] == 180


def test_what_has_not_moved_for_two_seconds_stands() -> None:
    """Lost after five seconds, found again: as one it stood for too long."""
    camera = Camera()
    camera.at(0).sees("a", phase=TrackPhase.NEW, stationary=False, still_s=0.0)
    camera.at(3).sees("a", stationary=False, still_s=3.0)
    camera.at(5).loses("a", still_s=5.0)
    found_again_it_stood_too_long(camera)


def test_what_was_lost_before_it_was_heard_to_stand_has_stood() -> None:
    camera = Camera()
    camera.at(4).loses("a", still_s=4.0)
    found_again_it_stood_too_long(camera)


def test_who_leaves_after_too_long_has_stood_until_then_whatever_was_lost_before() -> None:
    camera = Camera(kerb(activity="fire_lane"))
    camera.at(3).sees("a", stationary=False, still_s=3.0)
    camera.at(65).leaves("a")
    assert camera.said == ["raised fire_lane_blocked kerb-1"]


def test_that_a_track_ended_elsewhere_does_not_say_when_it_left() -> None:
    camera = Camera(kerb(activity="fire_lane"))
    camera.stands("a", 0, 58)
    camera.at(62).sees("a", phase=TrackPhase.END, present=False, stationary=False)
    camera.at(700)
    assert camera.said == []


def test_who_left_before_it_was_too_long_did_so_though_that_is_heard_later() -> None:
    camera = Camera(kerb(activity="fire_lane"))
    camera.at(10).sees("a", still_s=10.0)
    left_ms = camera.at(58).driver.now_ms
    camera.at(62).driver.see("cam-1", "kerb-1", "a", box=HERE, at_ms=left_ms, present=False, stationary=False)
    camera.at(200)
    assert camera.said == []


def test_the_word_that_it_left_is_the_evidence_that_it_is_over() -> None:
    camera = Camera()
    camera.stands("a", 0, 185)
    camera.leaves("a")
    camera.at(246)
    raised, cleared = camera.driver.findings
    assert len(cleared.evidence) == 1
    assert cleared.evidence != raised.evidence


def test_one_that_was_lost_once_must_be_seen_standing_as_often_as_any() -> None:
    """It left at 125 s, of which neither word was heard; at 180 s it is too long by one that is 75 s old."""
    camera = Camera()
    camera.at(0).sees("a", phase=TrackPhase.NEW, stationary=False)
    camera.at(3).sees("a", stationary=False, still_s=3.0)
    camera.at(9).loses("a", still_s=9.0)
    camera.at(11).sees("b", phase=TrackPhase.NEW, stationary=False)
    camera.at(14).sees("b", stationary=False, still_s=3.0)
    camera.at(105).sees("b", still_s=94.0)
    camera.at(600)
    assert camera.said == []


def test_who_was_not_heard_of_for_long_is_not_who_stands_in_its_place_under_another_id() -> None:
    camera = Camera()
    camera.stands("a", 0, 12)  # that it left and that its track ended was lost
    camera.at(150).sees("b", stationary=False, still_s=3.0)  # and so was that another came
    camera.at(157).sees("b", still_s=10.0)
    camera.at(217).sees("b", still_s=70.0)
    camera.at(230).leaves("b")
    camera.at(700)
    assert camera.said == []


def test_who_was_heard_of_not_long_ago_still_is() -> None:
    camera = Camera()
    camera.stands("a", 0, 72)  # only that its track was lost was lost
    camera.at(80).sees("b", stationary=False, still_s=3.0)
    camera.at(147).sees("b", still_s=70.0)
    camera.at(183).leaves("b")
    assert camera.said[:1] == [RAISED]
    assert camera.times_s[0] == 180


def test_what_was_found_stays_found_whoever_speaks_of_it_after_a_pause() -> None:
    camera = Camera()
    camera.stands("a", 0, 191)
    camera.at(400).sees("b", still_s=10.0)
    camera.at(460).sees("b", still_s=70.0)
    camera.at(700).leaves("b")
    camera.at(760)
    assert camera.said == [RAISED, CLEARED]
    assert camera.times_s[1] > 700


def test_who_left_unheard_just_before_it_was_too_long_is_not_found() -> None:
    camera = Camera()
    camera.stands("a", 0, 147)  # a word is due at 190, and never comes
    camera.at(1_500)
    assert camera.said == []


def test_a_word_that_is_soon_due_decides() -> None:
    camera = Camera()
    camera.stands("a", 0, 189)
    assert camera.said == []
    camera.at(190).sees("a", still_s=60.0)
    assert (camera.said, camera.times_s) == ([RAISED], [180])


def test_if_it_is_lost_that_it_leaves_says_that_it_stood() -> None:
    camera = Camera()
    camera.stands("a", 0, 189)
    camera.at(200)
    assert camera.said == []
    camera.leaves("a")
    assert (camera.said[:1], camera.times_s[:1]) == ([RAISED], [180])


def test_the_end_of_its_track_may_overtake_that_it_left() -> None:
    camera = Camera()
    camera.stands("a", 0, 189)
    camera.at(186).sees("a", phase=TrackPhase.END, present=False)  # it may have left up to ten seconds before
    assert camera.said == []
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, present=False, stationary=False, at_ms=camera.now_ms(182))
    assert (camera.said, camera.times_s) == ([RAISED], [180])
    camera.at(250)
    assert (camera.said, camera.times_s) == ([RAISED, CLEARED], [180, 242])


def test_nor_does_it_matter_where_nothing_is_waited_for() -> None:
    camera = Camera(kerb(rules={"tracks.wait_s": 0.0}))
    camera.stands("a", 0, 175)
    end_ms, left_ms = camera.now_ms(184), camera.now_ms(179)
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, present=False, phase=TrackPhase.END, at_ms=end_ms)
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, present=False, stationary=False, at_ms=left_ms)
    camera.at(400)
    assert camera.said == []


def test_a_word_that_its_end_overtook_decides_as_well() -> None:
    camera = Camera()
    camera.stands("a", 0, 186)
    camera.sees("a", phase=TrackPhase.END, present=False)
    camera.driver.see("cam-1", "kerb-1", "a", box=HERE, still_s=60.0, at_ms=camera.now_ms(183))
    assert (camera.said, camera.times_s) == ([RAISED], [180])


def test_that_it_was_seen_leaving_is_remembered_of_one_not_yet_heard_of() -> None:
    camera = Camera(kerb(), kerb("kerb-2"))
    camera.at(190).sees("a", present=False, stationary=False)
    camera.sees("b", phase=TrackPhase.END, present=False, at="kerb-2")  # of this one nobody knows when it left
    for track, place in (("a", "kerb-1"), ("b", "kerb-2")):
        camera.driver.see("cam-1", place, track, box=HERE, still_s=170.0, at_ms=camera.now_ms(172))
    assert camera.said == [RAISED]


def test_a_word_that_is_not_due_soon_is_not_waited_for() -> None:
    camera = Camera()
    for second in (20, 120):
        camera.at(second).sees("a", still_s=float(second))
    camera.at(181)
    assert (camera.said, camera.times_s) == ([RAISED], [180])


def test_whoever_will_not_wait_need_not() -> None:
    camera = Camera(kerb(rules={"tracks.wait_s": 0.0}))
    camera.stands("a", 0, 185)
    assert (camera.said, camera.times_s) == ([RAISED], [180])


def test_who_fell_silent_before_its_time_is_not_found_by_time_alone() -> None:
    camera = Camera(kerb(activity="bus_stop"))
    camera.at(10).sees("a", still_s=10.0)
    camera.at(14).loses("a")
    camera.at(25).sees("b", phase=TrackPhase.NEW, stationary=False, still_s=0.0)
    camera.at(28).sees("b", stationary=False, still_s=3.0)
    camera.at(35).sees("b", still_s=10.0)  # at that pace it would have spoken again before the minute was over
    camera.at(700)
    assert camera.said == []


@pytest.mark.parametrize(("came_s", "found"), [(205.5, [RAISED]), (203.0, [RAISED, CLEARED])])
def test_by_when_its_words_come_it_may_seem_to_roll(came_s: float, found: list[str]) -> None:
    """Its clock is off by hours, it is found again under another id, and its second word takes longer."""
    camera = Camera()
    told = {"result_quality": Quality.FUTURE}
    camera.stands("a", 0, 198.6, **told)
    camera.loses("a", **told)
    camera.at(came_s).sees("b", phase=TrackPhase.NEW, stationary=False, still_s=0.0, **told)
    camera.at(209.7).sees("b", stationary=False, still_s=3.0, **told)
    for second in range(216, 300, 60):
        camera.at(second).sees("b", still_s=second - 206.0, **told)
    assert camera.said == found  # one that rolled for longer has just come


def test_whose_clock_is_believed_rolls_by_that() -> None:
    camera = Camera()
    camera.stands("a", 0, 198.6)
    camera.loses("a")
    camera.at(205.0).sees("b", phase=TrackPhase.NEW, stationary=False, still_s=0.0)
    camera.at(209.7).sees("b", stationary=False, still_s=3.0)
    camera.at(290).sees("b", still_s=83.0)
    assert camera.said == [RAISED, CLEARED]
