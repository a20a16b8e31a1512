"""Leaks of a district metered area without a model, from its pressures and flows (docs/processors/leak.md).

Steps are closed by clock time (:mod:`.leak_steps`), a model learns what is usual (:mod:`.leak_model`), pure functions
judge what the last hours say against it (:mod:`.leak_judge`); here a verdict becomes the life of a finding. What
grows shows in the night (:mod:`.leak_night`), for which one flow meter is enough, and sooner in how pressures drift
against each other (:mod:`.leak_pairs`).
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors.leak_book import narrow
from processors.detectors.leak_life import advance, end_all
from processors.detectors.leak_nightly import CONSUMED, know_roles, through_the_night
from processors.detectors.leak_paired import through_the_day
from processors.detectors.leak_state import LeakState, Sensor, Site, from_bytes, to_bytes
from processors.engine.contract import QUIET, Clock, Ear, Outcome, Reading, Series, Timer, TimerDue, ZoneEvent, deaf
from schemas.anomaly import Anomaly
from schemas.facility import FacilityClass
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.water import WaterNetworkConfigured

_WANTED: Final = {
    FacilityClass.PRESSURE_METER: "pressure",
    FacilityClass.FLOW_METER: "flow",
    FacilityClass.WATER_TANK: "water_level",
    FacilityClass.WATER_METER: "flow",
}


class LeakDetector:
    """Finds bursts where there are flow and pressure meters, and growing leaks where there are flow meters."""

    name = "leak"
    version = 7
    hears_late = False
    hears_cameras = False

    def initial(self, zone: str) -> LeakState:
        """Nothing known."""
        return LeakState(zone=zone)

    def wants(self, series: Series) -> bool:
        """Pressures, flows and tank levels."""
        return _WANTED.get(series.facility_class) == series.observed_property

    def ear(self, state: LeakState, series: Series) -> Ear | None:
        """Nearly every reading belongs to a step that is open."""
        if not state.is_heard:
            return deaf
        key = _key(series)
        return state.steps.ear(key) if key in state.sensors and _is_used(state, series) else None

    def fold(self, state: LeakState, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Collect readings; when the timer says so, close steps and judge them."""
        outputs: list[Anomaly] = []
        for event in events:
            if isinstance(event, Reading):
                if state.is_heard:
                    _take(state, event)
            elif isinstance(event, TimerDue):
                state.timer_ms = None
                for step in state.steps.close(clock):
                    outputs.extend(advance(state, step, self.version))
                    outputs.extend(through_the_night(state, step, self.version))
                    outputs.extend(through_the_day(state, step, self.version))
            else:
                outputs.extend(self._learn(state, event, clock))
        due = state.steps.due_ms()
        if due == state.timer_ms:
            return Outcome(outputs) if outputs else QUIET
        state.timer_ms = due
        return Outcome(outputs, (Timer("step", due),))

    def _learn(self, state: LeakState, event: ZoneEvent, clock: Clock) -> list[Anomaly]:
        outputs: list[Anomaly] = []
        was_heard = state.is_heard
        match event:
            case FacilityRegistered():
                _register(state, event)
            case FacilityLeft():
                _leave(state, event.facility)
                if was_heard and not state.is_heard:
                    outputs = end_all(state, clock.now_ms, self.version, "no flow meter is left")
            case ZoneConfigured():
                state.name = event.name or ""
                state.place = event.place.model_dump_json(by_alias=True)
            case WaterNetworkConfigured():
                if event.model is not None and not state.located:
                    outputs = end_all(state, clock.now_ms, self.version, "the network's model is known: see its pipes")
                elif event.model is None:
                    outputs = know_roles(state, event, clock.now_ms, self.version)
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

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:  # noqa: ARG002 - the zone stands in the data
        """Versions 5 and 6 knew all but how pressures go together; of those before nothing is known."""
        return data if version in (5, 6) else None


def _take(state: LeakState, reading: Reading) -> None:
    series = reading.series
    if not _is_used(state, series):
        return
    key = _key(series)
    if key not in state.sensors:
        consumed = series.facility_class is FacilityClass.WATER_METER
        state.sensors[key] = Sensor(series.facility, series.device, CONSUMED if consumed else series.observed_property)
    state.steps.add(key, reading)


def _is_used(state: LeakState, series: Series) -> bool:
    """Many meters that speak every hour must not make the steps of few that speak every five minutes."""
    if series.facility_class is not FacilityClass.WATER_METER:
        return True
    return bool(state.steps.interval_ms) and series.facility in state.roles


def _key(series: Series) -> str:
    return f"{series.facility}|{series.device}|{series.observed_property}"


def _register(state: LeakState, event: FacilityRegistered) -> None:
    facility = event.facility
    if facility.facility_class in _WANTED:
        place = facility.place
        is_flow_meter = facility.facility_class is FacilityClass.FLOW_METER
        name = facility.name or facility.facility
        state.sites[facility.facility] = Site(place.lon, place.lat, name, is_flow_meter)


def _leave(state: LeakState, facility: str) -> None:
    state.sites.pop(facility, None)
    for key in [key for key, sensor in state.sensors.items() if sensor.facility == facility]:
        del state.sensors[key]
    narrow(state.trust.book, set(state.sensors))
