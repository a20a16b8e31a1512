"""What crosses the seams inside of ingest: a message from MQTT, and what a decoder made of one."""

from typing import NamedTuple

from schemas.camera import CameraObservation
from schemas.quarantine import Reason


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
