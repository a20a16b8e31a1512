"""Devices: what is known of each beyond its readings, and the messages without which later ones cannot be read."""

from typing import Annotated

from pydantic import Field

from schemas.accepted import Payload
from schemas.model import MS, DeviceId, Model

_Text = Annotated[str, Field(max_length=256)]
_Count = Annotated[int, Field(ge=0)]


class LastValue(Model):
    """The newest reading of one property and channel, in the canonical unit; ``time`` is its event time."""

    property: str
    channel: _Text = ""
    value: float
    time: MS


class UnmappedField(Model):
    """A field that became no reading: how often it came, what stood in it last, and why it is none of ours."""

    name: _Text
    count: _Count
    value: _Text
    why: _Text = ""


class Traffic(Model):
    """Messages by the numbers a device gives them; all zero where it gives none."""

    received: _Count = 0
    lost: _Count = 0
    """Numbers that never came (so far: what is out of order is taken back)."""
    repeated: _Count = 0
    restarts: _Count = 0
    """How often it began to count, or its uptime, anew."""


class Battery(Model):
    """The battery's state of charge, and where it is going by the last 30 days."""

    percent: Annotated[float, Field(ge=0, le=100)]
    per_day: float | None = None
    """Percent a day, negative when it empties; None with less than three days to judge by."""
    empty_at: MS | None = None


class DeviceTwin(Model):
    """A device as its own messages describe it; the newest word per device stands in ``city.devices.v1``.

    Times are milliseconds since the epoch of the stack's clock, ``time`` of a value its own.
    """

    device: DeviceId
    shard: str
    registered: bool
    """Whether a facility claims it."""
    decoder: str
    mqtt_topic: str
    first_seen: MS
    last_seen: MS
    messages: _Count
    online: bool | None = None
    vendor: _Text | None = None
    model: _Text | None = None
    name: _Text | None = None
    firmware: _Text | None = None
    hardware: _Text | None = None
    gateway: _Text | None = None
    lon: float | None = None
    lat: float | None = None
    interval_s: float | None = None
    uptime_s: float | None = None
    tags: Annotated[dict[str, str], Field(default_factory=dict)]
    event: _Text | None = None
    """What happened last that is no measurement."""
    values: tuple[LastValue, ...] = ()
    unmapped: tuple[UnmappedField, ...] = ()
    traffic: Traffic = Traffic()
    relayed: Traffic = Traffic()
    """Of the messages that it carried for other devices."""
    battery: Battery | None = None
    battery_days: tuple[tuple[int, float], ...] = ()
    """Last state of charge of each of the last days: day since the epoch, percent."""


class DecoderContext(Model):
    """A message that its decoder needs for reading later ones, such as a birth certificate or a discovery message."""

    decoder: str
    mqtt_topic: str
    payload: Payload
    arrival_time: MS
