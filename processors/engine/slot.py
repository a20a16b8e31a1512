"""The state of one detector in one zone, and the way back when an event turns out to be poison.

A fold may have changed half of its state before it raised. Copying the state before every event would cost more than
the fold, so a slot keeps a checkpoint and the events since; the checkpoint is taken anew when those events weigh
about as much as itself. So the price per event is a small constant whatever the size of the state.
"""

from typing import Any, Final

from processors.engine.contract import Clock, Detector, Outcome, ZoneEvent
from processors.engine.openings import Openings
from runtime.errors import PoisonError

_MIN_JOURNAL: Final = 32
_BYTES_PER_EVENT: Final = 32  # of checkpoint that justify keeping one more event


class Slot:
    """One detector's state in one zone."""

    __slots__ = (
        "_checkpoint",
        "_clock",
        "_fold",
        "_journal",
        "_limit",
        "_state",
        "detector",
        "label",
        "openings",
        "zone",
    )

    def __init__(self, detector: Detector[Any], zone: str, snapshot: bytes | None = None, label: str = "") -> None:
        """Begin with nothing known, or with what ``detector.snapshot`` wrote."""
        self.detector = detector
        self.zone = zone
        self.label = label or detector.name
        """Its name among all that are asked in this zone."""
        self.openings = Openings()
        self._fold = detector.fold
        self._checkpoint = snapshot
        self._limit = _limit(snapshot)
        self._state = self._at_checkpoint()
        self._journal: list[ZoneEvent | Clock] = []  # a clock holds for the events behind it
        self._clock: Clock | None = None

    def fold(self, event: ZoneEvent, clock: Clock) -> Outcome:
        """Give the detector one event.

        Raises:
            PoisonError: the detector raised; the state is what it was before the event.
        """
        if len(self._journal) >= self._limit:
            self._mark()
        try:
            outcome = self._fold(self._state, (event,), clock)
        except MemoryError:
            raise  # says something about this machine, not about the event
        except Exception as error:
            self._undo()
            raise PoisonError(f"{type(error).__name__}: {error}") from error
        if clock is not self._clock:
            self._journal.append(clock)
            self._clock = clock
        self._journal.append(event)
        return outcome

    def snapshot(self) -> bytes:
        """The state as the detector writes it."""
        return self.detector.snapshot(self._state)

    def _at_checkpoint(self) -> Any:
        if self._checkpoint is None:
            return self.detector.initial(self.zone)
        return self.detector.restore(self.zone, self._checkpoint)

    def _mark(self) -> None:
        self._checkpoint = self.snapshot()
        self._limit = _limit(self._checkpoint)
        self._journal.clear()
        self._clock = None

    def _undo(self) -> None:
        self._state = self._at_checkpoint()
        clock: Clock | None = None
        for entry in self._journal:
            if isinstance(entry, Clock):
                clock = entry
            else:
                assert clock is not None, "a journal begins with a clock"
                self._fold(self._state, (entry,), clock)


def _limit(checkpoint: bytes | None) -> int:
    return max(_MIN_JOURNAL, len(checkpoint or b"") // _BYTES_PER_EVENT)
