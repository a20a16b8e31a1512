"""Writes the twins that changed, and reads them back at the start."""

from collections.abc import Iterator
from typing import Final

from kafka import TopicPartition

from ingest.devices.book import Book
from ingest.follower import BOOTSTRAP_MS, OpenReader, read_to_end, understood
from ingest.writer import Writer
from runtime.settings import Settings
from schemas.device import DeviceTwin
from schemas.partitioning import partition_of
from schemas.topics import DEVICES

PER_STEP: Final = 500
"""Twins written in one turn of the loop, so that readings do not wait behind a city that wakes up."""


class Twins:
    """The way of the book into the log."""

    def __init__(self, book: Book, writer: Writer) -> None:
        self._book = book
        self._writer = writer

    def step(self, now_s: float) -> None:
        """Write what is due."""
        self._write(self._book.due(now_s), PER_STEP)

    def flush(self, now_s: float) -> None:
        """Write all that changed: the process ends."""
        self._write(self._book.due(now_s, everything=True), len(self._book))

    def _write(self, twins: Iterator[DeviceTwin], most: int) -> None:
        for _, twin in zip(range(most), twins, strict=False):
            partition = partition_of(twin.device, DEVICES.partitions)
            self._writer.write(DEVICES, partition, twin.device, twin, twin.last_seen)


def read_twins(settings: Settings, open_reader: OpenReader) -> list[DeviceTwin]:
    """The newest word on every device.

    Raises:
        kafka.errors.KafkaError: Kafka is away; try again later.
    """
    consumer = open_reader(settings.kafka, f"{settings.ingest.client_id}-devices", bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        name = DEVICES.full_name(settings.kafka.topic_prefix)
        partitions = [TopicPartition(name, number) for number in range(DEVICES.partitions)]
        newest: dict[str, DeviceTwin] = {}
        for record in read_to_end(consumer, consumer.beginning_offsets(partitions)):
            one = understood(record, DEVICES)
            if one is not None and one.event is not None and isinstance(one.event.data, DeviceTwin):
                newest[one.key] = one.event.data
        return list(newest.values())
    finally:
        consumer.close()
