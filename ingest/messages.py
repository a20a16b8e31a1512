"""What crosses the seams inside of ingest: a message from MQTT, and what a decoder made of one."""

from typing import Final, NamedTuple

from runtime.kafka import MAX_RECORD_BYTES
from schemas.camera import CameraObservation
from schemas.quarantine import Reason

OVERSIZE_KEPT: Final = MAX_RECORD_BYTES * 3 // 4 - 64 * 1024
"""Bytes of a refused message that a record holds, in base64 and with what stands around them."""
PAYLOAD_MAX: Final = MAX_RECORD_BYTES // 4 - 64 * 1024
"""The largest message that can be taken: one of an unknown device waits with the identities of all its readings, which
may be two and a half times as large as the message itself."""


class Inbound(NamedTuple):
    """One MQTT message as it came from the broker, nothing of it read yet."""

    ticket: int  # its number in the ack ledger
    mid: int  # MQTT packet id; 0 for QoS 0
    dup: bool  # the broker says it may have sent this one before
    topic: bytes
    payload: bytes  # only the beginning when ``size`` is larger
    size: int
    arrival_ms: int


class Measurement(NamedTuple):
    """One reading as its device meant it, in the canonical unit of its property."""

    observed_property: str
    value: float
    time_ms: int | None
    boot: str
    seq: int | None


class Refusal(NamedTuple):
    """Why a message, or the first bad part of it, cannot be understood."""

    reason: Reason
    field: str | None
    detail: str


class Decoded(NamedTuple):
    """What a decoder made of one message; ``refusal`` speaks of the first of ``refused`` bad parts."""

    measurements: list[Measurement]
    sightings: list[CameraObservation]
    refusal: Refusal | None = None
    refused: int = 0
