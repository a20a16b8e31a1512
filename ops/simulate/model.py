"""What generators produce: what devices say and when, what is registered, and what is wrong on purpose."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from schemas.anomaly import AnomalyKind
from schemas.camera import TrackPhase
from schemas.facility import Facility
from schemas.model import format_rfc3339, from_ms
from schemas.registry import ZoneConfigured

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000


class Value(NamedTuple):
    """One reading in a message: the property, the value, and the UCUM unit the device states (None: canonical)."""

    observed_property: str
    value: float | bool
    unit: str | None = None


class Sample(NamedTuple):
    """What a device measured at one moment and says in one message.

    ``movable``: a periodic report that may arrive up to ten minutes late without changing what can be concluded; the
    first sign of a change is not, nor is a report on which a device's being alive hangs.
    """

    at_ms: int
    device: str
    values: tuple[Value, ...]
    movable: bool = True


class Sighting(NamedTuple):
    """What a camera says of one tracked object; ``zones`` as named in the camera's own configuration."""

    at_ms: int
    device: str
    phase: TrackPhase
    track: str
    label: str
    zones: tuple[str, ...]
    stationary: bool
    confidence: float


Item = Sample | Sighting


@dataclass(frozen=True, slots=True)
class Incident:
    """Something a detector must find: by clock time ``raised_by_ms`` at the latest.

    ``start_ms`` is when the matter began: the cover moved, the vehicle came, the pipe broke, the device last spoke.
    """

    kind: AnomalyKind
    subject: str | None
    zone: str
    start_ms: int
    end_ms: int
    raised_by_ms: int

    def as_json(self, *, undecided: bool = False) -> dict[str, Any]:
        """One line of a truth file."""
        line: dict[str, Any] = {
            "kind": self.kind.value,
            "subject": self.subject,
            "zone": self.zone,
            "start": format_rfc3339(from_ms(self.start_ms)),
            "end": format_rfc3339(from_ms(self.end_ms)),
            "raised_by": format_rfc3339(from_ms(self.raised_by_ms)),
        }
        return line | ({"undecided": True} if undecided else {})


class Source(Protocol):
    """Something that can be fed."""

    @property
    def start_ms(self) -> int:
        """Event time at which it begins."""

    @property
    def facilities(self) -> tuple[Facility, ...]:
        """What must be registered for it."""

    @property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """What must be configured for it."""

    def numbers(self, device: str) -> bool:
        """Whether the device numbers its messages (identity tier a) or only says when it measured (b)."""

    def items(self) -> Iterator[Item]:
        """Everything in the order of its times; may be endless."""

    def incidents(self, until_ms: int) -> list[Incident]:
        """All that began up to then, in the order of their starts."""


def heartbeats(start_ms: int, interval_ms: int, phase_ms: int) -> Iterator[int]:
    """The endless times of a periodic report."""
    at = start_ms + phase_ms
    while True:
        yield at
        at += interval_ms
