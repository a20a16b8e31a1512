"""Readings that a replay derives against those that were published: partition by partition, figures and examples."""

from collections.abc import Iterator
from typing import Final

import msgspec

from ops.past import Advance, Span, read
from ops.replay.question import Question
from processors.engine.contract import Reading
from runtime.settings import KafkaSettings
from schemas.columns import BatchColumns
from schemas.envelope import UnknownEventError, decode
from schemas.topics import DERIVED

KEPT: Final = 1_000
"""Differences of one partition that are kept, the first of each way; all of them are counted."""


class Differing(msgspec.Struct, frozen=True):
    """A derived reading that one side has alone, or with another value."""

    time_ms: int
    zone: str
    device: str
    observed_property: str
    identity: str
    before: float | None
    after: float | None


class Compared(msgspec.Struct):
    """The figures; ``gained`` would be derived and were not, ``lost`` were and would not be."""

    published: int = 0
    replayed: int = 0
    same: int = 0
    changed: int = 0
    gained: int = 0
    lost: int = 0
    undecided: int = 0
    """Derived from what the folds had not committed yet."""
    first: list[Differing] = []

    @property
    def different(self) -> bool:
        """Whether anything differs."""
        return bool(self.changed or self.gained or self.lost)

    def __add__(self, other: "Compared") -> "Compared":
        return Compared(
            self.published + other.published,
            self.replayed + other.replayed,
            self.same + other.same,
            self.changed + other.changed,
            self.gained + other.gained,
            self.lost + other.lost,
            self.undecided + other.undecided,
            sorted([*self.first, *other.first], key=_age)[:KEPT],
        )


class Ledger:
    """What was derived in one partition within a range of event time: told first all that was published."""

    def __init__(self, question: Question) -> None:
        self._begin_ms, self._end_ms = question.begin_ms, question.end_ms
        self._published: dict[tuple[str, str, str], tuple[int, str, float]] = {}
        self._seen: set[tuple[str, str, str]] = set()
        self._result = Compared()

    def publish(self, reading: Reading) -> None:
        """One that was published; again, if need be."""
        if self._within(reading.time_ms):
            self._published.setdefault(_key(reading), (reading.time_ms, reading.series.zone, reading.value))

    def replay(self, reading: Reading, *, settled: bool) -> None:
        """One that the replay derives; ``settled``: from what the folds had committed."""
        if not self._within(reading.time_ms):
            return
        key, result = _key(reading), self._result
        before = self._published.get(key)
        if before is None and not settled:
            result.undecided += 1
            return
        self._seen.add(key)
        result.replayed += 1
        if before is not None and before[2] == reading.value:
            result.same += 1
            return
        if before is None:
            result.gained += 1
        else:
            result.changed += 1
        value = None if before is None else before[2]
        if len(result.first) < KEPT:  # they come nearly in the order of time
            result.first.append(Differing(reading.time_ms, reading.series.zone, *key, value, reading.value))

    def result(self) -> Compared:
        """The figures, once everything was told."""
        result = self._result
        result.published = len(self._published)
        for key, (time_ms, zone, value) in self._published.items():
            if key not in self._seen:
                result.lost += 1
                result.first.append(Differing(time_ms, zone, *key, value, None))
        result.first = sorted(result.first, key=_age)[:KEPT]
        return result

    def _within(self, time_ms: int) -> bool:
        return (self._begin_ms or 0) <= time_ms and (self._end_ms is None or time_ms < self._end_ms)


def _key(reading: Reading) -> tuple[str, str, str]:
    return reading.series.device, reading.series.observed_property, reading.identity


def _age(one: Differing) -> tuple[int, str, str]:
    return one.time_ms, one.device, one.identity


def published(settings: KafkaSettings, partition: int, span: Span, advance: Advance) -> Iterator[Reading | None]:
    """Everything that was derived in a partition; None for a record that nobody can read.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    for _, value in read(settings, DERIVED, partition, span, advance):
        try:
            data = decode(value).data
        except UnknownEventError:
            yield None
            continue
        if isinstance(data, BatchColumns):
            yield from readings_of(data)


def readings_of(batch: BatchColumns) -> Iterator[Reading]:
    """The rows of a batch."""
    for row, index in enumerate(batch.series_index):
        yield Reading(
            batch.series[index],
            batch.phenomenon_time[row],
            batch.result[row],
            batch.identity[row],
            batch.result_quality[row],
            batch.arrival_time[row],
            batch.shard,
        )
