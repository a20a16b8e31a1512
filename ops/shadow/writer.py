"""Writes the events of a trial into every partition, and down what was acknowledged."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from ops.registry.writer import ACK_S, send
from runtime.errors import RetryableError
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from schemas.envelope import CloudEvent, encode
from schemas.identity import event_id
from schemas.model import Model
from schemas.shadow import TrialRecord
from schemas.topics import EVENTS, TRIALS

Stopped = Callable[[], bool]


class InterruptedTrialError(RetryableError):
    """It was asked to end in the middle; the same command goes on from there."""


class Writer:
    """A producer for the length of one command."""

    def __init__(self, settings: Settings, stopped: Stopped = lambda: False) -> None:
        """``stopped``: asked after each partition."""
        self._settings = settings
        self._stopped = stopped
        self._producer = idempotent_producer(settings.kafka, "eyes-shadow")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close(timeout=ACK_S)

    def record(self, record: TrialRecord) -> TrialRecord:
        """Write down how far a trial is; returns when it is acknowledged."""
        shadow = record.begun.shadow
        event = self._event(record, shadow, shadow, str(event_id("trial", record.model_dump_json())))
        self._send(TRIALS.full_name(self._prefix), [(shadow, encode(event), 0)])
        return record

    def withdraw(self, record: TrialRecord) -> None:
        """As if it had never been thought of: nothing of it was written into the log."""
        self._send(TRIALS.full_name(self._prefix), [(record.begun.shadow, None, 0)])

    def mark(self, partition: int, shadow: str, *said: Model) -> int:
        """Write events of a trial into one partition; the offset of the first. The same again have the same ids."""
        key = f"partition-{partition}"
        events = [
            self._event(data, shadow, key, str(event_id("shadow", type(data).__name__, shadow, partition)))
            for data in said
        ]
        topic = EVENTS.full_name(self._prefix)
        return self._send(topic, [(key, encode(event), partition) for event in events])[0]

    def events(self, partition: int, records: list[tuple[str, bytes | None]]) -> None:
        """Write events into one partition, in order; returns when all are acknowledged."""
        self._send(EVENTS.full_name(self._prefix), [(key, value, partition) for key, value in records])

    def look(self, done: str) -> None:
        """Go on, unless asked to end.

        Raises:
            InterruptedTrialError: asked to end; ``done`` says how far it came.
        """
        if self._stopped():
            raise InterruptedTrialError(f"interrupted; {done}: the same command goes on from there")

    @property
    def _prefix(self) -> str:
        return self._settings.kafka.topic_prefix

    def _send(self, topic: str, records: list[tuple[str, bytes | None, int]]) -> list[int]:
        return send(self._producer, topic, records)

    def _event(self, data: Model, shadow: str, key: str, identifier: str) -> CloudEvent:
        source = f"/{self._settings.site}/shadow"
        return CloudEvent(identifier, source, datetime.now(UTC), data, shadow, key)
