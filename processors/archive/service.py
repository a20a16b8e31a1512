"""``eyes archive``: follows the log and stores it.

One thread, one loop. Whatever goes wrong with the database ends the same way: the connection and everything that was
not committed are thrown away, the partitions pause, and when the database answers again it says where to go on. So
there is no state to mend, memory is bounded by one batch, and nothing is skipped.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from processors.archive import metrics
from processors.archive.assignment import Assignment
from processors.archive.outside import Outside
from processors.archive.records import GROUP, TOPICS, item_of
from processors.archive.rows import Item
from processors.archive.sink import Held, Partition, SchemaTooOldError, Sink, Written
from processors.archive.store import moves_left, store
from processors.archive.tables import Horizon
from runtime.errors import FatalError, FencedError, OutcomeUnknownError, RetryableError
from runtime.exposition import HealthReport, serve
from runtime.latency import END_TO_END
from runtime.lifecycle import Progress, Shutdown, start_watchdog
from runtime.settings import Settings

log: Final = structlog.get_logger()

_POLL_RECORDS: Final = 200
_FETCH_MAX_BYTES: Final = 16 * 1024 * 1024  # what the client may hold of the log ahead of us
_IDLE_POLL_MS: Final = 200
_TIDY_S: Final = 1.0  # how often positions without rows are stored, and lag is measured
_SHOW_S: Final = 5.0  # how often the group's offsets are committed, which only monitoring reads
_BACKOFF_S: Final = (0.2, 5.0)
_MIGRATING_S: Final = 30.0
_KAFKA_TIMEOUT_MS: Final = 10_000


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Serve metrics and health, and archive until asked to end.

    Raises:
        FencedError: another process has taken this one's place.
        FatalError: a person must act; the message says how.
    """
    archive = Archive(settings, shutdown)
    serve(settings.metrics.host, settings.archive.metrics_port, "archive", archive.health)
    start_watchdog(archive.progress)
    archive.run()


class Archive:
    """The loop and what it holds."""

    def __init__(self, settings: Settings, shutdown: Shutdown, outside: Outside | None = None) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._outside = outside = outside or Outside()
        self._timing = outside.timing
        self.progress = Progress(settings.archive.stall_s)
        ingest = settings.ingest
        lateness_ms = round(ingest.lateness_s * 1000)
        self._horizon = Horizon(lateness_ms, lateness_ms + ingest.session_expiry_s * 1000)
        self._name = settings.kafka.topic_prefix + GROUP
        self._sink: Sink | None = None
        self._taken = False
        self._pending: list[Item] = []
        self._pending_rows = 0
        self._pending_since = 0.0
        self._stopped: dict[TopicPartition, str] = {}
        self._lags: set[tuple[str, str]] = set()
        self._backoff_s = _BACKOFF_S[0]
        self._connect_at = 0.0
        self._schema_old_since: float | None = None
        self._tidied_at = 0.0
        self._shown_at = 0.0

    def run(self) -> None:
        """Loop; see :func:`run`."""
        log.info("archive.started", archive=self._name, instance=self._settings.archive.instance)
        try:
            while not self._shutdown.requested:
                self.progress.step()
                self._consume()
        finally:
            self.progress.done()
            if self._sink is not None:
                self._sink.close()
        log.info("archive.ended")

    def health(self) -> HealthReport:
        """What ``/healthz`` says."""
        return {
            "healthy": self.progress.healthy and self._sink is not None and not self._stopped,
            "database": "up" if self._sink is not None else "down",
            "taken": self._taken,
            "stopped": {f"{p.topic}/{p.partition}": why for p, why in self._stopped.items()},
            "stalled_s": round(self.progress.stalled_for_s, 1),
        }

    def _consume(self) -> None:
        """Live with one consumer until asked to end, or until it is of no use any more."""
        try:
            self._outside.require_topics(self._settings.kafka, TOPICS)
            consumer = self._outside.open_consumer(
                self._settings.kafka,
                GROUP,
                self._settings.archive.instance,
                fetch_max_bytes=_FETCH_MAX_BYTES,
            )
        except KafkaError as error:
            log.warning("archive.kafka_away", error=str(error))
            self._shutdown.wait(_BACKOFF_S[0])
            return
        assignment = Assignment(consumer)
        self._taken = False
        try:
            consumer.subscribe(
                [topic.full_name(self._settings.kafka.topic_prefix) for topic in TOPICS], listener=assignment
            )
            while not self._shutdown.requested:
                self.progress.step()
                self._turn(consumer, assignment)
            self._finish(consumer)
        except FencedInstanceIdError as error:
            raise FencedError(f"another archive runs as instance {self._settings.archive.instance}") from error
        except KafkaError as error:
            log.warning("archive.kafka_away", error=repr(error))
            self._drop()
            self._shutdown.wait(_BACKOFF_S[0])
        finally:
            self._forget_lags()
            consumer.close(autocommit=False, timeout_ms=_KAFKA_TIMEOUT_MS)

    def _turn(self, consumer: KafkaConsumer, assignment: Assignment) -> None:
        """One round: be connected, own what was assigned, read, and store when it is time."""
        try:
            if self._sink is None:
                self._connect()
            if self._sink is not None and not self._taken:
                self._take_over(consumer, assignment, self._sink)
            self._read(consumer, assignment)
            if self._sink is not None and self._taken:
                if self._pending and self._due:
                    self._flush(consumer, self._sink)
                self._tidy(consumer, self._sink)
        except (RetryableError, OutcomeUnknownError) as error:
            self._lose_database(consumer, error)

    def _connect(self) -> None:
        """Connect if it is time to try again."""
        now = self._timing.monotonic_s()
        if now < self._connect_at:
            return
        self._connect_at = now + self._backoff_s
        self._backoff_s = min(_BACKOFF_S[1], self._backoff_s * 2)
        try:
            self._sink = self._outside.open_sink(self._settings.database, self._name)
        except SchemaTooOldError as error:
            self._schema_old_since = self._schema_old_since or now
            if now - self._schema_old_since > _MIGRATING_S:
                raise FatalError(str(error)) from error
            raise
        self._schema_old_since = None
        self._backoff_s, self._connect_at = _BACKOFF_S[0], 0.0
        metrics.DATABASE_UP.set(1)
        log.info("archive.database_up", generation=self._sink.generation)

    def _take_over(self, consumer: KafkaConsumer, assignment: Assignment, sink: Sink) -> None:
        """Own the assigned partitions in the database, and go where it says."""
        partitions = assignment.take()
        self._drop()
        self._stopped.clear()
        starts: dict[TopicPartition, int] = {}
        ends: dict[TopicPartition, int] = {}
        if partitions:
            starts = consumer.beginning_offsets(list(partitions), timeout_ms=_KAFKA_TIMEOUT_MS)
        held = sink.take_over({(p.topic, p.partition): start for p, start in starts.items()})
        if partitions:  # asked only now: until it was taken over, another process could store what came behind an end
            ends = consumer.end_offsets(list(partitions), timeout_ms=_KAFKA_TIMEOUT_MS)
        for partition in partitions:
            self._go_on(consumer, partition, held[partition.topic, partition.partition], starts, ends)
        metrics.STOPPED_PARTITIONS.set(len(self._stopped))
        self._taken = True
        log.info("archive.took_over", partitions=len(partitions), stopped=len(self._stopped))

    def _go_on(
        self,
        consumer: KafkaConsumer,
        partition: TopicPartition,
        held: Held,
        starts: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        """Seek to the database's offset, unless the log does not hold it: that is a person's decision."""
        start, end, wanted = starts[partition], ends[partition], held.next_offset
        if start <= wanted <= end:
            consumer.seek(partition, wanted)
            consumer.resume(partition)
            return
        self._stop(
            partition,
            f"the database goes on at offset {wanted}, the log holds {start} to {end}: restore the topic, or accept "
            f"the gap with `eyes db set-offset {partition.topic} {partition.partition} {start}`",
        )

    def _stop(self, partition: TopicPartition, why: str) -> None:
        self._stopped[partition] = why
        metrics.STOPPED_PARTITIONS.set(len(self._stopped))
        log.error("archive.partition_stopped", topic=partition.topic, partition=partition.partition, why=why)

    def _read(self, consumer: KafkaConsumer, assignment: Assignment) -> None:
        """Poll once; what was read before a rebalance is dropped, the database knows where to read it again."""
        wait_ms = _IDLE_POLL_MS
        if self._pending:
            left_s = self._pending_since + self._settings.archive.batch_ms / 1000 - self._timing.monotonic_s()
            wait_ms = min(wait_ms, max(0, round(left_s * 1000)))
        try:
            polled: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=wait_ms, max_records=_POLL_RECORDS)
        except OffsetOutOfRangeError as error:
            log.warning("archive.offset_lost", offsets=str(error))
            self._taken = False  # taking over again finds which, and stops it
            return
        if assignment.changed:
            self._drop()
            self._forget_lags()
            self._taken = False
            return
        for records in polled.values():
            for record in records:
                item = item_of(record.topic, record.partition, record.offset, record.timestamp, record.value)
                if not self._pending:
                    self._pending_since = self._timing.monotonic_s()
                self._pending.append(item)
                self._pending_rows += item.rows

    @property
    def _due(self) -> bool:
        archive = self._settings.archive
        waited_s = self._timing.monotonic_s() - self._pending_since
        return self._pending_rows >= archive.batch_rows or waited_s * 1000 >= archive.batch_ms

    def _flush(self, consumer: KafkaConsumer, sink: Sink) -> None:
        """Store what is pending and move to the positions behind it."""
        # Together by partition, each in log order: a batch that must be cut is cut between records.
        items = sorted(self._pending, key=lambda item: (item.topic, item.partition, item.offset))
        moves = moves_left(self._positions(consumer, sink), sink)
        metrics.BATCH_ROWS.observe(self._pending_rows)
        began = self._timing.monotonic_s()
        for written in store(sink, items, moves, self._horizon):
            metrics.TRANSACTION_SECONDS.observe(self._timing.monotonic_s() - began)
            _count(written)
            began = self._timing.monotonic_s()
        now_s = self._timing.wall_ms() / 1000
        for item in items:
            if (arrival_ms := item.arrival_ms) is not None:
                END_TO_END.labels("arrival_to_row").observe(max(0.0, now_s - arrival_ms / 1000))
        self._drop()

    def _tidy(self, consumer: KafkaConsumer, sink: Sink) -> None:
        """Now and then: store positions that moved without rows (markers of transactions), measure the lag."""
        now = self._timing.monotonic_s()
        if now - self._tidied_at < _TIDY_S:
            return
        self._tidied_at = now
        if not self._pending and (moves := moves_left(self._positions(consumer, sink), sink)):
            for written in store(sink, [], moves, self._horizon):
                _count(written)
        if self._stopped and sink.decided((p.topic, p.partition) for p in self._stopped):
            log.info("archive.decided", partitions=len(self._stopped))
            self._taken = False
        for (topic, number), held in sink.held.items():
            partition = TopicPartition(topic, number)
            high = consumer.highwater(partition) if partition not in self._stopped else None
            if high is not None:
                metrics.LAG.labels(topic, str(number)).set(max(0, high - held.next_offset))
                self._lags.add((topic, str(number)))
        if now - self._shown_at >= _SHOW_S:
            self._shown_at = now
            consumer.commit_async(_offsets(sink), callback=_shown)

    def _positions(self, consumer: KafkaConsumer, sink: Sink) -> dict[Partition, int]:
        """Where the consumer stands: behind everything that was handed to us, and behind markers."""
        return {
            partition: consumer.position(TopicPartition(*partition))
            for partition in sink.held
            if TopicPartition(*partition) not in self._stopped
        }

    def _lose_database(self, consumer: KafkaConsumer, error: Exception) -> None:
        """Throw away what is not committed; the partitions pause, so the group keeps us while we wait."""
        log.warning("archive.database_away", error=str(error), unknown=isinstance(error, OutcomeUnknownError))
        metrics.DATABASE_UP.set(0)
        if self._sink is not None:
            self._sink.close()
            self._sink = None
            self._connect_at = self._timing.monotonic_s() + self._backoff_s
        self._drop()
        self._taken = False
        if assigned := consumer.assignment():
            consumer.pause(*assigned)

    def _finish(self, consumer: KafkaConsumer) -> None:
        """Asked to end: store what is pending, so that the next start has less to read."""
        if self._sink is None or not self._taken:
            return
        try:
            if self._pending:
                self._flush(consumer, self._sink)
            consumer.commit(_offsets(self._sink), timeout_ms=2_000)
        except (RetryableError, OutcomeUnknownError, KafkaError) as error:
            log.warning("archive.ended_early", error=str(error))

    def _drop(self) -> None:
        self._pending = []
        self._pending_rows = 0

    def _forget_lags(self) -> None:
        for labels in self._lags:
            metrics.LAG.remove(*labels)
        self._lags.clear()


def _offsets(sink: Sink) -> dict[TopicPartition, OffsetAndMetadata]:
    return {TopicPartition(*p): OffsetAndMetadata(held.next_offset, "", -1) for p, held in sink.held.items()}


def _shown(_offsets: object, outcome: object) -> None:
    """A commit for display that failed is of no consequence."""
    if isinstance(outcome, Exception):
        log.debug("archive.group_offsets_not_committed", error=str(outcome))


def _count(written: Written) -> None:
    for table, inserted in written.inserted.items():
        metrics.ROWS.labels(table).inc(inserted)
    for table, repeated in written.repeated.items():
        metrics.DUPLICATES.labels(table).inc(repeated)
    metrics.SET_ASIDE.inc(written.set_aside)
