"""Writes what the log holds into segments, from where the last export ended."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from ops.segments import parquet
from ops.segments.model import Manifest, Record, Segment, read_manifest, write_manifest
from runtime.errors import FatalError
from runtime.kafka import admin, reader
from runtime.lifecycle import Shutdown
from runtime.settings import KafkaSettings
from schemas.model import to_ms
from schemas.topics import Topic

SEGMENT_BYTES: Final = 64 * 1024 * 1024
"""Keys and values in one file, before compression; what an export holds in memory."""
_POLL_RECORDS: Final = 1_000
_POLL_MS: Final = 500


@dataclass(slots=True)
class Exported:
    """What an export did."""

    segments: list[Segment] = field(default_factory=list)
    lost: list[tuple[int, int, int]] = field(default_factory=list)
    """Partition, and from and to which offset the log held nothing any more that was not exported in time."""
    finished: bool = True


def cluster_id(settings: KafkaSettings) -> str:
    """The id of the Kafka cluster."""
    client = admin(settings)
    try:
        return str(client.describe_cluster()["cluster_id"])
    finally:
        client.close()


class Export:
    """One topic into one folder (``DIR/TOPIC``); may be stopped at any time and goes on where it was.

    Raises:
        FatalError: another export is at it, or the folder holds segments of another cluster or topic.
    """

    def __init__(self, settings: KafkaSettings, topic: Topic, to: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._settings = settings
        self._topic = topic.full_name(settings.topic_prefix)
        self._partitions = range(topic.partitions)
        self._folder = to / self._topic
        self._segment_bytes = segment_bytes

    def run(self, before: datetime | None, shutdown: Shutdown, advance: Callable[[int, int], None]) -> Exported:
        """Export what was written before a time, or all; ``advance`` is told of records done and to do."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            manifest = self._manifest()
            consumer = reader(self._settings, "eyes-export")
            try:
                return self._run(consumer, manifest, before, shutdown, advance)
            finally:
                consumer.close()

    def _run(
        self,
        consumer: KafkaConsumer,
        manifest: Manifest,
        before: datetime | None,
        shutdown: Shutdown,
        advance: Callable[[int, int], None],
    ) -> Exported:
        at = [TopicPartition(self._topic, number) for number in self._partitions]
        starts, goals = consumer.beginning_offsets(at), consumer.end_offsets(at)
        if before is not None:
            found = consumer.offsets_for_times(dict.fromkeys(at, to_ms(before)))
            goals = {one: min(goals[one], found[one].offset) if found[one] else goals[one] for one in at}
        exported = Exported()
        begins = {}
        for one in at:
            known = manifest.next_offset(one.partition)
            begins[one] = starts[one] if known is None else max(known, starts[one])
            if known is not None and known < starts[one]:
                exported.lost.append((one.partition, known, starts[one]))
        left = sum(max(0, goals[one] - begins[one]) for one in at)
        advance(0, left)
        for one in at:
            for span, records in self._pieces(consumer, one, begins[one], goals[one], shutdown):
                segment = parquet.write(self._folder, self._topic, one.partition, span, records)
                manifest = manifest.added(segment)
                write_manifest(self._folder, manifest)
                exported.segments.append(segment)
                advance(span[1] - span[0], left)
        exported.finished = not shutdown.requested
        return exported

    def _pieces(
        self, consumer: KafkaConsumer, at: TopicPartition, begin: int, goal: int, shutdown: Shutdown
    ) -> Iterator[tuple[tuple[int, int], list[Record]]]:
        """Spans of offsets with their records, as large as a segment may be; one cut short is left for next time."""
        if begin >= goal:
            return
        consumer.assign([at])
        consumer.seek(at, begin)
        first, records, size = begin, list[Record](), 0
        while not shutdown.requested:
            for record in consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS).get(at, ()):
                if record.offset >= goal:
                    break
                records.append(_record(record))
                size += len(record.key or b"") + len(record.value or b"")
                if size >= self._segment_bytes:
                    yield (first, record.offset + 1), records
                    if shutdown.requested:
                        return
                    first, records, size = record.offset + 1, [], 0
            if consumer.position(at) >= goal:
                if first < goal:
                    yield (first, goal), records
                return

    def _manifest(self) -> Manifest:
        cluster = cluster_id(self._settings)
        known = read_manifest(self._folder)
        if known is None:
            return Manifest(self._topic, cluster)
        if (known.topic, known.cluster) != (self._topic, cluster):
            raise FatalError(
                f"{self._folder} holds {known.topic} of cluster {known.cluster}, not {self._topic} of {cluster}: "
                "offsets of two clusters do not fit together, choose another folder"
            )
        return known

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FatalError(f"another export writes to {self._folder}: wait for it") from None
            yield


def _record(record: Any) -> Record:
    return Record(
        record.offset, record.timestamp, record.timestamp_type, record.key, record.value, tuple(record.headers or ())
    )
