"""Hikvision's ``EventNotificationAlert``, as ISAPI devices push it or stream it from ``/ISAPI/Event/notification``.

Source: Hikvision ISAPI developer guide, event notification, versions 1.0 (``urn:psialliance-org``) and 2.0
(``hikvision.com/ver20``, ``std-cgi.com``, ``isapi.org``), in XML and in JSON, alone or as parts of a multipart body
with the pictures between them.

A device is its MAC address as written, else its serial number, else the topic's name, else its IP address.
``videoloss`` that is ``inactive`` is the heartbeat of these devices: the device is there and has its picture.
"""

import re
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.camera_parts import OBJECTS_MAX, State, device_name, device_of_topic, short, tell, word
from ingest.decoders.draft import Draft
from ingest.decoders.multipart import parts
from ingest.decoders.xmltree import Node, json_tree, parse_xml
from ingest.meaning.times import local
from ingest.meaning.values import amount
from ingest.messages import About, Decoded, Happening, Kind, Refusal, Report
from schemas.quarantine import Reason

_ROOT: Final = "EventNotificationAlert"
_LOOKED_AT: Final = 4096
_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[:-]?[0-9A-Fa-f]{2}){5}")
_STATES: Final = {"active": True, "inactive": False}
_HEARTBEAT: Final = "videoloss"
_KNOWN: Final = frozenset(
    {
        *("ipAddress", "ipv6Address", "portNo", "protocol", "protocolType", "macAddress", "channelID", "dynChannelID"),
        *("dateTime", "activePostCount", "eventType", "eventState", "eventDescription", "channelName", "Extensions"),
        *("DetectionRegionList", "DetectionRegionEntry", "isDataRetransmission", "serialNumber", "deviceID"),
        *("deviceName", "devSerialNo", "detectionPictureTransType", "detectionPicturesNumber", "bkgUrl", "UUID"),
        *("detectionTarget", "targetType", "TargetRect", "ANPR", "picInfo", "pictureInfoList", "inputIOPortID"),
        *("dynInputIOPortID", "monitoringSiteID", "DurationList", "URLCertificationType", "eventPush", "picNum"),
    }
)


class Hikvision:
    """The decoder of Hikvision's events."""

    name = "hikvision-isapi"

    def recognise(self, message: Message) -> str | None:
        """By the name of the root, or the fields that every event has in JSON."""
        head = message.payload[:_LOOKED_AT]
        if _ROOT.encode() in head and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"-", b"{", b"C"):
            return f"holds {_ROOT}"
        said = message.peek()
        if "eventType" in said and "eventState" in said and ("dateTime" in said or "activePostCount" in said):
            return "JSON with eventType, eventState and dateTime"
        return None

    def decode(self, message: Message) -> Decoded:
        """One report per event; pictures among them are left out.

        Raises:
            RefusedError: there is no event in it.
        """
        reports: list[Report] = []
        refusal: Refusal | None = None
        refused = 0
        device = None
        for part in parts(message.payload):
            try:
                found = _root(part)
                if found is None:
                    continue
                device = _device(found, message)
                reports.append(_report(found, device, message))
            except RefusedError as error:
                refusal = refusal or error.refusal
                refused += 1
        if not reports and not refused:
            schema(None, f"no {_ROOT} in it, neither as XML nor as JSON")
        return Decoded(reports, refusal, refused, device)


def _root(part: bytes) -> Node | None:
    """The event in one part; None for a picture or anything else that is no text of ours."""
    first = part.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first == b"<":
        root = parse_xml(part)
        return next(root.below(_ROOT), None)
    if first == b"{":
        said = Message("", part, 0).object
        return json_tree(_ROOT, said.get(_ROOT, said))
    return None


def _device(event: Node, message: Message) -> str:
    named = device_of_topic(message.levels)
    mac = event.said("macAddress")
    if mac is not None and _MAC.fullmatch(mac) and mac.strip("0:-"):
        for level in message.levels:
            if _MAC.fullmatch(level) and _hex(level) != _hex(mac):
                text = f"the topic speaks for {level}, the message for {mac}"
                raise RefusedError(Reason.IDENTITY_MISMATCH, "macAddress", text)
        return mac
    serial = next((node.text for node in event.walk() if node.name in ("serialNumber", "devSerialNo")), None)
    for one in (serial, event.said("deviceID"), named, event.said("ipAddress")):
        if (found := device_name(one)) is not None:
            return found
    text = "neither MAC address nor serial number, and no topic that names the device"
    raise RefusedError(Reason.SCHEMA, "macAddress", text)


def _hex(mac: str) -> str:
    return mac.replace(":", "").replace("-", "").lower()


def _report(event: Node, device: str, message: Message) -> Report:
    event_type = word(event.said("eventType"))
    if event_type is None:
        schema("eventType", "missing")
    draft = Draft(device, local(event.said("dateTime"), message.options.timezone, message.arrived_ms))
    said = (event.said("eventState") or "").lower()
    active = _STATES.get(said)
    if active is None and said:
        draft.unknown("eventState", short(said), "neither active nor inactive")
    channel = word(event.said("channelID", "dynChannelID"))
    count = amount(event.said("activePostCount"))
    objects, zones = _seen(event)
    label = next((one["label"] for one in objects if "label" in one), "")
    region = zones[0] if zones else word(event.said("inputIOPortID", "dynInputIOPortID"))
    state = State(
        event_type,
        active,
        channel or "",
        region or "",
        label=label,
        zones=tuple(zones),
        continued=count is not None and count.value > 1,
    )
    sightings = tell(draft, state)
    for name in sorted({child.name for child in event.children} - _KNOWN):
        draft.unknown(name[:64], short(event.said(name)))
    happening = Happening(event_type, active, channel, region=region, objects=objects)
    about = About(vendor="Hikvision", name=word(event.said("channelName")))
    if event_type.lower() == _HEARTBEAT and active is False:
        draft.flag("online", value=True)
        return draft.report(Kind.STATUS, happening=happening, online=True, about=about)
    return draft.report(Kind.EVENT, happening=happening, sightings=sightings, about=about)


def _seen(event: Node) -> tuple[list[dict[str, Any]], list[str]]:
    """What was seen, and the regions in which: of every region, of a plate, and of the event itself."""
    objects: list[dict[str, Any]] = []
    zones: list[str] = []
    entries = [node for node in event.walk() if node.find("regionID") is not None][:OBJECTS_MAX]
    for entry in entries:
        region = word(entry.said("regionID"))
        if region is not None and region not in zones:
            zones.append(region)
        _add(objects, entry)
    if not objects:
        _add(objects, event)
    plate = event.find("ANPR")
    if plate is not None:
        said: dict[str, Any] = {"label": (word(plate.said("vehicleType")) or "vehicle").lower()}
        text = word(plate.said("licensePlate", "originalLicensePlate"))
        if text is not None and text.lower() != "unknown":  # a vehicle whose plate could not be read
            said["plate"] = text
            sure = amount(plate.said("confidenceLevel"))  # of the plate
            if sure is not None and 0 <= sure.value <= 100:  # noqa: PLR2004 - per cent
                said["score"] = sure.value / 100
        objects.append(said)
    return objects, zones


def _add(objects: list[dict[str, Any]], node: Node) -> None:
    said: dict[str, Any] = {}
    label = word(node.said("detectionTarget", "targetType"))
    if label is not None:
        said["label"] = label.lower()
    rect = node.find("TargetRect")
    if rect is not None:
        sides = [amount(rect.said(*spelled)) for spelled in (("X", "x"), ("Y", "y"), ("width",), ("height",))]
        known = [side.value for side in sides if side is not None]
        if len(known) == 4 and all(0 <= side <= 1 for side in known):  # noqa: PLR2004 - of the picture's size
            x, y, width, height = known
            said["box_xyxy"] = [x, y, round(min(1.0, x + width), 6), round(min(1.0, y + height), 6)]
    if said:
        objects.append(said)
