"""What devices say, to those who hear it: columns of readings, and messages of cameras."""

from typing import Final
from zlib import crc32

from processors.engine.calm import UNTIMED, lead, sift
from processors.engine.contract import CALM_LAG_MS, QUIET, Ear, Reading
from processors.engine.dedupe import NEW
from processors.engine.journal import Told
from processors.engine.kept import Row
from processors.engine.route import Route
from processors.engine.slot import Slot
from processors.engine.stage import Stage
from processors.engine.zone import Zone
from runtime.errors import PoisonError
from schemas.camera import CameraEvent
from schemas.columns import BatchColumns
from schemas.observation import JUDGED, Quality

_LATE: Final = int(Quality.LATE)
_RELEASED: Final = int(Quality.RELEASED)
_HEAVIER: Final = 3
"""A message of a camera is kept in the room of so many more readings: journals of them end sooner."""
_JUDGED: Final = frozenset(int(quality) for quality in JUDGED)


def _mark(event: CameraEvent) -> float:
    """What tells two messages of one number apart."""
    said = f"{event.phase}|{event.track}|{event.label}|{event.present}|{event.stationary}"
    return float(crc32(said.encode()))


class Hearing(Stage):
    """The detectors, and who among them hears what."""

    def _on_batch(self, batch: BatchColumns) -> None:
        self.counts.events += len(batch.series_index)
        fresh_ms = max(self._floor_ms, self._clock.now_ms - CALM_LAG_MS)
        sift(batch, lead(batch.series, self._zones, self._route), self._clock, fresh_ms, self._hear, self._fail)

    def _hear(self, route: Route, entry: Row, ears: list[tuple[Ear, Slot]] | None) -> None:
        """Let a reading be heard, by these if it was kept."""
        _, time_ms, value, identity, quality, arrival_ms, shard, clock = entry
        if ears is None:
            journal = route.journal
            if len(journal.entries) >= journal.limit:
                self._renew(journal)
            ears = self._meet(route, entry)
            if not ears:
                return
            journal.entries.append(entry)
        for ear, slot in ears:
            try:
                if quality <= UNTIMED and ear(time_ms, value, identity, arrival_ms, clock.now_ms, shard):
                    continue
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, the fold will meet it again and say so
                slot.journal.write_before_last()
                slot.take_back()
                self._known(slot.zone).forget_ears()
            self._deliver_noted(route, slot, Reading._make(entry[:-1]), clock)
        if self._derived:
            self._tell_derived()
        if ears is route.ears and quality <= UNTIMED:
            route.doze(time_ms, value, clock.now_ms)

    def _meet(self, route: Route, entry: Row) -> list[tuple[Ear, Slot]] | None:
        """Who is to hear a reading that is not kept; None: nobody, and what was to be said of it is said."""
        series, time_ms, value, identity, quality, arrival_ms, shard, _ = entry
        if route.journal.dozing:
            self._settle(route.journal)
        verdict = route.seen.admit(identity, value, time_ms, self._floor_ms)
        if verdict is not NEW:
            self._refuse(verdict, Reading(series, time_ms, value, identity, quality, arrival_ms, shard))
            return None
        route.wake()  # what was offered knows nothing of it: neither that its number is taken, nor that time went on
        if quality not in _JUDGED or time_ms < self._floor_ms:
            if quality == _LATE or quality in _JUDGED:  # else released from quarantine: kept, never judged
                # Older than the floor by the clock of the log is late too.
                self._on_late(route, Reading(series, time_ms, value, identity, _LATE, arrival_ms, shard))
            return None
        return route.ears if route.ears is not None else route.listen()

    def _on_late(self, route: Route, reading: Reading) -> None:
        self.counts.late += 1
        for slot in route.late:
            self._deliver(slot, reading, self._clock)
            route.learnt(slot)
        if self._derived:
            self._tell_derived()

    def _on_camera(self, event: CameraEvent) -> None:
        # One message of a camera becomes an event per kerb zone it touches, all under one identity.
        zone = self._zone(event.zone)
        if zone is None:
            return
        time_ms = int(event.seen)
        device, facility, identity = event.device, event.facility, event.identity
        route = zone.memory(device, f"camera/{facility}")
        # Where cameras do not number their words, the identity says itself what was said.
        mark = _mark(event) if identity.startswith("a") else 0.0
        verdict = route.seen.admit(identity, mark, time_ms, self._floor_ms)
        if verdict is not NEW:
            self._refuse(verdict, event)
            return
        if event.result_quality == _RELEASED:
            return
        late = event.result_quality == _LATE or time_ms < self._floor_ms
        self.counts.late += late
        if route.seers is None:
            route.seers = [slot for slot in zone.everyone if slot.sees(device, facility)]
        self._show(zone, [slot for slot in route.seers if slot.detector.hears_late] if late else route.seers, event)
        if zone.kin:
            for kin in zone.kin.get(("facility", facility), ()):  # what bays say may be news now
                kin.wake()

    def _show(self, zone: Zone, seers: list[Slot], event: CameraEvent) -> None:
        clock, journal = self._clock, zone.journal
        if len(journal.entries) >= journal.limit:
            self._renew(journal)
        for slot in seers:
            if slot.dozes and journal.dozing:
                self._settle(journal, slot)
            try:
                outcome = slot.fold_noted(event, clock, 0)
            except PoisonError as error:
                self._set_aside(slot, event, clock, error)
                continue
            journal.entries.append(Told(slot, event, clock))
            journal.limit -= _HEAVIER
            if outcome is not QUIET:
                self._take_in(slot, outcome)
