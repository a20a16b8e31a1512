"""The loop: records in, copies and offsets out in one transaction. It knows no Kafka, only the engine's ports.

It keeps no state but how late it was, which decides whether a tick goes on from there; that stands beside the committed
offset, in the same transaction. So there is nothing to recover: whatever goes wrong, and whoever takes over, goes on at
what was committed (docs/decisions/0017-sequencer.md says why this is no second use of the engine's own loop).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import structlog

from processors.engine.outputs import outgoing
from processors.engine.places import Places
from processors.engine.ports import Outgoing, Record, Sink, Source
from processors.engine.refusal import undecodable
from processors.sequencer.copies import BEGINNING, INPUTS, Input, Moment, understood
from runtime.errors import OutcomeUnknownError
from runtime.lifecycle import Progress
from schemas.anomaly import Anomaly
from schemas.clock import Tick
from schemas.envelope import CloudEvent, UnknownEventError
from schemas.quarantine import Quarantined
from schemas.topics import Topic

log: Final = structlog.get_logger()

PLACES: Final = Places(one.topic for one in INPUTS)
"""The partitions it reads."""
IDLE_S: Final = 0.25
OUTPUTS_MAX: Final = 5_000
_REPORT_S: Final = 1.0
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


class Sequencer:
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
        self._source = source
        self._sink = sink
        self._options = options
        self._observer = observer
        self._progress = progress
        self._monotonic = monotonic
        self._lock = threading.Lock()  # rebalances may be told on the client's own thread
        self._told: list[int] | None = None
        self._open = False
        self._owned: set[int] = set()
        self._parts: dict[int, _Part] = {}
        self._stopped: set[int] = set()
        self._done: list[Done] = []
        self._outputs = 0
        self._urgent = False
        self._commit_due_s: float | None = None
        self._report_due_s = 0.0

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """See :class:`processors.engine.ports.Owner`."""
        del partitions  # eager: all of them
        with self._lock:
            self._told = []

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """See :class:`processors.engine.ports.Owner`."""
        with self._lock:
            self._told = list(partitions)

    @property
    def live(self) -> list[int]:
        """The partitions (of :data:`PLACES`) that are copied."""
        return sorted(self._parts)

    @property
    def recovering(self) -> list[int]:
        """No partition: there is no state to be made."""
        return []

    @property
    def stopped(self) -> list[int]:
        """The partitions (of :data:`PLACES`) that wait for an operator."""
        return sorted(self._stopped)

    def step(self) -> None:
        """One turn: poll, copy, and commit when it is time.

        Raises:
            RetryableError: nothing happened; call again after a while.
            FencedError: another process has our name; stop.
        """
        try:
            if not self._open:
                self._sink.open()
                self._open = True
            self._prepare()
            records = self._source.poll(self._patience(), self._options.poll_records)
            if self._rebalance():
                records = []  # every partition was given a new position
            if records:
                self._progress.busy()
            for record in sorted(records, key=lambda record: record.partition):  # in the order of the inputs
                self._take(record)
            if self._commit_is_due():
                self._commit()
            if self._commit_due_s is None:
                self._progress.done()
            self._report()
        except OutcomeUnknownError as error:
            log.warning("outcome unknown, starting over from what was committed", error=str(error))
            self._sink.close()
            self._open = False
            self._forget()

    def close(self) -> None:
        """Publish what is copied and let go.

        Raises:
            OutcomeUnknownError: the last transaction may or may not have happened; a successor finds out.
            FencedError: another process has our name.
        """
        if self._open and self._commit_due_s is not None:
            self._commit()

    def _rebalance(self) -> bool:
        with self._lock:
            told, self._told = self._told, None
        if told is None:
            return False
        self._parts = {}
        self._forget()
        self._stopped = set()
        for number in sorted(self._owned - set(told)):
            self._observer.gone(*PLACES.at(number))
        self._owned = set(told)
        if told:
            log.info("partitions", assigned=[f"{topic.name}/{n}" for topic, n in map(PLACES.at, sorted(told))])
            self._prepare()
        return True

    def _forget(self) -> None:
        """What is copied and not committed is copied again, by us or by another."""
        for number in self._parts:
            self._source.stop(number)
        self._parts = {}
        self._done = []
        self._outputs = 0
        self._urgent = False
        self._commit_due_s = None
        self._progress.done()

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

    def _take(self, record: Record) -> None:
        part = self._parts.get(record.partition)
        if part is None or record.offset < part.next:
            return  # fetched before a rebalance that took it away
        topic, partition = PLACES.at(record.partition)
        part.next = record.offset + 1
        if self._commit_due_s is None:
            self._commit_due_s = self._monotonic() + self._options.commit_s
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

    def _commit_is_due(self) -> bool:
        if self._commit_due_s is None:
            return False
        return self._urgent or self._monotonic() >= self._commit_due_s or self._outputs >= OUTPUTS_MAX

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
        self._urgent = False
        self._commit_due_s = None
        self._progress.done()
        self._observer.committed(done, self._monotonic() - began_s)

    def _patience(self) -> float:
        if self._commit_due_s is None:
            return IDLE_S
        return min(IDLE_S, max(0.0, self._commit_due_s - self._monotonic()))

    def _report(self) -> None:
        now_s = self._monotonic()
        if now_s < self._report_due_s:
            return
        self._report_due_s = now_s + _REPORT_S
        for number, part in self._parts.items():
            self._observer.standing(*PLACES.at(number), self._source.lag(number), part.moment)
