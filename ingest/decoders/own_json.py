"""Our own JSON: one ``Observation`` or ``CameraObservation``, or an array of them, in one message.

pydantic's models say what is right. A message of observations is first read by a msgspec twin that takes only what
pydantic would certainly take, with the same result; whatever it does not take goes to the models, which accept it or
name the field that is wrong. ``tests/unit/ingest`` holds the two against each other.
"""

import json
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from pydantic import ValidationError

from ingest.decoders.base import Message, RefusedError
from ingest.decoders.identify import device_id
from ingest.decoders.own_batch import decode_batch
from ingest.decoders.own_terms import NotCertainError, at_element, canonical, strict_json, utc_ms
from ingest.decoders.topics import ROOT
from ingest.messages import Decoded, Kind, Measurement, Refusal, Report
from schemas.camera import CameraObservation
from schemas.model import Model, to_ms
from schemas.observation import Observation
from schemas.properties import PROPERTIES
from schemas.quarantine import Reason

M = TypeVar("M", bound=Model)


class Parts(NamedTuple):
    """The good parts of a message; ``refusal`` speaks of the first of ``refused`` bad ones."""

    measurements: list[Measurement]
    sightings: list[CameraObservation]
    refusal: Refusal | None = None
    refused: int = 0


# ------------------------------------------------------------------------------------------------- the fast path


class _Fast(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """:class:`Observation` with the names it has on the wire; absent fields are told from null ones."""

    property: str
    value: float | bool
    unit: str | msgspec.UnsetType | None = msgspec.UNSET
    time: str | msgspec.UnsetType | None = msgspec.UNSET
    boot: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] | msgspec.UnsetType = msgspec.UNSET
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | msgspec.UnsetType | None = msgspec.UNSET


_one: Final = msgspec.json.Decoder(_Fast)
_many: Final = msgspec.json.Decoder(list[_Fast])


def _fast(payload: bytes) -> list[Measurement]:
    """Read a message that is right in every part.

    Raises:
        NotCertainError, msgspec.MsgspecError, RefusedError, ValueError: let the models decide.
    """
    if b"\\" in payload:  # an escape could spell a key twice or hide a quote
        raise NotCertainError
    elements = [_one.decode(payload)] if payload[:1] == b"{" else _many.decode(payload)
    texts = 0
    out: list[Measurement] = []
    for element in elements:
        out.append(_fast_element(element))
        texts += _texts(element)
    # Without escapes every quote begins or ends a key or a text. More of them than were read is a key that was given
    # twice, which msgspec does not tell.
    if payload.count(b'"') != 2 * texts:
        raise NotCertainError
    return out


def _fast_element(element: _Fast) -> Measurement:
    name, value = element.property, element.value
    prop = PROPERTIES.get(name)
    if prop is None or (value not in (0.0, 1.0) if prop.is_flag else value.__class__ is bool):
        raise NotCertainError
    unit = element.unit if isinstance(element.unit, str) else None
    if unit is not None and unit != prop.unit and not prop.accepts(unit):
        raise NotCertainError
    time_ms = utc_ms(element.time) if isinstance(element.time, str) else None
    seq = None if element.seq is msgspec.UNSET else element.seq
    return Measurement(name, canonical(name, value, unit), time_ms, element.boot or "", seq)


def _texts(element: _Fast) -> int:
    """How many keys and strings stood in an element: of a field none, its key, or its key and a string."""
    texts = 3 + (element.seq is not msgspec.UNSET)  # `property`, its string and `value`
    for field in (element.unit, element.time, element.boot):
        if field is not msgspec.UNSET:
            texts += 1 if field is None else 2
    return texts


# ----------------------------------------------------------------------------------------------- the models' path


def _validate(model: type[M], element: Any) -> M:
    """Ask the model, through JSON because strict mode reads JSON and Python objects differently.

    Raises:
        RefusedError: naming the field.
    """
    try:
        return model.model_validate_json(json.dumps(element))
    except ValidationError as error:
        raise _refused(error) from None
    except (RecursionError, OverflowError, ValueError) as error:
        raise RefusedError(Reason.SCHEMA, None, str(error)) from None


def _refused(error: ValidationError) -> RefusedError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    text = first["msg"]
    if first["type"] == "json_invalid":
        return RefusedError(Reason.MALFORMED_JSON, None, text)
    if first["loc"]:
        # `value` is a union, whose members pydantic appends to the path: only the field's name is meant
        field = str(first["loc"][0]) + "".join(f"[{part}]" for part in first["loc"][1:] if isinstance(part, int))
        return RefusedError(Reason.SCHEMA, field, text)
    field, separator, rest = text.removeprefix("Value error, ").partition(": ")
    return RefusedError(Reason.SCHEMA, field if separator else None, rest or text)


def _elements(payload: bytes) -> tuple[list[Any], bool]:
    """The parts of a message and whether they came as an array.

    Raises:
        RefusedError: not JSON, or JSON of another shape.
    """
    body = strict_json(payload)
    if isinstance(body, list):
        return body, True
    if isinstance(body, dict):
        return [body], False
    raise RefusedError(Reason.SCHEMA, None, "neither an object nor an array of objects")


def _measurement(element: Any) -> Measurement:
    observation = _validate(Observation, element)
    return Measurement(
        observation.observed_property,
        canonical(observation.observed_property, observation.value, observation.unit),
        None if observation.time is None else to_ms(observation.time),
        observation.boot,
        observation.seq,
    )


def _sighting(element: Any) -> CameraObservation:
    return _validate(CameraObservation, element)


def _each(payload: bytes, out: Parts, take: Any, into: list[Any]) -> Parts:
    """Take the good parts, count the bad ones, remember why the first of them is bad."""
    refusal: Refusal | None = None
    refused = 0
    try:
        elements, array = _elements(payload)
        for index, element in enumerate(elements):
            try:
                into.append(take(element))
            except RefusedError as error:
                refused += 1
                refusal = refusal or (at_element(index, error.refusal) if array else error.refusal)
    except RefusedError as error:
        return out._replace(refusal=error.refusal, refused=1)
    return out._replace(refusal=refusal, refused=refused)


def by_models(payload: bytes) -> Parts:
    """Observations by pydantic alone: the arbiter, and what the fast path is held against."""
    out = Parts([], [])
    return _each(payload, out, _measurement, out.measurements)


def decode_observations(payload: bytes) -> Parts:
    """Channel ``observations``; takes any bytes and never raises."""
    try:
        return Parts(_fast(payload), [])
    except (NotCertainError, msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return by_models(payload)


def decode_sightings(payload: bytes) -> Parts:
    """Channel ``camera``; takes any bytes and never raises."""
    out = Parts([], [])
    return _each(payload, out, _sighting, out.sightings)


_CHANNELS: Final = {"observations": decode_observations, "camera": decode_sightings}
_BATCH: Final = "batch"
_PARTS: Final = 5


def device_of(topic: str) -> tuple[str, str]:
    """Device and channel of a topic ``eyes/v1/{site}/{device}/{channel}``.

    Raises:
        RefusedError: it is none; says what is wrong with it.
    """
    parts = topic.split("/")
    if not topic.startswith(ROOT) or len(parts) != _PARTS or not parts[2] or parts[2].startswith("_"):
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "not of the form eyes/v1/{site}/{device}/{channel}")
    if parts[4] not in _CHANNELS and parts[4] != _BATCH:
        text = f"unknown channel {parts[4]!r}, known are {', '.join((*_CHANNELS, _BATCH))}"
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", text)
    return device_id(parts[3], "topic", Reason.UNKNOWN_TOPIC), parts[4]


class OwnJson:
    """The decoder of our own topics."""

    name = "eyes"

    def recognise(self, message: Message) -> str | None:
        """By topic alone."""
        return f"topic begins with {ROOT}" if message.topic.startswith(ROOT) else None

    def decode(self, message: Message) -> Decoded:
        """Observations, sightings or a gateway's batch, as the channel says.

        Raises:
            RefusedError: the topic is none of ours.
        """
        device, channel = device_of(message.topic)
        if channel == _BATCH:
            return decode_batch(message.payload, device)
        parts = _CHANNELS[channel](message.payload)
        kind = Kind.EVENT if parts.sightings else Kind.TELEMETRY
        reports = (Report(device, kind, None, parts.measurements, parts.sightings),)
        return Decoded(reports if parts.measurements or parts.sightings else (), parts.refusal, parts.refused, device)
