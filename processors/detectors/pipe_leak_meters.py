"""Meters of a network that seem to lie, as findings of their devices: stuck, drifting, or jumped."""

from typing import Final

from processors.detectors.pipe_leak_state import MeterDoubt, PipeLeakState
from processors.detectors.pipe_leak_steps import STEP_MS, Step
from processors.leak.state import CREEP, DRIFT, JUMP, STUCK, Doubt
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.facility import Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms
from schemas.water import WaterRole

KIND_OF: Final = {
    JUMP: AnomalyKind.DEVICE_JUMP,
    DRIFT: AnomalyKind.DEVICE_DRIFT,
    STUCK: AnomalyKind.DEVICE_STUCK,
    CREEP: AnomalyKind.DEVICE_DRIFT,
}
_SAYS: Final = {
    JUMP: "jumped away from the others",
    DRIFT: "drifts away from the others",
    STUCK: "stands still",
    CREEP: "drifts away from the others, day by day",
}
_UNITS: Final = {WaterRole.PRESSURE: "m", WaterRole.TANK_LEVEL: "m"}
_AGAIN: Final = "it agrees with the others, or moves, again"
_NOWHERE: Final = Place(lon=0.0, lat=-90.0)


def doubts(state: PipeLeakState, step: Step, detector: str, version: int) -> list[Anomaly]:
    """What changed of the doubts about meters in this tick."""
    assert state.core is not None, "it has ticked"
    if not state.doubted and not state.core.doubting:
        return []
    now, said = state.core.doubts(), []
    for key, kind in sorted(set(state.doubted) - set(now)):
        doubt = state.doubted.pop((key, kind))
        said.append(_anomaly(state, doubt, Transition.CLEARED, step, detector, version))
    for (key, kind), seen in sorted(now.items()):
        if (key, kind) not in state.doubted and key in state.meters:
            doubt = _doubt(key, kind, seen)
            state.doubted[(key, kind)] = doubt
            said.append(_anomaly(state, doubt, Transition.RAISED, step, detector, version))
    return said


def ended(state: PipeLeakState, at_ms: int, detector: str, version: int, reason: str) -> list[Anomaly]:
    """All of them are over for another reason."""
    step = Step.bare(at_ms)
    said = [_anomaly(state, one, Transition.CLEARED, step, detector, version) for one in state.doubted.values()]
    return [one.model_copy(update={"reason": reason}) for one in said]


def _doubt(key: str, kind: int, seen: Doubt) -> MeterDoubt:
    return MeterDoubt(key, kind, seen.since * STEP_MS, seen.error)


def _anomaly(
    state: PipeLeakState, doubt: MeterDoubt, transition: Transition, step: Step, detector: str, version: int
) -> Anomaly:
    meter, kind = state.meters[doubt.key], KIND_OF[doubt.kind]
    facility = doubt.key.partition("/")[0]
    site = state.sites.get(facility)
    sample = step.sample(doubt.key)
    return Anomaly(
        id=finding_id(kind, state.zone, meter.device, f"{doubt.key}@{doubt.since_ms}"),
        transition=transition,
        kind=kind,
        severity=KINDS[kind].severity,
        zone=state.zone,
        subject=meter.device,
        facility=facility,
        facility_class=None if site is None else site.facility_class,
        place=site.place() if site is not None else state.place or _NOWHERE,
        since=from_ms(doubt.since_ms),
        at=from_ms(step.time_ms),
        arrival_time=None if sample is None else from_ms(sample.arrival_ms),
        summary=_sentence(state, doubt, transition),
        numbers={} if doubt.kind == STUCK else {"error": doubt.error},
        evidence=() if sample is None else (reading_id(meter.device, meter.observed_property, sample.identity),),
        reason=_AGAIN if transition is Transition.CLEARED else None,
        detector=detector,
        detector_version=version,
    )


def _sentence(state: PipeLeakState, doubt: MeterDoubt, transition: Transition) -> str:
    meter = state.meters[doubt.key]
    what = f"{meter.observed_property} of {meter.device}"
    if transition is Transition.CLEARED:
        return f"The {what} is believed again"[:512]
    unit = _UNITS.get(state.roles[doubt.key], "m3/h")
    by = "" if doubt.kind == STUCK else f", by {abs(doubt.error):.3g} {unit} too {'high' if doubt.error > 0 else 'low'}"
    return f"The {what} {_SAYS[doubt.kind]}{by}, since {from_ms(doubt.since_ms):%d %B %H:%M} UTC"[:512]
