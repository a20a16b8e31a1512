"""Stores the log in a generation by the archive's own code; rows and offsets move together there too."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from ops.rebuild.log import Log
from ops.rebuild.report import Report
from ops.segments.register import Registered
from processors.archive.records import item_of
from processors.archive.rows import Item
from processors.archive.sink import Partition, Sink
from processors.archive.store import moves_left, store
from processors.archive.tables import Horizon
from runtime.lifecycle import Shutdown

_SEGMENT_RECORDS = 200


class InterruptedRebuildError(Exception):
    """Somebody asked to end; what was stored stays."""


class Filler:
    """Moves a sink's partitions forward."""

    def __init__(
        self, sink: Sink, log: Log, horizon: Horizon, *, batch_rows: int, shutdown: Shutdown, report: Report
    ) -> None:
        self._sink = sink
        self._log = log
        self._horizon = horizon
        self._batch_rows = batch_rows
        self._shutdown = shutdown
        self._report = report

    @property
    def positions(self) -> dict[Partition, int]:
        """The next offset to store of each partition."""
        return {partition: held.next_offset for partition, held in self._sink.held.items()}

    def left(self, goals: Mapping[Partition, int]) -> int:
        """How many offsets lie between here and there."""
        return sum(max(0, goals[one] - at) for one, at in self.positions.items() if one in goals)

    def fill(self, goals: Mapping[Partition, int]) -> None:
        """Store the log up to these offsets, or somewhat further.

        Raises:
            InterruptedRebuildError: asked to end.
            kafka.errors.OffsetOutOfRangeError: the log lost what comes next.
            PipelineError: as :meth:`Sink.write`.
        """
        if not self.left(goals):
            return
        self._log.seek(self.positions)
        pending: list[Item] = []
        rows = 0
        while self.left(goals):
            polled = self._log.poll()
            pending += polled
            rows += sum(item.rows for item in polled)
            if rows >= self._batch_rows or not polled:
                self._check()
                self._store(pending, {one: self._log.position(one) for one in self._sink.held})
                pending, rows = [], 0

    def read_segment(self, segment: Registered, until: int) -> None:
        """Store a segment of a partition, from where that stands, up to an offset.

        Raises:
            InterruptedRebuildError: asked to end.
            FatalError: the file is gone or damaged.
            PipelineError: as :meth:`Sink.write`.
        """
        partition = (segment.topic, segment.partition)
        goal = min(until, segment.next_offset)
        records = segment.read(self.positions[partition])
        items = (item_of(*partition, one.offset, one.timestamp_ms, one.value) for one in records if one.offset < goal)
        for batch in _batches(items, self._batch_rows):
            self._check()
            self._store(batch, {partition: batch[-1].offset + 1})
        self.skip({partition: goal})

    def skip(self, positions: Mapping[Partition, int]) -> None:
        """Go on at these offsets without storing what is before them."""
        self._store([], positions)

    def _store(self, items: list[Item], positions: Mapping[Partition, int]) -> None:
        moves = moves_left(positions, self._sink)
        done = sum(new - self._sink.held[one].next_offset for one, new in moves.items())
        if not moves:
            return
        items.sort(key=lambda item: (item.topic, item.partition, item.offset))
        rows = sum(sum(one.inserted.values()) for one in store(self._sink, items, moves, self._horizon))
        self._report.advance(done, rows)

    def _check(self) -> None:
        if self._shutdown.requested:
            raise InterruptedRebuildError


def _batches(items: Iterable[Item], batch_rows: int) -> Iterator[list[Item]]:
    source = iter(items)
    batch: list[Item] = []
    while more := list(islice(source, _SEGMENT_RECORDS)):
        batch += more
        if sum(item.rows for item in batch) >= batch_rows:
            yield batch
            batch = []
    if batch:
        yield batch
