"""What crosses the seams inside of ingest: a message from MQTT, and what a decoder made of one."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

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


# ------------------------------------------------------------------------------------- what a message says of a device


class Kind(StrEnum):
    """What one message is about, whatever its vendor calls that."""

    TELEMETRY = "telemetry"
    EVENT = "event"  # something happened that is no measurement: a line was crossed, a button pressed
    STATUS = "status"  # of the device itself: online, battery
    BIRTH = "birth"  # what a device has to say from now on
    DEATH = "death"
    JOIN = "join"
    ACK = "ack"
    LOCATION = "location"
    DISCOVERY = "discovery"  # says what other messages will mean
    DIAGNOSTIC = "diagnostic"  # understood, and nothing in it is measured
    ATTRIBUTE = "attribute"  # a property of a thing that is no reading of ours
    UNDECODED = "uplink_undecoded"  # bytes for which nobody gave us a codec
    IGNORED = "ignored"  # rightly without effect, such as the stale will of a connection long gone


class Measurement(NamedTuple):
    """One reading as its device meant it, in the canonical unit of its property."""

    observed_property: str
    value: float
    time_ms: int | None
    boot: str
    seq: int | None
    channel: str = ""
    """Which of a device's sensors of one property; empty where it has only one."""


class Unmapped(NamedTuple):
    """Something a device said that we have no property for, or no right to believe."""

    name: str
    value: Any  # as JSON has it
    why: str = ""  # empty: nobody told us what it is


class Named(NamedTuple):
    """A value under the name its own format gives it (SenML), besides what it became of ours."""

    name: str
    value: float | bool | str
    unit: str | None
    time_ms: int | None
    """None: when it arrived."""


class Happening(NamedTuple):
    """An event of a device; times and device stand around it."""

    event_type: str
    active: bool | None = None  # None: it has no beginning and end
    channel: str | None = None
    event_id: str | None = None
    operation: str | None = None  # ONVIF: Initialized, Changed, Deleted
    severity: str | None = None
    region: str | None = None
    objects: Sequence[Mapping[str, Any]] = ()  # label, score, box_xyxy_px, zones, stationary, id


class Numbering(NamedTuple):
    """The number a device gave its message: what is missing between two of them was lost on the way.

    ``modulus`` 0: it does not wrap. ``epoch`` changes when the device begins to count anew for a reason it says.
    """

    number: int
    modulus: int = 0
    epoch: str = ""
    counter: str = ""
    """Whose count this is, where a gateway numbers the messages of all its devices in one row; empty: the device's."""
    turn: str = ""
    """Changes when it begins to count anew without having restarted, such as when it was asked for its birth."""


class About(NamedTuple):
    """What a message says about the device rather than about the world; everything may be unknown."""

    vendor: str | None = None
    model: str | None = None
    name: str | None = None
    firmware: str | None = None
    hardware: str | None = None
    gateway: str | None = None  # who spoke for it
    location: tuple[float, float] | None = None  # longitude, latitude, WGS 84 degrees
    interval_s: float | None = None  # between two messages when all is well
    uptime_s: float | None = None  # since it was started
    tags: Mapping[str, str] = {}


NOTHING_ABOUT: Final = About()


class Report(NamedTuple):
    """What one message says about one device."""

    device: str
    kind: Kind
    time_ms: int | None = None
    """When, by the device or its gateway; None: when it arrived. Measurements carry their own."""
    measurements: Sequence[Measurement] = ()
    sightings: Sequence[CameraObservation] = ()
    happening: Happening | None = None
    online: bool | None = None
    about: About = NOTHING_ABOUT
    unmapped: Sequence[Unmapped] = ()
    named: Sequence[Named] = ()
    numbering: Numbering | None = None


class Refusal(NamedTuple):
    """Why a message, or the first bad part of it, cannot be understood."""

    reason: Reason
    field: str | None
    detail: str


class Request(NamedTuple):
    """A message that the format wants us to publish, such as the wish for a rebirth."""

    topic: str
    payload: bytes


class Decoded(NamedTuple):
    """What a decoder made of one message; ``refusal`` speaks of the first of ``refused`` bad parts."""

    reports: Sequence[Report] = ()
    refusal: Refusal | None = None
    refused: int = 0
    device: str | None = None
    """Whose message a refused one is, where its topic says so."""
    learned: str | None = None
    """Later messages cannot be read without this one: the key under which it is kept, replacing an older one."""
    requests: Sequence[Request] = ()
