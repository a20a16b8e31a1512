"""What is remembered of devices: a few numbers per series, whatever its past."""

from typing import Final

import msgspec

from processors.detectors.common import Opened, Site
from processors.detectors.health.watch import Watch
from processors.detectors.rulebook import Rulebook

RULES: Final = ("stuck", "jump", "property_silence", "drift", "battery", "restarts", "duplicate", "signal")


class Charge(msgspec.Struct, array_like=True):
    """A battery, by its last charge of each day, counted from the first."""

    first_ms: int
    days: list[tuple[int, float]] = []
    low: int = 0
    """Charges in a row that were low."""
    told: int = 0
    """Times in a row that the device itself said so."""


class Weak(msgspec.Struct, array_like=True):
    """A radio signal, smoothed."""

    level: float
    count: int = 1
    since_ms: int | None = None
    """Since when it is below the threshold."""


class Device(msgspec.Struct, array_like=True):
    """A device and the facility it speaks for first."""

    facilities: list[str]
    watches: dict[str, Watch] = {}
    charge: Charge | None = None
    signal: dict[str, Weak] = {}
    uptime_s: float | None = None
    restarts: float | None = None
    begun: list[int] = []
    """When it last restarted; event times, as those below."""
    returned: list[int] = []
    """When it last went back to a row of numbers that it had left: somebody else goes on there."""
    opened: dict[str, Opened] = {}

    @property
    def facility(self) -> str:
        """Where findings about the device itself stand."""
        return min(self.facilities)


class State(msgspec.Struct, dict=True, array_like=True):
    """The devices of a zone."""

    zone: str
    rules: Rulebook
    sites: dict[str, Site] = {}
    devices: dict[str, Device] = {}
    sweeping: bool = False
    sweeps: int = 0
    """Looks until now, or those that would have been: where no device has two sensors, only the hour is of interest."""
    stride: int = 1
    """How many of them it is from the last to the next."""
