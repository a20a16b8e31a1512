"""Street lamps with a controller each, and the cabinet that feeds them.

A controller switches by sunset and sunrise, says every ten minutes what it is told to do and what its lamp takes, and
says at once when that changes. When the cabinet loses a phase, many of its lamps are dark; each of them says so itself.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled, holding, in_order
from ops.simulate.city.model import Matter, Said, Thing
from ops.simulate.city.planning import FIRST_MS, LAST_MS, Window, drawn
from ops.simulate.city.sizes import FEEDER, LAMP_DAY, LAMP_NIGHT, VOLTAGE
from ops.simulate.city.sky import UTC_OFFSET_MS, burning, sun
from ops.simulate.model import DAY_MS, MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind

LAMPS: Final = 20
"""Of one feeder."""
STANDBY_W: Final = 0.4
REACTION_MS: Final = 3 * SECOND_MS
SETTLED_MS: Final = 30 * MINUTE_MS
"""After they went on and before they go out; nothing begins or ends in between."""
CYCLE_MS: Final = 4 * MINUTE_MS
_DAYTIME: Final = (AnomalyKind.LAMP_ON_BY_DAY,)


def night(start_ms: int, day: int, draws: Draws) -> Window:
    """The part of a day's darkness before sunrise, or that after sunset."""
    rise, fall = sun((start_ms + UTC_OFFSET_MS) // DAY_MS + day)
    if draws.chance(0.5):
        return FIRST_MS, rise - SETTLED_MS
    return fall + SETTLED_MS, LAST_MS


class Feeders(Sampled):
    """The cabinet: a meter that knows what all its lamps take together."""

    name = "feeder"
    interval_ms = 10 * MINUTE_MS
    alarm_ms = (REACTION_MS,)

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Some of its lamps lose their phase; or (any time) the mains are low, of which lamps of today do not care."""
        low = drawn(self.draws(thing, "voltage", day), VOLTAGE, thing.facility.facility, self.start_ms + day * DAY_MS)
        return [*self._dark(thing, day), *(() if low is None else (low,))]

    def _dark(self, thing: Thing, day: int) -> list[Matter]:
        found = outage(self.seed, self.start_ms, thing.facility.facility, day)
        if found is None:
            return []
        lamps = tuple(part.facility for part in thing.parts)
        dark = dark_lamps(self.seed, thing.facility.facility, found, day)
        if found.silent:
            return [found]
        return [found._replace(also_on=tuple(lamps[index] for index in dark))]

    def values(self, thing: Thing, at_ms: int, matters: Sequence[Matter], draws: Draws) -> tuple[Value, ...]:  # noqa: ARG002 - all cabinets are alike
        """What all of them take, and the mains."""
        dark = holding([one for one in matters if one.kind is AnomalyKind.FEEDER_DARK], at_ms)
        low = holding([one for one in matters if one.kind is AnomalyKind.LIMIT_EXCEEDED], at_ms)
        lit = LAMPS - (round(dark.size * LAMPS) if dark is not None else 0)
        watts = lit * 75.0 if burning(at_ms) else LAMPS * STANDBY_W
        return (
            Value("power", round(watts * (1 + draws.normal(0.01)), 1)),
            Value("voltage", round((229 if low is None else low.size) + draws.normal(1.5), 1)),
        )


def outage(seed: int, start_ms: int, feeder: str, day: int) -> Matter | None:
    """What happens to a feeder on a day; its lamps ask too."""
    draws = Draws(seed, feeder, "matters", day)
    return drawn(draws, FEEDER, feeder, start_ms + day * DAY_MS, night(start_ms, day, draws))


def dark_lamps(seed: int, feeder: str, matter: Matter, day: int) -> list[int]:
    """Which of its lamps are dark then, by their index: always whole lamps, so the size is rounded to them."""
    draws = Draws(seed, feeder, "dark", day)
    order = sorted(range(LAMPS), key=lambda _: draws.unit())
    return sorted(order[: round(matter.size * LAMPS)])


class Lamps(Sampled):
    """One lamp and its controller."""

    name = "lamp"
    interval_ms = 10 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Its own fault; on a day on which its feeder fails it is dark with others, or (in a near-miss) alone."""
        feeder, index = feeder_of(thing)
        failed = outage(self.seed, self.start_ms, feeder, day)
        name = thing.facility.facility
        if failed is not None:
            if index not in dark_lamps(self.seed, feeder, failed, day):
                return []
            dark = LAMP_NIGHT[0].matter(self.draws(thing, "size", day), name, failed.start_ms, silent=False)
            return [dark._replace(end_ms=failed.end_ms, size=0.0, near=False, apart=not failed.silent)]
        draws = self.draws(thing, "matters", day)
        begin = self.start_ms + day * DAY_MS
        found = drawn(draws, LAMP_NIGHT, name, begin, night(self.start_ms, day, draws))
        if found is None:
            rise, fall = sun((self.start_ms + UTC_OFFSET_MS) // DAY_MS + day)
            found = drawn(draws, LAMP_DAY, name, begin, (rise + SETTLED_MS * 2, fall - SETTLED_MS * 2))
        return [] if found is None else [found]

    def says(self, thing: Thing, days: int) -> Iterator[Said]:
        """Every ten minutes and at every change."""
        draws = self.draws(thing, "values")
        rated = rated_w(self.seed, thing)
        phase = draws.whole(0, self.interval_ms)
        for day in range(days):
            begin = self.start_ms + day * DAY_MS
            matters = self.matters(thing, day)
            rise, fall = sun((begin + UTC_OFFSET_MS) // DAY_MS)
            switched = (begin + edge + REACTION_MS for edge in (rise - 15 * MINUTE_MS, fall + 15 * MINUTE_MS))
            changed = (edge + REACTION_MS for matter in matters for edge in _edges(matter))
            for at_ms in in_order(range(begin + phase, begin + DAY_MS, self.interval_ms), switched, changed):
                seen_ms = at_ms - REACTION_MS
                yield Said(at_ms, _values(rated, seen_ms, holding(matters, seen_ms), draws))

    def values(self, thing: Thing, at_ms: int, matters: Sequence[Matter], draws: Draws) -> tuple[Value, ...]:
        """What it takes."""
        return _values(rated_w(self.seed, thing), at_ms, holding(matters, at_ms), draws)


def feeder_of(thing: Thing) -> tuple[str, int]:
    """Its feeder and its number on it, from the name of its controller (``lamp-0001-07``)."""
    _, street, number = thing.device.name.split("-")
    return f"feeder-{street}", int(number) - 1


def rated_w(seed: int, thing: Thing) -> float:
    """What its lamp takes when it burns."""
    return Draws(seed, thing.facility.facility, "rated").one_of((60.0, 75.0, 90.0))


def _edges(matter: Matter) -> Iterator[int]:
    """When what it takes changes."""
    if matter.kind is AnomalyKind.LAMP_CYCLING:
        yield from range(matter.start_ms, matter.end_ms, CYCLE_MS // 2)
    else:
        yield matter.start_ms
    yield matter.end_ms


def _values(rated: float, at_ms: int, matter: Matter | None, draws: Draws) -> tuple[Value, ...]:
    told = burning(at_ms)
    watts = rated if told else STANDBY_W
    if matter is not None:
        match matter.kind:
            case AnomalyKind.LAMP_ON_BY_DAY:
                watts = rated
            case AnomalyKind.LAMP_CYCLING:
                watts = rated if (at_ms - matter.start_ms) // (CYCLE_MS // 2) % 2 else STANDBY_W
            case _:
                watts = rated * matter.size
    watts = max(0.0, watts * (1 + draws.normal(0.01)))
    volts = 229 + draws.normal(1.5)
    return (
        Value("switch_on", told or (matter is not None and matter.kind in _DAYTIME)),
        Value("power", round(watts, 1)),
        Value("voltage", round(volts, 1)),
        Value("current", round(watts / volts, 3)),
    )
