"""How a process of ours ends: asked politely by SIGTERM, SIGINT or SIGHUP, or by its own watchdog when it is stuck."""

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Final

import structlog

log: Final = structlog.get_logger()

EXIT_STALLED: Final = 70  # EX_SOFTWARE of sysexits.h


class Latch:
    """Set once and for ever, from a signal handler too.

    ``threading.Event.set`` must not be called from a handler: its lock is not reentrant, so a signal that arrives
    while the main thread is inside ``Event.wait`` with the lock in hand stops that thread for ever. Here a lock that is
    held until the latch is set is all there is, and whoever gets it lets it go at once.
    """

    def __init__(self) -> None:
        self._set = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def set(self) -> None:
        """Set it; whoever waits goes on."""
        if not self._set:
            self._set = True
            self._open()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set

    def wait(self, timeout_s: float) -> bool:
        """Sleep, but wake at once when it is set; says whether it was."""
        if self._gate.acquire(timeout=max(0.0, timeout_s)):
            self._open()
        return self._set

    def _open(self) -> None:
        with suppress(RuntimeError):  # it is open: somebody else set it at the same moment
            self._gate.release()


class Shutdown:
    """Set once, by a signal or by code; every loop of the process asks it."""

    def __init__(self) -> None:
        self._asked = Latch()

    def install(self) -> None:
        """Listen to SIGTERM, SIGINT and SIGHUP (a closed terminal); a second signal ends the process at once."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            os._exit(128 + number)
        self.request()

    def request(self) -> None:
        """Ask the process to end."""
        self._asked.set()

    @property
    def requested(self) -> bool:
        """Whether the process was asked to end."""
        return self._asked.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Sleep, but wake at once when asked to end; says whether it was."""
        return self._asked.wait(timeout_s)


class Progress:
    """What a process last achieved; health and the watchdog ask it, so both test progress and not sockets.

    Work begins with :meth:`busy` and ends with :meth:`done`; a process that has been busy with one thing for longer
    than ``stall_s`` is stuck, one that has nothing to do is not.
    """

    def __init__(self, stall_s: float) -> None:
        self.stall_s = stall_s
        self._busy_since: float | None = None

    def busy(self) -> None:
        """There is work; the clock runs unless it already did."""
        if self._busy_since is None:
            self._busy_since = time.monotonic()

    def done(self) -> None:
        """Something was achieved, or there is nothing to do."""
        self._busy_since = None

    def step(self) -> None:
        """Something was achieved and there is more to do."""
        self._busy_since = time.monotonic()

    @property
    def stalled_for_s(self) -> float:
        """Seconds since the work at hand began without any progress; 0 when idle."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def healthy(self) -> bool:
        """Whether something was achieved lately or nothing is to be done."""
        return self.stalled_for_s < self.stall_s


def start_watchdog(progress: Progress) -> None:
    """End the process when it is stuck: some client calls block for ever, and a supervisor starts us again.

    ``os._exit`` on purpose: whatever is stuck would also be stuck in an orderly end, which it watches over too.
    """

    def watch() -> None:
        while True:
            time.sleep(min(1.0, progress.stall_s / 4))
            if not progress.healthy:
                log.error("stalled", seconds=round(progress.stalled_for_s, 1))
                os._exit(EXIT_STALLED)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
