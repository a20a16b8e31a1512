"""Folds the log from its beginning, in a place of its own: nothing is published, nobody's offset moves."""

from functools import partial
from typing import Final

from ops.past import CLIENT, Advance, bounds, read
from ops.verify.compare import Expected
from ops.verify.recut import recut
from processors.detectors import ALL, CANDIDATES
from processors.engine.composed import PartitionFold
from processors.engine.kafka_models import KafkaModels
from processors.engine.outputs import outgoing
from processors.engine.record import UnfoldableError, fold_record
from runtime.settings import Settings
from schemas.topics import ANOMALIES, DERIVED, EVENTS, QUARANTINE, SHADOWS, Topic

BY_ZONE: Final = (ANOMALIES, DERIVED, SHADOWS)
"""What folds say of a zone, in the partition of the same number as its events."""


class Refold:
    """The log as it stands when this is made: what comes behind that is not looked at.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """

    def __init__(self, settings: Settings, batch_rows: int | None = None) -> None:
        """``batch_rows``: fold the readings in records of at most so many, as if ingest had cut them so."""
        self._settings = settings
        self._recut = (lambda event: (event,)) if batch_rows is None else partial(recut, rows=batch_rows)
        self._source = f"/{settings.site}/process"
        self._models = KafkaModels(settings.kafka, CLIENT)
        self.bounds = bounds(settings.kafka)

    def said(self, partition: int, advance: Advance) -> dict[str, list[Expected]]:
        """What the fold of one partition says, by output topic; ``advance`` is told how many records were folded."""
        failed: dict[str, str] = {}
        while True:
            try:
                return self._fold(partition, advance, failed)
            except UnfoldableError as error:  # as the loop does: once more from the beginning, without this record
                failed[error.place] = error.what

    def _fold(self, partition: int, advance: Advance, failed: dict[str, str]) -> dict[str, list[Expected]]:
        lateness_ms = round(self._settings.ingest.lateness_s * 1000)
        fold = PartitionFold(ALL, lateness_ms, CANDIDATES, self._models)
        said: dict[str, list[Expected]] = {topic.name: [] for topic in (*BY_ZONE, QUARANTINE)}
        topic = EVENTS.full_name(self._settings.kafka.topic_prefix)
        for offset, value in read(self._settings.kafka, EVENTS, partition, self.bounds.events[partition], advance):
            place = f"{topic}/{partition}/{offset}"
            for output in fold_record(fold, value, place, failed.get(place), self._recut, self._models.fetch):
                record = outgoing(output, self._source)
                said[record.topic].append(Expected(offset, record.value))
        return said

    def published(self, topic: Topic) -> dict[int, list[bytes]]:
        """What the folds have published to one of their output topics, by partition."""
        found = self.bounds
        spans = {
            ANOMALIES: found.findings,
            DERIVED: found.derived,
            SHADOWS: found.shadows,
            QUARANTINE: found.refusals,
        }[topic]
        marker = f'"source":"{self._source}"'.encode()
        return {
            partition: [value for _, value in read(self._settings.kafka, topic, partition, span) if marker in value]
            for partition, span in spans.items()
        }
