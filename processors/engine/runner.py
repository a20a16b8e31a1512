"""The loop: records in, folds, outputs and offsets out in one transaction. It knows no Kafka, only the ports.

State is a fold of the log, and a snapshot is a state that need not be folded again. So a partition that is given to us
is folded from where its snapshots stand, or from the log's beginning; up to the committed offset its outputs are known
to be published and are dropped, from there on it is live. Whatever goes wrong on the way out ends the same way: the
producer and the state are thrown away and made again from what was committed.

A rebalance takes all partitions and gives most of them back. A partition that comes back while its committed offset
is still the one we stood on was nobody else's in between: it goes on with its state and what it had not yet published.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import structlog

from processors.engine.composed import PartitionFold
from processors.engine.outputs import outgoing
from processors.engine.ports import Bounds, Observer, Outgoing, Record, Shelf, Sink, Source, Standing
from processors.engine.record import UnfoldableError, fold_record
from processors.engine.recovery import Found, Loading, Restore
from processors.engine.shelving import Shelving
from processors.engine.zone import SnapshotError
from runtime.errors import OutcomeUnknownError
from runtime.lifecycle import Progress
from schemas.anomaly import Anomaly
from schemas.model import Model

log: Final = structlog.get_logger()

IDLE_S: Final = 0.25
OUTPUTS_MAX: Final = 5_000  # held back for the next transaction
FAILED_MAX: Final = 10  # records at which the engine may fail before it is no matter of records any more
_REPORT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the loop works; ``source`` is the CloudEvents source of what it writes, ``topic`` only names its input."""

    topic: str
    source: str
    commit_s: float
    poll_records: int
    snapshot_every_s: float
    """How old the snapshot of a shard may become."""
    snapshot_budget_s: float
    """How long the folds may stand still for snapshots in each transaction."""
    accept_gap: bool = False
    """An operator's word: where the log no longer holds what comes next, go on with what it does hold."""


@dataclass(slots=True)
class _Part:
    """A partition that is ours."""

    fold: PartitionFold
    next: int  # offset
    live_from: int  # below it outputs are published already
    committed: int | None
    recovering: bool
    generations: Mapping[int, int]  # of the snapshots it was made from
    outputs: list[Model] = field(default_factory=list)


class Runner:
    """Feeds the folds of the partitions it is given."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        shelf: Shelf,
        make_fold: Callable[[], PartitionFold],
        restore: Restore,
        options: Options,
        observer: Observer,
        progress: Progress,
        monotonic: Callable[[], float],
    ) -> None:
        """``make_fold`` makes the fold of an empty partition, ``restore`` that of shards; ``monotonic``: seconds."""
        self._source = source
        self._sink = sink
        self._make_fold = make_fold
        self._options = options
        self._observer = observer
        self._progress = progress
        self._monotonic = monotonic
        self._loading = Loading(shelf, restore, observer)
        self._shelving = Shelving(options.snapshot_every_s, options.snapshot_budget_s, monotonic)
        self._lock = threading.Lock()  # rebalances may be told on the client's own thread
        self._told: tuple[bool, list[int]] | None = None  # whether we were given something, and what we have now
        self._open = False
        self._owned: set[int] = set()
        self._parts: dict[int, _Part] = {}
        self._parked: dict[int, _Part] = {}
        self._stopped: set[int] = set()
        self._failed: dict[str, str] = {}  # records at which the engine failed, and how
        self._urgent = False
        self._commit_due_s: float | None = None
        self._report_due_s = 0.0

    # rebalances: noted when told, acted on between polls

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """See :class:`processors.engine.ports.Owner`."""
        del partitions  # eager: all of them
        with self._lock:
            self._told = (False, [])

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """See :class:`processors.engine.ports.Owner`."""
        with self._lock:
            self._told = (True, list(partitions))

    @property
    def recovering(self) -> list[int]:
        """The partitions whose state is being made."""
        return sorted([*self.loading, *self._folding])

    @property
    def live(self) -> list[int]:
        """The partitions at whose end we work."""
        return sorted(p for p, part in list(self._parts.items()) if not part.recovering)

    @property
    def loading(self) -> list[int]:
        """Those of them whose snapshots are being read."""
        return self._loading.partitions

    @property
    def _folding(self) -> list[int]:
        return [p for p, part in list(self._parts.items()) if part.recovering]

    @property
    def stopped(self) -> list[int]:
        """The partitions that wait for an operator."""
        return sorted(self._stopped)

    def step(self) -> None:
        """One turn: poll, fold, and commit when it is time.

        Raises:
            RetryableError: nothing happened; call again after a while.
            FencedError: another process has our name; stop.
        """
        try:
            if not self._open:
                self._sink.open()
                self._open = True
            self._prepare()
            self._load()
            records = self._source.poll(self._patience(), self._options.poll_records)
            if self._rebalance():
                records = []  # every partition was given a new position
            if records:
                self._progress.busy()
            for partition, run in groupby(records, key=lambda record: record.partition):
                self._take(partition, run)
            self._check_recovery()
            if self._commit_is_due():
                self._commit()
            if self._commit_due_s is None and not self._loading.partitions:
                self._progress.done()
            self._report()
        except OutcomeUnknownError as error:
            log.warning("outcome unknown, starting over from what was committed", error=str(error))
            self._start_over()
        except (SnapshotError, UnfoldableError) as error:
            self._make_anew(error)

    def close(self) -> None:
        """Publish what is folded and let go.

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
        given, partitions = told
        # Between being taken away and being given back nothing was polled, so what we hold is as it was.
        self._parked |= {partition: part for partition, part in self._parts.items() if not part.recovering}
        self._drop_parts()
        self._stopped = set()
        self._commit_due_s = None
        for partition in sorted(self._owned - set(partitions)):
            self._observer.gone(partition)
        self._owned = set(partitions)
        if given:
            self._parked = {partition: part for partition, part in self._parked.items() if partition in self._owned}
            log.info("partitions", assigned=sorted(partitions))
            self._prepare()
        return True

    def _prepare(self) -> None:
        """Give every owned partition a state and a position; interrupted by an error it goes on where it was."""
        for partition in sorted(self._owned - self._parts.keys() - self._stopped - set(self._loading.partitions)):
            committed = self._source.committed(partition)
            parked = self._parked.get(partition)
            if parked is not None and parked.committed == committed:
                self._source.start(partition, parked.next)
                self._parts[partition] = self._parked.pop(partition)
                parked.generations = self._shelving.generations(partition)
                self._go_live(partition, parked)
                continue
            bounds = self._source.bounds(partition)
            self._parked.pop(partition, None)
            # No offset is no fault where the log is whole: then everything is said once, or again under the same ids.
            lost = bounds.start > 0 if committed is None else not bounds.start <= committed <= bounds.end
            if lost and not self._options.accept_gap:
                self._stop(partition, committed, bounds, "the log does not hold what comes next")
                continue
            if (found := self._loading.begin(partition, committed, bounds)) is not None:
                self._begin(found)

    def _load(self) -> None:
        """Read some of the snapshots that partitions wait for."""
        if self._loading.partitions:
            self._progress.busy()
        for found in self._loading.step():
            self._begin(found)

    def _begin(self, found: Found) -> None:
        """Fold a partition from where its snapshots stand, or without any from the log's beginning."""
        partition, committed, (start, end) = found.partition, found.committed, found.bounds
        fold, at = found.fold, found.next
        if not self._options.accept_gap:
            if fold is not None and at < start:
                fold = None  # what lies between is gone
            if fold is None and start > 0:
                self._stop(partition, committed, found.bounds, "no snapshot is of use, and the log's beginning is gone")
                return
        if fold is None:
            fold, at = self._make_fold(), start
        at = max(at, start)
        live_from = start if committed is None else min(max(committed, start), end)
        part = _Part(fold, at, live_from, committed, live_from > at, found.generations)
        self._source.start(partition, at)  # first: a partition that has a fold is one that is being read
        self._parts[partition] = part
        if part.recovering:
            log.info("recovering", partition=partition, snapshots=found.fold is not None, records=live_from - at)
        else:
            self._go_live(partition, part)

    def _go_live(self, partition: int, part: _Part) -> None:
        part.recovering = False
        part.fold.reach(part.live_from)
        self._shelving.join(partition, part.generations)
        self._expect_commit(part)
        log.info("live", partition=partition, offset=part.next)

    def _stop(self, partition: int, committed: int | None, bounds: Bounds, why: str) -> None:
        self._halt(partition)
        log.error(
            "partition stopped: to go on with what the log holds, although what lies between is lost to the detectors, "
            "start once with --accept-gap",
            why=why,
            topic=self._options.topic,
            partition=partition,
            committed=committed,
            log_start=bounds.start,
            log_end=bounds.end,
        )

    def _halt(self, partition: int) -> None:
        self._stopped.add(partition)
        self._source.stop(partition)
        self._observer.stopped(partition)

    def _take(self, partition: int, records: Iterable[Record]) -> None:
        part = self._parts.get(partition)
        if part is None:
            return  # fetched before a rebalance that took it away
        began_s, again = self._monotonic(), 0
        for record in records:
            if record.offset < part.next:
                continue
            if part.fold.waiting:
                part.fold.reach(record.offset)
            try:
                outputs = fold_record(part.fold, record.value, self._place(partition, record.offset), self._failed)
            except (SnapshotError, UnfoldableError) as error:
                error.partition = partition
                raise
            part.next = record.offset + 1
            again += record.offset < part.live_from
            if outputs and record.offset >= part.live_from:
                part.outputs += outputs
                self._urgent |= any(isinstance(output, Anomaly) for output in outputs)
        self._observer.folded(partition, part.fold.take_counts(), self._monotonic() - began_s)
        if again:
            self._observer.recovered(again)
        if part.recovering:
            self._progress.step()
        else:
            self._expect_commit(part)

    def _check_recovery(self) -> None:
        for partition in self._folding:
            part = self._parts[partition]
            # What lies between may be markers and no records at all, so the position decides and not the last record.
            if part.next >= part.live_from or self._source.position(partition) >= part.live_from:
                self._go_live(partition, part)

    def _expect_commit(self, part: _Part) -> None:
        if self._commit_due_s is None and part.next > part.live_from:
            self._commit_due_s = self._monotonic() + self._options.commit_s

    def _commit_is_due(self) -> bool:
        if self._commit_due_s is None:
            return False
        if self._urgent or self._monotonic() >= self._commit_due_s:
            return True
        return sum(len(part.outputs) for part in self._parts.values()) >= OUTPUTS_MAX

    def _commit(self) -> None:
        live = {
            p: part for p, part in sorted(self._parts.items()) if not part.recovering and part.next > part.live_from
        }
        offsets = {p: part.next for p, part in live.items() if part.next != part.committed}
        outputs = [output for part in live.values() for output in part.outputs]
        began_s = self._monotonic()
        if offsets:
            records = [outgoing(output, self._options.source) for output in outputs]
            self._sink.commit([*records, *self._snapshots(live)], offsets)
        for partition, offset in offsets.items():
            self._parts[partition].committed = offset
            self._parts[partition].outputs = []
        self._urgent = False
        self._commit_due_s = None
        self._progress.done()
        self._observer.committed(outputs, self._monotonic() - began_s)

    def _snapshots(self, live: Mapping[int, _Part]) -> list[Outgoing]:
        """Of the states at the offsets that are being committed: they become visible with them."""
        began_s = self._monotonic()
        records = list(self._shelving.take({p: (part.fold, part.next) for p, part in live.items()}))
        if records:
            size = sum(len(record.value) for record in records)
            self._observer.stored(len(records), size, self._monotonic() - began_s)
        return records

    def _make_anew(self, error: SnapshotError | UnfoldableError) -> None:
        """The state of a partition is spoilt: make it again, without what spoilt it."""
        partition = error.partition
        assert partition is not None, "whoever raises it in a step names the partition"
        del self._parts[partition]
        self._source.stop(partition)
        self._shelving.leave(partition)
        if isinstance(error, SnapshotError):
            self._loading.distrust(partition, error)
            return
        self._failed[error.place] = error.what
        log.error("the engine failed at a record, which is set aside", place=error.place, exc_info=error)
        if len(self._failed) > FAILED_MAX:
            self._halt(partition)
            log.error(
                "partition stopped: the engine fails at more than single records; it needs mending", place=error.place
            )

    def _place(self, partition: int, offset: int) -> str:
        return f"{self._options.topic}/{partition}/{offset}"

    def _drop_parts(self) -> None:
        self._loading.stop()
        for partition in self._parts:
            self._shelving.leave(partition)
        self._parts = {}

    def _start_over(self) -> None:
        self._sink.close()
        self._open = False
        for partition in self._parts:
            self._source.stop(partition)
        self._drop_parts()
        self._parked = {}
        self._urgent = False
        self._commit_due_s = None
        self._progress.done()

    def _patience(self) -> float:
        if self._loading.partitions:
            return 0.0
        if self._commit_due_s is None:
            return IDLE_S
        return min(IDLE_S, max(0.0, self._commit_due_s - self._monotonic()))

    def _report(self) -> None:
        now_s = self._monotonic()
        if now_s < self._report_due_s:
            return
        self._report_due_s = now_s + _REPORT_S
        for partition in self._loading.partitions:
            self._observer.standing(partition, Standing(None, 0, 0, recovering=True))
        for partition, part in self._parts.items():
            lag = self._source.lag(partition)
            self._observer.standing(partition, Standing(lag, part.fold.now_ms, part.fold.timers, part.recovering))
