"""Parking bays with a sensor in the ground: demand by the hour, most stay well below what is allowed, some do not.

On some lies an object now and then, which a magnet may take for a car or not; on some a neighbour has put a lock, which
is up at night, and now and then for more than a day. Over some hangs a camera, with which the sensor may disagree.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled, in_order
from ops.simulate.city.kerb_sizes import BAY, CONFLICT, LOCK, MAX_STAY_S, SEEING_BAY
from ops.simulate.city.model import Matter, Said, Thing
from ops.simulate.city.planning import FIRST_MS, drawn
from ops.simulate.city.sky import local
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind

OPENS_MS: Final = 6 * HOUR_MS
CLOSES_MS: Final = 22 * HOUR_MS
ROOM_MS: Final = 5 * MINUTE_MS
LONGEST_SHARE: Final = 0.75
"""Of what is allowed, that an ordinary visit takes at most."""
REACTION_MS: Final = 5 * SECOND_MS
NIGHT_MS: Final = (30 * MINUTE_MS, 5 * HOUR_MS + 30 * MINUTE_MS)
"""When an ordinary lock is up: from then to then, of the day."""
BLOCK_DAYS: Final = 2
"""A lock stays up for more than a day, so its days come in pairs."""
VISIT_MIN: Final = (5.0, 40.0)
"""How long somebody stands there whose coming or going the sensor misses for a while."""
_BUSY: Final = (8, 9, 10, 11, 14, 15, 16, 17, 18, 19)

Span = tuple[int, int]


class _Plan(NamedTuple):
    """What a matter makes of a bay; in all that time nobody else comes."""

    whole: Span
    stands: Span | None = None
    """A vehicle does."""
    felt: Span | None = None
    """The sensor feels something."""


class Bays(Sampled):
    """Says at once when somebody comes or goes, and at its interval that it is alive and what stands there."""

    name = "bay"
    menu = BAY

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Stays that are too long, or nearly; who comes so late that he would stay over midnight stays away.

        A lock that is up for long, which begins on this day, may last into the next: on neither is there anything else.
        """
        if LOCKS in thing.device.senses and (lock := self._lock(thing, day)) is not None:
            return [lock] if day % BLOCK_DAYS == 0 else []
        draws = self.draws(thing, "matters", day)
        begin = self.start_ms + day * DAY_MS
        menu = (*BAY, *(SEEING_BAY if OBJECTS in thing.device.senses else ()), *(CONFLICT if thing.witnesses else ()))
        found = drawn(draws, menu, thing.facility.facility, begin, (OPENS_MS, DAY_MS - HOUR_MS))
        return [] if found is None else [found]

    def _lock(self, thing: Thing, day: int) -> Matter | None:
        first = day - day % BLOCK_DAYS
        begin, window = self.start_ms + first * DAY_MS, (FIRST_MS, BLOCK_DAYS * DAY_MS - HOUR_MS)
        return drawn(self.draws(thing, "lock", first), LOCK, thing.facility.facility, begin, window)

    def says(self, thing: Thing, days: int) -> Iterator[Said]:
        """Comings, goings, signs of life."""
        draws = self.draws(thing, "values")
        every_ms = int((thing.device.interval_s or 0) * 1000)
        phase = draws.whole(0, every_ms)
        senses = thing.device.senses
        for day in range(days):
            begin = self.start_ms + day * DAY_MS
            felt = self._felt(thing, day)
            objects = [(one.start_ms, one.end_ms) for one in self.matters(thing, day) if one.kind in _OBJECT]
            locked = self._locked(thing, day) if LOCKS in senses else []
            edges = (edge + REACTION_MS for one in (*felt, *objects, *locked) for edge in one)
            within = (at_ms for at_ms in edges if begin <= at_ms < begin + DAY_MS)
            for at_ms in in_order(range(begin + phase, begin + DAY_MS, every_ms), within):
                seen_ms = at_ms - REACTION_MS
                values = self._said(at_ms, draws, taken=_during(felt, seen_ms))
                if OBJECTS in senses:
                    values += (Value(OBJECTS, _during(objects, seen_ms)),)
                if LOCKS in senses:
                    values += (Value(LOCKS, _during(locked, seen_ms)),)
                yield Said(at_ms, values)

    def _said(self, at_ms: int, draws: Draws, *, taken: bool) -> tuple[Value, ...]:
        temperature = round(self.weather.temperature(at_ms) + 2 + draws.normal(0.3), 1)
        return Value("occupied", taken), Value("temperature", temperature)

    def stays(self, thing: Thing, day: int) -> list[Span]:
        """From when to when a vehicle stands there, whatever the sensor says."""
        planned = (plan.stands for plan in self._plans(thing, day) if plan.stands is not None)
        return sorted((*self._visits(thing, day), *planned))

    def _felt(self, thing: Thing, day: int) -> list[Span]:
        """From when to when the sensor says that something does."""
        planned = (plan.felt for plan in self._plans(thing, day) if plan.felt is not None)
        return sorted((*self._visits(thing, day), *planned))

    def _plans(self, thing: Thing, day: int) -> list[_Plan]:
        lock = self._lock(thing, day) if LOCKS in thing.device.senses else None
        if lock is not None:
            return [_Plan((lock.start_ms, lock.end_ms))]
        return [_planned(one, self.draws(thing, "plan", day)) for one in self.matters(thing, day)]

    def _locked(self, thing: Thing, day: int) -> list[Span]:
        lock = self._lock(thing, day)
        if lock is not None:
            return [(lock.start_ms, lock.end_ms)]
        begin = self.start_ms + day * DAY_MS
        return [(begin + NIGHT_MS[0], begin + NIGHT_MS[1])]

    def _visits(self, thing: Thing, day: int) -> list[Span]:
        """Who comes besides what was planned, and fits around it."""
        begin = self.start_ms + day * DAY_MS
        draws = self.draws(thing, "stays", day)
        planned = [plan.whole for plan in self._plans(thing, day)]
        stays: list[Span] = []
        at_ms = begin + OPENS_MS
        while at_ms < begin + CLOSES_MS:
            busy = int(local(at_ms).hour) in _BUSY
            at_ms += ROOM_MS + int(draws.wait(25 if busy else 90) * MINUTE_MS)
            stay_ms = int(min(300 + draws.wait(2400), MAX_STAY_S * LONGEST_SHARE) * SECOND_MS)
            if at_ms + stay_ms > begin + DAY_MS - HOUR_MS:
                break
            clash = next(
                (one for one in planned if at_ms < one[1] + ROOM_MS and at_ms + stay_ms > one[0] - ROOM_MS), None
            )
            if clash is not None:
                at_ms = clash[1]
                continue
            stays.append((at_ms, at_ms + stay_ms))
            at_ms += stay_ms
        return stays


OBJECTS: Final = "obstruction"
"""Its sensor tells what is no vehicle, as that of one maker does."""
LOCKS: Final = "lock_raised"
"""A lock stands before it, and the sensor tells whether it is up."""
_OBJECT: Final = (AnomalyKind.BAY_BLOCKED,)


def _planned(matter: Matter, draws: Draws) -> _Plan:
    """What a matter makes of a bay: who is there, and what the sensor feels."""
    start, end = whole = (matter.start_ms, matter.end_ms)
    first = draws.chance(0.5)
    visit_ms = int(draws.uniform(*VISIT_MIN) * MINUTE_MS)
    match matter.kind:
        case AnomalyKind.BAY_BLOCKED:  # iron is taken for a car, wood is not
            return _Plan(whole, felt=whole if first else None)
        case AnomalyKind.SENSOR_CAMERA_CONFLICT:
            if first:  # somebody comes, and is felt late
                return _Plan((start, end + visit_ms), (start, end + visit_ms), (end, end + visit_ms))
            return _Plan((start - visit_ms, end), (start - visit_ms, start), (start - visit_ms, end))
        case _:
            return _Plan(whole, whole, whole)


def _during(spans: Sequence[Span], at_ms: int) -> bool:
    return any(first <= at_ms < last for first, last in spans)
