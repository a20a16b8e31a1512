"""Levels and limits of the version before go on: of what it remembered stays what this version would have kept."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from street_kit import ZONE, facility, records, replayed, restart

from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from processors.engine.errors import SnapshotError
from schemas.facility import Facility, FacilityClass
from tests.unit.processors.state_kit import slot, state

Recent = list[tuple[int, float]]


class Case(NamedTuple):
    detector: type[LevelDetector] | type[LimitDetector]
    there: Facility
    said: str
    values: tuple[float, ...]
    """Of which the last two are too fast."""
    recent: Callable[[Any], Any]
    """Whose memory it is, of a state."""


CASES = {
    "level": Case(
        LevelDetector,
        facility("it", FacilityClass.ROAD_SECTION, rules={"flood.rise_s": 600.0}),
        "water_level",
        (0.0, 0.0, 0.01, 0.045, 0.046),
        lambda known: known.things["it"].sensors["it"],
    ),
    "limit": Case(
        LimitDetector,
        facility(
            "it",
            FacilityClass.AIR_STATION,
            rules={"limit_temperature.rise": 3.0, "limit_temperature.change_s": 600.0},
        ),
        "temperature",
        (5.0, 5.0, 6.0, 9.5, 9.6),
        lambda known: known.facilities["it"].quantities["temperature"]["it"],
    ),
}
EVERY_S = 10.0  # several in one part of the span


def older(detector: type[Detector[Any]], by: int) -> Detector[Any]:
    """The same code, as a version before."""
    made: Detector[Any] = type("Before", (detector,), {"version": detector.version - by})()  # type: ignore[operator]
    return made


def driven(case: Case, detector: Detector[Any]) -> PipelineTestDriver:
    driver = PipelineTestDriver(detector, tick_s=EVERY_S)
    driver.register(case.there)
    say(driver, case, *case.values[:-2])
    return driver


def say(driver: PipelineTestDriver, case: Case, *values: float) -> None:
    for value in values:
        driver.read("it", case.said, value)
        driver.advance(EVERY_S)


def leave(driver: PipelineTestDriver, case: Case, found: Recent) -> None:
    """Have it in the snapshot."""
    restart(driver)
    asleep = slot(driver.fold, ZONE)
    known = asleep.detector.restore(ZONE, asleep.snapshot())
    case.recent(known).recent = found
    asleep._checkpoint = asleep.detector.snapshot(known)
    assert recent(driver, case) == found


def recent(driver: PipelineTestDriver, case: Case) -> Recent:
    known = case.detector().restore(ZONE, slot(driver.fold, ZONE).snapshot())
    found: Recent = case.recent(known).recent
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_the_version_before_remembered_goes_on_by_the_present_rule(name: str) -> None:
    case = CASES[name]
    old, new = driven(case, older(case.detector, 1)), driven(case, case.detector())
    kept = recent(new, case)
    again = (kept[0][0] + 1, kept[0][1])  # two equal ones in one part, as the version before may have left them
    leave(old, case, [kept[0], again, *kept[1:]])
    old.fold, _ = PartitionFold.restore([case.detector()], old.fold._lateness_ms, state(old.fold))
    assert recent(old, case) == kept
    assert slot(old.fold, ZONE).snapshot() == slot(new.fold, ZONE).snapshot()
    restart(old)
    for driver in (old, new):
        say(driver, case, *case.values[-2:])
    assert [one.detector_version for one in new.findings] == [case.detector.version]
    assert old.findings == new.findings
    assert replayed(new, [case.detector()]) == records(new)


@pytest.mark.parametrize("name", CASES)
def test_of_versions_before_that_nothing_is_known(name: str) -> None:
    case = CASES[name]
    driver = driven(case, older(case.detector, 2))
    with pytest.raises(SnapshotError, match=f"{name} .* cannot become version {case.detector.version}"):
        PartitionFold.restore([case.detector()], driver.fold._lateness_ms, state(driver.fold))


def test_what_was_kept_for_a_limit_that_is_gone_stays_as_it_was() -> None:
    """By what span it was kept is not known any more."""
    case = CASES["limit"]
    driver = driven(case, older(case.detector, 1))
    driver.register(facility("it", FacilityClass.AIR_STATION, rules={"limit_temperature.high": 60.0}))
    left = [(1, 5.0), (2, 5.0)]
    leave(driver, case, left)
    driver.fold, _ = PartitionFold.restore([case.detector()], driver.fold._lateness_ms, state(driver.fold))
    assert recent(driver, case) == left
