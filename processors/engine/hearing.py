"""What devices say, to those who hear it: columns of readings, and messages of cameras."""

from collections.abc import Sequence
from typing import Final
from zlib import crc32

from processors.engine.contract import CALM_LAG_MS, QUIET, Clock, Ear, Reading, Series
from processors.engine.dedupe import NEW, ORDINAL_MAX
from processors.engine.journal import Told
from processors.engine.route import Route
from processors.engine.slot import Slot
from processors.engine.stage import Stage
from processors.engine.zone import Zone
from runtime.errors import PoisonError
from schemas.camera import CameraEvent
from schemas.columns import BatchColumns
from schemas.model import to_ms
from schemas.observation import JUDGED, Quality

_UNTIMED: Final = int(Quality.UNTIMED)  # as good as those above it: it was measured when it came
_LATE: Final = int(Quality.LATE)
_RELEASED: Final = int(Quality.RELEASED)
_HEAVIER: Final = 3
"""A message of a camera is kept in the room of so many more readings: journals of them end sooner."""
Row = tuple[Series, int, float, str, int, int, str, Clock]
"""As :class:`processors.engine.contract.Kept`, of which none is made for its own sake."""
_JUDGED: Final = frozenset(int(quality) for quality in JUDGED)


def _mark(event: CameraEvent) -> float:
    """What tells two messages of one number apart."""
    said = f"{event.phase}|{event.track}|{event.label}|{event.present}|{event.stationary}"
    return float(crc32(said.encode()))


class Hearing(Stage):
    """The detectors, and who among them hears what."""

    def _on_batch(self, batch: BatchColumns) -> None:  # noqa: C901, PLR0912, PLR0915 - of every reading: a call costs as much as the work
        series, routes = batch.series, self._routes(batch.series)
        floor_ms, clock, shard, counts = self._floor_ms, self._clock, batch.shard, self.counts
        now_ms = clock.now_ms
        fresh_ms = max(floor_ms, now_ms - CALM_LAG_MS)
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
            if route is None:
                continue
            ordinal = -1
            if (
                route.low <= value <= route.high
                and route.time_ms < time_ms < route.until_ms
                and quality <= _UNTIMED
                and time_ms >= fresh_ms
                and time_ms - route.time_ms <= route.gap_ms
                and -route.room <= value - route.value <= route.room
                and now_ms <= route.quiet_ms
            ):
                if identity == route.next:
                    ordinal = route.after + 1
                elif identity.startswith(route.prefix):
                    number, tail = identity[route.start :], ""
                    if not route.is_numbered:
                        number, _, tail = number.partition(":")
                    if number.isdecimal() and "@" not in tail:  # else of several channels, or none of ours
                        ordinal = int(number)
            entry = (series[index], time_ms, value, identity, quality, arrival_ms, shard, clock)
            kept = route.kept
            if route.after < ordinal <= ORDINAL_MAX and len(kept) < route.room_left:
                if not kept:
                    route.journal.dozing.append(route)
                kept.append(entry)
                route.after = ordinal
                if route.is_numbered:
                    route.next = f"{route.prefix}{ordinal + 1}"
                route.time_ms, route.value, route.quiet_ms = time_ms, value, now_ms + route.pause_ms
                ears = route.attentive
                if not ears:
                    continue
                route.write()
            else:
                journal = route.journal
                if len(journal.entries) >= journal.limit:
                    self._renew(journal)
                ears = self._meet(route, entry)
                if not ears:
                    continue
                journal.entries.append(entry)
            for ear, slot in ears:
                try:
                    if quality <= _UNTIMED and ear(time_ms, value, identity, arrival_ms, now_ms, shard):
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
            if ears is route.ears and quality <= _UNTIMED:
                route.doze(time_ms, value, now_ms)

    def _routes(self, series: Sequence[Series]) -> list[Route | None]:
        """Where the readings of each go; None: they are known already."""
        zones, found = self._zones, []
        for one in series:
            zone = zones.get(one.zone)
            # As Zone.route has it: of nearly every reading, without a call.
            route = zone.routes.get((one.device, one.observed_property)) if zone.__class__ is Zone else None
            found.append(route if route is not None and route.series == one else self._route(one))
        return found

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
        time_ms = to_ms(event.phenomenon_time)
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
