"""Identity and event time of a reading. Pure: the clock is an argument."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from ingest.messages import Measurement
from schemas.camera import CameraObservation
from schemas.identity import arrived, numbered, timed
from schemas.model import to_ms
from schemas.observation import Quality

OURS: Final = frozenset({Quality.UNTIMED, Quality.LATE, Quality.FUTURE})
"""Qualities of readings whose event time was given by us; a redelivery must be given the same one."""


def reading_key(device: str, observed_property: str, identity: str) -> str:
    """What a reading is remembered by within ingest."""
    return f"{device}|{observed_property}|{identity}"


class Moment(NamedTuple):
    """When a message arrived: by the wall, and by the stack's clock (None: a feed whose clock was never heard)."""

    arrival_ms: int
    clock_ms: int | None

    @property
    def event_ms(self) -> int:
        """The event time of what carries none of its own."""
        return self.arrival_ms if self.clock_ms is None else self.clock_ms


@dataclass(frozen=True, slots=True)
class Plausibility:
    """How far a device's clock may be off before its time is not believed."""

    future_ms: int
    lateness_ms: int

    def event_time(self, device_ms: int | None, clock_ms: int | None, otherwise_ms: int) -> tuple[int, Quality]:
        """The event time and what must be known about it; ``otherwise_ms`` replaces a time that is not believed.

        A reading is never refused for its time: a cover's sensor that is minutes fast is still heard.
        """
        if device_ms is None:
            return otherwise_ms, Quality.UNTIMED
        if device_ms < 0:  # before 1970: no time the log can hold, whatever the clock says
            return otherwise_ms, Quality.LATE
        if clock_ms is None or clock_ms - self.lateness_ms <= device_ms <= clock_ms + self.future_ms:
            return device_ms, Quality.GOOD
        return otherwise_ms, Quality.FUTURE if device_ms > clock_ms else Quality.LATE


def is_arrival(part: Measurement | CameraObservation) -> bool:
    """Whether this part of a message has neither number nor time, so that only its arrival identifies it."""
    if isinstance(part, Measurement):
        return part.seq is None and part.time_ms is None
    return part.seq is None and part.time is None


def measurement_identity(part: Measurement, arrival_ms: int, payload_hash: str, index: int) -> str:
    """The best identity a reading allows (:mod:`schemas.identity`); ``index`` is its place in the message.

    Tier (b) carries the device's own time even where it is not plausible: two copies must stay equal.
    """
    if part.seq is not None:
        return numbered(part.boot, part.seq, part.channel)
    if part.time_ms is not None:
        return timed(part.time_ms, part.value, part.channel)
    return arrived(arrival_ms, payload_hash, index, part.channel)


def sighting_identity(part: CameraObservation, arrival_ms: int, payload_hash: str, index: int) -> str:
    """The same for a camera; (b) is ``b:<device time, ms>:<phase>:<track>``, the track last as it may hold colons."""
    if part.seq is not None:
        return numbered(part.boot, part.seq)
    if part.time is not None:
        return f"b:{to_ms(part.time)}:{part.phase.value}:{part.track}"
    return arrived(arrival_ms, payload_hash, index)
