"""From what devices would say to what arrives: faults, losses, copies, latency; in the order of arrival."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.faults import Fault, FaultKind, Faults
from ops.simulate.city.model import Defect, Device, Said, Seen, Thing
from ops.simulate.city.sizes import DRIFT_RAMP_S
from ops.simulate.city.wire import SAMPLES, Sending, Wire, eyes_camera, frigate_event
from ops.simulate.model import Value

LOST_SHARE: Final = 0.02
DOUBLED_SHARE: Final = 0.01
LATENCY_MS: Final = (150, 2_500)
COPY_LATER_MS: Final = (500, 20_000)
CLONE_LATER_MS: Final = 1_500
CLONE_NUMBER: Final = 40_000
"""Where the other device's count stands."""
EMPTY_PERCENT: Final = 8.0
"""A few less could as well be volts, in the formats that do not say which."""
WEAK_DBM: Final = -125.0
IMPOSSIBLE_CEL: Final = 130.0
GAP_INTERVALS: Final = 2.9
"""Unheard for so long, a device may be taken for silent by whoever counts three intervals."""


class Message(NamedTuple):
    """One MQTT message: when the broker has it, where, what."""

    at_ms: int
    topic: str
    payload: bytes


class Gap(NamedTuple):
    """A device was not heard in between, because its messages were lost or it made a pause."""

    facility: str
    from_ms: int
    to_ms: int


class Channel:
    """The way of one device's messages."""

    def __init__(self, seed: int, thing: Thing, faults: Faults, start_ms: int, noise: float, site: str) -> None:
        device = thing.device
        self._device: Device = device
        self._seed = seed
        self._noise = noise
        self._site = site
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
        self._number = 0
        self._starts = 1
        self._arrived_ms = self._heard_ms = self._start_ms
        self._coming: list[tuple[int, int, Wire]] = []
        self._order = 0
        self._said_ms = self._start_ms
        self._paused: Fault | None = None
        self._kept: Said | None = None
        self.gaps: list[Gap] = []
        self.pauses: list[Gap] = []

    def carry(self, says: Iterator[Said | Seen | Defect]) -> Iterator[Message]:
        """What arrives of it, in the order of arrival; each call begins anew."""
        self._begin()
        for said in says:
            while self._coming and self._coming[0][0] <= said.at_ms:
                yield self._next()
            fault = next((one for one in self._faults if one.holds(said.at_ms)), None)
            kind = None if fault is None else fault.kind
            if kind is FaultKind.DEAD or (isinstance(said, Said) and self._pauses(said, fault)):
                continue
            if kind is FaultKind.RESTARTS:
                self._starts, self._number = self._starts + 1, 0
            self._say(said, fault)
            if kind is FaultKind.CLONE and isinstance(said, Said):
                other = said._replace(at_ms=said.at_ms + CLONE_LATER_MS)
                self._send(other, self._wire(other, fault, CLONE_NUMBER + self._number))
        while self._coming:
            yield self._next()

    def _say(self, said: Said | Seen | Defect, fault: Fault | None) -> None:
        self._send(said, self._wire(said, fault, self._number))
        self._number += 1
        self._said_ms = said.at_ms

    def _pauses(self, said: Said, fault: Fault | None) -> bool:
        """Whether it keeps this to itself; what it kept last it says when its pause is over."""
        if fault is not None and fault.kind is FaultKind.PAUSE and fault is not self._paused:
            self._paused = fault
            wakes_ms = self._said_ms + int(fault.size * 1000 * (self._device.interval_s or 0))
            self.pauses.append(Gap(self._device.facility, self._said_ms, wakes_ms))
        if not self.pauses:
            return False
        wakes_ms = self.pauses[-1].to_ms
        if said.at_ms < wakes_ms:
            self._kept = said
            return True
        if self._kept is not None:
            self._say(self._kept._replace(at_ms=wakes_ms), None)
            self._kept = None
        return False

    def _next(self) -> Message:
        at_ms, _, (topic, payload) = heappop(self._coming)
        return Message(at_ms, topic, payload)

    def _send(self, said: Said | Seen | Defect, wire: Wire | None) -> None:
        """On its way, once or twice, or lost."""
        latency = int(self._draws.uniform(*LATENCY_MS))
        lost, doubled = self._draws.unit(), self._draws.unit()
        later = latency + int(self._draws.uniform(*COPY_LATER_MS))
        missed = any(one.holds(said.at_ms) for one in self._outages)
        if wire is None or missed or lost < LOST_SHARE * self._noise:
            return
        self._note_gap(said.at_ms)
        self._arrived_ms = max(self._arrived_ms + 1, said.at_ms + latency)  # its messages do not overtake each other
        self._push(self._arrived_ms, wire)
        if doubled < DOUBLED_SHARE * self._noise:
            self._push(said.at_ms + later, wire)

    def _push(self, at_ms: int, wire: Wire) -> None:
        self._order += 1
        heappush(self._coming, (at_ms, self._order, wire))

    def _note_gap(self, at_ms: int) -> None:
        interval_s = self._device.interval_s
        if interval_s is not None and at_ms - self._heard_ms > GAP_INTERVALS * 1000 * interval_s:
            self.gaps.append(Gap(self._device.facility, self._heard_ms, at_ms))
        self._heard_ms = at_ms

    def _wire(self, said: Said | Seen | Defect, fault: Fault | None, number: int) -> Wire | None:
        """The bytes; None where a frozen camera sees nothing new."""
        kind = None if fault is None else fault.kind
        off_ms = fault.by_ms if fault is not None and kind is FaultKind.CLOCK else self._off_ms
        running_s = (said.at_ms - self._start_ms) / 1000
        rssi = (WEAK_DBM if kind is FaultKind.SIGNAL else self._rssi) + self._draws.normal(1.0)
        battery = EMPTY_PERCENT if kind is FaultKind.BATTERY else self._battery - running_s / 86_400 * 0.05
        sending = Sending(number, self._starts, said.at_ms + off_ms, battery, rssi, running_s + 86_400, self._site)
        if isinstance(said, Seen):
            return None if kind is FaultKind.STUCK else frigate_event(self._device, said, sending)
        if isinstance(said, Defect):
            return None if kind is FaultKind.STUCK else eyes_camera(self._device, said, sending)
        if fault is not None:
            said = said._replace(values=self._disturbed(said, fault))
        return SAMPLES[self._device.format](self._device, said, sending)

    def _disturbed(self, said: Said, fault: Fault) -> tuple[Value, ...]:
        values = tuple(said.values)
        match fault.kind:
            case FaultKind.STUCK:
                if self._frozen is None or self._frozen[0] is not fault:
                    self._frozen = fault, said
                return tuple(self._frozen[1].values)
            case FaultKind.MISSING:
                return tuple(one for one in values if one.observed_property != "temperature")
            case FaultKind.JUMP:
                hot = Value("temperature", IMPOSSIBLE_CEL)
                return tuple(hot if one.observed_property == "temperature" else one for one in values)
            case FaultKind.DRIFT:
                walked = min(1.0, (said.at_ms - fault.start_ms) / 1000 / DRIFT_RAMP_S) * fault.size
                return tuple(_warmer(one, walked) if one.observed_property == "temperature" else one for one in values)
            case _:
                return values


def _warmer(value: Value, by_cel: float) -> Value:
    return value._replace(value=round(value.value + by_cel, 1))
