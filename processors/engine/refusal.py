"""What the engine sets aside, as events for the quarantine; their ids are derived, so a replay refuses the same."""

import traceback
from typing import Any, Final

import msgspec

from processors.engine.contract import Clock, Detector, ModelMissingError, Reading, ZoneEvent
from schemas.camera import CameraEvent
from schemas.envelope import written
from schemas.identity import event_id
from schemas.model import Model, from_ms
from schemas.quarantine import Quarantined, Reason

SOURCE: Final = "processors"
_DETAIL_MAX: Final = 1024
_PAYLOAD_MAX: Final = 256 * 1024  # the whole stands in the log, at the place that the detail names


def conflicting(event: Reading | CameraEvent) -> Quarantined:
    """Another value under an identity that was already seen in its series."""
    payload = _payload(event)
    if isinstance(event, Reading):
        what, device, arrival = event.series.observed_property, event.series.device, from_ms(event.arrival_ms)
    else:
        what, device, arrival = "camera", event.device, event.arrival_time
    return Quarantined(
        id=event_id("conflict", device, what, event.identity, payload.decode()),
        reason=Reason.CONFLICTING_DUPLICATE,
        field=what,
        detail=f"identity {event.identity} was already seen with another value",
        device=device,
        payload=payload,
        payload_bytes=len(payload),
        arrival_time=arrival,
        source=SOURCE,
    )


def poison(detector: Detector[Any], zone: str, event: ZoneEvent, clock: Clock, error: BaseException) -> Quarantined:
    """An event at which a detector raised ``error``."""
    payload = _payload(event)
    device, arrival = None, from_ms(clock.now_ms)
    if isinstance(event, Reading):
        device, arrival = event.series.device, from_ms(event.arrival_ms)
    elif isinstance(event, CameraEvent):
        device, arrival = event.device, event.arrival_time
    last_line = traceback.format_exception_only(error)[-1].strip()
    return Quarantined(
        id=event_id("poison", detector.name, detector.version, zone, clock.now_ms, payload.decode()),
        reason=Reason.POISON,
        field=type(event).__name__,
        detail=f"{detector.name} {detector.version} in {zone}: {last_line}"[:_DETAIL_MAX],
        device=device,
        payload=payload,
        payload_bytes=len(payload),
        arrival_time=arrival,
        source=SOURCE,
    )


def without_model(event: Model, zone: str, clock: Clock, error: ModelMissingError) -> Quarantined:
    """An event that names a model which the log does not hold: no detector is told of it."""
    payload = written(event)
    return Quarantined(
        id=event_id("without-model", zone, clock.now_ms, payload.decode()),
        reason=Reason.POISON,
        field=type(event).__name__,
        detail=f"{zone}: {error}",
        payload=payload[:_PAYLOAD_MAX],
        payload_bytes=len(payload),
        arrival_time=from_ms(clock.now_ms),
        source=SOURCE,
    )


def unfoldable(raw: bytes, place: str, failure: str, clock_ms: int) -> Quarantined:
    """A record at which the engine itself failed; ``place`` is its topic, partition and offset."""
    return _record("unfoldable", raw, place, f"the engine failed: {failure}", clock_ms)


def undecodable(raw: bytes, place: str, error: Exception, clock_ms: int) -> Quarantined:
    """A record that is no event of this version; ``place`` is its topic, partition and offset."""
    return _record("undecodable", raw, place, str(error), clock_ms)


def _record(what: str, raw: bytes, place: str, why: str, clock_ms: int) -> Quarantined:
    return Quarantined(
        id=event_id(what, place),
        reason=Reason.POISON,
        detail=f"{place}: {why}"[:_DETAIL_MAX],
        payload=raw[:_PAYLOAD_MAX],
        payload_bytes=len(raw),
        arrival_time=from_ms(clock_ms),
        source=SOURCE,
    )


def _payload(event: ZoneEvent) -> bytes:
    if isinstance(event, Model | CameraEvent):
        return written(event)
    return msgspec.json.encode({"type": type(event).__name__, **event._asdict()})
