"""Meters of an area that are not believed, as findings of their devices.

One that stands still is told by :mod:`.health`, which sees the same; here it is only left out.
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors.leak_lies import LieKind
from processors.detectors.leak_report import place_of
from processors.detectors.leak_state import LeakState
from processors.detectors.leak_steps import Step
from processors.detectors.leak_trust import Change, MeterDoubt
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.facility import FacilityClass, Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms

KIND_OF: Final = {
    LieKind.SCALE: AnomalyKind.DEVICE_JUMP,
    LieKind.JUMP: AnomalyKind.DEVICE_JUMP,
    LieKind.GAIN: AnomalyKind.DEVICE_DRIFT,
    LieKind.DRIFT: AnomalyKind.DEVICE_DRIFT,
    LieKind.CLOCK: AnomalyKind.DEVICE_CLOCK,
}
_NUMBER: Final = {LieKind.SCALE: "factor", LieKind.GAIN: "factor", LieKind.CLOCK: "hours"}


def told(state: LeakState, changes: Sequence[Change], step: Step, version: int) -> list[Anomaly]:
    """What changed of the doubts."""
    return [_anomaly(state, one, step, version) for one in changes if one.doubt.kind in KIND_OF]


def no_doubts(state: LeakState, at_ms: int, version: int, reason: str) -> list[Anomaly]:
    """All of them are over for another reason, and forgotten."""
    changes = [Change(key, doubt, reason) for key, doubt in sorted(state.trust.doubts.items())]
    said = told(state, changes, Step(at_ms, {}), version)
    state.trust = type(state.trust)()
    return said


def _anomaly(state: LeakState, change: Change, step: Step, version: int) -> Anomaly:
    doubt, sensor = change.doubt, state.sensors.get(change.key)
    facility, device, _ = change.key.split("|")
    kind, site = KIND_OF[doubt.kind], state.sites.get(facility)
    sample = step.values.get(change.key)
    consumed = sensor is not None and sensor.observed_property != "flow"
    return Anomaly(
        id=finding_id(kind, state.zone, device, f"{change.key}@{doubt.since_ms}"),
        transition=Transition.RAISED if change.reason is None else Transition.CLEARED,
        kind=kind,
        severity=KINDS[kind].severity,
        zone=state.zone,
        subject=device,
        facility=facility,
        facility_class=FacilityClass.WATER_METER if consumed else FacilityClass.FLOW_METER,
        place=place_of(state) if site is None else Place(lon=site.lon, lat=site.lat),
        since=from_ms(doubt.since_ms),
        at=from_ms(step.time_ms),
        arrival_time=None if sample is None else from_ms(sample[1].arrival_ms),
        summary=_sentence(change, device),
        numbers={_NUMBER.get(doubt.kind, "error"): round(doubt.error, 2)},
        evidence=() if sample is None else (reading_id(device, "flow", sample[1].identity),),
        reason=change.reason,
        detector="leak",
        detector_version=version,
    )


def _sentence(change: Change, device: str) -> str:
    if change.reason is not None:
        return f"The flow of {device} is believed again"[:512]
    return f"The flow of {device} {_says(change.doubt)}, since {from_ms(change.doubt.since_ms):%d %B}"[:512]


def _says(doubt: MeterDoubt) -> str:
    match doubt.kind:
        case LieKind.SCALE:
            return f"is {doubt.error:.3g} times the usual at all hours: another unit?"
        case LieKind.GAIN:
            return f"drifts: it is {doubt.error:.3g} times the usual at all hours by now"
        case LieKind.CLOCK:
            return f"is what it usually is {abs(doubt.error):g} hours {'earlier' if doubt.error > 0 else 'later'}"
        case LieKind.DRIFT:
            return f"drifts: by {doubt.error:.3g} m3/h, and the pressures do not follow"
        case _:
            return f"jumped by {doubt.error:.3g} m3/h, and the pressures do not follow"
