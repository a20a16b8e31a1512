"""Ingest without servers: the real parts around a writer that only remembers."""

from collections.abc import Callable, Sequence
from typing import Any

from ingest.accepted import Accepted
from ingest.batches import Batches
from ingest.cameras import Cameras, Plates
from ingest.clock import FeedClock
from ingest.decoders.catalogue import Catalogue
from ingest.devices.book import Book
from ingest.devices.carriers import Carriers
from ingest.devices.contexts import Contexts
from ingest.intake import Intake
from ingest.ledger import AckLedger
from ingest.messages import Inbound
from ingest.metrics import Tally
from ingest.recent import Recent
from ingest.registry import Registry
from ingest.rewrite import Rewriter
from ingest.ticker import Ticker
from ingest.unregistered import Unregistered
from runtime.settings import ClockSettings, IngestSettings, Settings
from runtime.timing import MACHINE, Timing
from schemas.columns import BatchColumns
from schemas.envelope import CloudEvent, decode, encode
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import from_ms
from schemas.registry import FacilityRegistered, RegistryRewritten
from schemas.topics import EVENTS, TICKS, Topic

NOW = 1_795_000_000_000


def facility(name: str, *bindings: DeviceBinding, zone: str = "dma:1", **more: Any) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=more.pop("facility_class", FacilityClass.PRESSURE_METER),
        zone=zone,
        place=Place(lon=113.85, lat=34.03),
        devices=bindings,
    )


def record_of(partition: int, time_ms: int, begin_offset: int = 0, generation: int = 1) -> RegistryRewritten:
    """As a complete rewrite leaves it."""
    return RegistryRewritten(
        partition=partition,
        rewrite=f"at {time_ms}",
        time=from_ms(time_ms),
        generation=generation,
        begin_offset=begin_offset,
        end_offset=begin_offset + 5,
        facilities=1,
    )


class Written:
    def __init__(
        self, topic: Topic, partition: int, key: str, data: Any, tickets: Sequence[int], confirmed: Any
    ) -> None:
        self.topic, self.partition, self.key, self.data = topic, partition, key, data
        self.tickets, self.confirmed = tuple(tickets), confirmed


class FakeWriter:
    """Remembers what was written; every event must survive its own encoding."""

    source = "/test/shard"

    def __init__(self, ledger: AckLedger) -> None:
        self.ledger = ledger
        self.written: list[Written] = []
        self.coarse: list[Written] = []
        """What went to ``city.ticks.v1``."""

    def outstanding(self, partition: int) -> int:
        return 0

    def write(
        self,
        topic: Topic,
        partition: int,
        key: str,
        data: Any,
        time_ms: int,
        *,
        tickets: Sequence[int] = (),
        confirmed: Any = None,
    ) -> None:
        if data is None:
            self.written.append(Written(topic, partition, key, data, tickets, confirmed))
            return
        event = CloudEvent(id="x", source=self.source, time=from_ms(time_ms), data=data, partitionkey=key)
        assert decode(encode(event)).data == data
        kept = self.coarse if topic is TICKS else self.written
        kept.append(Written(topic, partition, key, data, tickets, confirmed))

    def confirm_all(self) -> None:
        for offset, one in enumerate((*self.written, *self.coarse)):
            for ticket in one.tickets:
                self.ledger.confirm(ticket)
            if one.confirmed:
                one.confirmed(offset)

    @property
    def events(self) -> list[Written]:
        return [one for one in self.written if one.topic is EVENTS]

    def of(self, kind: type) -> list[Any]:
        return [one.data for one in self.written if isinstance(one.data, kind)]

    def rows(self) -> list[tuple[str, str, str, float, int, int]]:
        """(device, property, identity, value, time, quality) of every reading."""
        return [
            (b.series[i].device, b.series[i].observed_property, identity, result, time_ms, quality)
            for b in self.of(BatchColumns)
            for i, identity, result, time_ms, quality in zip(
                b.series_index, b.identity, b.result, b.phenomenon_time, b.result_quality, strict=True
            )
        ]


class RigTiming(Timing):
    """A clock that shows what the test says."""

    def __init__(self) -> None:
        self.look: Callable[[], float] = lambda: 0.0

    def monotonic_s(self) -> float:
        return self.look()


class Rig:
    def __init__(self, *, feed: bool = False, rewritten: bool = True, **ingest: Any) -> None:
        """``rewritten``: no rewrite of the registry is due until the end of time."""
        self.settings = Settings.model_construct(
            site="test",
            clock=ClockSettings(mode="feed" if feed else "wall"),
            kafka=Settings.model_fields["kafka"].default,
            ingest=IngestSettings(client_id="shard", **ingest),
        )
        self.ledger = AckLedger()
        self.writer = FakeWriter(self.ledger)
        writer: Any = self.writer
        self.registry = Registry(EVENTS.partitions)
        self.unregistered = Unregistered(self.settings.ingest.unregistered_quota, self.registry)
        self.recent = Recent()
        self.feed = FeedClock() if feed else None
        self.batches = Batches(writer, self.ledger, "shard", 20)
        self.accepted = Accepted(writer, self.ledger, "shard", 20)
        self.cameras = Cameras(writer, self.ledger, self.batches, self.registry, "shard", Plates(b"key"))
        self.recalled: list[bytes] = []
        self.published: list[tuple[str, bytes]] = []
        self.timing = RigTiming()
        self.rewriter = Rewriter(self.settings, start="s1", writer=writer, registry=self.registry, timing=self.timing)
        if rewritten:
            for partition in range(EVENTS.partitions):
                self.rewriter.hear(record_of(partition, 250_000_000_000_000))
        self.ticker = Ticker(
            self.settings,
            start="s1",
            writer=writer,
            ledger=self.ledger,
            batches=self.batches,
            registry=self.registry,
            rewriter=self.rewriter,
            feed=self.feed,
            publish=lambda topic, payload: self.published.append((topic, payload)),
        )
        self.tally = Tally()
        self.catalogue = Catalogue()
        self.book = Book("shard", self.registry.knows, twin_s=60)
        self.carriers = Carriers(self.registry, writer)
        self.contexts = Contexts(self.catalogue, writer, self.ledger)
        self.intake = Intake(
            self.settings,
            ledger=self.ledger,
            writer=writer,
            batches=self.batches,
            accepted=self.accepted,
            cameras=self.cameras,
            catalogue=self.catalogue,
            book=self.book,
            carriers=self.carriers,
            contexts=self.contexts,
            registry=self.registry,
            unregistered=self.unregistered,
            recent=self.recent,
            feed=self.feed,
            probe=self.ticker.hear_probe,
            clock=self.ticker.hear_clock,
            recall=self.recalled.append,
            publish=lambda topic, payload: self.published.append((topic, payload)),
            timing=MACHINE,
            tally=self.tally,
        )
        self.mid = 0

    def register(self, *facilities: Facility) -> None:
        for one in facilities:
            devices = self.registry.apply(one.facility, FacilityRegistered(facility=one))
            self.unregistered.registered(devices)
            for device in devices:
                self.carriers.changed(device)

    def take(
        self,
        topic: str | bytes,
        payload: bytes,
        *,
        dup: bool = False,
        mid: int | None = None,
        at: int = NOW,
        size: int | None = None,
    ) -> int:
        """One message; returns its packet id. What is open is written at once."""
        if mid is None:
            self.mid += 1
            mid = self.mid
        raw = topic.encode() if isinstance(topic, str) else topic
        ticket = self.ledger.received(mid, len(payload), 0.0)
        self.intake.take(Inbound(ticket, mid, dup, raw, payload, len(payload) if size is None else size, at))
        self.batches.flush_all()
        self.accepted.flush()
        return mid
