"""Bursts in a district metered area without a model, from its pressures and flows (docs/processors/leak.md).

Steps are closed by clock time (:mod:`.leak_steps`), a model learns what is usual (:mod:`.leak_model`), pure functions
judge what the last hours say against it (:mod:`.leak_judge`); here a verdict becomes the life of a finding.
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors.leak_life import advance, hand_over
from processors.detectors.leak_state import LeakState, Sensor, Site, from_bytes, to_bytes
from processors.engine.contract import QUIET, Clock, Outcome, Reading, Series, Timer, TimerDue, ZoneEvent
from schemas.anomaly import Anomaly
from schemas.facility import FacilityClass
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.water import WaterNetworkConfigured

_WANTED: Final = {
    FacilityClass.PRESSURE_METER: "pressure",
    FacilityClass.FLOW_METER: "flow",
    FacilityClass.WATER_TANK: "water_level",
}


class LeakDetector:
    """Finds abrupt bursts, one finding each, in every zone that has flow and pressure meters and no model."""

    name = "leak"
    version = 3
    hears_late = False
    hears_cameras = False

    def initial(self, zone: str) -> LeakState:
        """Nothing known."""
        return LeakState(zone=zone)

    def wants(self, series: Series) -> bool:
        """Pressures, flows and tank levels."""
        return _WANTED.get(series.facility_class) == series.observed_property

    def fold(self, state: LeakState, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Collect readings; when the timer says so, close steps and judge them."""
        outputs: list[Anomaly] = []
        for event in events:
            if isinstance(event, Reading):
                if not state.located:
                    _take(state, event)
            elif isinstance(event, TimerDue):
                state.timer_ms = None
                for step in state.steps.close(clock):
                    outputs.extend(advance(state, step, self.version))
            else:
                outputs.extend(self._learn(state, event, clock))
        due = state.steps.due_ms()
        if due == state.timer_ms:
            return Outcome(outputs) if outputs else QUIET
        state.timer_ms = due
        return Outcome(outputs, (Timer("step", due),))

    def _learn(self, state: LeakState, event: ZoneEvent, clock: Clock) -> list[Anomaly]:
        outputs: list[Anomaly] = []
        match event:
            case FacilityRegistered():
                _register(state, event)
            case FacilityLeft():
                _leave(state, event.facility)
            case ZoneConfigured():
                state.name = event.name or ""
                state.place = event.place.model_dump_json(by_alias=True)
            case WaterNetworkConfigured():
                if event.model is not None and not state.located:
                    outputs = hand_over(state, clock.now_ms, self.version)
                state.located = event.model is not None
            case _:
                pass
        return outputs

    def snapshot(self, state: LeakState) -> bytes:
        """Deterministic bytes."""
        return to_bytes(state)

    def restore(self, zone: str, data: bytes) -> LeakState:
        """What :meth:`snapshot` wrote."""
        state = from_bytes(data)
        assert state.zone == zone, "a snapshot of another zone"
        return state

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:  # noqa: ARG002 - nothing is known of them
        """Not known: the state is folded from the log again."""
        return None


def _take(state: LeakState, reading: Reading) -> None:
    series = reading.series
    key = f"{series.facility}|{series.device}|{series.observed_property}"
    if key not in state.sensors:
        state.sensors[key] = Sensor(series.facility, series.device, series.observed_property)
    state.steps.add(key, reading)


def _register(state: LeakState, event: FacilityRegistered) -> None:
    facility = event.facility
    if facility.facility_class in _WANTED:
        place = facility.place
        state.sites[facility.facility] = Site(place.lon, place.lat, facility.name or facility.facility)


def _leave(state: LeakState, facility: str) -> None:
    state.sites.pop(facility, None)
    for key in [key for key, sensor in state.sensors.items() if sensor.facility == facility]:
        del state.sensors[key]
