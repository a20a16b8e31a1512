"""Our own JSON: one ``Observation`` or ``CameraObservation``, or an array of them, in one message.

pydantic's models say what is right. A message of observations is first read by a msgspec twin that takes only what
pydantic would certainly take, with the same result; whatever it does not take goes to the models, which accept it or
name the field that is wrong. ``tests/unit/ingest`` holds the two against each other.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple, NoReturn, TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError

from ingest.decoders.base import Message, RefusedError
from ingest.decoders.topics import ROOT
from ingest.messages import Decoded, Kind, Measurement, Refusal, Report
from schemas.camera import CameraObservation
from schemas.model import DeviceId, Model, to_ms
from schemas.observation import Observation
from schemas.properties import PROPERTIES
from schemas.quarantine import Reason
from schemas.units import to_canonical

M = TypeVar("M", bound=Model)


class Parts(NamedTuple):
    """The good parts of a message; ``refusal`` speaks of the first of ``refused`` bad ones."""

    measurements: list[Measurement]
    sightings: list[CameraObservation]
    refusal: Refusal | None = None
    refused: int = 0


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS: Final = range(1970, 9_999)  # outside of these a change of zone may overflow: left to pydantic


# ----------------------------------------------------------------------------------------- what both paths share


@lru_cache(maxsize=1024)
def _bounds(observed_property: str, unit: str | None) -> tuple[float, float, str | None]:
    """Low, high and the unit to convert from (None: nothing to do) of a property that is known to accept the unit."""
    prop = PROPERTIES[observed_property]
    return prop.low, prop.high, None if unit is None or unit == prop.unit else unit


def _canonical(observed_property: str, value: float, unit: str | None) -> float:
    """The value in the canonical unit; minus zero is zero, or one value would have two identities.

    Raises:
        RefusedError: outside of what is physically possible.
    """
    low, high, convert = _bounds(observed_property, unit)
    canonical = float(value) + 0.0 if convert is None else to_canonical(float(value), convert) + 0.0
    if not low <= canonical <= high:
        text = f"{observed_property} of {canonical!r} {PROPERTIES[observed_property].unit} is outside of {low}..{high}"
        raise RefusedError(Reason.SCHEMA, "value", text)
    return canonical


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


class _NotFastError(Exception):
    """Not certainly what pydantic would take: let it decide."""


def _fast(payload: bytes) -> list[Measurement]:
    """Read a message that is right in every part.

    Raises:
        _NotFastError, msgspec.MsgspecError, RefusedError, ValueError: let the models decide.
    """
    if b"\\" in payload:  # an escape could spell a key twice or hide a quote
        raise _NotFastError
    elements = [_one.decode(payload)] if payload[:1] == b"{" else _many.decode(payload)
    texts = 0
    out: list[Measurement] = []
    for element in elements:
        out.append(_fast_element(element))
        texts += _texts(element)
    # Without escapes every quote begins or ends a key or a text. More of them than were read is a key that was given
    # twice, which msgspec does not tell.
    if payload.count(b'"') != 2 * texts:
        raise _NotFastError
    return out


def _fast_element(element: _Fast) -> Measurement:
    name, value = element.property, element.value
    prop = PROPERTIES.get(name)
    if prop is None or (value not in (0.0, 1.0) if prop.is_flag else value.__class__ is bool):
        raise _NotFastError
    unit = element.unit if isinstance(element.unit, str) else None
    if unit is not None and unit != prop.unit and not prop.accepts(unit):
        raise _NotFastError
    time_ms = _fast_time(element.time) if isinstance(element.time, str) else None
    seq = None if element.seq is msgspec.UNSET else element.seq
    return Measurement(name, _canonical(name, value, unit), time_ms, element.boot or "", seq)


def _texts(element: _Fast) -> int:
    """How many keys and strings stood in an element: of a field none, its key, or its key and a string."""
    texts = 3 + (element.seq is not msgspec.UNSET)  # `property`, its string and `value`
    for field in (element.unit, element.time, element.boot):
        if field is not msgspec.UNSET:
            texts += 1 if field is None else 2
    return texts


def _fast_time(text: str) -> int:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None or time.year not in _YEARS:
        raise _NotFastError
    delta = time - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


# ----------------------------------------------------------------------------------------------- the models' path


def _constant(name: str) -> NoReturn:
    raise RefusedError(Reason.MALFORMED_JSON, None, f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RefusedError(Reason.MALFORMED_JSON, twice, f"key {twice!r} is given twice")
    return out


_reader: Final = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_object)


def strict_json(payload: bytes) -> Any:
    """JSON as RFC 8259 has it: no NaN, no key twice, no nesting or number beyond reason.

    Raises:
        RefusedError: malformed or not UTF-8.
    """
    try:
        return _reader.decode(payload.decode())
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.INVALID_UTF8, None, f"byte {error.start} of the payload: {error.reason}") from None
    except RefusedError:
        raise
    except RecursionError:
        raise RefusedError(Reason.MALFORMED_JSON, None, "nested too deeply") from None
    except ValueError as error:  # also an integer of more digits than Python converts
        raise RefusedError(Reason.MALFORMED_JSON, None, str(error)) from None


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
        _canonical(observation.observed_property, observation.value, observation.unit),
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
                refusal = refusal or (_at(index, error.refusal) if array else error.refusal)
    except RefusedError as error:
        return out._replace(refusal=error.refusal, refused=1)
    return out._replace(refusal=refusal, refused=refused)


def _at(index: int, refusal: Refusal) -> Refusal:
    return refusal._replace(field=f"[{index}]" if refusal.field is None else f"[{index}].{refusal.field}"[:256])


def by_models(payload: bytes) -> Parts:
    """Observations by pydantic alone: the arbiter, and what the fast path is held against."""
    out = Parts([], [])
    return _each(payload, out, _measurement, out.measurements)


def decode_observations(payload: bytes) -> Parts:
    """Channel ``observations``; takes any bytes and never raises."""
    try:
        return Parts(_fast(payload), [])
    except (_NotFastError, msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return by_models(payload)


def decode_sightings(payload: bytes) -> Parts:
    """Channel ``camera``; takes any bytes and never raises."""
    out = Parts([], [])
    return _each(payload, out, _sighting, out.sightings)


_CHANNELS: Final = {"observations": decode_observations, "camera": decode_sightings}
_PARTS: Final = 5
_device: Final = TypeAdapter(DeviceId)


def device_of(topic: str) -> tuple[str, str]:
    """Device and channel of a topic ``eyes/v1/{site}/{device}/{channel}``.

    Raises:
        RefusedError: it is none; says what is wrong with it.
    """
    parts = topic.split("/")
    if not topic.startswith(ROOT) or len(parts) != _PARTS or not parts[2] or parts[2].startswith("_"):
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "not of the form eyes/v1/{site}/{device}/{channel}")
    if parts[4] not in _CHANNELS:
        text = f"unknown channel {parts[4]!r}, known are {', '.join(_CHANNELS)}"
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", text)
    return _valid(parts[3]), parts[4]


@lru_cache(maxsize=200_000)
def _valid(device: str) -> str:
    try:
        return _device.validate_python(device)
    except ValidationError as error:
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", f"device {device!r}: {error.errors()[0]['msg']}") from None


class OwnJson:
    """The decoder of our own topics."""

    name = "eyes"

    def recognise(self, message: Message) -> str | None:
        """By topic alone."""
        return f"topic begins with {ROOT}" if message.topic.startswith(ROOT) else None

    def decode(self, message: Message) -> Decoded:
        """Observations or sightings, as the channel says.

        Raises:
            RefusedError: the topic is none of ours.
        """
        device, channel = device_of(message.topic)
        parts = _CHANNELS[channel](message.payload)
        kind = Kind.EVENT if parts.sightings else Kind.TELEMETRY
        reports = (Report(device, kind, None, parts.measurements, parts.sightings),)
        return Decoded(reports if parts.measurements or parts.sightings else (), parts.refusal, parts.refused, device)
