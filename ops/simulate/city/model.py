"""What the parts of the city hand to each other: things, matters, and what devices say."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from ops.simulate.model import Value
from schemas.anomaly import AnomalyKind
from schemas.camera import TrackPhase
from schemas.facility import Facility


class Device(NamedTuple):
    """A device as its maker and the network know it."""

    name: str
    """As its messages and the registry call it."""
    format: str
    """A name in :mod:`ops.simulate.city.wire`."""
    facility: str
    """To whom it belongs when it breaks."""
    gateway: str | None = None
    own_clock: bool = False
    """It says itself when it measured; of the others the network says it."""
    interval_s: float | None = None
    thermometer: bool = False
    """It also says how warm it is where it sits, which has little to do with what it is for."""
    neighbours: bool = False
    """Many of its sort stand in its street, all as warm."""
    senses: tuple[str, ...] = ()
    """What it measures beside what all of its sort do."""


class Thing(NamedTuple):
    """A facility that says something, with the device that speaks for it."""

    facility: Facility
    family: str
    device: Device
    parts: Sequence[Facility] = ()
    """What else the device speaks for: the zones of a camera, the lamps of a feeder."""
    beside: "Sequence[Thing]" = ()
    """What speaks for itself, and stands in the picture of this camera."""
    witnesses: Sequence[Device] = ()
    """Whose word it takes, besides that of its own device, to know of its matters."""


class Matter(NamedTuple):
    """Something that goes wrong in a facility, or (``silent``) nearly does."""

    kind: AnomalyKind
    facility: str
    start_ms: int
    end_ms: int
    size: float
    """In the unit of what decides: degrees, seconds, metres."""
    near: bool = False
    """Within 20 % of the threshold."""
    silent: bool = False
    needs_ms: int = 0
    """So long a working sensor must have watched it before anybody could know."""
    also: tuple[AnomalyKind, ...] = ()
    """Other true statements about the same matter, here or in the facilities of ``also_on``."""
    also_on: tuple[str, ...] = ()
    shows_ms: int | None = None
    """So long after its start a sensor can say anything of it; None: as long as it lasts."""
    apart: bool = False
    """Part of a larger matter: whoever says it too is not wrong, and whoever does not has missed nothing."""

    def holds(self, at_ms: int) -> bool:
        """Whether it is going on."""
        return self.start_ms <= at_ms < self.end_ms


class Said(NamedTuple):
    """What a device measures at one moment and puts into one message.

    ``of`` names whose values they are where one message speaks of several.
    """

    at_ms: int
    values: Sequence[Value]
    of: Sequence[str] = ()


class Box(NamedTuple):
    """Where in its picture a camera sees an object: pixels of the detect stream, from the left and from above."""

    left: int
    top: int
    right: int
    bottom: int


class Seen(NamedTuple):
    """What a camera says of one object."""

    at_ms: int
    phase: TrackPhase
    track: str
    label: str
    zones: Sequence[str]
    still: bool
    score: float
    motionless_s: float
    """For how long it has not moved under this id."""
    box: Box
    since_ms: int
    plate: str | None = None
    """As the camera reads it, of those that do."""


class Defect(NamedTuple):
    """What a camera that looks at the ground says of one picture."""

    at_ms: int
    phase: TrackPhase
    track: str
    label: str
    zone: str
    score: float
    area_m2: float | None
    lon: float
    lat: float


class Family(Protocol):
    """How the facilities of one sort behave. Everything it draws is drawn by the name of the facility."""

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """What goes wrong in it and begins on a day, counted from the start of the city."""

    def says(self, thing: Thing, days: int) -> "Iterator[Said | Seen | Defect]":
        """What its device would say, were it and its network without fault; in the order of time."""
