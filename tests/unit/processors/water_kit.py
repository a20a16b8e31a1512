"""A made-up district metered area: pressures that follow the flows, bursts that lower the near ones more."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.engine.driver import PipelineTestDriver
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.registry import ZoneConfigured, ZoneKind

ZONE: Final = "dma:1"
STEP_S: Final = 300
HOUR: Final = 12
DAY: Final = 24 * HOUR
"""In steps."""
PRESSURES: Final = 6
FLOWS: Final = 2
MEAN_M3H: Final = 200.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Burst:
    """Steps from ``start`` up to ``end`` lose ``flow`` m3/h near the pressure of this number."""

    start: int
    end: int
    flow: float = 24.0
    near: int = 2


@lru_cache
def water(steps: int, bursts: tuple[Burst, ...] = (), seed: int = 7) -> tuple[Floats, Floats]:
    """Pressures in Pa and flows in m3/h; the same arguments give the same network on the same days."""
    rng = np.random.default_rng(seed)
    at = np.arange(steps)
    day = 2 * np.pi * at / DAY
    use = MEAN_M3H * (1 + 0.35 * np.sin(day - 2.0) + 0.1 * np.sin(2 * day)) + rng.normal(0, 1.5, steps)
    lost = np.zeros(steps)
    for burst in bursts:
        lost[burst.start : burst.end] += burst.flow
    total = use + lost
    share = np.array([0.6, 0.4])
    flow = total[:, None] * share * (1 + rng.normal(0, 0.002, (steps, FLOWS)))
    head = 400.0 + 10.0 * np.arange(PRESSURES)
    slope = 0.0004 * (1 + 0.3 * np.arange(PRESSURES))
    pressure = head - total[:, None] ** 2 * slope + rng.normal(0, 0.3, (steps, PRESSURES))
    for burst in bursts:
        distance = np.abs(np.arange(PRESSURES) - burst.near)
        pressure[burst.start : burst.end] -= burst.flow * 0.25 / (1 + distance)
    return np.round(pressure * 1000, 0), np.round(flow, 2)


def network(zone: str = ZONE) -> tuple[Facility, ...]:
    """Its meters."""
    return tuple(
        Facility(
            facility=name,
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.PRESSURE_METER if name.startswith("p") else FacilityClass.FLOW_METER,
            name=f"meter {name}",
            zone=zone,
            place=Place(lon=113.85 + n / 1000, lat=34.03),
            devices=(DeviceBinding(device=name),),
        )
        for n, name in enumerate([*(f"p{i}" for i in range(PRESSURES)), *(f"q{i}" for i in range(FLOWS))])
    )


def configured(zone: str = ZONE) -> ZoneConfigured:
    """Its name and place."""
    return ZoneConfigured(zone=zone, kind=ZoneKind.DMA, name="Area 1", place=Place(lon=113.8, lat=34.0))


def flow_on(
    driver: PipelineTestDriver, data: tuple[Floats, Floats], start: int, end: int, *, without: str = ""
) -> None:
    """Steps ``start`` up to ``end`` of these days, one batch each, from now on; one meter may be gone."""
    pressure, flow = data
    for step in range(start, end):
        now_ms = driver.now_ms
        rows = [(f"p{i}", "pressure", float(v), now_ms) for i, v in enumerate(pressure[step])]
        rows += [(f"q{i}", "flow", float(v), now_ms) for i, v in enumerate(flow[step])]
        driver.read_many(row for row in rows if row[0] != without)
        driver.advance(STEP_S)
