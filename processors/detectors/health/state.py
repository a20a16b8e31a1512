"""What is remembered of devices: a few numbers per series, whatever its past."""

from typing import Final

import msgspec

from processors.detectors.common import Opened, Site
from processors.detectors.rulebook import Rulebook

RULES: Final = ("stuck", "jump", "property_silence", "drift", "battery", "restarts", "duplicate", "signal")
NEVER_MS: Final = 2**62


class Row(msgspec.Struct, array_like=True):
    """The numbers that a series gives its messages, and the row that it left when it last began anew."""

    prefix: str
    """Of the identities of this row, where they name no channel."""
    boot: str
    seq: int
    left_boot: str = ""
    left_seq: int = -1


class Habit(msgspec.Struct, array_like=True):
    """How a series stands among its neighbours."""

    usual: float = 0.0
    spread: float = 0.0
    hours: int = 0
    off: int = 0
    """Hours in a row in which it was far from that, or (negative) near it again while a finding is open."""
    off_since_ms: int = 0


class Leap(msgspec.Struct, frozen=True, array_like=True):
    """A jump that is open."""

    since_ms: int
    """Of the newest impossible reading."""
    before: float | None = None
    """Where it was; None: it went where no sensor can show anything."""
    half: float = 0.0
    """Of the way that it went."""

    def again(self, at_ms: int) -> "Leap":
        """With another impossible reading."""
        return Leap(at_ms, self.before, self.half)


class Watch(msgspec.Struct, array_like=True):
    """One series: a property of a device, of one channel."""

    facility: str
    first_ms: int
    time_ms: int
    """Of the newest reading; what is older is of no interest here."""
    value: float
    low: float
    high: float
    """Between them it counts as standing still."""
    still_ms: int
    """Since when it does; time in which nothing came is left out."""
    due_ms: int = NEVER_MS
    """From when on that is too long."""
    still: int = 1
    """Readings since then."""
    longest_ms: int = 0
    moves: int = 0
    step: float = 0.0
    """What it usually moves by."""
    gap_ms: int = 0
    """The longest time between two readings."""
    count: int = 1
    total: float = 0.0
    counted: int = 0
    """Of ``total``: readings since the last look at the neighbours."""
    missed_ms: int = 0
    """The newest word of its device when it was missed first."""
    sane: int = 0
    """Possible readings in a row near where it was, while a jump is open."""
    row: Row | None = None
    habit: Habit | None = None
    opened: dict[str, Opened] = {}
    """Findings about this series, by kind."""
    leap: Leap | None = None


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
