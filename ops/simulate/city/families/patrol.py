"""A camera on a sweeper that drives through a street every half hour and looks at its roads and sidewalks.

What reads its pictures says of every surface what is wrong with it, in several pictures of a pass, or that nothing is;
now and then a shadow or a puddle looks like damage, in one picture.
"""

from collections.abc import Iterator
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Defect, Matter, Thing
from ops.simulate.city.planning import drawn
from ops.simulate.city.sizes import ROAD_SURFACE, SIDEWALK_SURFACE
from ops.simulate.city.sky import Weather
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.anomaly import AnomalyKind
from schemas.camera import TrackPhase
from schemas.facility import Facility, FacilityClass

FIRST_MS: Final = 6 * HOUR_MS
LAST_MS: Final = 22 * HOUR_MS
PASS_MS: Final = 30 * MINUTE_MS
FRAME_MS: Final = 400
FRAMES: Final = 5
SEEN_SHARE: Final = 0.9
"""Of the pictures of a damage, in which it is recognised."""
SHADOW_SHARE: Final = 0.02
"""Of passes over a sound surface, in which something looks like damage."""
CLEAR: Final = "surface_clear"
_LABELS: Final = {
    AnomalyKind.PAVEMENT_DAMAGED: "pothole",
    AnomalyKind.SIDEWALK_DAMAGED: "sidewalk_damaged",
    AnomalyKind.GARBAGE_EXPOSED: "garbage_exposed",
    AnomalyKind.COVER_MISSING: "cover_missing",
}

_SHADOWS: Final = {FacilityClass.ROAD_SECTION: "pothole", FacilityClass.SIDEWALK: "sidewalk_damaged"}


class Patrols:
    """One sweeper a street."""

    name = "patrol"

    def __init__(self, seed: int, start_ms: int, weather: Weather) -> None:
        self.seed = seed
        self.start_ms = start_ms
        self.weather = weather

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Of every surface, one a day at most."""
        return [one for part in thing.parts if (one := self._matter(part, day)) is not None]

    def _matter(self, surface: Facility, day: int) -> Matter | None:
        menu = SIDEWALK_SURFACE if surface.facility_class is FacilityClass.SIDEWALK else ROAD_SURFACE
        draws = Draws(self.seed, surface.facility, "surface", day)
        begin = self.start_ms + day * DAY_MS
        return drawn(draws, menu, surface.facility, begin, (FIRST_MS, LAST_MS))

    def says(self, thing: Thing, days: int) -> Iterator[Defect]:
        """Pass by pass, surface by surface, picture by picture."""
        draws = Draws(self.seed, thing.facility.facility, "pictures")
        phase = draws.whole(0, PASS_MS)
        for day in range(days):
            begin = self.start_ms + day * DAY_MS
            matters = {part.facility: self._matter(part, day) for part in thing.parts}
            for pass_ms in range(begin + FIRST_MS + phase, begin + LAST_MS, PASS_MS):
                for index, part in enumerate(thing.parts):
                    at_ms = pass_ms + index * 15_000
                    yield from self._looked(thing, part, at_ms, matters[part.facility], draws)

    def _looked(
        self, thing: Thing, part: Facility, at_ms: int, matter: Matter | None, draws: Draws
    ) -> Iterator[Defect]:
        zone = next(one.camera_zone for one in part.devices if one.device == thing.device.name) or ""
        track, place = f"{part.facility}-{at_ms // 1000}", part.place
        if matter is None or not matter.holds(at_ms):
            if draws.chance(SHADOW_SHARE):
                label, score = _SHADOWS[part.facility_class], round(draws.uniform(0.32, 0.6), 2)
                area = round(draws.uniform(0.2, 0.8), 2)
                yield Defect(at_ms, TrackPhase.NEW, track, label, zone, score, area, place.lon, place.lat)
            else:
                yield Defect(at_ms, TrackPhase.NEW, track, CLEAR, zone, 0.9, None, place.lon, place.lat)
            return
        phase = TrackPhase.NEW
        for frame in range(FRAMES):
            if not draws.chance(SEEN_SHARE):
                continue
            score = round(draws.uniform(0.72, 0.95), 2)
            sized = matter.kind is not AnomalyKind.COVER_MISSING
            measured = round(matter.size * (1 + draws.normal(0.004)), 3) if sized else None
            lon = round(place.lon + draws.normal(0.00001), 6)
            lat = round(place.lat + draws.normal(0.00001), 6)
            label = _LABELS[matter.kind]
            yield Defect(at_ms + frame * FRAME_MS, phase, track, label, zone, score, measured, lon, lat)
            phase = TrackPhase.UPDATE
