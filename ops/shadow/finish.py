"""Promotes a trial, or ends it: one event in every partition."""

from ops.shadow.logtime import log_times
from ops.shadow.record import Stage, Trials, stage
from ops.shadow.writer import Stopped, Writer
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.shadow import ShadowEnded, ShadowPromoted, TrialRecord, Verdict
from schemas.topics import EVENTS

_EVENTS = {Verdict.PROMOTED: ShadowPromoted, Verdict.ENDED: ShadowEnded}
_COMMANDS = {Verdict.PROMOTED: "promote", Verdict.ENDED: "end"}


def to_finish(trials: Trials, shadow: str, verdict: Verdict) -> TrialRecord:
    """The trial of which this can be said.

    Raises:
        FatalError: there is none of this name, it is over, or it is in the middle of something else.
    """
    record = trials.named(shadow)
    state = stage(record)
    if state in {Stage.PROMOTED, Stage.ENDED}:
        assert record.until is not None, "it is over"
        raise FatalError(f"{shadow} was {state.value} at {record.until:%Y-%m-%d %H:%M:%S} UTC already")
    if record.verdict not in {None, verdict}:
        assert record.verdict is not None, "just asked"
        raise FatalError(
            f"{shadow} is {record.verdict.value} in {len(record.over_at)} of {EVENTS.partitions} partitions, and a "
            f"promise in one is kept in all: finish it with eyes shadow {_COMMANDS[record.verdict]} {shadow}"
        )
    if state is Stage.BEGINNING and verdict is Verdict.PROMOTED:
        raise FatalError(
            f"{shadow} was not begun to the end: finish it with the command that began it (eyes shadow status shows "
            f"how far it is), or drop it: eyes shadow end {shadow}"
        )
    return record


def finish(settings: Settings, record: TrialRecord, verdict: Verdict, stopped: Stopped = lambda: False) -> TrialRecord:
    """Write the event where an earlier call has not; returns when all is acknowledged.

    Raises:
        InterruptedTrialError: ``stopped`` became true.
        kafka.errors.KafkaError: Kafka cannot be reached or did not take it; the same call goes on.
    """
    with Writer(settings, stopped) as writer:
        if record.verdict is None:
            until = log_times(settings.kafka)[0]
            record = writer.record(record.model_copy(update={"verdict": verdict, "until": until}))
        shadow = record.begun.shadow
        for partition in range(EVENTS.partitions):
            if str(partition) not in record.over_at:
                offset = writer.mark(partition, shadow, _EVENTS[verdict](shadow=shadow))
                over_at = record.over_at | {str(partition): offset}
                record = writer.record(record.model_copy(update={"over_at": over_at}))
                writer.look(f"{shadow} is {verdict.value} in {len(over_at)} of {EVENTS.partitions} partitions")
    return record
