"""What most sensors have in common: a report every interval, and more when something happens."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Matter, Said, Thing
from ops.simulate.city.planning import Window, drawn
from ops.simulate.city.sizes import Size
from ops.simulate.city.sky import Weather
from ops.simulate.model import DAY_MS, SECOND_MS, Value

REACTION_MS = 2 * SECOND_MS


class Sampled:
    """A family whose devices sample; subclasses say what they measure.

    One matter a day at most. ``menu`` and ``interval_ms`` are the family's; ``alarm_ms`` tells when, from the begin and
    the end of a matter, a device that notices reports at once.
    """

    name: ClassVar[str]
    menu: ClassVar[Sequence[Size]] = ()
    interval_ms: ClassVar[int]
    alarm_ms: ClassVar[Sequence[int]] = ()
    window: ClassVar[Window | None] = None

    def __init__(self, seed: int, start_ms: int, weather: Weather) -> None:
        self.seed = seed
        self.start_ms = start_ms
        self.weather = weather

    def draws(self, thing: Thing, purpose: str, *more: object) -> Draws:
        """Draws of this facility for this purpose."""
        return Draws(self.seed, thing.facility.facility, purpose, *more)

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """At most one."""
        draws = self.draws(thing, "matters", day)
        found = drawn(draws, self.menu, thing.facility.facility, self.start_ms + day * DAY_MS, self.window)
        return [] if found is None else [found]

    def says(self, thing: Thing, days: int) -> Iterator[Said]:
        """Its reports in order."""
        draws = self.draws(thing, "values")
        phase = draws.whole(0, self.interval_ms)
        for day in range(days):
            begin = self.start_ms + day * DAY_MS
            matters = self.matters(thing, day)
            alarms = (at_ms for matter in matters for at_ms in self.alarms(matter))
            for at_ms in in_order(range(begin + phase, begin + DAY_MS, self.interval_ms), alarms):
                if not self.mute(thing, matters, at_ms):
                    yield Said(at_ms, self.values(thing, at_ms, matters, draws))

    def mute(self, thing: Thing, matters: Sequence[Matter], at_ms: int) -> bool:  # noqa: ARG002 - most are never
        """Whether it cannot be heard then."""
        return False

    def alarms(self, matter: Matter) -> Iterator[int]:
        """When a device reports besides its interval."""
        for edge in (matter.start_ms, matter.end_ms):
            for after_ms in self.alarm_ms:
                yield edge + after_ms

    def values(self, thing: Thing, at_ms: int, matters: Sequence[Matter], draws: Draws) -> tuple[Value, ...]:
        """What it measures then; ``matters`` are all of the day."""
        raise NotImplementedError


def in_order(*times: Iterable[int]) -> Sequence[int]:
    """All of them, each once, in little room: a large city holds those of a day for every device."""
    return array("q", sorted(set().union(*times)))


def holding(matters: Sequence[Matter], at_ms: int) -> Matter | None:
    """The first of them that is going on."""
    return next((one for one in matters if one.holds(at_ms)), None)
