"""Steps of stories that nobody thought of: words, pictures, registrations, rules, and time."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from street_kit import ZONE

from processors.engine.driver import PipelineTestDriver
from schemas.camera import TrackPhase
from schemas.curb import CurbPolicy, TimeSpan
from schemas.facility import FacilityClass, Place, Policy
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


def seeing(where: str, track: str, phase: TrackPhase, label: str, more: dict[str, Any], *, present: bool) -> Action:
    def act(driver: PipelineTestDriver) -> None:
        if where in driver._facilities:
            driver.see("cam-1", where, track, phase=phase, label=label, present=present, **more)

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


CURBS: list[tuple[CurbPolicy, ...] | None] = [
    None,
    (CurbPolicy(priority=1, activity="parking", max_stay_s=100.0, no_return_s=300.0),),
    (
        CurbPolicy(
            priority=1,
            activity="no stopping",
            time_spans=(TimeSpan(time_of_day_start="08:00", time_of_day_end="08:05"),),  # in Xuchang, midnight UTC
        ),
        CurbPolicy(priority=2, activity="no parking"),
    ),
]


def picturing(where: str, by: str, label: str, more: dict[str, Any], age_s: int, *, present: bool) -> Action:
    def act(driver: PipelineTestDriver) -> None:
        if where in driver._facilities:
            track = f"{label}-{driver.now_ms}"
            at_ms = driver.now_ms - age_s * 1000
            driver.see(by, where, track, label=label, present=present, at_ms=at_ms, **more)
            driver.advance(20)

    return act


def numbered(boot: str, seqs: list[int]) -> Action:
    """A station counts its messages, as it pleases."""

    def act(driver: PipelineTestDriver) -> None:
        for seq in seqs:
            if ("air-1", None) in driver._speaks_for:
                driver.read("air-1", "temperature", 60.0 if seq % 50 == 0 else 20.0 + seq % 3, seq=seq, boot=boot)
                driver.advance(20.0)

    return act
