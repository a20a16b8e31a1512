"""From one camera message to what it says about each curb zone it touches."""

import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple

from ingest.batches import Batches
from ingest.ledger import AckLedger
from ingest.recent import Bounded
from ingest.registry import Registry, View
from ingest.writer import Writer
from runtime.settings import Settings
from schemas.camera import Box, CameraEvent, CameraObservation, TrackPhase
from schemas.model import Moment
from schemas.observation import Quality
from schemas.topics import EVENTS

TRACKS_MAX: Final = 100_000


class Sighting(NamedTuple):
    """Whether the object is in the zone of one view, or was when its track ended."""

    view: View
    present: bool
    lost: bool = False


class Tracks:
    """Where each tracked object stood last; bounded, and empty after a restart.

    Of a track we do not know (any more), every message that is not its first also says of all zones it does not name
    that it is not in them: it may have been before we began to listen.
    """

    def __init__(self, count_max: int = TRACKS_MAX) -> None:
        self._places: Bounded[Standing] = Bounded(count_max)

    def __len__(self) -> int:
        return len(self._places)

    def split(self, device: str, seen: CameraObservation, views: tuple[View, ...]) -> list[Sighting]:
        """One sighting per zone the message touches or the object has left, in the order of the views."""
        key = f"{device}\0{seen.track}"
        ended = seen.phase is TrackPhase.END
        known = self._places.get(key)
        before = None if known is None else known.places
        here = _places(seen, views, known)
        now = frozenset() if ended else here
        unheard = seen.phase is not TrackPhase.NEW
        out: list[Sighting] = []
        for view in views:
            place = _place(view)
            if place is None:  # the whole picture is the zone
                out.append(Sighting(view, present=not ended))
            elif place in now:
                out.append(Sighting(view, present=True))
            elif (unheard if before is None else place in before) or (ended and place in here):
                out.append(Sighting(view, present=False, lost=ended and place in here))
        if ended:
            self._places.pop(key, None)
        else:
            self._places.put(key, Standing(now, seen.box, views))
        return out

    def clear(self) -> None:
        """Forget everything: what we last said of the tracks may not have reached the log."""
        self._places.clear()


class Standing(NamedTuple):
    """The places in which an object stood, and by which box and views that was decided."""

    places: frozenset[str | tuple[str, ...]]
    box: Box | None
    views: tuple[View, ...]


def _place(view: View) -> str | tuple[str, ...] | None:
    """What a view looks at: the camera's own zone, or a facility in a polygon; None: the whole picture."""
    return view.camera_zone if view.polygon is None else (view.facility.facility,)


def _places(
    seen: CameraObservation, views: tuple[View, ...], known: Standing | None
) -> frozenset[str | tuple[str, ...]]:
    """Where an object stands: the zones that the camera names, and polygons with the bottom centre of its box."""
    zones: frozenset[str | tuple[str, ...]] = frozenset(seen.zones)
    polygons = [view for view in views if view.polygon is not None]
    if not polygons:
        return zones
    if known is not None and known.views is views and seen.box in (None, known.box):
        return zones | {place for place in known.places if not isinstance(place, str)}
    if seen.box is None:
        return zones
    left, _, right, bottom = seen.box
    point = ((left + right) / 2, bottom)
    return zones | {(view.facility.facility,) for view in polygons if inside(point, view.polygon or ())}


def inside(point: tuple[float, float], polygon: Sequence[tuple[float, float]]) -> bool:
    """Whether a point lies in a polygon, by the rule of even and odd; its left and upper edges belong to it."""
    x, y = point
    found = False
    before_x, before_y = polygon[-1]
    for corner_x, corner_y in polygon:
        if (corner_y > y) is not (before_y > y):
            cut = (before_x - corner_x) * (y - corner_y) / (before_y - corner_y) + corner_x
            found ^= x < cut
        before_x, before_y = corner_x, corner_y
    return found


class Plates:
    """Makes keyed hashes of licence plates; without a key no plate goes any further."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    def hashed(self, plate: str | None) -> str | None:
        """128 bits of HMAC-SHA-256 in hexadecimal, of the plate in capitals without blanks, dots and hyphens."""
        if plate is None or not self._key:
            return None
        text = "".join(sign for sign in plate.upper() if sign.isalnum())
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()[:32] if text else None


def plates_of(settings: Settings) -> Plates:
    """As configured."""
    key = settings.ingest.plate_key
    return Plates(None if key is None else key.get_secret_value().encode())


class CameraFacts(NamedTuple):
    """What all events of one camera message have in common."""

    device: str
    identity: str
    time_ms: int
    quality: Quality
    arrival_ms: int


class Cameras:
    """Writes camera events, each to the partition of its zone."""

    def __init__(
        self,
        writer: Writer,
        ledger: AckLedger,
        batches: Batches,
        registry: Registry,
        shard: str,
        plates: Plates | None = None,
    ) -> None:
        self._writer = writer
        self._ledger = ledger
        self._batches = batches
        self._registry = registry
        self._shard = shard
        self._plates = plates or Plates(None)

    def write(self, ticket: int, facts: CameraFacts, seen: CameraObservation, tracks: Tracks) -> int:
        """Write what one camera message says about each zone; returns the number of events."""
        plate = self._plates.hashed(seen.plate)
        sightings = tracks.split(facts.device, seen, self._registry.views(facts.device))
        for view, present, lost in sightings:
            self._batches.flush(view.partition)  # what arrived before stands before
            self._ledger.hold(ticket)
            event = CameraEvent(
                device=facts.device,
                facility=view.facility.facility,
                zone=view.facility.zone,
                phase=seen.phase,
                track=seen.track,
                label=seen.label,
                present=present,
                lost=lost,
                stationary=seen.stationary,
                confidence=seen.confidence,
                plate=plate,
                view=view.homography,
                box=seen.box,
                still_s=seen.still_s,
                area_m2=seen.area_m2,
                step_m=seen.step_m,
                lon=seen.lon,
                lat=seen.lat,
                seen=Moment(facts.time_ms),
                came=Moment(facts.arrival_ms),
                identity=facts.identity,
                result_quality=int(facts.quality),
                shard=self._shard,
            )
            self._writer.write(EVENTS, view.partition, view.facility.zone, event, facts.arrival_ms, tickets=(ticket,))
        return len(sightings)
