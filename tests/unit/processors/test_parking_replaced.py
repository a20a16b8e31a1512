"""What a device said leaves force when another takes its place, or when it is moved."""

from typing import Any

from parking_kit import BOX, HERE, street, watched_bay
from street_kit import bay, facility, kerb, restart, said

from processors.detectors.parking.replaced import MOVED, REPLACED
from processors.engine.driver import PipelineTestDriver
from schemas.camera import TrackPhase
from schemas.facility import DeviceBinding, Facility, FacilityClass

OVERSTAY, GONE = "raised parking_overstay bay-1", "cleared parking_overstay bay-1"


def by(place: Facility, *devices: DeviceBinding) -> Facility:
    return place.model_copy(update={"devices": devices})


def sensor(device: str) -> Facility:
    return bay("bay-1", device, max_stay_s=3600.0, interval_s=600.0)


def reads(driver: PipelineTestDriver, device: str, values: list[float], name: str = "occupied") -> None:
    """One every ten minutes."""
    for value in values:
        driver.read(device, name, value)
        driver.advance(600)


def sees(driver: PipelineTestDriver, camera: str, track: str, minutes: int, at: str = "kerb-1", **more: Any) -> None:
    """It stands, said once a minute."""
    for minute in range(minutes):
        still_s = 10.0 if minute == 0 else 60.0
        driver.see(camera, at, track, box=HERE, still_s=still_s, phase=TrackPhase.UPDATE, **more)
        driver.advance(60)


def reason_of(driver: PipelineTestDriver) -> str | None:
    return driver.findings[-1].reason


def state_of(driver: PipelineTestDriver) -> Any:
    return driver.fold._known("segment:1").slots[0]._state


def test_what_an_old_sensor_said_of_a_bay_ends_with_it() -> None:
    driver = street(sensor("old"))
    reads(driver, "old", [1.0] * 8)
    assert said(driver) == [OVERSTAY]
    driver.register(sensor("new"))
    assert (said(driver), reason_of(driver)) == ([OVERSTAY, GONE], REPLACED)
    reads(driver, "new", [0.0, 1.0, 0.0] * 12)
    restart(driver)
    assert len(driver.findings) == 2


def test_the_new_one_begins_anew() -> None:
    driver = street(sensor("old"))
    reads(driver, "old", [1.0] * 4)
    driver.register(sensor("new"))
    reads(driver, "new", [1.0] * 5)
    assert said(driver) == []  # what the old one said is not counted
    reads(driver, "new", [1.0] * 3)
    assert said(driver) == [OVERSTAY]


def test_the_same_device_registered_again_is_none_that_was_replaced() -> None:
    driver = street(sensor("old"))
    reads(driver, "old", [1.0] * 8)
    driver.register(sensor("old"))
    assert said(driver) == [OVERSTAY]


def test_what_a_camera_sees_as_well_goes_on() -> None:
    place = watched_bay(interval_s=600.0, max_stay_s=1200.0)
    driver = street(place)
    driver.read("mag", "occupied", 1)
    sees(driver, "cam-1", "a", 30, at="bay-1")
    assert said(driver) == [OVERSTAY]
    camera = place.devices[1]
    driver.register(by(place, DeviceBinding(device="new", interval_s=600.0), camera))
    assert said(driver) == [OVERSTAY]
    driver.see("cam-1", "bay-1", "a", box=HERE, present=False, stationary=False)
    driver.advance(60)
    assert said(driver) == [OVERSTAY, GONE]
    assert reason_of(driver) is None


def test_a_device_that_speaks_for_less_is_not_believed_in_the_rest() -> None:
    driver = street(sensor("old"))
    reads(driver, "old", [1.0] * 8)
    old = DeviceBinding(device="old", properties=("temperature",))
    driver.register(by(sensor("old"), old, DeviceBinding(device="new", interval_s=600.0)))
    assert (said(driver), reason_of(driver)) == ([OVERSTAY, GONE], REPLACED)


def test_an_object_that_only_the_old_one_felt_is_gone() -> None:
    driver = street(sensor("old"))
    reads(driver, "old", [1.0] * 4, "obstruction")
    assert said(driver) == ["raised bay_blocked bay-1"]
    driver.register(sensor("new"))
    assert said(driver)[1:] == ["cleared bay_blocked bay-1"]
    assert reason_of(driver) == REPLACED
    reads(driver, "new", [0.0] * 12, "obstruction")
    assert len(driver.findings) == 2


def test_traffic_that_only_the_old_one_measured_flows() -> None:
    driver = street(facility("road-1", FacilityClass.ROAD_SECTION, "old", interval_s=60.0))
    reads(driver, "old", [1.0] * 2, "traffic_speed")
    driver.register(facility("road-1", FacilityClass.ROAD_SECTION, "new", interval_s=60.0))
    assert said(driver) == ["raised segment_congested road-1", "cleared segment_congested road-1"]
    assert reason_of(driver) == REPLACED


def test_a_dispute_ends_with_the_sensor() -> None:
    place = watched_bay(interval_s=600.0)
    driver = street(place)
    driver.read("mag", "occupied", 0)
    sees(driver, "cam-1", "a", 5, at="bay-1")
    driver.read("mag", "occupied", 0)
    sees(driver, "cam-1", "a", 5, at="bay-1")
    assert said(driver) == ["raised sensor_camera_conflict bay-1"]
    driver.register(by(place, DeviceBinding(device="new", interval_s=600.0), place.devices[1]))
    assert said(driver)[1:] == ["cleared sensor_camera_conflict bay-1"]
    assert reason_of(driver) == REPLACED


def test_a_camera_that_is_replaced_takes_its_tracks_along() -> None:
    driver = street(by(kerb(), DeviceBinding(device="cam-1", camera_zone="kerb")))
    sees(driver, "cam-1", "a", 5)
    assert said(driver) == ["raised no_stopping kerb-1"]
    driver.register(by(kerb(), DeviceBinding(device="cam-2", camera_zone="kerb")))
    assert said(driver)[1:] == ["cleared no_stopping kerb-1"]
    assert reason_of(driver) == REPLACED
    driver.advance(3600)
    assert driver.fold.timers == 0
    sees(driver, "cam-2", "a", 5)
    assert said(driver)[2:] == ["raised no_stopping kerb-1"]


def test_what_a_replaced_camera_lost_is_not_waited_for() -> None:
    driver = street(by(kerb(), DeviceBinding(device="cam-1", camera_zone="kerb")))
    sees(driver, "cam-1", "a", 5)
    driver.see("cam-1", "kerb-1", "a", box=HERE, phase=TrackPhase.END, present=False, stationary=False, lost=True)
    driver.register(by(kerb(), DeviceBinding(device="cam-2", camera_zone="kerb")))
    driver.advance(70)
    assert said(driver) == ["raised no_stopping kerb-1", "cleared no_stopping kerb-1"]


def test_a_camera_that_was_moved_looks_at_something_else() -> None:
    def seen(view: str, width: float = 900.0) -> Facility:
        polygon = ((0.0, 0.0), (width, 0.0), (900.0, 900.0))
        return by(kerb(), DeviceBinding(device="cam-1", polygon=polygon, homography=view))

    driver = street(seen("v1"))
    sees(driver, "cam-1", "a", 5, view="v1")
    driver.register(seen("v1", 850.0))  # drawn a little better
    assert said(driver) == ["raised no_stopping kerb-1"]
    driver.register(seen("v2"))
    assert (said(driver)[1:], reason_of(driver)) == (["cleared no_stopping kerb-1"], MOVED)


def test_an_object_that_a_replaced_camera_saw_is_gone() -> None:
    place = watched_bay()
    driver = street(place)
    for _ in range(12):
        driver.see("cam-1", "bay-1", "box", label="box", box=BOX, still_s=60.0)
        driver.advance(60)
    assert said(driver) == ["raised bay_blocked bay-1"]
    driver.register(by(place, place.devices[0], DeviceBinding(device="cam-2", properties=(), camera_zone="bay")))
    assert (said(driver)[1:], reason_of(driver)) == (["cleared bay_blocked bay-1"], REPLACED)


def test_of_a_camera_that_nobody_names_any_more_nothing_is_kept() -> None:
    first, second = (by(kerb(name), DeviceBinding(device="cam-1", camera_zone=name)) for name in ("kerb-1", "kerb-2"))
    driver = street(first, second)
    sees(driver, "cam-1", "a", 2)
    driver.register(by(first, DeviceBinding(device="cam-2", camera_zone="kerb-1")))
    assert "cam-1" in state_of(driver).cameras  # the other place has it still
    driver.left("kerb-2")
    assert (state_of(driver).cameras, state_of(driver).skews) == ({}, {})
