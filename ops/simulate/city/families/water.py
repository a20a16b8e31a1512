"""Where water stands: drains, roads after rain, tanks."""

from collections.abc import Iterator
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled
from ops.simulate.city.model import Matter, Thing
from ops.simulate.city.sizes import DRAIN, DRAIN_DEPTH_M, ROAD, TANK, TANK_DEPTH_M
from ops.simulate.model import DAY_MS, MINUTE_MS, Value
from schemas.anomaly import AnomalyKind

RISE_MS: Final = 30 * MINUTE_MS
FALL_MS: Final = 20 * MINUTE_MS
WET_EVERY_MS: Final = 2 * MINUTE_MS
WET_AREA_M2: Final = 100.0


def stage(matter: Matter, threshold: float, base: float, at_ms: int) -> float:
    """How high it stands: through the threshold at the start of a matter, up to its size, through it again at the end."""
    top = matter.size
    if matter.silent:
        reach = matter.start_ms
    else:
        reach = matter.start_ms - int(RISE_MS * (threshold - base) / (top - base))
    if at_ms < reach:
        return base
    if at_ms < matter.end_ms:
        return min(top, base + (top - base) * (at_ms - reach) / RISE_MS)
    return max(base, threshold - (threshold - base) * (at_ms - matter.end_ms) / FALL_MS)


class Drains(Sampled):
    """A hydrostatic gauge in a sewer: the daily wave of a city, rain, and a blockage now and then."""

    name = "drain"
    menu = DRAIN
    interval_ms = 10 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Sizes are shares of the depth; here they become metres."""
        return [one._replace(size=one.size * DRAIN_DEPTH_M) for one in super().matters(thing, day)]

    def values(self, thing: Thing, at_ms: int, matter: Matter | None, draws: Draws) -> tuple[Value, ...]:
        """Metres above the ground of the pipe."""
        of_day = (at_ms - self.start_ms) % DAY_MS / DAY_MS
        base = 0.18 + 0.06 * _wave(of_day) + min(0.25, 0.02 * self.weather.rain(at_ms))
        level = base
        for one in self.matters_near(thing, at_ms):
            level = max(level, stage(one, 0.8 * DRAIN_DEPTH_M, base, at_ms))
        return (Value("water_level", round(max(0.0, level + draws.normal(0.003)), 3)),)

    def matters_near(self, thing: Thing, at_ms: int) -> list[Matter]:
        """What may show at this time, also before and after it is a matter."""
        return self.matters(thing, (at_ms - self.start_ms) // DAY_MS)


class Roads(Sampled):
    """An electronic staff in the lowest point of a road; wet ones report every two minutes."""

    name = "road"
    menu = ROAD
    interval_ms = 15 * MINUTE_MS

    def alarms(self, matter: Matter) -> Iterator[int]:
        """From before the begin to after the end of water."""
        yield from range(matter.start_ms - RISE_MS, matter.end_ms + FALL_MS, WET_EVERY_MS)

    def values(self, thing: Thing, at_ms: int, matter: Matter | None, draws: Draws) -> tuple[Value, ...]:
        """Centimetres of water, and how much road it covers."""
        depth = 0.0
        for one in self.matters(thing, (at_ms - self.start_ms) // DAY_MS):
            depth = max(depth, stage(one, 0.15, 0.0, at_ms))
        shown = max(0.0, depth + (draws.normal(0.001) if depth > 0 else 0.0))
        area = round(WET_AREA_M2 * 4 * depth / 0.15) if depth > 0 else 0
        return Value("water_level", round(100 * shown, 1), "cm"), Value("surface_area", area)


class Tanks(Sampled):
    """A tank that is pumped full and drawn empty, between a fifth and nine tenths on ordinary days."""

    name = "tank"
    menu = TANK
    interval_ms = 10 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Sizes are shares of the depth; here they become metres."""
        return [one._replace(size=one.size * TANK_DEPTH_M) for one in super().matters(thing, day)]

    def values(self, thing: Thing, at_ms: int, matter: Matter | None, draws: Draws) -> tuple[Value, ...]:
        """Metres of water."""
        of_day = (at_ms - self.start_ms) % DAY_MS / DAY_MS
        base = TANK_DEPTH_M * (0.55 + 0.2 * _wave(of_day))
        level = base
        for one in self.matters(thing, (at_ms - self.start_ms) // DAY_MS):
            threshold = TANK_DEPTH_M * (0.95 if one.kind is AnomalyKind.TANK_HIGH else 0.1)
            found = (
                stage(one, threshold, base, at_ms)
                if one.kind is AnomalyKind.TANK_HIGH
                else _drawn_down(one, threshold, base, at_ms)
            )
            if abs(found - base) > abs(level - base):
                level = found
        return (Value("water_level", round(max(0.0, level + draws.normal(0.004)), 3)),)


def _drawn_down(matter: Matter, threshold: float, base: float, at_ms: int) -> float:
    """The same as :func:`stage`, upside down."""
    turned = matter._replace(size=-matter.size)
    return -stage(turned, -threshold, -base, at_ms)


def _wave(of_day: float) -> float:
    """The city's day, 0 to 1: least at four, most at nine and at twenty."""
    hour = 24 * of_day
    morning = max(0.0, 1 - abs(hour - 9) / 4)
    evening = max(0.0, 1 - abs(hour - 20) / 4)
    return max(0.25 if hour > 6 else 0.0, morning, evening)  # noqa: PLR2004 - six in the morning
