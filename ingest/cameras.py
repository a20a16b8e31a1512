"""From one camera message to what it says about each curb zone it touches."""

from typing import Final, NamedTuple

from ingest.batches import Batches
from ingest.ledger import AckLedger
from ingest.recent import Bounded
from ingest.registry import Registry, View
from ingest.writer import Writer
from schemas.camera import CameraEvent, CameraObservation, TrackPhase
from schemas.model import from_ms
from schemas.observation import Quality
from schemas.topics import EVENTS

TRACKS_MAX: Final = 100_000


class Sighting(NamedTuple):
    """Whether the object is in the zone of one view."""

    view: View
    present: bool


class Tracks:
    """Which zones each tracked object stood in last; bounded, and empty after a restart.

    Of a track we do not know (any more), every message that is not its first also says of all zones it does not name
    that it is not in them: it may have been before we began to listen.
    """

    def __init__(self, count_max: int = TRACKS_MAX) -> None:
        self._zones = Bounded(count_max)

    def __len__(self) -> int:
        return len(self._zones)

    def split(self, device: str, seen: CameraObservation, views: tuple[View, ...]) -> list[Sighting]:
        """One sighting per zone the message touches or the object has left, in the order of the views."""
        key = f"{device}\0{seen.track}"
        ended = seen.phase is TrackPhase.END
        now = frozenset() if ended else frozenset(seen.zones)
        before = self._zones.get(key)
        unheard = seen.phase is not TrackPhase.NEW
        out: list[Sighting] = []
        for view in views:
            zone = view.camera_zone
            if zone is None:  # the whole picture is the zone
                out.append(Sighting(view, present=not ended))
            elif zone in now:
                out.append(Sighting(view, present=True))
            elif (unheard if before is None else zone in before) or (ended and zone in seen.zones):
                out.append(Sighting(view, present=False))
        if ended:
            self._zones.pop(key, None)
        else:
            self._zones.put(key, now)
        return out

    def clear(self) -> None:
        """Forget everything: what we last said of the tracks may not have reached the log."""
        self._zones.clear()


class CameraFacts(NamedTuple):
    """What all events of one camera message have in common."""

    device: str
    identity: str
    time_ms: int
    quality: Quality
    arrival_ms: int


class Cameras:
    """Writes camera events, each to the partition of its zone."""

    def __init__(self, writer: Writer, ledger: AckLedger, batches: Batches, registry: Registry, shard: str) -> None:
        self._writer = writer
        self._ledger = ledger
        self._batches = batches
        self._registry = registry
        self._shard = shard

    def write(self, ticket: int, facts: CameraFacts, seen: CameraObservation, tracks: Tracks) -> int:
        """Write what one camera message says about each zone; returns the number of events."""
        sightings = tracks.split(facts.device, seen, self._registry.views(facts.device))
        for view, present in sightings:
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
                stationary=seen.stationary,
                confidence=seen.confidence,
                phenomenon_time=from_ms(facts.time_ms),
                arrival_time=from_ms(facts.arrival_ms),
                identity=facts.identity,
                result_quality=int(facts.quality),
                shard=self._shard,
            )
            self._writer.write(EVENTS, view.partition, view.facility.zone, event, facts.arrival_ms, tickets=(ticket,))
        return len(sightings)
