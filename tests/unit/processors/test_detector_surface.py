"""Potholes and rubbish: how often they must be seen before anybody goes there, and that they are counted once."""

from typing import Any

import pytest
from street_kit import facility, restart, said

from processors.detectors.surface import SurfaceDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Anomaly
from schemas.camera import TrackPhase
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ClassConfigured

RAISED, CLEARED = "raised pavement_damaged road-1", "cleared pavement_damaged road-1"
NORTH = 1 / 111_320
"""A metre, in degrees of latitude."""


def road(name: str = "road-1", *devices: str, metres: float = 0.0, **policy: Any) -> Facility:
    return _at(facility(name, FacilityClass.ROAD_SECTION, *devices or ("cam-1", "cam-2"), **policy), metres)


def camera(name: str, metres: float = 0.0) -> Facility:
    return _at(facility(f"pole-{name}", FacilityClass.CAMERA, name), metres)


def _at(one: Facility, metres: float) -> Facility:
    return one.model_copy(update={"place": one.place.model_copy(update={"lat": 34.03 + metres * NORTH})})


class Street:
    """Times are minutes."""

    def __init__(self, *facilities: Facility) -> None:
        self.driver = PipelineTestDriver(SurfaceDetector(), tick_s=60.0)
        self.driver.register(*facilities or (road(),))
        self._start_ms = self.driver.now_ms

    def at(self, minutes: float) -> "Street":
        self.driver.advance_to(self._start_ms + round(minutes * 60_000))
        return self

    def sees(self, label: str = "pothole", *, by: str = "cam-1", at: str = "road-1", **more: Any) -> "Street":
        more = {"area_m2": 0.8, "confidence": 0.9} | more
        self.driver.see(by, at, more.pop("track", f"{label}-{by}"), label=label, **more)
        return self

    def passes(self, *minutes: float, **more: Any) -> "Street":
        """A pass of three pictures each."""
        for minute in minutes:
            for picture in range(3):
                self.at(minute + picture / 20).sees(**more)
        return self

    @property
    def said(self) -> list[str]:
        return said(self.driver)

    @property
    def last(self) -> Anomaly:
        return self.driver.findings[-1]


def test_three_pictures_in_two_passes_are_a_finding() -> None:
    street = Street().passes(0)
    assert street.said == []  # one drive past: a shadow, or a puddle
    street.at(60).sees()
    assert street.said == [RAISED]
    assert street.last.numbers == {"hits": 4.0, "frames": 4.0, "passes": 2.0, "area_m2": 0.8}
    assert (street.last.score, street.last.verify) == (0.9, False)
    assert street.last.summary == "Damaged pavement at road-1, seen in 4 pictures over 60 min"
    assert len(street.last.evidence) == 4
    street.passes(120, 180)
    assert street.said == [RAISED]


def test_two_cameras_that_see_it_at_once_are_two_passes_and_one_finding() -> None:
    street = Street().passes(0).passes(1, by="cam-2")
    assert street.said == [RAISED]


@pytest.mark.parametrize(("others", "raises"), [(2, True), (3, False)])
def test_pictures_that_do_not_show_it_count_against_it(others: int, raises: bool) -> None:
    street = Street()
    for minute in (0, 20):
        street.at(minute).sees()
    for number in range(others):
        street.at(21 + number).sees(present=False)
    street.at(40).sees()
    assert street.said == ([RAISED] if raises else [])


@pytest.mark.parametrize(
    ("size", "raises"),
    [
        ({"area_m2": 0.49}, False),
        ({"area_m2": 0.5}, True),
        ({"area_m2": 0.1, "step_m": 0.03}, True),
        ({"area_m2": 0.1, "step_m": 0.029}, False),
    ],
)
def test_what_is_small_is_left_alone(size: dict[str, float], raises: bool) -> None:
    street = Street().passes(0, 60, **size)
    assert street.said == ([RAISED] if raises else [])


@pytest.mark.parametrize("shadow_min", [-60.0, 61.0])
def test_one_picture_of_a_shadow_does_not_make_it_larger(shadow_min: float) -> None:
    street = Street()
    for minute in sorted((0.0, 60.0, shadow_min)):
        if minute == shadow_min:
            street.at(60 + minute).sees(area_m2=0.8, confidence=0.5)
        else:
            street.at(60 + minute).sees(area_m2=0.4).at(60.1 + minute).sees(area_m2=0.4)
    assert street.said == []


def test_a_missing_cover_is_never_small() -> None:
    street = Street().passes(0, 60, label="cover_missing", area_m2=0.3)
    assert street.said == ["raised cover_missing road-1"]
    assert not street.last.verify


@pytest.mark.parametrize(
    ("more", "verify"), [({"confidence": 0.74}, True), ({"confidence": 0.76}, False), ({"area_m2": None}, True)]
)
def test_what_is_not_sure_is_looked_at_by_a_person_first(more: dict[str, Any], verify: bool) -> None:
    street = Street().passes(0, 60, **more)
    assert street.last.verify is verify
    assert ("a person should look first" in street.last.summary) is verify


def shadows(street: Street, *minutes: float) -> list[str]:
    """One picture of little confidence in each of these passes, half an hour apart; the others show nothing."""
    for minute in range(0, 150, 30):
        if minute in minutes:
            street.at(minute).sees(confidence=0.5)
        else:
            street.at(minute).sees("surface_clear", area_m2=None)
    return street.said


def test_three_shadows_in_a_while_are_no_damage_and_four_are_for_a_person_to_look_at() -> None:
    assert shadows(Street(), 0, 30, 90) == []
    street = Street()
    assert shadows(street, 0, 30, 90, 120) == [RAISED]
    assert street.last.verify
    trusting = Street(road(rules={"surface.unsure_hits": 3.0}))
    assert shadows(trusting, 0, 30, 90) == [RAISED]


def test_a_picture_of_no_confidence_shows_nothing() -> None:
    assert Street().passes(0, 60, confidence=0.2).said == []


def test_a_size_may_come_as_a_reading() -> None:
    street = Street()
    for minute in (0, 60):
        street.at(minute).driver.read("cam-1", "step_height", 0.05)
        street.passes(minute, area_m2=None)
    assert street.said == [RAISED]
    assert street.last.numbers["step_m"] == 0.05
    assert not street.last.verify


@pytest.mark.parametrize(("metres", "findings"), [(10.0, 1), (20.0, 2)])
def test_cameras_that_see_the_same_spot_tell_of_one(metres: float, findings: int) -> None:
    street = Street(camera("a"), camera("b", metres))
    for minute in (0, 60):
        street.passes(minute, by="a", at="pole-a").passes(minute + 5, by="b", at="pole-b")
    assert len([one for one in street.said if one.startswith("raised")]) == findings


def test_what_a_camera_sees_of_a_road_is_not_told_again_of_itself() -> None:
    street = Street(road("road-1", "cam-1", metres=100.0), camera("cam-1"))
    for minute in (0, 60):
        street.passes(minute).passes(minute, at="pole-cam-1", track="same")
    assert street.said == [RAISED]


def test_two_holes_in_a_road_are_two_where_their_places_are_told() -> None:
    street = Street()
    for minute in (0, 60):
        for later, place in ((0, 34.0300), (1, 34.0305)):
            street.passes(minute + later, lon=113.85, lat=place, track=str(place))
    assert street.said == [RAISED, RAISED]
    assert {one.place.lat for one in street.driver.findings} == {34.0300, 34.0305}


def test_three_passes_that_do_not_show_it_end_it() -> None:
    street = Street().passes(0, 60)
    for minute in (120, 121, 180):
        street.at(minute).sees("surface_clear")
    assert street.said == [RAISED]
    street.at(240).sees(present=False)
    assert street.said == [RAISED, CLEARED]
    street.passes(300, 360)
    assert street.said == [RAISED, CLEARED, RAISED]  # the repair did not hold
    assert len({one.id for one in street.driver.findings}) == 2


def test_a_clear_look_at_another_road_says_nothing_of_this_one() -> None:
    """A lorry with a camera passes here and there, and does not say where it is."""
    there = road("road-2", "lorry", metres=900)
    street = Street(road("road-1", "lorry"), there).passes(0, 60, by="lorry")
    for minute in range(120, 600, 60):
        street.at(minute).sees("surface_clear", by="lorry", at="road-2")
    assert street.said == [RAISED]
    for minute in range(600, 780, 60):
        street.at(minute).sees("surface_clear", by="lorry")
    assert street.said == [RAISED, CLEARED]


def clear(street: Street, by: str, *minutes: float, **more: Any) -> list[str]:
    for minute in minutes:
        street.at(minute).sees("surface_clear", by=by, area_m2=None, **more)
    return street.said


def test_another_camera_that_looks_at_the_same_place_ends_it_as_well() -> None:
    """The one that saw it is broken, or drives elsewhere now."""
    street = Street().passes(0, 60)
    assert clear(street, "cam-2", 120, 180) == [RAISED]
    assert clear(street, "cam-2", 180.1, 240) == [RAISED, CLEARED]  # a pass counts once
    assert street.last.numbers == {"passes": 3.0}


def test_so_do_several_together() -> None:
    street = Street(road("road-1", "cam-1", "cam-2", "cam-3")).passes(0, 60)
    clear(street, "cam-1", 120)
    clear(street, "cam-2", 121)
    assert clear(street, "cam-3", 122) == [RAISED, CLEARED]


def test_one_that_looked_while_it_was_there_cannot_say_that_it_is_gone() -> None:
    """A tree stands between."""
    street = Street().passes(0)
    clear(street, "cam-2", 30)
    street.passes(60)
    assert street.said == [RAISED]
    restart(street.driver)
    assert clear(street, "cam-2", *range(120, 600, 60)) == [RAISED]
    assert clear(street, "cam-1", *range(600, 780, 60)) == [RAISED, CLEARED]


def test_until_it_sees_it_itself() -> None:
    street = Street().passes(0)
    clear(street, "cam-2", 30)
    street.passes(60).at(90).sees(by="cam-2")
    assert clear(street, "cam-2", 120, 180, 240) == [RAISED, CLEARED]


def test_one_that_does_not_see_it_keeps_nobody_from_finding_it() -> None:
    street = Street().at(0).sees()
    clear(street, "cam-2", *range(1, 30))
    street.at(30).sees()
    clear(street, "cam-2", *range(31, 60))
    street.at(60).sees()
    assert street.said == [RAISED]


def test_a_look_at_the_far_end_of_the_road_ends_nothing() -> None:
    """It was seen at a place that was told; who tells none looks where the road is."""
    street = Street().passes(0, 60, lon=113.85, lat=34.03 + 200 * NORTH)
    assert clear(street, "cam-2", *range(120, 600, 60)) == [RAISED]
    assert clear(street, "cam-2", 600, 660, 720, lon=113.85, lat=34.03 + 190 * NORTH) == [RAISED, CLEARED]


def test_once_seen_again_the_count_begins_anew() -> None:
    street = Street().passes(0, 60)
    street.at(120).sees("surface_clear").at(180).sees("surface_clear").at(240).sees()
    street.at(300).sees("surface_clear").at(360).sees("surface_clear")
    assert street.said == [RAISED]


def test_that_a_track_ends_or_nobody_looks_ends_nothing() -> None:
    street = Street(road(), road("road-2", "cam-9", metres=50)).passes(0, 60)
    for minute in (120, 180, 240, 300):
        street.at(minute).sees(phase=TrackPhase.END, present=False)
        street.sees("car", track="car")
        street.sees("surface_clear", by="cam-9", at="road-2")
    street.at(20_000)
    assert street.said == [RAISED]


def test_what_is_never_confirmed_is_forgotten() -> None:
    street = Street().passes(0)
    street.at(7 * 1440 + 10)
    state = street.driver.fold._known("segment:1").slots[0]._state
    assert (state.spots, state.looks) == ([], {})
    assert street.driver.fold.timers == 0


def test_a_rule_that_allows_more_ends_a_finding_and_leaving_does() -> None:
    street = Street().passes(0, 60)
    policy = Policy(rules={"surface.area_m2": 1.0})
    street.driver.configure(ClassConfigured(facility_class=FacilityClass.ROAD_SECTION, policy=policy))
    assert street.said == [RAISED, CLEARED]
    assert street.last.reason == "policy changed"
    street.passes(120, 180, area_m2=1.2)
    street.driver.left("road-1")
    assert street.said == [RAISED, CLEARED, RAISED, CLEARED]
    assert street.last.reason == "facility left"


def test_a_restart_in_the_middle_changes_nothing() -> None:
    street = Street().passes(0)
    restart(street.driver)
    street.passes(60)
    restart(street.driver)
    for minute in (120, 180, 240):
        street.at(minute).sees("surface_clear")
        restart(street.driver)
    assert street.said == [RAISED, CLEARED]


def test_a_spot_told_by_a_camera_first_belongs_to_the_road_when_that_tells_of_it() -> None:
    near = Facility(
        facility="walk-1",
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.SIDEWALK,
        zone="segment:1",
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device="patrol", properties=()),),
    )
    street = Street(camera("a"), near).passes(0, by="a", at="pole-a", label="broken_tile")
    street.passes(5, by="patrol", at="walk-1", label="broken_tile")
    assert street.said == ["raised sidewalk_damaged walk-1"]
