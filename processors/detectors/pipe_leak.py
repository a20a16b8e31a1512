"""Leaks in a network of which a hydraulic model is known: which pipe, since when, how much.

Readings become ticks of five minutes, closed by the clock (:mod:`.pipe_leak_steps`); :mod:`processors.leak` says what
a tick shows; here that becomes the life of a finding.
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors import pipe_leak_meters as meters
from processors.detectors import pipe_leak_report as report
from processors.detectors.common import Site
from processors.detectors.pipe_leak_life import next_due, opened, remeasure
from processors.detectors.pipe_leak_state import Meter, PipeLeakState, from_bytes, network_of, to_bytes
from processors.detectors.pipe_leak_steps import STEP_MS, Step
from processors.engine.contract import (
    QUIET,
    Clock,
    Ear,
    Models,
    Outcome,
    Reading,
    Series,
    Timer,
    TimerDue,
    ZoneEvent,
    deaf,
    no_models,
)
from processors.leak.core import LeakCore
from processors.leak.incidents import REPAIRED, Alarm
from processors.leak.settings import SHIPPED, Settings
from processors.leak.state import MOST
from schemas.anomaly import Anomaly, Transition
from schemas.facility import FacilityClass
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.water import WaterNetworkConfigured

_WANTED: Final = {
    FacilityClass.PRESSURE_METER: "pressure",
    FacilityClass.FLOW_METER: "flow",
    FacilityClass.WATER_METER: "flow",
    FacilityClass.WATER_TANK: "water_level",
}
RECONFIGURED: Final = "the network was configured anew: it can not be followed any more"
TOO_MANY: Final = "more leaks are open than can be followed"


class PipeLeakDetector:
    """Finds bursts and growing leaks pipe by pipe, in every zone whose network is configured with a model."""

    name = "pipe_leak"
    version = 3
    hears_late = False
    hears_cameras = False

    def __init__(self, models: Models = no_models, settings: Settings = SHIPPED) -> None:
        self._models, self._settings = models, settings

    def with_models(self, models: Models) -> "PipeLeakDetector":
        """The same detector, which finds its models there."""
        return PipeLeakDetector(models, self._settings)

    def initial(self, zone: str) -> PipeLeakState:
        """Nothing known."""
        return PipeLeakState(zone)

    def wants(self, series: Series) -> bool:
        """Pressures, flows and tank levels."""
        return _WANTED.get(series.facility_class) == series.observed_property

    def ear(self, state: PipeLeakState, series: Series) -> Ear | None:
        """Nearly every reading of a meter that the network names belongs to a tick that is open."""
        key = _key(series)
        if key not in state.roles:
            return deaf
        return state.steps.ear(key) if key in state.meters else None

    def fold(self, state: PipeLeakState, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Collect readings; when the timer says so, close ticks and see what they show."""
        said: list[Anomaly] = []
        for event in events:
            if isinstance(event, Reading):
                _take(state, event)
            elif isinstance(event, TimerDue):
                state.timer_ms = None
                for step in state.steps.close(clock):
                    said += self._tick(state, step)
            elif isinstance(event, WaterNetworkConfigured):
                said += self._configure(state, event, clock)
            elif isinstance(event, ZoneConfigured):
                state.place = event.place
            elif isinstance(event, FacilityRegistered) and event.facility.facility_class in _WANTED:
                state.sites[event.facility.facility] = Site.of(event.facility)
            elif isinstance(event, FacilityLeft):
                state.sites.pop(event.facility, None)
        due = state.steps.due_ms()
        if due == state.timer_ms:
            return Outcome(said) if said else QUIET
        state.timer_ms = due
        return Outcome(said, (Timer("tick", due),))

    def snapshot(self, state: PipeLeakState) -> bytes:
        """Deterministic bytes; the model is named, not held."""
        return to_bytes(state)

    def restore(self, zone: str, data: bytes) -> PipeLeakState:
        """What :meth:`snapshot` wrote."""
        state = from_bytes(data, self._models, self._settings)
        assert state.zone == zone, "a snapshot of another zone"
        return state

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:  # noqa: ARG002 - nothing is known of them
        """Not known: the state is folded from the log again."""
        return None

    def _configure(self, state: PipeLeakState, event: WaterNetworkConfigured, clock: Clock) -> list[Anomaly]:
        network = network_of(self._models, event)
        before = state.configured
        if before is not None and (before.model, before.sensors) == (event.model, event.sensors):
            state.configured = event  # a name or a price
            return []
        said = [report.ended(state, leak, clock.now_ms, self.name, self.version, RECONFIGURED) for leak in state.opened]
        said += meters.ended(state, clock.now_ms, self.name, self.version, RECONFIGURED)
        state.begin(event, None if network is None else LeakCore(network, self._settings))
        return said

    def _tick(self, state: PipeLeakState, step: Step) -> list[Anomaly]:
        core = state.core
        if core is None:
            return []
        number = step.time_ms // STEP_MS
        said: list[Anomaly] = []
        for alarm in core.tick(number, step.values()):
            said += self._repaired(state, alarm, step) if alarm.kind == REPAIRED else self._found(state, alarm, step)
        if said or number >= state.due:
            for leak in state.opened:
                if remeasure(core, leak, number):
                    said.append(report.said(state, leak, Transition.UPDATED, step, self.name, self.version))
            state.due = next_due(state.opened, number + 1)
        return said + meters.doubts(state, step, self.name, self.version)

    def _found(self, state: PipeLeakState, alarm: Alarm, step: Step) -> list[Anomaly]:
        assert state.core is not None, "it said so"
        said = []
        if len(state.opened) >= MOST:
            said.append(report.ended(state, state.opened.pop(0), step.time_ms, self.name, self.version, TOO_MANY))
        leak = opened(state.core, alarm)
        state.opened.append(leak)
        said.append(report.said(state, leak, Transition.RAISED, step, self.name, self.version))
        return said

    def _repaired(self, state: PipeLeakState, alarm: Alarm, step: Step) -> list[Anomaly]:
        for leak in state.opened:
            if leak.pipe == alarm.pipe:
                state.opened.remove(leak)
                return [report.said(state, leak, Transition.CLEARED, step, self.name, self.version)]
        return []


def _take(state: PipeLeakState, reading: Reading) -> None:
    series = reading.series
    key = _key(series)
    if key in state.roles:
        if key not in state.meters:
            state.meters[key] = Meter(series.device, series.observed_property)
        state.steps.add(key, reading)


def _key(series: Series) -> str:
    return f"{series.facility}/{series.observed_property}"
