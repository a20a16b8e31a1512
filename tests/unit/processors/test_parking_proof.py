"""What a finding of the street carries: what was measured, and the messages that said so."""

from collections.abc import Callable
from uuid import UUID

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from parking_kit import BOX, HERE, street, watched_bay
from street_kit import bay, facility, kerb
from test_parking_metamorphic import Story, facilities, stories, tell

from processors.detectors.parking import ParkingDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Transition
from schemas.camera import CameraEvent, TrackPhase
from schemas.columns import BatchColumns
from schemas.facility import FacilityClass
from schemas.identity import reading_id
from schemas.rules import RULES
from tests.examples import examples

ALLOWED = {"allowed_s", "limit_s", "after_s"}
"""What was allowed; all else was measured."""


def messages(driver: PipelineTestDriver) -> set[UUID]:
    """The ids of all that was said."""
    return {id_ for event in driver.log for id_ in ids(event)}


def ids(event: object) -> list[UUID]:
    match event:
        case CameraEvent():
            return [reading_id(event.device, "camera", event.identity)]
        case BatchColumns():
            series = [event.series[number] for number in event.series_index]
            return [
                reading_id(one.device, one.observed_property, identity)
                for one, identity in zip(series, event.identity, strict=True)
            ]
        case _:
            return []


def stands(activity: str, kind: FacilityClass = FacilityClass.CURB_ZONE) -> Callable[[], PipelineTestDriver]:
    def story() -> PipelineTestDriver:
        driver = street(facility("spot", kind, "cam-1", activity=activity))
        for minute in range(8):
            driver.see("cam-1", "spot", "a", box=HERE, still_s=10.0 + 60 * minute)
            driver.advance(60)
        return driver

    return story


def overstays() -> PipelineTestDriver:
    driver = street(bay("spot", "mag", max_stay_s=3600.0, interval_s=600.0))
    reads(driver, "occupied", 1.0, 8)
    return driver


def reads(driver: PipelineTestDriver, name: str, value: float, times: int) -> None:
    for _ in range(times):
        driver.read("mag", name, value)
        driver.advance(600)


def feels() -> PipelineTestDriver:
    driver = street(bay("spot", "mag", interval_s=600.0))
    reads(driver, "obstruction", 1.0, 3)
    return driver


def sees_an_object() -> PipelineTestDriver:
    driver = street(watched_bay())
    for _ in range(12):
        driver.see("cam-1", "bay-1", "box", label="box", box=BOX, still_s=60.0)
        driver.advance(60)
    return driver


def uncovers_an_object() -> PipelineTestDriver:
    """A car hid it, and nobody says that the car left."""
    driver = street(watched_bay())
    driver.see("cam-1", "bay-1", "car", box=BOX, still_s=60.0)
    for _ in range(25):
        driver.see("cam-1", "bay-1", "box", label="box", box=BOX, still_s=60.0)
        driver.advance(60)
    return driver


def locks() -> PipelineTestDriver:
    driver = street(bay("spot", "mag"))
    driver.read("mag", "lock_raised", 1.0)
    driver.advance(86_500)
    return driver


def disagrees() -> PipelineTestDriver:
    driver = street(watched_bay())
    driver.read("mag", "occupied", 0.0)
    for minute in range(8):
        driver.see("cam-1", "bay-1", "a", box=BOX, still_s=10.0 + 60 * minute)
        driver.advance(60)
    return driver


def crawls(name: str, value: float) -> Callable[[], PipelineTestDriver]:
    def story() -> PipelineTestDriver:
        driver = street(facility("spot", FacilityClass.ROAD_SECTION, "mag"))
        reads(driver, name, value, 2)
        return driver

    return story


def queues() -> PipelineTestDriver:
    driver = street(facility("spot", FacilityClass.TRAVEL_LANE, "cam-1"))
    for minute in range(8):
        for car in range(6):
            box = (200.0 * car, 0.0, 200.0 * car + 99, 99.0)
            driver.see("cam-1", "spot", f"c{car}", box=box, still_s=10.0 + 60 * minute, phase=TrackPhase.UPDATE)
        driver.advance(60)
    return driver


STORIES = {
    "parking_overstay": [overstays],
    "no_stopping": [stands("no_stopping"), stands("no_parking")],
    "fire_lane_blocked": [stands("fire_lane")],
    "bus_stop_blocked": [stands("bus_stop")],
    "bicycle_lane_blocked": [stands("parking", FacilityClass.BICYCLE_LANE)],
    "entrance_blocked": [stands("parking", FacilityClass.ENTRANCE)],
    "double_parking": [stands("parking", FacilityClass.TRAVEL_LANE)],
    "bay_blocked": [feels, sees_an_object, uncovers_an_object],
    "private_lock": [locks],
    "sensor_camera_conflict": [disagrees],
    "segment_congested": [crawls("traffic_speed", 1.0), crawls("road_occupancy", 80.0), queues],
}


def test_there_is_a_story_of_every_kind() -> None:
    kinds = {kind.value for rule in RULES.values() if rule.processor == "parking" for kind in rule.kinds}
    assert kinds == STORIES.keys()


@pytest.mark.parametrize(("kind", "story"), [(kind, story) for kind, some in STORIES.items() for story in some])
def test_a_finding_carries_what_was_measured_and_who_said_so(
    kind: str, story: Callable[[], PipelineTestDriver]
) -> None:
    driver = story()
    raised = [one for one in driver.findings if one.kind.value == kind]
    assert raised
    for finding in raised:
        assert finding.numbers.keys() & ALLOWED
        assert finding.numbers.keys() - ALLOWED
        assert finding.evidence
        assert set(finding.evidence) <= messages(driver)


def measured(story: Callable[[], PipelineTestDriver]) -> dict[str, float]:
    (finding,) = (one for one in story().findings if one.transition is Transition.RAISED)
    return finding.numbers


def test_how_long_it_stood_by_how_many_words_of_whom() -> None:
    assert measured(overstays) == {
        "stood_s": 3600.0,
        "messages": 7.0,
        "sensors": 1.0,
        "cameras": 0.0,
        "allowed_s": 3600.0,
        "limit_s": 3600.0,
    }


def test_how_fast_traffic_was_how_full_the_road_and_how_many_stood() -> None:
    assert measured(crawls("traffic_speed", 1.5)) == {
        "held_s": 300.0,
        "after_s": 300.0,
        "standing": 0.0,
        "speed_mps": 1.5,
    }
    assert measured(crawls("road_occupancy", 80.0))["taken_share"] == 0.8
    assert [one.numbers["standing"] for one in queues().findings if one.kind == "segment_congested"] == [6.0]


def test_who_disagrees() -> None:
    assert measured(disagrees) == {"held_s": 300.0, "after_s": 300.0, "sensors": 1.0, "sensors_taken": 0.0, "seen": 1.0}


def test_two_ids_of_one_vehicle_and_how_much_their_boxes_have_in_common() -> None:
    driver = street(kerb())
    driver.see("cam-1", "kerb-1", "a", box=(0.0, 0.0, 100.0, 100.0), still_s=10.0)
    driver.advance(60)
    driver.see("cam-1", "kerb-1", "a", box=(0.0, 0.0, 100.0, 100.0), lost=True, present=False, phase=TrackPhase.END)
    driver.advance(10)
    for minute in range(3):
        driver.see("cam-1", "kerb-1", "b", box=(0.0, 0.0, 100.0, 80.0), still_s=5.0 + 60 * minute)
        driver.advance(60)
    (finding,) = driver.findings
    assert (finding.numbers["tracks"], finding.numbers["overlap"]) == (2.0, 0.8)


def test_its_end_says_how_long_it_was() -> None:
    driver = crawls("traffic_speed", 1.0)()
    driver.read("mag", "traffic_speed", 12.0)
    driver.advance(400)
    assert (driver.findings[-1].transition, driver.findings[-1].numbers) == (Transition.CLEARED, {"held_s": 1200.0})


@settings(RELAXED, max_examples=examples(10))
@given(stories())
def test_so_does_every_finding_of_a_street(story: Story) -> None:
    driver = PipelineTestDriver(ParkingDetector())
    driver.register(*facilities())
    tell(driver, story)
    said = messages(driver)
    for finding in driver.findings:
        if finding.transition is Transition.RAISED:
            assert finding.numbers["stood_s"] >= finding.numbers["limit_s"]
            assert finding.evidence
            assert set(finding.evidence) <= said
