"""Which trials there were, by the topic that says so; what follows from that. Pure but for :func:`read_trials`."""

from dataclasses import dataclass
from enum import StrEnum

from ops.logreader import read_all
from runtime.errors import FatalError
from runtime.settings import KafkaSettings
from schemas.shadow import ShadowBegun, TrialRecord, Verdict
from schemas.topics import EVENTS, TRIALS
from schemas.whatif import WhatIf


class Stage(StrEnum):
    """How far a trial is."""

    BEGINNING = "beginning"
    RUNNING = "running"
    PROMOTING = "promoting"
    ENDING = "ending"
    PROMOTED = "promoted"
    ENDED = "ended"


_OVER = {Verdict.PROMOTED: (Stage.PROMOTING, Stage.PROMOTED), Verdict.ENDED: (Stage.ENDING, Stage.ENDED)}


def stage(record: TrialRecord) -> Stage:
    """How far it is; one that is beginning, promoting or ending was left so by a command that died, or runs now."""
    if record.verdict is not None:
        return _OVER[record.verdict][len(record.over_at) == EVENTS.partitions]
    begun = len(record.begun_at) == EVENTS.partitions and len(record.told) == EVENTS.partitions
    return Stage.RUNNING if begun else Stage.BEGINNING


def is_over(record: TrialRecord) -> bool:
    """Whether another may begin."""
    return stage(record) in {Stage.PROMOTED, Stage.ENDED}


def is_same(one: ShadowBegun, other: ShadowBegun) -> bool:
    """Whether two say the same, down to which keys of a policy were written down."""
    return one.model_dump_json() == other.model_dump_json()


@dataclass(frozen=True)
class Trials:
    """All trials."""

    records: tuple[TrialRecord, ...] = ()
    """In the order of the topic: of two that were begun at one moment the first is the one."""

    @property
    def by_age(self) -> list[TrialRecord]:
        """In the order in which they were begun."""
        return sorted(self.records, key=lambda record: record.since)

    @property
    def current(self) -> TrialRecord | None:
        """The one that is not over."""
        return next((record for record in self.records if not is_over(record)), None)

    def named(self, shadow: str | None) -> TrialRecord:
        """The trial of this name; without one that which is running, else the newest.

        Raises:
            FatalError: there is none.
        """
        if shadow is None:
            if not self.records:
                raise FatalError("there was no trial yet; begin one: eyes shadow begin NAME[@VERSION] [--with FILE]")
            return self.current or self.by_age[-1]
        for record in self.records:
            if record.begun.shadow == shadow:
                return record
        known = ", ".join(record.begun.shadow for record in self.by_age) or "none at all"
        raise FatalError(f"no trial is called {shadow!r}; there are: {known}")

    def promoted(self, detector: str) -> ShadowBegun | None:
        """By which trial the live version of a detector came; None where it is that of the code."""
        found = [
            record for record in self.by_age if record.begun.detector == detector and record.verdict is Verdict.PROMOTED
        ]
        return found[-1].begun if found else None

    def free_name(self, detector: str, version: int) -> str:
        """A name that no trial had: findings of two must not be taken for those of one."""
        taken = {record.begun.shadow for record in self.records}
        plain = f"{detector}@{version}"
        return next(name for n in range(1, len(taken) + 2) if (name := _nth(plain, n)) not in taken)


def _nth(plain: str, number: int) -> str:
    return plain if number == 1 else f"{plain}-{number}"


def policies(what_if: WhatIf) -> list[str]:
    """What is other, a line for each override."""
    return [
        f"{', '.join(f'{name} = {_value(value)}' for name, value in override.changes.items())} where {override}"
        for override in what_if.override
    ]


def _value(value: object) -> str:
    return "the default of its class" if value is None else str(value)


def read_trials(settings: KafkaSettings) -> Trials:
    """Everything the topic says.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    found: dict[str, TrialRecord] = {}
    for entry in read_all(settings, TRIALS):
        if entry.raw is None:
            found.pop(entry.key or "", None)
        elif entry.event is not None and isinstance(entry.event.data, TrialRecord):
            found[entry.event.data.begun.shadow] = entry.event.data
    return Trials(tuple(found.values()))
