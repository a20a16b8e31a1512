"""What detectors said of one kind or another, as it stands in a topic of theirs."""

from collections.abc import Iterator

from ops.past import Advance, Span, read
from runtime.settings import KafkaSettings
from schemas.anomaly import Anomaly
from schemas.envelope import UnknownEventError, decode
from schemas.shadow import ShadowFinding
from schemas.topics import ANOMALIES, SHADOWS


def published(
    settings: KafkaSettings, partition: int, span: Span, detector: str, advance: Advance
) -> Iterator[tuple[int, Anomaly | None]]:
    """What a detector told the world, with offsets; None where nobody can read a record.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    marker = f'"detector":"{detector}"'.encode()
    for offset, value in read(settings, ANOMALIES, partition, span, advance):
        if marker not in value:
            continue
        try:
            event = decode(value).data
        except UnknownEventError:
            yield offset, None
            continue
        if isinstance(event, Anomaly) and event.detector == detector:
            yield offset, event


def on_trial(
    settings: KafkaSettings, partition: int, span: Span, shadow: str, advance: Advance
) -> Iterator[tuple[int, Anomaly | None]]:
    """What a shadow said, with offsets; None where nobody can read a record.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    marker = f'"shadow":"{shadow}"'.encode()
    for offset, value in read(settings, SHADOWS, partition, span, advance):
        if marker not in value:
            continue
        try:
            event = decode(value).data
        except UnknownEventError:
            yield offset, None
            continue
        if isinstance(event, ShadowFinding) and event.shadow == shadow:
            yield offset, event.finding
