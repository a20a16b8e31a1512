"""Manhole covers: a tilt sensor with a magnet switch under the lid.

Over sewers it has a gauge for the water below, and is out of reach when it is carried away; the others know where they
are and go on saying so.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import REACTION_MS, Sampled, holding
from ops.simulate.city.model import Matter, Thing
from ops.simulate.city.planning import drawn
from ops.simulate.city.sizes import COVER, SHAFT_M, WET_COVER
from ops.simulate.model import DAY_MS, MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind

SHAKE_DEG: Final = 0.08
"""Of a sensor that lies still; wheels give more, which its own filter takes out."""
RISE_MS: Final = 20 * MINUTE_MS
CARRIED_MS: Final = 3 * MINUTE_MS
"""After which a stolen one is out of reach, or in another place."""
AWAY_DEG: Final = 0.01
FIX_DEG: Final = 0.00003
"""Error of a position: three metres."""
ALARMS_MS: Final = (REACTION_MS, REACTION_MS + 30 * SECOND_MS)
_OPEN: Final = (AnomalyKind.COVER_OPEN, AnomalyKind.COVER_STOLEN, AnomalyKind.COVER_LIFTED)


class Covers(Sampled):
    """Each was installed at an angle of its own; who moves it wakes the sensor, which reports at once and once more."""

    name = "cover"
    interval_ms = 15 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """One a day at most; water that lifts a cover stands under it before and after."""
        menu = (*COVER, *WET_COVER) if wet(thing) else COVER
        begin = self.start_ms + day * DAY_MS
        found = drawn(self.draws(thing, "matters", day), menu, thing.facility.facility, begin)
        if found is None:
            return []
        if found.kind is AnomalyKind.COVER_STOLEN and wet(thing):
            return [found._replace(shows_ms=CARRIED_MS)]
        if found.kind is not AnomalyKind.COVER_LIFTED:
            return [found]
        below = found._replace(
            kind=AnomalyKind.DRAIN_HIGH,
            start_ms=found.start_ms - RISE_MS,
            end_ms=found.end_ms + RISE_MS,
            also=(),
            apart=True,
        )
        return [below, found]

    def mute(self, thing: Thing, matters: Sequence[Matter], at_ms: int) -> bool:
        """One that was carried out of reach."""
        matter = holding(matters, at_ms)
        if matter is None or matter.kind is not AnomalyKind.COVER_STOLEN or not wet(thing):
            return False
        return at_ms >= matter.start_ms + CARRIED_MS

    def alarms(self, matter: Matter) -> Iterator[int]:
        """At once and once more; while it is carried or the water rises, every minute."""
        for edge in (matter.start_ms, matter.end_ms):
            yield from (edge + after_ms for after_ms in ALARMS_MS)
        if matter.kind is AnomalyKind.COVER_STOLEN:
            yield from range(matter.start_ms + REACTION_MS, matter.start_ms + CARRIED_MS, MINUTE_MS)
            yield from range(matter.start_ms + CARRIED_MS, matter.end_ms, 5 * MINUTE_MS)
        elif matter.kind is AnomalyKind.DRAIN_HIGH:
            yield from range(matter.start_ms, matter.end_ms, 5 * MINUTE_MS)

    def values(self, thing: Thing, at_ms: int, matters: Sequence[Matter], draws: Draws) -> tuple[Value, ...]:
        """Angle, switch, vibration, temperature under the lid; the water; where it is, once it is somewhere else."""
        matter = holding([one for one in matters if one.kind is not AnomalyKind.DRAIN_HIGH], at_ms)
        kind = None if matter is None else matter.kind
        lies = thing.facility.policy.install_angle_deg or 0.0
        angle = lies + draws.normal(SHAKE_DEG) + (0.0 if matter is None else _turned(matter))
        carried = matter is not None and kind is AnomalyKind.COVER_STOLEN
        out = [
            Value("tilt_angle", round(min(abs(angle), 180.0), 1)),
            Value("contact_open", kind in _OPEN),
            Value("vibration", carried),
            Value("temperature", round(self.weather.temperature(at_ms) * 0.5 + 9 + draws.normal(0.2), 1)),
        ]
        if wet(thing):
            level = max((_water(one, at_ms) for one in matters), default=0.0)
            out.append(Value("water_level", round(max(0.0, 0.2 + level + draws.normal(0.005)), 3)))
        else:
            away = matter is not None and carried and at_ms >= matter.start_ms + CARRIED_MS
            off = AWAY_DEG if away else 0.0
            out.append(Value("latitude", round(thing.facility.place.lat + off + draws.normal(FIX_DEG), 6)))
            out.append(Value("longitude", round(thing.facility.place.lon + off + draws.normal(FIX_DEG), 6)))
        return tuple(out)


def wet(thing: Thing) -> bool:
    """Whether there is a gauge below: it is registered with the depth of its shaft."""
    return bool(thing.facility.policy.rules)


def _turned(matter: Matter) -> float:
    """By how much it is away from how it lay, degrees; water lifts it a little."""
    return 18.0 if matter.kind is AnomalyKind.COVER_LIFTED else matter.size


def _water(matter: Matter, at_ms: int) -> float:
    """Above the ordinary, metres: up to its size while it is lifted, up and down in twenty minutes before and after."""
    if matter.kind is not AnomalyKind.DRAIN_HIGH or not matter.holds(at_ms):
        return 0.0
    edge_ms = min(at_ms - matter.start_ms, matter.end_ms - at_ms, RISE_MS)
    return (matter.size * SHAFT_M - 0.2) * edge_ms / RISE_MS
