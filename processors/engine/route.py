"""Where the readings of one series go: which of them were seen, who hears them, and which may wait.

Most readings say nothing that must be known at once. Those within what all detectors offered as calm
(:class:`processors.engine.contract.Calm`) are kept here and told when anything else happens in the zone.
"""

import math
from typing import Final

from processors.engine.contract import ANY_MS, Absorb, Calm, Ear, Series, deaf, nothing
from processors.engine.dedupe import NO_PREFIX, Seen
from processors.engine.journal import Dozer, Journal
from processors.engine.kept import NOTHING, Kept
from processors.engine.slot import Slot, unheard

_ASKED_AGAIN_MS: Final = 3_600_000
"""Event time after which those who could do without nothing so far are asked again."""
_WORTH: Final = 5
"""Of so many readings in a row all but the last should have been kept."""
_PATIENCE_MAX: Final = 63
_NEVER: Final = math.inf  # no value is as large: nothing is calm


class Absorbing:
    """Somebody who takes in what is kept of one series, and how much of it he has.

    Where that state was made anew, from a journal in which all of it stands as well, he takes it in for nobody.
    """

    __slots__ = ("absorb", "slot", "until_ms", "upto")

    def __init__(self, slot: Slot, absorb: Absorb, until_ms: int) -> None:
        self.slot = slot
        self.absorb = absorb
        self.until_ms = until_ms
        self.upto = 0

    def take_in(self, kept: Kept) -> bool:
        """Take in what is new; False: it raised, and whoever it belongs to must live it all again."""
        upto = self.upto
        if upto == kept.count:
            return True
        self.upto = kept.count
        try:
            until_ms = self.absorb(kept, upto)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the fold will meet it again and say so
            return False
        if until_ms is not None:
            self.until_ms = min(until_ms, ANY_MS)
        return True


class Route:
    """Of one device and property."""

    __slots__ = (
        "absorbs",
        "after",
        "all",
        "asked",
        "attentive",
        "dozes",
        "ears",
        "gap_ms",
        "high",
        "is_numbered",
        "journal",
        "kept",
        "kin",
        "lane",
        "late",
        "low",
        "patience",
        "pause_ms",
        "prefix",
        "quiet_ms",
        "remembered",
        "replaced",
        "room",
        "room_left",
        "seen",
        "seers",
        "series",
        "start",
        "time_ms",
        "until_ms",
        "value",
        "wait",
        "written",
    )

    def __init__(self, seen: Seen, journal: Journal) -> None:
        self.seen = seen
        self.journal = journal
        self.series: Series | None = None
        self.all: list[Slot] = []
        self.late: list[Slot] = []
        self.kin: tuple[list[Route], ...] = ()
        """Those of the same device, and of the same facility."""
        self.ears: list[tuple[Ear, Slot]] | None = None
        """Of those in ``all`` to whom its readings may say anything; None: to be asked for."""
        self.seers: list[Slot] | None = None
        """As ears, of messages of a camera."""
        self.kept: Kept = NOTHING
        """Calm readings that not all were told who keep them."""
        self.dozes = False
        """Whether it stands among those of the journal that do."""
        self.written = 0
        """So many of them stand in the journal."""
        self.remembered = 0
        """So many of them stand among what was seen."""
        self.room_left = 0
        """So many may be kept before some of what was seen is to be forgotten."""
        self.absorbs: list[Absorbing] = []
        """Who takes in what was kept."""
        self.attentive: list[tuple[Ear, Slot]] = []
        """Who hears also what is kept, at once."""
        self.replaced = False
        self.asked: int | None = None
        """How many were seen when detectors were asked last what may be kept."""
        self.wait, self.patience = 1, 0
        """Readings until they are asked again, and how many those were the last time. Behind a snapshot all begin
        anew, and few speak twice before the present is reached."""
        self.low = _NEVER
        self.high = self.room = self.value = 0.0
        self.time_ms = self.gap_ms = self.until_ms = self.pause_ms = self.quiet_ms = 0
        self.prefix, self.start, self.is_numbered = NO_PREFIX, 0, True
        self.lane, self.after = seen.lane, -1

    def listen(self) -> list[tuple[Ear, Slot]]:
        """Ask for ears."""
        assert self.series is not None, "it leads somewhere"
        found = [(slot.ear(self.series), slot) for slot in self.all]
        self.ears = [(ear, slot) for ear, slot in found if ear is not deaf]
        return self.ears

    def learnt(self, slot: Slot) -> None:
        """It heard a reading in full: it may have an ear now that had none, and what was calm may be so no more."""
        for at, (ear, one) in enumerate(self.ears or ()):
            if one is slot and ear is unheard:
                assert self.series is not None, "it leads somewhere"
                assert self.ears is not None, "one of them"
                self.ears[at] = slot.ear(self.series), slot
        if slot.dozes:
            for kin in self.kin:
                for route in kin:
                    route.wake()

    def replace(self) -> None:
        """Another stands in its place; what it is still given takes the long way."""
        self.write()
        self.remember()
        self.replaced = True
        self.forget()
        for kin in self.kin:
            kin.remove(self)
        self.kin = ()

    def begin(self) -> Kept:
        """Keep from now on."""
        journal = self.journal
        if not self.dozes:
            self.dozes = True
            journal.dozing.append(self)
        kept = self.kept = Kept(self.series, self.prefix, journal.whences, None if self.is_numbered else [])
        return kept

    def write(self) -> None:
        """Note in the journal what was kept since the last time."""
        kept, written = self.kept, self.written
        if written < kept.count:
            self.written = kept.count
            self.journal.note(kept, written)

    def remember(self) -> None:
        """Note among what was seen what was kept since the last time: before anybody looks there."""
        kept, remembered = self.kept, self.remembered
        if remembered < kept.count:
            self.remembered = kept.count
            self.lane.extend(kept, remembered, self.start)

    def tell(self) -> list[Slot]:
        """Tell all what was kept, and begin anew; gives those who raised, who must live it all again."""
        kept, failed, until_ms = self.kept, [], ANY_MS
        self.write()
        for one in self.absorbs:
            if not one.take_in(kept):
                failed.append(one.slot)
            one.upto = 0
            until_ms = min(until_ms, one.until_ms)
        self.until_ms = until_ms
        self.remember()
        self.kept, self.written, self.remembered = NOTHING, 0, 0
        self.room_left = self.lane.room
        return failed

    def tell_one(self, slot: Slot) -> bool:
        """Tell one of them; False: it raised, and must live it all again."""
        kept, done, until_ms = self.kept, True, ANY_MS
        for one in self.absorbs:
            if one.slot is slot and one.upto < kept.count:
                self.write()
                done = one.take_in(kept)
            until_ms = min(until_ms, one.until_ms)
        self.until_ms = until_ms
        return done

    def wake(self) -> None:
        """Nothing is calm until detectors say so again."""
        self.low = _NEVER

    def forget(self) -> None:
        """What ears and offers held on to may be gone."""
        self.ears = self.seers = None
        self.wake()

    def doze(self, time_ms: int, value: float, now_ms: int) -> None:
        """Ask what may be kept from now on, if that is worth it; these are of the reading that all have just heard."""
        if self.wait:
            self.wait -= 1
        elif self._is_worth_asking():
            self._ask(time_ms, value, now_ms)

    def _is_worth_asking(self) -> bool:
        """It costs as much as some readings: where little was kept after the last time, it is done less often."""
        seen, asked = len(self.seen.lane.ordinals), self.asked
        self.asked = seen
        if asked is None or not 0 <= seen - asked < _WORTH:
            self.patience = 0 if asked is not None else self.patience
            return True
        self.wait = self.patience = min(2 * self.patience + 1, _PATIENCE_MAX)
        self.asked = None
        return False

    def _ask(self, time_ms: int, value: float, now_ms: int) -> None:
        prefix, lane = self.seen.prefix, self.seen.lane
        if self.replaced or prefix == NO_PREFIX or "@" in prefix or not self.ears or lane.room <= 0:
            return
        offers: list[tuple[Slot, Calm]] = []
        attentive: list[tuple[Ear, Slot]] = []
        assert self.series is not None, "it leads somewhere"
        for ear, slot in self.ears:
            if ear is unheard:
                return
            calm = slot.calm(self.series)
            if calm is None:
                attentive.append((ear, slot))
            elif calm.prefix is not None and calm.prefix != (prefix if self.seen.is_numbered else ""):
                return
            else:
                offers.append((slot, calm))
        if not offers:
            return
        calms = [calm for _, calm in offers]
        if any(calm.newest_ms > time_ms for calm in calms):
            return
        # Whoever takes in nothing stands here as well where what it offered ends.
        self.absorbs = [
            Absorbing(slot, calm.absorb, min(calm.until_ms, ANY_MS))
            for slot, calm in offers
            if calm.absorb is not nothing or calm.until_ms < ANY_MS
        ]
        self.absorbs += [Absorbing(slot, nothing, time_ms + _ASKED_AGAIN_MS) for _, slot in attentive if slot.dozes]
        self.attentive = attentive
        self.low = max(calm.low for calm in calms)
        self.high = min(calm.high for calm in calms)
        self.room = min(calm.room for calm in calms)
        self.gap_ms = min(ANY_MS, *(calm.gap_ms for calm in calms))
        self.until_ms = min((one.until_ms for one in self.absorbs), default=ANY_MS)
        self.pause_ms = min(ANY_MS, *(calm.pause_ms for calm in calms))
        self.after = max(lane.newest, *(calm.after for calm in calms))
        self.time_ms, self.value, self.quiet_ms = time_ms, value, now_ms + self.pause_ms
        self.prefix, self.start, self.lane, self.is_numbered = prefix, len(prefix), lane, self.seen.is_numbered
        self.room_left = lane.room


def newest(dozing: list[Dozer]) -> dict[str, int]:
    """Of each device of which readings are kept by these, the clock time of the newest."""
    found: dict[str, int] = {}
    for route in dozing:
        kept = route.kept
        if kept.count and route.series is not None:
            device = route.series.device
            if found.get(device, -1) < kept.now_ms:
                found[device] = kept.now_ms
    return found
