"""Who ticks which partition: a consumer group in which nobody reads, polled only to hold what was assigned."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError

from ingest.follower import BOOTSTRAP_MS
from runtime.kafka import group_consumer
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.topics import EVENTS

log: Final = structlog.get_logger()

GROUP: Final = "eyes-ticker"
_POLL_MS: Final = 500
_RETRY_S: Final = 1.0
_PROOF_S: Final = 2.0
_EMPTY_S: Final = 2.0
"""A member that leads the group before it has heard of the topic gives everybody nothing, and begins again at once: an
empty assignment counts when it has lasted for so long."""


class Election(ConsumerRebalanceListener):
    """Holds this process' partitions of the group in a thread of its own; :attr:`owned` may be read from any.

    The member is static: after a crash the same client id gets the same partitions at once, and when it does not come
    back the others get them within the session timeout.

    A member that was fenced does not learn it from its heartbeats: kafka-python 3.0.12 only stops sending them. The
    answer to a commit ends its poll() with an error, so an offset that nobody reads is committed now and then.
    """

    def __init__(self, settings: Settings, shutdown: Shutdown, wake: Callable[[], None]) -> None:
        self.owned: frozenset[int] = frozenset()
        self.decided = threading.Event()
        """Set once the group has ever assigned something (or nothing) to us."""
        self.fenced = False
        """Another process runs under our client id: this one must end."""
        self.failed: BaseException | None = None
        """What ended the thread, if anything did: without it time would stop unnoticed."""
        self.rebalancing = True
        """Whether partitions were taken away and it is not decided yet whose they are."""
        self._settings = settings
        self._shutdown = shutdown
        self._wake = wake
        self._consumer: KafkaConsumer | None = None
        self._empty_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to have left; call after shutdown was requested."""
        self._thread.join(timeout_s)

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Called by the client within poll()."""
        consumer = self._consumer
        assert consumer is not None
        for where in assigned:
            consumer.pause(where)
            consumer.seek(where, 0)  # nothing is ever fetched; without a position the client would ask for one
        self.owned = frozenset(where.partition for where in assigned)
        log.info("ticker_assigned", partitions=sorted(self.owned))
        if self.owned:
            self._decide()
        else:
            self._empty_since_s = time.monotonic()

    def _decide(self) -> None:
        self._empty_since_s = None
        self.rebalancing = False
        self.decided.set()
        self._wake()

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Called by the client within poll(); eager: everything is given back."""
        self.rebalancing = True  # first, so that nobody sees us own nothing and believes it
        self._empty_since_s = None
        self.owned = self.owned - {where.partition for where in revoked}

    def on_partitions_lost(self, lost: list[TopicPartition]) -> None:
        """The session expired: others may own them already."""
        self.on_partitions_revoked(lost)

    def _run(self) -> None:
        while not self._shutdown.requested and not self.fenced:
            try:
                self._hold()
            except FencedInstanceIdError:
                log.exception("ticker_fenced", client_id=self._settings.ingest.client_id)
                self.fenced = True
                self._wake()
            except KafkaError as error:
                log.warning("ticker_waits", error=repr(error)[:200])
            except Exception as error:  # noqa: BLE001 - raised again in the loop, which ends the process
                self.failed = error
                self._wake()
                return
            self.rebalancing = True
            self.owned = frozenset()
            self._shutdown.wait(_RETRY_S)

    def _hold(self) -> None:
        consumer = self._consumer = group_consumer(
            self._settings.kafka,
            GROUP,
            self._settings.ingest.client_id,
            metrics_enabled=False,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
        )
        try:
            topic = EVENTS.full_name(self._settings.kafka.topic_prefix)
            consumer.subscribe([topic], listener=self)
            proof = {TopicPartition(topic, 0): OffsetAndMetadata(0, "", -1)}
            proven = time.monotonic()
            while not self._shutdown.requested:
                began = time.monotonic()
                if began - proven > _PROOF_S:
                    proven = began
                    consumer.commit_async(proof, callback=_ignore)
                consumer.poll(timeout_ms=_POLL_MS)
                if self._empty_since_s is not None and time.monotonic() - self._empty_since_s > _EMPTY_S:
                    self._decide()
                # with everything paused poll() may return at once
                self._shutdown.wait(max(0.0, _POLL_MS / 1000 - (time.monotonic() - began)))
        finally:
            self.owned = frozenset()
            consumer.close(autocommit=False)


def _ignore(_offsets: object, _outcome: object) -> None:
    """Any other error of a commit is no news: the membership itself says what is to be done."""
