"""What ingest's writer counts on at its producer; run on the one in memory and on Kafka."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from schemas.envelope import KAFKA_HEADERS


class ProducerRig(Protocol):
    """A producer and a topic that takes no record above :attr:`too_large` bytes."""

    topic: str
    partitions: int
    too_large: int

    def open(self) -> Any:
        """As :func:`ingest.writer.open_producer`."""

    def turn(self) -> None:
        """Let a moment pass."""

    def values(self, partition: int) -> list[bytes | None]:
        """What a reader is given."""

    def patience(self) -> Iterator[None]:
        """As many turns as anything here may take."""


class Outcomes:
    """What was said of each record, in the order in which it was said."""

    def __init__(self) -> None:
        self.done: list[bytes | None] = []
        self.offsets: list[int] = []
        """Of what is done."""
        self.refused: list[bytes | None] = []

    def send(self, rig: ProducerRig, producer: Any, partition: int, value: bytes | None) -> None:
        """As the writer does it."""

        def done(metadata: Any) -> None:
            self.done.append(value)
            self.offsets.append(metadata.offset)

        headers = [] if value is None else list(KAFKA_HEADERS)
        future = producer.send(rig.topic, key=b"k", value=value, headers=headers, partition=partition)
        future.add_callback(done).add_errback(lambda _: self.refused.append(value))


def until(rig: ProducerRig, what: Callable[[], bool]) -> None:
    """Turn until this is so."""
    for _ in rig.patience():
        if what():
            return
        rig.turn()
    raise AssertionError("it did not happen")


class ProducerContract:
    """To be inherited by a test class whose fixture ``rig`` gives a :class:`ProducerRig`."""

    def test_records_of_a_partition_arrive_in_order_and_each_is_answered(self, rig: ProducerRig) -> None:
        producer, outcomes = rig.open(), Outcomes()
        assert producer.partitions_for(rig.topic) == set(range(rig.partitions))
        values = [b"%d" % number for number in range(20)]
        for number, value in enumerate(values):
            outcomes.send(rig, producer, number % 2, value)
        until(rig, lambda: len(outcomes.done) == len(values))
        assert (rig.values(0), rig.values(1)) == (values[::2], values[1::2])
        assert [one for one in outcomes.done if one in values[::2]] == values[::2]
        producer.close(timeout=0)

    def test_each_is_told_where_it_stands_a_tombstone_too(self, rig: ProducerRig) -> None:
        producer, outcomes = rig.open(), Outcomes()
        values = [b"a", None, b"b"]
        for value in values:
            outcomes.send(rig, producer, 0, value)
        until(rig, lambda: len(outcomes.done) == len(values))
        assert (outcomes.done, outcomes.offsets) == (values, [0, 1, 2])
        assert rig.values(0) == values
        producer.close(timeout=0)

    def test_of_one_that_is_refused_and_all_behind_it_nothing_is_taken(self, rig: ProducerRig) -> None:
        producer, outcomes = rig.open(), Outcomes()
        outcomes.send(rig, producer, 0, b"before")
        until(rig, lambda: outcomes.done == [b"before"])
        large = b"x" * rig.too_large
        for value in (large, b"behind"):
            outcomes.send(rig, producer, 0, value)
        until(rig, lambda: len(outcomes.done) + len(outcomes.refused) == 3)
        assert (outcomes.done, sorted(outcomes.refused)) == ([b"before"], [b"behind", large])
        assert rig.values(0) == [b"before"]
        producer.close(timeout=0)
