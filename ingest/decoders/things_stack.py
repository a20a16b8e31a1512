"""The Things Stack v3 (The Things Network): the upstream messages of its MQTT server.

Topics ``v3/{application}@{tenant}/devices/{device}/...``, with any prefix; the payloads are ``ApplicationUp`` of
``api/ttn/lorawan/v3/messages.proto`` in JSON, where fields of value zero are left out. Normalised payloads follow
``lib/payload.json`` of the LoRaWAN Device Repository.
Source: https://www.thethingsindustries.com/docs/integrations/other-integrations/mqtt/ and .../concepts/data-formats/
"""

from collections.abc import Mapping
from typing import Any, Final

from ingest.decoders import lorawan
from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.lorawan import NO_CODECS, Codecs, Reading, Uplink
from ingest.meaning.fields import Fields, Who, load_fields
from ingest.meaning.times import rfc3339
from ingest.messages import About, Decoded, Kind, Report
from schemas.quarantine import Reason

_KINDS: Final = {  # what an ApplicationUp is about, besides the three that are read below
    "join_accept": Kind.JOIN,
    "downlink_ack": Kind.ACK,
    "downlink_nack": Kind.ACK,
    "downlink_sent": Kind.DIAGNOSTIC,
    "downlink_failed": Kind.DIAGNOSTIC,
    "downlink_queued": Kind.DIAGNOSTIC,
    "downlink_queue_invalidated": Kind.DIAGNOSTIC,
    "service_data": Kind.DIAGNOSTIC,
}
_READ: Final = ("uplink_message", "uplink_normalized", "location_solved")
_ROOTS: Final = ("v3", "devices")


class ThingsStack:
    """Decoder of The Things Stack v3."""

    name = "ttn-v3"

    def __init__(self, fields: Fields | None = None, codecs: Codecs = NO_CODECS) -> None:
        self._reading = Reading(fields or load_fields(), codecs)

    def recognise(self, message: Message) -> str | None:
        """By ``v3/+/devices/+`` anywhere in the topic, else by ``end_device_ids`` with an upstream message."""
        if _in_topic(message.levels) is not None:
            return "topic v3/+/devices/+/#"
        said = message.peek()
        if isinstance(said.get("end_device_ids"), dict) and any(name in said for name in (*_READ, *_KINDS)):
            return "end_device_ids, and an upstream message of The Things Stack"
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one upstream message.

        Raises:
            RefusedError: not one, of another device than its topic says, or its codec failed.
        """
        said = message.object
        in_topic = _in_topic(message.levels)
        ids = said.get("end_device_ids")
        if not isinstance(ids, dict):
            if in_topic is not None and "downlinks" in said:  # what an application asks the stack to send
                return Decoded((Report(in_topic, Kind.IGNORED),))
            schema("end_device_ids", "missing: every upstream message of The Things Stack has it")
        name = lorawan.text(ids.get("device_id"))
        if in_topic is not None and name is not None and in_topic != name:
            text = f"the topic speaks of {in_topic}, the payload of {name}"
            raise RefusedError(Reason.IDENTITY_MISMATCH, "end_device_ids.device_id", text)
        device = lorawan.eui(ids.get("dev_eui")) or name
        if device is None:
            schema("end_device_ids", "neither dev_eui nor device_id")
        about = About(name=name)
        if said.get("simulated") is True:
            about = about._replace(tags={"simulated": "true"})
        return Decoded((self._report(said, ids, device, about),))

    def _report(self, said: dict[str, Any], ids: dict[str, Any], device: str, about: About) -> Report:
        time_ms = rfc3339(said.get("received_at"))
        for name in ("uplink_message", "uplink_normalized"):
            inner = said.get(name)
            if isinstance(inner, dict):
                draft = Draft(device, rfc3339(inner.get("received_at")) or time_ms)
                return self._uplink(inner, draft, about, ids)
        draft = Draft(device, time_ms)
        solved = said.get("location_solved")
        if isinstance(solved, dict):
            place = lorawan.place(solved.get("location"))
            _locate(draft, place)
            return draft.report(Kind.LOCATION, about=about._replace(location=place))
        kind = next((kind for name, kind in _KINDS.items() if name in said), None)
        if kind is None:
            schema(None, "no upstream message that is known, such as uplink_message or join_accept")
        if kind is Kind.DIAGNOSTIC and isinstance(said.get("service_data"), dict):
            draft.unknown("service_data", said["service_data"].get("service"), "said by a service of the stack")
        return draft.report(kind, about=about)

    def _uplink(self, said: dict[str, Any], draft: Draft, about: About, ids: dict[str, Any]) -> Report:
        versions = said.get("version_ids")
        who, about = self._about(versions if isinstance(versions, dict) else {}, about)
        uplink = Uplink(
            who, about.model or "", b"", lorawan.port(said.get("f_port")), lorawan.text(said.get("received_at"))
        )
        content = self._reading.read(
            draft, said.get("decoded_payload"), said.get("normalized_payload"), said.get("frm_payload"), uplink
        )
        places = said.get("locations")
        if isinstance(places, dict):
            about = about._replace(location=lorawan.place(places.get("user")))
            if not any(one.observed_property == "latitude" for one in draft.measurements):
                _locate(draft, lorawan.place(places.get("frm-payload")))
        gateway = lorawan.link(draft, said.get("rx_metadata"), "rssi", ("gateway_ids", "gateway_id"))
        about = about._replace(
            gateway=gateway,
            firmware=content.firmware or about.firmware,
            hardware=content.hardware or about.hardware,
        )
        number = lorawan.numbering(said.get("f_cnt", 0), ids.get("dev_addr")) if "rx_metadata" in said else None
        return draft.report(content.kind, about=about, numbering=number)

    def _about(self, versions: Mapping[str, Any], about: About) -> tuple[Who, About]:
        brand, model = lorawan.text(versions.get("brand_id")), lorawan.text(versions.get("model_id"))
        if brand is None and model is None:
            return self._reading.fields.make("", "", about.name or ""), about
        known = about._replace(
            vendor=brand,
            model=model,
            firmware=lorawan.text(versions.get("firmware_version")),
            hardware=lorawan.text(versions.get("hardware_version")),
        )
        return self._reading.fields.make(brand or "", model or ""), known


def _locate(draft: Draft, place: tuple[float, float] | None) -> None:
    if place is not None:
        draft.number("latitude", place[1])
        draft.number("longitude", place[0])


def _in_topic(levels: list[str]) -> str | None:
    """The device a topic speaks of; None where it is no topic of the stack."""
    for at in range(len(levels) - 4):
        if levels[at] == _ROOTS[0] and levels[at + 2] == _ROOTS[1] and levels[at + 3]:
            return levels[at + 3]
    return None
