"""The loop: records in, copies and offsets out in one transaction. It knows no Kafka, only the engine's ports.

It keeps no state but how late it was, which decides whether a tick goes on from there; that stands beside the committed
offset, in the same transaction. So there is nothing to recover: whatever goes wrong, and whoever takes over, goes on at
what was committed (docs/decisions/0017-sequencer.md says why this is no second use of the engine's own loop).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import structlog

from processors.engine.outputs import outgoing
from processors.engine.places import Places
from processors.engine.ports import Outgoing, Record, Sink, Source
from processors.engine.refusal import undecodable
from processors.engine.turns import Turns
from processors.sequencer.copies import BEGINNING, INPUTS, Input, Moment, understood
from runtime.lifecycle import Progress
from schemas.anomaly import Anomaly
from schemas.clock import Tick
from schemas.envelope import CloudEvent, UnknownEventError
from schemas.quarantine import Quarantined
from schemas.topics import Topic

log: Final = structlog.get_logger()

PLACES: Final = Places(one.topic for one in INPUTS)
"""The partitions it reads."""
_INPUT: Final[dict[str, Input]] = {one.topic.name: one for one in INPUTS}


class Done(NamedTuple):
    """One record of the input and what it became."""

    topic: Topic
    what: CloudEvent | Quarantined
    outputs: list[Outgoing]


class Observer(Protocol):
    """Who counts what the loop does."""

    def committed(self, done: Sequence[Done], seconds: float) -> None:
        """These became visible."""

    def standing(self, topic: Topic, partition: int, lag: int | None, moment: Moment) -> None:
        """Records not yet copied, as far as is known, and how late it was in what is copied."""

    def stopped(self, topic: Topic, partition: int) -> None:
        """The partition waits for an operator."""

    def gone(self, topic: Topic, partition: int) -> None:
        """The partition is no longer ours."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the loop works; ``source`` is the CloudEvents source of what it refuses, ``prefix`` that of the topics."""

    source: str
    prefix: str
    commit_s: float
    poll_records: int
    accept_gap: bool = False
    """An operator's word: where the log no longer holds what comes next, go on with what it does hold."""


@dataclass(slots=True)
class _Part:
    """A partition that is ours."""

    next: int  # offset
    committed: int | None
    moment: Moment


class Sequencer(Turns):
    """Copies the partitions it is given."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        options: Options,
        observer: Observer,
        progress: Progress,
        monotonic: Callable[[], float],
    ) -> None:
        """``monotonic`` gives seconds."""
        super().__init__(
            source, sink, progress, monotonic, commit_s=options.commit_s, poll_records=options.poll_records
        )
        self._options = options
        self._observer = observer
        self._parts: dict[int, _Part] = {}
        self._done: list[Done] = []
        self._outputs = 0

    @property
    def live(self) -> list[int]:
        """The partitions (of :data:`PLACES`) that are copied."""
        return sorted(self._parts)

    @property
    def recovering(self) -> list[int]:
        """No partition: there is no state to be made."""
        return []

    def _regroup(self, *, given: bool, gone: Sequence[int]) -> None:
        self._parts = {}  # of partitions that were taken from us: there is nothing to stop
        self._forget()
        self._committed()
        for number in gone:
            self._observer.gone(*PLACES.at(number))
        if given and self._owned:
            log.info("partitions", assigned=[f"{topic.name}/{n}" for topic, n in map(PLACES.at, sorted(self._owned))])
            self._prepare()

    def _forget(self) -> None:
        """What is copied and not committed is copied again, by us or by another."""
        for number in self._parts:
            self._source.stop(number)
        self._parts = {}
        self._done = []
        self._outputs = 0

    def _prepare(self) -> None:
        """Give every owned partition a position; interrupted by an error it goes on where it was."""
        for number in sorted(self._owned - self._parts.keys() - self._stopped):
            topic, partition = PLACES.at(number)
            committed = self._source.committed(number)
            moment = Moment.parse(self._source.note(number))
            start, end = self._source.bounds(number)
            lost = start > 0 if committed is None else not start <= committed <= end
            if lost and _INPUT[topic.name].needed and not self._options.accept_gap:
                self._stopped.add(number)
                self._source.stop(number)
                self._observer.stopped(topic, partition)
                log.error(
                    "partition stopped: the log does not hold what comes next. To go on with what it holds, although "
                    "what lies between will be in no case, start once with --accept-gap",
                    topic=topic.full_name(self._options.prefix),
                    partition=partition,
                    committed=committed,
                    log_start=start,
                    log_end=end,
                )
                continue
            position = start if committed is None else min(max(committed, start), end)
            self._source.start(number, position)
            self._parts[number] = _Part(position, committed, moment)

    def _work(self, records: Sequence[Record]) -> None:
        for record in sorted(records, key=lambda record: record.partition):  # in the order of the inputs
            self._take(record)

    def _take(self, record: Record) -> None:
        part = self._parts.get(record.partition)
        if part is None or record.offset < part.next:
            return  # fetched before a rebalance that took it away
        topic, partition = PLACES.at(record.partition)
        part.next = record.offset + 1
        self._expect_commit()
        try:
            event = understood(_INPUT[topic.name], record.value)
        except UnknownEventError as error:
            place = f"{topic.full_name(self._options.prefix)}/{partition}/{record.offset}"
            refused = undecodable(record.value, place, error, record.timestamp_ms)
            self._add(Done(topic, refused, [outgoing(refused, self._options.source)]))
            return
        if isinstance(event.data, Tick):
            if Moment.of(event.data) <= part.moment:
                return  # of a ticker that was replaced
            part.moment = Moment.of(event.data)
        self._urgent |= isinstance(event.data, Anomaly)
        self._add(Done(topic, event, _INPUT[topic.name].copies(event)))

    def _add(self, done: Done) -> None:
        self._done.append(done)
        self._outputs += len(done.outputs)

    def _held_back(self) -> int:
        return self._outputs

    def _commit(self) -> None:
        moved = {number: part for number, part in sorted(self._parts.items()) if part.next != part.committed}
        began_s = self._monotonic()
        if moved:
            self._sink.commit(
                [output for done in self._done for output in done.outputs],
                {number: part.next for number, part in moved.items()},
                {number: str(part.moment) for number, part in moved.items() if part.moment != BEGINNING},
            )
        for part in moved.values():
            part.committed = part.next
        done, self._done = self._done, []
        self._outputs = 0
        self._committed()
        self._observer.committed(done, self._monotonic() - began_s)

    def _report(self) -> None:
        for number, part in self._parts.items():
            self._observer.standing(*PLACES.at(number), self._source.lag(number), part.moment)
