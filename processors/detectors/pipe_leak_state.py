"""What the detector of located leaks remembers of one zone, and its bytes."""

from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np

from processors.detectors.common import Site
from processors.detectors.pipe_leak_steps import OpenSteps, Taken
from processors.engine.contract import Models
from processors.leak.core import STEP_S, LeakCore
from processors.leak.network import NetworkModel
from processors.leak.scale import Scale
from processors.leak.settings import Settings
from schemas.facility import Place
from schemas.water import WaterNetworkConfigured, WaterRole

DIGITS: Final = 4
"""What a conversion of units adds behind them is no reading."""
PER_DAY: Final = 86_400 // STEP_S
PA_PER_M: Final = 9806.65
"""Of water, as EPANET and metering practice have it."""
_UNITS: Final = {WaterRole.PRESSURE: PA_PER_M, WaterRole.OUTLET: -1.0}


class OpenLeak(msgspec.Struct):
    """A finding that is raised and not cleared."""

    kind: str
    pipe: int
    """As the core calls it, and the finding's id."""
    cause: int
    """The tick in which the core said it."""
    since_ms: int
    named: int
    """The pipe that is named now."""
    flow: float
    sure: float
    """Probability that the leak is near the named pipe."""
    evidence: float
    """Twice the log likelihood ratio that raised it."""
    likely: tuple[tuple[int, float], ...] = ()
    """The likeliest pipes, each with its own probability."""
    shown: tuple[tuple[str, float], ...] = ()
    """Keys of the sensors that say most, and by how many metres."""
    balance: float | None = None
    """m3/h more than usual."""
    updates: int = 0


class Meter(msgspec.Struct):
    """Who speaks for a sensor of the network, as evidence names it."""

    device: str
    observed_property: str


class MeterDoubt(msgspec.Struct):
    """A finding about a meter that is raised and not cleared."""

    key: str
    kind: int
    """As :mod:`processors.leak.state` names the ways in which a meter lies."""
    since_ms: int
    error: float


class PipeLeakState:
    """Everything of one zone; empty until a network with a model is configured."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.place: Place | None = None
        self.configured: WaterNetworkConfigured | None = None
        self.core: LeakCore | None = None
        self.roles: dict[str, WaterRole] = {}
        self.meters: dict[str, Meter] = {}
        self.steps = OpenSteps()
        self.opened: list[OpenLeak] = []
        self.due = 0
        """The first tick in which one of them may have to be measured anew: derived from them, and never written."""
        self.doubted: dict[tuple[str, int], MeterDoubt] = {}
        """By meter and kind."""
        self.sites: dict[str, Site] = {}
        """Where the zone's meters stand, by facility."""
        self.timer_ms: int | None = None

    def begin(self, configured: WaterNetworkConfigured, core: LeakCore | None) -> None:
        """Know the network; everything that was learnt of another is forgotten."""
        self.configured, self.core = configured, core
        sensors = () if core is None else core.sensors
        known = frozenset(sensors)
        self.roles = {sensor.key: sensor.role for sensor in configured.sensors if sensor.key in known}
        if core is not None:
            units = np.array([_UNITS.get(self.roles.get(key, WaterRole.INLET), 1.0) for key in sensors])
            core.count_in(Scale(units, DIGITS))
        self.meters, self.steps, self.opened, self.doubted = {}, OpenSteps(sensors), [], {}


class _Written(msgspec.Struct):
    zone: str
    place: str | None
    configured: str | None
    core: bytes | None
    meters: dict[str, Meter]
    steps: dict[int, dict[str, list[Taken]]]
    next_slot: int | None
    opened: list[OpenLeak]
    doubted: list[MeterDoubt]
    sites: dict[str, Site]
    timer_ms: int | None


_encoder: Final = msgspec.msgpack.Encoder()  # it can sort no integer keys: OpenSteps does
_decoder: Final = msgspec.msgpack.Decoder(_Written)


def network_of(models: Models, configured: WaterNetworkConfigured) -> NetworkModel | None:
    """The model of a network, if it has one.

    Raises:
        ValueError: the bytes it names are no model that this version reads.
    """
    return None if configured.model is None else _parsed(models(configured.model))


@lru_cache(maxsize=32)
def _parsed(data: bytes) -> NetworkModel:
    """Once for all the partitions of a process: megabytes, the same for the same bytes."""
    return NetworkModel.from_bytes(data)


def to_bytes(state: PipeLeakState) -> bytes:
    """Equal bytes for equal states, in whatever order they came to know what they know."""
    return _encoder.encode(
        _Written(
            state.zone,
            _json(state.place),
            _json(state.configured),
            None if state.core is None else state.core.to_bytes(),
            dict(sorted(state.meters.items())),
            state.steps.written(),
            state.steps.next_slot,
            state.opened,
            [doubt for _, doubt in sorted(state.doubted.items())],
            dict(sorted(state.sites.items())),
            state.timer_ms,
        )
    )


def from_bytes(data: bytes, models: Models, settings: Settings) -> PipeLeakState:
    """Read :func:`to_bytes`.

    Raises:
        ModelMissingError: the model it was made with is not at hand.
        ValueError: the bytes are no such state.
    """
    written = _decoder.decode(data)
    state = PipeLeakState(written.zone)
    if written.place is not None:
        state.place = Place.model_validate_json(written.place)
    if written.configured is not None:
        configured = WaterNetworkConfigured.model_validate_json(written.configured)
        network = network_of(models, configured)
        core = None
        if network is not None and written.core is not None:
            core = LeakCore.from_bytes(written.core, network, settings)
        state.begin(configured, core)
    sensors = () if state.core is None else state.core.sensors
    state.meters, state.steps = written.meters, OpenSteps(sensors, written.steps, written.next_slot)
    state.opened, state.timer_ms = written.opened, written.timer_ms
    state.doubted = {(doubt.key, doubt.kind): doubt for doubt in written.doubted}
    state.sites = written.sites
    return state


def _json(model: Any) -> str | None:
    return None if model is None else model.model_dump_json(by_alias=True)
