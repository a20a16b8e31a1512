"""What is remembered of devices that should speak at an interval."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from processors.detectors.common import Opened, Site
from processors.detectors.rulebook import Rulebook
from processors.engine.kept import Kept

NEVER_MS: Final = 1 << 62
LATE: Final = 1.5  # intervals after which the next message must have been lost
_KNOWN: Final = 50  # messages, one of them lost, by which a device is known before it is heard: one loss is no habit
_LOSSES_MAX: Final = 30  # intervals that the worst of losses can ask for


class Device:
    """A device that speaks at an interval.

    A class of its own, no struct of msgspec, as nearly every reading touches it: compiled, its numbers are C's
    (``silence_state.pxd``). In a snapshot it stands as the list of its fields, as a struct would.
    """

    __slots__ = (
        "begun_ms",
        "blind_ms",
        "chance",
        "every_ms",
        "facilities",
        "heard_ms",
        "lost",
        "more_ms",
        "opened",
        "patience_ms",
        "shard",
    )

    def __init__(self, heard_ms: int) -> None:
        """Registered at this clock time."""
        self.facilities: dict[str, int] = {}  # to interval in ms
        self.patience_ms = 0  # how long it may be silent if nothing is ever lost
        self.heard_ms = heard_ms  # clock; of the registration until it is heard
        self.shard: str | None = None
        self.every_ms = 0
        """The shortest interval that its facilities expect."""
        self.chance = 0.0
        self.begun_ms = 0
        """Clock time of its first word, put off by all the time for which it was blind or silent."""
        self.lost = 0
        """Messages, as far as intervals tell."""
        self.more_ms = 0
        """How much longer it may be silent for what it loses."""
        self.blind_ms = 0  # of the time since then
        self.opened: Opened | None = None

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return (
            self.facilities,
            self.patience_ms,
            self.heard_ms,
            self.shard,
            self.every_ms,
            self.chance,
            self.begun_ms,
            self.lost,
            self.more_ms,
            self.blind_ms,
            self.opened,
        )

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "Device":
        """What :meth:`row` gave, as msgpack knows it."""
        facilities, patience_ms, heard_ms, shard, every_ms, chance, begun_ms, lost, more_ms, blind_ms, opened = row
        device = cls(heard_ms)
        device.facilities, device.patience_ms, device.shard, device.every_ms = facilities, patience_ms, shard, every_ms
        device.chance, device.begun_ms, device.lost, device.more_ms = chance, begun_ms, lost, more_ms
        device.blind_ms, device.opened = blind_ms, msgspec.convert(opened, Opened | None)
        return device

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

    def absorb(self, kept: Kept, first: int) -> None:
        """See :class:`processors.engine.contract.Calm`."""
        now_ms, shard = kept.last_word(first)
        self.note(now_ms, shard)

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


def soonest_ms(devices: Mapping[str, Device], newest: Mapping[str, int]) -> int:
    """When the first of them is silent if it is not heard; below 0 where what somebody lost is to be reckoned anew.

    Args:
        devices: by name.
        newest: clock time of the newest word of those of whom there are words that they were not told yet.
    """
    next_ms = NEVER_MS
    for name, device in devices.items():
        if device.lost:
            return -1
        if device.opened is None:
            deadline_ms = device.deadline_ms()
            word_ms = newest.get(name)
            if word_ms is not None and word_ms > device.heard_ms:
                deadline_ms += word_ms - device.heard_ms
            next_ms = min(next_ms, deadline_ms)
    return next_ms
