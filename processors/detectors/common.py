"""What detectors share: where a facility stands, what is open, how findings and snapshots are written."""

from collections.abc import Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from processors.engine.contract import QUIET, Clock, Detector, Outcome, Reading, Timer, Unseen
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.camera import CameraEvent
from schemas.facility import Facility, FacilityClass, Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms
from schemas.rules.found import rule_of

LEFT: Final = "facility left"
POLICY_CHANGED: Final = "policy changed"
REPLACED: Final = "device replaced"
UNBOUND: Final = "device no longer registered"
NOT_KNOWN: Final = "is not known to be so any more: its device is gone"

_RETRY_MIN_MS: Final = 1_000
_RETRY_MAX_MS: Final = 30_000

T = TypeVar("T")


class Site(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A facility and where it stands, small enough to keep one for every facility of a city."""

    facility: str
    facility_class: FacilityClass
    lon: float
    lat: float
    grid: str | None
    district: str | None
    address: str | None

    @classmethod
    def of(cls, facility: Facility) -> "Site":
        """What a registration says."""
        place = facility.place
        return cls(
            facility.facility,
            facility.facility_class,
            place.lon,
            place.lat,
            place.grid,
            place.district,
            place.address,
        )

    def place(self) -> Place:
        """As findings carry it."""
        return Place(lon=self.lon, lat=self.lat, grid=self.grid, district=self.district, address=self.address)


class Bound(NamedTuple):
    """Whose word counts for a facility since it was registered anew."""

    devices: tuple[str, ...]
    gone: tuple[str, ...]
    """Those that spoke for it and do not any more, in order: what they said is no longer in force."""

    @classmethod
    def of(cls, facility: Facility, before: Sequence[str] = ()) -> "Bound":
        """What a registration says, and who was registered before."""
        devices = tuple(sorted({binding.device for binding in facility.devices}))
        return cls(devices, tuple(sorted(set(before).difference(devices))))

    @property
    def reason(self) -> str:
        """Why what rested on their word is over."""
        return REPLACED if self.devices else UNBOUND


def as_known(calm: str, reason: str | None) -> str:
    """What is said of something that is over: how it is now, or that nobody tells of it any more."""
    return NOT_KNOWN if reason in {REPLACED, UNBOUND} else calm


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """One message that convinced a detector."""

    id: UUID
    time_ms: int
    arrival_ms: int

    @classmethod
    def of(cls, event: Reading | CameraEvent) -> "Evidence":
        """The message's derived id and its times."""
        if isinstance(event, Reading):
            series = event.series
            id_ = reading_id(series.device, series.observed_property, event.identity)
            return cls(id_, event.time_ms, event.arrival_ms)
        id_ = reading_id(event.device, "camera", event.identity)
        return cls(id_, event.time_ms, event.arrival_ms)


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """A finding that is raised and not cleared."""

    id: UUID
    kind: AnomalyKind
    since_ms: int
    subject: str
    site: Site
    rule: str | None = None
    """Where the kind alone does not say it."""


class Opening(NamedTuple):
    """What a new finding is about; ``cause`` makes its id, so it must be the same in every replay.

    ``rule``: by which it is made, where several make its kind.
    """

    subject: str
    site: Site
    cause: object
    since_ms: int
    rule: str | None = None


class Step(NamedTuple):
    """What is said of one step of a finding; ``at_ms`` is event time.

    ``by_time``: what decided was time that passed, so the finding says nothing of arrivals. ``score``: how sure it is,
    0 to 1. ``verify``: a person should look first.
    """

    at_ms: int
    summary: str
    numbers: dict[str, float]
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    by_time: bool = False
    score: float = 1.0
    verify: bool = False


class Turn:
    """One call of ``fold``: who speaks, of which zone, at what time, and what was said so far."""

    __slots__ = ("_detector", "clock", "said", "stirred", "timers", "unseen", "zone")

    def __init__(self, detector: Detector[Any], zone: str, clock: Clock) -> None:
        self._detector = detector
        self.zone = zone
        self.clock = clock
        self.said: list[Anomaly] = []
        self.timers: list[Timer] = []
        self.unseen: list[Unseen] = []
        self.stirred = False

    @property
    def outcome(self) -> Outcome:
        """What ``fold`` returns."""
        if not (self.said or self.timers or self.unseen or self.stirred):
            return QUIET
        return Outcome(self.said, self.timers, unseen=self.unseen, stirred=self.stirred)

    def wake(self, name: str, at_ms: int | None) -> None:
        """Set or (with None) cancel a timer."""
        self.timers.append(Timer(name, at_ms))

    def raises(self, kind: AnomalyKind, opening: Opening, step: Step) -> Opened:
        """Say that a finding is raised; gives what to remember of it."""
        id_ = finding_id(kind, self.zone, opening.subject, str(opening.cause))
        opened = Opened(id_, kind, opening.since_ms, opening.subject, opening.site, opening.rule)
        self._say(Transition.RAISED, opened, step)
        return opened

    def clears(self, opened: Opened, step: Step) -> None:
        """Say that a finding is over."""
        self._say(Transition.CLEARED, opened, step)

    def _say(self, transition: Transition, opened: Opened, step: Step) -> None:
        newest = max((evidence.arrival_ms for evidence in step.evidence), default=None)
        site = opened.site
        self.said.append(
            Anomaly(
                id=opened.id,
                transition=transition,
                kind=opened.kind,
                severity=KINDS[opened.kind].severity,
                zone=self.zone,
                subject=opened.subject,
                facility=site.facility,
                facility_class=site.facility_class,
                place=site.place(),
                since=from_ms(opened.since_ms),
                at=from_ms(step.at_ms),
                arrival_time=None if newest is None or step.by_time else from_ms(newest),
                summary=step.summary,
                numbers=step.numbers,
                score=step.score,
                verify=step.verify,
                evidence=tuple(evidence.id for evidence in step.evidence),
                reason=step.reason,
                detector=self._detector.name,
                detector_version=self._detector.version,
                rule=opened.rule or rule_of(opened.kind, self._detector.name),
            )
        )


def _row(one: Any) -> Any:
    return one.row()


def _made(kind: Any, row: Any) -> Any:
    return kind.of_row(row)


_encoder: Final = msgspec.msgpack.Encoder(order="sorted", enc_hook=_row)


class Packed(Generic[T]):
    """What detectors share whose state is a msgspec struct, named by ``state_type``."""

    state_type: type[T]
    hears_cameras: bool = True
    """Those that do not say no here are asked at every message of a camera."""

    def snapshot(self, state: T) -> bytes:
        """The state as sorted msgpack."""
        return pack(state)

    def restore(self, zone: str, data: bytes) -> T:  # noqa: ARG002 - the zone stands in the data
        """What :meth:`snapshot` wrote."""
        return unpack(data, self.state_type)

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:  # noqa: ARG002 - a version that can, says so
        """Not known: the state is folded from the log again."""
        return None


def pack(state: Any) -> bytes:
    """A state as deterministic bytes: mappings in the order of their keys.

    It is made of msgspec structs and builtins; and of classes that say by ``row()`` as what list of fields they are
    written, and are made of one by ``of_row(row)``.
    """
    return _encoder.encode(state)


def unpack(data: bytes, into: type[T]) -> T:
    """What :func:`pack` wrote.

    Raises:
        ValueError: the bytes are no such state.
    """
    return msgspec.msgpack.decode(data, type=into, dec_hook=_made)


def retry_at(clock: Clock, shard: str, due_ms: int) -> int | None:
    """None when everything up to ``due_ms`` was received from the shard, else when to look again.

    What a device said before may still be on its way: no time is over before our own ears have passed it.
    """
    behind_ms = due_ms - clock.frontier.get(shard, 0)
    if behind_ms <= 0:
        return None
    return clock.now_ms + min(max(behind_ms, _RETRY_MIN_MS), _RETRY_MAX_MS)


def span(ms: int) -> str:
    """A length of time as a person says it: ``45 s``, ``12 min``, ``3.5 h``."""
    if ms < 120_000:  # noqa: PLR2004 - two minutes
        return f"{ms / 1000:g} s"
    if ms < 7_200_000:  # noqa: PLR2004 - two hours
        return f"{round(ms / 60_000, 1):g} min"
    return f"{round(ms / 3_600_000, 1):g} h"
