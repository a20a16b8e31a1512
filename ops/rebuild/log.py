"""The log as a rebuild reads it: all partitions of the archive's topics, by a consumer of its own in no group."""

from collections.abc import Iterable, Mapping
from typing import Final

from kafka import TopicPartition

from processors.archive.records import TOPICS, item_of
from processors.archive.rows import Item
from processors.archive.sink import Partition
from runtime.errors import FatalError
from runtime.kafka import reader
from runtime.settings import KafkaSettings

_POLL_MS: Final = 200
_POLL_RECORDS: Final = 200
_FETCH_MAX_BYTES: Final = 16 * 1024 * 1024  # what the client may hold of the log ahead of us


class Log:
    """Reads committed records; not thread-safe."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect.

        Raises:
            FatalError: a topic is missing.
            kafka.errors.KafkaError: Kafka is away.
        """
        self._consumer = reader(settings, "eyes-rebuild", fetch_max_bytes=_FETCH_MAX_BYTES)
        self.partitions: list[Partition] = []
        for topic in TOPICS:
            name = topic.full_name(settings.topic_prefix)
            numbers = self._consumer.partitions_for_topic(name)
            if not numbers:
                self._consumer.close()
                raise FatalError(f"Kafka has no topic {name}: create it with `eyes topics create`")
            self.partitions += [(name, number) for number in sorted(numbers)]
        self._at = [TopicPartition(*one) for one in self.partitions]

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def starts(self) -> dict[Partition, int]:
        """The first offset that each partition holds."""
        return _plain(self._consumer.beginning_offsets(self._at))

    def ends(self) -> dict[Partition, int]:
        """The offset behind the newest record of each partition."""
        return _plain(self._consumer.end_offsets(self._at))

    def first_times(self, partitions: Iterable[Partition]) -> dict[Partition, int | None]:
        """The log time (ms) of the first record of each; None where there is none."""
        found = self._consumer.offsets_for_times({TopicPartition(*one): 0 for one in partitions})
        return {(at.topic, at.partition): one and one.timestamp for at, one in found.items()}

    def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read on from there; partitions that are not named are not read."""
        self._consumer.assign([TopicPartition(*one) for one in positions])
        for one, offset in positions.items():
            self._consumer.seek(TopicPartition(*one), offset)

    def poll(self) -> list[Item]:
        """The next records; none when nothing came for a moment.

        Raises:
            kafka.errors.OffsetOutOfRangeError: the log no longer holds what comes next.
        """
        polled = self._consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
        return [
            item_of(one.topic, one.partition, one.offset, one.timestamp, one.value)
            for records in polled.values()
            for one in records
        ]

    def position(self, partition: Partition) -> int:
        """The offset behind everything that :meth:`poll` returned, and behind markers."""
        return int(self._consumer.position(TopicPartition(*partition)))


def _plain(offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {(at.topic, at.partition): offset for at, offset in offsets.items()}
