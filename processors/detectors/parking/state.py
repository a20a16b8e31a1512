"""What is remembered of a street: its spots, who says that something stands there, and since when."""

from typing import Final

import msgspec

from processors.detectors.common import Evidence, Opened, Site
from processors.detectors.parking.boxes import Box
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.camera import CameraEvent
from schemas.identity import reading_id

BEHIND_MAX_MS: Final = 300_000
"""A clock that is further behind is no clock, and a message that is older came late."""

NEVER_MS: Final = 1 << 62


class Lengths(msgspec.Struct, frozen=True, array_like=True):
    """How long things last at a spot, in ms, as its rules say: kept, because every message asks."""

    clear: int = 0
    gone: int = 0
    cool: int = 0
    join_gap: int = 0
    fresh: int = 0
    wait: int = 0
    words: int = 1
    rolls: int = 0


class Said(msgspec.Struct, array_like=True):
    """A message, as far as it may have to be named; ``value`` of a reading."""

    device: str
    name: str  # the observed property, or "camera"
    identity: str
    time_ms: int
    arrival_ms: int
    value: float = 0.0

    @classmethod
    def of(cls, event: Reading | CameraEvent) -> "Said":
        """One that was heard just now."""
        if isinstance(event, Reading):
            series = event.series
            name = series.observed_property
            return cls(series.device, name, event.identity, event.time_ms, event.arrival_ms, event.value)
        times = event.time_ms, event.arrival_ms
        return cls(event.device, "camera", event.identity, *times)

    @property
    def evidence(self) -> Evidence:
        """As findings name it: as :meth:`Evidence.of` does."""
        return Evidence(reading_id(self.device, self.name, self.identity), self.time_ms, self.arrival_ms)


class Source(msgspec.Struct, array_like=True):
    """A sensor, or a track of a camera, and the stay of which it speaks."""

    camera: str  # "" of a sensor
    taken: bool
    newest_ms: int
    stay: str = ""  # "": none
    box: Box | None = None
    put_off_ms: int = 0  # how much later it is gone because the clock was set since it spoke
    beat_ms: int = -1  # of a sensor: the newest word that came at its interval
    boot: str = ""
    seq: int = -1  # and its number, where it numbers them
    said: Said | None = None  # the first message that says so


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """When a stay is too long, if it goes on, and by which rule."""

    rule: str  # in schemas.rules
    kind: AnomalyKind
    from_ms: int  # from when on it counts: since it began, or since the rule is in force
    limit_ms: int
    allowed_ms: int  # without grace, as a sign would say it
    at_ms: int  # the first moment at which it is too long
    until_ms: int | None  # when another rule comes into force
    came_back: bool = False  # too soon, which is why less is allowed


class Stay(msgspec.Struct, array_like=True):
    """Something stands there: one vehicle, whoever speaks of it, under however many ids."""

    since_ms: int
    first: Said
    judged_ms: int  # since when the rule in force counts
    verdict: Verdict | None = None
    look_ms: int | None = None  # no rule is broken before; look again then
    camera: str = ""
    box: Box | None = None
    plate: str | None = None
    tracks: int = 0  # ids of cameras that it had
    overlap: float | None = None  # of a camera's boxes under two of them, the least
    last: Said | None = None  # the newest message that says that it stands
    words: int = 0  # messages that say that it stands
    words_needed: int = 1
    said_ms: int = 0  # the newest of them
    every_ms: int = 0  # of a track: between that and the one before
    fresh_ms: int | None = None  # how old it may be; None: it is taken at its word
    resumed_ms: int = 0  # found again then
    waits: bool = False  # too long, and not yet sure
    doubted: bool = False  # when it was too long, who spoke of it was frozen
    free_ms: int | None = None  # nothing stands there since
    freed: Evidence | None = None
    lost: bool = False  # the camera lost it while it stood: it may find it again
    left_ms: int | None = None  # the same vehicle left here before, then
    quiet_ms: int = 0  # it has had its finding; no other before
    offends: bool = False
    epoch_ms: int = 0  # since when a further finding of this stay counts; 0 is its first


class Watch(msgspec.Struct, array_like=True):
    """Something that must hold for a while, and be over for a while."""

    since_ms: int | None = None
    first: Evidence | None = None
    free_ms: int | None = None
    freed: Evidence | None = None
    opened: Opened | None = None
    epoch_ms: int = 0
    waits: bool = False  # for long enough, and not yet sure


class Skew(msgspec.Struct, array_like=True):
    """How late a camera's messages come, at the least, in this hour and the one before: nobody is faster than that."""

    hour: int
    least_ms: int
    heard: int = 1
    before_ms: int | None = None
    """None: it was not heard often enough in the hour before."""


class Heard(msgspec.Struct, array_like=True):
    """When a camera was heard last, and in which minutes before."""

    newest_ms: int
    minutes: int = 1
    """A bit for each, that of the newest word first."""


class Spot(msgspec.Struct, array_like=True):
    """A bay, a stretch of kerb, a lane, an entrance, a section of road."""

    site: Site
    activity: str
    lengths: Lengths = Lengths()
    sources: dict[str, Source] = {}
    stays: dict[str, Stay] = {}  # by number, in order
    count: int = 0  # of stays so far
    opened: Opened | None = None  # of a stay
    watches: dict[str, Watch] = {}
    flags: dict[str, bool] = {}  # by device and property: what the newest readings say
    said: dict[str, Said] = {}  # those readings
    objects: dict[str, Said] = {}  # tracks of what is no vehicle and stands there, and their newest word
    intervals: dict[str, int] = {}  # of sensors that speak at one, in ms
    other: dict[str, tuple[float, int]] = {}  # by sensor: its temperature, and how often it said just that
    cooling: dict[str, int] = {}  # vehicles that have had their finding, and until when they make no other
    left: dict[str, tuple[int, int]] = {}  # plates of who left: when, and until when they must not be back
    passed: dict[str, tuple[bool, int, bool]] = {}
    """Tracks that went before we heard that they stood: whether they were seen leaving, when, whether lost."""
    coming: dict[str, int] = {}  # tracks that have not stopped here yet, and since when they are here
    cameras: tuple[str, ...] = ()  # that look at it
    devices: dict[str, str] = {}  # that are registered, and of cameras by which view
    shard: str = ""  # of the newest message
    behind_ms: int = 0  # by how much the clock of who sent it is behind, or that message was late
    armed_ms: int | None = None
    due_ms: int = 0  # nothing falls due before; 0: not known


class State(msgspec.Struct, array_like=True):
    """The spots of a zone."""

    zone: str
    rules: Rulebook
    spots: dict[str, Spot] = {}
    cameras: dict[str, Heard] = {}
    skews: dict[str, Skew] = {}  # of their clocks
    calendar: str = ""  # as JSON; "": the usual one
    curb: dict[str, str] = {}  # by facility, class, or "" for the zone: what was said of time spans, as JSON
