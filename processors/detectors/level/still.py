"""Whether a gauge froze with a lid, or a hand, before it: it jumped up, and stands still there to the digit."""

import msgspec

from processors.detectors.repeats import Repeats


class Still(msgspec.Struct, array_like=True):
    """The shares that one gauge measured, in order of time."""

    said: Repeats = msgspec.field(default_factory=Repeats)
    newest_ms: int = -1
    jumped: bool = False
    """What it says now it came to by a jump."""

    def hear(self, time_ms: int, share: float, jump: float) -> None:
        """The next one; what is older than the newest says nothing of how it moves."""
        if time_ms <= self.newest_ms:
            return
        self.newest_ms, before = time_ms, self.said.value
        if share != before:
            self.jumped = before is not None and share - before > jump
        self.said.hear(share)

    def is_frozen(self, share: float, chance: float) -> bool:
        """Whether a share is no more than what it said when it froze; the end of its scale is no standstill."""
        return self.jumped and share < 1.0 and share == self.said.value and self.said.is_frozen(chance)
