"""ChirpStack v4: the events of its MQTT integration in JSON.

Topics ``application/{application id}/device/{DevEUI}/event/{event}``, with any prefix; the payloads are the messages of
``api/proto/integration/integration.proto`` as its JSON marshaler writes them.
Source: https://www.chirpstack.io/docs/chirpstack/integrations/events.html
"""

from collections.abc import Mapping
from typing import Any, Final

from ingest.decoders import lorawan
from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.lorawan import NO_CODECS, Codecs, Reading, Uplink
from ingest.meaning.fields import Fields, Who, load_fields
from ingest.meaning.objects import Reader
from ingest.meaning.times import rfc3339
from ingest.messages import About, Decoded, Kind, Report
from schemas.quarantine import Reason

_LEVELS: Final = 6  # application/{}/device/{}/event/{}
_EVENTS: Final = frozenset({"up", "join", "status", "ack", "txack", "log", "location", "integration"})
_SHAPES: Final = (  # the event of a message whose topic does not say it, by the fields that only this event has
    ("rxInfo", "up"),
    ("fCnt", "up"),
    ("margin", "status"),
    ("acknowledged", "ack"),
    ("downlinkId", "txack"),
    ("integrationName", "integration"),
    ("location", "location"),
    ("code", "log"),
    ("devAddr", "join"),
)
_VENDOR_TAGS: Final = ("vendor", "manufacturer", "brand", "make", "vendor_id", "brand_id")
_MODEL_TAGS: Final = ("model", "device_model", "type", "device_type", "model_id", "product")


class ChirpStack:
    """Decoder of ChirpStack v4's events."""

    name = "chirpstack-v4"

    def __init__(self, fields: Fields | None = None, codecs: Codecs = NO_CODECS) -> None:
        self._reading = Reading(fields or load_fields(), codecs)

    def recognise(self, message: Message) -> str | None:
        """By the topic's last levels, else by ``deviceInfo`` with an event's own fields."""
        levels = message.levels
        if (
            len(levels) >= _LEVELS
            and (levels[-6], levels[-4], levels[-2]) == ("application", "device", "event")
            and lorawan.eui(levels[-3])
        ):
            return "topic .../application/+/device/+/event/+"
        info = message.peek().get("deviceInfo")
        if isinstance(info, dict) and "devEui" in info and _shape(message.peek()):
            return "deviceInfo.devEui, and the fields of a ChirpStack event"
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one event.

        Raises:
            RefusedError: not an event, of another device than its topic says, or its codec failed.
        """
        said = message.object
        levels = message.levels
        event, in_topic = "", None
        if len(levels) >= _LEVELS and levels[-4] == "device" and levels[-2] == "event":
            event, in_topic = levels[-1], levels[-3].lower()
        info = said.get("deviceInfo")
        if not isinstance(info, dict):
            schema("deviceInfo", "missing: the JSON marshaler of ChirpStack v4 writes it into every event")
        device = lorawan.eui(info.get("devEui"))
        if device is None:
            schema("deviceInfo.devEui", "not 16 hexadecimal digits")
        if in_topic is not None and in_topic != device:
            text = f"the topic speaks of {in_topic}, the payload of {device}"
            raise RefusedError(Reason.IDENTITY_MISMATCH, "deviceInfo.devEui", text)
        event = event or _shape(said)
        if event not in _EVENTS:
            schema("event", f"{event!r} is no event of ChirpStack v4")
        draft = Draft(device, rfc3339(said.get("time")))
        who, about = self._about(info)
        return Decoded((self._report(event, said, draft, who, about),))

    def _about(self, info: Mapping[str, Any]) -> tuple[Who, About]:
        told = lorawan.tags(info.get("tags"))
        low = {name.lower(): value for name, value in told.items()}
        vendor = next((low[name] for name in _VENDOR_TAGS if name in low), None)
        model = next((low[name] for name in _MODEL_TAGS if name in low), None)
        profile = lorawan.text(info.get("deviceProfileName"))
        who = self._reading.fields.make(vendor or "", model or "", profile or "")
        about = About(
            vendor=vendor or who.vendor or None,
            model=model or profile,
            name=lorawan.text(info.get("deviceName")),
            tags=told,
        )
        return who, about

    def _report(self, event: str, said: dict[str, Any], draft: Draft, who: Who, about: About) -> Report:
        if event == "up":
            return self._up(said, draft, who, about)
        if event == "status":
            unknown = said.get("batteryLevelUnavailable") is True or said.get("externalPowerSource") is True
            if not unknown:
                draft.number("battery_percent", said.get("batteryLevel"), field="batteryLevel")
            return draft.report(Kind.STATUS, about=about)
        if event == "location":
            place = lorawan.place(said.get("location"))
            if place is not None:
                draft.number("latitude", place[1])
                draft.number("longitude", place[0])
            return draft.report(Kind.LOCATION, about=about._replace(location=place))
        if event == "integration":
            inner = said.get("object")
            if isinstance(inner, dict):
                Reader(draft, self._reading.fields.names(who)).read(inner)
            return draft.report(about=about)
        if event == "log":
            words = [said[name] for name in ("level", "code", "description") if isinstance(said.get(name), str)]
            draft.unknown("log", " ".join(words)[:512], "a log entry of the network server")
            return draft.report(Kind.DIAGNOSTIC, about=about)
        gateway = lorawan.text(said.get("gatewayId"))
        return draft.report(Kind.JOIN if event == "join" else Kind.ACK, about=about._replace(gateway=gateway))

    def _up(self, said: dict[str, Any], draft: Draft, who: Who, about: About) -> Report:
        time = said.get("time")
        uplink = Uplink(
            who,
            about.model or "",
            b"",
            lorawan.port(said.get("fPort")),
            time if isinstance(time, str) else None,
            about.tags,
        )
        content = self._reading.read(draft, said.get("object"), None, said.get("data"), uplink)
        gateway = lorawan.link(draft, said.get("rxInfo"), "rssi", ("gatewayId",))
        about = about._replace(gateway=gateway, firmware=content.firmware, hardware=content.hardware)
        number = lorawan.numbering(said.get("fCnt"), said.get("devAddr"))
        return draft.report(content.kind, about=about, numbering=number)


def _shape(said: Mapping[str, Any]) -> str:
    return next((event for field, event in _SHAPES if field in said), "")
