"""Losses and restarts by the numbers devices give their messages. Pure."""

from typing import Final

from ingest.messages import Numbering

_RESTART_BELOW: Final = 64
"""A counter that does not wrap and stands below this, far behind where it was, has begun anew."""


class Counter:
    """One device's count: how many of its messages came, and how many numbers are missing between them."""

    __slots__ = ("epoch", "last", "lost", "received", "repeated", "restarts", "turn")

    def __init__(self) -> None:
        self.received = 0
        self.lost = 0
        self.repeated = 0
        self.restarts = 0
        self.last: int | None = None
        self.epoch = ""
        self.turn = ""

    def count(self, numbering: Numbering) -> int:
        """Take the number of a message that arrived; returns how many are missing before it (negative: one was late).

        Of a number that wraps, more than half a turn ahead is behind. A message out of order takes back the loss that
        was counted for it, as long as the losses counted allow it.
        """
        self.received += 1
        number, modulus, epoch, _, turn = numbering
        before, restarted, turned = self.last, epoch != self.epoch, turn != self.turn
        self.epoch, self.turn = epoch, turn
        if before is None:
            self.last = number
            return 0
        ahead = (number - before) % modulus if modulus else number - before
        if modulus and ahead > modulus // 2:
            ahead -= modulus
        restarted = restarted or (ahead < 0 and not modulus and number < _RESTART_BELOW <= before)
        if restarted or turned:
            self.restarts += restarted
            self.last = number
            return 0
        if ahead > 0:
            self.last = number
            self.lost += ahead - 1
            return ahead - 1
        if ahead < 0 and self.lost:
            self.lost -= 1
            return -1
        self.repeated += 1
        return 0
