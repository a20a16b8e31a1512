"""Lamps and feeders of a street, and what they take."""

from datetime import datetime

from street_kit import facility, said

from processors.detectors.lamp import LampDetector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import Facility, FacilityClass

RATED = 120.0
NOON = datetime.fromisoformat("2026-03-02T04:00:00Z")  # at 113.85 E the sun sets at 10:24 and rises at 22:52
NIGHT = datetime.fromisoformat("2026-03-02T12:00:00Z")
MINUTE, HOUR = 60.0, 3600.0


def lamp(name: str, **rules: float) -> Facility:
    named = {f"lamp.{key}": value for key, value in {"rated_w": RATED, **rules}.items()}
    return facility(name, FacilityClass.STREET_LAMP, rules=named)


def feeder(name: str = "feeder-1", **rules: float) -> Facility:
    named = {f"feeder.{key}": value for key, value in rules.items()}
    return facility(name, FacilityClass.LAMP_FEEDER, **({"rules": named} if named else {}))


def street(start: datetime, *facilities: Facility) -> PipelineTestDriver:
    driver = PipelineTestDriver(LampDetector(), start=start, tick_s=60.0)
    driver.register(*facilities or (lamp("it"),))
    return driver


def take(driver: PipelineTestDriver, *watts: float, name: str = "it", every_s: float = 5 * MINUTE) -> None:
    for value in watts:
        driver.read(name, "power", value)
        driver.advance(every_s)


def all_take(driver: PipelineTestDriver, watts: dict[str, float], times: int = 1, every_s: float = 5 * MINUTE) -> None:
    for _ in range(times):
        for name, value in watts.items():
            driver.read(name, "power", value)
        driver.advance(every_s)


def kinds(driver: PipelineTestDriver) -> list[str]:
    return [step.removesuffix(" it") for step in said(driver)]
