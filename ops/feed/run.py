"""Feeding: publications at their feed time, the clock behind them, until asked to stop."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from ops.feed.access import feeder_access
from ops.feed.publication import Publication
from ops.feed.records import SentFile, truth_lines, write_status, write_truth
from ops.feed.session import FeedSession
from ops.feed.sources import Feedable
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.model import format_rfc3339, from_ms

log: Final = structlog.get_logger()

CLOCK_TOPIC: Final = "eyes/v1/_clock"
STATUS_S: Final = 1.0
FINISH_STEP_S: Final = 1.0
LONGEST_STEP_S: Final = 120.0  # three steps may be under way, and ingest doubts what is five minutes ahead
SOON_S: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """How to feed. ``speed`` is feed seconds a wall second, 0 as fast as it goes; ``for_s`` is wall time."""

    speed: float = 1.0
    for_s: float | None = None
    feed_for_s: float | None = None
    clock_step_s: float = 60.0
    with_clock: bool = True
    sent: Path | None = None
    truth: Path | None = None
    truth_fd: int | None = None
    status: Path | None = None


@dataclass(frozen=True, slots=True)
class FeedReport:
    """What was fed: MQTT messages, lines of the sent file, the last clock and the wall seconds it took."""

    messages: int
    sent: int
    clock_ms: int
    seconds: float
    unheard: int
    reconnects: int

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "sent": self.sent,
            "messages": self.messages,
            "clock": format_rfc3339(from_ms(self.clock_ms)),
            "seconds": round(self.seconds, 3),
            "unheard": self.unheard,
            "reconnects": self.reconnects,
        }


def run_feed(
    source: Feedable,
    settings: Settings,
    options: FeedOptions,
    *,
    shutdown: Shutdown | None = None,
    on_status: Callable[[dict[str, Any]], None] | None = None,
) -> FeedReport:
    """Feed until the source ends, the time is up, or ``shutdown`` asks; everything published is then acknowledged.

    Raises:
        FatalError: no broker, no access, or a refused publication; or options that cannot work.
    """
    if not 0 < options.clock_step_s <= LONGEST_STEP_S:
        raise FatalError(f"a clock step is above 0 and at most {LONGEST_STEP_S:.0f} s, not {options.clock_step_s}")
    with (
        FeedSession(feeder_access(settings), client_id=f"eyes-feeder-{os.getpid()}") as session,
        SentFile(options.sent) as sent,
    ):
        return _Feeder(source, options, session, sent, shutdown=shutdown or Shutdown(), on_status=on_status).run()


class _Feeder:
    """One run."""

    def __init__(
        self,
        source: Feedable,
        options: FeedOptions,
        session: FeedSession,
        sent: SentFile,
        *,
        shutdown: Shutdown,
        on_status: Callable[[dict[str, Any]], None] | None,
    ) -> None:
        self._source = source
        self._options = options
        self._session = session
        self._sent = sent
        self._shutdown = shutdown
        self._on_status = on_status
        self._step_ms = round(options.clock_step_s * 1000)
        self._began = time.monotonic()
        self._clock_ms = self._position_ms = source.start_ms
        self._next_status = self._began + STATUS_S
        self._stopping = False
        self._stop_ms: int | None = None
        if options.feed_for_s is not None:
            self._stop_ms = source.start_ms + round(options.feed_for_s * 1000)

    def run(self) -> FeedReport:
        """Publish everything, then say what was."""
        self._report_status()  # whoever waits for us knows now that we listen to signals
        self._say_clock(self._clock_ms)
        publications = self._source.publications()
        for publication in publications:
            if not self._reach(publication.due_ms):
                break
            self._publish(publication)
        self._finish()
        report = FeedReport(
            messages=self._session.published,
            sent=self._sent.lines,
            clock_ms=self._clock_ms,
            seconds=time.monotonic() - self._began,
            unheard=self._session.unheard,
            reconnects=self._session.reconnects,
        )
        if report.unheard:
            log.warning("unheard", messages=report.unheard, reason="no subscriber held a session: start ingest first")
        truth = truth_lines(self._source.incidents(self._clock_ms), self._clock_ms)
        write_truth(truth, path=self._options.truth, descriptor=self._options.truth_fd)
        self._report_status()
        return report

    def _reach(self, due_ms: int) -> bool:
        """Let the feed's time go on to then, ticking on the way; False when the feed must end before."""
        while self._clock_ms + self._step_ms < due_ms:
            if not self._pace(self._clock_ms + self._step_ms):
                return False
            self._say_clock(self._clock_ms + self._step_ms)
        if not self._pace(due_ms):
            return False
        self._position_ms = max(self._position_ms, due_ms)
        return True

    def _pace(self, moment_ms: int) -> bool:
        """Wait until the wall has come to this moment; False when the feed must end before it."""
        self._maybe_status()
        self._consider_stopping()
        if self._stop_ms is not None and moment_ms > self._stop_ms:
            return False
        if self._options.speed <= 0:
            return True
        due = self._began + (moment_ms - self._source.start_ms) / 1000 / self._options.speed
        while (wait_s := due - time.monotonic()) > SOON_S:
            self._session.pump(min(wait_s, 0.1))
            self._maybe_status()
            self._consider_stopping()
            if self._stop_ms is not None and moment_ms > self._stop_ms:
                return False
        return True

    def _consider_stopping(self) -> None:
        """When time is up: the end is the end of this clock step, or now where that would take long."""
        if self._stopping or not self._time_is_up:
            return
        end_ms = self._clock_ms + self._step_ms
        near = self._options.speed <= 0 or (end_ms - self._position_ms) / 1000 / self._options.speed <= FINISH_STEP_S
        end_ms = end_ms if near else self._position_ms
        self._stop_ms = end_ms if self._stop_ms is None else min(end_ms, self._stop_ms)
        self._stopping = True

    @property
    def _time_is_up(self) -> bool:
        over = self._options.for_s is not None and time.monotonic() - self._began >= self._options.for_s
        return over or self._shutdown.requested

    def _publish(self, publication: Publication) -> None:
        self._sent.write(publication)
        self._session.publish(publication.topic, publication.payload)

    def _finish(self) -> None:
        for publication in self._source.leftovers():
            self._publish(publication)
        self._session.drain()
        end_ms = self._position_ms if self._stop_ms is None else max(self._stop_ms, self._position_ms)
        if end_ms > self._clock_ms:
            self._say_clock(end_ms)
        self._session.drain()
        self._sent.flush()

    def _say_clock(self, clock_ms: int) -> None:
        """Everything up to then has been published: say so once it is also acknowledged."""
        self._clock_ms = clock_ms
        if self._options.with_clock:
            payload = b'{"time":"%s"}' % format_rfc3339(from_ms(clock_ms)).encode()
            self._session.barrier(CLOCK_TOPIC, payload)

    def _maybe_status(self) -> None:
        if time.monotonic() >= self._next_status:
            self._next_status += STATUS_S
            self._sent.flush()
            self._report_status()

    def _report_status(self) -> None:
        seconds = time.monotonic() - self._began
        status = {
            "sent": self._sent.lines,
            "messages": self._session.published,
            "acknowledged": self._session.acknowledged,
            "in_flight": self._session.in_flight,
            "messages_per_s": round(self._session.published / max(seconds, SOON_S), 1),
            "clock": format_rfc3339(from_ms(self._clock_ms)),
            "feed_seconds": (self._clock_ms - self._source.start_ms) / 1000,
            "seconds": round(seconds, 1),
            "reconnects": self._session.reconnects,
        }
        if self._options.status is not None:
            write_status(self._options.status, status)
        if self._on_status is not None:
            self._on_status(status)
