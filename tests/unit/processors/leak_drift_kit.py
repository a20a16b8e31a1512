"""An area whose pressures go together, hour by hour, for weeks; leaks in it that grow, and sensors that lie."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import water_kit

from processors.engine.driver import PipelineTestDriver
from schemas.facility import Facility, Place
from schemas.registry import ZoneConfigured, ZoneKind

ZONE: Final = "dma:hill"
STEP_S: Final = 3600
PER_DAY: Final = 24
PRESSURES: Final = water_kit.PRESSURES
INLETS: Final = water_kit.FLOWS
NEAR: Final = 2
"""The pressure that is nearest to what leaks."""

Floats = npt.NDArray[np.float64]


def growing(days: int, begin: int, a_day: float, most: float, end: int | None = None) -> Floats:
    """What leaks in each hour, m3/h: more every day from ``begin`` on, until it is repaired."""
    day = np.arange(days * PER_DAY) / PER_DAY
    lost = np.clip((day - begin) * a_day, 0.0, most)
    return np.asarray(np.where(day < (days if end is None else end), lost, 0.0))


def area(days: int, lost: Floats | None = None, seed: int = 1, near: int = NEAR) -> tuple[Floats, Floats]:
    """Pressures (Pa) and inflows (m3/h): about 100 on average, at night 40; a leak lowers the near ones by 0.05 kPa."""
    chance = np.random.default_rng(seed)
    steps = days * PER_DAY
    hour = (np.arange(steps) + 8) % PER_DAY  # by the sun, eight hours before Greenwich
    day = np.arange(steps) // PER_DAY
    people = (1 + 0.03 * chance.standard_normal(days) - 0.1 * (np.arange(days) % 7 >= 5))[day]
    use = (100 - 60 * np.cos(2 * np.pi * (hour - 3) / 24)) * people * (1 + 0.03 * chance.standard_normal(steps))
    lost = np.zeros(steps) if lost is None else lost
    flow = (use + lost)[:, None] * np.array([0.6, 0.4]) * (1 + 0.02 * chance.standard_normal((steps, INLETS)))
    slope = 0.001 * (1 + np.arange(PRESSURES) / 4)
    pressure = 500.0 - 10 * np.arange(PRESSURES) - (flow @ np.array([1.1, 0.9]))[:, None] ** 2 * slope
    apart = np.abs(np.arange(PRESSURES) - near)
    pressure -= lost[:, None] * 0.05 / (1 + apart)
    pressure += 0.05 * chance.standard_normal((steps, PRESSURES))
    return np.round(1000 * pressure), np.round(flow, 2)


Lie = Callable[[Floats, int], Floats]
"""What a pressure says instead, from this hour on."""


def _from(begin: int, before: Floats, after: Floats) -> Floats:
    return np.where(np.arange(len(before)) >= begin, after, before)


def _since(said: Floats, begin: int) -> Floats:
    return np.maximum(np.arange(len(said)) - begin, 0) / PER_DAY


LIES: Final[dict[str, Lie]] = {
    "2 kPa less": lambda said, begin: _from(begin, said, said - 2_000),
    "2 kPa more": lambda said, begin: _from(begin, said, said + 2_000),
    "50 kPa less": lambda said, begin: _from(begin, said, said - 50_000),
    "0.1 kPa less every day": lambda said, begin: said - 100 * _since(said, begin),
    "0.1 kPa more every day": lambda said, begin: said + 100 * _since(said, begin),
    "1 kPa less every day": lambda said, begin: said - 1_000 * _since(said, begin),
    "stands still": lambda said, begin: _from(begin, said, np.full(len(said), said[begin])),
    "stands still, and hisses": lambda said, begin: _from(begin, said, said[begin] + np.arange(len(said)) % 7 * 20.0),
    "in bar": lambda said, begin: _from(begin, said, said / 1e5),
    "in psi": lambda said, begin: _from(begin, said, said * 0.145),
    "x 0.98": lambda said, begin: _from(begin, said, said * 0.98),
    "lost": lambda said, begin: _from(begin, said, np.full(len(said), np.nan)),
    "lost every other day": lambda said, begin: _from(
        begin, said, np.where(np.arange(len(said)) // PER_DAY % 2 == 0, np.nan, said)
    ),
    "lost for a week, and 3 kPa lower": lambda said, begin: _from(
        begin, said, np.where(np.arange(len(said)) < begin + 7 * PER_DAY, np.nan, said - 3_000)
    ),
}


def network() -> tuple[Facility, ...]:
    """Its meters."""
    return water_kit.network(ZONE)


def configured() -> ZoneConfigured:
    """Its name and place."""
    return ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, name="Hill", place=Place(lon=113.85, lat=34.0))


def rows_of(data: tuple[Floats, Floats], step: int, at_ms: int) -> list[tuple[str, str, float, int]]:
    """What is read in one hour."""
    pressure, flow = data
    rows = [(f"p{at}", "pressure", float(v), at_ms) for at, v in enumerate(pressure[step]) if not np.isnan(v)]
    return rows + [(f"q{at}", "flow", float(v), at_ms) for at, v in enumerate(flow[step]) if not np.isnan(v)]


def live(driver: PipelineTestDriver, data: tuple[Floats, Floats], begin: int, end: int) -> None:
    """These hours, one batch each, from now on."""
    for step in range(begin, end):
        driver.read_many(rows_of(data, step, driver.now_ms))
        driver.advance(STEP_S)
