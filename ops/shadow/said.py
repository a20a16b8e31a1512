"""What the live detector and the one on trial have said, read so that neither seems to miss what the other has."""

from dataclasses import dataclass, field

from ops.past import CLIENT, Advance, Span, spans
from ops.replay.lives import Step
from ops.replay.said import on_trial, published
from runtime.kafka import reader
from runtime.settings import KafkaSettings
from schemas.shadow import ShadowBegun
from schemas.topics import ANOMALIES, SHADOWS


@dataclass(frozen=True)
class Reach:
    """How far the topics reach.

    The folds say both in one transaction. So what a shadow said before ``settled`` has its published twin within
    ``published``, which was looked at later; and what was published has its twin within ``on_trial``, looked at last.
    """

    settled: dict[int, int]
    published: dict[int, Span]
    on_trial: dict[int, Span]

    @property
    def records(self) -> int:
        """How many there are to read."""
        return sum(span.records for span in (*self.published.values(), *self.on_trial.values()))


def reach(settings: KafkaSettings) -> Reach:
    """Look how far the topics reach now.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    consumer = reader(settings, CLIENT)
    try:
        settled = {partition: span.end for partition, span in spans(consumer, settings, SHADOWS).items()}
        return Reach(settled, spans(consumer, settings, ANOMALIES), spans(consumer, settings, SHADOWS))
    finally:
        consumer.close()


@dataclass
class Said:
    """Steps of findings, in the order of each partition."""

    published: list[Step] = field(default_factory=list)
    on_trial: list[Step] = field(default_factory=list)
    unreadable: int = 0


def read_said(settings: KafkaSettings, begun: ShadowBegun, reach: Reach, advance: Advance) -> Said:
    """Everything that both have said.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    said = Said()
    for partition, span in reach.published.items():
        for _, finding in published(settings, partition, span, begun.detector, advance):
            if finding is None:
                said.unreadable += 1
            else:
                said.published.append(Step.of(finding))
    for partition, span in reach.on_trial.items():
        for offset, finding in on_trial(settings, partition, span, begun.shadow, advance):
            if finding is None:
                said.unreadable += 1
            else:
                said.on_trial.append(Step.of(finding, settled=offset < reach.settled[partition]))
    return said
