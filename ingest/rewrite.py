"""The daily rewrite of the registry: all that stands in a partition, between markers, for folds that begin there.

Whether one is due is read from the log: each complete rewrite leaves a record in ``city.rewrites.v1``, which every
ingest follows. So it does not matter who wrote it, how often anybody was started since, or how fast the log's clock
goes; a rewrite that was broken off left no record and is done again.

It must hold all that was registered before its begin marker, and ingest hears of registrations late. So the marker
comes first; then a probe through ``city.facilities.v1``, which comes back behind everything that was said there before;
then, when no load of the registry is under way whose events may stand before the marker, the registrations, as they
are by then; then the end marker (docs/decisions/0016-daily-rewrite.md).

One partition at a time and a little at a time, so that neither readings nor ticks wait for it.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import structlog

from ingest import metrics
from ingest.batches import partition_key
from ingest.registry import Registry
from ingest.writer import Writer
from runtime.settings import Settings
from runtime.timing import MACHINE, Timing
from schemas.model import from_ms, to_ms
from schemas.registry import (
    LOAD_MS,
    PROBE_KEY,
    CityWide,
    FacilityRegistered,
    RegistryProbe,
    RegistryRewriteBegun,
    RegistryRewriteEnded,
    RegistryRewritten,
)
from schemas.topics import DAY_MS, EVENTS, FACILITIES, REWRITES

log: Final = structlog.get_logger()

BUDGET_S: Final = 0.010
PAUSE_S: Final = 0.040
"""So long it works at a time, and so long it rests: a fifth of a core while it lasts."""
UNCONFIRMED_MAX: Final = 1_000
"""Records on their way to Kafka: what waits there makes a tick wait behind it."""


@dataclass(slots=True)
class _Attempt:
    """A rewrite that is under way."""

    partition: int
    name: str
    time_ms: int
    began_s: float
    begin_offset: int = -1
    heard: bool = False
    keys: deque[str] | None = None
    facilities: int = 0
    unconfirmed: int = 0
    ended: bool = False


class Rewriter:
    """Rewrites what stands in the partitions that this ingest ticks."""

    def __init__(
        self,
        settings: Settings,
        *,
        start: str,
        writer: Writer,
        registry: Registry,
        timing: Timing = MACHINE,
    ) -> None:
        """``start`` names this process."""
        self._shard = settings.ingest.client_id
        self._generation = settings.clock.generation
        self._start = start
        self._writer = writer
        self._registry = registry
        self._timing = timing
        self._owned: frozenset[int] = frozenset()
        self._clock_ms: dict[int, int] = {}
        self._newest: dict[int, RegistryRewritten] = {}
        self._attempt: _Attempt | None = None
        self._number = 0
        self._next_s = 0.0

    def ticked(self, partition: int, time_ms: int) -> None:
        """The log's clock has come so far in this partition."""
        self._clock_ms[partition] = time_ms

    def hear(self, record: RegistryRewritten) -> None:
        """A rewrite is complete, ours or another's."""
        known = self._newest.get(record.partition)
        if known is None or known.begin_offset < record.begin_offset:
            self._newest[record.partition] = record
            self._report()

    def hear_probe(self, probe: RegistryProbe) -> None:
        """A probe came back: all that stood before it is known."""
        if self._attempt is not None and self._attempt.name == probe.rewrite:
            self._attempt.heard = True

    def own(self, partitions: frozenset[int]) -> None:
        """Ownership changed; a rewrite of what is no longer ours is broken off."""
        self._owned = partitions
        self._clock_ms = {number: time_ms for number, time_ms in self._clock_ms.items() if number in partitions}
        if self._attempt is not None and self._attempt.partition not in partitions:
            self._attempt = None
        self._report()

    def reset(self) -> None:
        """Kafka refused something: a rewrite that is under way may have a hole."""
        self._attempt = None

    def due(self, partition: int, time_ms: int) -> bool:
        """Whether the log's clock has come to a day without a rewrite of the partition, and there is what to write."""
        if not len(self._registry):
            return False
        newest = self._newest.get(partition)
        if newest is None or newest.generation != self._generation:
            return True
        return to_ms(newest.time) // DAY_MS < time_ms // DAY_MS

    def _begin(self, partition: int, time_ms: int, wall_ms: int) -> None:
        self._number += 1
        name = f"{from_ms(time_ms):%Y-%m-%d}.{self._shard}.{self._start}.{self._number}"
        attempt = self._attempt = _Attempt(partition, name, time_ms, self._timing.monotonic_s())

        def begun(offset: int) -> None:
            if self._attempt is attempt:
                attempt.begin_offset = offset
                probe = RegistryProbe(rewrite=name)
                self._writer.write(FACILITIES, 0, PROBE_KEY + self._shard, probe, wall_ms)

        marker = RegistryRewriteBegun(
            partition=partition, rewrite=name, time=from_ms(time_ms), generation=self._generation
        )
        self._writer.write(EVENTS, partition, partition_key(partition), marker, wall_ms, confirmed=begun)

    @property
    def next_s(self) -> float:
        """Monotonic time at which :meth:`step` has something to do."""
        attempt = self._attempt
        return self._next_s if attempt is not None and attempt.heard and not attempt.ended else float("inf")

    def step(self, now_s: float, wall_ms: int) -> None:
        """Go on with the rewrite that is under way, for a moment; or begin one that is due."""
        attempt = self._attempt
        if attempt is None:
            due = [(number, time_ms) for number, time_ms in self._clock_ms.items() if self.due(number, time_ms)]
            if due:
                self._begin(*min(due), wall_ms)
            return
        if not attempt.heard or attempt.ended or now_s < self._next_s:
            return
        self._next_s = now_s + PAUSE_S
        if attempt.keys is None:
            if self._registry.loading(wall_ms - LOAD_MS):
                return
            attempt.keys = deque(self._registry.keys(attempt.partition))
        self._write_some(attempt, attempt.keys, wall_ms)
        if not attempt.keys:
            self._end(attempt, wall_ms)

    def _write_some(self, attempt: _Attempt, keys: deque[str], wall_ms: int) -> None:
        def confirmed(_offset: int) -> None:
            attempt.unconfirmed -= 1

        until_s = self._timing.monotonic_s() + BUDGET_S
        while keys and attempt.unconfirmed < UNCONFIRMED_MAX and self._timing.monotonic_s() < until_s:
            data = self._registry.standing(keys.popleft(), attempt.partition)
            if data is None:
                continue  # it left meanwhile, and that stands behind the begin marker
            if isinstance(data, CityWide):
                zone = partition_key(attempt.partition)
            elif isinstance(data, FacilityRegistered):
                zone = data.facility.zone
                attempt.facilities += 1
            else:
                zone = data.zone
            attempt.unconfirmed += 1
            self._writer.write(EVENTS, attempt.partition, zone, data, wall_ms, confirmed=confirmed)

    def _end(self, attempt: _Attempt, wall_ms: int) -> None:
        attempt.ended = True
        partition, name, facilities = attempt.partition, attempt.name, attempt.facilities

        def ended(offset: int) -> None:
            if self._attempt is not attempt:
                return
            if min(attempt.begin_offset, offset) < 0:
                self._attempt = None  # nobody could find it: once more
                return
            record = RegistryRewritten(
                partition=partition,
                rewrite=name,
                time=from_ms(attempt.time_ms),
                generation=self._generation,
                begin_offset=attempt.begin_offset,
                end_offset=offset,
                facilities=facilities,
            )
            self._writer.write(
                REWRITES, 0, partition_key(partition), record, wall_ms, confirmed=lambda _: self._recorded(record)
            )

        marker = RegistryRewriteEnded(partition=partition, rewrite=name, facilities=facilities)
        self._writer.write(EVENTS, partition, partition_key(partition), marker, wall_ms, confirmed=ended)

    def _recorded(self, record: RegistryRewritten) -> None:
        attempt = self._attempt
        if attempt is not None and attempt.name == record.rewrite:
            self._attempt = None
            seconds = self._timing.monotonic_s() - attempt.began_s
            metrics.REWRITES.inc()
            said = {"partition": record.partition, "facilities": record.facilities, "seconds": round(seconds, 2)}
            log.info("registry_rewritten", rewrite=record.rewrite, **said)
        self.hear(record)

    def _report(self) -> None:
        newest = [self._newest.get(number) for number in self._owned]
        metrics.REWRITTEN.set(min((0.0 if one is None else one.time.timestamp() for one in newest), default=0.0))
