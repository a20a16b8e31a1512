"""What detectors said of one kind or another, as it stands in a topic of theirs."""

from collections.abc import Iterable, Iterator

from ops.past import Advance, Span, read
from runtime.settings import KafkaSettings
from schemas.anomaly import Anomaly
from schemas.envelope import Data, UnknownEventError, decode
from schemas.shadow import ShadowFinding
from schemas.topics import ANOMALIES, SHADOWS


def published(
    settings: KafkaSettings, partition: int, span: Span, detector: str, advance: Advance
) -> Iterator[tuple[int, Anomaly | None]]:
    """What a detector told the world, with offsets; None where nobody can read a record.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    for offset, data in _marked(read(settings, ANOMALIES, partition, span, advance), "detector", detector):
        if data is None:
            yield offset, None
        elif isinstance(data, Anomaly) and data.detector == detector:
            yield offset, data


def on_trial(
    settings: KafkaSettings, partition: int, span: Span, shadow: str, advance: Advance
) -> Iterator[tuple[int, Anomaly | None]]:
    """What a shadow said, with offsets; None where nobody can read a record.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    for offset, data in _marked(read(settings, SHADOWS, partition, span, advance), "shadow", shadow):
        if data is None:
            yield offset, None
        elif isinstance(data, ShadowFinding) and data.shadow == shadow:
            yield offset, data.finding


def _marked(records: Iterable[tuple[int, bytes]], key: str, name: str) -> Iterator[tuple[int, Data | None]]:
    """What may be of this name, before the dearer look at what it is; None where nobody can read a record."""
    marker = f'"{key}":"{name}"'.encode()
    for offset, value in records:
        if marker not in value:
            continue
        try:
            yield offset, decode(value).data
        except UnknownEventError:
            yield offset, None
