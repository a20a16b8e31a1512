"""A located leak as an event: the pipe and where it lies, numbers rounded, the readings that decided, one sentence."""

from typing import Final

import numpy as np

from processors.detectors.leak_steps import Sample
from processors.detectors.pipe_leak_state import Meter, OpenLeak, PipeLeakState
from processors.detectors.pipe_leak_steps import Step
from processors.leak.explain import WITNESSES
from processors.leak.incidents import GROWING
from processors.leak.network import NetworkModel
from processors.leak.settings import SHIPPED
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.facility import Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms

_KINDS: Final = {"burst": AnomalyKind.WATER_BURST, GROWING: AnomalyKind.WATER_LEAK}
_WORDS: Final = {"burst": "Burst", GROWING: "Growing leak"}
_TOLD: Final = 3
_REPAIRED: Final = "pressures and inflow are back to what they were"
_NO_PLACE: Final = Place(lon=0.0, lat=-90.0)
_HOURS: Final = 24


def said(
    state: PipeLeakState, leak: OpenLeak, transition: Transition, step: Step, detector: str, version: int
) -> Anomaly:
    """One step in the life of a finding that a tick decided."""
    samples = _evidence(state, leak, step)
    arrived = max((sample.arrival_ms for _, sample in samples), default=None)
    return _anomaly(state, leak, transition, step.time_ms, detector, version).model_copy(
        update={
            "arrival_time": None if arrived is None else from_ms(arrived),
            "evidence": tuple(reading_id(m.device, m.observed_property, sample.identity) for m, sample in samples),
            "reason": _REPAIRED if transition is Transition.CLEARED else None,
        }
    )


def ended(state: PipeLeakState, leak: OpenLeak, at_ms: int, detector: str, version: int, reason: str) -> Anomaly:
    """The end of a finding for a reason other than a repair."""
    return _anomaly(state, leak, Transition.CLEARED, at_ms, detector, version).model_copy(update={"reason": reason})


def _anomaly(
    state: PipeLeakState, leak: OpenLeak, transition: Transition, at_ms: int, detector: str, version: int
) -> Anomaly:
    """The subject is the pipe named now; the id is that of the pipe named first, whatever is corrected since."""
    kind = _KINDS[leak.kind]
    return Anomaly(
        id=finding_id(kind, state.zone, _subject(state, leak.pipe), str(leak.cause)),
        transition=transition,
        kind=kind,
        severity=KINDS[kind].severity,
        zone=state.zone,
        subject=_subject(state, leak.named),
        place=_place(state, leak.named),
        since=from_ms(leak.since_ms),
        at=from_ms(at_ms),
        summary=_sentence(state, leak, transition),
        numbers=_numbers(state, leak),
        score=leak.sure,
        detector=detector,
        detector_version=version,
    )


def _subject(state: PipeLeakState, pipe: int) -> str:
    return f"{state.zone}/{_network(state).pipes[pipe]}"


def _numbers(state: PipeLeakState, leak: OpenLeak) -> dict[str, float]:
    """How much, what it costs, how sure the place is and of which pipes, and what the meters show of it.

    ``evidence`` is twice the log likelihood ratio against "nothing leaks"; ``residual_m`` by how much a pressure
    differs from what the flows explain, ``balance_m3h`` the inflow from what is usual or accounted for.
    """
    pipes = _network(state).pipes
    numbers = {
        "extra_flow_m3h": leak.flow,
        "loss_m3_per_day": round(leak.flow * _HOURS, 1),
        "probability": leak.sure,
        "evidence": leak.evidence,
    }
    cost = _cost(state, leak)
    if cost is not None:
        numbers["cost_per_day"] = cost
    if leak.balance is not None:
        numbers["balance_m3h"] = leak.balance
    numbers |= {f"probability:{pipes[pipe]}": probability for pipe, probability in leak.likely}
    numbers |= {f"residual_m:{key.partition('/')[0]}": metres for key, metres in leak.shown}
    return numbers


def _cost(state: PipeLeakState, leak: OpenLeak) -> float | None:
    """Of a day, in the configured currency."""
    configured = state.configured
    if configured is None or configured.cost_per_m3 is None:
        return None
    return round(leak.flow * _HOURS * configured.cost_per_m3, 2)


def _sentence(state: PipeLeakState, leak: OpenLeak, transition: Transition) -> str:
    configured = state.configured
    where = (configured.name if configured is not None else None) or state.zone
    pipes = _network(state).pipes
    if transition is Transition.CLEARED:
        return f"{_WORDS[leak.kind]} at pipe {pipes[leak.named]} of {where} is over"[:512]
    since = f"{from_ms(leak.since_ms):%d %B %H:%M} UTC"
    size = f"{leak.flow:.3g} m3/h, {leak.flow * _HOURS:.0f} m3"
    cost = _cost(state, leak)
    if cost is not None and configured is not None:
        size += f" or {cost:.0f} {configured.currency}"
    likely = ", ".join(f"{pipes[pipe]} {probability:.0%}" for pipe, probability in leak.likely[:_TOLD])
    return (
        f"{_WORDS[leak.kind]} near pipe {pipes[leak.named]} of {where}: {size} a day, since {since}, "
        f"within {SHIPPED.found_within_m:.0f} m with a probability of {leak.sure:.0%}"
        + (f"; likeliest {likely}" if likely else "")
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


def _evidence(state: PipeLeakState, leak: OpenLeak, step: Step) -> list[tuple[Meter, Sample]]:
    """The newest readings of the meters that say most, and of those that measure what flows in."""
    found = dict.fromkeys(key for key, _ in leak.shown)
    for area in _network(state).areas:
        at = np.flatnonzero(area.candidates == leak.pipe)
        if at.size:
            if not found:  # it could not be measured on its own: those on which the model shows it most
                effect = np.abs(area.signatures[0, int(at[0]), : len(area.pressures)])
                found |= dict.fromkeys(area.pressures[n] for n in np.argsort(-effect, kind="stable")[:WITNESSES])
            drivers = (*area.inflows, area.pump, area.level, area.consumption)
            found |= dict.fromkeys(key for key in drivers if key is not None)
    said = ((state.meters.get(key), step.sample(key)) for key in found)
    return [(meter, sample) for meter, sample in said if meter is not None and sample is not None]
