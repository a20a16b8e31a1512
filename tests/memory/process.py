"""A process in a simulation: how it dies, how it is asked to end, how time passes for it, and that it is silent."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from runtime.lifecycle import Shutdown
from runtime.timing import Timing
from tests.memory.network import Io

_LEAST_S = 0.0005  # what a turn costs, so that a loop that never waits gets on too


class Crash(BaseException):
    """The process is dead from here on."""


class Violation(BaseException):
    """A promise was broken."""


class VirtualTiming(Timing):
    """A clock that only moves when somebody waits."""

    def __init__(self, io: Io, wall_ms: int) -> None:
        self.now_s = 1_000.0
        self._io = io
        self._wall_ms = wall_ms - round(self.now_s * 1000)

    def monotonic_s(self) -> float:
        """See :class:`Timing`."""
        return self.now_s

    def wall_ms(self) -> int:
        """See :class:`Timing`."""
        return self._wall_ms + int(self.now_s * 1000)

    def select(self, reads: Sequence[Any], writes: Sequence[Any], timeout_s: float) -> tuple[list[Any], list[Any]]:
        """See :class:`Timing`."""
        self._io("select")
        found = super().select(reads, writes, 0)
        self.now_s += _LEAST_S if any(found) else max(timeout_s, _LEAST_S)
        return found


class VirtualShutdown(Shutdown):
    """Waits on a virtual clock."""

    def __init__(self, timing: VirtualTiming, io: Io) -> None:
        super().__init__()
        self._timing = timing
        self._io = io

    def wait(self, timeout_s: float) -> bool:
        """See :class:`Shutdown`."""
        self._io("wait")
        if not self.requested:
            self._timing.now_s += timeout_s
        return self.requested


@contextmanager
def silence() -> Iterator[None]:
    """Thousands of processes say nothing."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
