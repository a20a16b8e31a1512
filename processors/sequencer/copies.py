"""What is copied, and where to. Pure; :data:`INPUTS` is the one place where another input is added.

A copy is the event itself, under its own id and source; only its key is that of ``city.case-inputs.v1``. So a copy that
is made twice is seen to be one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from processors.engine.ports import Outgoing
from schemas.anomaly import Anomaly
from schemas.carrier import NO_DISTRICT, DeviceCarried
from schemas.clock import Tick
from schemas.envelope import CloudEvent, UnknownEventError, decode, encode
from schemas.model import Model, to_ms
from schemas.partitioning import partition_of
from schemas.topics import ANOMALIES, CARRIERS, CASE_INPUTS, TICKS, Topic


class Input(NamedTuple):
    """A topic that is copied.

    Attributes:
        topic: where it stands.
        event: the one type of events it holds.
        copies: the records an event becomes.
        needed: whether a gap in it is an operator's business; after a gap in time alone, time simply goes on.
    """

    topic: Topic
    event: type[Model]
    copies: Callable[[CloudEvent], list[Outgoing]]
    needed: bool


def understood(one: Input, raw: bytes) -> CloudEvent:
    """The event in a record.

    Raises:
        UnknownEventError: it is none, or none of the type that stands in this topic.
    """
    event = decode(raw)
    if type(event.data) is not one.event:
        raise UnknownEventError(f"{event.type} is nothing that {one.topic.name} holds")
    return event


class Moment(NamedTuple):
    """How late it was, by the clock of which generation; later ones are greater."""

    generation: int
    time_ms: int

    @classmethod
    def of(cls, tick: Tick) -> "Moment":
        """What a tick says."""
        return cls(tick.generation, to_ms(tick.time))

    @classmethod
    def parse(cls, note: str) -> "Moment":
        """What :meth:`__str__` wrote; before all times where that is something else."""
        generation, _, time_ms = note.partition(":")
        return cls(int(generation), int(time_ms)) if generation.isdecimal() and time_ms.isdecimal() else BEGINNING

    def __str__(self) -> str:
        return f"{self.generation}:{self.time_ms}"


BEGINNING: Final = Moment(0, 0)


def by_district(event: CloudEvent) -> list[Outgoing]:
    """A finding goes to its district, so that all steps of one finding keep their order; so does what explains it."""
    assert isinstance(event.data, Anomaly | DeviceCarried)
    key = (event.data.place.district or NO_DISTRICT) if isinstance(event.data, Anomaly) else event.data.district
    return [_copy(event, key, partition_of(key, CASE_INPUTS.partitions))]


def everywhere(event: CloudEvent) -> list[Outgoing]:
    """The time goes to every partition."""
    return [_copy(event, f"partition-{number}", number) for number in range(CASE_INPUTS.partitions)]


def _copy(event: CloudEvent, key: str, partition: int) -> Outgoing:
    return Outgoing(CASE_INPUTS.name, partition, key, encode(replace(event, partitionkey=key)))


INPUTS: Final = (
    Input(ANOMALIES, Anomaly, by_district, needed=True),
    Input(CARRIERS, DeviceCarried, by_district, needed=False),
    Input(TICKS, Tick, everywhere, needed=False),
)
"""In the order in which they are copied when several are at hand: what was found, who carries whom, then the time."""
