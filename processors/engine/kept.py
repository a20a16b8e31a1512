"""Calm readings of one series that were kept: the numbers of each stand side by side where this is compiled.

``kept.pxd`` says which numbers are C's then (docs/decisions/0031-compiled-modules.md). As a tuple each, they would be
ten objects a reading, hardly ever in the processor's cache when they are told.
"""

from typing import TYPE_CHECKING, Final

from schemas.columns import SeriesColumns

if TYPE_CHECKING:
    from processors.engine.contract import Clock

FULL: Final = 32
"""So many are kept of a series before they are told: half an hour of a device that speaks every minute. What is told at
once costs about the same, be it one or all of these; half as many took a thirtieth more of all instructions."""
Row = tuple[SeriesColumns, int, float, str, int, int, str, "Clock"]
"""The fields of a :class:`processors.engine.contract.Reading`, and the clock under which it came."""
Whence = tuple[str, "Clock"]
"""The shard and the clock of a batch."""


class Kept:
    """At most :data:`FULL` readings of one series, in the order in which they came; what stands here stays."""

    __slots__ = (
        "count",
        "identities",
        "now_ms",
        "prefix",
        "series",
        "values",
        "whences",
        "words",
    )

    def __init__(
        self, series: SeriesColumns | None, prefix: str, whences: list[Whence], identities: list[str] | None
    ) -> None:
        """Begin with none.

        Args:
            series: whose.
            prefix: what stands before the number in their identities.
            whences: of the zone; each reading came by one of these.
            identities: what is more than that number is kept here; None: nothing is.
        """
        self.series = series
        self.prefix = prefix
        self.whences = whences
        self.identities = identities
        self.count = 0
        self.now_ms = 0
        """Clock time of the newest."""
        self.words = [0] * 128
        """Four of each: event time, the number in its identity, arrival, and by which of ``whences`` it came with its
        quality in the last four bits. Side by side, as each is written when the others are."""
        self.values = [0.0] * 32

    def time(self, at: int) -> int:
        """Event time of one."""
        return self.words[4 * at]

    def value(self, at: int) -> float:
        """Value of one."""
        return self.values[at]

    def ordinal(self, at: int) -> int:
        """The number in the identity of one."""
        return self.words[4 * at + 1]

    def identity(self, at: int) -> str:
        """The identity of one."""
        identities = self.identities
        return f"{self.prefix}{self.words[4 * at + 1]}" if identities is None else identities[at]

    def shard(self) -> str:
        """By which the newest came."""
        return self.whences[self.whence(self.count - 1)][0]

    def whence(self, at: int) -> int:
        """By which one came."""
        return self.words[4 * at + 3] >> 4

    def row(self, at: int) -> Row:
        """All of one."""
        assert self.series is not None, "they are somebody's"
        shard, clock = self.whences[self.whence(at)]
        return (
            self.series,
            self.words[4 * at],
            self.values[at],
            self.identity(at),
            self.words[4 * at + 3] & 15,
            self.words[4 * at + 2],
            shard,
            clock,
        )

    def last_word(self, first: int) -> tuple[int, str]:
        """Clock time and shard of the newest from there on; of several at one time, the greatest shard."""
        at = self.count - 1
        before = self.whence(at)
        shard, clock = self.whences[before]
        now_ms = clock.now_ms
        while at > first:
            at -= 1
            if self.whence(at) != before:
                before = self.whence(at)
                other, clock = self.whences[before]
                if clock.now_ms < now_ms:
                    break
                shard = max(shard, other)
        return now_ms, shard


NOTHING: Final = Kept(None, "", [], None)
"""Of series of which none are kept."""
