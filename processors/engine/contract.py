"""What a detector and the engine owe each other (docs/architecture.md, "The contract of a fold").

A detector is a pure object. It reads no clock, does no I/O, draws no random numbers and iterates over no unordered
set; everything it knows it learnt from the events of one zone. The engine owns order, duplicates, time and storage.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from processors.engine.kept import Kept
from schemas.anomaly import Anomaly
from schemas.camera import CameraEvent
from schemas.carrier import DeviceCarried
from schemas.columns import SeriesColumns
from schemas.model import Model
from schemas.registry import CityWide, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.water import WaterNetworkConfigured

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)

Series = SeriesColumns
"""What the readings of one column have in common; compare by value, the engine interns it per device and property."""


class Clock(NamedTuple):
    """The time as the log tells it: the newest tick, and how far each ingest shard had received by then."""

    now_ms: int
    frontier: Mapping[str, int]


class Reading(NamedTuple):
    """One reading, given once per identity; ``time_ms`` is event time, ``value`` in the series' canonical unit."""

    series: Series
    time_ms: int
    value: float
    identity: str
    quality: int
    arrival_ms: int
    shard: str


class TimerDue(NamedTuple):
    """A tick reached the timer ``name`` that the detector had set for this zone at clock time ``at_ms``."""

    name: str
    at_ms: int


class Rested(NamedTuple):
    """The timer ``name`` was reached, and nothing can fall due before ``until_ms`` (:class:`Resting`)."""

    name: str
    until_ms: int


class Blind(NamedTuple):
    """Between these clock times we ourselves saw nothing of this shard: no silence may be concluded from it."""

    shard: str
    from_ms: int
    to_ms: int


class Stepped(NamedTuple):
    """The wall clock was put forward by so much: what lasts since before then has lasted that much less."""

    by_ms: int


class Unseen(NamedTuple):
    """All devices that should speak for a facility are silent since then; None: one of them is heard again.

    Silence is no calm: what is open about the facility stays open, whatever time passes, and a detector that concludes
    from absence begins to count anew when it is over. Told within the fold, right after the event that showed it.
    """

    facility: str
    since_ms: int | None


ZoneEvent = (
    Reading
    | CameraEvent
    | FacilityRegistered
    | FacilityLeft
    | ZoneConfigured
    | CityWide
    | WaterNetworkConfigured
    | TimerDue
    | Rested
    | Blind
    | Stepped
    | Unseen
    | Anomaly
    | DeviceCarried
)
"""A district, the zone of a fold over findings, has findings, carriers and timers; any other zone has the rest."""


class ModelMissingError(LookupError):
    """The log holds no model of this name, or not all of it."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"no model {digest} in the log: run `eyes water configure` for this network again")
        self.digest = digest


Models = Callable[[str], bytes]
"""The bytes of a model by their SHA-256: the same answer always. A detector that looks models up is given this when it
is made (``with_models``); the engine delivers no event and restores no state that names a model which is not there."""


def no_models(digest: str) -> bytes:
    """The lookup of somebody who has none.

    Raises:
        ModelMissingError: always.
    """
    raise ModelMissingError(digest)


class Timer(NamedTuple):
    """Wake this zone at clock time ``at_ms``; the same name replaces, None cancels.

    A timer that is already due when it is set fires at the next tick, never within the same one.
    """

    name: str
    at_ms: int | None


class Outcome(NamedTuple):
    """What a fold has to say: ``outputs`` in the order of their causes, timers to set, and readings it derived.

    Readings are of the same zone, under an identity of tier (d). The other detectors hear them as if their device had
    sent them, once all have heard the event they were made from; those that hear late readings, and so ask only
    whether a device lives, do not. A property that its device itself sent lately is not derived for it.
    ``unseen``: what a detector that misses devices tells the others.
    ``stirred``: a timer changed what had been offered as calm (:class:`Calm`), though nothing is said of it.
    """

    outputs: Sequence[Model] = ()
    timers: Sequence[Timer] = ()
    readings: Sequence[Reading] = ()
    unseen: Sequence[Unseen] = ()
    stirred: bool = False


Said = Model | Reading
"""What leaves the folds: findings and refusals, and readings that were derived."""


QUIET: Final = Outcome()
"""Nothing to say: what nearly every call returns, without making an object."""

Ear = Callable[[int, float, str, int, int, str], bool]
"""Takes in a reading of one series that says nothing new, ``GOOD`` or ``UNTIMED``: its event time, value, identity and
arrival, the clock's time, and the shard. False: it has taken in nothing, and ``fold`` must hear the reading."""


def deaf(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - as all ears
    """The ear of a detector to whom no reading of the series says anything."""
    return True


Absorb = Callable[[Kept, int], int | None]
"""Takes in calm readings of one series, in the order in which they came, from the one at this index on. What it gives,
if anything, is the ``until_ms`` that holds from now on (:class:`Calm`)."""


def nothing(kept: Kept, first: int) -> None:
    """What a detector takes in to which calm readings say nothing."""


CALM_LAG_MS: Final = 1_800_000
"""What is further behind the clock is never kept."""


ANY_MS: Final = 1 << 62
"""More than any time or span, and still a number of C."""


class Calm(NamedTuple):
    """Which readings of a series say so little that a detector need not hear them before it is asked for anything else.

    The engine compares them with what stands here and with the reading before, keeps those that are within, and gives
    them to ``absorb`` all at once, before anything else happens in the zone. What other calm readings of the zone say
    must not matter to it: they come in whatever order. Only readings that ears may hear and without channels are kept,
    whose number, or the time in their identity (:mod:`schemas.identity`), is greater than all before them, and whose
    event time is no more than :data:`CALM_LAG_MS` behind the clock.
    """

    absorb: Absorb = nothing
    low: float = -math.inf
    high: float = math.inf
    room: float = math.inf
    """How far from the value before, at most."""
    gap_ms: int = ANY_MS
    """Event time since the reading before, at most."""
    until_ms: int = ANY_MS
    """Event time that is too late."""
    pause_ms: int = ANY_MS
    """Clock time since the reading before, at most."""
    prefix: str | None = None
    """What numbers must stand behind, such as ``a:<boot>:``; empty: there must be none, only times; None: no matter."""
    after: int = -1
    """The number must be greater."""
    newest_ms: int = -1
    """Event time of the newest reading it knows; if that is not the one just heard, nothing is kept."""


class Listening(Protocol[S_contra]):
    """A detector that is asked first whether a reading says anything new, as nearly none does.

    It is a short cut and changes nothing: where an ear says True, ``fold`` would have said nothing and left the same
    state. An ear may hold on to objects of the state, and to what follows from registrations and rules: the engine
    asks for a new one after every event but readings, camera events, timers and what time tells.
    """

    def ear(self, state: S_contra, series: Series) -> Ear | None:
        """The ear of a series; :func:`deaf`; or None: ``fold`` must hear the next reading, then ask again."""


class Dozing(Listening[S_contra], Protocol[S_contra]):
    """One that can do without most readings until it is asked for something.

    What it offers must hold until it is forgotten. The engine forgets it with the ears, and after every fold of a
    reading of the same device or facility, and of a timer that said something or stirred (:class:`Outcome`).
    """

    def calm(self, state: S_contra, series: Series) -> Calm | None:
        """What it can do without; None: ears must hear every reading."""


class Resting(Dozing[S_contra], Protocol[S_contra]):
    """One whose timer nearly always finds only that devices have spoken since it was set."""

    def rest(self, state: S_contra, due: TimerDue, clock: Clock, newest: Mapping[str, int]) -> int | None:
        """Until when nothing can fall due; None: ``fold`` must hear of the timer, and of what is kept before it.

        It changes nothing. Where it gives a time, ``fold`` is told so by :class:`Rested`, whatever is kept meanwhile,
        and must set the timer, say nothing, and leave the state that it would have left at the timer itself.

        Args:
            state: of the zone.
            due: the timer that was reached.
            clock: of now.
            newest: of devices of which readings are kept, the clock time of the newest.
        """


class Sighted(Protocol[S_contra]):
    """A detector to which most cameras say nothing."""

    def sees(self, state: S_contra, device: str, facility: str) -> bool:
        """Whether messages of a camera about a facility may say anything to it; asked again when ears are."""


class Detector(Protocol[S]):
    """A pure fold over the events of one zone.

    ``fold`` may mutate the state it is given; folding events in one call or one by one gives the same outputs. It
    never raises for input that the schemas allow: an exception sets that one event aside as poison and puts the state
    back to what it was. ``snapshot`` gives equal bytes for states that behave equally, and ``restore`` gives back
    such a state.
    """

    @property
    def name(self) -> str:
        """Stable; part of timers and snapshots."""

    @property
    def version(self) -> int:
        """Raised whenever the same log would give other findings."""

    @property
    def hears_late(self) -> bool:
        """Whether late readings reach it too; False for all but those that only ask whether a device lives."""

    @property
    def hears_cameras(self) -> bool:
        """Whether camera events reach it."""

    def initial(self, zone: str) -> S:
        """The state of a zone of which nothing is known."""

    def wants(self, series: Series) -> bool:
        """Whether readings of this series reach ``fold``; a pure function of the series."""

    def fold(self, state: S, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in events that happened under one clock."""

    def snapshot(self, state: S) -> bytes:
        """The state as deterministic bytes."""

    def restore(self, zone: str, data: bytes) -> S:
        """The state that ``snapshot`` of this version wrote."""

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:
        """What ``snapshot`` of an older version wrote, as this version would have written it.

        None when that cannot be known: then the state is folded from the log again.
        """
