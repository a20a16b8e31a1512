"""What a decoder made of a message, as the JSON lines that ``eyes decode`` reads and writes."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue
from ingest.meaning.times import rfc3339
from ingest.messages import About, Decoded, Happening, Measurement, Report
from schemas.model import format_rfc3339, from_ms
from schemas.properties import PROPERTIES

_ENCODINGS: Final = ("json", "text", "xml", "base64")


class LineError(ValueError):
    """A line that is no message; says what is wrong with it."""


def message_of(line: bytes, now_ms: int) -> Message:
    """The message in one line: ``{"topic", "payload", "encoding", "received"}``.

    ``topic`` may be null (not MQTT natively); ``payload`` is text, base64 where ``encoding`` says so, or JSON itself;
    ``received`` is RFC 3339, ``now_ms`` where it is left out.

    Raises:
        LineError: it is none.
    """
    try:
        said = msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        raise LineError(f"not JSON: {error}") from None
    if not isinstance(said, dict) or "payload" not in said:
        raise LineError('not an object with "topic" and "payload"')
    topic, payload, encoding = said.get("topic"), said["payload"], said.get("encoding") or "json"
    if not isinstance(topic, str | None):
        raise LineError("topic: neither text nor null")
    if encoding not in _ENCODINGS:
        raise LineError(f"encoding: {encoding!r}, known are {', '.join(_ENCODINGS)}")
    received_ms = now_ms if said.get("received") is None else rfc3339(said["received"])
    if received_ms is None:
        raise LineError("received: no RFC 3339 time with its zone")
    if not isinstance(payload, str):
        data = msgspec.json.encode(payload)
    elif encoding == "base64":
        try:
            data = b64decode(payload, validate=True)
        except (Base64Error, ValueError) as error:
            raise LineError(f"payload: no base64: {error}") from None
    else:
        data = payload.encode("utf-8", "surrogatepass")
    return Message(topic or "", data, received_ms)


def said_of(catalogue: Catalogue, message: Message, *, explain: bool = False) -> dict[str, Any]:
    """Decode one message as the live path does; what it means as one JSON object."""
    decoded = catalogue.decode(message)
    out = _line(decoded)
    out["decoder"] = message.decoder or None
    if explain:
        out["why"] = message.why or None
        out["learned"] = decoded.learned
        out["requests"] = [request.topic for request in decoded.requests]
    return out


def _line(decoded: Decoded) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": "malformed", "device_id": decoded.device, "time": None, "quantities": []}
    if decoded.reports:
        first = decoded.reports[0]
        out |= {"kind": first.kind.value, "device_id": first.device, "time": _time(first.time_ms)}
        out["quantities"] = [one for report in decoded.reports for one in _quantities(report, first)]
        if first.happening is not None:
            out |= _happening(first.happening)
        if first.online is not None:
            out["online"] = first.online
        if about := _about(first.about):
            out["about"] = about
        if first.numbering is not None:
            out["number"] = first.numbering.number
        if rest := decoded.reports[1:]:
            out["reports"] = [_further(report) for report in rest]
    out["unmapped"] = [
        {"name": one.name, "value": one.value, **({"why": one.why} if one.why else {})}
        for report in decoded.reports
        for one in report.unmapped
    ]
    if decoded.refusal is not None:
        where = f" at {decoded.refusal.field}" if decoded.refusal.field else ""
        out["error"] = f"{decoded.refusal.reason.value}{where}: {decoded.refusal.detail}"
        out["refused"] = decoded.refused
    return out


def _further(report: Report) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": report.kind.value, "device_id": report.device, "time": _time(report.time_ms)}
    if report.happening is not None:
        out |= _happening(report.happening)
    if report.online is not None:
        out["online"] = report.online
    return out


def _quantities(report: Report, first: Report) -> Iterator[dict[str, Any]]:
    whose = {} if report.device == first.device else {"device_id": report.device}
    for named in report.named:
        yield {
            "name": named.name,
            "value": named.value,
            "unit": named.unit,
            "time": _time(named.time_ms),
            **whose,
        }
    for part in report.measurements:
        yield {**_quantity(part, report.time_ms), **whose}


def _quantity(part: Measurement, time_ms: int | None) -> dict[str, Any]:
    prop = PROPERTIES[part.observed_property]
    out: dict[str, Any] = {
        "name": part.observed_property,
        "value": bool(part.value) if prop.is_flag else part.value,
        "unit": "bool" if prop.is_flag else prop.unit,
    }
    if part.channel:
        out["channel"] = part.channel
    if part.time_ms is not None and part.time_ms != time_ms:
        out["time"] = _time(part.time_ms)
    return out


def _happening(happening: Happening) -> dict[str, Any]:
    out: dict[str, Any] = {"event_type": happening.event_type, "active": happening.active}
    for name in ("channel", "event_id", "operation", "severity", "region"):
        if (value := getattr(happening, name)) is not None:
            out[name] = value
    if happening.objects:
        out["objects"] = [dict(one) for one in happening.objects]
    return out


def _about(about: About) -> dict[str, Any]:
    return {name: value for name, value in about._asdict().items() if value not in (None, {})}


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_rfc3339(from_ms(ms))
