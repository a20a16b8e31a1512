from types import SimpleNamespace
from typing import Any

from ingest_rig import facility
from kafka import TopicPartition

from ingest.readback import TAIL_RECORDS, tail_starts
from schemas.envelope import CloudEvent, encode
from schemas.model import from_ms
from schemas.registry import FacilityRegistered

HERE, THERE = TopicPartition("city.events.v1", 0), TopicPartition("city.events.v1", 1)
OTHER = b"anything else"
REGISTERED = encode(CloudEvent("1", "/test", from_ms(0), FacilityRegistered(facility=facility("F1"))))


class Log:
    """A consumer over lists."""

    def __init__(self, records: dict[TopicPartition, list[bytes]]) -> None:
        self.records = records
        self.read = 0
        self._positions: dict[TopicPartition, int] = {}

    @property
    def ends(self) -> dict[TopicPartition, int]:
        return {where: len(values) for where, values in self.records.items()}

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {where: self.ends[where] for where in partitions}

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._positions = dict.fromkeys(partitions, 0)

    def seek(self, where: TopicPartition, offset: int) -> None:
        self._positions[where] = offset

    def position(self, where: TopicPartition) -> int:
        return self._positions[where]

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        found = {}
        for where, offset in self._positions.items():
            values = self.records[where][offset : offset + max_records]
            self._positions[where] += len(values)
            self.read += len(values)
            found[where] = [
                SimpleNamespace(topic=where.topic, partition=where.partition, value=value) for value in values
            ]
        return found

    def starts(self) -> dict[TopicPartition, int]:
        consumer: Any = self
        return tail_starts(consumer, dict.fromkeys(self.records, 0), self.ends)


def test_a_short_log_is_read_from_its_beginning_once() -> None:
    log = Log({HERE: [OTHER] * 5, THERE: []})
    assert log.starts() == {HERE: 0, THERE: 0}
    assert log.read == 5


def test_of_a_long_one_only_the_tail() -> None:
    log = Log({HERE: [OTHER] * 50_000})
    assert log.starts() == {HERE: 50_000 - TAIL_RECORDS}


def test_a_rewrite_of_the_registry_hides_nothing() -> None:
    log = Log({HERE: [*[OTHER] * 50_000, *[REGISTERED] * 14_000, OTHER], THERE: [OTHER] * 9_000})
    starts = log.starts()
    assert starts[THERE] == 9_000 - TAIL_RECORDS
    assert 50_000 - 10 * TAIL_RECORDS < starts[HERE] <= 50_000 - TAIL_RECORDS


def test_a_log_of_registrations_alone_has_an_end() -> None:
    assert Log({HERE: [REGISTERED] * 30_000}).starts() == {HERE: 0}
