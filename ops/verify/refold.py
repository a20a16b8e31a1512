"""Folds the log from its beginning, in a place of its own: nothing is published, nobody's offset moves."""

from functools import partial
from typing import Final

from ops.past import CLIENT, Advance, bounds, read
from ops.verify.compare import Expected
from ops.verify.recut import recut
from processors.correlators import ALL as CORRELATORS
from processors.correlators import LATENESS_MS
from processors.detectors import ALL, CANDIDATES
from processors.engine.composed import PartitionFold
from processors.engine.kafka_models import KafkaModels
from processors.engine.outputs import outgoing
from processors.engine.record import UnfoldableError, fold_record
from runtime.settings import Settings
from schemas.topics import ANOMALIES, CASE_INPUTS, DERIVED, EVENTS, QUARANTINE, SHADOWS, Topic

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

    @property
    def begins_cold(self) -> bool:
        """Whether the beginning of what any fold reads is gone."""
        return self.bounds.begins_cold or any(span.start for span in self.bounds.inputs.values())

    @property
    def records(self) -> int:
        """How many records there are to fold, over readings and over findings."""
        return self.bounds.records + sum(span.records for span in self.bounds.inputs.values())

    def correlated(self, partition: int, advance: Advance) -> list[Expected]:
        """What the folds over findings say to one partition of their inputs, wherever it stands."""
        kafka, source = self._settings.kafka, f"/{self._settings.site}/correlate"
        fold = PartitionFold(CORRELATORS, LATENESS_MS)
        said: list[Expected] = []
        topic = CASE_INPUTS.full_name(kafka.topic_prefix)
        for offset, value in read(kafka, CASE_INPUTS, partition, self.bounds.inputs[partition], advance):
            outputs = fold_record(fold, value, f"{topic}/{partition}/{offset}")
            said += [Expected(offset, outgoing(output, source).value) for output in outputs]
        return said

    def published_by_correlators(self) -> list[bytes]:
        """What those have published, in no order: a partition of findings has those of several districts."""
        marker = f'"source":"/{self._settings.site}/correlate"'.encode()
        return [
            value
            for topic, spans in ((ANOMALIES, self.bounds.findings), (QUARANTINE, self.bounds.refusals))
            for partition, span in spans.items()
            for _, value in read(self._settings.kafka, topic, partition, span)
            if marker in value
        ]

    def published(self, topic: Topic) -> dict[int, list[bytes]]:
        """What the folds over readings have published to one of their output topics, by partition."""
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
