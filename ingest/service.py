"""``eyes ingest``: wires the parts and drives them in one loop.

One thread does all the work: it reads MQTT, decodes, fills batches, settles what Kafka confirmed and acknowledges. That
is cheaper than handing every message from thread to thread, and there is no network thread an exception could kill.
kafka-python's sender, the follower, the election and the HTTP port have threads of their own and share only queues.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from kafka.errors import KafkaError

from ingest import metrics
from ingest.accepted import Accepted
from ingest.batches import Batches
from ingest.bridge import Bridge
from ingest.cameras import Cameras, plates_of
from ingest.clock import FeedClock, StepDetector
from ingest.decoders.configured import catalogue_of
from ingest.devices.book import Book
from ingest.devices.carriers import Carriers, read_carriers
from ingest.devices.contexts import Contexts
from ingest.devices.twins import Twins, read_twins
from ingest.follower import Found
from ingest.health import Health
from ingest.intake import Intake
from ingest.ledger import AckLedger
from ingest.messages import PAYLOAD_MAX
from ingest.metrics import Tally
from ingest.outside import Outside
from ingest.readback import ReadBack, read_back
from ingest.recent import Recent
from ingest.registry import OfZone, Planned, Registry
from ingest.release import Releaser
from ingest.rewrite import Rewriter
from ingest.ticker import LEADER_PARTITION, Ticker
from ingest.unregistered import Unregistered
from ingest.writer import TOPICS, Writer
from runtime.errors import FatalError, FencedError
from runtime.exposition import serve
from runtime.failpoint import failpoint
from runtime.lifecycle import Progress, Shutdown, start_watchdog
from runtime.settings import Settings
from schemas.carrier import DeviceCarried
from schemas.device import DecoderContext, DeviceTwin
from schemas.model import to_ms
from schemas.quarantine import ReadingsReleased, UnregisteredReadings
from schemas.registry import (
    CITY_KEY,
    RETIRED_KEY,
    WATER_KEY,
    FacilityRegistered,
    RegistryProbe,
    RegistryRewritten,
)
from schemas.topics import EVENTS, FACILITIES
from schemas.works import WORKS_KEY

log: Final = structlog.get_logger()
T = TypeVar("T")

_BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_PUBLISH_S: Final = 0.25
_WAIT_MAX_S: Final = 0.25
_STALL_S: Final = 60.0
_FAREWELL_S: Final = 10.0
_ELECTION_S: Final = 20.0


class _StoppedError(Exception):
    """The process was asked to end while it waited for a server."""


class Service:
    """One ingest process."""

    def __init__(self, settings: Settings, shutdown: Shutdown, outside: Outside | None = None) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._outside = outside = outside or Outside()
        self._timing = timing = outside.timing
        shard = settings.ingest.client_id
        self.loop = Progress(_STALL_S)
        self._tally = Tally()
        self._ledger = AckLedger()
        self._catalogue = catalogue_of(settings)
        self._bridge = Bridge(settings, self._ledger, timing, outside.dial, self._filters)
        wake = self._bridge.wake
        self._writer = Writer(settings, self._ledger, wake, timing, outside.open_producer)
        self._registry = Registry(EVENTS.partitions)
        self._contexts = Contexts(self._catalogue, self._writer, self._ledger)
        self._book = Book(shard, self._registry.knows, settings.ingest.twin_s)
        self._twins = Twins(self._book, self._writer)
        self._carriers = Carriers(self._registry, self._writer)
        self._unregistered = Unregistered(settings.ingest.unregistered_quota, self._registry)
        self._recent = Recent()
        self._feed = FeedClock() if settings.clock.mode == "feed" else None
        self._batches = Batches(self._writer, self._ledger, shard, settings.ingest.linger_ms, timing)
        self._accepted = Accepted(self._writer, self._ledger, shard, settings.ingest.linger_ms, timing)
        self._cameras = Cameras(self._writer, self._ledger, self._batches, self._registry, shard, plates_of(settings))
        self._follower = outside.follower(settings, shutdown, wake, outside.open_reader)
        self._election = outside.election(settings, shutdown, wake)
        start = f"{timing.wall_ms():x}"
        self._rewriter = Rewriter(settings, start=start, writer=self._writer, registry=self._registry, timing=timing)
        self._ticker = Ticker(
            settings,
            start=start,
            writer=self._writer,
            ledger=self._ledger,
            batches=self._batches,
            registry=self._registry,
            rewriter=self._rewriter,
            feed=self._feed,
            publish=self._bridge.publish,
            timing=timing,
        )
        self._intake = Intake(
            settings,
            ledger=self._ledger,
            writer=self._writer,
            batches=self._batches,
            accepted=self._accepted,
            cameras=self._cameras,
            catalogue=self._catalogue,
            book=self._book,
            carriers=self._carriers,
            contexts=self._contexts,
            registry=self._registry,
            unregistered=self._unregistered,
            recent=self._recent,
            feed=self._feed,
            probe=self._ticker.hear_probe,
            clock=self._ticker.hear_clock,
            recall=self._bridge.recall_filters,
            publish=self._bridge.publish,
            timing=timing,
            tally=self._tally,
        )
        self._releaser = Releaser(
            settings,
            ledger=self._ledger,
            writer=self._writer,
            batches=self._batches,
            cameras=self._cameras,
            catalogue=self._catalogue,
            registry=self._registry,
            unregistered=self._unregistered,
            follower=self._follower,
            intake=self._intake,
        )
        self.health = Health(self.loop, self._ticker.probe_s, timing)
        self._stepped = StepDetector(timing.wall_ms(), self._monotonic_ms)
        self._epoch = 0
        self._publish_s = 0.0
        self._stale = 0
        self._failed_s = 0.0

    def run(self) -> None:
        """Work until asked to end.

        Raises:
            FatalError: the topics or the configuration are wrong.
            FencedError: another process runs under our client id.
        """
        try:
            self._start()
        except _StoppedError:
            return
        self.health.stage = "running"
        while not self._shutdown.requested:
            self.loop.step()
            self._turn(self._patience())
        self.health.stage = "stopping"
        self._farewell()

    # --------------------------------------------------------------------------------------------------- start, end

    def _start(self) -> None:
        """Everything that must be known before the first message is taken, waiting for Kafka as long as it takes."""
        if self._settings.ingest.message_max_kib * 1024 > PAYLOAD_MAX:
            raise FatalError(f"ingest.message_max_kib: at most {PAYLOAD_MAX // 1024} fit into a record of the log")
        self._patiently(lambda: self._outside.require_topics(self._settings.kafka, TOPICS))
        self._patiently(self._writer.open)
        for found in self._patiently(self._follower.load):
            self._fold(found)
        for twin in self._patiently(self._read_twins):
            self._book.recall(twin)
        self._carriers.recall(self._patiently(self._read_carriers))
        back = self._patiently(self._read_back)
        if self._feed is not None and back.ticks:
            self._feed.resume(max(back.ticks.values()))
        self._ticker.resume(back.ticks, back.coarse_ms)
        log.info(
            "ingest_begins",
            shard=self._settings.ingest.client_id,
            facilities=len(self._registry),
            waiting=len(self._unregistered),
            arrivals=back.arrivals,
        )
        self._follower.start()
        self._election.start()
        if self._feed is not None:  # a feed's first clock messages must find their ticker
            self._election.decided.wait(_ELECTION_S)
        self._ticker.own(self._election.owned)

    def _read_back(self) -> ReadBack:
        return read_back(self._settings, self._writer.source, self._recent, self._outside.open_reader)

    def _filters(self) -> list[str]:
        return self._catalogue.filters(self._settings.ingest.topic_filters)

    def _read_twins(self) -> list[DeviceTwin]:
        return read_twins(self._settings, self._outside.open_reader)

    def _read_carriers(self) -> list[DeviceCarried]:
        return read_carriers(self._settings, self._outside.open_reader)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Try until Kafka answers.

        Raises:
            _StoppedError: the process was asked to end.
        """
        tries = 0
        while not self._shutdown.requested:
            try:
                return attempt()
            except KafkaError as error:
                log.warning("kafka_waits", error=repr(error)[:200])
                self._shutdown.wait(_BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)])
                tries += 1
        raise _StoppedError

    def _farewell(self) -> None:
        """Write what is open, acknowledge what Kafka confirms in time, and leave; the broker keeps the rest for us."""
        self._take()
        self._batches.flush_all()
        self._accepted.flush()
        self._twins.flush(self._timing.monotonic_s())
        deadline = self._timing.monotonic_s() + _FAREWELL_S
        while self._writer.unsettled and self._writer.failure is None and self._timing.monotonic_s() < deadline:
            self._bridge.poll_idle(0.05)
            self._settle()
        self._settle()
        self._bridge.stop()
        self._writer.close()
        self._election.join(2.0)
        self._tally.publish()
        log.info("ingest_ends", unacknowledged=len(self._ledger))

    # ------------------------------------------------------------------------------------------------------ the loop

    def _patience(self) -> float:
        """Seconds until something is due."""
        open_s = [due_s for due_s in (self._batches.next_due_s(), self._accepted.next_due_s()) if due_s is not None]
        now_s = self._timing.monotonic_s()
        return max(0.0, min(self._ticker.next_s, self._rewriter.next_s, now_s + _WAIT_MAX_S, *open_s) - now_s)

    def _turn(self, wait_s: float) -> None:
        """One turn: take what came, settle what Kafka said, do what is due."""
        self._bridge.poll(wait_s)
        self._follow()
        idle = not self._bridge.inbound
        self._take()
        self._settle()
        now_s, wall_ms = self._timing.monotonic_s(), self._timing.wall_ms()
        if self._ledger.epoch != self._epoch:
            self._epoch = self._ledger.epoch
            self._ticker.connection_lost()
            self.health.connected_s = now_s
        if self._feed is None and (step := self._stepped.look(wall_ms, self._monotonic_ms)) is not None:
            self._ticker.clock_stepped(*step)
        self._ticker.step(now_s, wall_ms)
        self._rewriter.step(now_s, wall_ms)
        self._releaser.step(now_s, wall_ms, leader=LEADER_PARTITION in self._ticker.owned)
        self._batches.flush_due(now_s, idle=idle or not self._bridge.has_more)
        self._accepted.flush_due(now_s)
        self._twins.step(now_s)
        if self._writer.failure is not None:
            self._begin_anew(self._writer.failure)
        if now_s >= self._publish_s:
            self._publish_s = now_s + _PUBLISH_S
            self._take_back_retirement()
            self._report(now_s)
            if self._ticker.probed_s is not None:
                self._bridge.remember_filters()
            self._bridge.follow_filters()

    def _take(self) -> None:
        inbound, take = self._bridge.inbound, self._intake.take
        while inbound:
            take(inbound.popleft())
            failpoint("ingest.taken")

    def _settle(self) -> None:
        """Acknowledge to the broker what Kafka has confirmed."""
        self._writer.drain()
        if self._writer.failure is not None:
            return  # what stands behind a failed record must not be acknowledged before it
        mids, frontier = self._ledger.release()
        if mids:
            failpoint("ingest.confirmed")
        self._bridge.acknowledge(mids)
        if mids:
            failpoint("ingest.acknowledged")
        if frontier is not None:
            self._ticker.confirmed(frontier)

    def _follow(self) -> None:
        """Fold what the follower and the election found."""
        while self._follower.found:
            self._fold(self._follower.found.popleft())
        if self._election.fenced:
            raise FencedError(f"another ingest runs as {self._settings.ingest.client_id}")
        for failed in (self._follower.failed, self._election.failed):
            if failed is not None:
                raise failed
        if self._election.owned != self._ticker.owned:
            self._ticker.own(self._election.owned)
        self._ticker.wait_for_owner(self._election.rebalancing)

    def _fold(self, found: Found) -> None:
        data = None if found.event is None else found.event.data
        if found.topic == FACILITIES.name:
            if isinstance(data, RegistryProbe):
                self._rewriter.hear_probe(data)
            elif found.key.startswith((CITY_KEY, WORKS_KEY)):
                self._registry.apply_plan(found.key, data if isinstance(data, Planned) else None)
            elif found.key.startswith("/") and not found.key.startswith(WATER_KEY):
                said_ms = 0 if found.event is None else to_ms(found.event.time)
                self._registry.note(found.key, stands=found.event is not None, wall_ms=said_ms)
            elif data is None or isinstance(data, FacilityRegistered | OfZone):
                devices = self._registry.apply(found.key, data)
                self._unregistered.registered(devices)
                for device in devices:
                    self._book.changed(device)
                    self._carriers.changed(device)
        elif isinstance(data, RegistryRewritten):
            self._rewriter.hear(data)
        elif isinstance(data, DecoderContext):
            self._contexts.recall(found.key, data)
        elif isinstance(data, UnregisteredReadings | ReadingsReleased):
            self._unregistered.apply(found.partition, found.offset, data)

    def _begin_anew(self, failure: BaseException) -> None:
        """Kafka refused a record: nothing unconfirmed may ever be acknowledged. The broker sends all of it again."""
        log.error("kafka_refused", error=repr(failure)[:300])
        metrics.REFUSALS.inc()
        self.health.failed, self._failed_s = repr(failure)[:300], self._timing.monotonic_s()
        self._bridge.drop()
        self._carriers.doubt()
        self._writer.discard()
        self._batches.discard()
        self._accepted.discard()
        self._unregistered.forget_unwritten()
        self._contexts.forget_unwritten()
        self._releaser.cancel()
        self._intake.clear_tracks()
        self._ticker.reset()
        self.loop.done()  # waiting for Kafka is no stall
        self._report(self._timing.monotonic_s())
        try:
            self._patiently(self._writer.open)
        except _StoppedError:
            return

    @property
    def _monotonic_ms(self) -> int:
        return int(self._timing.monotonic_s() * 1000)

    def _take_back_retirement(self) -> None:
        """Somebody said that we will not come back: by mistake, or we are back."""
        shard = self._settings.ingest.client_id
        if shard in self._registry.retired:
            self._writer.write(FACILITIES, 0, RETIRED_KEY + shard, None, 0)

    def _report(self, now_s: float) -> None:
        self._tally.publish()
        health, ledger = self.health, self._ledger
        health.connected = self._bridge.connected
        health.subscribed = self._bridge.subscribed
        health.refused = self._bridge.refused
        health.probed_s = self._ticker.probed_s
        health.confirmed_s = self._writer.confirmed_s
        if self._writer.confirmed_s > self._failed_s and not self._writer.unsettled:
            health.failed = ""  # everything went well since
        health.in_flight = len(ledger)
        health.oldest_s = ledger.oldest_s(now_s)
        metrics.FACILITIES.set(len(self._registry))
        metrics.DEVICES.set(len(self._book))
        metrics.IN_FLIGHT.set(len(ledger))
        metrics.ACK_AGE.set(health.oldest_s)
        metrics.STALE_ACKS.inc(ledger.stale - self._stale)
        self._stale = ledger.stale


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Serve metrics and health, and ingest until asked to end.

    Raises:
        FatalError: a person must act; the message says how.
        FencedError: another process runs under our client id.
        OSError: the metrics port is taken.
    """
    service = Service(settings, shutdown)
    port = serve(settings.metrics.host, settings.ingest.metrics_port, "ingest", service.health.report)
    log.info("metrics_served", port=port)
    start_watchdog(service.loop)
    service.run()
