"""Stories of a street that nobody thought of: restarts and replays of any of them change not one byte."""

from collections.abc import Callable
from typing import Any

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from state_kit import state
from street_kit import ZONE, bay, cover, facility, kerb, lamp, records, replayed, restart

from processors.detectors import ALL
from processors.detectors.clock import ClockDetector
from processors.detectors.counters import CountersDetector
from processors.detectors.cover import CoverDetector
from processors.detectors.health import HealthDetector
from processors.detectors.leak import LeakDetector
from processors.detectors.parking import ParkingDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver, finding_ids
from schemas.anomaly import Transition
from schemas.camera import TrackPhase
from schemas.facility import Facility, FacilityClass, Place, Policy
from schemas.observation import Quality
from schemas.registry import ClassConfigured, ZoneConfigured, ZoneKind

Action = Callable[[PipelineTestDriver], None]
PLACE = Place(lon=113.85, lat=34.03)

SOON = st.sampled_from([0.0, 0.0, 1.0, 30.0, 60.0, 200.0, 700.0])
TIMES = st.sampled_from([1, 2, 3])
AGES = st.sampled_from([0, 0, 0, 0, 0, 45_000, 3_000_000])


def passing(seconds: float) -> Action:
    return lambda driver: driver.advance(seconds)


def reading(device: str, name: str, value: float, age_ms: int, quality: Quality, times: int) -> Action:
    """A device says it so many times, ten seconds apart."""

    def act(driver: PipelineTestDriver) -> None:
        for _ in range(times):
            if (device, None) in driver._speaks_for:
                driver.read(device, name, value, at_ms=driver.now_ms - age_ms, quality=quality)
                driver.advance(10.0 * (times > 1))

    return act


def seeing(track: str, phase: TrackPhase, label: str, *, present: bool) -> Action:
    def act(driver: PipelineTestDriver) -> None:
        if "kerb-1" in driver._facilities:
            driver.see("cam-1", "kerb-1", track, phase=phase, label=label, present=present)

    return act


def leaving(name: str) -> Action:
    return lambda driver: driver.left(name) if name in driver._facilities else None


def ruling(of: FacilityClass | None, rules: dict[str, float]) -> Action:
    """A class, or the zone, is configured; it is told whatever is registered by then."""

    def act(driver: PipelineTestDriver) -> None:
        policy = Policy(rules=rules)
        if of is None:
            driver.configure(ZoneConfigured(zone=ZONE, kind=ZoneKind.STREET_SEGMENT, place=PLACE, policy=policy))
        else:
            driver.configure(ClassConfigured(facility_class=of, policy=policy))

    return act


def rules(of: FacilityClass, *choices: dict[str, float]) -> st.SearchStrategy[Action]:
    return st.builds(ruling, st.sampled_from([of, None]), st.sampled_from([{}, *choices]))


def waves(values: list[float], device: str, name: str) -> st.SearchStrategy[Action]:
    qualities = st.sampled_from([Quality.GOOD] * 4 + list(Quality) + [Quality.FUTURE])
    return st.builds(reading, st.just(device), st.just(name), st.sampled_from(values), AGES, qualities, TIMES)


COVERS = st.one_of(
    waves([0.0, 4.9, 7.0, 12.0, 12.0, 95.0], "cover-1", "tilt_angle"),
    waves([0.0, 1.0], "cover-1", "contact_open"),
    waves([0.0, 12.0], "cover-2", "tilt_angle"),
    st.builds(lambda deg: lambda driver: driver.register(cover(install_angle_deg=deg)), st.sampled_from([0.0, 12.0])),
    st.builds(leaving, st.sampled_from(["cover-1", "cover-2"])),
    rules(
        FacilityClass.MANHOLE_COVER,
        {"cover.tilt_deg": 14.0},
        {"cover.confirm_samples": 1.0, "cover.open_deg": 5.0},
        {"cover.clear_samples": 3.0, "cover.calm_share": 0.1},
    ),
)
BAYS = st.one_of(
    waves([0.0, 1.0], "mag", "occupied"),
    waves([0.0, 1.0, 1.0], "radar", "occupied"),
    st.builds(
        seeing,
        st.sampled_from(["t1", "t2"]),
        st.sampled_from(TrackPhase),
        st.sampled_from(["car", "car", "bus", "person"]),
        present=st.booleans(),
    ),
    st.builds(
        lambda limit: lambda driver: driver.register(bay("bay-1", "mag", "radar", max_stay_s=limit)),
        st.sampled_from([None, 60.0, 600.0]),
    ),
    st.builds(leaving, st.sampled_from(["bay-1", "kerb-1"])),
    rules(
        FacilityClass.CURB_ZONE,
        {"no_stopping.dwell_s": 60.0, "no_stopping.track_gone_s": 30.0},
        {"no_stopping.clear_s": 0.0, "overstay.grace_s": 90.0},
    ),
)
LAMPS = st.one_of(
    waves([1.0], "b", "power"),
    waves([1.0], "a", "power"),
    st.builds(leaving, st.just("lamp-1")),
    st.builds(
        lambda devices, every: lambda driver: driver.register(lamp("lamp-1", *devices, interval_s=every)),
        st.sampled_from([("b", "a"), ("a",), ("c", "b")]),
        st.sampled_from([60.0, 10.0, None]),
    ),
    rules(
        FacilityClass.STREET_LAMP,
        {"silence.intervals": 1.0, "clock.messages": 1.0},
        {"silence.intervals": 10.0, "clock.within_s": 1.0},
    ),
    st.just(PipelineTestDriver.disconnect),
    st.just(PipelineTestDriver.reconnect),
)
METERS = st.one_of(
    waves([0.0, 100.0, 103.0, 65_530.0], "wm", "pulse_count"),
    waves([0.0, 1.0, 1.5], "wm", "meter_reading"),
    waves([0.0, 1.0], "wm", "pulse_delta"),
    waves([0.5], "wm", "flow"),
    st.builds(
        lambda weight, width: lambda driver: driver.register(meter(m3_per_pulse=weight, rolls_over_at=width)),
        st.sampled_from([None, 0.01, 0.1]),
        st.sampled_from([None, 65_536.0]),
    ),
    st.builds(leaving, st.just("meter-1")),
)


def numbered(boot: str, seqs: list[int]) -> Action:
    """A station counts its messages, as it pleases."""

    def act(driver: PipelineTestDriver) -> None:
        for seq in seqs:
            if ("air-1", None) in driver._speaks_for:
                driver.read("air-1", "temperature", 60.0 if seq % 50 == 0 else 20.0 + seq % 3, seq=seq, boot=boot)
                driver.advance(20.0)

    return act


HASTE = {
    "stuck.moves": 1.0,
    "stuck.learn_s": 0.0,
    "stuck.least_s": 60.0,
    "stuck.samples": 2.0,
    "property_silence.readings": 2.0,
    "jump.clear_samples": 2.0,
    "battery.samples": 1.0,
    "restarts.count": 1.0,
    "restarts.within_s": 300.0,
    "duplicate.returns": 1.0,
    "duplicate.within_s": 300.0,
    "signal.low_s": 0.0,
    "drift.learn_hours": 1.0,
    "drift.hours": 1.0,
    "drift.others": 1.0,
}
AIRS = st.one_of(
    waves([20.0, 20.0, 20.3, 21.0, 60.0], "air-1", "temperature"),
    waves([20.0, 30.0], "air-2", "temperature"),
    waves([50.0, 52.0], "air-1", "humidity"),
    waves([10.0, 12.0, 60.0], "air-1", "battery_percent"),
    waves([0.0, 1.0], "air-1", "low_battery"),
    waves([-140.0, -90.0], "air-1", "rssi"),
    waves([10.0, 500.0], "air-1", "uptime"),
    st.builds(
        numbered,
        st.sampled_from(["", "a", "b"]),
        st.lists(st.integers(0, 200), min_size=1, max_size=4, unique=True),
    ),
    st.builds(leaving, st.sampled_from(["air-1", "air-2"])),
    rules(FacilityClass.AIR_STATION, HASTE, {"stuck.share": 1.0}),
)
DETECTORS: dict[str, tuple[tuple[Detector[Any], ...], st.SearchStrategy[Action]]] = {
    "cover": ((CoverDetector(),), COVERS),
    "parking": ((ParkingDetector(),), BAYS),
    "silence": ((SilenceDetector(),), LAMPS),
    "clock": ((ClockDetector(),), LAMPS),
    "counters": ((CountersDetector(), LeakDetector()), METERS),
    "health": ((HealthDetector(),), AIRS),
    "all": (ALL, st.one_of(COVERS, BAYS, LAMPS, METERS, AIRS)),
}


def meter(**policy: float | None) -> Facility:
    return facility("meter-1", FacilityClass.FLOW_METER, "wm", interval_s=10.0, **policy)


def street(detectors: tuple[Detector[Any], ...]) -> PipelineTestDriver:
    driver = PipelineTestDriver(*detectors, tick_s=10.0, lateness_s=1800.0)
    driver.register(cover(), cover("cover-2", tilt_deg=5.0), bay("bay-1", "mag", "radar", max_stay_s=60.0))
    driver.register(kerb(), lamp("lamp-1", "b", "a"), meter(m3_per_pulse=0.01))
    airs = [facility(name, FacilityClass.AIR_STATION, rules=HASTE) for name in ("air-1", "air-2")]
    driver.register(*airs)
    return driver


def played(detectors: tuple[Detector[Any], ...], story: list[Action], restarts: frozenset[int]) -> PipelineTestDriver:
    driver = street(detectors)
    for n, act in enumerate(story):
        if n in restarts:
            restart(driver)
        act(driver)
    driver.advance(700)
    return driver


@pytest.mark.parametrize("name", DETECTORS)
def test_no_story_can_tell_a_restart(name: str) -> None:
    detectors, actions = DETECTORS[name]
    steps = st.lists(st.one_of(actions, st.builds(passing, SOON)), min_size=10, max_size=40)

    @settings(RELAXED, max_examples=60)
    @given(steps, st.frozensets(st.integers(0, 30), max_size=6))
    def check(story: list[Action], restarts: frozenset[int]) -> None:
        plain, restarted = played(detectors, story, frozenset()), played(detectors, story, restarts)
        assert records(restarted) == records(plain) == replayed(plain, detectors)
        assert state(restarted.fold) == state(plain.fold)
        assert plain.quarantined == []  # nothing that the schemas allow is poison
        for steps_of_one in finding_ids(plain.findings).values():
            assert steps_of_one in ([Transition.RAISED], [Transition.RAISED, Transition.CLEARED])
        subjects = [(one.kind, one.subject) for one in plain.open]
        assert len(subjects) == len(set(subjects))  # at most one of a kind is open per subject

    check()


def test_the_stories_do_raise_and_clear() -> None:
    seen: set[str] = set()
    steps = st.lists(st.one_of(DETECTORS["all"][1], st.builds(passing, SOON)), min_size=40, max_size=60)

    @settings(RELAXED, derandomize=True)
    @given(steps)
    def look(story: list[Action]) -> None:
        seen.update(f"{one.transition} {one.detector}" for one in played(ALL, story, frozenset()).findings)

    look()
    assert seen == {
        f"{step} {name}"
        for step in ("raised", "cleared")
        for name in ("cover", "parking", "silence", "clock", "health")
    }


@pytest.mark.parametrize("detector", ALL, ids=lambda detector: detector.name)
def test_a_new_state_survives_its_snapshot(detector: Detector[Any]) -> None:
    data = detector.snapshot(detector.initial("z"))
    assert detector.snapshot(detector.restore("z", data)) == data


@pytest.mark.parametrize("detector", ALL, ids=lambda detector: detector.name)
def test_bytes_that_are_no_snapshot_are_refused(detector: Detector[Any]) -> None:
    with pytest.raises(ValueError, match=r"Expected|malformed|truncated"):
        detector.restore("z", b"\x01")
