"""Axis cameras' MQTT event bridge: ``axis/{serial}/event/{topic}``, or any prefix.

Source: Axis VAPIX library, "MQTT event bridge" and "MQTT client API" (AXIS OS 9.80 and later). A message is
``{"topic", "timestamp" (ms), "serial", "message": {"source", "key", "data"}}``; what is in it is an ONVIF event. Serial
number and namespaces may be switched off in the camera, in topic and payload.
"""

import re
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.camera_parts import device_of_topic, required_device, short, word
from ingest.decoders.draft import Draft
from ingest.decoders.onvif_event import Items, event_type_of, read_event
from ingest.meaning.times import epoch_ms
from ingest.messages import About, Decoded, Kind, Refusal
from schemas.quarantine import Reason

_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{12}")
_NAMESPACES: Final = ("tns:", "onvif", "axis", "tns1:", "tnsaxis:")
_TOPICS: Final = ("onvif:", "axis:", "tns1:", "tnsaxis:")
_FIELDS: Final = frozenset({"topic", "timestamp", "serial", "message"})
_ITEMS_MAX: Final = 64
_ONLINE: Final = frozenset({"connected", "online", "true", "1", "connect", "birth"})
_OFFLINE: Final = frozenset({"disconnected", "offline", "false", "0", "connection lost", "lost", "lwt", "disconnect"})


class Axis:
    """The decoder of the Axis event bridge."""

    name = "axis-mqtt"

    def recognise(self, message: Message) -> str | None:
        """By ``.../{serial}/event/{namespace}...`` anywhere in the topic, or by the shape of an event."""
        levels = message.levels
        at = _event_level(levels)
        if at and at + 1 < len(levels) and levels[at + 1].startswith(_NAMESPACES) and _SERIAL.fullmatch(levels[at - 1]):
            return "topic .../{serial}/event/{namespace}"
        if levels[0] == "axis" and len(levels) > 1 and _SERIAL.fullmatch(levels[1]):
            return "topic axis/{serial}"
        said = message.peek()
        topic = said.get("topic")
        if isinstance(topic, str) and topic.startswith(_TOPICS) and isinstance(said.get("message"), dict):
            return "an event of Axis: topic with namespace, and message"
        return None

    def decode(self, message: Message) -> Decoded:
        """One event, or whether the camera is connected.

        Raises:
            RefusedError: neither, and nothing says whose message it is.
        """
        named, at = _named_by_topic(message.levels)
        if named is not None and message.levels[at + 1 :] in ([], ["connection"]) and "message" not in message.peek():
            return _connection(message, required_device(named, "topic"))
        try:
            return _event(message, named, at)
        except RefusedError as error:
            return Decoded(refusal=error.refusal, refused=1, device=named)


def _event_level(levels: list[str]) -> int:
    """Where ``event`` stands; 0 where it does not."""
    return levels.index("event") if "event" in levels else 0


def _named_by_topic(levels: list[str]) -> tuple[str | None, int]:
    """The device that a topic names, and the level behind which the event's own topic begins."""
    at = _event_level(levels)
    if at:
        return levels[at - 1], at
    if len(levels) > 1 and levels[0] == "axis":
        return levels[1], len(levels)
    return None, len(levels)


def _event(message: Message, named: str | None, at: int) -> Decoded:
    said = message.object
    serial = said.get("serial")
    if serial is None:
        device = required_device(named or device_of_topic(message.levels), "topic")
    else:
        device = required_device(serial, "serial")
        if named is not None and named != device and _SERIAL.fullmatch(named):
            if named.lower() != device.lower():
                text = f"the topic speaks for {named}, the message for {device}"
                return Decoded(refusal=Refusal(Reason.IDENTITY_MISMATCH, "serial", text), refused=1, device=named)
            device = named
    inner = said.get("message")
    if not isinstance(inner, dict):
        schema("message", "no object with source, key and data")
    event_type = event_type_of(said.get("topic", "/".join(_plain(message.levels[at + 1 :]))), "topic")
    draft = Draft(device, epoch_ms(said.get("timestamp")))
    items = Items(*(_items(inner.get(part), f"message.{part}") for part in ("source", "key", "data")))
    happening, seen = read_event(draft, event_type, items)
    for name in [name for name in said if name not in _FIELDS]:
        draft.unknown(short(name), short(said[name]), "no field of the event bridge")
    about = About(vendor="Axis")
    return Decoded((draft.report(Kind.EVENT, happening=happening, sightings=seen, about=about),), device=device)


def _items(value: Any, field: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        schema(field, "no object")
    return dict(list(value.items())[:_ITEMS_MAX])


def _plain(levels: list[str]) -> list[str]:
    """The event's topic within an MQTT topic: without namespaces, and without the source that follows it."""
    end = next((index for index, level in enumerate(levels) if level.startswith("$")), len(levels))
    return [level for level in levels[:end] if not level.startswith("tns:")]


def _connection(message: Message, device: str) -> Decoded:
    """The birth, or the will, that a camera leaves with the broker, in the words somebody chose for it."""
    said = message.peek()
    told = next((said[name] for name in ("connected", "status", "state", "connection") if name in said), message.text)
    if isinstance(told, bool):
        online = told
    else:
        text = (word(told, 64) or "").strip('"').lower()
        online = text in _ONLINE
        if not online and text not in _OFFLINE:
            refusal = Refusal(Reason.SCHEMA, None, f"{text!r} says neither connected nor disconnected")
            return Decoded(refusal=refusal, refused=1, device=device)
    draft = Draft(device)
    draft.flag("online", online)
    return Decoded((draft.report(Kind.STATUS, online=online, about=About(vendor="Axis")),), device=device)
