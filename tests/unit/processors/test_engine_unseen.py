"""Silence is no calm: who is told that nobody sees a facility, and what is said of what ends meanwhile."""

from collections.abc import Sequence

import msgspec
import pytest
from state_kit import state
from street_kit import facility, kerb, lamp, records, replayed, restart, said

from processors.detectors.common import Evidence, Opened, Opening, Packed, Site, Step, Turn
from processors.detectors.parking import ParkingDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.contract import Clock, Outcome, Reading, Series, TimerDue, Unseen, ZoneEvent
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import UNSEEN, AnomalyKind
from schemas.camera import TrackPhase
from schemas.facility import DeviceBinding, FacilityClass
from schemas.registry import FacilityRegistered


class Told(msgspec.Struct):
    zone: str
    sites: dict[str, Site] = {}
    opened: dict[str, Opened] = {}
    told: list[tuple[str, int | None]] = []


class Hasty(Packed[Told]):
    """Takes ten minutes without a word for the end of a matter, whatever it is told."""

    state_type = Told
    name = "hasty"
    version = 1
    hears_late = False

    def initial(self, zone: str) -> Told:
        return Told(zone)

    def wants(self, series: Series) -> bool:
        return True

    def fold(self, state: Told, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case FacilityRegistered():
                    state.sites[event.facility.facility] = Site.of(event.facility)
                case Unseen():
                    state.told.append((event.facility, event.since_ms))
                case Reading() if event.series.facility not in state.opened:
                    name = event.series.facility
                    step = Step(event.time_ms, "on", {}, (Evidence.of(event),))
                    opening = Opening(name, state.sites[name], event.time_ms, event.time_ms)
                    state.opened[name] = turn.raises(AnomalyKind.LAMP_DARK, opening, step)
                    turn.wake(name, clock.now_ms + 600_000)
                case TimerDue():
                    turn.clears(state.opened.pop(event.name), Step(clock.now_ms, "gone", {}, by_time=True))
                case _:
                    pass
        return turn.outcome


CAST = (Hasty(), SilenceDetector())


def told(driver: PipelineTestDriver) -> list[tuple[str, int | None]]:
    """What the other detector heard, in seconds after the first tick."""
    zone = driver.fold._known("segment:1")
    first_ms = driver.fold.now_ms - driver.now_ms + int(driver.log[0].time.timestamp() * 1000)  # type: ignore[union-attr]
    heard = zone.slot("hasty")._state.told
    return [(name, None if at is None else (at - first_ms) // 1000) for name, at in heard]


def test_what_ends_by_time_alone_while_nobody_sees_it_says_so() -> None:
    driver = PipelineTestDriver(*CAST)
    driver.register(lamp())
    driver.read("lamp-1", "power", 0.0)
    driver.advance(700)
    assert said(driver) == ["raised lamp_dark lamp-1", "raised device_silent lamp-1", "cleared lamp_dark lamp-1"]
    assert [one.reason for one in driver.findings] == [None, None, UNSEEN]
    assert told(driver) == [("lamp-1", 0)]


def test_what_ends_while_it_is_seen_is_an_ordinary_end() -> None:
    driver = PipelineTestDriver(*CAST)
    driver.register(lamp())
    for _ in range(15):
        driver.read("lamp-1", "power", 0.0)
        driver.advance(50)
    assert [one.reason for one in driver.findings if one.transition == "cleared"] == [None]
    assert told(driver) == []


def test_one_of_two_devices_that_speaks_is_enough() -> None:
    driver = PipelineTestDriver(*CAST)
    driver.register(lamp("lamp-1", "a", "b"))
    for _ in range(5):
        driver.read("a", "power", 0.0)
        driver.advance(60)
    assert told(driver) == []
    driver.advance(300)
    driver.read("b", "power", 0.0)
    assert told(driver) == [("lamp-1", 240), ("lamp-1", None)]


def test_a_camera_that_is_silent_blinds_all_that_it_watches() -> None:
    watching = [DeviceBinding(device="cam-1", interval_s=60.0, camera_zone=name) for name in ("n", "s")]
    driver = PipelineTestDriver(*CAST)
    for name, binding in zip(("kerb-n", "kerb-s"), watching, strict=True):
        driver.register(kerb(name).model_copy(update={"devices": (binding,)}))
    driver.advance(200)
    assert told(driver) == [("kerb-n", 0), ("kerb-s", 0)]


@pytest.mark.parametrize("leave", [True, False])
def test_a_facility_that_leaves_or_hears_of_nobody_any_more_is_not_kept(leave: bool) -> None:
    driver = PipelineTestDriver(*CAST)
    driver.register(lamp())
    driver.advance(200)
    if leave:
        driver.left("lamp-1")
    else:
        driver.register(lamp(interval_s=None))
    assert told(driver) == [("lamp-1", 0), ("lamp-1", None)]
    assert driver.fold._known("segment:1").unseen.state == {}


def test_it_outlives_a_restart_and_a_replay_hears_the_same() -> None:
    driver, plain = PipelineTestDriver(*CAST), PipelineTestDriver(*CAST)
    for one, restarted in ((driver, True), (plain, False)):
        one.register(lamp(), facility("bin-1", FacilityClass.WASTE_BIN, interval_s=60.0))
        one.read("lamp-1", "power", 0.0)
        one.advance(300)
        if restarted:
            restart(one)
        one.read("bin-1", "fill_level", 10.0)
        one.advance(500)
    assert records(driver) == records(plain) == replayed(plain, CAST)
    assert state(driver.fold) == state(plain.fold)
    assert [one.reason for one in driver.findings].count(UNSEEN) == 1


def test_a_detector_that_comes_later_is_told_what_nobody_sees() -> None:
    driver = PipelineTestDriver(SilenceDetector(), candidates=[Hasty()])
    driver.register(lamp())
    driver.advance(300)
    driver.begin_shadow("hasty", 1)
    zone = driver.fold._known("segment:1")
    assert zone.trial is not None
    assert [name for name, _ in zone.trial._state.told] == ["lamp-1"]


def test_a_car_that_the_camera_no_longer_sees_as_it_is_dead_has_not_left() -> None:
    driver = PipelineTestDriver(ParkingDetector(), SilenceDetector())
    camera = kerb().model_copy(update={"devices": (DeviceBinding(device="cam-1", interval_s=60.0),)})
    driver.register(camera)
    for _ in range(5):
        driver.see("cam-1", "kerb-1", "t1", phase=TrackPhase.UPDATE)
        driver.advance(60)
    driver.advance(3600)
    steps = [one for one in driver.findings if one.detector == "parking"]
    assert steps[0].transition == "raised"
    assert all(one.reason == UNSEEN for one in steps[1:])
