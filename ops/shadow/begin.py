"""Puts a version on trial: its event in every partition, and behind it the registry as it stands."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ops.registry import Registration, read_standing
from ops.registry.writer import encoded
from ops.shadow.logtime import log_times
from ops.shadow.record import Stage, Trials, is_same, read_trials, stage
from ops.shadow.writer import Stopped, Writer
from processors.engine.contract import Detector
from processors.engine.whatif import matches
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.partitioning import partition_of
from schemas.registry import LOAD_MS, FacilityRegistered, RegistryRewriteBegun, RegistryRewriteEnded
from schemas.shadow import ShadowBegun, TrialRecord
from schemas.topics import EVENTS
from schemas.whatif import WhatIf

CHUNK: Final = 500  # registrations on their way at once, a few hundred kilobytes
LOOK_S: Final = 0.5


@dataclass(frozen=True)
class Beginning:
    """What was begun, and what an engineer may want to know of it."""

    record: TrialRecord
    registrations: int
    resumed: bool
    """An earlier command had begun it and not finished."""
    matched: tuple[int, ...]
    """How many registrations each override speaks of."""


def intended(trials: Trials, detector: Detector[object], what_if: WhatIf, name: str | None) -> ShadowBegun:
    """The trial that is to be begun, or gone on with.

    Raises:
        FatalError: another one is not over, this one runs already, or the name was taken before.
    """
    current = trials.current
    if current is not None:
        shadow = current.begun.shadow
        wanted = ShadowBegun(shadow=name or shadow, detector=detector.name, version=detector.version, what_if=what_if)
        state = stage(current)
        if not is_same(wanted, current.begun):
            if state is Stage.BEGINNING:
                raise FatalError(
                    f"{shadow} was not begun to the end, and one trial at a time: finish it with the command that "
                    f"began it, or drop it: eyes shadow end {shadow}"
                )
            raise FatalError(
                f"{shadow} is {state.value}, and one trial at a time: eyes shadow promote {shadow}, or "
                f"eyes shadow end {shadow}"
            )
        if state is not Stage.BEGINNING:
            raise FatalError(f"{shadow} is {state.value} already: eyes shadow status")
        return wanted
    shadow = name or trials.free_name(detector.name, detector.version)
    if any(record.begun.shadow == shadow for record in trials.records):
        raise FatalError(f"there was a trial called {shadow!r}, and its findings stand in the log: choose another name")
    return ShadowBegun(shadow=shadow, detector=detector.name, version=detector.version, what_if=what_if)


def begin(
    settings: Settings,
    begun: ShadowBegun,
    *,
    total: Callable[[int], None] = lambda _steps: None,
    advance: Callable[[int], None] = lambda _steps: None,
    waiting: Callable[[int], None] = lambda _loads: None,
    stopped: Stopped = lambda: False,
) -> Beginning:
    """Write everything, as far as an earlier call has not; returns when all is acknowledged.

    Args:
        settings: where the log is.
        begun: as :func:`intended` gave it.
        total: told once how many events there are to write.
        advance: told how many were written since.
        waiting: told twice a second how many loads of the registry are waited for.
        stopped: whether to end after this partition.

    Raises:
        FatalError: somebody else began another trial at the same moment.
        InterruptedTrialError: ``stopped`` became true.
        kafka.errors.KafkaError: Kafka cannot be reached or did not take it; the same call goes on.
    """
    with Writer(settings, stopped) as writer:
        record, resumed = _announced(settings, writer, begun)
        partitions = range(EVENTS.partitions)
        for partition in partitions:
            if str(partition) not in record.begun_at:
                marker = RegistryRewriteBegun(partition=partition, rewrite=_rewrite(begun.shadow))
                offset = writer.mark(partition, begun.shadow, begun, marker)
                record = writer.record(_with(record, begun_at=record.begun_at | {str(partition): offset}))
                writer.look(f"{begun.shadow} is begun in {len(record.begun_at)} of {len(partitions)} partitions")
        registry = _by_partition(_standing(settings, writer, waiting))
        total(sum(len(registry[partition]) for partition in partitions if partition not in record.told))
        for partition in partitions:
            if partition not in record.told:
                _tell(settings, writer, begun.shadow, partition, registry[partition], advance)
                record = writer.record(_with(record, told=(*record.told, partition)))
                writer.look(f"{len(record.told)} of {len(partitions)} partitions know the registry")
    everything = [registration for some in registry for registration in some]
    matched = tuple(sum(matches(one, data) for data in everything) for one in begun.what_if.override)
    return Beginning(record, len(everything), resumed, matched)


def _with(record: TrialRecord, **changed: object) -> TrialRecord:
    return record.model_copy(update=changed)


def _announced(settings: Settings, writer: Writer, begun: ShadowBegun) -> tuple[TrialRecord, bool]:
    """Say what is going to be done, and see that nobody said so first; and whether we go on with what was begun."""
    before = read_trials(settings.kafka).current
    if before is not None and is_same(before.begun, begun):
        return before, True
    record = writer.record(TrialRecord(begun=begun, since=log_times(settings.kafka)[-1]))
    first = read_trials(settings.kafka).current
    assert first is not None, "ours at least"
    if not is_same(first.begun, begun):
        writer.withdraw(record)
        raise FatalError(f"{first.begun.shadow} was begun at the same moment, and one trial at a time")
    return record, False


def _by_partition(registry: list[Registration]) -> list[list[Registration]]:
    found: list[list[Registration]] = [[] for _ in range(EVENTS.partitions)]
    for data in registry:
        found[partition_of(_zone(data), EVENTS.partitions)].append(data)
    return found


def _zone(data: Registration) -> str:
    return data.facility.zone if isinstance(data, FacilityRegistered) else data.zone


def _standing(settings: Settings, writer: Writer, waiting: Callable[[int], None]) -> list[Registration]:
    """All that was registered before the events of the trial: the zones first.

    What is registered from now on stands behind them. Of a load that is under way the events may stand before them,
    and its state not here yet: it is waited for, as the daily rewrite does (docs/decisions/0016-daily-rewrite.md).
    """
    while True:
        standing = read_standing(settings.kafka)
        alive_since = datetime.now(UTC) - timedelta(milliseconds=LOAD_MS)
        loads = sum(heard > alive_since for heard in standing.loads.values())
        if not loads:
            return sorted(standing.registrations.values(), key=lambda data: isinstance(data, FacilityRegistered))
        waiting(loads)
        writer.look("a load of the registry is waited for")
        time.sleep(LOOK_S)


def _tell(
    settings: Settings,
    writer: Writer,
    shadow: str,
    partition: int,
    registry: list[Registration],
    advance: Callable[[int], None],
) -> None:
    """The registry of a partition and the end marker; whoever knows it already hears nothing new."""
    now = datetime.now(UTC)
    for start in range(0, len(registry), CHUNK):
        chunk = registry[start : start + CHUNK]
        writer.events(partition, [(zone := _zone(data), encoded(settings, zone, data, now)) for data in chunk])
        advance(len(chunk))
    facilities = sum(isinstance(data, FacilityRegistered) for data in registry)
    ended = RegistryRewriteEnded(partition=partition, rewrite=_rewrite(shadow), facilities=facilities)
    writer.mark(partition, shadow, ended)


def _rewrite(shadow: str) -> str:
    return f"shadow-{shadow}"
