"""OGC SensorThings API 1.0 and 1.1, chapter 14 (MQTT): https://docs.ogc.org/is/18-088/18-088.html.

An observation is a bare result; what it means stands in its Datastream. A server publishes that as well, so this
decoder remembers the streams it was told of, or reads them where an observation carries its own.
"""

from collections.abc import Sequence
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.identify import device_id
from ingest.decoders.sensorthings.places import STREAMS, Place, place_of
from ingest.decoders.sensorthings.streams import (
    PARTS_MAX,
    Part,
    Stream,
    Streams,
    id_of,
    observed_only,
    stream_of,
)
from ingest.meaning.times import rfc3339
from ingest.meaning.values import finite
from ingest.meaning.words import meaning
from ingest.messages import About, Decoded, Kind, Report
from schemas.properties import PROPERTIES
from schemas.quarantine import Reason

_BAD: Final = ("bad", "invalid", "suspect", "missing", "error", "fail")
_INLINE: Final = {"Datastream": "Datastreams", "MultiDatastream": "MultiDatastreams"}
_LINKED_MAX: Final = 500


class SensorThings:
    """The decoder of SensorThings; see the module."""

    name = "sensorthings"

    def __init__(self) -> None:
        self._streams = Streams()

    def recognise(self, message: Message) -> str | None:
        """By a path such as ``v1.1/Datastreams(42)/Observations`` at the end of the topic, and a JSON object."""
        if place_of(message.topic) is None or not message.peek():
            return None
        return "topic ends in a SensorThings path"

    def decode(self, message: Message) -> Decoded:
        """Read an observation or an entity.

        Raises:
            RefusedError: nothing of it can be understood.
        """
        place = place_of(message.topic)
        if place is None:
            text = "not the path of a SensorThings entity, such as v1.1/Datastreams(42)/Observations"
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", text)
        if place.entity == "Observations":
            return self._observation(place, message.object)
        return self._entity(place, message.object)

    def learn(self, message: Message) -> None:
        """Take in a description from an earlier life."""
        try:
            place = place_of(message.topic)
            if place is not None and place.entity != "Observations":
                self._entity(place, message.object)
        except RefusedError:
            return

    def topics(self) -> Sequence[str]:
        """None: descriptions come to the topics of entities."""
        return ()

    # --------------------------------------------------------------------------------------------------- entities

    def _entity(self, place: Place, entity: dict[str, Any]) -> Decoded:
        named = place.this or id_of(entity, place.entity)
        if place.this and (own := id_of(entity, place.entity)) and _bare(own) != _bare(place.this):
            text = f"the topic says {place.this}, the payload {own}"
            raise RefusedError(Reason.IDENTITY_MISMATCH, "@iot.id", text)
        owner = place.owner if place.owner.partition("(")[0] in STREAMS else ""
        if place.entity == "ObservedProperties" and owner:
            device = device_id(place.prefix + _bare(owner))
            self._streams.put(device, observed_only(entity))
            learned = f"sensorthings:{device}/ObservedProperty"
            return Decoded((Report(device, Kind.DISCOVERY),), device=device, learned=learned)
        if not named:
            schema("@iot.id", f"an entity of {place.entity} without its id")
        device = device_id(place.prefix + _bare(named))
        described = False
        if place.entity in STREAMS:
            described = self._describe(device, entity)
        for collection in STREAMS:  # expanded in a Thing, Sensor or ObservedProperty
            inner = entity.get(collection)
            for one in inner[:_LINKED_MAX] if isinstance(inner, list) else ():
                if stream := id_of(one, collection):
                    described |= self._describe(device_id(place.prefix + _bare(stream)), one)
        kind = Kind.LOCATION if place.entity == "Locations" else Kind.DISCOVERY
        about = _about(entity)
        if kind is Kind.LOCATION and place.owner.startswith("Things("):
            device = device_id(place.prefix + _bare(place.owner))
        key = f"sensorthings:{device}" if described else None
        return Decoded((Report(device, kind, about=about),), device=device, learned=key)

    def _describe(self, device: str, entity: dict[str, Any]) -> bool:
        stream = stream_of(entity)
        if stream is not None:
            self._streams.put(device, stream)
        return stream is not None

    # ----------------------------------------------------------------------------------------------- observations

    def _observation(self, place: Place, said: dict[str, Any]) -> Decoded:
        owner = place.owner if place.owner.partition("(")[0] in STREAMS else ""
        inline: Stream | None = None
        for key, collection in _INLINE.items():
            entity = said.get(key)
            if not isinstance(entity, dict):
                continue
            own = id_of(entity, collection)
            if own and owner and _bare(own) != _bare(owner):
                text = f"the topic says {owner}, the payload {own}"
                raise RefusedError(Reason.IDENTITY_MISMATCH, f"{key}.@iot.id", text)
            owner, inline = owner or own, stream_of(entity)
        if not owner:
            schema("Datastream", "neither topic nor payload says of which Datastream this is")
        device = device_id(place.prefix + _bare(owner))
        known = self._streams.get(device)
        stream = (
            inline if inline is not None and (known is None or (inline.parts[:1] and inline.parts[0].symbol)) else known
        )
        if "result" not in said:
            raise RefusedError(Reason.SCHEMA, "result", "is missing")
        if stream is None:
            text = f"{device} was never described: its unit and observed property are not known"
            raise RefusedError(Reason.UNKNOWN_ALIAS, "result", text)
        draft = Draft(device, _time(said))
        _results(draft, said, stream)
        about = About(name=stream.name or None)
        return Decoded((draft.report(Kind.TELEMETRY, about=about),), device=device)


def _results(draft: Draft, said: dict[str, Any], stream: Stream) -> None:
    result = said["result"]
    values = result if stream.multi and isinstance(result, list) else [result]
    if stream.multi and len(values) != len(stream.parts):
        draft.unknown("result", len(values), f"not the {len(stream.parts)} values of its MultiDatastream")
        return
    quality = said.get("resultQuality")
    doubted = isinstance(quality, str) and any(word in quality.lower() for word in _BAD)
    for place, (value, part) in enumerate(zip(values[:PARTS_MAX], stream.parts, strict=False)):
        field = f"result[{place}]" if stream.multi else "result"
        if doubted:
            draft.unknown(field, _flat(value), f"resultQuality is {str(quality)[:64]!r}")
        else:
            _result(draft, value, part, stream, field)


def _result(draft: Draft, value: Any, part: Part, stream: Stream, field: str) -> None:
    if value is None:
        return
    value = _flat(value)
    name = part.observed or ("" if stream.multi else stream.name)
    truth = isinstance(value, bool)
    found = None
    if truth or part.unit is not None or not part.symbol:
        found = meaning(name, None if truth else part.unit, truth=truth)
        if found is None and part.observed and stream.name and not stream.multi:
            found = meaning(stream.name, None if truth else part.unit, truth=truth)
    if found is None:
        draft.unknown(name or field, value, f"in {part.symbol}" if part.symbol else "")
        return
    channel = found.rest if stream.multi else ""
    if PROPERTIES[found.observed_property].is_flag:
        draft.flag(found.observed_property, value, invert=found.inverted, channel=channel, field=field)
    else:
        draft.number(found.observed_property, value, part.unit, channel=channel, field=field)


def _time(said: dict[str, Any]) -> int | None:
    """When it was so: the instant, or the end of the interval; else when the result was there."""
    when = said.get("phenomenonTime")
    ended = when.rpartition("/")[2] if isinstance(when, str) else None
    return rfc3339(ended) if rfc3339(ended) is not None else rfc3339(said.get("resultTime"))


def _about(entity: dict[str, Any]) -> About:
    name = entity.get("name")
    return About(name=name[:200] if isinstance(name, str) else None, location=_point(entity.get("location")))


def _point(location: Any) -> tuple[float, float] | None:
    """Longitude and latitude of a GeoJSON point, or of a Feature that is one."""
    if isinstance(location, dict) and isinstance(location.get("geometry"), dict):
        location = location["geometry"]
    if not isinstance(location, dict) or location.get("type") != "Point":
        return None
    found = location.get("coordinates")
    if not isinstance(found, list) or len(found) not in (2, 3):
        return None
    longitude, latitude = finite(found[0]), finite(found[1])
    if longitude is None or latitude is None or abs(longitude) > 180 or abs(latitude) > 90:  # noqa: PLR2004 - degrees
        return None
    return longitude, latitude


def _bare(entity: str) -> str:
    """The same id whether a server writes it in quotes or not."""
    return entity.replace("'", "")


def _flat(value: Any) -> Any:
    """A value that may be kept as it is; what is nested, as a count."""
    if isinstance(value, dict | list):
        return f"{len(value)} values"
    return value[:256] if isinstance(value, str) else value
