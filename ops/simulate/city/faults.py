"""What is wrong with devices and gateways: planned by their own names, so that nobody's faults depend on others'."""

from enum import StrEnum
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Device
from ops.simulate.city.sizes import DRIFT, NEAR_SHARE, PAUSE, Size
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS

CLOCK_OFF_SHARE: Final = 0.05
"""Of devices whose clock is always a little off."""
CLOCK_OFF_MS: Final = 2 * MINUTE_MS
OUTAGE_SHARE: Final = 1 / 20
"""A gateway and day."""
OUTAGE_MIN: Final = (50.0, 150.0)
LAST_H: Final = 22.0
"""Nothing begins later in a day: it could not be found in time."""
OFTEN_S: Final = 600.0
"""Devices that speak at least so often show what takes several messages within an hour."""


class FaultKind(StrEnum):
    """What may be wrong with a device."""

    STUCK = "stuck"  # it says again and again what it said when it froze
    DEAD = "dead"  # it says nothing
    CLOCK = "clock"  # its clock is off by so much that nobody can believe it
    BATTERY = "battery"  # nearly empty
    SIGNAL = "signal"  # at the end of its radio range
    RESTARTS = "restarts"  # every message is the first after a restart
    CLONE = "clone"  # another device speaks under its name
    MISSING = "missing"  # its thermometer is dead
    JUMP = "jump"  # its thermometer says what cannot be
    PAUSE = "pause"  # it says nothing for nearly as long as silence takes
    DRIFT = "drift"  # its thermometer walks away from those of its neighbours
    OUTAGE = "outage"  # its gateway hears nobody


class Fault(NamedTuple):
    """A span in which something is wrong; ``by_ms``: how far a clock is off.

    ``size`` is in the unit of what decides where there is a threshold; ``near`` and ``silent`` are as in a matter.
    """

    kind: FaultKind
    start_ms: int
    end_ms: int
    by_ms: int = 0
    size: float = 0.0
    near: bool = False
    silent: bool = False

    def holds(self, at_ms: int) -> bool:
        """Whether it is going on."""
        return self.start_ms <= at_ms < self.end_ms

    @property
    def blinds(self) -> bool:
        """Whether nothing of the world is seen meanwhile."""
        return self.kind in {FaultKind.STUCK, FaultKind.DEAD, FaultKind.PAUSE, FaultKind.OUTAGE}


class _Plan(NamedTuple):
    kind: FaultKind
    share: float
    """Of devices, a day."""
    begins_h: tuple[float, float]
    """Of the day."""
    lasts_h: tuple[float, float]
    lasts_intervals: tuple[float, float] = (0.0, 0.0)
    """And so many of the device's intervals more."""
    size: Size | None = None
    silent_share: float = NEAR_SHARE / (1 + NEAR_SHARE)
    """Of these, that are near-misses."""
    first_day: int = 0
    """None begins before: nobody could know."""


_PLANS: Final = (
    _Plan(FaultKind.STUCK, 0.01, (1, LAST_H), (24, 24)),
    _Plan(FaultKind.DEAD, 0.01, (1, LAST_H), (0, 3), (4, 12)),
    _Plan(FaultKind.CLOCK, 0.01, (1, LAST_H), (1, 4)),
    _Plan(FaultKind.BATTERY, 0.005, (2, 14), (6, 9)),
    _Plan(FaultKind.SIGNAL, 0.005, (1, 8), (10, 13)),
    _Plan(FaultKind.RESTARTS, 0.01, (2, 20), (1.5, 3)),
    _Plan(FaultKind.CLONE, 0.01, (2, 20), (1.5, 3)),
    _Plan(FaultKind.MISSING, 0.005, (13, 14), (7, 9)),
    _Plan(FaultKind.JUMP, 0.005, (2, 20), (0, 0), (3, 3)),
    _Plan(FaultKind.PAUSE, PAUSE.rate * NEAR_SHARE, (2, LAST_H), (0, 0), (PAUSE.threshold,) * 2, PAUSE, 1.0),
    _Plan(FaultKind.DRIFT, DRIFT.rate * (1 + NEAR_SHARE), (3, 10), (13, 20), size=DRIFT, first_day=2),
)


def may_have(device: Device, kind: FaultKind) -> bool:
    """Whether this can go wrong with such a device, and show: nobody knows when to expect one without an interval."""
    often = device.interval_s is not None and device.interval_s <= OFTEN_S
    own = {
        FaultKind.CLOCK: device.own_clock,
        FaultKind.BATTERY: device.format in {"chirpstack", "eyes", "senml"},
        FaultKind.SIGNAL: device.format in {"chirpstack", "eyes"},
        FaultKind.RESTARTS: device.format == "eyes" and often,
        FaultKind.CLONE: device.format == "eyes" and often,
        FaultKind.MISSING: device.thermometer,
        FaultKind.JUMP: device.thermometer,
        FaultKind.PAUSE: device.format != "frigate",
        FaultKind.DRIFT: device.thermometer and device.neighbours,
    }
    return device.interval_s is not None and own.get(kind, True)


class Faults:
    """All faults of a city under one seed; ``noise`` scales how often."""

    def __init__(self, seed: int, start_ms: int, days: int, noise: float) -> None:
        self._seed = seed
        self._start_ms = start_ms
        self._days = days
        self._noise = noise

    def of(self, device: Device) -> list[Fault]:
        """Of a device itself, in order; no two at once."""
        found: list[Fault] = []
        for day in range(self._days):
            draws = Draws(self._seed, device.name, "faults", day)
            fault = self._drawn(device, draws, day)
            if fault is not None and (not found or found[-1].end_ms < fault.start_ms):
                found.append(fault)
        return found

    def _drawn(self, device: Device, draws: Draws, day: int) -> Fault | None:
        begin_ms = self._start_ms + day * DAY_MS
        at = draws.unit()
        for plan in _PLANS:
            at -= plan.share * self._noise
            if at < 0:
                break
        else:
            return None
        if not may_have(device, plan.kind) or day < plan.first_day:
            return None
        start_ms = begin_ms + int(draws.uniform(*plan.begins_h) * HOUR_MS)
        interval_ms = int((device.interval_s or 300) * 1000)
        lasts_ms = draws.uniform(*plan.lasts_h) * HOUR_MS + draws.uniform(*plan.lasts_intervals) * interval_ms
        by_ms = int(draws.uniform(6, 300) * MINUTE_MS) if plan.kind is FaultKind.CLOCK else 0
        fault = Fault(plan.kind, start_ms, start_ms + int(lasts_ms), by_ms)
        return fault if plan.size is None else _sized(fault, plan.size, draws.chance(plan.silent_share), draws)

    def outages(self, gateway: str) -> list[Fault]:
        """Of a gateway, in order."""
        found = []
        for day in range(self._days):
            draws = Draws(self._seed, gateway, "outage", day)
            if draws.chance(OUTAGE_SHARE * self._noise):
                start = self._start_ms + day * DAY_MS + int(draws.uniform(1, 20) * HOUR_MS)
                found.append(Fault(FaultKind.OUTAGE, start, start + int(draws.uniform(*OUTAGE_MIN) * MINUTE_MS)))
        return found

    def clock_off_ms(self, device: Device) -> int:
        """By how much its clock is a little wrong, always; 0 of most, and of all that have none of their own."""
        draws = Draws(self._seed, device.name, "clock")
        if not device.own_clock or not draws.chance(CLOCK_OFF_SHARE * self._noise):
            return 0
        return int(draws.uniform(-1, 1) * CLOCK_OFF_MS)


def _sized(fault: Fault, size: Size, silent: bool, draws: Draws) -> Fault:  # noqa: FBT001 - a draw, not a switch
    """A fault that is one from some size on, or nearly is."""
    one = size.matter(draws, "", 0, silent=silent)
    return fault._replace(size=one.size, near=one.near, silent=silent)
