"""Readings unlike anything their series has shown, for every numeric property that no rule speaks for.

Each series has a model of its own (:mod:`processors.novelty`), which learns from every reading. What is new to it
begins a suspicion; a finding is raised when the readings stay far from what is usual, and cleared when they are back,
or when the model has learnt that this is what is usual now. By which numbers says the rule ``novelty``.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

from processors.detectors.common import LEFT, POLICY_CHANGED, Bound, Evidence, Opening, Packed, Site, Step, Turn
from processors.detectors.novelty_state import Finding, State, Suspicion, Terms, Tracked, wants
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import QUIET, Clock, Outcome, Reading, Series, Unseen, ZoneEvent
from processors.novelty import Novelty, Verdict, expected, explain, observe
from processors.novelty.state import NAMES
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured

NEAR: Final = 0.5
"""Of the departure that raised: what is nearer to the usual is calm."""


class NoveltyDetector(Packed[State]):
    """Something here was never seen before."""

    state_type = State
    name: Final = "novelty"
    version: Final = 5
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """Nothing seen."""
        return State(zone, Rulebook(("novelty", "limit_*")))

    def wants(self, series: Series) -> bool:
        """Quantities that no rule speaks for, unless somebody sets one."""
        return wants(series)

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in readings, registrations and rules."""
        turn: Turn | None = None
        for event in events:
            if isinstance(event, Reading):
                key = f"{event.series.device} {event.series.observed_property}"
                tracked = state.tracked.get(key)
                if tracked is not None and tracked.facility == event.series.facility:
                    if event.time_ms < tracked.newest_ms:
                        continue  # out of order: an envelope has no place for it
                    tracked.newest_ms = event.time_ms
                    verdict = observe(tracked.model, event.time_ms, event.value)
                    if not verdict.score and tracked.suspicion is None and tracked.finding is None:
                        continue  # most of them
                    turn = turn or Turn(self, state.zone, clock)
                    _judge(state, key, tracked, event, verdict, turn)
                    continue
                turn = turn or Turn(self, state.zone, clock)
                _meet(state, key, event, turn)
            elif isinstance(event, FacilityRegistered | FacilityLeft | ZoneConfigured | ClassConfigured):
                turn = turn or Turn(self, state.zone, clock)
                _on_registry(state, event, turn)
            elif isinstance(event, Unseen) and event.since_ms is not None:
                _interrupt(state, event.facility)
        return QUIET if turn is None else turn.outcome


def _interrupt(state: State, facility: str) -> None:
    """What must last has not lasted while nobody saw it."""
    for tracked in state.tracked.values():
        if tracked.facility == facility and tracked.suspicion is not None:
            tracked.suspicion.count = 0


def _meet(state: State, key: str, reading: Reading, turn: Turn) -> None:
    """A series that is not known, or speaks for another facility than it did."""
    series = reading.series
    if series.facility not in state.sites:
        return
    before = state.tracked.pop(key, None)
    if before is not None:
        _end(key, before, LEFT, turn)
    if state.is_watched(series.facility, series.facility_class, series.observed_property):
        tracked = Tracked(series.facility, series.facility_class, Novelty(), reading.time_ms)
        state.tracked[key] = tracked
        observe(tracked.model, reading.time_ms, reading.value)


def _judge(state: State, key: str, tracked: Tracked, reading: Reading, verdict: Verdict, turn: Turn) -> None:
    """A reading of a series that is new, or of which something is suspected or open."""
    terms = state.terms(tracked)
    usual, departure = expected(tracked.model)
    off = reading.value - usual
    is_new = verdict.score >= terms.score and _has_learnt(tracked, terms, reading.time_ms)
    finding, suspicion = tracked.finding, tracked.suspicion
    if finding is not None:
        nearest = min(abs(off), abs(reading.value - finding.usual))
        finding.calm = finding.calm + 1 if nearest <= finding.near and not is_new else 0
        if finding.calm >= terms.clear_samples:
            summary = f"{_said(reading.series)} is as usual again, or has become so"
            numbers = {"value": reading.value, "usual": round(usual, 6)}
            turn.clears(finding.opened, Step(reading.time_ms, summary, numbers, (Evidence.of(reading),)))
            tracked.finding = None
        return
    if suspicion is not None:
        if (off > 0.0) is suspicion.above and abs(off) >= suspicion.far:
            suspicion.count += 1
            if suspicion.count == 1:
                suspicion.since_ms = reading.time_ms
        else:
            tracked.suspicion = suspicion = None
    if suspicion is None:
        far = terms.departures * departure
        if not is_new or abs(off) < far:
            return
        suspicion = tracked.suspicion = Suspicion(
            first=Evidence.of(reading),
            above=off > 0.0,
            usual=verdict.usual,
            far=far,
            score=verdict.score,
            departures=abs(off) / departure if departure else inf,
            summary=_summary(reading, verdict),
            numbers=_numbers(reading, verdict, off, departure),
        )
    since_ms = suspicion.first.time_ms if suspicion.since_ms < 0 else suspicion.since_ms
    if suspicion.count >= terms.samples and reading.time_ms - since_ms >= terms.for_ms:
        tracked.finding = _raise(state, key, suspicion, reading, turn)
        tracked.suspicion = None


def _has_learnt(tracked: Tracked, terms: Terms, time_ms: int) -> bool:
    model = tracked.model
    return model.count > terms.learn_readings and time_ms - model.first_ms >= terms.learn_ms


def _raise(state: State, key: str, suspicion: Suspicion, reading: Reading, turn: Turn) -> Finding:
    first, trigger = suspicion.first, Evidence.of(reading)
    opening = Opening(key, state.sites[reading.series.facility], first.id, first.time_ms)
    evidence = (first, trigger) if trigger != first else (first,)
    step = Step(reading.time_ms, suspicion.summary, suspicion.numbers, evidence)
    # where no departure is asked for, whatever is not new is calm
    near = NEAR * suspicion.far if suspicion.far else inf
    opened = turn.raises(AnomalyKind.NOVELTY, opening, step)
    return Finding(opened, suspicion.usual, near, suspicion.score, suspicion.departures)


def _said(series: Series) -> str:
    return f"{series.observed_property.replace('_', ' ')} of {series.facility}"


def _summary(reading: Reading, verdict: Verdict) -> str:
    said = explain(verdict, reading.time_ms, reading.value, reading.series.unit)
    return f"{_said(reading.series)} is new: {said}"


def _numbers(reading: Reading, verdict: Verdict, off: float, departure: float) -> dict[str, float]:
    """The score, the reading against what was usual, and by which share it broke which record.

    In the order of names, as a snapshot gives them back: they wait in the state until the finding is raised.
    """
    numbers = {"score": round(verdict.score, 3), "value": reading.value, "usual": round(verdict.usual, 6)}
    if departure:
        numbers["departures"] = round(abs(off) / departure, 3)
    beaten = zip(NAMES, verdict.excess, strict=True)
    numbers |= {f"beyond_{name}": round(excess, 3) for name, excess in beaten if excess}
    return dict(sorted(numbers.items()))


# the registry


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            name = event.facility.facility
            state.sites[name] = Site.of(event.facility)
            _unbind(state, event.facility, turn)
            before = state.rules.facilities.get(name)
            state.rules.register(event.facility)
            if state.rules.facilities.get(name) != before:
                _on_rules(state, turn, name)
        case FacilityLeft():
            for key in sorted(key for key, one in state.tracked.items() if one.facility == event.facility):
                _end(key, state.tracked.pop(key), LEFT, turn)
            state.sites.pop(event.facility, None)
            state.rules.forget(event.facility)
        case _:
            if state.rules.configure(event):
                _on_rules(state, turn)


def _unbind(state: State, facility: Facility, turn: Turn) -> None:
    """What a device said that does not speak for it any more is no measure of what another says."""
    keys = sorted(key for key, one in state.tracked.items() if one.facility == facility.facility)
    bound = Bound.of(facility, [key.rpartition(" ")[0] for key in keys])
    for key in keys:
        if key.rpartition(" ")[0] in bound.gone:
            _end(key, state.tracked.pop(key), bound.reason, turn)


def _on_rules(state: State, turn: Turn, facility: str | None = None) -> None:
    """What is not watched any more is forgotten, and what would not be raised any more ends."""
    for key in sorted(state.tracked):
        tracked = state.tracked[key]
        if facility is not None and tracked.facility != facility:
            continue
        observed_property = key.rpartition(" ")[2]
        if not state.is_watched(tracked.facility, tracked.facility_class, observed_property):
            _end(key, state.tracked.pop(key), POLICY_CHANGED, turn)
            continue
        tracked.suspicion = None
        terms, finding = state.terms(tracked), tracked.finding
        if finding is not None and (finding.score < terms.score or finding.departures < terms.departures):
            _end(key, tracked, POLICY_CHANGED, turn)
            tracked.finding = None


def _end(key: str, tracked: Tracked, reason: str, turn: Turn) -> None:
    """The series is no longer watched, or no longer its facility's."""
    if tracked.finding is not None:
        step = Step(turn.clock.now_ms, f"{key} is no longer watched", {}, reason=reason)
        turn.clears(tracked.finding.opened, step)
