"""The ports over Kafka; nothing of kafka-python is seen beyond this module and :mod:`runtime.kafka`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from processors.engine.places import Places
from processors.engine.ports import NO_NOTES, Bounds, Outgoing, Owner, Record
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from runtime.failpoint import failpoint
from runtime.kafka import group_consumer, transactional_producer
from runtime.settings import KafkaSettings

log: Final = structlog.get_logger()

CALL_MS: Final = 10_000
_CLOSE_S: Final = 2.0


class KafkaSource:
    """A group consumer."""

    def __init__(self, settings: KafkaSettings, places: Places, group: str, instance: str) -> None:
        """Connect.

        Raises:
            RetryableError: Kafka cannot be reached.
        """
        self._prefix = settings.topic_prefix
        self._places = places
        with retryable():
            self._consumer: KafkaConsumer = group_consumer(settings, group, instance)

    def subscribe(self, owner: Owner) -> None:
        """Join the group at the next poll; ``owner`` is told what it is given."""
        topics = [topic.full_name(self._prefix) for topic in self._places.topics]
        self._consumer.subscribe(topics, listener=_Listener(self._consumer, owner, self._number))

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        """See :class:`processors.engine.ports.Source`."""
        try:
            polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        except FencedInstanceIdError as error:
            raise FencedError("another process runs under our instance name") from error
        except OffsetOutOfRangeError as error:
            # What we were about to read was deleted: what we hold may be kept by nobody's rules but an operator's.
            raise OutcomeUnknownError("the log no longer holds our position") from error
        except KafkaError as error:
            raise RetryableError(f"poll: {error!r}") from error
        return [
            Record(self._number(at), record.offset, record.value or b"", record.timestamp)
            for at, records in polled.items()
            for record in records
        ]

    def start(self, partition: int, offset: int) -> None:
        """See :class:`processors.engine.ports.Source`."""
        self._consumer.seek(self._at(partition), offset)
        self._consumer.resume(self._at(partition))

    def stop(self, partition: int) -> None:
        """See :class:`processors.engine.ports.Source`."""
        self._consumer.pause(self._at(partition))

    def position(self, partition: int) -> int:
        """See :class:`processors.engine.ports.Source`."""
        with retryable():
            found: int = self._consumer.position(self._at(partition), timeout_ms=CALL_MS)
            return found

    def committed(self, partition: int) -> int | None:
        """See :class:`processors.engine.ports.Source`."""
        with retryable():
            found: int | None = self._consumer.committed(self._at(partition), timeout_ms=CALL_MS)
            return found

    def note(self, partition: int) -> str:
        """See :class:`processors.engine.ports.Source`."""
        with retryable():
            found = self._consumer.committed(self._at(partition), metadata=True, timeout_ms=CALL_MS)
            return "" if found is None else found.metadata

    def bounds(self, partition: int) -> Bounds:
        """See :class:`processors.engine.ports.Source`."""
        at = self._at(partition)
        with retryable():
            start = self._consumer.beginning_offsets([at], timeout_ms=CALL_MS)[at]
            end = self._consumer.end_offsets([at], timeout_ms=CALL_MS)[at]
        return Bounds(start, end)

    def lag(self, partition: int) -> int | None:
        """See :class:`processors.engine.ports.Source`."""
        at = self._at(partition)
        end: int | None = self._consumer.highwater(at)
        return None if end is None else max(0, end - self._consumer.position(at, timeout_ms=0))

    def membership(self) -> Any:
        """Who we are in the group, for the transaction that commits our offsets."""
        return self._consumer.group_metadata()

    def close(self) -> None:
        """See :class:`processors.engine.ports.Source`."""
        self._consumer.close(autocommit=False, timeout_ms=int(_CLOSE_S * 1000))

    def _at(self, partition: int) -> TopicPartition:
        topic, number = self._places.at(partition)
        return TopicPartition(topic.full_name(self._prefix), number)

    def _number(self, at: TopicPartition) -> int:
        return self._places.number(at.topic.removeprefix(self._prefix), at.partition)


class KafkaSink:
    """A transactional producer that is made anew after every doubt."""

    def __init__(
        self,
        settings: KafkaSettings,
        transactional_id: str,
        places: Places,
        membership: Callable[[], Any],
        stage: str,
    ) -> None:
        """``places`` are the input whose offsets are committed, ``membership`` who we are in its group.

        ``stage`` begins the names of the failpoints (:mod:`runtime.failpoint`).
        """
        self._settings = settings
        self._transactional_id = settings.topic_prefix + transactional_id
        self._places = places
        self._stage = stage
        self._membership = membership
        self._producer: KafkaProducer | None = None

    def open(self) -> None:
        """See :class:`processors.engine.ports.Sink`."""
        self.close()
        with retryable():
            producer = transactional_producer(self._settings, self._transactional_id)
            self._producer = producer
            producer.init_transactions()

    def commit(
        self, outputs: Sequence[Outgoing], offsets: Mapping[int, int], notes: Mapping[int, str] = NO_NOTES
    ) -> None:
        """See :class:`processors.engine.ports.Sink`."""
        producer = self._producer
        assert producer is not None, "commit comes after open"
        prefix = self._settings.topic_prefix
        try:
            producer.begin_transaction()
            sent = [
                producer.send(
                    prefix + out.topic,
                    key=out.key.encode(),
                    value=out.value,
                    partition=out.partition,
                    headers=list(out.headers),
                )
                for out in outputs
            ]
            failpoint(f"{self._stage}.sent")
            producer.send_offsets_to_transaction(self._positions(offsets, notes), self._membership())
            failpoint(f"{self._stage}.offsets_sent")
            producer.commit_transaction()
            failpoint(f"{self._stage}.committed")
            for future in sent:
                future.get(timeout=0)  # a refused record fails the commit; this only makes sure of it
        except FencedInstanceIdError as error:
            # Here, and not in poll(): kafka-python only stops the heartbeats of a member whose place was taken.
            raise FencedError("another process runs under our instance name") from error
        except KafkaError as error:
            # A fenced producer too: the coordinator raises the epoch of whoever is away for longer than a transaction
            # may last. A twin, if it is one, fences us as a member of the group.
            raise OutcomeUnknownError(f"commit: {error!r}") from error

    def _positions(
        self, offsets: Mapping[int, int], notes: Mapping[int, str]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        found = {}
        for number, offset in offsets.items():
            topic, partition = self._places.at(number)
            at = TopicPartition(topic.full_name(self._settings.topic_prefix), partition)
            found[at] = OffsetAndMetadata(offset, notes.get(number, ""), -1)
        return found

    def close(self) -> None:
        """See :class:`processors.engine.ports.Sink`."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=_CLOSE_S)
        except KafkaError as error:
            log.debug("producer did not close in peace", error=repr(error))
            # When its flush times out, close() gives up before it has ended the sender's thread.
            producer._sender.force_close()  # noqa: SLF001 - there is no other way to end it


class _Listener(ConsumerRebalanceListener):
    def __init__(self, consumer: KafkaConsumer, owner: Owner, number: Callable[[TopicPartition], int]) -> None:
        self._consumer = consumer
        self._owner = owner
        self._number = number

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self._owner.on_revoked(sorted(map(self._number, revoked)))

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        # A position of our own keeps the consumer from looking for one that may not exist; nothing is fetched from it.
        for at in assigned:
            self._consumer.seek(at, 0)
        self._consumer.pause(*assigned)
        self._owner.on_assigned(sorted(map(self._number, assigned)))


@contextmanager
def retryable() -> Iterator[None]:
    """What goes wrong in here had no effect."""
    try:
        yield
    except FencedInstanceIdError as error:
        raise FencedError("another process runs under our instance name") from error
    except KafkaError as error:
        raise RetryableError(f"{error!r}") from error
