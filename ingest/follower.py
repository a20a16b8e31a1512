"""Reading Kafka: registry, rewrites, unregistered and contexts in full before anything is taken from MQTT, then live.

The thread only reads and decodes; the main loop folds what it finds, so the state needs no lock.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, KafkaTimeoutError

from runtime.kafka import reader
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.envelope import CloudEvent, UnknownEventError, decode
from schemas.topics import CONTEXTS, FACILITIES, REWRITES, UNREGISTERED, Topic

log: Final = structlog.get_logger()

BOOTSTRAP_MS: Final = 5_000
"""The longest a new client waits for Kafka; its default of 30 s would outlast the patience of who asks us to end."""
_POLL_MS: Final = 500
_RECORDS: Final = 2_000


OpenReader = Callable[..., KafkaConsumer]
"""As :func:`runtime.kafka.reader`."""


class Found(NamedTuple):
    """One record; ``event`` None is a tombstone."""

    topic: str
    partition: int
    offset: int
    key: str
    event: CloudEvent | None


class Request(NamedTuple):
    """Please read these records of ``city.unregistered.v1`` again."""

    device: str
    partition: int
    offsets: tuple[int, ...]


class Reply(NamedTuple):
    """What stood there; records that retention removed in the meantime are missing."""

    request: Request
    events: list[CloudEvent]


def understood(record: ConsumerRecord, topic: Topic) -> Found | None:
    """The record as one of ours; None (and a log line) when it is not: a stranger's record must not stop us."""
    try:
        event = None if record.value is None else decode(record.value)
        return Found(topic.name, record.partition, record.offset, (record.key or b"").decode(), event)
    except (UnknownEventError, UnicodeDecodeError) as error:
        log.warning("record_skipped", topic=record.topic, offset=record.offset, error=str(error)[:200])
        return None


def read_to_end(consumer: KafkaConsumer, starts: dict[TopicPartition, int]) -> Iterator[ConsumerRecord]:
    """Every record from these offsets to what is the end now.

    Raises:
        kafka.errors.KafkaError: Kafka is away.
    """
    ends = consumer.end_offsets(list(starts))
    consumer.assign(list(starts))
    for partition, offset in starts.items():
        consumer.seek(partition, offset)
    while any(consumer.position(partition) < ends[partition] for partition in starts):
        for records in consumer.poll(timeout_ms=_POLL_MS, max_records=_RECORDS).values():
            yield from records


class Follower:
    """Follows the registry, its rewrites, the unregistered and contexts; reads single records again on request."""

    def __init__(
        self, settings: Settings, shutdown: Shutdown, wake: Callable[[], None], open_reader: OpenReader = reader
    ) -> None:
        self._settings = settings
        self._open_reader = open_reader
        self._shutdown = shutdown
        self._wake = wake
        followed = (FACILITIES, REWRITES, UNREGISTERED, CONTEXTS)
        self._topics = {topic.full_name(settings.kafka.topic_prefix): topic for topic in followed}
        self._consumer: KafkaConsumer | None = None
        self._requests: deque[Request] = deque()
        self.found: deque[Found] = deque()
        self.replies: deque[Reply] = deque()
        self.failed: BaseException | None = None
        """What ended the thread, if anything did: without it the registry would freeze unnoticed."""

    def load(self) -> list[Found]:
        """All of them from their beginning to their end.

        Raises:
            kafka.errors.KafkaError: Kafka is away; try again later.
        """
        if self._consumer is not None:
            self._consumer.close()
        consumer = self._consumer = self._reader("follower")
        partitions = [TopicPartition(name, n) for name, topic in self._topics.items() for n in range(topic.partitions)]
        records = read_to_end(consumer, consumer.beginning_offsets(partitions))
        found = (understood(record, self._topics[record.topic]) for record in records)
        return [one for one in found if one is not None]

    def _reader(self, what: str) -> KafkaConsumer:
        name = f"{self._settings.ingest.client_id}-{what}"
        return self._open_reader(self._settings.kafka, name, bootstrap_timeout_ms=BOOTSTRAP_MS)

    def start(self) -> None:
        """Follow on from where :meth:`load` ended."""
        threading.Thread(target=self._run, name="follower", daemon=True).start()

    def ask(self, request: Request) -> None:
        """Have records read again; the answer will stand in :attr:`replies`."""
        self._requests.append(request)

    def _run(self) -> None:
        while not self._shutdown.requested:
            try:
                self.turn()
            except KafkaError as error:  # the client reconnects by itself; positions are kept
                log.warning("follower_waits", error=repr(error)[:200])
                self._shutdown.wait(1.0)
            except Exception as error:  # noqa: BLE001 - raised again in the loop, which ends the process
                self.failed = error
                self._wake()
                return

    def turn(self) -> None:
        """Answer what is asked, and read on; called in this object's thread.

        Raises:
            kafka.errors.KafkaError: Kafka is away; nothing is lost, turn again.
        """
        while self._requests:
            self.replies.append(self._read_again(self._requests[0]))
            self._requests.popleft()
            self._wake()
        consumer = self._consumer
        assert consumer is not None, "turn before load"
        for records in consumer.poll(timeout_ms=_POLL_MS, max_records=_RECORDS).values():
            for record in records:
                if (one := understood(record, self._topics[record.topic])) is not None:
                    self.found.append(one)
            self._wake()

    def _read_again(self, request: Request) -> Reply:
        consumer = self._reader("release")
        try:
            name = UNREGISTERED.full_name(self._settings.kafka.topic_prefix)
            where = TopicPartition(name, request.partition)
            wanted = set(request.offsets)
            start = max(min(wanted), consumer.beginning_offsets([where])[where])
            events: list[CloudEvent] = []
            deadline = time.monotonic() + 60.0
            consumer.assign([where])
            consumer.seek(where, start)
            while consumer.position(where) <= max(wanted) and time.monotonic() < deadline:
                for record in consumer.poll(timeout_ms=_POLL_MS, max_records=_RECORDS).get(where, ()):
                    one = understood(record, UNREGISTERED) if record.offset in wanted else None
                    if one is not None and one.event is not None:
                        events.append(one.event)
            if consumer.position(where) <= max(wanted):
                raise KafkaTimeoutError("the waiting messages could not be read again")  # asked again, never left out
            return Reply(request, events)
        finally:
            consumer.close()
