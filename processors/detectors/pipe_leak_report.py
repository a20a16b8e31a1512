"""A located leak as an event: the pipe and where it lies, numbers rounded, the readings that decided, one sentence."""

from typing import Final

import numpy as np

from processors.detectors.leak_steps import Sample, Step
from processors.detectors.pipe_leak_state import Meter, OpenLeak, PipeLeakState
from processors.leak.incidents import Alarm
from processors.leak.network import NetworkModel
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.facility import Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms

_KINDS: Final = {"burst": AnomalyKind.WATER_BURST, "growing": AnomalyKind.WATER_LEAK}
_WORDS: Final = {"burst": "Burst", "growing": "Growing leak"}
_WITNESSES: Final = 4
_NO_PLACE: Final = Place(lon=0.0, lat=-90.0)
_HOURS: Final = 24


def said(
    state: PipeLeakState,
    leak: OpenLeak,
    transition: Transition,
    step: Step,
    alarm: Alarm,
    detector: str,
    version: int,
) -> Anomaly:
    """One step in the life of a finding that a tick decided."""
    samples = _evidence(state, leak.pipe, step)
    numbers = {**_numbers(state, leak), "evidence": alarm.evidence}
    arrived = max((sample.arrival_ms for _, sample in samples), default=None)
    return _anomaly(state, leak, transition, step.time_ms, numbers, detector, version).model_copy(
        update={
            "arrival_time": None if arrived is None else from_ms(arrived),
            "evidence": tuple(reading_id(m.device, m.observed_property, sample.identity) for m, sample in samples),
            "reason": None if transition is Transition.RAISED else "pressures and inflow are back to what they were",
        }
    )


def ended(state: PipeLeakState, leak: OpenLeak, at_ms: int, detector: str, version: int, reason: str) -> Anomaly:
    """The end of a finding for a reason other than a repair."""
    numbers = _numbers(state, leak)
    return _anomaly(state, leak, Transition.CLEARED, at_ms, numbers, detector, version).model_copy(
        update={"reason": reason}
    )


def _anomaly(
    state: PipeLeakState,
    leak: OpenLeak,
    transition: Transition,
    at_ms: int,
    numbers: dict[str, float],
    detector: str,
    version: int,
) -> Anomaly:
    kind, subject = _KINDS[leak.kind], f"{state.zone}/{_network(state).pipes[leak.pipe]}"
    return Anomaly(
        id=finding_id(kind, state.zone, subject, str(leak.cause)),
        transition=transition,
        kind=kind,
        severity=KINDS[kind].severity,
        zone=state.zone,
        subject=subject,
        place=_place(state, leak.pipe),
        since=from_ms(leak.since_ms),
        at=from_ms(at_ms),
        summary=_sentence(state, leak, transition),
        numbers=numbers,
        score=leak.sure,
        detector=detector,
        detector_version=version,
    )


def _numbers(state: PipeLeakState, leak: OpenLeak) -> dict[str, float]:
    """m3/h, m3 a day, the probability that the leak is within 300 m of the pipe, and what a day of it costs."""
    lost = leak.flow * _HOURS
    numbers = {"extra_flow_m3h": leak.flow, "loss_m3_per_day": round(lost, 1), "probability": leak.sure}
    configured = state.configured
    if configured is not None and configured.cost_per_m3 is not None:
        numbers["cost_per_day"] = round(lost * configured.cost_per_m3, 2)
    return numbers


def _sentence(state: PipeLeakState, leak: OpenLeak, transition: Transition) -> str:
    configured = state.configured
    where = (configured.name if configured is not None else None) or state.zone
    pipe = _network(state).pipes[leak.pipe]
    if transition is Transition.CLEARED:
        return f"{_WORDS[leak.kind]} at pipe {pipe} of {where} is over"[:512]
    since = f"{from_ms(leak.since_ms):%d %B %H:%M} UTC"
    size = f"{leak.flow:.3g} m3/h, {leak.flow * _HOURS:.0f} m3 a day"
    return (
        f"{_WORDS[leak.kind]} near pipe {pipe} of {where}: {size}, since {since}, "
        f"within 300 m with a probability of {leak.sure:.0%}"
    )[:512]


def _place(state: PipeLeakState, pipe: int) -> Place:
    """The middle of the pipe; the zone's place where the model stands in no coordinates of the earth."""
    lon, lat = (round(float(value), 6) for value in _network(state).positions[pipe])
    try:
        return Place(lon=lon, lat=lat)
    except ValueError:
        return state.place or _NO_PLACE


def _network(state: PipeLeakState) -> NetworkModel:
    assert state.core is not None, "a leak was found in it"
    return state.core.network


def _evidence(state: PipeLeakState, pipe: int, step: Step) -> list[tuple[Meter, Sample]]:
    """The newest readings of the meters on which a leak there shows most."""
    found: dict[str, None] = {}
    for area in _network(state).areas:
        at = np.flatnonzero(area.candidates == pipe)
        if not at.size:
            continue
        shown = np.abs(area.signatures[0, int(at[0]), : len(area.pressures)])
        loudest = np.argsort(-shown, kind="stable")[:_WITNESSES]
        found |= dict.fromkeys([*(area.pressures[int(n)] for n in loudest), *area.inflows])
    return [(state.meters[key], step.values[key][1]) for key in found if key in step.values and key in state.meters]
