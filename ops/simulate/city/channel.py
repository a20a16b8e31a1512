"""From what devices would say to what arrives: faults, losses, copies, latency; in the order of arrival."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.faults import Fault, FaultKind, Faults
from ops.simulate.city.model import Device, Said, Seen, Thing
from ops.simulate.city.wire import SAMPLES, Sending, Wire, frigate_event

LOST_SHARE: Final = 0.02
DOUBLED_SHARE: Final = 0.01
LATENCY_MS: Final = (150, 2_500)
COPY_LATER_MS: Final = (500, 20_000)


class Message(NamedTuple):
    """One MQTT message: when the broker has it, where, what."""

    at_ms: int
    topic: str
    payload: bytes


class Gap(NamedTuple):
    """A device was not heard in between, because its messages were lost."""

    facility: str
    from_ms: int
    to_ms: int


class Channel:
    """The way of one device's messages."""

    def __init__(self, seed: int, thing: Thing, faults: Faults, start_ms: int, noise: float) -> None:
        device = thing.device
        self._device: Device = device
        self._seed = seed
        self._noise = noise
        self._start_ms = start_ms
        self._faults: list[Fault] = faults.of(device)
        self._outages = [] if device.gateway is None else faults.outages(device.gateway)
        self._off_ms = faults.clock_off_ms(device)
        self._begin()

    def _begin(self) -> None:
        self._draws = Draws(self._seed, self._device.name, "channel")
        self._battery = self._draws.uniform(55, 100)
        self._rssi = self._draws.uniform(-112, -70)
        self._frozen: tuple[Fault, Said] | None = None
        self.gaps: list[Gap] = []

    def carry(self, says: Iterator[Said | Seen]) -> Iterator[Message]:
        """What arrives of it, in the order of arrival; each call begins anew."""
        self._begin()
        coming: list[tuple[int, int, Wire]] = []
        sent = 0
        heard_ms = arrived_ms = self._start_ms
        for said in says:
            while coming and coming[0][0] <= said.at_ms:
                yield _message(heappop(coming))
            fault = next((one for one in self._faults if one.holds(said.at_ms)), None)
            if fault is not None and fault.kind is FaultKind.DEAD:
                continue
            wire = self._wire(said, fault, sent)
            sent += 1
            latency = int(self._draws.uniform(*LATENCY_MS))
            lost, doubled = self._draws.unit(), self._draws.unit()
            later = latency + int(self._draws.uniform(*COPY_LATER_MS))
            if wire is None or lost < LOST_SHARE * self._noise or any(one.holds(said.at_ms) for one in self._outages):
                continue
            self._note_gap(heard_ms, said.at_ms)
            heard_ms = said.at_ms
            arrived_ms = max(arrived_ms + 1, said.at_ms + latency)  # one device's messages do not overtake each other
            heappush(coming, (arrived_ms, sent, wire))
            if doubled < DOUBLED_SHARE * self._noise:
                heappush(coming, (said.at_ms + later, sent, wire))
        while coming:
            yield _message(heappop(coming))

    def _note_gap(self, from_ms: int, to_ms: int) -> None:
        interval_s = self._device.interval_s
        if interval_s is not None and to_ms - from_ms > 2_900 * interval_s:
            self.gaps.append(Gap(self._device.facility, from_ms, to_ms))

    def _wire(self, said: Said | Seen, fault: Fault | None, number: int) -> Wire | None:
        """The bytes; None where a frozen camera sees nothing new."""
        off_ms = fault.by_ms if fault is not None and fault.kind is FaultKind.CLOCK else self._off_ms
        running_s = (said.at_ms - self._start_ms) / 1000
        battery = max(0.0, self._battery - running_s / 86_400 * 0.05)
        rssi = self._rssi + self._draws.normal(2.0)
        sending = Sending(number, 1, said.at_ms + off_ms, battery, rssi, running_s + 86_400)
        stuck = fault is not None and fault.kind is FaultKind.STUCK
        if isinstance(said, Seen):
            return None if stuck else frigate_event(self._device, said, sending)
        if stuck and fault is not None:
            if self._frozen is None or self._frozen[0] is not fault:
                self._frozen = fault, said
            said = said._replace(values=self._frozen[1].values)
        return SAMPLES[self._device.format](self._device, said, sending)


def _message(coming: tuple[int, int, Wire]) -> Message:
    at_ms, _, (topic, payload) = coming
    return Message(at_ms, topic, payload)
