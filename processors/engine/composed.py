"""The composed fold of one partition of ``city.events.v1`` over all detectors.

Pure: what comes out depends on the events that went in and their order, never on how they were cut into records or
polls, nor on where and when it runs. Detectors are given one event at a time, so outputs come in the order of their
causes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

import msgspec

from processors.engine import refusal
from processors.engine.contract import (
    QUIET,
    Blind,
    Clock,
    Detector,
    Reading,
    Series,
    Stepped,
    TimerDue,
    ZoneEvent,
)
from processors.engine.dedupe import Columns, Seen, Verdict
from processors.engine.frontier import Frontier, FrontierState
from processors.engine.slot import Slot
from processors.engine.timers import Entry, Timers
from runtime.errors import PoisonError
from schemas.camera import CameraEvent
from schemas.clock import ClockStepped, ShardRetired, Tick
from schemas.columns import BatchColumns
from schemas.envelope import Data
from schemas.model import Model, to_ms
from schemas.observation import JUDGED, Quality
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured

_LATE: Final = int(Quality.LATE)
_JUDGED: Final = frozenset(int(quality) for quality in JUDGED)


@dataclass(slots=True)
class Counts:
    """What a partition has seen since it was last asked; for metrics, no part of the state."""

    events: int = 0  # readings, camera events, registrations, ticks: all one each
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    poison: Counter[str] = field(default_factory=Counter)  # by detector


class _Route:
    """Where the readings of one device and property go, and which of them were seen."""

    __slots__ = ("all", "late", "seen", "series")

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.series: Series | None = None
        self.all: list[Slot] = []
        self.late: list[Slot] = []


class PartitionState(msgspec.Struct, frozen=True):
    """A partition in a snapshot; every mapping is written in the order of its keys."""

    detectors: dict[str, int]
    now_ms: int
    generation: int
    frontier: FrontierState
    revisions: dict[str, int]
    zones: dict[str, dict[str, bytes]]
    seen: list[tuple[str, str, list[Columns]]]
    timers: list[Entry]


_encoder: Final = msgspec.msgpack.Encoder(order="sorted")
_decoder: Final = msgspec.msgpack.Decoder(PartitionState)


class PartitionFold:
    """All detectors over one partition."""

    def __init__(self, detectors: Sequence[Detector[Any]], lateness_ms: int) -> None:
        """Begin with nothing known.

        Args:
            detectors: in the order in which they are asked; their names differ.
            lateness_ms: how much older than the clock a reading may be to be judged, and how long its identity is
                remembered.
        """
        assert len({detector.name for detector in detectors}) == len(detectors), "two detectors of one name"
        self.counts = Counts()
        self._detectors = tuple(detectors)
        self._index = {detector.name: i for i, detector in enumerate(detectors)}
        self._lateness_ms = lateness_ms
        self._floor_ms = -lateness_ms
        self._clock = Clock(0, {})
        self._generation = 0
        self._frontier = Frontier()
        self._revisions: dict[str, int] = {}
        self._zones: dict[str, list[Slot]] = {}
        self._routes: dict[tuple[str, str], _Route] = {}
        self._timers = Timers()
        self._outputs: list[Model] = []

    @property
    def now_ms(self) -> int:
        """The time of the newest tick; 0 before the first."""
        return self._clock.now_ms

    @property
    def timers(self) -> int:
        """How many timers are armed."""
        return len(self._timers)

    def take_counts(self) -> Counts:
        """What was counted since the last call."""
        counts, self.counts = self.counts, Counts()
        return counts

    def fold(self, events: Iterable[Data]) -> list[Model]:
        """Take in events in the order of the log; gives findings and refusals in the order of their causes."""
        for event in events:
            if isinstance(event, BatchColumns):
                self._on_batch(event)
                continue
            self.counts.events += 1
            match event:
                case Tick():
                    self._on_tick(event)
                case CameraEvent():
                    self._on_camera(event)
                case FacilityRegistered():
                    self._on_registry(event.facility.facility, event.facility.zone, event)
                case FacilityLeft():
                    self._on_registry(event.facility, event.zone, event)
                case ZoneConfigured():
                    self._on_registry(f"zone:{event.zone}", event.zone, event)
                case ClockStepped() if event.after > event.before:
                    # A clock that was set back stands still until it is caught up with: that hides nothing.
                    self._on_step(to_ms(event.after) - to_ms(event.before))
                case ShardRetired():
                    self._go_blind(self._frontier.retire(event.shard))
                case _:
                    pass  # markers of the daily rewrite: registrations speak for themselves
        outputs, self._outputs = self._outputs, []
        return outputs

    def _on_batch(self, batch: BatchColumns) -> None:
        routes = [self._route(series) for series in batch.series]
        floor_ms, clock, shard, counts = self._floor_ms, self._clock, batch.shard, self.counts
        counts.events += len(batch.series_index)
        for index, time_ms, value, identity, quality, arrival_ms in zip(
            batch.series_index,
            batch.phenomenon_time,
            batch.result,
            batch.identity,
            batch.result_quality,
            batch.arrival_time,
            strict=True,
        ):
            route = routes[index]
            verdict = route.seen.admit(identity, value, time_ms, floor_ms)
            if verdict is not Verdict.NEW:
                reading = Reading(batch.series[index], time_ms, value, identity, quality, arrival_ms, shard)
                self._refuse(verdict, reading)
                continue
            if quality in _JUDGED and time_ms >= floor_ms:
                slots = route.all
            elif quality == _LATE or quality in _JUDGED:
                counts.late += 1
                quality = _LATE  # noqa: PLW2901 - older than the floor by the clock of the log is late too
                slots = route.late
            else:
                continue  # released from quarantine: kept, never judged
            if slots:
                reading = Reading(batch.series[index], time_ms, value, identity, quality, arrival_ms, shard)
                for slot in slots:
                    self._deliver(slot, reading, clock)

    def _on_camera(self, event: CameraEvent) -> None:
        # One message of a camera becomes an event per kerb zone it touches, all under one identity.
        route = self._memory(event.device, f"camera/{event.facility}")
        said = f"{event.phase}|{event.track}|{event.label}|{event.present}|{event.stationary}"
        time_ms = to_ms(event.phenomenon_time)
        verdict = route.seen.admit(event.identity, float(crc32(said.encode())), time_ms, self._floor_ms)
        if verdict is not Verdict.NEW:
            self._refuse(verdict, event)
            return
        late = event.result_quality == _LATE or time_ms < self._floor_ms
        if event.result_quality != Quality.RELEASED:
            self.counts.late += late
            for slot in self._zone(event.zone):
                if not late or slot.detector.hears_late:
                    self._deliver(slot, event, self._clock)

    def _refuse(self, verdict: Verdict, event: Reading | CameraEvent) -> None:
        if verdict is Verdict.DUPLICATE:
            self.counts.duplicates += 1
        else:
            self.counts.conflicts += 1
            self._outputs.append(refusal.conflicting(event))

    def _on_registry(self, key: str, zone: str, event: FacilityRegistered | FacilityLeft | ZoneConfigured) -> None:
        """Tell it if it says more than was known; the daily rewrite does not."""
        if event.revision:
            if event.revision <= self._revisions.get(key, 0):
                return
            self._revisions[key] = event.revision
        self._tell(zone, event)

    def _on_step(self, by_ms: int) -> None:
        self._frontier.step()
        self._timers.shift(by_ms)
        for zone in sorted(self._zones):
            self._tell(zone, Stepped(by_ms))

    def _on_tick(self, tick: Tick) -> None:
        if tick.generation < self._generation:
            return  # a ticker of a clock that was replaced
        self._generation = tick.generation
        blind = self._frontier.advance(tick)
        clock = self._clock = Clock(max(self._clock.now_ms, to_ms(tick.time)), self._frontier.received)
        self._floor_ms = clock.now_ms - self._lateness_ms
        self._go_blind(blind)
        for entry in self._timers.due(clock.now_ms):
            if self._timers.take(entry):
                at_ms, zone, detector, name = entry
                self._deliver(self._zone(zone)[self._index[detector]], TimerDue(name, at_ms), clock)

    def _go_blind(self, spans: Sequence[Blind]) -> None:
        if spans:
            for zone in sorted(self._zones):
                for span in spans:
                    self._tell(zone, span)

    def _tell(self, zone: str, event: ZoneEvent) -> None:
        for slot in self._zone(zone):
            self._deliver(slot, event, self._clock)

    def _deliver(self, slot: Slot, event: ZoneEvent, clock: Clock) -> None:
        try:
            outcome = slot.fold(event, clock)
        except PoisonError as error:
            self.counts.poison[slot.detector.name] += 1
            cause = error.__cause__ or error
            self._outputs.append(refusal.poison(slot.detector, slot.zone, event, clock, cause))
            return
        if outcome is QUIET:
            return
        self._outputs.extend(outcome.outputs)
        for timer in outcome.timers:
            self._timers.set(slot.zone, slot.detector.name, timer.name, timer.at_ms)

    def _route(self, series: Series) -> _Route:
        route = self._memory(series.device, series.observed_property)
        if route.series != series:  # new, moved, or registered anew
            # One of its own: rows of the same record that were said before go where they said.
            route = self._routes[series.device, series.observed_property] = _Route(route.seen)
            wanted = [slot for slot in self._zone(series.zone) if slot.detector.wants(series)]
            route.series = series
            route.all = wanted
            route.late = [slot for slot in wanted if slot.detector.hears_late]
        return route

    def _memory(self, device: str, what: str) -> _Route:
        key = (device, what)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = _Route(Seen())
        return route

    def _zone(self, zone: str) -> list[Slot]:
        slots = self._zones.get(zone)
        if slots is None:
            slots = self._zones[zone] = [Slot(detector, zone) for detector in self._detectors]
        return slots

    def snapshot(self) -> bytes:
        """The whole state; equal bytes for states that will behave equally."""
        seen = [(*key, self._routes[key].seen.snapshot(self._floor_ms)) for key in sorted(self._routes)]
        return _encoder.encode(
            PartitionState(
                detectors={detector.name: detector.version for detector in self._detectors},
                now_ms=self._clock.now_ms,
                generation=self._generation,
                frontier=self._frontier.state,
                revisions=self._revisions,
                zones={
                    zone: {slot.detector.name: slot.snapshot() for slot in slots} for zone, slots in self._zones.items()
                },
                seen=[entry for entry in seen if entry[2]],
                timers=self._timers.snapshot(),
            )
        )

    @classmethod
    def restore(cls, detectors: Sequence[Detector[Any]], lateness_ms: int, data: bytes) -> "PartitionFold":
        """The state that :meth:`snapshot` wrote with the same detectors.

        Raises:
            ValueError: the bytes are no snapshot, or one of other detectors or other versions of them.
        """
        state = _decoder.decode(data)
        fold = cls(detectors, lateness_ms)
        versions = {detector.name: detector.version for detector in detectors}
        if state.detectors != versions:
            raise ValueError(f"a snapshot of {state.detectors}, not of {versions}")
        fold._frontier = Frontier(state.frontier)
        fold._clock = Clock(state.now_ms, fold._frontier.received)
        fold._generation = state.generation
        fold._revisions = state.revisions
        fold._floor_ms = state.now_ms - lateness_ms
        for zone, slots in state.zones.items():
            fold._zones[zone] = [Slot(detector, zone, slots[detector.name]) for detector in fold._detectors]
        for device, what, columns in state.seen:
            fold._routes[device, what] = _Route(Seen.restore(columns))
        fold._timers = Timers(state.timers)
        return fold
