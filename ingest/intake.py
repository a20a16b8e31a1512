"""What is done with each message: decode, look up, normalise, and put where it belongs. No message is ever dropped."""

from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from ingest.accepted import Accepted
from ingest.batches import Batches
from ingest.cameras import CameraFacts, Cameras, Tracks
from ingest.clock import FeedClock
from ingest.decoders.base import Message, RefusedError, printable
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.topics import CLOCK_TOPIC, PROBE_ROOT, SESSION_ROOT
from ingest.devices.book import Book
from ingest.devices.carriers import Carriers
from ingest.devices.contexts import Contexts
from ingest.ledger import AckLedger
from ingest.messages import OVERSIZE_KEPT, Inbound, Kind, Measurement, Refusal, Report
from ingest.metrics import Tally
from ingest.normalise import (
    OURS,
    Moment,
    Plausibility,
    is_arrival,
    measurement_identity,
    reading_key,
    sighting_identity,
)
from ingest.recent import Arrival, Recent
from ingest.registry import Registry
from ingest.unregistered import CAMERA, Unregistered
from ingest.writer import Writer
from runtime.settings import Settings
from runtime.timing import Timing
from schemas.camera import CameraObservation
from schemas.identity import event_id, payload_hash, tier
from schemas.model import from_ms, to_ms
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined, Reason, UnregisteredReadings
from schemas.topics import QUARANTINE, UNREGISTERED

log: Final = structlog.get_logger()

_TOPIC_MAX: Final = 1024

Own = Callable[[str, bytes, int], None]
"""Takes a probe or clock message: topic, payload, ticket.

Raises:
    RefusedError: it is not one.
"""


class Transit:
    """One message on its way: what was received, its topic as text, its moment, and its arrival once looked up."""

    __slots__ = ("_arrival", "_recent", "entered", "inbound", "moment", "payload", "topic")

    def __init__(self, inbound: Inbound, topic: str, payload: bytes, moment: Moment, recent: Recent) -> None:
        self.inbound = inbound
        self.topic = topic
        self.payload = payload
        self.moment = moment
        self._recent = recent
        self._arrival: tuple[Arrival, str] | None = None
        self.entered = False
        """Whether something of it is on its way into the events."""

    @property
    def arrival(self) -> tuple[Arrival, str]:
        """Its arrival, which is the same when it is delivered again, and its payload hash."""
        if self._arrival is None:
            key = payload_hash(self.topic, self.payload)
            known, _ = self._recent.give(
                key,
                self.inbound.mid,
                dup=self.inbound.dup,
                arrival_ms=self.moment.arrival_ms,
                event_ms=self.moment.event_ms,
            )
            self._arrival = known, key
        return self._arrival


class _Refused(NamedTuple):
    """A message that is refused, as far as the quarantine keeps it."""

    topic: str
    device: str | None
    payload: bytes
    size: int
    arrival_ms: int
    key: str
    """Of its topic and payload."""


class Intake:
    """Takes messages in order of receipt."""

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: AckLedger,
        writer: Writer,
        batches: Batches,
        accepted: Accepted,
        cameras: Cameras,
        catalogue: Catalogue,
        book: Book,
        contexts: Contexts,
        registry: Registry,
        unregistered: Unregistered,
        recent: Recent,
        feed: FeedClock | None,
        probe: Own,
        clock: Own,
        recall: Callable[[bytes], None],
        publish: Callable[[str, bytes], None],
        timing: Timing,
        tally: Tally,
        carriers: Carriers | None = None,
    ) -> None:
        ingest = settings.ingest
        self._shard = ingest.client_id
        self._message_max = ingest.message_max_kib * 1024
        self._plausible = Plausibility(int(ingest.future_s * 1000), int(ingest.lateness_s * 1000))
        self._ledger = ledger
        self._writer = writer
        self._batches = batches
        self._accepted = accepted
        self._catalogue = catalogue
        self._book = book
        self._carriers = carriers
        self._contexts = contexts
        self._registry = registry
        self._unregistered = unregistered
        self._recent = recent
        self._feed = feed
        self._probe = probe
        self._clock = clock
        self._recall = recall
        self._publish = publish
        self._timing = timing
        self._tally = tally
        self._tracks = Tracks()
        self._cameras = cameras

    def take(self, inbound: Inbound) -> None:
        """Everything this message leads to is written or stands in an open batch afterwards; never raises."""
        ticket = inbound.ticket
        self._tally.messages += 1
        self._tally.bytes += inbound.size
        clock_ms = inbound.arrival_ms if self._feed is None else self._feed.now_ms
        topic = printable(inbound.topic.decode(errors="backslashreplace"), _TOPIC_MAX) or ""
        kept = inbound.payload if inbound.size <= self._message_max else inbound.payload[:OVERSIZE_KEPT]
        message = Transit(inbound, topic, kept, Moment(inbound.arrival_ms, clock_ms), self._recent)
        try:
            self._take(message)
        except RefusedError as error:
            self._quarantine(message, error.refusal)
        except Exception as error:
            log.exception("message_poison", topic=topic)
            self._quarantine(message, Refusal(Reason.POISON, None, printable(repr(error), 400) or ""))
        self._ledger.confirm(ticket)

    def clear_tracks(self) -> None:
        """What was last said of tracked objects may not have reached the log."""
        self._tracks.clear()

    def _take(self, message: Transit) -> None:
        inbound = message.inbound
        try:
            topic = inbound.topic.decode()
        except UnicodeDecodeError as error:
            raise RefusedError(Reason.INVALID_UTF8, "topic", f"byte {error.start}: {error.reason}") from None
        if inbound.size > self._message_max:
            text = f"{inbound.size} bytes, at most {self._message_max} are taken"
            raise RefusedError(Reason.OVERSIZE, None, text)
        if topic.startswith(PROBE_ROOT):
            self._probe(topic, inbound.payload, inbound.ticket)
        elif topic == CLOCK_TOPIC:
            self._clock(topic, inbound.payload, inbound.ticket)
        elif topic.startswith(SESSION_ROOT):
            self._recall(inbound.payload)
        else:
            self._decode(message, topic)

    def _decode(self, message: Transit, topic: str) -> None:
        inbound = message.inbound
        seen = Message(topic, inbound.payload, lambda: message.arrival[0].event_ms)
        decoded = self._catalogue.decode(seen)
        if decoded.learned is not None:
            self._contexts.keep(decoded.learned, seen, inbound.ticket)
        for request in decoded.requests:
            self._publish(request.topic, request.payload)
        unclaimed = False
        try:
            for report in decoded.reports:
                unclaimed = self._report(message, seen.decoder, report) or unclaimed
        finally:  # of a message that turns out to be poison, the parts before may be on their way
            if message.entered or (decoded.reports and not unclaimed and decoded.refusal is None):
                self._accepted.add(inbound.ticket, topic, inbound.payload, inbound.arrival_ms)
        if decoded.refusal is not None:
            self._quarantine(message, _counted(decoded.refusal, decoded.refused), decoded.device)

    def _report(self, message: Transit, decoder: str, report: Report) -> bool:
        """What is said of one device; returns whether some of it is nobody's."""
        device = report.device
        if report.kind is Kind.IGNORED:
            self._tally.ignored[decoder] += 1
            return False
        refusal = self.mismatch(report)
        if refusal is not None:
            self._quarantine(message, refusal, device)
            return True
        missing = self._book.note(report, decoder, message.topic, message.moment.event_ms, self._timing.monotonic_s())
        if report.about.gateway is not None and self._carriers is not None:
            self._carriers.note(device, report.about.gateway, message.moment.event_ms)
        if missing > 0:
            self._tally.lost[decoder] += missing
        if report.unmapped:
            self._tally.unmapped[decoder] += len(report.unmapped)
        unclaimed: list[tuple[str, str]] = []
        for index, part in enumerate(report.measurements):
            self._measurement(message, device, part, index, unclaimed)
        for index, seen in enumerate(report.sightings):
            self._sighting(message, device, seen, index, unclaimed)
        if unclaimed:
            self._set_aside(message, device, tuple(unclaimed), report.about.gateway)
        return bool(unclaimed)

    def mismatch(self, report: Report) -> Refusal | None:
        """Why a gateway may not speak for a device: the registry names others. None: it may."""
        gateway = report.about.gateway
        speakers = self._registry.speakers(report.device) if gateway is not None else frozenset()
        if not speakers or gateway in speakers:
            return None
        text = f"{gateway} speaks for {report.device}, whose gateway is {', '.join(sorted(speakers))}"
        return Refusal(Reason.IDENTITY_MISMATCH, "gateway", text)

    # ----------------------------------------------------------------------------------------------------- readings

    def _measurement(
        self, message: Transit, device: str, part: Measurement, index: int, unclaimed: list[tuple[str, str]]
    ) -> None:
        moment = message.moment
        time_ms, quality = self._plausible.event_time(part.time_ms, moment.clock_ms, moment.event_ms)
        if is_arrival(part):
            arrival, key = message.arrival
            time_ms = arrival.event_ms
            identity = measurement_identity(part, arrival.arrival_ms, key, index)
        else:
            identity = measurement_identity(part, 0, "", index)
            if quality in OURS:
                time_ms = self._given(message, reading_key(device, part.observed_property, identity))
        targets = self._registry.targets(device, part.observed_property, part.channel)
        for target in targets:
            self._batches.add(message.inbound.ticket, target, time_ms, part.value, identity, quality, moment.arrival_ms)
        if targets:
            message.entered = True
            self._tally.reading(identity[0], quality, dup=message.inbound.dup)
        else:
            unclaimed.append((part.observed_property, identity))

    def _given(self, message: Transit, reading: str) -> int:
        """The event time we give, the same as last time if the message comes again."""
        arrival, _ = message.arrival
        before = self._recent.given(reading) if arrival.inherited else None
        return arrival.event_ms if before is None else before

    def _sighting(
        self, message: Transit, device: str, seen: CameraObservation, index: int, unclaimed: list[tuple[str, str]]
    ) -> None:
        moment = message.moment
        device_ms = None if seen.time is None else to_ms(seen.time)
        time_ms, quality = self._plausible.event_time(device_ms, moment.clock_ms, moment.event_ms)
        if is_arrival(seen):
            arrival, key = message.arrival
            time_ms = arrival.event_ms
            identity = sighting_identity(seen, arrival.arrival_ms, key, index)
        else:
            identity = sighting_identity(seen, 0, "", index)
            if quality in OURS:
                time_ms = self._given(message, reading_key(device, CAMERA, identity))
        if not self._registry.views(device):
            unclaimed.append((CAMERA, identity))
            return
        message.entered = True
        facts = CameraFacts(device, identity, time_ms, quality, moment.arrival_ms)
        for _ in range(self._cameras.write(message.inbound.ticket, facts, seen, self._tracks)):
            self._tally.reading(identity[0], quality, dup=message.inbound.dup)

    # ---------------------------------------------------------------------------------------------------- set aside

    def _set_aside(
        self, message: Transit, device: str, unclaimed: tuple[tuple[str, str], ...], gateway: str | None
    ) -> None:
        event_ms = (
            message.arrival[0].event_ms if any(tier(one) == "c" for _, one in unclaimed) else message.moment.event_ms
        )
        # Two gateways may say the same of a device, one of which may not: neither is a copy of the other.
        said = [f"{name}={identity}" for name, identity in unclaimed] + ([f"by {gateway}"] if gateway else [])
        readings = UnregisteredReadings(
            id=event_id("unregistered", device, *said),
            device=device,
            mqtt_topic=message.topic,
            payload=message.payload,
            arrival_time=from_ms(message.moment.arrival_ms),
            identities=unclaimed,
        )
        if self._unregistered.is_written(device, readings.id):
            return  # delivered again; what stands in the log already is enough
        if not self._unregistered.waits(device, readings.id) and not self._unregistered.admits(device):
            text = f"{device} is not registered and has as many messages waiting as are kept"
            self._quarantine(message, Refusal(Reason.UNREGISTERED_QUOTA, None, text), device)
            return
        self.write_unregistered(readings, event_ms, message.inbound.ticket)
        self._tally.unregistered += 1

    def write_unregistered(self, readings: UnregisteredReadings, event_ms: int, ticket: int) -> None:
        """Let a message wait; the envelope's time is the clock time of its arrival."""
        partition = partition_of(readings.device, UNREGISTERED.partitions)
        self._unregistered.sent(readings, partition)
        self._ledger.hold(ticket)
        self._writer.write(UNREGISTERED, partition, readings.device, readings, event_ms, tickets=(ticket,))

    def refuse_waiting(self, readings: UnregisteredReadings, refusal: Refusal, event_ms: int, ticket: int) -> None:
        """Refuse a message that waited, as it would have been when it came had its device been registered."""
        topic, payload = readings.mqtt_topic, readings.payload
        arrival_ms, key = to_ms(readings.arrival_time), payload_hash(topic, payload)
        refused = _Refused(topic, readings.device, payload, len(payload), arrival_ms, key)
        self._write_quarantined(refusal, refused, event_ms, ticket)

    def _quarantine(self, message: Transit, refusal: Refusal, device: str | None = None) -> None:
        arrival, key = message.arrival
        refused = _Refused(message.topic, device, message.payload, message.inbound.size, arrival.arrival_ms, key)
        self._write_quarantined(refusal, refused, message.moment.event_ms, message.inbound.ticket)

    def _write_quarantined(self, refusal: Refusal, refused: _Refused, event_ms: int, ticket: int) -> None:
        topic, device, payload, size, arrival_ms, payload_key = refused
        self._ledger.hold(ticket)
        record = Quarantined(
            id=event_id("quarantined", refusal.reason.value, topic, payload_key, arrival_ms),
            reason=refusal.reason,
            field=refusal.field,
            detail=refusal.detail,
            mqtt_topic=topic,
            device=device,
            payload=payload,
            payload_bytes=size,
            arrival_time=from_ms(arrival_ms),
            source=self._writer.source,
        )
        key = topic or (device or self._shard)
        self._writer.write(
            QUARANTINE, partition_of(key, QUARANTINE.partitions), key, record, event_ms, tickets=(ticket,)
        )
        self._tally.quarantined[refusal.reason.value] += 1


def _counted(refusal: Refusal, refused: int) -> Refusal:
    if refused < 2:  # noqa: PLR2004 - more than one
        return refusal
    return refusal._replace(detail=f"{refusal.detail} (the first of {refused} refused)")
