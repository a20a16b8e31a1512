"""The state of one detector in one zone, and the way back when an event turns out to be poison."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from processors.engine.contract import Calm, Clock, Detector, Ear, Outcome, Reading, Series, TimerDue, ZoneEvent, deaf
from processors.engine.errors import SnapshotError
from processors.engine.journal import Journal, Spoilt, Told
from processors.engine.openings import Openings
from runtime.errors import PoisonError


def unheard(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
    """The ear of a slot that has none for a series."""
    return False


_ASLEEP: Final = object()
"""In place of a state that was restored and not asked for yet: most detectors hear nothing in most zones."""


def _poison(error: Exception) -> PoisonError:
    poison = PoisonError(f"{type(error).__name__}: {error}")
    poison.__cause__ = error
    return poison


class Slot:
    """One detector's state in one zone."""

    __slots__ = (
        "_behind",
        "_calm",
        "_checkpoint",
        "_ear",
        "_fold",
        "_is_changed",
        "_listens",
        "_rest",
        "_sees",
        "_state",
        "detector",
        "dozes",
        "journal",
        "label",
        "openings",
        "rests",
        "zone",
    )

    def __init__(
        self,
        detector: Detector[Any],
        zone: str,
        snapshot: bytes | None = None,
        label: str = "",
        journal: Journal | None = None,
    ) -> None:
        """Begin with nothing known, or with what ``detector.snapshot`` wrote.

        Args:
            detector: whose.
            zone: of which.
            snapshot: what it knew.
            label: its name among all that are asked in this zone; that of the detector when empty.
            journal: of the zone; one of its own if there is none.
        """
        self.detector = detector
        self.zone = zone
        self.label = label or detector.name
        self.openings = Openings()
        if journal is None:
            journal = Journal()
            journal.keepers = (self,)
        self.journal = journal
        self._fold = detector.fold
        self._ear = getattr(detector, "ear", None)
        self._calm = getattr(detector, "calm", None)
        self._rest = getattr(detector, "rest", None)
        self._sees = getattr(detector, "sees", None)
        self._checkpoint = snapshot
        self._behind = len(journal.entries)  # what stands there before is in the checkpoint
        self._is_changed = False
        self._listens = False
        self.dozes = self._calm is not None
        """Whether there are readings that it can do without."""
        self.rests = self._rest is not None
        """Whether its timers can be answered without telling it what is kept."""
        self._state: Any = _ASLEEP

    def _awake(self) -> Any:
        """The state.

        Raises:
            SnapshotError: what a snapshot holds is none.
        """
        try:
            self._state = self._at_checkpoint()
        except MemoryError:
            raise
        except Exception as error:
            raise SnapshotError(f"{self.label} of zone {self.zone}: {type(error).__name__}: {error}") from error
        return self._state

    def ear(self, series: Series) -> Ear:
        """Who is asked first of the readings of a series: :func:`deaf`, :func:`unheard`, or the detector's own."""
        if self._state is _ASLEEP:
            self._awake()
        ear: Ear | None = None if self._ear is None else self._ear(self._state, series)
        if ear is not deaf:
            self._listens = True
        return unheard if ear is None else ear

    def sees(self, device: str, facility: str) -> bool:
        """Whether messages of a camera about a facility may say anything to the detector."""
        if not self.detector.hears_cameras:
            return False
        if self._sees is None:
            return True
        if self._state is _ASLEEP:
            self._awake()
        return bool(self._sees(self._state, device, facility))

    def calm(self, series: Series) -> Calm | None:
        """What the detector can do without of the readings of a series."""
        calm: Calm | None = None if self._calm is None else self._calm(self._state, series)
        return calm

    def rest(self, due: TimerDue, clock: Clock, newest: Mapping[str, int]) -> int | None:
        """Until when nothing can fall due, if the detector can tell that without being told what is kept."""
        assert self._rest is not None, "it rests"
        if self._state is _ASLEEP:
            self._awake()
        try:
            until_ms: int | None = self._rest(self._state, due, clock, newest)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the fold will meet it again and say so
            return None
        return until_ms

    def fold(self, event: ZoneEvent, clock: Clock) -> Outcome:
        """Give the detector one event; nothing may be kept from it, nor from anybody if the journal is full.

        Raises:
            PoisonError: the detector raised; the state is what it was before the event.
        """
        self.journal.renew()
        outcome = self.fold_noted(event, clock, 0)
        self.journal.entries.append(Told(self, event, clock))
        return outcome

    def fold_noted(self, event: ZoneEvent, clock: Clock, noted: int = 1) -> Outcome:
        """The same of what is the last of so many entries of the journal already, 1 or 0."""
        self._is_changed = True
        if self._state is _ASLEEP:
            self._awake()
        try:
            return self._fold(self._state, (event,), clock)
        except MemoryError:
            raise  # says something about this machine, not about the event
        except Exception as error:
            self.take_back(noted)
            self._checkpoint = self.snapshot()
            self._behind = len(self.journal.entries)
            raise _poison(error) from error

    def take_back(self, noted: int = 1) -> None:
        """Be as before the last entry of the journal, or (0) before what is not there."""
        self._state = self._at_checkpoint()
        last = len(self.journal.entries) - noted
        for event, clock in self._told(last):
            self._fold(self._state, (event,), clock)

    def relive(self) -> list[Spoilt]:
        """Be told all that stands in the journal once more; gives what was no good."""
        spoilt: list[Spoilt] = []
        self._state = self._at_checkpoint()
        for event, clock in self._told(len(self.journal.entries)):
            before = self.snapshot()
            try:
                self._fold(self._state, (event,), clock)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - as in fold
                spoilt.append(Spoilt(self, event, clock, _poison(error)))
                self._state = self.detector.restore(self.zone, before)
        self._checkpoint = self.snapshot()
        self._behind = len(self.journal.entries)
        return spoilt

    def _told(self, last: int) -> Iterator[tuple[ZoneEvent, Clock]]:
        """What it was told behind its checkpoint, in so many entries of the journal."""
        for event, clock in self.journal.told(self, self._behind, last):
            if not isinstance(event, Reading) or self.detector.wants(event.series):
                yield event, clock

    def mark(self) -> int:
        """Write the state down; gives how many bytes it takes."""
        if self._is_changed or self._listens:
            self._checkpoint = self.snapshot()
            self._is_changed = False
        self._behind = 0
        return len(self._checkpoint or b"")

    @property
    def checkpoint(self) -> bytes:
        """The state as it was written down last."""
        if self._checkpoint is None:
            self._checkpoint = self.detector.snapshot(self.detector.initial(self.zone))
        return self._checkpoint

    def snapshot(self) -> bytes:
        """The state as the detector writes it."""
        return self.checkpoint if self._state is _ASLEEP else self.detector.snapshot(self._state)

    def _at_checkpoint(self) -> Any:
        if self._checkpoint is None:
            return self.detector.initial(self.zone)
        return self.detector.restore(self.zone, self._checkpoint)
