"""The detectors in their zones: who is told, what they say, and what becomes of it.

What a fold knows is kept zone by zone; a zone is made when it is met first. Whatever a detector is given, it is given
here, so here is where poison is set aside, works and darkness mark what is said, and what was derived is passed on.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from processors.engine import refusal
from processors.engine.cast import Cast, Trial
from processors.engine.citywide import City
from processors.engine.contract import (
    QUIET,
    Clock,
    Detector,
    Models,
    Outcome,
    Reading,
    Rested,
    Said,
    Series,
    TimerDue,
    Unseen,
    ZoneEvent,
    no_models,
)
from processors.engine.counts import Counts
from processors.engine.dedupe import Verdict
from processors.engine.frontier import Frontier
from processors.engine.journal import Journal
from processors.engine.models import equipped
from processors.engine.route import Route, newest
from processors.engine.slot import Slot
from processors.engine.snapshot import SHARDS, Shard, shard_of
from processors.engine.timers import Timers
from processors.engine.works import NOW_MS, TIMERS
from processors.engine.zone import Zone
from runtime.errors import PoisonError
from schemas.anomaly import Anomaly, Transition
from schemas.camera import CameraEvent
from schemas.model import Model, from_ms
from schemas.shadow import ShadowFinding


class Stage:
    """The zones of one partition and the detectors that are told of them."""

    def __init__(
        self,
        detectors: Sequence[Detector[Any]],
        lateness_ms: int,
        candidates: Sequence[Detector[Any]] = (),
        models: Models = no_models,
    ) -> None:
        """Begin with nothing known.

        Args:
            detectors: in the order in which they are asked; their names differ.
            lateness_ms: how much older than the clock a reading may be to be judged, and how long its identity is
                remembered.
            candidates: other versions, which events may put on trial and promote.
            models: where the detectors find their models; whoever gives us an event sees to it that what it names is
                there.
        """
        self.counts = Counts()
        self._models = models
        self._cast = Cast(equipped(detectors, models), equipped(candidates, models))
        self._lateness_ms = lateness_ms
        self._floor_ms = -lateness_ms
        self._clock = Clock(0, {})
        self._generation = 0
        self._frontier = Frontier()
        self._city = City()
        self._zones: dict[str, Zone | bytes] = {}  # bytes: as a snapshot gave it, and nothing happened there since
        self._shards: list[list[str]] = [[] for _ in range(SHARDS)]  # the zones of each
        self._waiting: dict[int, Shard] = {}  # restored, and further on than the fold
        self._timers = Timers()
        self._outputs: list[Said] = []
        self._derived: deque[tuple[Slot, Reading | Unseen]] = deque()  # from the event at hand

    @property
    def now_ms(self) -> int:
        """The time of the newest tick; 0 before the first."""
        return self._clock.now_ms

    @property
    def received_ms(self) -> int:
        """Up to when everything was received from every shard that is waited for; 0 before the first tick."""
        return min(self._clock.frontier.values(), default=0)

    @property
    def timers(self) -> int:
        """How many timers are armed."""
        return len(self._timers)

    def take_counts(self) -> Counts:
        """What was counted since the last call."""
        counts, self.counts = self.counts, Counts()
        return counts

    def _set_clock(self, now_ms: int) -> None:
        self._clock = Clock(now_ms, self._frontier.received)
        self._floor_ms = now_ms - self._lateness_ms

    def _tell(self, zone: Zone, event: ZoneEvent) -> None:
        for slot in zone.everyone:
            self._deliver(slot, event, self._clock)
        zone.forget_calm()

    def _deliver(self, slot: Slot, event: ZoneEvent, clock: Clock) -> bool:
        """Give a detector an event; False where it raised, and its state is what it was."""
        journal = slot.journal
        if slot.dozes and journal.dozing:
            self._settle(journal, slot)
        if len(journal.entries) >= journal.limit:
            self._renew(journal)
        try:
            outcome = slot.fold(event, clock)
        except PoisonError as error:
            self._set_aside(slot, event, clock, error)
            return False
        if outcome is not QUIET:
            self._take_in(slot, outcome)
        return True

    def _ring(self, slot: Slot, due: TimerDue) -> None:
        """A timer was reached: tell its detector, unless what is kept shows already that there is nothing to do."""
        journal, clock = slot.journal, self._clock
        until_ms = None
        if slot.rests and journal.dozing and len(journal.entries) < journal.limit:
            until_ms = slot.rest(due, clock, newest(journal.dozing))
        if until_ms is None:
            self._deliver(slot, due, clock)
            return
        rested = Rested(due.name, until_ms)
        try:
            self._take_in(slot, slot.fold(rested, clock))
        except PoisonError as error:
            self._set_aside(slot, rested, clock, error)
            journal.write()  # its state was made anew, without what is kept
            for spoilt in slot.relive():
                self._set_aside(spoilt.slot, spoilt.event, spoilt.clock, spoilt.error)

    def _deliver_noted(self, route: Route, slot: Slot, reading: Reading, clock: Clock) -> None:
        """Give a detector a reading that stands in the journal already, as the last."""
        journal = slot.journal
        if slot.dozes and journal.dozing:
            journal.write_before_last()
            self._settle(journal, slot)
        try:
            outcome = slot.fold_noted(reading, clock)
        except PoisonError as error:
            self._set_aside(slot, reading, clock, error)
            return
        route.learnt(slot)
        if outcome is not QUIET:
            self._take_in(slot, outcome)

    def _settle(self, journal: Journal, slot: Slot | None = None) -> None:
        """Tell the calm readings of a zone that were kept, to one or (None) to all."""
        for spoilt in journal.settle_all() if slot is None else journal.settle(slot):
            self._set_aside(spoilt.slot, spoilt.event, spoilt.clock, spoilt.error)

    def _fail(self, route: Route, slots: list[Slot]) -> None:
        """These could not be told what was kept of one series."""
        for spoilt in route.journal.relived(slots):
            self._set_aside(spoilt.slot, spoilt.event, spoilt.clock, spoilt.error)

    def _renew(self, journal: Journal) -> None:
        """The journal is full."""
        self._settle(journal)
        journal.renew()

    def _set_aside(self, slot: Slot, event: ZoneEvent, clock: Clock, error: PoisonError) -> None:
        """A detector raised."""
        zone = self._known(slot.zone)
        zone.forget_ears()
        self.counts.poison[slot.label] += 1
        if slot is not zone.trial:  # of that it is enough that it is counted: nobody sees what it says
            cause = error.__cause__ or error
            self._outputs.append(refusal.poison(slot.detector, slot.zone, event, clock, cause))

    def _take_in(self, slot: Slot, outcome: Outcome) -> None:
        """What a detector had to say."""
        if outcome.outputs:
            self._say(slot, outcome.outputs)
        if outcome.outputs or outcome.stirred:
            self._known(slot.zone).forget_calm()
        if outcome.readings and self._tried(slot) is None:
            self._derived.extend((slot, reading) for reading in outcome.readings)
        if outcome.unseen and self._tried(slot) is None:
            self._derived.extend((slot, word) for word in outcome.unseen)
        for timer in outcome.timers:
            self._timers.set(slot.zone, slot.label, timer.name, timer.at_ms)

    def _say(self, slot: Slot, outputs: Sequence[Model]) -> None:
        for output in outputs:
            said = slot.openings.said(self._marked(slot.zone, output)) if isinstance(output, Anomaly) else output
            self._publish(slot, said)
            if isinstance(said, Anomaly) and said.transition is Transition.RAISED and said.expected:
                self._await_works(self._known(slot.zone))

    def _publish(self, slot: Slot, said: Model) -> None:
        """What the world is told of it; of one on trial its findings."""
        trial = self._tried(slot)
        if trial is None:
            self._outputs.append(said)
        elif isinstance(said, Anomaly):
            self._outputs.append(ShadowFinding(shadow=trial.begun.shadow, finding=said))

    def _await_works(self, zone: Zone) -> None:
        """Look again when works may be over that explain something."""
        ends = [zone.works.until_ms(one) for slot in zone.everyone for one in slot.openings.expected]
        self._timers.set(zone.name, TIMERS, "over", max(self._clock.now_ms, min(ends)) if ends else None)

    def _on_works(self, zone: Zone) -> None:
        """Works may be over: what they explained and still holds is explained no longer.

        What ended it may still be on its way, so everything up to then must have been received.
        """
        for slot in zone.everyone:
            for one in slot.openings.expected:
                until_ms = zone.works.until_ms(one)
                if until_ms <= self.received_ms:
                    at = from_ms(until_ms if until_ms > NOW_MS else self._clock.now_ms)
                    then = one.model_copy(update={"at": max(one.at, at)})
                    self._publish(slot, slot.openings.unexplained(one, at, zone.works.expecting(then)))
        self._await_works(zone)

    def _tried(self, slot: Slot) -> Trial | None:
        trial = self._cast.trial
        return trial if trial is not None and slot.label == trial.label else None

    def _tell_derived(self) -> None:
        """Tell the others what was derived, as if it had been read: all but its own detector, in any version.

        What the device lately sent itself is better than what can be derived for it.
        """
        while self._derived:
            slot, reading = self._derived.popleft()
            if isinstance(reading, Unseen):
                zone = self._known(slot.zone)
                zone.unseen.hear(reading, slot.detector.name)
                self._tell(zone, reading)
                continue
            route = self._known(slot.zone).route(reading.series)
            route.remember()
            if route.seen.was_sent(self._floor_ms):
                continue
            verdict = route.seen.admit(reading.identity, reading.value, reading.time_ms, self._floor_ms)
            if verdict is not Verdict.NEW:
                self._refuse(verdict, reading)
                continue
            self._outputs.append(reading)
            for other in route.all:
                if not other.detector.hears_late and other.detector.name != slot.detector.name:
                    self._deliver(other, reading, self._clock)
                    route.learnt(other)

    def _marked(self, zone: str, finding: Anomaly) -> Anomaly:
        """The finding, marked if works explain it (its later steps take that from the first) or nobody saw its end."""
        if finding.transition is not Transition.RAISED:
            return self._known(zone).unseen.marked(finding)
        works = self._known(zone).works.expecting(finding)
        return finding if works is None else finding.model_copy(update={"expected": works})

    def _refuse(self, verdict: Verdict, event: Reading | CameraEvent) -> None:
        if verdict is Verdict.DUPLICATE:
            self.counts.duplicates += 1
        else:
            self.counts.conflicts += 1
            self._outputs.append(refusal.conflicting(event))

    def _route(self, series: Series) -> Route | None:
        zone = self._zone(series.zone)
        return None if zone is None else zone.route(series)

    def _zone(self, name: str) -> Zone | None:
        """A zone, made when it is met first; None while its shard waits: it knows already what is being said."""
        zone = self._zones.get(name)
        if zone is None:
            shard = shard_of(name)
            if shard in self._waiting:
                return None
            zone = self._zones[name] = Zone(name, self._cast)
            self._shards[shard].append(name)
            for word in self._city:
                self._tell(zone, word)
        return zone if isinstance(zone, Zone) else self._known(name)

    def _known(self, name: str) -> Zone:
        zone = self._zones[name]
        if isinstance(zone, bytes):
            zone = self._zones[name] = Zone.restore(name, self._cast, zone)
        return zone
