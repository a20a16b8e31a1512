"""What is wrong with devices and gateways: planned by their own names, so that nobody's faults depend on others'."""

from enum import StrEnum
from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Device
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS

STUCK_SHARE: Final = 0.01
DEAD_SHARE: Final = 0.01
CLOCK_SHARE: Final = 0.05
CLOCK_OFF_MS: Final = 2 * MINUTE_MS
CLOCK_WRONG_SHARE: Final = 0.01
OUTAGE_SHARE: Final = 1 / 20
"""A gateway and day."""
LAST_HOURS: Final = 2
"""Before the end of a day: what begins then could not be found in time."""


class FaultKind(StrEnum):
    """What may be wrong with a device."""

    STUCK = "stuck"  # it says again and again what it said when it froze
    DEAD = "dead"  # it says nothing
    CLOCK = "clock"  # its clock is off by so much that nobody can believe it
    OUTAGE = "outage"  # its gateway hears nobody


class Fault(NamedTuple):
    """A span in which something is wrong; ``by_ms``: how far a clock is off."""

    kind: FaultKind
    start_ms: int
    end_ms: int
    by_ms: int = 0

    def holds(self, at_ms: int) -> bool:
        """Whether it is going on."""
        return self.start_ms <= at_ms < self.end_ms


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
            begin = self._start_ms + day * DAY_MS
            fault = self._drawn(device, draws, begin)
            if fault is not None and (not found or found[-1].end_ms < fault.start_ms):
                found.append(fault)
        return found

    def _drawn(self, device: Device, draws: Draws, begin_ms: int) -> Fault | None:
        at = draws.unit()
        start = begin_ms + int(draws.uniform(1, 24 - LAST_HOURS) * HOUR_MS)
        if (at := at - STUCK_SHARE * self._noise) < 0:
            return Fault(FaultKind.STUCK, start, start + DAY_MS)
        if (at := at - DEAD_SHARE * self._noise) < 0:
            interval_ms = int((device.interval_s or 300) * 1000)
            return Fault(
                FaultKind.DEAD, start, start + int(draws.uniform(4, 12) * interval_ms + draws.uniform(0, 3) * HOUR_MS)
            )
        if device.own_clock and at - CLOCK_WRONG_SHARE * self._noise < 0:
            by = int(draws.uniform(6, 300) * MINUTE_MS)
            return Fault(FaultKind.CLOCK, start, start + int(draws.uniform(1, 4) * HOUR_MS), by)
        return None

    def outages(self, gateway: str) -> list[Fault]:
        """Of a gateway, in order."""
        found = []
        for day in range(self._days):
            draws = Draws(self._seed, gateway, "outage", day)
            if draws.chance(OUTAGE_SHARE * self._noise):
                start = self._start_ms + day * DAY_MS + int(draws.uniform(1, 24 - LAST_HOURS - 2) * HOUR_MS)
                found.append(Fault(FaultKind.OUTAGE, start, start + int(draws.uniform(50, 150) * MINUTE_MS)))
        return found

    def clock_off_ms(self, device: Device) -> int:
        """By how much its clock is a little wrong, always; 0 of most, and of all that have none of their own."""
        draws = Draws(self._seed, device.name, "clock")
        if not device.own_clock or not draws.chance(CLOCK_SHARE * self._noise):
            return 0
        return int(draws.uniform(-1, 1) * CLOCK_OFF_MS)
