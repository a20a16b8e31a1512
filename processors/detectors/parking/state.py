"""What is remembered of a street: its spots, who says that something stands there, and since when.

What nearly every message of a camera touches are classes of their own, no structs of msgspec: compiled, their numbers
are C's (``state.pxd``). In a snapshot each stands as the list of its fields, as a struct would
(:mod:`processors.detectors.parking.written`).
"""

from typing import Any, Final

import msgspec

from processors.detectors.common import Evidence, Opened, Site
from processors.detectors.parking.boxes import Box
from processors.detectors.parking.cameras import Heard, Skew
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.camera import CameraEvent
from schemas.identity import reading_id

NEVER_MS: Final = 1 << 62
_NEVER_MS: Final = NEVER_MS  # here a number of C's
_SETTLES_MS: Final = 15_000  # a camera takes so long to say of what it found again that it stands


class Lengths:
    """How long things last at a spot, in ms, as its rules say: kept, because every message asks."""

    __slots__ = ("clear", "cool", "fresh", "gone", "join_gap", "rolls", "wait", "words")

    def __init__(
        self,
        clear: int = 0,
        gone: int = 0,
        cool: int = 0,
        join_gap: int = 0,
        fresh: int = 0,
        wait: int = 0,
        words: int = 1,
        rolls: int = 0,
    ) -> None:
        self.clear = clear
        self.gone = gone
        self.cool = cool
        self.join_gap = join_gap
        self.fresh = fresh
        self.wait = wait
        self.words = words
        self.rolls = rolls

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return self.clear, self.gone, self.cool, self.join_gap, self.fresh, self.wait, self.words, self.rolls


class Said:
    """A message, as far as it may have to be named; ``name`` is "camera" or the property, ``value`` of a reading."""

    __slots__ = ("arrival_ms", "device", "identity", "name", "time_ms", "value")

    def __init__(
        self, device: str, name: str, identity: str, time_ms: int, arrival_ms: int, value: float = 0.0
    ) -> None:
        self.device = device
        self.name = name
        self.identity = identity
        self.time_ms = time_ms
        self.arrival_ms = arrival_ms
        self.value = value

    @classmethod
    def of(cls, event: Reading | CameraEvent) -> "Said":
        """One that was heard just now."""
        if isinstance(event, Reading):
            series = event.series
            name = series.observed_property
            return cls(series.device, name, event.identity, event.time_ms, event.arrival_ms, event.value)
        return cls(event.device, "camera", event.identity, int(event.seen), int(event.came))

    @property
    def evidence(self) -> Evidence:
        """As findings name it: as :meth:`Evidence.of` does."""
        return Evidence(reading_id(self.device, self.name, self.identity), self.time_ms, self.arrival_ms)

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return self.device, self.name, self.identity, self.time_ms, self.arrival_ms, self.value


class Source:
    """A sensor, or a track of a camera, and the stay of which it speaks."""

    __slots__ = ("beat_ms", "boot", "box", "camera", "newest_ms", "put_off_ms", "said", "seq", "stay", "taken")

    def __init__(
        self,
        camera: str,
        taken: bool,  # noqa: FBT001 - as it stands in snapshots
        newest_ms: int,
        stay: str = "",
        box: Box | None = None,
        put_off_ms: int = 0,
        beat_ms: int = -1,
        boot: str = "",
        seq: int = -1,
        said: Said | None = None,
    ) -> None:
        self.camera = camera  # "" of a sensor
        self.taken = taken
        self.newest_ms = newest_ms
        self.stay = stay  # "": none
        self.box = box
        self.put_off_ms = put_off_ms  # how much later it is gone because the clock was set since it spoke
        self.beat_ms = beat_ms  # of a sensor: the newest word that came at its interval
        self.boot = boot
        self.seq = seq  # and its number, where it numbers them
        self.said = said  # the first message that says so

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        said = None if self.said is None else self.said.row()
        times = self.put_off_ms, self.beat_ms
        return self.camera, self.taken, self.newest_ms, self.stay, self.box, *times, self.boot, self.seq, said


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


class Stay:
    """Something stands there: one vehicle, whoever speaks of it, under however many ids."""

    __slots__ = (
        "box",
        "camera",
        "doubted",
        "epoch_ms",
        "every_ms",
        "first",
        "free_ms",
        "freed",
        "fresh_ms",
        "judged_ms",
        "last",
        "left_ms",
        "look_ms",
        "lost",
        "offends",
        "overlap",
        "plate",
        "quiet_ms",
        "resumed_ms",
        "said_ms",
        "since_ms",
        "tracks",
        "verdict",
        "waits",
        "words",
        "words_needed",
    )

    def __init__(self, since_ms: int, first: Said, judged_ms: int, camera: str = "", box: Box | None = None) -> None:
        self.since_ms = since_ms
        self.first = first
        self.judged_ms = judged_ms  # since when the rule in force counts
        self.verdict: Verdict | None = None
        self.look_ms: int | None = None  # no rule is broken before; look again then
        self.camera = camera
        self.box = box
        self.plate: str | None = None
        self.tracks = 0  # ids of cameras that it had
        self.overlap: float | None = None  # of a camera's boxes under two of them, the least
        self.last: Said | None = None  # the newest message that says that it stands
        self.words = 0  # messages that say that it stands
        self.words_needed = 1
        self.said_ms = 0  # the newest of them
        self.every_ms = 0  # of a track: between that and the one before
        self.fresh_ms: int | None = None  # how old it may be; None: it is taken at its word
        self.resumed_ms = 0  # found again then
        self.waits = False  # too long, and not yet sure
        self.doubted = False  # when it was too long, who spoke of it was frozen
        self.free_ms: int | None = None  # nothing stands there since
        self.freed: Evidence | None = None
        self.lost = False  # the camera lost it while it stood: it may find it again
        self.left_ms: int | None = None  # the same vehicle left here before, then
        self.quiet_ms = 0  # it has had its finding; no other before
        self.offends = False
        self.epoch_ms = 0  # since when a further finding of this stay counts; 0 is its first

    def due_ms(self, lengths: Lengths) -> int:
        """When something happens next to it if nothing more is heard; :data:`NEVER_MS`: nothing will."""
        if self.free_ms is not None:
            wait_ms = lengths.clear
            if self.lost and lengths.join_gap + _SETTLES_MS > wait_ms:
                wait_ms = lengths.join_gap + _SETTLES_MS
            return self.free_ms + wait_ms
        verdict = self.verdict
        if self.offends:
            return _NEVER_MS if verdict is None or verdict.until_ms is None else verdict.until_ms
        if verdict is not None:
            return _NEVER_MS if self.waits else verdict.at_ms
        return _NEVER_MS if self.look_ms is None else self.look_ms

    def what_is_due(self) -> str:
        """And what that is: ``over``, ``until``, ``limit`` or ``look``."""
        if self.free_ms is not None:
            return "over"
        return "until" if self.offends else "look" if self.verdict is None else "limit"

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        first, last = self.first.row(), None if self.last is None else self.last.row()
        return (
            *(self.since_ms, first, self.judged_ms, self.verdict, self.look_ms, self.camera, self.box, self.plate),
            *(self.tracks, self.overlap, last, self.words, self.words_needed, self.said_ms, self.every_ms),
            *(self.fresh_ms, self.resumed_ms, self.waits, self.doubted, self.free_ms, self.freed, self.lost),
            *(self.left_ms, self.quiet_ms, self.offends, self.epoch_ms),
        )


class Watch(msgspec.Struct, array_like=True):
    """Something that must hold for a while, and be over for a while."""

    since_ms: int | None = None
    first: Evidence | None = None
    free_ms: int | None = None
    freed: Evidence | None = None
    opened: Opened | None = None
    epoch_ms: int = 0
    waits: bool = False  # for long enough, and not yet sure


class Spot:
    """A bay, a stretch of kerb, a lane, an entrance, a section of road."""

    __slots__ = (
        "activity",
        "armed_ms",
        "behind_ms",
        "cameras",
        "coming",
        "cooling",
        "count",
        "devices",
        "due_ms",
        "flags",
        "intervals",
        "left",
        "lengths",
        "objects",
        "opened",
        "other",
        "passed",
        "said",
        "shard",
        "site",
        "sources",
        "stays",
        "watches",
    )

    def __init__(self, site: Site, activity: str) -> None:
        self.site = site
        self.activity = activity
        self.lengths = Lengths()
        self.sources: dict[str, Source] = {}
        self.stays: dict[str, Stay] = {}  # by number, in order
        self.count = 0  # of stays so far
        self.opened: Opened | None = None  # of a stay
        self.watches: dict[str, Watch] = {}
        self.flags: dict[str, bool] = {}  # by device and property: what the newest readings say
        self.said: dict[str, Said] = {}  # those readings
        self.objects: dict[str, Said] = {}  # tracks of what is no vehicle and stands there, and their newest word
        self.intervals: dict[str, int] = {}  # of sensors that speak at one, in ms
        self.other: dict[str, tuple[float, int]] = {}  # by sensor: its temperature, and how often it said just that
        self.cooling: dict[str, int] = {}  # vehicles that have had their finding, and until when they make no other
        self.left: dict[str, tuple[int, int]] = {}  # plates of who left: when, and until when they must not be back
        self.passed: dict[str, tuple[bool, int, bool]] = {}
        """Tracks that went before we heard that they stood: whether they were seen leaving, when, whether lost."""
        self.coming: dict[str, int] = {}  # tracks that have not stopped here yet, and since when they are here
        self.cameras: tuple[str, ...] = ()  # that look at it
        self.devices: dict[str, str] = {}  # that are registered, and of cameras by which view
        self.shard = ""  # of the newest message
        self.behind_ms = 0  # by how much the clock of who sent it is behind, or that message was late
        self.armed_ms: int | None = None
        self.due_ms = 0  # nothing falls due before; 0: not known

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        sources, stays, said, objects = {}, {}, {}, {}
        for name, source in self.sources.items():
            sources[name] = source.row()
        for number, stay in self.stays.items():
            stays[number] = stay.row()
        for key, word in self.said.items():
            said[key] = word.row()
        for name, word in self.objects.items():
            objects[name] = word.row()
        return (
            *(self.site, self.activity, self.lengths.row(), sources, stays, self.count, self.opened),
            *(self.watches, self.flags, said, objects, self.intervals, self.other, self.cooling, self.left),
            *(self.passed, self.coming, self.cameras, self.devices, self.shard, self.behind_ms, self.armed_ms),
            self.due_ms,
        )


class State(msgspec.Struct, array_like=True):
    """The spots of a zone."""

    zone: str
    rules: Rulebook
    spots: dict[str, Spot] = {}
    cameras: dict[str, Heard] = {}
    skews: dict[str, Skew] = {}  # of their clocks
    calendar: str = ""  # as JSON; "": the usual one
    curb: dict[str, str] = {}  # by facility, class, or "" for the zone: what was said of time spans, as JSON
