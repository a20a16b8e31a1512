"""How late it is, and waiting, which is how time passes: what a loop asks for instead of the machine itself."""

import select
import time
from collections.abc import Sequence
from typing import Any, Final


class Timing:
    """The machine's clocks and its ``select``; a simulation has its own."""

    def monotonic_s(self) -> float:
        """Seconds of a clock that nobody sets."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def select(self, reads: Sequence[Any], writes: Sequence[Any], timeout_s: float) -> tuple[list[Any], list[Any]]:
        """Those that can be read and those that can be written; waits for the first at most so long."""
        ready, writable, _ = select.select(reads, writes, (), timeout_s)
        return ready, writable


MACHINE: Final = Timing()
