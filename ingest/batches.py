"""Open batches: one per partition of ``city.events.v1``, filled reading by reading and written as columns."""

from typing import Final

from ingest.ledger import AckLedger
from ingest.metrics import BATCH_READINGS
from ingest.registry import Target
from ingest.writer import Writer
from runtime.timing import MACHINE, Timing
from schemas.columns import BatchColumns, SeriesColumns
from schemas.topics import EVENTS

ROWS_MAX: Final = 1_000  # at most some 800 bytes a row: far below the largest record Kafka takes


class OpenBatch:
    """Readings of one partition in arrival order, and the messages they came from."""

    __slots__ = (
        "_arrivals",
        "_identities",
        "_index",
        "_indices",
        "_qualities",
        "_results",
        "_series",
        "_times",
        "newest_ms",
        "opened_s",
        "tickets",
    )

    def __init__(self) -> None:
        self._index: dict[Target, int] = {}
        self._series: list[SeriesColumns] = []
        self._indices: list[int] = []
        self._times: list[int] = []
        self._results: list[float] = []
        self._identities: list[str] = []
        self._qualities: list[int] = []
        self._arrivals: list[int] = []
        self.tickets: list[int] = []
        """The messages with readings in here, each once, in order of receipt."""
        self.opened_s = 0.0
        self.newest_ms = 0

    def __len__(self) -> int:
        return len(self._indices)

    def add(self, target: Target, time_ms: int, result: float, identity: str, quality: int, arrival_ms: int) -> None:
        """Append one reading."""
        index = self._index.get(target)
        if index is None:
            index = self._index[target] = len(self._series)
            self._series.append(target.series)
        self._indices.append(index)
        self._times.append(time_ms)
        self._results.append(result)
        self._identities.append(identity)
        self._qualities.append(quality)
        self._arrivals.append(arrival_ms)
        self.newest_ms = max(self.newest_ms, arrival_ms)

    def columns(self, shard: str) -> BatchColumns:
        """What goes into the log: only the series that occur, every column of the same length."""
        return BatchColumns(
            shard=shard,
            series=self._series,
            series_index=self._indices,
            phenomenon_time=self._times,
            result=self._results,
            identity=self._identities,
            result_quality=self._qualities,
            arrival_time=self._arrivals,
        )


class Batches:
    """The open batch of every partition, and when each is written."""

    def __init__(self, writer: Writer, ledger: AckLedger, shard: str, linger_ms: int, timing: Timing = MACHINE) -> None:
        self._timing = timing
        self._writer = writer
        self._ledger = ledger
        self._shard = shard
        self._linger_s = linger_ms / 1000
        self._open: dict[int, OpenBatch] = {}

    def __len__(self) -> int:
        return sum(len(batch) for batch in self._open.values())

    def add(
        self, ticket: int, target: Target, time_ms: int, result: float, identity: str, quality: int, arrival_ms: int
    ) -> None:
        """Append one reading of the message; a full batch is written."""
        batch = self._open.get(target.partition)
        if batch is None:
            batch = self._open[target.partition] = OpenBatch()
            batch.opened_s = self._timing.monotonic_s()
        if not batch.tickets or batch.tickets[-1] != ticket:
            self._ledger.hold(ticket)
            batch.tickets.append(ticket)
        batch.add(target, time_ms, result, identity, quality, arrival_ms)
        if len(batch) >= ROWS_MAX:
            self.flush(target.partition)

    def flush(self, partition: int) -> None:
        """Write the open batch of this partition now."""
        batch = self._open.pop(partition, None)
        if batch is None:
            return
        BATCH_READINGS.observe(len(batch))
        columns = batch.columns(self._shard)
        self._writer.write(EVENTS, partition, partition_key(partition), columns, batch.newest_ms, tickets=batch.tickets)

    def flush_all(self) -> None:
        """Write every open batch now."""
        for partition in list(self._open):
            self.flush(partition)

    def flush_due(self, now_s: float, *, idle: bool) -> None:
        """Write what waited long enough; when there is nothing else to do, also what nothing of ours is ahead of.

        So a single reading goes out at once, and under load one record is on its way while the next one fills.
        """
        for partition, batch in list(self._open.items()):
            if now_s >= batch.opened_s + self._linger_s or (idle and not self._writer.outstanding(partition)):
                self.flush(partition)

    def next_due_s(self) -> float | None:
        """When the next batch is due; None when none is open."""
        return min((batch.opened_s + self._linger_s for batch in self._open.values()), default=None)

    def discard(self) -> None:
        """Forget everything that was not written: its messages will come again."""
        self._open.clear()


def partition_key(partition: int) -> str:
    """The key of what belongs to a partition as a whole."""
    return f"partition-{partition}"
