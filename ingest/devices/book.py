"""The twin of every device this shard hears, in memory; written when it changed, not for every message.

Twins are told apart from readings: what is lost of them when a process is killed is at most what one would have been
told within ``ingest.twin_s``, and the device's next message mends it.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from ingest.decoders.base import RefusedError
from ingest.decoders.identify import device_id
from ingest.devices.battery import Days, empty_at, trend, with_charge
from ingest.devices.traffic import Counter
from ingest.messages import NOTHING_ABOUT, About, Report
from schemas.device import Battery, DeviceTwin, LastValue, Traffic, UnmappedField

VALUES_MAX: Final = 64
UNMAPPED_MAX: Final = 64
TAGS_MAX: Final = 32
_TEXT_MAX: Final = 256
_WORDS: Final = ("vendor", "model", "name", "firmware", "hardware", "gateway")
_FORGETTING: Final = 1_000
"""Devices looked at to find one that may be forgotten."""


class Device:
    """One device, as far as its messages say."""

    __slots__ = (
        "about",
        "counter",
        "days",
        "decoder",
        "event",
        "first_ms",
        "last_ms",
        "messages",
        "online",
        "place",
        "relayed",
        "restarts",
        "tags",
        "topic",
        "unmapped",
        "values",
        "waiting",
    )

    def __init__(self, first_ms: int) -> None:
        self.first_ms = self.last_ms = first_ms
        self.messages = 0
        self.decoder = ""
        self.topic = ""
        self.online: bool | None = None
        self.about: dict[str, Any] = {}
        self.place: tuple[float, float] | None = None
        self.tags: dict[str, str] = {}
        self.event: str | None = None
        self.values: dict[tuple[str, str], tuple[float, int]] = {}
        self.unmapped: dict[str, tuple[int, str, str]] = {}
        self.counter = Counter()
        self.relayed = Counter()
        self.restarts = 0  # by uptime
        self.days: Days = ()
        self.waiting = False

    def learn(self, about: About) -> bool:
        """Take what a message says of the device itself; returns whether anything is new."""
        news = False
        for word in _WORDS:
            said = getattr(about, word)
            if said is not None and self.about.get(word) != (said := said[:_TEXT_MAX]):
                self.about[word] = said
                news = True
        if about.location is not None and about.location != self.place:
            news = news or self.place is None
            self.place = about.location
        if about.interval_s is not None:
            self.about["interval_s"] = about.interval_s
        if about.uptime_s is not None:
            if about.uptime_s < self.about.get("uptime_s", 0.0):
                self.restarts += 1
                news = True
            self.about["uptime_s"] = about.uptime_s
        for key, value in about.tags.items():
            if key in self.tags or len(self.tags) < TAGS_MAX:
                self.tags[key[:_TEXT_MAX]] = value[:_TEXT_MAX]
        return news

    def stand(self) -> bool:
        """Take the place that the device measured; returns whether it is the first. (0, 0) is a place without a fix."""
        longitude, latitude = self.values.get(("longitude", "")), self.values.get(("latitude", ""))
        if longitude is None or latitude is None or (longitude[0] == 0 and latitude[0] == 0):
            return False
        first = self.place is None
        self.place = (longitude[0], latitude[0])
        return first


Claimed = Callable[[str], bool]
"""Whether any facility claims this device."""


class Book:
    """All devices of this shard; bounded, those that were silent longest and are not registered are forgotten first."""

    def __init__(self, shard: str, claimed: Claimed, twin_s: float, devices_max: int = 500_000) -> None:
        self._shard = shard
        self._claimed = claimed
        self._twin_s = twin_s
        self._devices_max = devices_max
        self._devices: dict[str, Device] = {}
        self._due: deque[tuple[float, str]] = deque()
        self._news: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._devices)

    # ------------------------------------------------------------------------------------------------------- messages

    def note(self, report: Report, decoder: str, topic: str, event_ms: int, now_s: float) -> int:
        """Take in what a message said of its device; returns how many messages are missing before it.

        ``event_ms`` is the clock time of its arrival, ``now_s`` a monotonic one for when the twin is due.
        """
        device = self._devices.get(report.device)
        news = device is None
        if device is None:
            device = self._new(report.device, event_ms)
        device.last_ms = max(device.last_ms, event_ms)
        device.messages += 1
        device.decoder, device.topic = decoder, topic
        if report.online is not None and report.online is not device.online:
            device.online = report.online
            news = True
        if report.about is not NOTHING_ABOUT:
            news = device.learn(report.about) or news
        if report.happening is not None:
            active = "" if report.happening.active is None else f" {str(report.happening.active).lower()}"
            device.event = f"{report.happening.event_type}{active}"[:_TEXT_MAX]
        if report.measurements:
            self._values(device, report, event_ms)
            if report.about.location is None:
                news = device.stand() or news
        if report.unmapped:
            news = self._unmapped(device, report) or news
        missing = 0 if report.numbering is None else self._count(device, report, event_ms, now_s)
        self._schedule(report.device, device, now_s, news=news)
        return missing

    def _new(self, name: str, event_ms: int) -> Device:
        if len(self._devices) >= self._devices_max:
            self._forget_one()
        device = self._devices[name] = Device(event_ms)
        return device

    def _forget_one(self) -> None:
        """Of the first that were heard of: the one nobody claims that is silent longest, else simply the first."""
        first = [name for name, _ in zip(self._devices, range(_FORGETTING), strict=False)]
        idle = [name for name in first if not self._claimed(name)] or first[:1]
        del self._devices[min(idle, key=lambda name: self._devices[name].last_ms)]

    def _values(self, device: Device, report: Report, event_ms: int) -> None:
        values = device.values
        for part in report.measurements:
            time_ms = event_ms if part.time_ms is None else part.time_ms
            key = (part.observed_property, part.channel[:_TEXT_MAX])
            before = values.get(key)
            if before is None:
                if len(values) >= VALUES_MAX:
                    continue
            elif time_ms < before[1] <= event_ms:  # history; but a clock that was once ahead must not hold for ever
                continue
            values[key] = (part.value, max(time_ms, 0))
            if part.observed_property == "battery_percent" and not part.channel:
                device.days = with_charge(device.days, event_ms, part.value)

    def _unmapped(self, device: Device, report: Report) -> bool:
        news = False
        for field in report.unmapped:
            name = field.name[:_TEXT_MAX]
            known = device.unmapped.get(name)
            if known is None:
                if len(device.unmapped) >= UNMAPPED_MAX:
                    continue
                news = True
            value = (
                field.value if isinstance(field.value, str) else msgspec.json.encode(field.value, enc_hook=str).decode()
            )
            device.unmapped[name] = (1 if known is None else known[0] + 1, value[:_TEXT_MAX], field.why[:_TEXT_MAX])
        return news

    def _count(self, device: Device, report: Report, event_ms: int, now_s: float) -> int:
        assert report.numbering is not None
        whose, gateway = report.numbering.counter, report.about.gateway
        if whose and whose != report.device:  # one count for all that a gateway says: theirs have none of their own
            owner = self._devices.get(whose) or self._new(whose, event_ms)
            self._schedule(whose, owner, now_s, news=False)
            return owner.counter.count(report.numbering)
        missing = device.counter.count(report.numbering)
        if gateway is not None and (carrier := self._carrier(gateway, event_ms)) is not None:
            carrier.relayed.received += 1
            carrier.relayed.lost = max(0, carrier.relayed.lost + missing)
            self._schedule(gateway, carrier, now_s, news=False)
        return missing

    def _carrier(self, gateway: str, event_ms: int) -> Device | None:
        """Who carries for others; most LoRaWAN gateways never speak themselves, and are known by this alone."""
        if (known := self._devices.get(gateway)) is not None:
            known.last_ms = max(known.last_ms, event_ms)
            return known
        try:
            return self._new(device_id(gateway), event_ms)
        except RefusedError:
            return None  # whatever that is, nothing can be told of it

    # ---------------------------------------------------------------------------------------------------------- twins

    def _schedule(self, name: str, device: Device, now_s: float, *, news: bool) -> None:
        if device.waiting and not news:
            return
        if news:
            self._news.append(name)
        else:
            self._due.append((now_s + self._twin_s, name))
        device.waiting = True

    def changed(self, device: str) -> None:
        """The registry says something else of this device."""
        if (known := self._devices.get(device)) is not None:
            known.waiting = True
            self._news.append(device)

    def due(self, now_s: float, *, everything: bool = False) -> Iterator[DeviceTwin]:
        """The twins to be written now; with ``everything``, all that changed since they were written."""
        while self._news:
            yield from self._taken(self._news.popleft())
        while self._due and (everything or self._due[0][0] <= now_s):
            yield from self._taken(self._due.popleft()[1])

    def _taken(self, name: str) -> Iterator[DeviceTwin]:
        device = self._devices.get(name)
        if device is not None and device.waiting:
            device.waiting = False
            yield self.twin(name)

    def twin(self, name: str) -> DeviceTwin:
        """A device as it is told to others.

        Raises:
            KeyError: it was never heard.
        """
        it = self._devices[name]
        charge = it.values.get(("battery_percent", ""))
        return DeviceTwin.model_construct(
            device=name,
            shard=self._shard,
            registered=self._claimed(name),
            decoder=it.decoder,
            mqtt_topic=it.topic,
            first_seen=it.first_ms,
            last_seen=it.last_ms,
            messages=it.messages,
            online=it.online,
            lon=None if it.place is None else it.place[0],
            lat=None if it.place is None else it.place[1],
            tags=dict(sorted(it.tags.items())),
            event=it.event,
            values=tuple(
                LastValue.model_construct(property=key[0], channel=key[1], value=value, time=time_ms)
                for key, (value, time_ms) in sorted(it.values.items())
            ),
            unmapped=tuple(
                UnmappedField.model_construct(name=field, count=count, value=value, why=why)
                for field, (count, value, why) in sorted(it.unmapped.items())
            ),
            traffic=_traffic(it.counter, it.restarts),
            relayed=_traffic(it.relayed, 0),
            battery=None
            if charge is None
            else Battery.model_construct(percent=charge[0], per_day=trend(it.days), empty_at=empty_at(it.days)),
            battery_days=it.days,
            **it.about,
        )

    def recall(self, twin: DeviceTwin) -> None:
        """Go on from what was written of a device of this shard by an earlier process."""
        if twin.shard != self._shard:
            return
        it = self._devices[twin.device] = Device(twin.first_seen)
        it.last_ms, it.messages = twin.last_seen, twin.messages
        it.decoder, it.topic, it.online = twin.decoder, twin.mqtt_topic, twin.online
        said = {word: getattr(twin, word) for word in (*_WORDS, "interval_s", "uptime_s")}
        it.about = {word: value for word, value in said.items() if value is not None}
        it.place = None if twin.lon is None or twin.lat is None else (twin.lon, twin.lat)
        it.tags, it.event, it.days = dict(twin.tags), twin.event, twin.battery_days
        it.values = {(one.property, one.channel): (one.value, one.time) for one in twin.values}
        it.unmapped = {one.name: (one.count, one.value, one.why) for one in twin.unmapped}
        for counter, was in ((it.counter, twin.traffic), (it.relayed, twin.relayed)):
            counter.received, counter.lost = was.received, was.lost
            counter.repeated, counter.restarts = was.repeated, was.restarts


def _traffic(counter: Counter, restarts: int) -> Traffic:
    return Traffic.model_construct(
        received=counter.received,
        lost=counter.lost,
        repeated=counter.repeated,
        restarts=counter.restarts + restarts,
    )
