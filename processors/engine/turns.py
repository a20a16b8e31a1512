"""What every loop of a group does around its own work: be told, poll, commit in time, and start over after a doubt."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from processors.engine.ports import Record, Sink, Source
from runtime.errors import OutcomeUnknownError
from runtime.lifecycle import Progress

log: Final = structlog.get_logger()

IDLE_S: Final = 0.25
OUTPUTS_MAX: Final = 5_000  # held back for the next transaction
_REPORT_S: Final = 1.0


class Turns(ABC):
    """The turns of one member of a group; partitions move eagerly: all are taken, then some are given.

    Whatever goes wrong on the way out ends the same way: :meth:`_forget` everything that is not committed, and go on
    from what is.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        progress: Progress,
        monotonic: Callable[[], float],
        *,
        commit_s: float,
        poll_records: int,
    ) -> None:
        """``monotonic`` gives seconds; ``commit_s`` is the longest time between two transactions under load."""
        self._source = source
        self._sink = sink
        self._progress = progress
        self._monotonic = monotonic
        self._commit_s = commit_s
        self._poll_records = poll_records
        self._lock = threading.Lock()  # rebalances may be told on the client's own thread
        self._told: tuple[bool, list[int]] | None = None  # whether we were given something, and what we have now
        self._open = False
        self._owned: set[int] = set()
        self._stopped: set[int] = set()
        self._urgent = False
        self._commit_due_s: float | None = None
        self._report_due_s = 0.0

    # rebalances: noted when told, acted on between polls

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """See :class:`processors.engine.ports.Owner`."""
        del partitions  # eager: all of them
        with self._lock:
            self._told = (False, [])

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """See :class:`processors.engine.ports.Owner`."""
        with self._lock:
            self._told = (True, list(partitions))

    @property
    def stopped(self) -> list[int]:
        """The partitions that wait for an operator."""
        return sorted(self._stopped)

    def step(self) -> None:
        """One turn: poll, work, and commit when it is time.

        Raises:
            RetryableError: nothing happened; call again after a while.
            FencedError: another process has our name; stop.
        """
        try:
            if not self._open:
                self._sink.open()
                self._open = True
            self._prepare()
            self._load()
            records = self._source.poll(self._patience(), self._poll_records)
            if self._hear():
                records = []  # every partition was given a new position
            if records:
                self._progress.busy()
            self._work(records)
            if self._commit_is_due():
                self._commit()
            if self._commit_due_s is None and not self._is_busy():
                self._progress.done()
            self._report_in_time()
        except OutcomeUnknownError as error:
            log.warning("outcome unknown, starting over from what was committed", error=str(error))
            self._sink.close()
            self._open = False
            self._forget()
            self._committed()

    def close(self) -> None:
        """Publish what is done and let go.

        Raises:
            OutcomeUnknownError: the last transaction may or may not have happened; a successor finds out.
            FencedError: another process has our name.
        """
        if self._open and self._commit_due_s is not None:
            self._commit()

    def _hear(self) -> bool:
        with self._lock:
            told, self._told = self._told, None
        if told is None:
            return False
        given, partitions = told
        gone, self._owned = self._owned - set(partitions), set(partitions)
        self._stopped = set()
        self._regroup(given=given, gone=sorted(gone))
        return True

    def _expect_commit(self) -> None:
        """There is something to be committed."""
        if self._commit_due_s is None:
            self._commit_due_s = self._monotonic() + self._commit_s

    def _commit_is_due(self) -> bool:
        if self._commit_due_s is None:
            return False
        return self._urgent or self._monotonic() >= self._commit_due_s or self._held_back() >= OUTPUTS_MAX

    def _committed(self) -> None:
        """Nothing is left to be committed."""
        self._urgent = False
        self._commit_due_s = None
        self._progress.done()

    def _patience(self) -> float:
        if self._commit_due_s is None:
            return IDLE_S
        return min(IDLE_S, max(0.0, self._commit_due_s - self._monotonic()))

    def _report_in_time(self) -> None:
        now_s = self._monotonic()
        if now_s >= self._report_due_s:
            self._report_due_s = now_s + _REPORT_S
            self._report()

    # what each loop does its own way

    @abstractmethod
    def _prepare(self) -> None:
        """Get every owned partition on its way; interrupted by an error it goes on where it was."""

    @abstractmethod
    def _regroup(self, *, given: bool, gone: Sequence[int]) -> None:
        """Partitions were taken away (all of them) or given back; ``gone`` are those that are no longer ours."""

    @abstractmethod
    def _work(self, records: Sequence[Record]) -> None:
        """Take records in."""

    @abstractmethod
    def _held_back(self) -> int:
        """Outputs that wait for the next transaction."""

    @abstractmethod
    def _commit(self) -> None:
        """Commit what is done, and say so with :meth:`_committed`."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop everything that is not committed."""

    @abstractmethod
    def _report(self) -> None:
        """Say where the partitions stand."""

    def _load(self) -> None:  # noqa: B027 - where there is no state there is nothing to read
        """Read some of what partitions wait for before they can be worked at."""

    def _is_busy(self) -> bool:
        """Whether there is work beside what is to be committed."""
        return False
