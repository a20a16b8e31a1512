"""What is set aside: input that cannot be understood, and input nobody is registered for yet. Nothing is dropped."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from schemas.model import DeviceId, Model, Timestamp


class Reason(StrEnum):
    """Why something was refused; the label of ``eyes_quarantined_total``."""

    MALFORMED_JSON = "malformed_json"
    MALFORMED = "malformed"
    """Bytes that are no protobuf, CBOR or other binary form they should be."""
    MALFORMED_XML = "malformed_xml"
    INVALID_UTF8 = "invalid_utf8"
    SCHEMA = "schema"
    OVERSIZE = "oversize"
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_ALIAS = "unknown_alias"
    """Cannot be read without an earlier message that says what it means, and that one was not seen."""
    IDENTITY_MISMATCH = "identity_mismatch"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    UNREGISTERED_QUOTA = "unregistered_quota"
    POISON = "poison"
    CODEC = "codec"


class Quarantined(Model):
    """One refused input with everything needed to understand and retry it.

    `payload` is the original bytes (URL-safe base64 in JSON). For `conflicting_duplicate` and `poison`, which are
    found behind ingest, it is the JSON of the refused reading or event.
    """

    id: UUID
    reason: Reason
    field: Annotated[str | None, Field(max_length=256)] = None
    detail: Annotated[str, Field(max_length=1024)]
    mqtt_topic: Annotated[str | None, Field(max_length=1024)] = None
    device: Annotated[str | None, Field(max_length=256)] = None
    payload: bytes
    payload_bytes: Annotated[int, Field(ge=0)]
    """Size of the original; larger than ``payload`` where only its first part was kept (``oversize``)."""
    arrival_time: Timestamp
    source: str


class UnregisteredReadings(Model):
    """One understood MQTT message of a device that no facility claims yet; kept whole so that it can be released."""

    id: UUID
    device: DeviceId
    mqtt_topic: str
    payload: bytes
    arrival_time: Timestamp
    identities: tuple[tuple[str, str], ...]
    """(property, identity) of each reading, fixed on first arrival so that a release cannot double it."""


class ReadingsReleased(Model):
    """Every message of a device up to this offset of its partition was released into ``city.events``.

    The offset and not the event's own place says so: what was written in between was not released, and a second
    event of the same kind closes nothing more.
    """

    device: DeviceId
    through: Annotated[int, Field(ge=0)]
    messages: Annotated[int, Field(ge=0)]
    """How many that were, for people."""
