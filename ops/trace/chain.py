"""What a trace found: each link of the chain from a finding down to the bytes, and where it stands in the log."""

from dataclasses import dataclass, field
from uuid import UUID

from schemas.anomaly import Anomaly
from schemas.identity import reading_id
from schemas.observation import Quality


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands; ``topic`` is the catalogue's name, without a deployment's prefix."""

    topic: str
    partition: int
    offset: int
    written_ms: int

    def __str__(self) -> str:
        return f"{self.topic} {self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a finding as it was published."""

    place: Place
    event_id: str
    anomaly: Anomaly


@dataclass(frozen=True, slots=True)
class Row:
    """One reading, or what one camera message says of one zone (then without a value), in ``city.events``."""

    place: Place
    device: str
    observed_property: str
    identity: str
    value: float | None
    unit: str
    time_ms: int
    arrival_ms: int
    quality: Quality
    shard: str
    facility: str
    zone: str

    @property
    def id(self) -> UUID:
        """The derived id by which findings name it."""
        return reading_id(self.device, self.observed_property, self.identity)


@dataclass(frozen=True, slots=True)
class Message:
    """An MQTT message as it was received; ``number`` is its place among those of its record, from 0."""

    place: Place
    number: int
    mqtt_topic: str | None
    arrival_ms: int
    payload: bytes
    size: int
    """Of the original; more than ``len(payload)`` where only its beginning was kept."""


@dataclass(frozen=True, slots=True)
class Link:
    """A reading and the message it came in; ``again``: these are the bytes of another delivery of that message.

    A derived reading came in none: ``made_of`` are the ids of the readings that it was derived from, which have links
    of their own.
    """

    row: Row
    message: Message | None = None
    again: bool = False
    made_of: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A step of the chain that cannot be shown, and why."""

    step: str
    of: str
    why: str


@dataclass(slots=True)
class Trace:
    """The whole chain of one id; ``kind`` is what the id names: finding, reading, unregistered or quarantined."""

    id: UUID
    kind: str
    steps: list[Step] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    message: Message | None = None
    """What the id itself names, when it was set aside."""
    said: str = ""
    """Why it was set aside, or what became of it."""
    missing: list[Missing] = field(default_factory=list)

    @property
    def messages(self) -> list[Message]:
        """Every message once, in the order they are named."""
        named = [self.message, *(link.message for link in self.links)]
        return list(dict.fromkeys(one for one in named if one is not None))
