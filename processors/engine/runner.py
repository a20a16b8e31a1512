"""The loop: records in, folds, outputs and offsets out in one transaction. It knows no Kafka, only the ports.

State is a fold of the log, and a snapshot is a state that need not be folded again. So a partition that is given to us
is folded from where its snapshots stand, or from the log's beginning; up to the committed offset its outputs are known
to be published and are dropped, from there on it is live. Whatever goes wrong on the way out ends the same way: the
producer and the state are thrown away and made again from what was committed.

A rebalance takes all partitions and gives most of them back. A partition that comes back while its committed offset
is still the one we stood on was nobody else's in between: it goes on with its state and what it had not yet published.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import structlog

from processors.engine.composed import PartitionFold
from processors.engine.contract import Said
from processors.engine.errors import SnapshotError
from processors.engine.outputs import outgoing
from processors.engine.ports import Bounds, Observer, Outgoing, Record, Shelf, Sink, Source, Standing
from processors.engine.record import Fetch, UnfoldableError, fold_record
from processors.engine.recovery import Found, Loading, Restore
from processors.engine.shelving import Shelving
from processors.engine.snapshot import Shelved
from processors.engine.turns import Turns
from runtime.errors import RetryableError
from runtime.lifecycle import Progress
from schemas.anomaly import Anomaly
from schemas.topics import SNAPSHOTS

log: Final = structlog.get_logger()

FAILED_MAX: Final = 10  # records at which the engine may fail before it is no matter of records any more,
FAILED_WITHIN: Final = 10_000  # among so many


@dataclass(frozen=True, slots=True)
class Options:
    """How the loop works; ``source`` is the CloudEvents source of what it writes, ``topic`` only names its input."""

    topic: str
    log_id: str
    """Of the input: a topic that was deleted and made again has another."""
    source: str
    commit_s: float
    poll_records: int
    snapshot_every_s: float
    """How old the snapshot of a shard may become."""
    snapshot_budget_s: float
    """How long the folds may stand still for snapshots in each transaction."""
    accept_gap: bool = False
    """An operator's word: where the log no longer holds what comes next, go on with what it does hold."""
    shelf: str = SNAPSHOTS.name
    """The topic of the snapshots."""


@dataclass(slots=True)
class _Part:
    """A partition that is ours."""

    fold: PartitionFold
    next: int  # offset
    live_from: int  # below it outputs are published already
    committed: int | None
    recovering: bool
    shelved: Mapping[int, Shelved]  # the snapshots it was made from
    outputs: list[Said] = field(default_factory=list)


class Runner(Turns):
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
        fetch: Fetch = lambda _digests: None,
    ) -> None:
        """``make_fold`` makes the fold of an empty partition, ``restore`` that of shards; ``monotonic``: seconds.

        ``fetch`` puts the models at hand that events name.
        """
        super().__init__(
            source, sink, progress, monotonic, commit_s=options.commit_s, poll_records=options.poll_records
        )
        self._make_fold = make_fold
        self._fetch = fetch
        self._options = options
        self._observer = observer
        self._loading = Loading(shelf, restore, options.log_id, observer)
        self._shelving = Shelving(
            options.log_id, options.snapshot_every_s, options.snapshot_budget_s, monotonic, options.shelf
        )
        self._parts: dict[int, _Part] = {}
        self._parked: dict[int, _Part] = {}
        self._failed: defaultdict[int, dict[int, str]] = defaultdict(
            dict
        )  # by partition and offset: how we failed there

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

    def close(self) -> None:
        """See :meth:`processors.engine.turns.Turns.close`."""
        self._shelving.stop()  # whoever comes next has time for it
        super().close()

    def _regroup(self, *, given: bool, gone: Sequence[int]) -> None:
        # Between being taken away and being given back nothing was polled, so what we hold is as it was.
        self._parked |= {partition: part for partition, part in self._parts.items() if not part.recovering}
        self._drop_parts()
        self._commit_due_s = None
        for partition in gone:
            self._observer.gone(partition)
        if given:
            self._parked = {partition: part for partition, part in self._parked.items() if partition in self._owned}
            log.info("partitions", assigned=sorted(self._owned))
            self._prepare()

    def _prepare(self) -> None:
        """Give every owned partition a state and a position; interrupted by an error it goes on where it was."""
        for partition in sorted(self._owned - self._parts.keys() - self._stopped - set(self._loading.partitions)):
            committed = self._source.committed(partition)
            parked = self._parked.get(partition)
            if parked is not None and parked.committed == committed:
                self._source.start(partition, parked.next)
                self._parts[partition] = self._parked.pop(partition)
                self._go_live(partition, parked)
                continue
            bounds = self._source.bounds(partition)
            self._parked.pop(partition, None)
            # No offset is no fault where the log is whole: then everything is said once, or again under the same ids.
            lost = bounds.start > 0 if committed is None else not bounds.start <= committed <= bounds.end
            if lost and not self._options.accept_gap:
                self._stop(partition, committed, bounds, "the log does not hold what comes next")
                continue
            # What was committed in a log that was longer says nothing about this one.
            known = None if committed is not None and committed > bounds.end else committed
            if (found := self._loading.begin(partition, known, bounds)) is not None:
                self._begin(found._replace(committed=committed))

    def _load(self) -> None:
        if self._loading.partitions:
            self._progress.busy()
        found_all, read = self._loading.step()
        if read:
            self._progress.step()
        for found in found_all:
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
        part = _Part(fold, at, live_from, committed, live_from > at, found.shelved)
        self._source.start(partition, at)  # first: a partition that has a fold is one that is being read
        self._parts[partition] = part
        if part.recovering:
            log.info("recovering", partition=partition, snapshots=found.fold is not None, records=live_from - at)
        else:
            self._go_live(partition, part)

    def _go_live(self, partition: int, part: _Part) -> None:
        part.recovering = False
        part.fold.reach(part.live_from)
        self._shelving.join(partition, part.shelved)
        self._expect_commit_of(part)
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

    def _work(self, records: Sequence[Record]) -> None:
        away: RetryableError | None = None
        for partition, run in groupby(records, key=lambda record: record.partition):
            try:
                self._take(partition, run)
            except RetryableError as error:  # a model could not be read: from that record on once more
                self._source.start(partition, self._parts[partition].next)
                away = error
            except (SnapshotError, UnfoldableError) as error:  # the others' records are theirs
                self._make_anew(partition, error)
        self._check_recovery()
        if away is not None:
            raise away

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
            place = f"{self._options.topic}/{partition}/{record.offset}"
            failure = self._failed[partition].get(record.offset)
            outputs = fold_record(part.fold, record.value, place, failure, fetch=self._fetch)
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
            self._expect_commit_of(part)

    def _check_recovery(self) -> None:
        for partition in self._folding:
            part = self._parts[partition]
            # What lies between may be markers and no records at all, so the position decides and not the last record.
            if part.next >= part.live_from or self._source.position(partition) >= part.live_from:
                self._go_live(partition, part)

    def _expect_commit_of(self, part: _Part) -> None:
        if part.next > part.live_from:
            self._expect_commit()

    def _held_back(self) -> int:
        return sum(len(part.outputs) for part in self._parts.values())

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
            self._shelving.written()
        for partition, offset in offsets.items():
            self._parts[partition].committed = offset
            self._parts[partition].outputs = []
        self._committed()
        self._observer.committed(outputs, self._monotonic() - began_s)

    def _snapshots(self, live: Mapping[int, _Part]) -> list[Outgoing]:
        """Of the states at the offsets that are being committed: they become visible with them."""
        began_s = self._monotonic()
        taken = self._shelving.take({p: (part.fold, part.next) for p, part in live.items()})
        for partition, error in taken.failed:
            log.error("a snapshot could not be made, the last one holds", partition=partition, exc_info=error)
        if taken.records:
            size = sum(len(record.value) for record in taken.records)
            self._observer.stored(len(taken.records), size, self._monotonic() - began_s)
        return taken.records

    def _make_anew(self, partition: int, error: SnapshotError | UnfoldableError) -> None:
        """The state of a partition is spoilt: make it again, without what spoilt it."""
        part = self._parts.pop(partition)
        self._source.stop(partition)
        self._shelving.leave(partition)
        if isinstance(error, SnapshotError):
            self._loading.distrust(partition, part.committed or 0, error)
            return
        failed = self._failed[partition]
        failed[part.next] = error.what
        log.error("the engine failed at a record, which is set aside", place=error.place, exc_info=error)
        if sum(offset > part.next - FAILED_WITHIN for offset in failed) > FAILED_MAX:
            self._halt(partition)
            log.error(
                "partition stopped: the engine fails at more than single records; it needs mending", place=error.place
            )

    def _drop_parts(self) -> None:
        self._loading.stop()
        for partition in self._parts:
            self._shelving.leave(partition)
        self._parts = {}

    def _forget(self) -> None:
        for partition in self._parts:
            self._source.stop(partition)
        self._drop_parts()
        self._parked = {}

    def _is_busy(self) -> bool:
        return bool(self._loading.partitions)

    def _patience(self) -> float:
        return 0.0 if self._loading.partitions else super()._patience()

    def _report(self) -> None:
        for partition in self._loading.partitions:
            self._observer.standing(partition, Standing(None, 0, 0, recovering=True))
        for partition, part in self._parts.items():
            lag = self._source.lag(partition)
            self._observer.standing(partition, Standing(lag, part.fold.now_ms, part.fold.timers, part.recovering))
