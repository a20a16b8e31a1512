"""Folds the log from its beginning, in a place of its own: nothing is published, nobody's offset moves."""

from ops.past import Advance, bounds, read
from ops.verify.compare import Expected
from processors.detectors import ALL, CANDIDATES
from processors.engine.composed import PartitionFold
from processors.engine.outputs import outgoing
from processors.engine.refusal import undecodable
from runtime.settings import Settings
from schemas.envelope import UnknownEventError, decode
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE, SHADOWS, Topic


class Refold:
    """The log as it stands when this is made: what comes behind that is not looked at.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._source = f"/{settings.site}/process"
        self.bounds = bounds(settings.kafka)

    def findings(self, partition: int, advance: Advance) -> dict[str, list[Expected]]:
        """What the fold of one partition says, by output topic; ``advance`` is told how many records were folded."""
        lateness_ms = round(self._settings.ingest.lateness_s * 1000)
        fold = PartitionFold(ALL, lateness_ms, CANDIDATES)
        said: dict[str, list[Expected]] = {topic.name: [] for topic in (ANOMALIES, SHADOWS, QUARANTINE)}
        topic = EVENTS.full_name(self._settings.kafka.topic_prefix)
        for offset, value in read(self._settings.kafka, EVENTS, partition, self.bounds.events[partition], advance):
            try:
                outputs = fold.fold([decode(value).data])
            except UnknownEventError as error:
                outputs = [undecodable(value, f"{topic}/{partition}/{offset}", error, fold.now_ms)]
            for output in outputs:
                record = outgoing(output, self._source)
                said[record.topic].append(Expected(offset, record.value))
        return said

    def published(self, topic: Topic) -> dict[int, list[bytes]]:
        """What the folds have published to one of their output topics, by partition."""
        spans = self.bounds.findings if topic is ANOMALIES else self.bounds.refusals
        marker = f'"source":"{self._source}"'.encode()
        return {
            partition: [value for _, value in read(self._settings.kafka, topic, partition, span) if marker in value]
            for partition, span in spans.items()
        }
