"""Where water stands: drains, roads after rain, tanks."""

from collections.abc import Iterator, Sequence
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled
from ops.simulate.city.model import Matter, Thing
from ops.simulate.city.sizes import (
    DRAIN,
    DRAIN_DEPTH_M,
    DRAIN_SHARE,
    FLOOD_M,
    FLOODED_M2,
    ROAD,
    TANK,
    TANK_DEPTH_M,
    TANK_HIGH_SHARE,
    TANK_LOW_SHARE,
    WATER_M,
)
from ops.simulate.model import DAY_MS, MINUTE_MS, Value
from schemas.anomaly import AnomalyKind

RISE_MS: Final = 30 * MINUTE_MS
FALL_MS: Final = 20 * MINUTE_MS
WET_EVERY_MS: Final = 2 * MINUTE_MS


def stage(matter: Matter, threshold: float, base: float, at_ms: int) -> float:
    """How high water stands above ``base``.

    It is at the threshold when a matter starts, rises to its size, and is at the threshold again when it ends. One that
    must stay silent begins to rise at its start.
    """
    top = matter.size
    early = 0 if matter.silent else int(RISE_MS * (threshold - base) / (top - base))
    reach = matter.start_ms - early
    if at_ms < reach:
        return base
    if at_ms < matter.end_ms:
        return min(top, base + (top - base) * (at_ms - reach) / RISE_MS)
    left = top if matter.silent else threshold
    return max(base, left - (left - base) * (at_ms - matter.end_ms) / FALL_MS)


def drawn_down(matter: Matter, threshold: float, base: float, at_ms: int) -> float:
    """The same upside down, for what is too little."""
    return -stage(matter._replace(size=-matter.size), -threshold, -base, at_ms)


class Drains(Sampled):
    """A hydrostatic gauge in a sewer: the daily wave of a city, rain, and a blockage now and then."""

    name = "drain"
    menu = DRAIN
    interval_ms = 10 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Sizes are shares of the depth; here they become metres."""
        return [one._replace(size=one.size * DRAIN_DEPTH_M) for one in super().matters(thing, day)]

    def values(
        self,
        thing: Thing,  # noqa: ARG002 - all drains are alike
        at_ms: int,
        matters: Sequence[Matter],
        draws: Draws,
    ) -> tuple[Value, ...]:
        """Metres above the ground of the pipe."""
        base = 0.18 + 0.06 * wave(self.start_ms, at_ms) + min(0.25, 0.02 * self.weather.rain(at_ms))
        level = max((stage(one, DRAIN_SHARE * DRAIN_DEPTH_M, base, at_ms) for one in matters), default=base)
        return (Value("water_level", round(max(0.0, level + draws.normal(0.003)), 3)),)


class Roads(Sampled):
    """An electronic staff at the lowest point of a road; a wet one reports every two minutes."""

    name = "road"
    menu = ROAD
    interval_ms = 15 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """A flood, or nearly one; either is water on the road before, and a flooded road is under water."""
        found = super().matters(thing, day)
        floods = [one if one.silent else one._replace(also=(AnomalyKind.ROAD_WATER,)) for one in found]
        return [*map(_first_water, found), *floods]

    def alarms(self, matter: Matter) -> Iterator[int]:
        """From before the begin to after the end of the water."""
        if matter.kind is AnomalyKind.ROAD_FLOODED:
            yield from range(matter.start_ms - RISE_MS, matter.end_ms + FALL_MS + WET_EVERY_MS, WET_EVERY_MS)

    def values(
        self,
        thing: Thing,  # noqa: ARG002 - all roads are alike
        at_ms: int,
        matters: Sequence[Matter],
        draws: Draws,
    ) -> tuple[Value, ...]:
        """Centimetres of water, and how much road it covers."""
        floods = (one for one in matters if one.kind is AnomalyKind.ROAD_FLOODED)
        depth = max((stage(one, FLOOD_M, 0.0, at_ms) for one in floods), default=0.0)
        shown = max(0.0, depth + (draws.normal(0.001) if depth > 0 else 0.0))
        return (
            Value("water_level", round(100 * shown, 1), "cm"),
            Value("surface_area", round(4 * FLOODED_M2 * depth / FLOOD_M)),
        )


def _first_water(flood: Matter) -> Matter:
    """The water of a flood, from when the road gets wet until it is flooded or, of what never is, until it is gone.

    Who warns early, by how fast it rises, is right; the warning by depth comes at 5 cm.
    """
    reach = flood.start_ms - (0 if flood.silent else int(RISE_MS * FLOOD_M / flood.size))
    deep = reach + int(RISE_MS * WATER_M / flood.size)
    end = flood.end_ms if flood.silent else flood.start_ms
    needs = max(0, min(2 * WET_EVERY_MS, end - deep))
    return flood._replace(
        kind=AnomalyKind.ROAD_WATER, start_ms=reach, end_ms=end, silent=False, near=False, needs_ms=needs
    )


class Tanks(Sampled):
    """A tank that is pumped full and drawn empty, between half and three quarters on ordinary days."""

    name = "tank"
    menu = TANK
    interval_ms = 10 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Sizes are shares of the depth; here they become metres."""
        return [one._replace(size=one.size * TANK_DEPTH_M) for one in super().matters(thing, day)]

    def values(
        self,
        thing: Thing,  # noqa: ARG002 - all tanks are alike
        at_ms: int,
        matters: Sequence[Matter],
        draws: Draws,
    ) -> tuple[Value, ...]:
        """Metres of water."""
        base = TANK_DEPTH_M * (0.55 + 0.2 * wave(self.start_ms, at_ms))
        level = base
        for one in matters:
            if one.kind is AnomalyKind.TANK_HIGH:
                level = stage(one, TANK_HIGH_SHARE * TANK_DEPTH_M, base, at_ms)
            else:
                level = drawn_down(one, TANK_LOW_SHARE * TANK_DEPTH_M, base, at_ms)
        return (Value("water_level", round(max(0.0, level + draws.normal(0.004)), 3)),)


def wave(start_ms: int, at_ms: int) -> float:
    """The day of a city, 0 to 1: least at four, most at nine and at twenty."""
    hour = (at_ms - start_ms) % DAY_MS / DAY_MS * 24
    morning, evening = 1 - abs(hour - 9) / 4, 1 - abs(hour - 20) / 4
    return max(0.25 if hour > 6 else 0.0, morning, evening)  # noqa: PLR2004 - six in the morning
