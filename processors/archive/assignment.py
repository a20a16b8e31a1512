"""Which partitions this process was given, told by the consumer's own thread and read by the loop.

The callback does no I/O: it stops the partitions where they are, and the loop takes them over in the database and seeks
before anything is fetched. So a rebalance never waits for the database.
"""

import threading
from collections.abc import Iterable

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener


class Assignment(ConsumerRebalanceListener):
    """The partitions of the moment; :attr:`changed` until the loop has taken note."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._lock = threading.Lock()
        self._partitions: frozenset[TopicPartition] = frozenset()
        self._changed = False

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """All of them: assignments are eager."""
        del revoked
        self._set(())

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pause before the first fetch; the position is a placeholder that keeps the client from asking Kafka's."""
        partitions = list(assigned)
        if partitions:
            self._consumer.pause(*partitions)
        for partition in partitions:
            self._consumer.seek(partition, 0)
        self._set(partitions)

    @property
    def changed(self) -> bool:
        """Whether :meth:`take` has something new."""
        with self._lock:
            return self._changed

    def take(self) -> frozenset[TopicPartition]:
        """The partitions of the moment; takes note of the change."""
        with self._lock:
            self._changed = False
            return self._partitions

    def _set(self, partitions: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._partitions = frozenset(partitions)
            self._changed = True
