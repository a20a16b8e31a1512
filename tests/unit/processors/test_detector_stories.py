"""Stories of a street that nobody thought of: restarts and replays of any of them change not one byte."""

from typing import Any, cast

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from state_kit import Earless, state
from story_kit import CURBS, SOON, Action, leaving, numbered, passing, picturing, rules, seeing, waves
from street_kit import bay, cover, facility, kerb, lamp, records, replayed, restart

from processors.detectors import ALL
from processors.detectors.clock import ClockDetector
from processors.detectors.counters import CountersDetector
from processors.detectors.cover import CoverDetector
from processors.detectors.health import HealthDetector
from processors.detectors.lamp import LampDetector
from processors.detectors.leak import LeakDetector
from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from processors.detectors.novelty import NoveltyDetector
from processors.detectors.parking import ParkingDetector
from processors.detectors.silence import SilenceDetector
from processors.detectors.surface import SurfaceDetector
from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver, finding_ids
from processors.engine.outputs import outgoing
from schemas.anomaly import Transition
from schemas.camera import TrackPhase
from schemas.curb import Calendar
from schemas.facility import Facility, FacilityClass, Place
from schemas.registry import CalendarConfigured
from tests.examples import examples

COVERS = st.one_of(
    waves([0.0, 4.9, 7.0, 12.0, 12.0, 95.0], "cover-1", "tilt_angle"),
    waves([0.0, 1.0], "cover-1", "contact_open"),
    waves([0.0, 12.0], "cover-2", "tilt_angle"),
    waves([0.1, 1.3, 1.9], "cover-2", "water_level"),
    waves([0.0, 1.0, 1.0], "cover-2", "vibration"),
    waves([0.0, 1.0], "cover-2", "contact_open"),
    st.builds(lambda every: lambda driver: driver.register(second_cover(every)), st.sampled_from([None, 20.0, 100.0])),
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
        st.sampled_from(["kerb-1", "kerb-1", "bay-1", "lane-1"]),
        st.sampled_from(["t1", "t2", "t3"]),
        st.sampled_from([TrackPhase.NEW, TrackPhase.UPDATE, TrackPhase.UPDATE, TrackPhase.END]),
        st.sampled_from(["car", "car", "bus", "person", "chair"]),
        st.fixed_dictionaries(
            {},
            optional={
                "box": st.sampled_from([(0.0, 0.0, 9.0, 9.0), (1.0, 0.0, 10.0, 9.0), (20.0, 0.0, 30.0, 9.0)]),
                "still_s": st.sampled_from([0.0, 10.0, 60.0]),
                "plate": st.sampled_from(["a" * 32, "b" * 32]),
                "stationary": st.booleans(),
            },
        ),
        present=st.booleans(),
    ),
    waves([0.0, 1.0], "mag", "obstruction"),
    waves([0.0, 1.0], "radar", "lock_raised"),
    waves([20.0, 21.0], "mag", "temperature"),
    waves([1.0, 3.5, 9.0], "loop", "traffic_speed"),
    st.builds(lambda spans: lambda driver: driver.register(kerb(curb=spans)), st.sampled_from(CURBS)),
    st.builds(
        lambda zone: lambda driver: driver.configure(CalendarConfigured(calendar=Calendar(time_zone=zone))),
        st.sampled_from(["CST-8", "UTC0"]),
    ),
    st.builds(
        lambda limit: lambda driver: driver.register(bay("bay-1", "mag", "radar", max_stay_s=limit)),
        st.sampled_from([None, 60.0, 600.0]),
    ),
    st.builds(leaving, st.sampled_from(["bay-1", "kerb-1", "lane-1"])),
    rules(
        FacilityClass.CURB_ZONE,
        {"no_stopping.dwell_s": 60.0, "no_stopping.track_gone_s": 30.0},
        {"no_stopping.clear_s": 0.0, "overstay.grace_s": 90.0, "tracks.words": 1.0},
        {"no_stopping.cool_down_s": 100.0, "tracks.fresh_s": 900.0, "tracks.join_gap_s": 0.0},
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
LEVELS = st.one_of(
    waves([0.0, 20.0, 86.0, 90.0, 97.0], "bin-1", "fill_level"),
    waves([20.0, 50.0, 70.0], "bin-1", "temperature"),
    waves([0.0, 1.0], "bin-1", "full_alarm"),
    waves([0.0, 1.0], "bin-1", "smoke_alarm"),
    waves([0.0, 0.01, 0.04, 0.06, 0.2], "road-1", "water_level"),
    waves([50.0, 200.0], "road-1", "surface_area"),
    st.builds(leaving, st.sampled_from(["bin-1", "road-1"])),
    st.builds(
        lambda kind: lambda driver: driver.register(facility("bin-1", kind)),
        st.sampled_from([FacilityClass.WASTE_BIN, FacilityClass.WATER_TANK, FacilityClass.AIR_STATION]),
    ),
    rules(
        FacilityClass.ROAD_SECTION,
        {"flood.clear_s": 60.0, "flood.samples": 1.0},
        {"flood.warn_m": 0.5, "flood.rise_m": 0.5, "bin.full_share": 0.99},
    ),
)
NIGHTS = st.one_of(
    *(waves([0.0, 20.0, 118.0, 160.0], f"night-{n}", "power") for n in range(4)),
    waves([0.0, 118.0, 118.0], "noon-1", "power"),
    waves([0.0, 1.0, 1.0], "night-0", "switch_on"),
    waves([0.0, 50.0, 100.0], "night-0", "dim_level"),
    st.builds(leaving, st.sampled_from(["night-3", "noon-1", "feeder-1"])),
    st.builds(lambda: lambda driver: driver.register(facility("feeder-1", FacilityClass.LAMP_FEEDER))),
    rules(
        FacilityClass.STREET_LAMP,
        {"lamp.dark_s": 10.0, "lamp.power_s": 10.0, "lamp.day_s": 10.0, "lamp.cycles": 1.0},
        {"lamp.dark_share": 0.1, "lamp.samples": 1.0},
    ),
)
LIMITS = st.one_of(
    waves([0.0, 9.0, 12.0, 30.0], "gas-1", "gas_lel"),
    waves([10.0, 20.0, 41.0], "gas-1", "temperature"),
    st.builds(leaving, st.just("gas-1")),
    st.builds(
        lambda low: lambda driver: driver.register(sniffer(**{"limit_temperature.low": low})),
        st.sampled_from([5.0, 15.0]),
    ),
    rules(
        FacilityClass.GAS_SENSOR,
        {"limit_gas_lel.high": 20.0},
        {"limit_temperature.high": 40.0, "limit_gas_lel.for_s": 30.0},
        {"limit_temperature.rise": 9.0, "limit_temperature.change_s": 60.0},
    ),
)


SURFACES = st.one_of(
    st.builds(
        picturing,
        st.sampled_from(["road-1", "road-1", "pole-1"]),
        st.sampled_from(["cam-8", "cam-9"]),
        st.sampled_from(["pothole", "pothole", "cover_missing", "surface_clear", "car"]),
        st.fixed_dictionaries(
            {},
            optional={
                "area_m2": st.sampled_from([0.1, 0.6]),
                "confidence": st.sampled_from([0.2, 0.5, 0.9]),
                "phase": st.sampled_from(TrackPhase),
            },
        ),
        st.sampled_from([0, 0, 60]),
        present=st.sampled_from([True, True, True, False]),
    ),
    waves([0.01, 0.7], "cam-8", "surface_area"),
    st.builds(leaving, st.sampled_from(["road-1", "pole-1"])),
    st.builds(lambda: lambda driver: driver.register(facility("road-1", FacilityClass.ROAD_SECTION, "cam-8", "cam-9"))),
    rules(
        FacilityClass.ROAD_SECTION,
        {"surface.hits": 1.0, "surface.passes": 1.0, "surface.forget_s": 100.0},
        {"surface.pass_s": 30.0, "surface.clear_passes": 1.0},
        {"surface.area_m2": 2.0, "surface.within_m": 0.0},
    ),
)
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


def humming(usual: int, off: int, more: float, *, anew: bool) -> Action:
    """A site says so often what it always says, then so often that and more; a new site may stand there."""

    def act(driver: PipelineTestDriver) -> None:
        if anew:
            leaving("site-1")(driver)
            driver.register(site())
        if ("site-1", None) in driver._speaks_for:
            for number in range(usual + off):
                by = more if number >= usual else 0.0
                driver.read("site-1", "humidity", 40.0 + number * 7 % 11 / 10 + by)
                driver.advance(20.0)

    return act


HUMS = st.one_of(
    st.builds(
        humming,
        st.sampled_from([5, 90]),
        st.sampled_from([0, 2, 8]),
        st.sampled_from([20.0, -20.0, 50.0]),
        anew=st.sampled_from([True, False, False]),
    ),
    waves([40.0, 40.3, 60.0], "site-1", "humidity"),
    st.builds(leaving, st.just("site-1")),
    st.builds(
        lambda devices, high: lambda driver: driver.register(site(*devices, **high)),
        st.sampled_from([("site-1",), ("site-1", "other-1")]),
        st.sampled_from([{}, {}, {"limit_humidity.high": 90.0}]),
    ),
    rules(FacilityClass.AIR_STATION, {"novelty.watch": 0.0}, {"novelty.samples": 2.0, "novelty.departures": 2.0}),
)
DETECTORS: dict[str, tuple[tuple[Detector[Any], ...], st.SearchStrategy[Action]]] = {
    "cover": ((CoverDetector(),), COVERS),
    "parking": ((ParkingDetector(),), BAYS),
    "surface": ((SurfaceDetector(),), SURFACES),
    "silence": ((SilenceDetector(),), LAMPS),
    "clock": ((ClockDetector(),), LAMPS),
    "counters": ((CountersDetector(), LeakDetector()), METERS),
    "level": ((LevelDetector(),), LEVELS),
    "lamp": ((LampDetector(),), NIGHTS),
    "limit": ((LimitDetector(),), LIMITS),
    "health": ((HealthDetector(),), AIRS),
    "novelty": ((NoveltyDetector(),), HUMS),
    "all": (ALL, st.one_of(COVERS, BAYS, SURFACES, LAMPS, METERS, LEVELS, NIGHTS, LIMITS, AIRS, HUMS)),
}


def meter(**policy: float | None) -> Facility:
    return facility("meter-1", FacilityClass.FLOW_METER, "wm", interval_s=10.0, **policy)


def second_cover(every_s: float | None) -> Facility:
    return facility(
        "cover-2", FacilityClass.MANHOLE_COVER, interval_s=every_s, tilt_deg=5.0, rules={"cover.depth_m": 2.0}
    )


def night_lamp(name: str, lon: float = -74.0) -> Facility:
    """Where it is evening when stories begin, and for hours after."""
    made = facility(name, FacilityClass.STREET_LAMP, rules={"lamp.rated_w": 120.0})
    return made.model_copy(update={"place": Place(lon=lon, lat=34.03)})


def sniffer(**rules: float) -> Facility:
    return facility("gas-1", FacilityClass.GAS_SENSOR, rules=rules or None)


def site(*devices: str, **rules: float) -> Facility:
    hasty = {"novelty.learn_d": 0.0, "novelty.learn_readings": 32.0, "novelty.for_s": 30.0, "novelty.samples": 3.0}
    return facility("site-1", FacilityClass.AIR_STATION, *devices, rules=hasty | rules)


def street(detectors: tuple[Detector[Any], ...]) -> PipelineTestDriver:
    driver = PipelineTestDriver(*detectors, tick_s=10.0, lateness_s=1800.0)
    driver.register(cover(), second_cover(None), bay("bay-1", "mag", "radar", max_stay_s=60.0))
    driver.register(
        facility("road-1", FacilityClass.ROAD_SECTION, "cam-8", "cam-9"), facility("pole-1", FacilityClass.CAMERA)
    )
    driver.register(facility("lane-1", FacilityClass.TRAVEL_LANE, "loop", "cam-1"))
    driver.register(kerb(), lamp("lamp-1", "b", "a"), meter(m3_per_pulse=0.01))
    driver.register(facility("bin-1", FacilityClass.WASTE_BIN), facility("road-1", FacilityClass.ROAD_SECTION))
    driver.register(facility("feeder-1", FacilityClass.LAMP_FEEDER), night_lamp("noon-1", 150.0), sniffer())
    driver.register(*(night_lamp(f"night-{n}") for n in range(4)))
    airs = [facility(name, FacilityClass.AIR_STATION, rules=HASTE) for name in ("air-1", "air-2")]
    driver.register(*airs, site())
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

    @settings(RELAXED, max_examples=examples(60))
    @given(steps, st.frozensets(st.integers(0, 30), max_size=6))
    def check(story: list[Action], restarts: frozenset[int]) -> None:
        plain, restarted = played(detectors, story, frozenset()), played(detectors, story, restarts)
        assert records(restarted) == records(plain) == replayed(plain, detectors)
        assert state(restarted.fold) == state(plain.fold)
        earless = PartitionFold(
            [cast("Detector[Any]", Earless(one)) for one in detectors], 1_800_000, models=plain.fold._models
        )
        said = [outgoing(output, "/test").value for output in earless.fold(plain.log)]
        assert said == records(plain)
        assert state(earless) == state(plain.fold)
        assert plain.quarantined == []  # nothing that the schemas allow is poison
        for steps_of_one in finding_ids(plain.findings).values():
            assert steps_of_one in ([Transition.RAISED], [Transition.RAISED, Transition.CLEARED])
        subjects = [(one.kind, one.subject) for one in plain.open]
        assert len(subjects) == len(set(subjects))  # at most one of a kind is open per subject

    check()


def test_the_stories_do_raise_and_clear() -> None:
    seen: set[str] = set()
    for detectors, actions in DETECTORS.values():
        steps = st.lists(st.one_of(actions, st.builds(passing, SOON)), min_size=40, max_size=60)

        @settings(RELAXED, max_examples=25, derandomize=True)
        @given(st.just(detectors), steps)
        def look(detectors: tuple[Detector[Any], ...], story: list[Action]) -> None:
            seen.update(f"{one.transition} {one.detector}" for one in played(detectors, story, frozenset()).findings)

        look()
    assert seen == {
        f"{step} {name}"
        for step in ("raised", "cleared")
        for name in ("cover", "parking", "surface", "silence", "clock", "level", "lamp", "limit", "health", "novelty")
    }


@pytest.mark.parametrize("detector", ALL, ids=lambda detector: detector.name)
def test_a_new_state_survives_its_snapshot(detector: Detector[Any]) -> None:
    data = detector.snapshot(detector.initial("z"))
    assert detector.snapshot(detector.restore("z", data)) == data


@pytest.mark.parametrize("detector", ALL, ids=lambda detector: detector.name)
def test_bytes_that_are_no_snapshot_are_refused(detector: Detector[Any]) -> None:
    with pytest.raises(ValueError, match=r"Expected|malformed|truncated"):
        detector.restore("z", b"\x01")
