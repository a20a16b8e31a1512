"""What is remembered of a camera itself: how late its messages come, and in which minutes it spoke.

Classes of their own, no structs of msgspec, as those of :mod:`processors.detectors.parking.state`.
"""

from typing import Any, Final

BEHIND_MAX_MS: Final = 300_000
"""A clock that is further behind is no clock, and a message that is older came late."""
_ON_ITS_WAY_MS: Final = 5_000
"""A message may take so long; what takes longer, every time, has another reason."""
_OFTEN: Final = 5
"""So many messages of an hour are never all late by chance."""
_MINUTE_MS: Final = 60_000
_MINUTES: Final = 62
"""So many are remembered: they fit into one number of a snapshot."""
_ALL: Final = 0x3FFF_FFFF_FFFF_FFFF


class Skew:
    """How late a camera's messages come, at the least, in this hour and the one before: nobody is faster than that."""

    __slots__ = ("before_ms", "heard", "hour", "least_ms")

    def __init__(self, hour: int, least_ms: int, heard: int = 1, before_ms: int | None = None) -> None:
        """``before_ms`` None: it was not heard often enough in the hour before."""
        self.hour = hour
        self.least_ms = least_ms
        self.heard = heard
        self.before_ms = before_ms

    def note(self, late_ms: int, hour: int) -> None:
        """A message has come in this hour, so late."""
        if hour > self.hour:
            self.before_ms = self.least_ms if self.heard >= _OFTEN and hour == self.hour + 1 else None
            self.hour, self.least_ms, self.heard = hour, late_ms, 1
        else:
            self.heard += 1
            self.least_ms = min(self.least_ms, late_ms)

    @property
    def known_ms(self) -> int:
        """What is to be added to the times of the camera; 0 where its clock is right, or where nobody knows."""
        least_ms = self.least_ms if self.before_ms is None else min(self.least_ms, self.before_ms)
        if abs(least_ms) > BEHIND_MAX_MS:
            return 0
        known = self.before_ms is not None or self.heard >= _OFTEN
        return least_ms if least_ms < 0 or (known and least_ms > _ON_ITS_WAY_MS) else 0

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return self.hour, self.least_ms, self.heard, self.before_ms


class Heard:
    """When a camera was heard last, and in which minutes before."""

    __slots__ = ("minutes", "newest_ms")

    def __init__(self, newest_ms: int, minutes: int = 1) -> None:
        """``minutes``: a bit for each, that of the newest word first."""
        self.newest_ms = newest_ms
        self.minutes = minutes

    def note(self, time_ms: int) -> None:
        """It spoke then, in whatever order that is heard."""
        later = time_ms // _MINUTE_MS - self.newest_ms // _MINUTE_MS
        if later > 0:
            self.minutes = (self.minutes << later | 1) & _ALL if later < _MINUTES else 1
        elif -_MINUTES < later < 0:
            bit = 1
            self.minutes |= bit << -later
        self.newest_ms = max(self.newest_ms, time_ms)

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        return self.newest_ms, self.minutes
