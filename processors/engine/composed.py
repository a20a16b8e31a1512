"""The composed fold of one partition of ``city.events.v1`` over all detectors.

Pure: what comes out depends on the events that went in and their order, never on how they were cut into records or
polls, nor on where and when it runs. Detectors are given one event at a time, so outputs come in the order of their
causes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from processors.engine import refusal, snapshot
from processors.engine.cast import Registration, about, is_news
from processors.engine.citywide import City
from processors.engine.contract import (
    Blind,
    Detector,
    ModelMissingError,
    Models,
    Said,
    Stepped,
    TimerDue,
    no_models,
)
from processors.engine.errors import SnapshotError
from processors.engine.frontier import Frontier
from processors.engine.hearing import Hearing
from processors.engine.models import model_of
from processors.engine.openings import Steps
from processors.engine.present import present
from processors.engine.slot import Slot
from processors.engine.snapshot import SHARDS, Shard
from processors.engine.works import TIMERS
from processors.engine.zone import Zone
from schemas.anomaly import Anomaly
from schemas.camera import CameraEvent
from schemas.carrier import NO_DISTRICT, DeviceCarried
from schemas.clock import ClockStepped, ShardRetired, Tick
from schemas.columns import BatchColumns
from schemas.envelope import Data
from schemas.model import from_ms, to_ms
from schemas.registry import CityWide, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.shadow import ShadowBegun, ShadowEnded, ShadowPromoted
from schemas.water import WaterNetworkConfigured
from schemas.works import MaintenancePlanned


class PartitionFold(Hearing):
    """All detectors over one partition."""

    def fold(self, events: Iterable[Data]) -> list[Said]:
        """Take in events in the order of the log; gives what is said of them in the order of its causes."""
        for event in events:
            if isinstance(event, BatchColumns):
                self._on_batch(event)
                continue
            self.counts.events += 1
            if isinstance(event, CameraEvent):
                self._on_camera(event)
                if self._derived:
                    self._tell_derived()
                continue
            match event:
                case Tick() | ClockStepped() | ShardRetired():
                    self._on_time(event)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | WaterNetworkConfigured():
                    self._on_registry(event)
                case CityWide() | MaintenancePlanned():
                    self._on_plan(event)
                case ShadowBegun() | ShadowEnded() | ShadowPromoted():
                    self._on_shadow(event)
                case Anomaly() | DeviceCarried():
                    self._on_district(event)
                case _:
                    pass  # markers of the daily rewrite: registrations speak for themselves
            self._tell_derived()
        outputs, self._outputs = self._outputs, []
        return outputs

    def _on_registry(self, event: Registration) -> None:
        """Tell it if it says more than was known; the daily rewrite does not."""
        key, name = about(event)
        zone = self._zone(name)
        if zone is None:
            return
        told: list[tuple[Slot, Registration]] = []
        noted: list[dict[str, int]] = []
        if is_news(zone.revisions, key, event.revision):
            told += [(slot, self._cast.sees(slot.detector, event)) for slot in zone.slots]
            noted.append(zone.revisions)
        if zone.trial is not None and is_news(zone.heard, key, event.revision):
            assert self._cast.trial is not None, "a zone has one on trial only during a trial"
            told.append((zone.trial, self._cast.trial.sees(event)))
            noted.append(zone.heard)
        if not told or not self._is_at_hand(zone, event):
            return  # what was set aside is news again when the daily rewrite repeats it
        if event.revision:
            for known in noted:
                known[key] = event.revision
        heard = [self._deliver(slot, seen, self._clock) for slot, seen in told]
        zone.forget_ears()
        if isinstance(event, WaterNetworkConfigured):
            zone.named(event.model, only=all(heard) and len(heard) == len(zone.everyone))

    def _is_at_hand(self, zone: Zone, event: Registration) -> bool:
        """Whether detectors can look up what an event names; where they cannot, it is set aside."""
        digest = model_of(event)
        if digest is None:
            return True
        try:
            self._models(digest)
        except ModelMissingError as error:
            self.counts.poison["engine"] += 1
            self._outputs.append(refusal.without_model(event, zone.name, self._clock, error))
            return False
        return True

    def _on_plan(self, event: CityWide | MaintenancePlanned) -> None:
        """Tell every zone, if it says more than was known of the city; works are no detector's business."""
        if isinstance(event, MaintenancePlanned):
            if (here := self._zone(event.zone)) is not None:
                here.works.hear(event, self._clock.now_ms)
                self._await_works(here)
        elif self._city.hear(event):
            for name in sorted(self._zones):
                zone = self._known(name)
                self._tell(zone, event)
                zone.forget_ears()

    def _on_district(self, event: Anomaly | DeviceCarried) -> None:
        """In a fold over findings a district is what a zone is in a fold over readings."""
        district = event.district if isinstance(event, DeviceCarried) else event.place.district or NO_DISTRICT
        if (zone := self._zone(district)) is not None:
            self._tell(zone, event)

    def _on_shadow(self, event: ShadowBegun | ShadowEnded | ShadowPromoted) -> None:
        zones = [self._known(name) for name in sorted(self._zones)]  # decoded as long as they are of this cast
        self.settle()
        if isinstance(event, ShadowBegun):
            trial = self._cast.begin(event)
            if trial is not None:
                for zone in zones:
                    zone.begin(trial)
                    for word in (*self._city, *zone.unseen):
                        self._deliver(zone.slot(trial.label), word, self._clock)
            return
        promoted = isinstance(event, ShadowPromoted)
        trial = self._cast.end(event.shadow, promoted=promoted)
        if trial is None:
            return
        steps = Steps(trial.detector.version, from_ms(self._clock.now_ms)) if promoted else None
        for zone in zones:
            self._outputs += zone.end(steps)
            if promoted:
                for word in zone.unseen.taken_back(trial.detector.name):
                    self._tell(zone, word)
                self._timers.relabel(zone.name, trial.detector.name, None)
            self._timers.relabel(zone.name, trial.label, trial.detector.name if promoted else None)

    def _on_time(self, event: Tick | ClockStepped | ShardRetired) -> None:
        match event:
            case Tick():
                self._on_tick(event)
            case ClockStepped() if event.after > event.before:
                # A clock that was set back stands still until it is caught up with: that hides nothing.
                self._on_step(to_ms(event.after) - to_ms(event.before))
            case ShardRetired():
                self._go_blind(self._frontier.retire(event.shard))
            case _:
                pass

    def _on_step(self, by_ms: int) -> None:
        self._frontier.step()
        self._timers.shift(by_ms)
        for name in sorted(self._zones):
            self._tell(self._known(name), Stepped(by_ms))
            self._await_works(self._known(name))  # they end by the calendar

    def _on_tick(self, tick: Tick) -> None:
        if tick.generation < self._generation:
            return  # a ticker of a clock that was replaced
        self._generation = tick.generation
        blind = self._frontier.advance(tick)
        self._set_clock(max(self._clock.now_ms, to_ms(tick.time)))
        clock = self._clock
        self._go_blind(blind)
        for entry in self._timers.due(clock.now_ms):
            if self._timers.take(entry):
                at_ms, zone, label, name = entry
                if label == TIMERS:
                    self._on_works(self._known(zone))
                else:
                    self._ring(self._known(zone).slot(label), TimerDue(name, at_ms))

    def _go_blind(self, spans: Sequence[Blind]) -> None:
        if spans:
            for name in sorted(self._zones):
                zone = self._known(name)
                for span in spans:
                    self._tell(zone, span)

    def settle(self) -> None:
        """Tell detectors what was kept from them so far; what is found comes out the same, now or later."""
        for name in sorted(self._zones):
            self._settle(self._known(name).journal)

    # snapshots

    def snapshot(self, shard: int, offset: int) -> bytes:
        """The state of one shard; equal bytes for states that will behave equally.

        Args:
            shard: which.
            offset: of the input record that comes next.
        """
        names = self._shards[shard]
        names.sort()
        for name in names:
            self._settle(self._known(name).journal)
        return snapshot.encode(
            Shard(
                shard=shard,
                offset=offset,
                lateness_ms=self._lateness_ms,
                cast=self._cast.state,
                now_ms=self._clock.now_ms,
                generation=self._generation,
                frontier=self._frontier.state,
                zones={name: self._known(name).snapshot(self._floor_ms, self._clock.now_ms) for name in names},
                timers=self._timers.snapshot(names),
                models=sorted({digest for name in names for digest in self._known(name).models}),
                city=self._city.state,
            )
        )

    @classmethod
    def restore(
        cls,
        detectors: Sequence[Detector[Any]],
        lateness_ms: int,
        shards: Iterable[bytes],
        candidates: Sequence[Detector[Any]] = (),
        models: Models = no_models,
    ) -> tuple["PartitionFold", int]:
        """The state that :meth:`snapshot` wrote, and the offset from which on the log is to be folded.

        Args:
            detectors: as those of the snapshots, or of later versions that can take over their states.
            lateness_ms: as in the constructor.
            shards: all of them, each at the offset at which it happened to be written.
            candidates: as in the constructor.
            models: as in the constructor.

        Raises:
            SnapshotError: they are no snapshots, of other detectors or versions, or name a model that is gone. Of
                bytes that are sound on the outside, it may come later, from :meth:`fold`.
        """
        fold = cls(detectors, lateness_ms, candidates, models)
        try:
            return fold, fold._restore([snapshot.decode(data) for data in shards])
        except (SnapshotError, MemoryError):
            raise
        except Exception as error:  # whatever it is, it says that these are no snapshots of ours
            raise SnapshotError(f"{type(error).__name__}: {error}") from error

    def _restore(self, found: Sequence[Shard]) -> int:
        if {shard.shard for shard in found} != set(range(SHARDS)):
            raise SnapshotError(f"{len(found)} of {SHARDS} shards")
        for digest in sorted({digest for shard in found for digest in shard.models}):
            self._models(digest)
        first = min(found, key=lambda shard: shard.offset)
        self._cast.take_over(first.cast)
        self._city = City(first.city)
        self._waiting = {shard.shard: present(shard, self._cast, self._lateness_ms) for shard in found}
        self._frontier = Frontier(first.frontier)
        self._generation = first.generation
        self._set_clock(first.now_ms)
        self.reach(first.offset)
        return first.offset

    @property
    def waiting(self) -> bool:
        """Whether shards of a snapshot stand further on than the fold, which must be told how far it is."""
        return bool(self._waiting)

    def reach(self, offset: int) -> None:
        """The record at this offset comes next: shards that stand there take part from now on."""
        for shard in [shard for shard in self._waiting.values() if shard.offset <= offset]:
            del self._waiting[shard.shard]
            self._zones.update(shard.zones)
            self._shards[shard.shard] = list(shard.zones)
            self._timers.add(shard.timers)
