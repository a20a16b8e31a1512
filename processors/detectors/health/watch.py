"""What is remembered of one series: a few numbers, whatever its past.

What nearly every reading touches are classes of their own, no structs of msgspec: compiled, their numbers are C's
(``watch.pxd``). In a snapshot each stands as the list of its fields, as a struct would.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from processors.detectors.common import Opened

NEVER_MS: Final = 2**62


class Row:
    """The numbers that a series gives its messages, and the row that it left when it last began anew."""

    __slots__ = ("boot", "left_boot", "left_seq", "prefix", "seq")

    def __init__(self, prefix: str, boot: str, seq: int, left_boot: str = "", left_seq: int = -1) -> None:
        self.prefix = prefix
        """Of the identities of this row, where they name no channel."""
        self.boot = boot
        self.seq = seq
        self.left_boot = left_boot
        self.left_seq = left_seq

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return self.prefix, self.boot, self.seq, self.left_boot, self.left_seq


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


class Watch:
    """One series: a property of a device, of one channel."""

    __slots__ = (
        "count",
        "counted",
        "due_ms",
        "facility",
        "first_ms",
        "gap_ms",
        "habit",
        "high",
        "leap",
        "longest_ms",
        "low",
        "missed_ms",
        "moves",
        "numbers",
        "opened",
        "sane",
        "step",
        "still",
        "still_ms",
        "time_ms",
        "total",
        "value",
    )

    def __init__(self, facility: str, time_ms: int, value: float) -> None:
        """Begin with its first reading."""
        self.facility = facility
        self.first_ms = time_ms
        self.time_ms = time_ms
        """Of the newest reading; what is older is of no interest here."""
        self.value = value
        self.low = value
        self.high = value
        """Between them it counts as standing still."""
        self.still_ms = time_ms
        """Since when it does; time in which nothing came is left out."""
        self.due_ms = NEVER_MS
        """From when on that is too long."""
        self.still = 1
        """Readings since then."""
        self.longest_ms = 0
        self.moves = 0
        self.step = 0.0
        """What it usually moves by."""
        self.gap_ms = 0
        """The longest time between two readings."""
        self.count = 1
        self.total = value
        self.counted = 1
        """Of ``total``: readings since the last look at the neighbours."""
        self.missed_ms = 0
        """The newest word of its device when it was missed first."""
        self.sane = 0
        """Possible readings in a row near where it was, while a jump is open."""
        self.numbers: Row | None = None
        self.habit: Habit | None = None
        self.opened: dict[str, Opened] = {}
        """Findings about this series, by kind."""
        self.leap: Leap | None = None

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return (
            self.facility,
            self.first_ms,
            self.time_ms,
            self.value,
            self.low,
            self.high,
            self.still_ms,
            self.due_ms,
            self.still,
            self.longest_ms,
            self.moves,
            self.step,
            self.gap_ms,
            self.count,
            self.total,
            self.counted,
            self.missed_ms,
            self.sane,
            self.numbers,
            self.habit,
            self.opened,
            self.leap,
        )

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "Watch":
        """What :meth:`row` gave, as msgpack knows it."""
        facility, first_ms, time_ms, value, low, high, still_ms, due_ms, *rest = row
        watch = cls(facility, time_ms, value)
        watch.first_ms, watch.low, watch.high, watch.still_ms, watch.due_ms = first_ms, low, high, still_ms, due_ms
        watch.still, watch.longest_ms, watch.moves, watch.step, watch.gap_ms, watch.count, watch.total, *rest = rest
        watch.counted, watch.missed_ms, watch.sane, numbers, habit, opened, leap = rest
        watch.numbers = None if numbers is None else Row(*numbers)
        watch.habit = msgspec.convert(habit, Habit | None)
        watch.opened = msgspec.convert(opened, dict[str, Opened])
        watch.leap = msgspec.convert(leap, Leap | None)
        return watch
