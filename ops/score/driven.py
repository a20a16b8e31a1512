"""The pipeline's detector of located leaks, driven as the engine drives it: readings and ticks in, findings out.

What ears take in is no :class:`Reading`, as in the engine; what they do not, is. Nothing of the detector is stepped
over: its own steps are closed by the clock, and what is said is read from its findings.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from processors.detectors.pipe_leak import PipeLeakDetector
from processors.detectors.pipe_leak_state import PA_PER_M
from processors.detectors.pipe_leak_steps import STEP_MS
from processors.engine.contract import QUIET, Clock, Ear, Reading, Series, TimerDue, ZoneEvent
from processors.leak.network import AreaModel, NetworkModel, sensors_of
from processors.leak.settings import SHIPPED, Settings
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.chunks import digest_of
from schemas.facility import FacilityClass
from schemas.identity import numbered
from schemas.model import to_ms
from schemas.observation import Quality
from schemas.water import WaterNetworkConfigured, WaterRole, WaterSensor

Floats = npt.NDArray[np.float64]

ZONE: Final = "dma:ltown"
SHARD: Final = "score"
GOOD: Final = int(Quality.GOOD)
LEAKS: Final = {AnomalyKind.WATER_BURST: "burst", AnomalyKind.WATER_LEAK: "growing"}
CLOSED_AFTER: Final = 4
"""Ticks of the clock after the last reading, until its step is closed."""
_CLASSES: Final = {
    WaterRole.PRESSURE: (FacilityClass.PRESSURE_METER, "Pa"),
    WaterRole.INLET: (FacilityClass.FLOW_METER, "m3/h"),
    WaterRole.PUMP: (FacilityClass.FLOW_METER, "m3/h"),
    WaterRole.TANK_LEVEL: (FacilityClass.WATER_TANK, "m"),
    WaterRole.CONSUMPTION: (FacilityClass.WATER_METER, "m3/h"),
}


class Told(NamedTuple):
    """A step in the life of a leak's finding, as it was published."""

    transition: Transition
    kind: str
    """``burst`` or ``growing``."""
    tick: int
    pipe: str
    """The one that is named now."""
    since: int
    """The tick in which it began."""
    flow: float
    sure: float

    @classmethod
    def of(cls, finding: Anomaly) -> "Told":
        """What a finding of a leak says."""
        return cls(
            finding.transition,
            LEAKS[finding.kind],
            to_ms(finding.at) // STEP_MS,
            finding.subject.rpartition("/")[2],
            to_ms(finding.since) // STEP_MS,
            finding.numbers["extra_flow_m3h"],
            finding.numbers["probability"],
        )


def told(findings: Sequence[Anomaly]) -> list[Told]:
    """What findings say of leaks, in their order; those of meters are left out."""
    return [Told.of(finding) for finding in findings if finding.kind in LEAKS]


def roles_of(network: NetworkModel) -> dict[str, WaterRole]:
    """What each sensor of a model measures, in the order of :func:`processors.leak.network.sensors_of`."""
    roles: dict[str, WaterRole] = {}
    for area in network.areas:
        roles |= dict.fromkeys(area.pressures, WaterRole.PRESSURE) | dict.fromkeys(area.inflows, WaterRole.INLET)
        one = {area.pump: WaterRole.PUMP, area.level: WaterRole.TANK_LEVEL, area.consumption: WaterRole.CONSUMPTION}
        roles |= {key: role for key, role in one.items() if key is not None}
    return {key: roles[key] for key in sensors_of(network)}


def sensor(name: str, role: WaterRole) -> WaterSensor:
    """A column of a table as a sensor of the network."""
    observed = {WaterRole.PRESSURE: "pressure", WaterRole.TANK_LEVEL: "water_level"}.get(role, "flow")
    return WaterSensor(facility=name, observed_property=observed, role=role)


def as_configured(network: NetworkModel) -> NetworkModel:
    """A model whose sensors are called like columns, as the pipeline calls them."""
    key = {name: sensor(name, role).key for name, role in roles_of(network).items()}

    def renamed(area: AreaModel) -> AreaModel:
        return msgspec.structs.replace(
            area,
            pressures=tuple(key[name] for name in area.pressures),
            inflows=tuple(key[name] for name in area.inflows),
            pump=area.pump and key[area.pump],
            level=area.level and key[area.level],
            consumption=area.consumption and key[area.consumption],
        )

    return msgspec.structs.replace(network, areas=tuple(map(renamed, network.areas)))


Come = tuple[int, int, float, str, int]
"""A reading on its way: of which column, when it was taken (ms), in the canonical unit, its identity, when it came."""


def rows(network: NetworkModel, values: Floats, first: int) -> Iterator[tuple[int, list[Come]]]:
    """Every tick, and what is measured then; it comes at once, numbered by its meter.

    ``values``: metres of water, m3/h and metres, by tick from ``first`` on and by sensor of the model; NaN: lost.
    """
    units = [PA_PER_M if role is WaterRole.PRESSURE else 1.0 for role in roles_of(network).values()]
    there = ~np.isnan(values)
    columns = range(len(units))
    for tick, (row, known) in enumerate(zip(values * units, there, strict=True), first):
        at_ms = tick * STEP_MS
        at, identity = repeat(at_ms), repeat(numbered("", tick))
        taken = row.tolist()
        if known.all():
            yield tick, list(zip(columns, at, taken, identity, at, strict=False))
        else:
            some = np.flatnonzero(known).tolist()
            yield tick, list(zip(some, at, [taken[column] for column in some], identity, at, strict=False))


def _hears_nothing(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
    return False


class Driven:
    """The detector of one network, from its configuration on."""

    def __init__(self, network: NetworkModel, settings: Settings = SHIPPED) -> None:
        """Configure it, cold. ``network``: its sensors called like the columns that are fed."""
        roles = roles_of(network)
        data = as_configured(network).to_bytes()
        self.detector = PipeLeakDetector({digest_of(data): data}.__getitem__, settings)
        self.state = self.detector.initial(ZONE)
        self.findings: list[Anomaly] = []
        self._clock = Clock(0, {SHARD: 0})
        self._due: tuple[str, int] | None = None
        self._series = [
            Series(name, sensor(name, role).observed_property, unit, name, kind, ZONE)
            for name, role in roles.items()
            for kind, unit in (_CLASSES[role],)
        ]
        self._ears: list[Ear] = [_hears_nothing] * len(self._series)
        sensors = tuple(sensor(name, role) for name, role in roles.items())
        self._fold(WaterNetworkConfigured(zone=ZONE, model=digest_of(data), sensors=sensors))

    def live(self, ticks: Iterable[tuple[int, Iterable[Come]]]) -> None:
        """Ticks of the clock one after the other, each with what came by then; it is heard behind what was due."""
        for tick, readings in ticks:
            self.tick(tick * STEP_MS)
            self.hear(readings)

    def close(self) -> None:
        """Let the clock go on until nothing is open any more."""
        for _ in range(CLOSED_AFTER):
            self.tick(self._clock.now_ms + STEP_MS)

    @property
    def state_bytes(self) -> int:
        """How large a snapshot is now."""
        return len(self.detector.snapshot(self.state))

    def hear(self, readings: Iterable[Come]) -> None:
        """Readings in the order in which they came, each as its meter's ear or else the fold hears it."""
        ears, now_ms = self._ears, self._clock.now_ms
        for column, at_ms, value, identity, come_ms in readings:
            if not ears[column](at_ms, value, identity, come_ms, now_ms, SHARD):
                self._fold(Reading(self._series[column], at_ms, value, identity, GOOD, come_ms, SHARD))
                ears[column] = self.detector.ear(self.state, self._series[column]) or _hears_nothing

    def tick(self, now_ms: int) -> None:
        """A tick of the clock, up to which everything was received; fires what is due."""
        self._clock = Clock(now_ms, {SHARD: now_ms})
        if self._due is not None and self._due[1] <= now_ms:
            name, at_ms = self._due
            self._due = None
            self._fold(TimerDue(name, at_ms))

    def _fold(self, event: ZoneEvent) -> None:
        outcome = self.detector.fold(self.state, (event,), self._clock)
        if outcome is QUIET:
            return
        self.findings += [one for one in outcome.outputs if isinstance(one, Anomaly)]
        for name, at_ms in outcome.timers:
            self._due = None if at_ms is None else (name, at_ms)
