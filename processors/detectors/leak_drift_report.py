"""A leak that pressures tell of by drifting against each other, as an event."""

from typing import Final

from processors.detectors.leak_report import KPA_PER_M, lost_a_day, place_of
from processors.detectors.leak_state import Drift, LeakState
from processors.detectors.leak_steps import Step
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.facility import FacilityClass, Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms

_KIND: Final = AnomalyKind.WATER_LEAK
_EVEN: Final = 1.5
"""A score that is as far above nought as it is below: where the cumulative sum begins to grow."""


def said_of(
    state: LeakState, drift: Drift, transition: Transition, at: Step | int, version: int, reason: str | None = None
) -> Anomaly:
    """One step in its life, at the end of this step or at this time (ms)."""
    step = Step(at, {}) if isinstance(at, int) else at
    sensor = state.sensors.get(drift.key)
    facility, device, _ = drift.key.split("|")
    site = state.sites.get(facility)
    sample = step.values.get(drift.key)
    numbers = {"pressure_drop_kpa": drift.drop, "score": drift.score}
    if drift.extra:
        numbers |= {"extra_flow_m3h": drift.extra} | lost_a_day(state, drift.extra)
    return Anomaly(
        id=finding_id(_KIND, state.zone, state.zone, f"pressures {drift.cause}"),
        transition=transition,
        kind=_KIND,
        severity=KINDS[_KIND].severity,
        zone=state.zone,
        subject=state.zone,
        facility=facility,
        facility_class=FacilityClass.PRESSURE_METER,
        place=place_of(state) if site is None else Place(lon=site.lon, lat=site.lat),
        since=from_ms(drift.since_ms),
        at=from_ms(step.time_ms),
        arrival_time=None if sample is None else from_ms(sample[1].arrival_ms),
        summary=_sentence(state, drift, transition, facility if site is None else site.name),
        numbers=numbers,
        score=round(drift.score / (drift.score + _EVEN), 2),
        evidence=() if sample is None or sensor is None else (reading_id(device, "pressure", sample[1].identity),),
        reason=reason,
        detector="leak",
        detector_version=version,
    )


def _sentence(state: LeakState, drift: Drift, transition: Transition, meter: str) -> str:
    where = state.name or state.zone
    if transition is Transition.CLEARED:
        return f"Growing leak in {where} near {meter} is over"[:512]
    more = f"; at night {drift.extra:.3g} m3/h more flow in" if drift.extra else ""
    weeks = "a week" if drift.weeks == 1 else f"{drift.weeks} weeks"
    return (
        f"Growing leak in {where}, nearest to {meter}: its pressure fell by {drift.drop / KPA_PER_M:.2g} m "
        f"against the others, at first within {weeks}{more}"
    )[:512]
