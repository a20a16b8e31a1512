"""SenML (RFC 8428, https://www.rfc-editor.org/rfc/rfc8428) in JSON and CBOR; which of them, the first byte says."""

from collections.abc import Iterator
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.identify import device_id
from ingest.decoders.senml.names import split
from ingest.decoders.senml.pack import LABELS, VALUES, Now, Record, cbor_records, is_cbor, resolve
from ingest.decoders.senml.units import DECIDES, SUMS, scaled
from ingest.meaning.times import plausible
from ingest.meaning.words import meaning
from ingest.messages import NOTHING_ABOUT, Decoded, Kind, Named, Refusal
from schemas.properties import PROPERTIES
from schemas.quarantine import Reason

_LEVELS: Final = frozenset({"senml", "senml+json", "senml+cbor", "senml-json", "senml-cbor", "sensml"})
_FIRST_KEYS: Final = frozenset(range(0x09)) | frozenset(range(0x20, 0x26)) | frozenset(range(0x61, 0x65))
_DEVICES_MAX: Final = 1_000
_WEEK_S: Final = 604_800.0


class Senml:
    """The decoder of SenML; see the module."""

    name = "senml"

    def recognise(self, message: Message) -> str | None:
        """By a level ``senml`` in the topic, or as an array of objects that have only labels of SenML."""
        if any(level.lower() in _LEVELS for level in message.levels):
            return "topic has a level senml"
        payload = message.payload
        try:
            if is_cbor(payload):
                start = 3 if payload[0] == 0xD9 else 0  # noqa: PLR2004 - self-described
                head = payload[start : start + 5]
                likely = any(0xA1 <= head[at - 1] <= 0xAF and head[at] in _FIRST_KEYS for at in range(2, len(head)))  # noqa: PLR2004 - a map
                return "CBOR array of SenML records" if likely and _is_pack(cbor_records(payload)) else None
            if payload.lstrip()[:1] == b"[" and _is_pack(message.json):
                return "array of SenML records"
        except RefusedError:
            return None
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one pack; records that cannot be understood are refused, the others taken.

        Raises:
            RefusedError: it is no pack, or its base fields cannot be understood.
        """
        pack = cbor_records(message.payload) if is_cbor(message.payload) else message.json
        drafts: dict[str, _Collected] = {}
        refusal: Refusal | None = None
        refused = 0
        for record in resolve(pack):
            found: Record | Refusal | None = record
            if isinstance(record, Record):
                found = _take(message, record, drafts)
            if isinstance(found, Refusal):
                refused += 1
                refusal = refusal or found
        if not drafts and refusal is None:
            schema(None, "a pack without a record")
        return Decoded([one.report() for one in drafts.values()], refusal, refused)


class _Collected:
    """What one pack says of one device."""

    def __init__(self, device: str) -> None:
        self.draft = Draft(device)
        self.named: list[Named] = []
        self.update_s: float | None = None

    def report(self) -> Any:
        about = NOTHING_ABOUT if self.update_s is None else NOTHING_ABOUT._replace(interval_s=self.update_s)
        times = [one.time_ms for one in self.named]
        self.draft.time_ms = max((time for time in times if time is not None), default=None)
        return self.draft.report(Kind.TELEMETRY, about=about, named=self.named)


def _is_pack(pack: Any) -> bool:
    if not isinstance(pack, list) or not pack or not all(isinstance(one, dict) and one for one in pack):
        return False
    labels = set().union(*pack)
    return labels <= LABELS and not labels.isdisjoint(("n", "bn")) and not labels.isdisjoint((*VALUES, "s"))


def _take(message: Message, record: Record, drafts: dict[str, _Collected]) -> Refusal | None:
    """Take one record, or say why not."""
    device, quantity = split(record.base, record.name)
    field = f"[{record.at}].n"
    try:
        device = device_id(device or _of_topic(message), field)
    except RefusedError as error:
        return error.refusal
    collected = drafts.get(device)
    if collected is None:
        if len(drafts) >= _DEVICES_MAX:
            return RefusedError(Reason.SCHEMA, field, f"more than {_DEVICES_MAX} devices in one pack").refusal
        collected = drafts[device] = _Collected(device)
    time_ms = record.time
    if isinstance(time_ms, Now):
        time_ms = plausible(message.arrived_ms + round(max(-1e12, time_ms.offset_s * 1000)))
    if record.update_s is not None and 0 < record.update_s < _WEEK_S * 60:
        collected.update_s = record.update_s
    draft = collected.draft
    if record.value is not None:
        collected.named.append(Named(record.name, record.value, record.unit, time_ms))
        _measure(draft, record, quantity, time_ms)
    if record.total is not None:
        _total(draft, record, quantity, time_ms)
    return None


def _measure(draft: Draft, record: Record, quantity: str, time_ms: int | None) -> None:
    value, unit = record.value, record.unit
    field = quantity or record.name
    if value is None or isinstance(value, str):
        draft.unknown(field, value, "text")
        return
    terms = scaled(unit)
    observed = DECIDES.get(unit or "")
    channel, inverted = "", False
    if observed is None:
        found = None
        if isinstance(value, bool):
            found = meaning(quantity, truth=True)
        elif terms is not None or unit is None:
            found = meaning(quantity, None if terms is None else terms.ucum)
        if found is None:
            draft.unknown(field, value, "" if unit is None else f"in {unit}")
            return
        observed, inverted, channel = found
    if PROPERTIES[observed].is_flag:
        draft.flag(observed, value, invert=inverted, channel=channel, time_ms=time_ms, field=field)
    else:
        number = value if terms is None else value * terms.factor
        draft.number(observed, number, terms and terms.ucum, channel=channel, time_ms=time_ms, field=field)


def _total(draft: Draft, record: Record, quantity: str, time_ms: int | None) -> None:
    field = f"{quantity or record.name} sum"
    known = SUMS.get(record.unit or "")
    if known is None or record.total is None:
        draft.unknown(field, record.total, "a sum over time of what we do not sum")
        return
    observed, terms = known
    draft.number(observed, record.total * terms.factor, terms.ucum, time_ms=time_ms, field=field)


def _of_topic(message: Message) -> str:
    return next(_said(message.levels), "")


def _said(levels: list[str]) -> Iterator[str]:
    for level in reversed(levels):
        if level and level.lower() not in _LEVELS:
            yield level
