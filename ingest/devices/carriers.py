"""Through which gateway each registered device is heard, told to the folds when it changes and not for every message.

A device that several gateways hear (LoRaWAN) is now carried by one, now by another: it is said to be another's only
when that one has carried so many messages in a row. What was said is read back at the start. Only the shard that hears
a device says anything of it; what dies with a process before it was written is said with the device's next message.
"""

from collections import defaultdict
from typing import Final, NamedTuple

from kafka import TopicPartition

from ingest.follower import BOOTSTRAP_MS, OpenReader, read_to_end, understood
from ingest.registry import Registry
from ingest.writer import Writer
from runtime.settings import Settings
from schemas.carrier import NO_DISTRICT, DeviceCarried, GatewaySite
from schemas.facility import Facility
from schemas.model import from_ms
from schemas.rules import said
from schemas.topics import CARRIERS

SETTLED: Final = 8
"""Messages in a row through another gateway that make a device its."""
_RULES: Final = ("gateway",)


class Word(NamedTuple):
    """What was last said of a device."""

    gateway: str
    district: str
    interval_s: float | None
    site: GatewaySite | None


class Carriers:
    """The carriers of the devices that this shard hears."""

    def __init__(self, registry: Registry, writer: Writer) -> None:
        self._registry = registry
        self._writer = writer
        self._said: dict[str, Word] = {}
        self._carrier: dict[str, str] = {}  # of those that were heard since the start
        self._turning: dict[str, tuple[str, int]] = {}
        self._carries: defaultdict[str, set[str]] = defaultdict(set)
        self._sites: dict[str, GatewaySite | None] = {}
        self._now_ms = 0

    def recall(self, words: list[DeviceCarried]) -> None:
        """What was said by an earlier process, or by other shards."""
        for word in words:
            if word.gateway is not None:
                self._said[word.device] = Word(word.gateway, word.district, word.interval_s, word.site)

    def doubt(self) -> None:
        """What was said may not have been written: say it again with the next message of each device."""
        self._said.clear()
        self._carrier.clear()
        self._turning.clear()
        self._carries.clear()

    def note(self, device: str, gateway: str, event_ms: int) -> None:
        """A message of a device came through a gateway."""
        self._now_ms = event_ms
        known = self._carrier.get(device)
        if known == gateway:
            if self._turning:
                self._turning.pop(device, None)
            return
        if not self._registry.knows(device):
            return
        before = self._said.get(device)
        if known is not None or (before is not None and before.gateway != gateway):
            other, times = self._turning.get(device, (gateway, 0))
            times = times + 1 if other == gateway else 1
            if times < SETTLED:
                self._turning[device] = gateway, times
                return
        self._turning.pop(device, None)
        if known is not None:
            self._carries[known].discard(device)
        self._carrier[device] = gateway
        self._carries[gateway].add(device)
        self._say(device)

    def changed(self, device: str) -> None:
        """The registry says something else of this device, which may be a gateway."""
        if device in self._carrier:
            self._say(device)
        if device in self._sites:
            del self._sites[device]
            for carried in sorted(self._carries[device]):
                self._say(carried)

    def _say(self, device: str) -> None:
        """Write what is to be known of a device, if that is not what was said."""
        before, home = self._said.get(device), self._registry.home(device)
        if home is None:
            self._take_back(device, before)
            self._carries[self._carrier.pop(device)].discard(device)
            return
        gateway, facility = self._carrier[device], home[0]
        word = Word(gateway, facility.place.district or NO_DISTRICT, home[1], self._site(gateway))
        if word == before:
            return
        if before is not None and before.district != word.district:
            self._take_back(device, before)
        self._said[device] = word
        self._write(device, word)

    def _take_back(self, device: str, before: Word | None) -> None:
        if before is not None:
            del self._said[device]
            self._write(device, before, gone=True)

    def _write(self, device: str, word: Word, *, gone: bool = False) -> None:
        carried = DeviceCarried(
            device=device,
            gateway=None if gone else word.gateway,
            district=word.district,
            interval_s=None if gone else word.interval_s,
            site=None if gone else word.site,
            time=from_ms(self._now_ms),
        )
        self._writer.write(CARRIERS, 0, carried.key, carried, self._now_ms)

    def _site(self, gateway: str) -> GatewaySite | None:
        """The same object for all that a gateway carries, until the registry says something else."""
        if gateway not in self._sites:
            home = self._registry.home(gateway)
            self._sites[gateway] = None if home is None else self._described(home[0])
        return self._sites[gateway]

    def _described(self, facility: Facility) -> GatewaySite:
        layers = (self._registry.of_class(facility.facility_class), self._registry.of_zone(facility.zone))
        rules: dict[str, float] = {}
        for policy in (*layers, facility.policy):  # the nearest last
            rules |= {} if policy is None else said(policy, _RULES)
        return GatewaySite(
            facility=facility.facility,
            facility_class=facility.facility_class,
            zone=facility.zone,
            place=facility.place,
            rules=rules,
        )


def read_carriers(settings: Settings, open_reader: OpenReader) -> list[DeviceCarried]:
    """The newest word on every device in every district.

    Raises:
        kafka.errors.KafkaError: Kafka is away; try again later.
    """
    consumer = open_reader(settings.kafka, f"{settings.ingest.client_id}-carriers", bootstrap_timeout_ms=BOOTSTRAP_MS)
    try:
        partitions = [TopicPartition(CARRIERS.full_name(settings.kafka.topic_prefix), 0)]
        newest: dict[str, DeviceCarried] = {}
        for record in read_to_end(consumer, consumer.beginning_offsets(partitions)):
            one = understood(record, CARRIERS)
            if one is not None and one.event is not None and isinstance(one.event.data, DeviceCarried):
                newest[one.key] = one.event.data
        return list(newest.values())
    finally:
        consumer.close()
