"""The envelope: every event in the log is a CloudEvent 1.0 in structured JSON.

Source: CloudEvents 1.0.2, JSON format and Kafka protocol binding (structured content mode).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from schemas.accepted import AcceptedMessages
from schemas.anomaly import Anomaly
from schemas.camera import CameraEvent, DefinedCameraEvent
from schemas.carrier import DeviceCarried
from schemas.chunks import ModelChunk
from schemas.clock import ClockStepped, ShardRetired, Tick
from schemas.columns import AcceptedColumns, BatchColumns
from schemas.device import DecoderContext, DeviceTwin
from schemas.model import Model, Moment, Timestamp, format_rfc3339, from_ms, moment
from schemas.observation import ObservationBatch
from schemas.quarantine import Quarantined, ReadingsReleased, UnregisteredReadings
from schemas.registry import (
    CalendarConfigured,
    ClassConfigured,
    FacilityLeft,
    FacilityRegistered,
    RegistryLoad,
    RegistryProbe,
    RegistryRewriteBegun,
    RegistryRewriteEnded,
    RegistryRewritten,
    ZoneConfigured,
)
from schemas.shadow import ShadowBegun, ShadowEnded, ShadowFinding, ShadowPromoted, TrialRecord
from schemas.verdict import VerdictGiven
from schemas.water import WaterNetworkConfigured
from schemas.works import MaintenancePlanned

CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"
KAFKA_HEADERS: Final = (("content-type", CONTENT_TYPE.encode()),)

EVENT_TYPES: Final[dict[str, type[Model]]] = {
    "org.digital-eyes.observation.batch.v1": ObservationBatch,
    "org.digital-eyes.camera.event.v1": DefinedCameraEvent,
    "org.digital-eyes.facility.registered.v1": FacilityRegistered,
    "org.digital-eyes.facility.left.v1": FacilityLeft,
    "org.digital-eyes.zone.configured.v1": ZoneConfigured,
    "org.digital-eyes.water.network-configured.v1": WaterNetworkConfigured,
    "org.digital-eyes.class.configured.v1": ClassConfigured,
    "org.digital-eyes.calendar.configured.v1": CalendarConfigured,
    "org.digital-eyes.maintenance.planned.v1": MaintenancePlanned,
    "org.digital-eyes.registry.rewrite-begun.v1": RegistryRewriteBegun,
    "org.digital-eyes.registry.rewrite-ended.v1": RegistryRewriteEnded,
    "org.digital-eyes.registry.rewritten.v1": RegistryRewritten,
    "org.digital-eyes.registry.load.v1": RegistryLoad,
    "org.digital-eyes.registry.probe.v1": RegistryProbe,
    "org.digital-eyes.clock.tick.v1": Tick,
    "org.digital-eyes.clock.stepped.v1": ClockStepped,
    "org.digital-eyes.clock.shard-retired.v1": ShardRetired,
    "org.digital-eyes.shadow.begun.v1": ShadowBegun,
    "org.digital-eyes.shadow.promoted.v1": ShadowPromoted,
    "org.digital-eyes.shadow.ended.v1": ShadowEnded,
    "org.digital-eyes.shadow.finding.v1": ShadowFinding,
    "org.digital-eyes.shadow.trial.v1": TrialRecord,
    "org.digital-eyes.anomaly.v1": Anomaly,
    "org.digital-eyes.quarantined.v1": Quarantined,
    "org.digital-eyes.unregistered.readings.v1": UnregisteredReadings,
    "org.digital-eyes.unregistered.released.v1": ReadingsReleased,
    "org.digital-eyes.accepted.messages.v1": AcceptedMessages,
    "org.digital-eyes.device.twin.v1": DeviceTwin,
    "org.digital-eyes.device.carried.v1": DeviceCarried,
    "org.digital-eyes.verdict.given.v1": VerdictGiven,
    "org.digital-eyes.decoder.context.v1": DecoderContext,
    "org.digital-eyes.model.chunk.v1": ModelChunk,
}
Fast = BatchColumns | AcceptedColumns | CameraEvent
"""The events of the hot path as programs hold them; all else is held as its model."""
Data = Model | Fast
_DEFINED_BY: Final[dict[type, type[Model]]] = {
    BatchColumns: ObservationBatch,
    AcceptedColumns: AcceptedMessages,
    CameraEvent: DefinedCameraEvent,
}
TYPE_OF: Final[dict[type, str]] = {model: name for name, model in EVENT_TYPES.items()}
TYPE_OF.update({fast: TYPE_OF[model] for fast, model in _DEFINED_BY.items()})
ACCEPTED_TYPE: Final = TYPE_OF[AcceptedMessages]


class Envelope(Model):
    """The attributes of a CloudEvent as they stand on the wire; ``data`` is one of :data:`EVENT_TYPES`.

    Extension attributes of others are allowed, as CloudEvents 1.0 (section 3.1.1) asks, and ignored.
    """

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    type: str
    subject: str | None = None
    time: Timestamp
    partitionkey: str | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event and its envelope; those of the hot path are held as :data:`Fast`, all else as their model."""

    id: str
    source: str
    time: datetime
    data: Data
    subject: str | None = None
    partitionkey: str | None = None

    @property
    def type(self) -> str:
        """The CloudEvents type name of ``data``."""
        return TYPE_OF[type(self.data)]


class UnknownEventError(ValueError):
    """The bytes are no CloudEvent of a type in the catalogue; the message names what is wrong."""


_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Raw(msgspec.Struct):
    """The envelope with its data unread, so that each type is decoded once and by the decoder made for it."""

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: str
    time: str
    data: msgspec.Raw
    subject: str | None = None
    partitionkey: str | None = None
    datacontenttype: str = "application/json"


def _read_custom(kind: type, value: Any) -> Any:
    if kind is Moment and isinstance(value, str):
        return moment(value)
    raise ValueError(f"expected an RFC 3339 time, got {value!r}")


def _write_custom(value: Any) -> Any:
    if isinstance(value, Moment):
        return format_rfc3339(from_ms(value))
    raise NotImplementedError(f"a {type(value).__name__} stands in no event")


_envelope = msgspec.json.Decoder(_Raw)
_fast: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    TYPE_OF[kind]: msgspec.json.Decoder(kind, dec_hook=_read_custom) for kind in _DEFINED_BY
}
_timestamp: TypeAdapter[datetime] = TypeAdapter(Timestamp)
_encoder = msgspec.json.Encoder(enc_hook=_write_custom)


def written(data: Data) -> bytes:
    """An event's data as it stands in the log."""
    return _encoder.encode(data) if isinstance(data, Fast) else data.model_dump_json(by_alias=True).encode()


def encode(event: CloudEvent) -> bytes:
    """The bytes that go into Kafka; equal events give equal bytes."""
    return _encoder.encode(
        _Raw(
            specversion="1.0",
            id=event.id,
            source=event.source,
            type=event.type,
            time=format_rfc3339(event.time),
            data=msgspec.Raw(written(event.data)),
            subject=event.subject,
            partitionkey=event.partitionkey,
        )
    )


def _time(text: str) -> datetime:
    try:
        return _timestamp.validate_python(text)
    except ValidationError as error:
        raise UnknownEventError(f"time: {error.errors()[0]['msg']}") from error


def decode(raw: bytes) -> CloudEvent:
    """Read what :func:`encode` wrote.

    Raises:
        UnknownEventError: not JSON, not a CloudEvent, a type that is not in the catalogue, or data that breaks its
            model; the message names the field.
    """
    try:
        envelope = _envelope.decode(raw)
        data: Data
        if (fast := _fast.get(envelope.type)) is not None:
            data = fast.decode(envelope.data)
        else:
            data = EVENT_TYPES[envelope.type].model_validate_json(bytes(envelope.data))
        time = _time(envelope.time)
    except KeyError as unknown:
        raise UnknownEventError(f"type: {unknown.args[0]!r} is not an event type of this version") from None
    except ValueError as error:  # msgspec's and pydantic's errors are ValueErrors
        raise UnknownEventError(str(error)) from error
    return CloudEvent(
        id=envelope.id,
        source=envelope.source,
        time=time,
        data=data,
        subject=envelope.subject,
        partitionkey=envelope.partitionkey,
    )
