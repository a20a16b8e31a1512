"""Dahua's events: ``Code=VideoMotion;action=Start;index=0;data={...}``, and the same as JSON.

Source: Dahua HTTP API for IPC/SD/NVR, "Subscribe to event message" (``eventManager.cgi?action=attach``): text of one or
more events, of which a stream has each in its own part of a multipart body, and the word ``Heartbeat``. As JSON
(``Code``, ``Action``, ``Index``, ``Data``), alone or as ``eventList``, they come from video intercoms (DHIP) and from
bridges.

The text does not name the device. Whose message it is says the MQTT topic, else a serial number beside the event; where
neither stands, all such messages are of one device ``dahua``.

``RealUTC`` is the time. Where there is only ``UTC``, some firmwares mean seconds since the epoch and others their local
clock read as if it were UTC: with a time zone in the route, what is nearer to the arrival is taken; without, the epoch.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.camera_parts import OBJECTS_MAX, State, box, device_name, device_of_topic, names, short, tell, word
from ingest.decoders.draft import Draft
from ingest.decoders.multipart import parts
from ingest.meaning.times import epoch_s, plausible
from ingest.meaning.times import local as local_time
from ingest.meaning.values import finite, flag
from ingest.messages import About, Decoded, Happening, Kind, Refusal, Report
from schemas.quarantine import Reason

_CODE: Final = re.compile(rb"^[ \t]*Code=", re.MULTILINE)
_FIRST: Final = re.compile(
    rb"[\s\xef\xbb\xbf]{0,16}"
    rb"(?:Code=|--[^\r\n]{1,128}\r?\n(?:[A-Za-z-]{1,64}:[^\r\n]{0,256}\r?\n){0,16}\s{0,8}(?:Code=|Heartbeat))"
)
_HEARTBEAT: Final = re.compile(rb"\s*heartbeat\s*", re.IGNORECASE)
_ACTIONS: Final = {"start": True, "stop": False, "pulse": None, "state": None}
_EVENTS_MAX: Final = 1000
_GRID: Final = 8192  # the picture's width and height in Dahua's coordinates
_FALLBACK: Final = "dahua"
_KNOWN: Final = frozenset(
    {
        *("RealUTC", "UTC", "UTCMS", "LocaleTime", "Name", "RegionName", "Object", "Objects", "State", "TrafficCar"),
        *("Id", "Class", "EventID", "EventSeq", "FrameSequence", "GroupID", "IndexInGroup", "CountInGroup", "PTS"),
        *(
            "PresetID",
            "UTCMs",
            "RuleID",
            "RuleId",
            "TrackID",
            "Sequence",
            "Mark",
            "Source",
            "DetectRegion",
            "DetectLine",
        ),
        *("Track", "LowerSpeed", "UpperSpeed", "SmartMotionEnable", "IsGlobalScene", "CfgRuleId", "AreaID", "Action"),
        *("Direction", "OpenMode", "Event", "EventBaseInfo", "CommInfo", "SourceID"),
    }
)


class Dahua:
    """The decoder of Dahua's events."""

    name = "dahua-events"

    def recognise(self, message: Message) -> str | None:
        """By the first words of the text, or the keys of the JSON."""
        if _FIRST.match(message.payload):
            return "text begins with Code="
        if _HEARTBEAT.fullmatch(message.payload[:64]) and any("dahua" in level.lower() for level in message.levels):
            return "heartbeat on a topic of dahua"
        if _is_event(_folded(message.peek())) or _event_list(message.peek()):
            return "JSON with Code and Action"
        return None

    def decode(self, message: Message) -> Decoded:
        """One report per event.

        Raises:
            RefusedError: there is none in it.
        """
        reports: list[Report] = []
        refusal: Refusal | None = None
        refused = 0
        for event in _events(message):
            if len(reports) + refused >= _EVENTS_MAX:
                refusal = refusal or Refusal(Reason.SCHEMA, None, f"more than {_EVENTS_MAX} events")
                refused += 1
                break
            try:
                reports.append(_report(event if isinstance(event, dict) else _fields(event), message))
            except RefusedError as error:
                refusal = refusal or error.refusal
                refused += 1
        if not reports and not refused:
            schema(None, "neither Code=...;action=...;index=... nor the same as JSON, nor Heartbeat")
        return Decoded(reports, refusal, refused, reports[0].device if reports else device_of_topic(message.levels))


def _folded(said: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in lower case: bridges write Code and code, Action and action."""
    return {key.lower(): value for key, value in said.items()} if len(said) <= 32 else {}  # noqa: PLR2004 - an envelope


def _is_event(said: Mapping[str, Any]) -> bool:
    action = said.get("action")
    if "index" not in said and "data" not in said:
        return False
    return isinstance(said.get("code"), str) and isinstance(action, str) and action.lower() in _ACTIONS


def _event_list(said: Mapping[str, Any]) -> list[Any]:
    """The events of a DHIP notification."""
    params = said.get("params")
    found = (params if isinstance(params, dict) else said).get("eventList")
    return found if isinstance(found, list) else []


def _events(message: Message) -> Iterator[dict[str, Any] | bytes]:
    """Each event with its keys in lower case, or its text; the pictures that some streams hold are left out."""
    if message.payload.lstrip()[:1] == b"{":
        said = message.object
        for one in _event_list(said) or [said]:
            yield _folded(one) if isinstance(one, dict) else {}
        return
    for part in parts(message.payload):
        if _HEARTBEAT.fullmatch(part):
            yield {"heartbeat": True}
            continue
        starts = [found.start() for found in _CODE.finditer(part)]
        for start, end in zip(starts, [*starts, len(part)][1:], strict=True):
            yield part[start:end]


def _fields(event: bytes) -> dict[str, Any]:
    """The fields of one event in text.

    Raises:
        RefusedError: it is no UTF-8.
    """
    head, _, rest = Message("", event.strip(), 0).text.partition(";data=")
    out: dict[str, Any] = {}
    for field in head.split("\n", 1)[0].split(";", 16)[:16]:
        key, equals, value = field.partition("=")
        if equals:
            out.setdefault(key.strip().lower(), value.strip())
    if rest.strip():
        out["data"] = rest.strip()
        try:
            out["data"] = msgspec.json.decode(rest)
        except (ValueError, RecursionError):
            out["undecoded"] = True
    return out


def _report(event: dict[str, Any], message: Message) -> Report:
    device = device_of_topic(message.levels) or device_name(event.get("serialnumber")) or _FALLBACK
    if "heartbeat" in event:
        beat = Draft(device)
        beat.flag("online", value=True)
        return beat.report(Kind.STATUS, online=True, about=About(vendor="Dahua"))
    code = word(event.get("code"), 128)
    if code is None:
        schema("Code", "missing")
    action = event.get("action")
    if not isinstance(action, str) or action.lower() not in _ACTIONS:
        schema("action", f"{short(action)!r} is none of Start, Stop, Pulse, State")
    data = event.get("data")
    inner: dict[str, Any] = data if isinstance(data, dict) else {}
    draft = Draft(device, _time(inner, message))
    if data is not None and not isinstance(data, dict) and data != "":
        draft.unknown("data", short(data), "no JSON" if "undecoded" in event else "no JSON object")
    active = _ACTIONS[action.lower()]
    if action.lower() == "state":
        active = flag(inner.get("State"))
    channel = word(event.get("index"), 64)
    zones = names(inner.get("RegionName")) or names(inner.get("Name"))
    objects = _objects(inner)
    label = next((one["label"] for one in objects if "label" in one), "")
    region = zones[0] if zones else None
    state = State(code, active, channel or "", region or "", label=label, zones=tuple(zones))
    sightings = tell(draft, state)
    for name, value in inner.items():
        if name not in _KNOWN:
            draft.unknown(f"data.{short(name)}", short(value))
    happening = Happening(code, active, channel, word(inner.get("EventID")), region=region, objects=objects)
    return draft.report(Kind.EVENT, happening=happening, sightings=sightings, about=About(vendor="Dahua"))


def _time(data: Mapping[str, Any], message: Message) -> int | None:
    real = epoch_s(data.get("RealUTC"))
    said = epoch_s(data.get("UTC")) if real is None else real
    if said is None:
        return local_time(data.get("LocaleTime"), message.options.timezone, message.arrived_ms)
    zone = message.options.timezone
    if real is None and zone is not None:
        clock = datetime.fromtimestamp(said // 1000, UTC).replace(tzinfo=None).isoformat()
        as_local = local_time(clock, zone, message.arrived_ms)
        if as_local is not None:
            said = min(said, as_local, key=lambda ms: abs(ms - message.arrived_ms))
    part = finite(data.get("UTCMS"))
    if part is not None and 0 <= part < 1000:  # noqa: PLR2004 - milliseconds within the second
        said = said // 1000 * 1000 + int(part)
    return plausible(said)


def _objects(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    many = data.get("Objects")
    found = [data.get("Object"), *(many if isinstance(many, list) else [])][:OBJECTS_MAX]
    out = [said for one in found if isinstance(one, dict) and (said := _object(one))]
    car = data.get("TrafficCar")
    if isinstance(car, dict) and (plate := word(car.get("PlateNumber"))) is not None:
        out.append({"label": "vehicle", "plate": plate})
    return out


def _object(thing: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    kind = word(thing.get("ObjectType")) or word(thing.get("Type"))
    if kind is not None and kind.lower() != "unknown":
        said["label"] = kind.lower()
    name = word(thing.get("ObjectID"))
    if name is not None:
        said["id"] = name
    corners = box(thing.get("BoundingBox"))
    if corners is not None and all(0 <= side <= _GRID for side in corners):
        said["box_xyxy"] = [round(side / _GRID, 6) for side in corners]
    if said.get("label") == "plate" and (plate := word(thing.get("Text"))) is not None:
        said["plate"] = plate
    return said
