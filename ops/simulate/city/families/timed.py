"""A camera over stretches of kerb where another policy holds by the hour, and over bays that have sensors of their own.

In the hours of a policy a vehicle stands too long, or nearly; it stands there when they begin, or still when they end;
and before, between, after and on holidays it may stand as long as it likes.
"""

from collections.abc import Iterator
from heapq import merge
from typing import Final

from ops.simulate.city.curb import TIMED_POLICIES, in_force, outside
from ops.simulate.city.draws import Draws
from ops.simulate.city.families.bay import Bays
from ops.simulate.city.families.camera import ROLL_MS, ROOM_MS, Cameras, Stop, Visit
from ops.simulate.city.kerb_sizes import RETURN, TIMED, Hours
from ops.simulate.city.model import Matter, Said, Seen, Thing
from ops.simulate.city.planning import drawn
from ops.simulate.city.sizes import NEAR_SHARE, Size
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility

EDGE_MS: Final = 45 * MINUTE_MS
"""So near to the begin or the end of hours, who stands there has to do with them."""
BEFORE_SHARE: Final = 0.25
"""Of hours, at whose begin somebody stands there."""
AFTER_SHARE: Final = 0.10
"""At whose end."""
BUS_SHARE: Final = 0.15
"""In which a bus stands long, where it may."""
FREE_SHARE: Final = 0.15
"""Of free hours, in which somebody stands as long as he likes."""
WAITS_MIN: Final = (3.0, 40.0)
SHORT_SLOTS: Final = 3
BACK_SHARE: Final = 0.4
FIRST_VISIT_MIN: Final = (4.0, 12.0)
_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SILENT_SHARE: Final = NEAR_SHARE / (1 + NEAR_SHARE)
_NAMES: Final = tuple(TIMED_POLICIES)


class TimedKerbs(Cameras):
    """Its stretches are those of :data:`ops.simulate.city.kerb_sizes.TIMED`, in that order."""

    name = "timed"

    def __init__(self, seed: int, start_ms: int, churn: float, bays: Bays) -> None:
        """``bays`` know when a vehicle really stands in one."""
        super().__init__(seed, start_ms, churn)
        self._bays = bays

    def size(self, kerb: Facility) -> Size:
        """By the name of the kerb."""
        return TIMED[_name(kerb)][0]

    def stops(self, kerb: Facility, day: int) -> list[Stop]:
        """Who is planned, in order."""
        name = _name(kerb)
        size, hours = TIMED[name]
        draws = Draws(self.seed, kerb.facility, "matters", day)
        begin = self.start_ms + day * DAY_MS
        if name == "short":
            return self._short(kerb, size, hours, draws, begin)
        spans = in_force(self.seed, hours, begin)
        found = [self._within(kerb, size, span, draws) for span in spans]
        found += [self._free(kerb, size, span, draws) for span in outside(spans, begin)]
        return sorted((one for one in found if one is not None), key=lambda one: one.stops_ms)

    def _within(self, kerb: Facility, size: Size, span: tuple[int, int], draws: Draws) -> Stop | None:
        """Who has to do with the hours of a policy."""
        first, last = span
        sort = draws.unit()
        waits_ms = int(draws.uniform(*WAITS_MIN) * MINUTE_MS)
        if sort < BEFORE_SHARE:  # what counts is from the begin of the hours
            matter = size.matter(draws, kerb.facility, first, silent=draws.chance(_SILENT_SHARE))
            return Stop(matter, first - waits_ms, matter.end_ms)
        if sort < BEFORE_SHARE + AFTER_SHARE:
            matter = size.matter(draws, kerb.facility, first, silent=True)
            stops_ms = last - (matter.end_ms - matter.start_ms)
            return Stop(matter._replace(start_ms=stops_ms, end_ms=last + waits_ms), stops_ms, last + waits_ms)
        bus = size.kind is AnomalyKind.BUS_STOP_BLOCKED
        if bus and sort < BEFORE_SHARE + AFTER_SHARE + BUS_SHARE:
            return _allowed(kerb, size, span, draws)._replace(label="bus")
        menu = (size._replace(rate=0.75),)
        inside = drawn(draws, menu, kerb.facility, first, (EDGE_MS, last - first - ROOM_MS))
        return None if inside is None else Stop(inside, inside.start_ms, inside.end_ms)

    def _free(self, kerb: Facility, size: Size, span: tuple[int, int], draws: Draws) -> Stop | None:
        """Who stands as long as he likes, where nothing is forbidden."""
        chosen = draws.chance(FREE_SHARE)
        return _allowed(kerb, size, span, draws) if chosen and span[1] - span[0] > 4 * EDGE_MS else None

    def _short(self, kerb: Facility, size: Size, hours: Hours, draws: Draws, begin: int) -> list[Stop]:
        """Who stays too long where that is soon, or comes back too soon; every vehicle is known by its plate."""
        ((first_h, last_h),) = hours.spans
        length = (last_h - first_h) * HOUR_MS // SHORT_SLOTS
        found: list[Stop] = []
        for slot in range(SHORT_SLOTS):
            window = first_h * HOUR_MS + slot * length + ROOM_MS, first_h * HOUR_MS + (slot + 1) * length - EDGE_MS
            plate = _plate(draws)
            if draws.chance(BACK_SHARE):
                found += _back(kerb, draws, begin + window[0], plate)
            elif (matter := drawn(draws, (size._replace(rate=0.6),), kerb.facility, begin, window)) is not None:
                found.append(Stop(matter, matter.start_ms, matter.end_ms, plate=plate))
        return found

    def ordinary(self, draws: Draws, at_ms: int, size: Size) -> Visit:
        """As anywhere; where plates are read, every one is new."""
        visit = super().ordinary(draws, at_ms, size)
        return visit._replace(plate=_plate(draws)) if size.kind is AnomalyKind.PARKING_OVERSTAY else visit

    def says(self, thing: Thing, days: int) -> Iterator[Said | Seen]:
        """Its stretches of kerb, and the bays in its picture."""
        bays = [self._in_bay(thing, bay, len(thing.parts) + index, days) for index, bay in enumerate(thing.beside)]
        return merge(super().says(thing, days), *bays, key=lambda one: one.at_ms)

    def _in_bay(self, thing: Thing, bay: Thing, index: int, days: int) -> Iterator[Seen]:
        draws = Draws(self.seed, bay.facility.facility, "seen")
        zone = next(one.camera_zone for one in bay.facility.devices if one.device == thing.device.name) or ""
        for day in range(days):
            for stops_ms, goes_ms in self._bays.stays(bay, day):
                visit = Visit(stops_ms - int(draws.uniform(*ROLL_MS)), stops_ms, goes_ms, "car")
                yield from self.followed(visit, zone, index, draws)


def _name(kerb: Facility) -> str:
    """The last digit of its own name counts the stretches of its camera."""
    return _NAMES[int(kerb.facility[-1]) - 1]


def _plate(draws: Draws) -> str:
    """Five characters without I and O: so many that nobody bears another's by chance."""
    number = draws.whole(0, len(_LETTERS) ** 5)
    return "豫K" + "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(5))


def _allowed(kerb: Facility, size: Size, span: tuple[int, int], draws: Draws) -> Stop:
    """Longer than the dwell, in peace: whoever speaks of it has not looked at the clock, or at the bus."""
    first, last = span[0] + EDGE_MS, span[1] - EDGE_MS
    length = min(int(size.threshold * draws.uniform(2, 8) * 1000), last - first)
    start = first + int(draws.unit() * (last - first - length))
    matter = Matter(size.kind, kerb.facility, start, start + length, length / 1000, silent=True)
    return Stop(matter, start, start + length)


def _back(kerb: Facility, draws: Draws, first_ms: int, plate: str) -> list[Stop]:
    """Twice the same vehicle."""
    matter = RETURN.matter(draws, kerb.facility, 0, silent=draws.chance(_SILENT_SHARE))
    start = first_ms + draws.whole(0, 60) * MINUTE_MS
    left = start + int(draws.uniform(*FIRST_VISIT_MIN) * MINUTE_MS)
    back = left + int(matter.size * 1000)
    again = matter._replace(start_ms=back, end_ms=back + matter.end_ms)
    return [Stop(None, start, left, plate=plate), Stop(again, back, again.end_ms, plate=plate)]
