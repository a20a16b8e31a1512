"""What is remembered of devices that should speak at an interval."""

import math
from typing import Final

import msgspec

from processors.detectors.common import Opened, Site
from processors.detectors.rulebook import Rulebook

LATE: Final = 1.5  # intervals after which the next message must have been lost
_KNOWN: Final = 50  # messages, one of them lost, by which a device is known before it is heard: one loss is no habit
_LOSSES_MAX: Final = 30  # intervals that the worst of losses can ask for


class Device(msgspec.Struct, array_like=True):
    """A device that speaks at an interval."""

    facilities: dict[str, int]  # to interval in ms
    patience_ms: int  # how long it may be silent if nothing is ever lost
    heard_ms: int  # clock; of the registration until it is heard
    shard: str | None = None
    every_ms: int = 0
    """The shortest interval that its facilities expect."""
    chance: float = 0.0
    begun_ms: int = 0
    """Clock time of its first word, put off by all the time for which it was blind or silent."""
    lost: int = 0
    """Messages, as far as intervals tell."""
    more_ms: int = 0
    """How much longer it may be silent for what it loses."""
    blind_ms: int = 0  # of the time since then
    opened: Opened | None = None

    @property
    def deadline_ms(self) -> int:
        """The clock time after which it is silent."""
        # One more than the span: heard at a tick means heard in the cadence after it, so a message that comes after
        # exactly three intervals must be given the tick that follows it.
        return self.heard_ms + self.blind_ms + self.patience_ms + self.more_ms + 1

    def hear(self, now_ms: int, shard: str) -> None:
        """It spoke while nothing was open."""
        if self.shard is None:
            self.begun_ms = now_ms
        else:
            self.begun_ms += self.blind_ms
            since_ms = now_ms - self.heard_ms - self.blind_ms
            if since_ms > LATE * self.every_ms:
                self.lost += round(since_ms / self.every_ms) - 1
                self.reckon()
        self.blind_ms = 0
        self.note(now_ms, shard)

    def note(self, now_ms: int, shard: str) -> None:
        """It was heard then; of two at one time that of the greater shard counts, whichever is told first."""
        if self.shard is None or (now_ms, shard) > (self.heard_ms, self.shard):
            self.heard_ms, self.shard = now_ms, shard

    def reckon(self) -> None:
        """How much longer its losses let it be silent."""
        if self.lost and self.chance:
            due = max(self.heard_ms - self.begun_ms, 0) // self.every_ms + 1
            share = (self.lost + 1) / (max(due, self.lost) + _KNOWN)
            intervals = min(math.ceil(math.log(self.chance) / math.log(share)), _LOSSES_MAX) if share < 1 else 0
            self.more_ms = max(0, intervals * self.every_ms - self.patience_ms)
        else:
            self.more_ms = 0


class State(msgspec.Struct, array_like=True):
    """The devices of a zone that are expected to speak, and the facilities they speak for."""

    zone: str
    rules: Rulebook
    sites: dict[str, Site] = {}
    devices: dict[str, Device] = {}
    unseen: dict[str, int] = {}
    """Facilities all of whose devices are silent, and since when."""
    wake_ms: int | None = None
    """When the timer fires."""
