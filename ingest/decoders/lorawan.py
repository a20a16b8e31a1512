"""What the LoRaWAN servers share: one uplink, decoded by its vendor's codec there or here, and the link it came over.

The servers agree on what an uplink is (LoRaWAN L2 1.0.4: a port, a frame counter, opaque bytes) and on codecs in
JavaScript; they differ in the envelope, which their decoders read.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from ingest.decoders.base import RefusedError
from ingest.decoders.draft import Draft
from ingest.decoders.normalised import read_normalised
from ingest.meaning.fields import Fields, Who
from ingest.meaning.objects import Reader
from ingest.meaning.values import finite
from ingest.messages import Kind, Numbering
from schemas.quarantine import Reason

FCNT_MODULUS: Final = 2**32
_DATA_MAX: Final = 4_096  # base64 characters; a frame holds at most 242 bytes
_TEXT_MAX: Final = 256
_TAGS_MAX: Final = 32
_GATEWAYS_MAX: Final = 256
_EUI: Final = re.compile(r"[0-9A-Fa-f]{16}")


class Uplink(NamedTuple):
    """One frame for a codec."""

    who: Who
    profile: str
    """What the server calls the device's kind, where it says neither vendor nor model."""
    payload: bytes
    port: int
    received: str | None
    """RFC 3339; a codec's clock shows this time."""
    variables: Mapping[str, str] = {}


class Made(NamedTuple):
    """What a codec made of an uplink; with ``errors`` it says itself that it cannot read it."""

    data: Mapping[str, Any]
    normalised: Any = None
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()


class Codecs(Protocol):
    """The vendors' codecs that were put where ours look for them."""

    def decode(self, uplink: Uplink) -> Made | None:
        """What a codec makes of an uplink; None where there is no codec for this device.

        Raises:
            RefusedError: the codec failed.
        """


class NoCodecs:
    """Where no folder is configured."""

    def decode(self, uplink: Uplink) -> Made | None:  # noqa: ARG002 - the interface
        """Nothing can be decoded."""
        return None


NO_CODECS: Final = NoCodecs()


class Content(NamedTuple):
    """What became of an uplink's content."""

    kind: Kind
    firmware: str | None = None
    hardware: str | None = None


class Reading:
    """Reads the content of uplinks with one table of fields and one set of codecs."""

    def __init__(self, fields: Fields, codecs: Codecs) -> None:
        self.fields = fields
        self._codecs = codecs

    def read(self, draft: Draft, said: Any, normalised: Any, data: Any, uplink: Uplink) -> Content:
        """Put an uplink into a draft: what its server made of it, else what a codec of ours makes of the bytes.

        Raises:
            RefusedError: nothing was made of it, and the bytes are no base64 or a codec failed on them.
        """
        if (isinstance(said, dict) and said) or normalised:
            return self._both(draft, said if isinstance(said, dict) else {}, normalised, uplink.who)
        payload = unbase64(data)
        if not payload:
            return Content(Kind.DIAGNOSTIC)
        made = self._codecs.decode(uplink._replace(payload=payload))
        if made is None or made.errors:
            why = f"no codec for port {uplink.port}" if made is None else f"the codec says: {'; '.join(made.errors)}"
            draft.unknown("data", data, why)
            return Content(Kind.UNDECODED)
        return self._both(draft, made.data, made.normalised, uplink.who)

    def _both(self, draft: Draft, said: Mapping[str, Any], normalised: Any, who: Who) -> Content:
        """The normalised payload is the vendor's own word on what it means: the object adds what is not in it."""
        if not normalised:
            return self._object(draft, said, who)
        read_normalised(draft, normalised)
        already = {(one.observed_property, one.channel) for one in draft.measurements}
        rest = Draft(draft.device, draft.time_ms)
        content = self._object(rest, said, who)
        draft.measurements += [one for one in rest.measurements if (one.observed_property, one.channel) not in already]
        draft.unmapped += rest.unmapped
        return content._replace(kind=Kind.TELEMETRY if draft.measurements else Kind.DIAGNOSTIC)

    def _object(self, draft: Draft, said: Mapping[str, Any], who: Who) -> Content:
        if not (who.vendor and who.model):
            for name in ("Device", "Node_type", "node_type", "device_model", "deviceModel", "model"):
                own = said.get(name)
                if isinstance(own, str) and 0 < len(own) <= _TEXT_MAX:
                    who = self.fields.make(who.vendor, own)
                    break
        reader = Reader(draft, self.fields.names(who))
        reader.read(said)
        kind = Kind.TELEMETRY if draft.measurements else Kind.DIAGNOSTIC
        return Content(kind, reader.firmware, reader.hardware)


def unbase64(data: Any) -> bytes:
    """The bytes of a frame.

    Raises:
        RefusedError: not base64.
    """
    if data is None or data == "":
        return b""
    if not isinstance(data, str) or len(data) > _DATA_MAX:
        raise RefusedError(Reason.SCHEMA, "data", "not base64 text of a LoRaWAN frame")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(Reason.SCHEMA, "data", f"not base64: {error}") from None


def link(draft: Draft, receptions: Any, rssi_of: str, gateway_of: Sequence[str]) -> str | None:
    """Add the best reception of a message as ``rssi`` and ``snr``; returns the gateway that heard it best."""
    if not isinstance(receptions, list):
        return None
    best: tuple[float, Any] | None = None
    best_snr: float | None = None
    for one in receptions[:_GATEWAYS_MAX]:
        if not isinstance(one, dict):
            continue
        rssi, snr = finite(one.get(rssi_of)), finite(one.get("snr"))
        if rssi is not None and (best is None or rssi > best[0]):
            best = rssi, one
        if snr is not None and (best_snr is None or snr > best_snr):
            best_snr = snr
    if best is not None:
        draft.number("rssi", best[0], field="rssi")
    if best_snr is not None:
        draft.number("snr", best_snr, field="snr")
    found: Any = best[1] if best is not None else None
    for name in gateway_of:
        found = found.get(name) if isinstance(found, dict) else None
    return text(found)


def eui(value: Any) -> str | None:
    """A DevEUI in lower case; None for anything else."""
    return value.lower() if isinstance(value, str) and _EUI.fullmatch(value) else None


def text(value: Any) -> str | None:
    """A short text, None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= _TEXT_MAX else None


def tags(value: Any) -> dict[str, str]:
    """What people wrote about a device, bounded."""
    if not isinstance(value, dict):
        return {}
    short = ((name, one) for name, one in value.items() if isinstance(one, str))
    return {name: one for name, one in list(short)[:_TAGS_MAX] if len(name) <= _TEXT_MAX and len(one) <= _TEXT_MAX}


def place(value: Any) -> tuple[float, float] | None:
    """Longitude and latitude in degrees; None where there is none, and for the (0, 0) of a place nobody set."""
    if not isinstance(value, dict):
        return None
    latitude, longitude = finite(value.get("latitude", 0)), finite(value.get("longitude", 0))
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004
        return None
    return None if latitude == 0 and longitude == 0 else (longitude, latitude)


def numbering(number: Any, epoch: Any) -> Numbering | None:
    """A frame counter; it begins anew with a new session, which shows in the device's address."""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < FCNT_MODULUS:
        return None
    return Numbering(number, FCNT_MODULUS, (text(epoch) or "").lower())


def port(value: Any) -> int:
    """A port, 0 where none is given."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255 else 0  # noqa: PLR2004
