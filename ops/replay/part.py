"""One partition's share of a replay: the log folded by one detector, and what it published there."""

from collections.abc import Callable
from contextlib import closing
from typing import Final

import msgspec

from ops.past import CLIENT, Bounds, Span, read
from ops.replay.lives import Step
from ops.replay.question import Question
from ops.replay.readings import Compared, Ledger
from ops.replay.readings import published as derived
from ops.replay.said import published
from processors.detectors import DERIVERS, TELLERS
from processors.engine.composed import PartitionFold
from processors.engine.contract import Reading, Said
from processors.engine.kafka_models import KafkaModels
from processors.engine.models import model_of
from processors.engine.whatif import matches, overridden
from runtime.settings import KafkaSettings
from schemas.anomaly import Anomaly
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import UnknownEventError, decode
from schemas.model import to_ms
from schemas.quarantine import Quarantined, Reason
from schemas.topics import EVENTS

FAILURES_SHOWN: Final = 3

Advance = Callable[[int, int], None]
"""Told how many records and how many events (a reading is one) were folded since; what it raises ends the fold."""


class Part(msgspec.Struct):
    """What one partition gave."""

    partition: int
    published: list[Step] = []
    replayed: list[Step] = []
    readings: Compared | None = None
    """Of a detector that derives some."""
    records: int = 0
    events: int = 0
    matched: list[int] = []
    """How many registrations each override speaks of."""
    failed: int = 0
    failures: list[str] = []
    """The first of the events at which the detector raised an exception."""
    unreadable: int = 0
    final: bool = False
    """Whether nothing that the log may still be given can change this."""


def fold_partition(
    settings: KafkaSettings, bounds: Bounds, question: Question, partition: int, advance: Advance
) -> Part:
    """Fold one partition from its beginning until the range and all that became of it is behind.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    part = Part(partition, matched=[0] * len(question.what_if.override))
    _take_published(part, settings, bounds, question, advance)
    ledger = _ledger(part, settings, bounds, question, advance)
    company = tuple(one for one in (*DERIVERS, *TELLERS) if one.name != question.detector.name)
    models = KafkaModels(settings, CLIENT)
    fold = PartitionFold((*company, question.detector), question.lateness_ms, models=models)
    committed = bounds.committed.get(partition, 0)

    def told(records: int) -> None:
        events = fold.take_counts().events
        part.records += records
        part.events += events
        advance(records, events)

    span = bounds.events[partition]
    with closing(read(settings, EVENTS, partition, span, told)) as log:
        for offset, value in log:
            try:
                event = decode(value).data
            except UnknownEventError:
                part.unreadable += 1
                continue
            if not isinstance(event, BatchColumns | Tick):
                for index, override in enumerate(question.what_if.override):
                    part.matched[index] += matches(override, event)
                event = overridden(event, question.what_if)
                if (digest := model_of(event)) is not None:
                    models.fetch([digest])
            for output in fold.fold((event,)):
                _keep(part, ledger, output, question, settled=offset < committed)
            if isinstance(event, Tick) and _is_enough(fold, question):
                part.final = offset < committed
                told(offset + 1 - span.start - part.records)
                break
    if ledger is not None:
        part.readings = ledger.result()
    return part


def _is_enough(fold: PartitionFold, question: Question) -> bool:
    enough_ms = question.enough_ms
    return enough_ms is not None and fold.now_ms >= enough_ms and fold.received_ms >= enough_ms


def _keep(part: Part, ledger: Ledger | None, output: Said, question: Question, *, settled: bool) -> None:
    if isinstance(output, Reading):
        if ledger is not None:
            ledger.replay(output, settled=settled)
    elif isinstance(output, Anomaly):
        if output.detector != question.detector.name:
            return  # its company's
        step = Step.of(output, settled=settled)
        if question.horizon_ms is None or step.at_ms < question.horizon_ms:
            part.replayed.append(step)
    elif isinstance(output, Quarantined) and output.reason is Reason.POISON:
        at_ms = to_ms(output.arrival_time)
        if (question.begin_ms or 0) <= at_ms and (question.end_ms is None or at_ms < question.end_ms):
            part.failed += 1
            if len(part.failures) < FAILURES_SHOWN:
                part.failures.append(output.detail)


def _ledger(part: Part, settings: KafkaSettings, bounds: Bounds, question: Question, advance: Advance) -> Ledger | None:
    """What was derived and published; None where the detector in question derives nothing."""
    if question.detector.name not in {one.name for one in DERIVERS}:
        return None
    ledger = Ledger(question)
    span = bounds.derived.get(part.partition, Span(0, 0))
    for reading in derived(settings, part.partition, span, lambda _records: advance(0, 0)):
        if reading is None:
            part.unreadable += 1
        else:
            ledger.publish(reading)
    return ledger


def _take_published(part: Part, settings: KafkaSettings, bounds: Bounds, question: Question, advance: Advance) -> None:
    """A zone's findings stand in the partition of the same number as its events."""
    span = bounds.findings[part.partition]
    name = question.detector.name
    for _, anomaly in published(settings, part.partition, span, name, lambda _records: advance(0, 0)):
        if anomaly is None:
            part.unreadable += 1
            continue
        step = Step.of(anomaly)
        if question.horizon_ms is None or step.at_ms < question.horizon_ms:
            part.published.append(step)
