"""The demo: the street and the water network on one clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from heapq import merge
from typing import Final

from ops.simulate.model import Incident, Item
from ops.simulate.prepare import prepare
from ops.simulate.street import Street
from ops.simulate.water import Water
from schemas.facility import Facility
from schemas.model import to_ms
from schemas.registry import ZoneConfigured

DEMO_SEED: Final = 1
DEMO_START_MS: Final = to_ms(datetime.fromisoformat("2026-07-06T00:00:00+08:00"))  # a Monday, midnight in Xuchang


@dataclass(frozen=True)
class Demo:
    """Street and water from a moment on."""

    seed: int = DEMO_SEED
    start_ms: int = DEMO_START_MS

    @cached_property
    def street(self) -> Street:
        """The street alone."""
        return Street(self.seed, self.start_ms)

    @cached_property
    def water(self) -> Water:
        """The water network alone; its days are made on first use if set-up did not."""
        return Water.load(prepare(), self.start_ms)

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """What must be registered for it."""
        return (*self.street.facilities, *self.water.facilities)

    @cached_property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """What must be configured for it."""
        return (*self.street.zones, *self.water.zones)

    def numbers(self, device: str) -> bool:
        """Whether the device numbers its messages."""
        return (self.water if device.startswith("wm-") else self.street).numbers(device)

    def items(self) -> Iterator[Item]:
        """Everything in the order of time; endless."""
        return merge(self.street.items(), self.water.items(), key=lambda item: item.at_ms)

    def incidents(self, until_ms: int) -> list[Incident]:
        """All that began up to then."""
        found = (*self.street.incidents(until_ms), *self.water.incidents(until_ms))
        return sorted(found, key=lambda incident: incident.start_ms)
