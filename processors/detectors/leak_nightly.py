"""What the nights say, as findings of the zone."""

from statistics import median
from typing import Final

from processors.detectors.leak_book import Day, began_ms, take_day
from processors.detectors.leak_doubts import told
from processors.detectors.leak_drift_report import said_of
from processors.detectors.leak_night import (
    BEGINS_MS,
    DAY_MS,
    HOUR_MS,
    MOST_UPDATES,
    NIGHTS,
    Night,
    Nights,
    OpenNight,
    Verdict,
    is_plain,
    judge,
    learn_anew,
    take,
)
from processors.detectors.leak_report import lost_a_day, place_of
from processors.detectors.leak_state import Drift, LeakState
from processors.detectors.leak_steps import Step
from processors.detectors.leak_trust import Pressures, is_leak, learn_day, look
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms
from schemas.water import WaterNetworkConfigured, WaterRole

CONSUMED: Final = "consumption"
"""Instead of ``flow``: what customers take is no inflow."""
_KIND: Final = AnomalyKind.WATER_LEAK
_OTHER: Final = "what the meters measure was configured anew"
_ANEW: Final = "what a meter says has changed for good: it is learnt anew"
_OVER: Final = "two nights were as usual"


def through_the_night(state: LeakState, step: Step, version: int) -> list[Anomaly]:
    """Take a step in; what it says of the day and the night that are over."""
    lon, roles = place_of(state).lon, _roles(state)
    day = take_day(state.trust.book, step, lon)
    night = take(state.nights, step, lon, roles)
    if day is None and night is None:
        return []
    said: list[Anomaly] = []
    if day is not None:
        changes, anew = look(state.trust, day, roles, began_ms(day.number, lon))
        said += told(state, changes, step, version)
        if anew:
            said += _anew(state, step.time_ms, version)
    if night is None or state.trust.doubts.keys() & night.newest.keys():
        state.nights.high = 0
        return said
    return said + _judged(state, night, day, roles, step, version)


def _judged(
    state: LeakState, night: Night, day: Day | None, roles: dict[str, WaterRole], step: Step, version: int
) -> list[Anomaly]:
    said: list[Anomaly] = []
    pressures = None if state.model is None else Pressures(state.model, state.layout, state.counts)
    counted = {key: role for key, role in roles.items() if key in night.newest}

    def is_credible() -> bool:
        if day is None:
            return False
        leaks, changes, anew = is_leak(state.trust, day, counted, pressures, step.time_ms - DAY_MS)
        said.extend(told(state, changes, step, version))
        known = [drift for drift in state.watch.drifts if drift.said and night.number <= drift.grown + NIGHTS]
        if leaks and known:  # what the pressures told of is not told again: now it is known how much it is
            said.extend(_measured(state, known[-1], night, step, version))
        if anew or (leaks and known):
            learn_anew(state.nights)
        return leaks and not known

    plain = is_plain(state.nights, night)
    found = judge(state.nights, night, is_credible)
    if found is not None:
        said.append(_said(state, found, step.time_ms, version))
    if day is not None and state.nights.opened is None and state.nights.high == 0:
        learn_day(state.trust, day, pressures, plain=plain)
    return said


def _measured(state: LeakState, drift: Drift, night: Night, step: Step, version: int) -> list[Anomaly]:
    drift.extra = round(drift.extra + night.value - median(state.nights.known), 2)
    if drift.updates >= MOST_UPDATES:
        return []
    drift.updates += 1
    return [said_of(state, drift, Transition.UPDATED, step, version)]


def _anew(state: LeakState, at_ms: int, version: int) -> list[Anomaly]:
    """What a meter says is learnt anew: an open leak was found by what it said before."""
    leak, state.nights.opened = state.nights.opened, None
    learn_anew(state.nights)
    return [] if leak is None else [_anomaly(state, leak, Transition.CLEARED, at_ms, version, _ANEW)]


def know_roles(state: LeakState, event: WaterNetworkConfigured, at_ms: int, version: int) -> list[Anomaly]:
    """What the meters are; a leak that was found by other sums can not be followed."""
    roles = {sensor.facility: sensor.role for sensor in event.sensors if sensor.observed_property == "flow"}
    state.cost, state.currency = event.cost_per_m3, event.currency
    if roles == state.roles:
        return []
    said = end_night(state, at_ms, version, _OTHER)
    state.roles, state.nights = roles, Nights()
    return said


def end_night(state: LeakState, at_ms: int, version: int, reason: str) -> list[Anomaly]:
    """What is open is over for another reason, and all is forgotten."""
    leak, state.nights = state.nights.opened, Nights()
    return [] if leak is None else [_anomaly(state, leak, Transition.CLEARED, at_ms, version, reason)]


def _roles(state: LeakState) -> dict[str, WaterRole]:
    """By series; without a configuration every flow meter that is no pump measures what flows in."""
    if state.roles:
        return {key: state.roles[s.facility] for key, s in state.sensors.items() if s.facility in state.roles}
    pumps = set()
    if state.model is not None:
        flows = state.layout[state.counts[0] : state.counts[0] + state.counts[1]]
        pumps = {key for key, is_pump in zip(flows, state.model.meters.switched.tolist(), strict=True) if is_pump}
    return {
        key: WaterRole.INLET
        for key, sensor in state.sensors.items()
        if sensor.observed_property == "flow" and key not in pumps
    }


def _said(state: LeakState, found: Verdict, at_ms: int, version: int) -> Anomaly:
    transition = Transition(found.what)
    samples = [(state.sensors[key], sample) for key, sample in sorted(found.night.newest.items())]
    reason = _OVER if transition is Transition.CLEARED else None
    return _anomaly(state, found.leak, transition, at_ms, version, reason).model_copy(
        update={
            "arrival_time": from_ms(max(sample.arrival_ms for _, sample in samples)),
            "evidence": tuple(reading_id(s.device, "flow", sample.identity) for s, sample in samples),
        }
    )


def _anomaly(
    state: LeakState, leak: OpenNight, transition: Transition, at_ms: int, version: int, reason: str | None
) -> Anomaly:
    place = place_of(state)
    since_ms = leak.cause * DAY_MS + BEGINS_MS - round(place.lon / 15) * HOUR_MS
    extra = round(leak.value - leak.usual, 2)
    numbers = {
        "extra_flow_m3h": extra,
        "night_m3h": round(leak.value, 2),
        "usual_m3h": round(leak.usual, 2),
        "limit_m3h": round(leak.limit, 2),
    } | lost_a_day(state, extra)
    return Anomaly(
        id=finding_id(_KIND, state.zone, state.zone, f"night {leak.cause}"),
        transition=transition,
        kind=_KIND,
        severity=KINDS[_KIND].severity,
        zone=state.zone,
        subject=state.zone,
        place=place,
        since=from_ms(since_ms),
        at=from_ms(at_ms),
        summary=_sentence(state, leak, transition, extra),
        numbers=numbers,
        score=_score(leak),
        reason=reason,
        detector="leak",
        detector_version=version,
    )


def _score(leak: OpenNight) -> float:
    """Above one half as soon as it is raised; nearer to 1 the further the night is above the limit."""
    above = leak.value - leak.usual
    return round(min(max(above / (above + leak.limit - leak.usual + 1e-9), 0.0), 1.0), 2)


def _sentence(state: LeakState, leak: OpenNight, transition: Transition, extra: float) -> str:
    where = state.name or state.zone
    if transition is Transition.CLEARED:
        return f"Growing leak in {where} is over"[:512]
    what = "are lost" if leak.balanced else "flow in"
    cost = "" if state.cost is None else f" or {24 * extra * state.cost:.0f} {state.currency}"
    return (
        f"Growing leak in {where}: at night {leak.value:.3g} m3/h {what}, usual are {leak.usual:.3g}; "
        f"{24 * extra:.0f} m3{cost} a day"
    )[:512]
