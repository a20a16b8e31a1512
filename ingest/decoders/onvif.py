"""ONVIF notifications and scene descriptions in XML, as cameras send them to a subscriber or beside their video.

Source: ONVIF Core specification 21.06, chapter 9 (``wsnt:NotificationMessage`` with ``tt:Message``, alone, in a
``tt:MetadataStream`` or in a SOAP envelope), and the Analytics service specification, chapter 5 (``tt:Frame`` with
``tt:Object``). Namespace prefixes are free and are not looked at.

ONVIF has no field that names the camera. Whose message it is says, in this order: the MQTT topic; the address of the
notification's producer (the UUID within it, which Axis keeps for the life of a camera, or else its host); the first
token of its source; and where nothing of that stands, all such messages are of one device ``onvif``.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.camera_parts import device_name, device_of_topic
from ingest.decoders.draft import Draft
from ingest.decoders.onvif_event import Items, event_type_of, read_event
from ingest.decoders.onvif_scene import read_frame
from ingest.decoders.xmltree import Node, parse_xml
from ingest.meaning.times import local as local_time
from ingest.messages import Decoded, Kind, Refusal, Report
from schemas.quarantine import Reason

_LOOKED_AT: Final = 8192  # bytes, when asked whether this is ours
_SIGNS: Final = (b"NotificationMessage", b"MetadataStream", b"PullMessagesResponse", b"www.onvif.org/ver10/schema")
_REPORTS_MAX: Final = 1000
_ITEMS_MAX: Final = 64
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_FALLBACK: Final = "onvif"


class Onvif:
    """The decoder of ONVIF's XML."""

    name = "onvif-xml"

    def recognise(self, message: Message) -> str | None:
        """By the names in the beginning of an XML document."""
        head = message.payload[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n")
        if head[:1] == b"<" and any(sign in head for sign in _SIGNS):
            return "XML with an ONVIF notification or scene"
        return None

    def decode(self, message: Message) -> Decoded:
        """One report per notification and per frame.

        Raises:
            RefusedError: no XML, or nothing of ONVIF in it.
        """
        root = parse_xml(message.payload)
        named = device_of_topic(message.levels)
        reports: list[Report] = []
        refusal: Refusal | None = None
        refused = 0
        producer = None
        for node in root.walk():
            if node.name not in ("NotificationMessage", "Frame"):
                continue
            if len(reports) + refused >= _REPORTS_MAX:
                refusal = refusal or Refusal(Reason.SCHEMA, None, f"more than {_REPORTS_MAX} notifications")
                refused += 1
                break
            try:
                if node.name == "Frame":
                    frame = read_frame(node, named or producer or _FALLBACK, message)
                    reports.extend(() if frame is None else (frame,))
                else:
                    producer = _producer(node) or producer
                    reports.append(_notification(node, named or producer, message))
            except RefusedError as error:
                refusal = refusal or error.refusal
                refused += 1
        if not reports and not refused:
            if not _is_empty(root):
                schema(None, f"<{root.name[:64]}> without any notification or frame")
            reports.append(Report(named or _FALLBACK, Kind.IGNORED))
        return Decoded(reports, refusal, refused, named or producer)


def _is_empty(root: Node) -> bool:
    """Rightly without content: the answer to a pull when nothing happened, a frame without objects."""
    return any(node.name in ("PullMessagesResponse", "MetadataStream", "Notify") for node in root.walk())


def _producer(notification: Node) -> str | None:
    """The UUID, or else the host, in the address of who produced a notification."""
    reference = notification.find("ProducerReference")
    address = None if reference is None else reference.said("Address")
    if address is None:
        return None
    uuid = _UUID.search(address)
    if uuid is not None:
        return uuid[0].lower()
    try:
        return device_name(urlsplit(address).hostname)
    except ValueError:
        return None


def _notification(notification: Node, device: str | None, message: Message) -> Report:
    topic = notification.find("Topic")
    event_type = event_type_of(None if topic is None else topic.text, "Topic")
    said = next((node for node in notification.below("Message") if "UtcTime" in node.attributes), None)
    if said is None:
        inner = [node for node in notification.below("Message") if node.find("Data") or node.find("Source")]
        if not inner:
            schema("Message", "no tt:Message with UtcTime or data")
        said = inner[0]
    operation = said.attributes.get("PropertyOperation")
    complex_items: list[str] = []
    items = Items(*(_items(said.find(part), complex_items) for part in ("Source", "Key", "Data")))
    time_ms = local_time(said.attributes.get("UtcTime"), message.options.timezone, message.arrived_ms)
    token = next((device_name(value) for value in items.source.values()), None)
    draft = Draft(device or token or _FALLBACK, time_ms)
    happening, seen = read_event(draft, event_type, items, operation)
    for name in complex_items:
        draft.unknown(f"data.{name[:64]}", None, "an element, not a simple item")
    return draft.report(Kind.EVENT, happening=happening, sightings=seen)


def _items(part: Node | None, complex_items: list[str]) -> dict[str, Any]:
    """Simple items by name; those with elements of their own are only named. A plate within them is found."""
    found: dict[str, Any] = {}
    if part is None:
        return found
    for item in part.children[:_ITEMS_MAX]:
        name = item.attributes.get("Name") or item.name
        if item.name == "SimpleItem":
            found.setdefault(name, item.attributes.get("Value", ""))
        elif item.name == "ElementItem":
            plate = next((node.text for node in item.below("PlateNumber") if node.text), None)
            if plate is None:
                complex_items.append(name)
            else:
                found["PlateNumber"] = plate
    return found
