"""Cameras over stretches of kerb: cars pass, stop for a moment, and now and then stay where they must not.

As Frigate tells it: an object is followed from ``new`` to ``end``, counts as still ten seconds after it stopped, is
spoken of every minute while it stands, and may be lost and found again under another id, when the light changes or a
lorry passes (its issues 2842 and 7281).
"""

import math
from collections.abc import Iterator
from heapq import merge
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.kerb_sizes import KERB
from ops.simulate.city.model import Box, Matter, Said, Seen, Thing
from ops.simulate.city.planning import drawn
from ops.simulate.city.sizes import Size
from ops.simulate.city.sky import local
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind
from schemas.camera import TrackPhase
from schemas.facility import Facility

SLOTS: Final = 4
"""Parts of the day in which a stretch of kerb has a matter each, or none."""
ROLL_MS: Final = (1_500, 4_000)
"""From where the camera sees it first to where it stops."""
STILL_MS: Final = 10 * SECOND_MS
SETTLES_MS: Final = 3 * SECOND_MS
"""After it stopped, Frigate has its best picture of it, and says so."""
UPDATE_MS: Final = MINUTE_MS
LEAVES_MS: Final = 4 * SECOND_MS
ROOM_MS: Final = 2 * MINUTE_MS
CHURN_SHARE: Final = 0.3
"""Of tracks that change their id within ten minutes."""
CHURN_MEAN_MS: Final = -10 * MINUTE_MS / math.log(1 - CHURN_SHARE)
LOST_MS: Final = (1_000, 8_000)
STOPPING: Final = 0.35
LONGEST_SHARE: Final = 0.5
"""Of the dwell, that an ordinary stop takes at most."""
BUSES: Final = 0.6
_LABELS: Final = ("car", "car", "car", "truck", "motorcycle")


class Visit(NamedTuple):
    """A vehicle in a stretch of kerb: it comes, stands from ``stops_ms`` (None: it only passes), and goes."""

    come_ms: int
    stops_ms: int | None
    go_ms: int
    label: str
    plate: str | None = None


class Stop(NamedTuple):
    """A vehicle that was planned, and what is the matter with it, if anything is."""

    matter: Matter | None
    stops_ms: int
    goes_ms: int
    label: str = "car"
    plate: str | None = None


class Cameras:
    """One camera and the stretches of kerb in its picture (the parts of the thing)."""

    name = "camera"

    def __init__(self, seed: int, start_ms: int, churn: float) -> None:
        """``churn`` scales how often ids change."""
        self.seed = seed
        self.start_ms = start_ms
        self.churn = churn

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """Of every stretch of kerb, up to four a day."""
        stops = (stop for part in thing.parts for stop in self.stops(part, day))
        return [stop.matter for stop in stops if stop.matter is not None]

    def size(self, kerb: Facility) -> Size:
        """What is the matter when somebody stands there."""
        return KERB[kerb.policy.activity or "no_stopping"]

    def stops(self, kerb: Facility, day: int) -> list[Stop]:
        """Who is planned to stand there, in order."""
        size = self.size(kerb)
        draws = Draws(self.seed, kerb.facility, "matters", day)
        begin = self.start_ms + day * DAY_MS
        length = 22 * HOUR_MS // SLOTS
        found = []
        for slot in range(SLOTS):
            first = HOUR_MS + slot * length
            menu = (size._replace(rate=size.rate / SLOTS),)
            matter = drawn(draws, menu, kerb.facility, begin, (first + ROOM_MS, first + length - ROOM_MS))
            if matter is not None:
                found.append(Stop(matter, matter.start_ms, matter.end_ms))
        return found

    def says(self, thing: Thing, days: int) -> Iterator[Said | Seen]:
        """What it sees in each stretch, and every five minutes that pictures come."""
        streams: list[Iterator[Said | Seen]] = [self._well(thing, days)]
        streams += [self._seen(thing, kerb, index, days) for index, kerb in enumerate(thing.parts)]
        return merge(*streams, key=lambda one: one.at_ms)

    def _well(self, thing: Thing, days: int) -> Iterator[Said]:
        phase = Draws(self.seed, thing.facility.facility, "well").whole(0, 300) * SECOND_MS
        for at_ms in range(self.start_ms + phase, self.start_ms + days * DAY_MS, 5 * MINUTE_MS):
            yield Said(at_ms, (Value("fault", False),))  # noqa: FBT003 - a value, not a switch

    def _seen(self, thing: Thing, kerb: Facility, index: int, days: int) -> Iterator[Seen]:
        draws = Draws(self.seed, kerb.facility, "tracks")
        zone = next(one.camera_zone for one in kerb.devices if one.device == thing.device.name) or ""
        for day in range(days):
            for visit in self._visits(kerb, day, draws):
                yield from self.followed(visit, zone, index, draws)

    def _visits(self, kerb: Facility, day: int, draws: Draws) -> Iterator[Visit]:
        """Who comes on a day, one after the other: what was planned, and who fits around it."""
        size = self.size(kerb)
        begin = self.start_ms + day * DAY_MS
        planned = self.stops(kerb, day)
        at_ms = begin + int(draws.wait(5) * MINUTE_MS)
        while planned or at_ms < begin + DAY_MS - HOUR_MS:
            following = planned[0] if planned else None
            if following is not None and at_ms > following.stops_ms - ROOM_MS:
                come_ms = following.stops_ms - int(draws.uniform(*ROLL_MS))
                yield Visit(come_ms, *following[1:])
                at_ms = following.goes_ms + ROOM_MS
                del planned[0]
                continue
            visit = self.ordinary(draws, at_ms, size)
            if following is None or visit.go_ms + LEAVES_MS < following.stops_ms - ROLL_MS[1]:
                yield visit
            at_ms = visit.go_ms + LEAVES_MS + 5 * SECOND_MS
            at_ms += int(draws.wait(_gap_min(at_ms)) * MINUTE_MS)

    def ordinary(self, draws: Draws, at_ms: int, size: Size) -> Visit:
        """Most pass, some stop for a moment; a bus may stand at its stop."""
        bus = size.kind is AnomalyKind.BUS_STOP_BLOCKED and draws.chance(BUSES)
        label = "bus" if bus else draws.one_of(_LABELS)
        if not draws.chance(STOPPING):
            return Visit(at_ms, None, at_ms + int(draws.uniform(3, 8) * SECOND_MS), label)
        stops_ms = at_ms + int(draws.uniform(*ROLL_MS))
        stays_s = draws.uniform(5, size.threshold * LONGEST_SHARE)
        return Visit(at_ms, stops_ms, stops_ms + int(stays_s * SECOND_MS), label)

    def followed(self, visit: Visit, zone: str, index: int, draws: Draws) -> Iterator[Seen]:
        """The messages of one vehicle: under one id, or under several when it is lost and found again."""
        since_ms = visit.come_ms
        score = round(draws.uniform(0.72, 0.97), 3)
        left = 60 + 180 * index + draws.whole(0, 60)
        box = Box(left, 300 + draws.whole(0, 40), left + 140, 390 + draws.whole(0, 40))

        def seen(at_ms: int, phase: TrackPhase, track: str, *, inside: bool = True, still: bool = False) -> Seen:
            zones = (zone,) if inside else ()
            stood_ms = 0 if visit.stops_ms is None or not inside else at_ms - max(visit.stops_ms, since_ms)
            stood_s = max(0, stood_ms) / 1000
            return Seen(at_ms, phase, track, visit.label, zones, still, score, stood_s, box, since_ms, visit.plate)

        while True:
            track = f"{since_ms / 1000:.6f}-{draws.whole(0, 36**6):06x}"[:24]
            lost_ms = visit.go_ms
            if visit.stops_ms is not None and self.churn > 0:
                lost_ms = since_ms + int(draws.wait(CHURN_MEAN_MS / self.churn))
            found_ms = lost_ms + int(draws.uniform(*LOST_MS))
            lost = found_ms + SECOND_MS < visit.go_ms
            until_ms = lost_ms if lost else visit.go_ms
            yield seen(since_ms, TrackPhase.NEW, track)
            if visit.stops_ms is not None:
                at_ms = max(visit.stops_ms, since_ms) + SETTLES_MS
                if at_ms < until_ms:
                    yield seen(at_ms, TrackPhase.UPDATE, track)
                at_ms += STILL_MS - SETTLES_MS
                while at_ms < until_ms:
                    yield seen(at_ms, TrackPhase.UPDATE, track, still=True)
                    at_ms += UPDATE_MS
            if lost:
                yield seen(until_ms, TrackPhase.END, track)
                since_ms = found_ms
                continue
            yield seen(visit.go_ms, TrackPhase.UPDATE, track, inside=False)
            yield seen(visit.go_ms + LEAVES_MS, TrackPhase.END, track, inside=False)
            return


def _gap_min(at_ms: int) -> float:
    """Between two vehicles in one stretch of kerb, in the mean."""
    hour = local(at_ms).hour
    return 60.0 if hour < 6 or hour >= 23 else 4.0 if 7 <= hour < 20 else 12.0  # noqa: PLR2004 - hours of the day
