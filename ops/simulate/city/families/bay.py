"""Parking bays with a sensor in the ground: demand by the hour, most stay well below what is allowed, some do not."""

from collections.abc import Iterator
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled, in_order
from ops.simulate.city.model import Matter, Said, Thing
from ops.simulate.city.planning import drawn
from ops.simulate.city.sizes import BAY, MAX_STAY_S, SEEING_BAY
from ops.simulate.city.sky import local
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind

OPENS_MS: Final = 6 * HOUR_MS
CLOSES_MS: Final = 22 * HOUR_MS
ROOM_MS: Final = 5 * MINUTE_MS
LONGEST_SHARE: Final = 0.75
"""Of what is allowed, that an ordinary visit takes at most."""
REACTION_MS: Final = 5 * SECOND_MS
_BUSY: Final = (8, 9, 10, 11, 14, 15, 16, 17, 18, 19)


class Bays(Sampled):
    """Says at once when somebody comes or goes, and every ten minutes that it is alive and what stands there."""

    name = "bay"
    menu = BAY
    interval_ms = 10 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Stays that are too long, or nearly; who comes so late that he would stay over midnight stays away."""
        draws = self.draws(thing, "matters", day)
        begin = self.start_ms + day * DAY_MS
        menu = (*BAY, *SEEING_BAY) if sees_objects(thing) else BAY
        found = drawn(draws, menu, thing.facility.facility, begin, (OPENS_MS, DAY_MS - HOUR_MS))
        return [] if found is None else [found]

    def says(self, thing: Thing, days: int) -> Iterator[Said]:
        """Comings, goings, signs of life."""
        draws = self.draws(thing, "values")
        phase = draws.whole(0, self.interval_ms)
        for day in range(days):
            begin = self.start_ms + day * DAY_MS
            stays = self._stays(thing, day, draws)
            blocked = [one for one in self.matters(thing, day) if one.kind is AnomalyKind.BAY_BLOCKED]
            edges = (edge + REACTION_MS for stay in stays for edge in stay)
            for at_ms in in_order(range(begin + phase, begin + DAY_MS, self.interval_ms), edges):
                seen_ms = at_ms - REACTION_MS
                taken = any(come <= seen_ms < go for come, go in stays)
                values = self._said(at_ms, draws, taken=taken)
                if sees_objects(thing):
                    values += (Value("obstruction", any(one.holds(seen_ms) for one in blocked)),)
                yield Said(at_ms, values)

    def _said(self, at_ms: int, draws: Draws, *, taken: bool) -> tuple[Value, ...]:
        temperature = round(self.weather.temperature(at_ms) + 2 + draws.normal(0.3), 1)
        return Value("occupied", taken), Value("temperature", temperature)

    def _stays(self, thing: Thing, day: int, draws: Draws) -> list[tuple[int, int]]:
        """From when to when somebody stands there: what was planned, and who fits around it."""
        begin = self.start_ms + day * DAY_MS
        planned = [(one.start_ms, one.end_ms) for one in self.matters(thing, day)]
        stays: list[tuple[int, int]] = []
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
        return sorted((*stays, *planned))


def sees_objects(thing: Thing) -> bool:
    """Whether its sensor tells what is no vehicle: those of one maker, which speak for themselves."""
    return thing.device.format == "eyes"
