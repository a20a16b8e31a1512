"""Readings unlike anything their series has shown, for every numeric property that no rule speaks for.

Each series of a zone has a model of its own (:mod:`processors.novelty`). After a time of learning a score of one half
raises a finding, and a calm stretch clears it: what stays new for long becomes what is usual.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from processors.detectors.common import LEFT, Evidence, Opened, Opening, Packed, Site, Step, Turn
from processors.engine.contract import Clock, Outcome, Reading, Series, ZoneEvent
from processors.novelty import FROZEN, Novelty, Verdict, explain, observe
from processors.novelty.state import NAMES
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.properties import PROPERTIES
from schemas.registry import FacilityLeft, FacilityRegistered

SCORE: Final = 0.5
"""What raises; on the Numenta Anomaly Benchmark the best threshold is 0.52 (docs/processors/novelty.md)."""

LEARNING: Final = 750
"""Readings before a series may raise anything: the longest time of probation of that benchmark."""

CALM: Final = FROZEN.rest + 1
"""Readings in a row without novelty that clear."""

RULED: Final[dict[FacilityClass, frozenset[str]]] = {
    FacilityClass.PRESSURE_METER: frozenset({"pressure"}),
    FacilityClass.FLOW_METER: frozenset({"flow"}),
    FacilityClass.WATER_METER: frozenset({"flow"}),
    FacilityClass.WATER_TANK: frozenset({"water_level", "fill_level", "distance"}),
    FacilityClass.MANHOLE_COVER: frozenset({"tilt_angle", "water_level"}),
    FacilityClass.WASTE_BIN: frozenset({"fill_level", "distance", "temperature"}),
    FacilityClass.DRAIN: frozenset({"water_level", "fill_level", "distance"}),
    FacilityClass.ROAD_SECTION: frozenset({"water_level", "distance", "surface_area"}),
    FacilityClass.STREET_LAMP: frozenset({"power", "dim_level"}),
}
"""What other detectors judge by rules or models of their own."""

UNFIT: Final = frozenset(
    {
        "meter_reading",
        "pulse_count",
        "pulse_delta",
        "volume_delta",
        "energy",
        "wind_direction",
        "latitude",
        "longitude",
    }
)
"""Counters break their record with every reading, what they count is judged as the flow that is made of it, directions
run in a circle, and a place is no quantity."""


class Tracked(msgspec.Struct):
    """One series: what is known of it and what is open."""

    facility: str
    model: Novelty
    newest_ms: int = 0
    calm: int = 0
    opened: Opened | None = None


class State(msgspec.Struct):
    """The facilities of a zone and their series, by device and property."""

    zone: str
    sites: dict[str, Site] = {}
    tracked: dict[str, Tracked] = {}


class NoveltyDetector(Packed[State]):
    """Something here was never seen before."""

    state_type = State
    name: Final = "novelty"
    version: Final = 2
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """Nothing seen."""
        return State(zone)

    def wants(self, series: Series) -> bool:
        """Quantities that no rule speaks for."""
        name = series.observed_property
        known = PROPERTIES.get(name)
        if known is None or known.is_flag or name in UNFIT:
            return False
        return name not in RULED.get(series.facility_class, ())

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in readings and registrations."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    self._on_reading(state, event, turn)
                case FacilityRegistered():
                    state.sites[event.facility.facility] = Site.of(event.facility)
                case FacilityLeft():
                    self._on_left(state, event.facility, turn)
                case _:
                    pass
        return turn.outcome

    def _on_reading(self, state: State, reading: Reading, turn: Turn) -> None:
        series = reading.series
        key = f"{series.device} {series.observed_property}"
        tracked = state.tracked.get(key)
        if tracked is None or tracked.facility != series.facility:
            if series.facility not in state.sites:
                return
            if tracked is not None:
                _ends(key, tracked, turn)
            tracked = state.tracked[key] = Tracked(series.facility, Novelty())
        if reading.time_ms < tracked.newest_ms:
            return  # out of order: an envelope has no place for it
        tracked.newest_ms = reading.time_ms
        verdict = observe(tracked.model, reading.time_ms, reading.value)
        if verdict.score >= SCORE and tracked.model.count > LEARNING:
            tracked.calm = 0
            if tracked.opened is None:
                site = state.sites[series.facility]
                evidence = Evidence.of(reading)
                opening = Opening(key, site, evidence.id, reading.time_ms)
                step = Step(reading.time_ms, _summary(reading, verdict), _numbers(reading, verdict), (evidence,))
                tracked.opened = turn.raises(AnomalyKind.NOVELTY, opening, step)
        elif tracked.opened is not None:
            tracked.calm += 1
            if tracked.calm >= CALM:
                summary = f"{_said(series)} is as usual again, or has become so"
                step = Step(reading.time_ms, summary, {"value": reading.value}, (Evidence.of(reading),))
                turn.clears(tracked.opened, step)
                tracked.opened, tracked.calm = None, 0

    def _on_left(self, state: State, facility: str, turn: Turn) -> None:
        for key in sorted(name for name, tracked in state.tracked.items() if tracked.facility == facility):
            _ends(key, state.tracked.pop(key), turn)
        state.sites.pop(facility, None)


def _ends(key: str, tracked: Tracked, turn: Turn) -> None:
    """The series is no longer its facility's."""
    if tracked.opened is not None:
        turn.clears(tracked.opened, Step(turn.clock.now_ms, f"{key} is no longer watched", {}, reason=LEFT))


def _said(series: Series) -> str:
    return f"{series.observed_property.replace('_', ' ')} of {series.facility}"


def _summary(reading: Reading, verdict: Verdict) -> str:
    said = explain(verdict, reading.time_ms, reading.value, reading.series.unit)
    return f"{_said(reading.series)} is new: {said}"


def _numbers(reading: Reading, verdict: Verdict) -> dict[str, float]:
    """The score, the reading against what was usual, and by which share it broke which record."""
    numbers = {"score": round(verdict.score, 3), "value": reading.value, "usual": round(verdict.usual, 6)}
    beaten = zip(NAMES, verdict.excess, strict=True)
    return numbers | {f"beyond_{name}": round(excess, 3) for name, excess in beaten if excess}
