"""Ingest without servers: its own decoders, registry look-up and normalisation around a writer that only remembers."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from ingest.accepted import Accepted
from ingest.batches import Batches
from ingest.cameras import Cameras, Plates
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
from ingest.unregistered import Unregistered
from ingest.writer import Writer
from ops.simulate.city.channel import Message
from runtime.settings import IngestSettings, Settings
from runtime.timing import MACHINE
from schemas.envelope import Data
from schemas.facility import Facility
from schemas.quarantine import Quarantined, UnregisteredReadings
from schemas.registry import FacilityRegistered
from schemas.topics import CARRIERS, EVENTS, Topic

SHARD: Final = "score"
PLATE_KEY: Final = b"of no real city"


class _Writer:
    """Keeps what would go to the events and the carriers; of what is refused or unknown, how much and one example."""

    source = f"/score/{SHARD}"

    def __init__(self, ledger: AckLedger) -> None:
        self._ledger = ledger
        self.events: list[Data] = []
        self.refused = 0
        self.unknown = 0
        self.example: Quarantined | UnregisteredReadings | None = None

    def outstanding(self, partition: int) -> int:  # noqa: ARG002 - the writer's interface
        """Nothing is ever on its way."""
        return 0

    def write(
        self,
        topic: Topic,
        partition: int,  # noqa: ARG002 - the writer's interface
        key: str,  # noqa: ARG002
        data: Data | None,
        time_ms: int,  # noqa: ARG002
        *,
        tickets: Sequence[int] = (),
        confirmed: Any = None,  # noqa: ARG002
    ) -> None:
        """Remember, and confirm at once."""
        if topic in {EVENTS, CARRIERS} and data is not None:
            self.events.append(data)
        elif isinstance(data, Quarantined):
            self.refused += 1
            self.example = data
        elif isinstance(data, UnregisteredReadings):
            self.unknown += 1
            self.example = data
        for ticket in tickets:
            self._ledger.confirm(ticket)


class Ears:
    """Takes MQTT messages and gives the events of the log, in order."""

    def __init__(self, facilities: Iterable[Facility]) -> None:
        settings = Settings.model_construct(site="score", ingest=IngestSettings(client_id=SHARD))
        self._ledger = AckLedger()
        self._writer = _Writer(self._ledger)
        writer = cast("Writer", self._writer)
        registry = Registry(EVENTS.partitions)
        for one in facilities:
            registry.apply(one.facility, FacilityRegistered(facility=one))
        catalogue = Catalogue()
        self._batches = Batches(writer, self._ledger, SHARD, linger_ms=20)
        self._accepted = Accepted(writer, self._ledger, SHARD, linger_ms=20)
        self._intake = Intake(
            settings,
            ledger=self._ledger,
            writer=writer,
            batches=self._batches,
            accepted=self._accepted,
            cameras=Cameras(writer, self._ledger, self._batches, registry, SHARD, Plates(PLATE_KEY)),
            catalogue=catalogue,
            carriers=Carriers(registry, writer),
            book=Book(SHARD, registry.knows, twin_s=60),
            contexts=Contexts(catalogue, writer, self._ledger),
            registry=registry,
            unregistered=Unregistered(settings.ingest.unregistered_quota, registry),
            recent=Recent(),
            feed=None,
            probe=_nothing,
            clock=_nothing,
            recall=_ignored,
            publish=_unpublished,
            timing=MACHINE,
            tally=Tally(),
        )
        self._mid = 0

    @property
    def refused(self) -> int:
        """Messages that were quarantined: of our own making, so there should be none but those of lying clocks."""
        return self._writer.refused

    @property
    def unknown(self) -> int:
        """Messages of devices that nobody registered."""
        return self._writer.unknown

    @property
    def example(self) -> Quarantined | UnregisteredReadings | None:
        """One of these."""
        return self._writer.example

    def hear(self, message: Message) -> None:
        """Take one message; the time of its arrival is the clock."""
        self._mid = self._mid % 65_535 + 1
        payload = message.payload
        ticket = self._ledger.received(self._mid, len(payload), 0.0)
        topic = message.topic.encode()
        self._intake.take(Inbound(ticket, self._mid, False, topic, payload, len(payload), message.at_ms))  # noqa: FBT003 - a field

    def taken(self) -> list[Data]:
        """All events since the last call, and who carries whom."""
        self._batches.flush_all()
        self._accepted.flush()
        self._ledger.release()
        events, self._writer.events = self._writer.events, []
        return events


def _nothing(topic: str, payload: bytes, ticket: int) -> None:
    """Probes and clock messages are no part of a city."""


def _ignored(payload: bytes) -> None:
    """Nor are remembered subscriptions."""


def _unpublished(topic: str, payload: bytes) -> None:
    """Nobody listens to wishes for a rebirth."""
