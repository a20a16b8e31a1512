"""kafka-python's idempotent producer over the log in memory: what is sent arrives later, in order per partition."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kafka.errors import KafkaError, NotEnoughReplicasError
from kafka.future import Future

from tests.memory.log import At, MemoryLog


class _Sent(NamedTuple):
    at: At
    key: bytes
    value: bytes | None
    future: Future


class _Metadata(NamedTuple):
    """What is said of a record that Kafka has; the offset is -1 when a repeated attempt found it there."""

    offset: int


class MemoryProducer:
    """The part of :class:`kafka.KafkaProducer` that ingest's writer uses; a scheduler moves the records."""

    def __init__(self, log: MemoryLog, partitions: Mapping[str, int], wall_ms: Callable[[], int]) -> None:
        """``partitions`` says how many each topic has."""
        self._log = log
        self._partitions = partitions
        self._wall_ms = wall_ms
        self._lanes: dict[At, deque[_Sent]] = {}
        self._answers: deque[tuple[Future, _Metadata | BaseException]] = deque()
        self._broken = False
        self.closed = False

    def partitions_for(self, topic: str) -> set[int]:
        """See kafka-python."""
        return set(range(self._partitions[topic]))

    def send(self, topic: str, *, key: bytes, value: bytes | None, headers: Any, partition: int) -> Future:
        """See kafka-python; without a value it is a tombstone."""
        assert headers or value is None, "an event names its content type"
        if self._broken:
            raise NotEnoughReplicasError
        future = Future()
        self._lanes.setdefault((topic, partition), deque()).append(_Sent((topic, partition), key, value, future))
        return future

    def close(self, timeout: float | None = None) -> None:
        """See kafka-python; what was on its way may still arrive."""
        del timeout
        self.closed = True

    # what the scheduler does

    @property
    def waiting(self) -> list[At]:
        """Where something is on its way to."""
        return [at for at, lane in self._lanes.items() if lane]

    @property
    def idle(self) -> bool:
        """Whether everything sent has arrived and was answered."""
        return not self._answers and not self.waiting

    def arrive(self, at: At) -> None:
        """The oldest record on its way to this partition is in the log, and its answer on its way back."""
        sent = self._lanes[at].popleft()
        offset = self._log.append(at, sent.value, key=sent.key, timestamp_ms=self._wall_ms())
        self._answers.append((sent.future, _Metadata(offset)))

    def refuse(self, at: At) -> None:
        """Kafka says no to the oldest record on its way to this partition.

        Nothing behind it is taken: its number is missing, and the producer is of no use any more.
        """
        self._broken = True
        for sent in self._lanes.pop(at):
            self._answers.append((sent.future, NotEnoughReplicasError()))

    def arrive_unheard(self, at: At) -> None:
        """The oldest record is in the log, and the producer is told that it is not; those behind it may arrive."""
        self._broken = True
        self.arrive(at)
        future, _ = self._answers.pop()
        self._answers.append((future, NotEnoughReplicasError()))

    def answer(self, *, repeated: bool = False) -> None:
        """The oldest answer is heard; or it was lost, and the answer to a ``repeated`` attempt does not say where."""
        if self._answers:
            future, said = self._answers.popleft()
            if isinstance(said, KafkaError):
                future.failure(said)
            else:
                future.success(_Metadata(-1) if repeated else said)
