"""Releasing what waited: when an unknown device is registered, its messages become ordinary, marked events.

What a gateway said that may not speak for it is refused then, as it would have been when it came.

One ingest does it for all: the one that ticks partition 0 of the events. One device at a time: its messages are read
again from the log, written to the events, and when Kafka has confirmed all of them ``ReadingsReleased`` closes them. A
crash in between repeats some of it, under the same identities.
"""

from collections.abc import Iterator
from typing import Final

import structlog

from ingest import metrics
from ingest.batches import Batches
from ingest.cameras import CameraFacts, Cameras, Tracks
from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue
from ingest.follower import Follower, Reply, Request
from ingest.intake import Intake
from ingest.ledger import AckLedger
from ingest.messages import Report
from ingest.normalise import Plausibility, measurement_identity, sighting_identity
from ingest.registry import Registry
from ingest.unregistered import CAMERA, Unregistered
from ingest.writer import Writer
from runtime.settings import Settings
from schemas.identity import event_id, payload_hash, tier
from schemas.model import to_ms
from schemas.observation import Quality
from schemas.partitioning import partition_of
from schemas.quarantine import ReadingsReleased, UnregisteredReadings
from schemas.topics import UNREGISTERED

log: Final = structlog.get_logger()

CHUNK: Final = 200  # messages read again and written at a time
_LOOK_S: Final = 0.5

Unclaimed = tuple[tuple[str, str], ...]


class _Job:
    """One device's release."""

    def __init__(self, device: str, partition: int, offsets: list[int]) -> None:
        self.device = device
        self.partition = partition
        self.messages = len(offsets)
        self.last = offsets[-1]
        self.todo = offsets
        self.ticket: int | None = None  # of the chunk that Kafka has yet to confirm
        self.asked: Request | None = None
        self.closing = False
        self.tracks = Tracks()
        self.left: list[tuple[UnregisteredReadings, Unclaimed, int]] = []


class Releaser:
    """Finds devices to release and takes each through its steps; :meth:`step` never waits."""

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: AckLedger,
        writer: Writer,
        batches: Batches,
        cameras: Cameras,
        catalogue: Catalogue,
        registry: Registry,
        unregistered: Unregistered,
        follower: Follower,
        intake: Intake,
    ) -> None:
        self._plausible = Plausibility(int(settings.ingest.future_s * 1000), int(settings.ingest.lateness_s * 1000))
        self._ledger = ledger
        self._writer = writer
        self._batches = batches
        self._cameras = cameras
        self._catalogue = catalogue
        self._registry = registry
        self._unregistered = unregistered
        self._follower = follower
        self._intake = intake
        self._job: _Job | None = None
        self._next_look_s = 0.0

    def step(self, now_s: float, wall_ms: int, *, leader: bool) -> None:
        """Go on with the job at hand, or look for one."""
        job = self._job
        if job is None:
            if leader and len(self._unregistered) and now_s >= self._next_look_s:
                self._next_look_s = now_s + _LOOK_S
                self._begin()
        elif job.ticket is not None:
            if not self._ledger.waits(job.ticket):
                self._confirmed(job, now_s, wall_ms)
        elif job.closing:
            _, offsets = self._unregistered.offsets(job.device)
            if not offsets or offsets[0] > job.last:  # the marker was read back: nothing is found twice
                self._job = None
        else:
            while self._follower.replies and job.ticket is None:
                self._write(job, self._follower.replies.popleft(), now_s)

    def _confirmed(self, job: _Job, now_s: float, wall_ms: int) -> None:
        """Kafka has the chunk: go on with the next, or mark the end."""
        job.ticket = None
        if job.todo:
            self._ask(job)
        elif not job.closing:
            self._close(job, now_s, wall_ms)

    def cancel(self) -> None:
        """Kafka refused something: begin anew, the identities make it harmless."""
        self._job = None
        self._follower.replies.clear()

    def _begin(self) -> None:
        device = next(self._unregistered.releasable(), None)
        if device is None:
            return
        partition, offsets = self._unregistered.offsets(device)
        self._job = _Job(device, partition, offsets)
        log.info("release_begins", device=device, messages=len(offsets))
        self._ask(self._job)

    def _ask(self, job: _Job) -> None:
        chunk, job.todo = tuple(job.todo[:CHUNK]), job.todo[CHUNK:]
        job.asked = Request(job.device, job.partition, chunk)
        self._follower.ask(job.asked)

    def _write(self, job: _Job, reply: Reply, now_s: float) -> None:
        if reply.request is not job.asked:
            return  # of a job that was cancelled
        size = sum(len(e.data.payload) for e in reply.events if isinstance(e.data, UnregisteredReadings))
        job.ticket = self._ledger.received(0, size, now_s)  # counts against the bound like any message
        for event in reply.events:
            readings = event.data
            if isinstance(readings, UnregisteredReadings):
                unclaimed = self._release(readings, to_ms(event.time), job)
                if unclaimed:
                    job.left.append((readings, unclaimed, to_ms(event.time)))
        self._batches.flush_all()
        self._ledger.confirm(job.ticket)
        metrics.RELEASED.inc(len(reply.events))

    def _close(self, job: _Job, now_s: float, wall_ms: int) -> None:
        """All of it is in Kafka: what nobody claims even now waits on as a new message, then the end is marked."""
        job.closing = True
        job.ticket = self._ledger.received(0, 0, now_s)
        for readings, unclaimed, clock_ms in job.left:
            rest = {"identities": unclaimed, "id": event_id("unregistered-rest", readings.id)}
            self._intake.write_unregistered(readings.model_copy(update=rest), clock_ms, job.ticket)
        self._ledger.hold(job.ticket)
        partition = partition_of(job.device, UNREGISTERED.partitions)
        done = ReadingsReleased(device=job.device, through=job.last, messages=job.messages)
        self._writer.write(UNREGISTERED, partition, job.device, done, wall_ms, tickets=(job.ticket,))
        self._ledger.confirm(job.ticket)
        log.info("release_ended", device=job.device, messages=job.messages, left=len(job.left))

    def _allowed(
        self, readings: UnregisteredReadings, reports: list[Report], clock_ms: int, ticket: int
    ) -> Iterator[Report]:
        """Of the reports of a message those whose gateway may speak for the device; the message is refused if not."""
        for report in reports:
            refusal = self._intake.mismatch(report)
            if refusal is None:
                yield report
            else:
                self._intake.refuse_waiting(readings, refusal, clock_ms, ticket)

    def _release(self, readings: UnregisteredReadings, clock_ms: int, job: _Job) -> Unclaimed:
        """Write one message as what it is, marked as released; returns what nobody claims even now."""
        assert job.ticket is not None
        wanted = set(readings.identities)
        arrival_ms = to_ms(readings.arrival_time)
        given_ms = next((int(one.split(":")[1]) for _, one in wanted if tier(one) == "c"), arrival_ms)
        key = payload_hash(readings.mqtt_topic, readings.payload)
        decoded = self._catalogue.decode(Message(readings.mqtt_topic, readings.payload, given_ms))
        reports = [report for report in decoded.reports if report.device == readings.device]
        if not reports:
            log.warning("release_skipped", device=job.device, topic=readings.mqtt_topic, refusal=decoded.refusal)
        unclaimed: list[tuple[str, str]] = []
        for report in self._allowed(readings, reports, clock_ms, job.ticket):
            for index, part in enumerate(report.measurements):
                identity = measurement_identity(part, given_ms, key, index)
                if (part.observed_property, identity) not in wanted:
                    continue
                targets = self._registry.targets(readings.device, part.observed_property, part.channel)
                time_ms, _ = self._plausible.event_time(part.time_ms, clock_ms, clock_ms)
                for target in targets:
                    self._batches.add(job.ticket, target, time_ms, part.value, identity, Quality.RELEASED, arrival_ms)
                if not targets:
                    unclaimed.append((part.observed_property, identity))
            for index, seen in enumerate(report.sightings):
                identity = sighting_identity(seen, given_ms, key, index)
                if (CAMERA, identity) not in wanted:
                    continue
                device_ms = None if seen.time is None else to_ms(seen.time)
                time_ms, _ = self._plausible.event_time(device_ms, clock_ms, clock_ms)
                facts = CameraFacts(readings.device, identity, time_ms, Quality.RELEASED, arrival_ms)
                if self._registry.views(readings.device):
                    self._cameras.write(job.ticket, facts, seen, job.tracks)
                else:
                    unclaimed.append((CAMERA, identity))
        return tuple(unclaimed)
