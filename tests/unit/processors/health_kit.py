"""Stories of sensors: lists of readings, played tick by tick."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from street_kit import facility

from processors.detectors.health import HealthDetector
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import Facility, FacilityClass
from schemas.model import to_ms

MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Row(NamedTuple):
    """A reading; ``at_s`` after the beginning."""

    at_s: float
    device: str
    prop: str
    value: float
    seq: int | None = None
    boot: str = ""


def noise(*what: object) -> float:
    """-1 to 1, the same for the same things."""
    return crc32("|".join(map(str, what)).encode()) / 2**31 - 1


def air(device: str, at_s: float, offset: float = 0.0) -> float:
    """Temperature of a day in spring, with what a sensor adds."""
    return round(12.0 + offset + 6.0 * math.sin(2 * math.pi * at_s / DAY) + 0.3 * noise(device, at_s), 2)


def days_of_air(device: str, days: float, begin_s: float = 0.0, every_s: float = 5 * MINUTE) -> list[Row]:
    return [
        Row(at, device, "temperature", air(device, at))
        for at in (begin_s + n * every_s for n in range(int(days * DAY / every_s)))
    ]


def station(name: str = "air-1", *devices: str, **policy: Any) -> Facility:
    return facility(name, FacilityClass.AIR_STATION, *devices, interval_s=300.0, **policy)


def play(driver: PipelineTestDriver, rows: Iterable[Row]) -> PipelineTestDriver:
    """Each reading at its time; they come in the order of the list."""
    begin_ms = to_ms(driver.log[0].time)  # type: ignore[union-attr]
    for row in rows:
        driver.advance_to(begin_ms + round(row.at_s * 1000))
        at_ms = begin_ms + round(row.at_s * 1000)
        driver.read(row.device, row.prop, row.value, seq=row.seq, boot=row.boot, at_ms=at_ms)
    return driver


def told(
    rows: Sequence[Row],
    *facilities: Facility,
    detectors: Sequence[Detector[Any]] = (HealthDetector(),),
    tick_s: float = 300.0,
) -> PipelineTestDriver:
    """A story from its beginning."""
    driver = PipelineTestDriver(*detectors, tick_s=tick_s)
    driver.register(*facilities)
    play(driver, sorted(rows, key=lambda row: row.at_s))
    assert driver.quarantined == []
    return driver
