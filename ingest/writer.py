"""The way into Kafka: every record of ingest goes through here, and what Kafka says of it comes back to one thread.

The writer counts nothing against a bound of its own: kafka-python has none, so the ack ledger bounds what is received.
A record that fails (which with a delivery timeout of days means that Kafka refused it) ends the generation: the
producer is thrown away with everything unconfirmed, nothing of it is acknowledged, and the broker sends it again.
"""

import itertools
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from ingest.follower import BOOTSTRAP_MS
from ingest.ledger import AckLedger
from runtime.errors import FatalError
from runtime.failpoint import failpoint
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from runtime.timing import MACHINE, Timing
from schemas.envelope import KAFKA_HEADERS, CloudEvent, Data, encode
from schemas.model import from_ms
from schemas.topics import (
    ACCEPTED,
    CARRIERS,
    CONTEXTS,
    DEVICES,
    EVENTS,
    FACILITIES,
    QUARANTINE,
    REWRITES,
    TICKS,
    UNREGISTERED,
    Topic,
)

log: Final = structlog.get_logger()

DELIVERY_TIMEOUT_MS: Final = 7 * 86_400_000
"""Kafka may be away for days without a record expiring; the bound on messages in flight keeps the memory."""
BATCH_BYTES: Final = 512 * 1024
TOPICS: Final = (EVENTS, FACILITIES, QUARANTINE, REWRITES, TICKS, UNREGISTERED, ACCEPTED, DEVICES, CARRIERS, CONTEXTS)

Confirmed = Callable[[int], None]
"""Told the record's offset; -1 where Kafka had it already and does not say."""
OpenProducer = Callable[[Settings], KafkaProducer]
"""Connects a producer of ours.

Raises:
    kafka.errors.KafkaError: Kafka is away.
"""
_Outcome = tuple[int, int, Sequence[int], Confirmed | None, BaseException | None, int]


def open_producer(settings: Settings) -> KafkaProducer:
    """See :data:`OpenProducer`."""
    return idempotent_producer(
        settings.kafka,
        settings.ingest.client_id,
        linger_ms=0,  # batches are filled before they come here
        batch_size=BATCH_BYTES,
        delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
        max_block_ms=10_000,
        metrics_enabled=False,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )


class Writer:
    """Sends events; :meth:`drain` settles what Kafka answered, in the caller's thread."""

    def __init__(
        self,
        settings: Settings,
        ledger: AckLedger,
        wake: Callable[[], None],
        timing: Timing = MACHINE,
        open_producer: OpenProducer = open_producer,
    ) -> None:
        self.source = f"/{settings.site}/{settings.ingest.client_id}"
        self.failure: BaseException | None = None
        self.confirmed_s = 0.0
        """Monotonic time of the newest confirmation."""
        self._settings = settings
        self._ledger = ledger
        self._wake = wake
        self._timing = timing
        self._open_producer = open_producer
        self._names = {topic.name: topic.full_name(settings.kafka.topic_prefix) for topic in TOPICS}
        self._headers = list(KAFKA_HEADERS)
        self._ids = map(str, itertools.count())
        self._start = f"{settings.ingest.client_id}-{timing.wall_ms():x}-"
        self._generation = 0
        self._outcomes: deque[_Outcome] = deque()
        self._outstanding: Counter[int] = Counter()  # per partition of the events
        self._unsettled = 0
        self._producer: KafkaProducer | None = None

    def open(self) -> None:
        """Connect and learn where the topics are.

        Raises:
            kafka.errors.KafkaError: Kafka is away; try again later.
            FatalError: a topic has other partitions than the catalogue says.
        """
        producer = self._open_producer(self._settings)
        try:
            found = {topic: len(producer.partitions_for(self._names[topic.name])) for topic in TOPICS}
        except KafkaError:
            _force_close(producer)
            raise
        wrong = [topic for topic, partitions in found.items() if partitions != topic.partitions]
        if wrong:
            _force_close(producer)
            name = self._names[wrong[0].name]
            raise FatalError(f"topic {name} has {found[wrong[0]]} partitions, the catalogue says {wrong[0].partitions}")
        self._producer = producer

    @property
    def unsettled(self) -> int:
        """Records sent of which :meth:`drain` has not learned the outcome."""
        return self._unsettled

    def outstanding(self, partition: int) -> int:
        """The same for one partition of the events."""
        return self._outstanding[partition]

    def write(
        self,
        topic: Topic,
        partition: int,
        key: str,
        data: Data | None,
        time_ms: int,
        *,
        tickets: Sequence[int] = (),
        confirmed: Confirmed | None = None,
    ) -> None:
        """Send one event (None is a tombstone); never blocks and never raises: a failure is settled like an answer.

        The caller took a hold on each message of ``tickets``; :meth:`drain` gives them back and calls ``confirmed``.
        """
        lane = partition if topic is EVENTS else -1
        self._outstanding[lane] += 1
        self._unsettled += 1
        settle = partial(self._settle, self._generation, lane, tickets, confirmed)
        try:
            assert self._producer is not None, "write before open"
            future = self._producer.send(
                self._names[topic.name],
                key=key.encode(),
                value=None if data is None else self._encoded(key, data, time_ms),
                headers=[] if data is None else self._headers,
                partition=partition,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the record is not in Kafka and must not be acknowledged
            settle(error)
        else:
            future.add_callback(partial(settle, None)).add_errback(settle)
            failpoint("ingest.sent")

    def _encoded(self, key: str, data: Data, time_ms: int) -> bytes:
        return encode(
            CloudEvent(
                id=self._start + next(self._ids),
                source=self.source,
                time=from_ms(time_ms),
                data=data,
                partitionkey=key,
            )
        )

    def _settle(
        self,
        generation: int,
        lane: int,
        tickets: Sequence[int],
        confirmed: Confirmed | None,
        error: BaseException | None,
        metadata: Any = None,
    ) -> None:
        """Called in the producer's thread: only put the outcome where the loop finds it."""
        offset = -1 if metadata is None else metadata.offset
        self._outcomes.append((generation, lane, tickets, confirmed, error, offset))
        self._wake()

    def drain(self) -> None:
        """Settle everything Kafka has answered since the last call; a failure is left in :attr:`failure`."""
        outcomes = self._outcomes
        if not outcomes:
            return
        settled = False
        while outcomes:
            generation, lane, tickets, confirmed, error, offset = outcomes.popleft()
            if generation != self._generation:
                continue
            self._outstanding[lane] -= 1
            self._unsettled -= 1
            if error is not None:
                self.failure = self.failure or error
                continue
            settled = True
            for ticket in tickets:
                self._ledger.confirm(ticket)
            if confirmed is not None:
                confirmed(offset)
        if settled:
            self.confirmed_s = self._timing.monotonic_s()

    def discard(self) -> None:
        """Throw the producer away with everything unconfirmed; what it still answers is ignored."""
        self._generation += 1
        self._outstanding.clear()
        self._unsettled = 0
        self.failure = None
        producer, self._producer = self._producer, None
        if producer is not None:
            _force_close(producer)

    def close(self) -> None:
        """End in order; call when nothing is unsettled, else what is not yet sent is lost (and sent again by MQTT)."""
        if self._producer is not None:
            _force_close(self._producer)
            self._producer = None


def _force_close(producer: KafkaProducer) -> None:
    try:
        producer.close(timeout=0)
    except KafkaError:  # its flush did not finish in no time: then close() has not stopped the sender thread
        producer._sender.force_close()  # noqa: SLF001 - kafka-python 3.0.12 offers no public way
