"""Facilities of a small street, and what tests of detectors ask of a driver."""

from collections.abc import Iterable
from typing import Any

from state_kit import restored

from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from processors.engine.outputs import outgoing
from schemas.anomaly import Anomaly
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.model import to_ms

ZONE = "segment:1"


def facility(
    name: str,
    kind: FacilityClass,
    *devices: str,
    interval_s: float | None = None,
    zone: str = ZONE,
    **policy: Any,
) -> Facility:
    """A facility with these devices; without any it has one named like itself."""
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=kind,
        zone=zone,
        place=Place(lon=113.85, lat=34.03, grid="411002001003011", district="411002"),
        devices=tuple(DeviceBinding(device=device, interval_s=interval_s) for device in devices or (name,)),
        policy=Policy(**policy),
    )


def cover(name: str = "cover-1", **policy: Any) -> Facility:
    return facility(name, FacilityClass.MANHOLE_COVER, **policy)


def bay(name: str = "bay-1", *devices: str, max_stay_s: float | None = 3600.0, **policy: Any) -> Facility:
    return facility(name, FacilityClass.PARKING_BAY, *devices, max_stay_s=max_stay_s, **policy)


def kerb(name: str = "kerb-1", activity: str = "no_stopping", **policy: Any) -> Facility:
    return facility(name, FacilityClass.CURB_ZONE, "cam-1", activity=activity, **policy)


def lamp(name: str = "lamp-1", *devices: str, interval_s: float | None = 60.0, zone: str = ZONE) -> Facility:
    return facility(name, FacilityClass.STREET_LAMP, *devices, interval_s=interval_s, zone=zone)


def said(driver: PipelineTestDriver) -> list[str]:
    """Every step of every finding: ``raised cover_open cover-1``."""
    return [f"{one.transition} {one.kind} {one.subject}" for one in driver.findings]


def at_s(driver: PipelineTestDriver, finding: Anomaly) -> float:
    """The event time of a step, in seconds after the first tick."""
    first = next(event for event in driver.log if hasattr(event, "received_to"))
    return (to_ms(finding.at) - to_ms(first.time)) / 1000


def restart(driver: PipelineTestDriver) -> None:
    """The fold goes through its own snapshot, which must say the same of itself afterwards."""
    driver.fold = restored(driver.fold)


def replayed(driver: PipelineTestDriver, detectors: Iterable[Detector[Any]]) -> list[bytes]:
    """The records that a new fold makes of the driver's log."""
    fold = PartitionFold(tuple(detectors), driver.fold._lateness_ms, models=driver.fold._models)
    return [outgoing(output, "/test").value for output in fold.fold(driver.log)]


def records(driver: PipelineTestDriver) -> list[bytes]:
    """The records that were made while it happened."""
    return [outgoing(output, "/test").value for output in driver.outputs]
