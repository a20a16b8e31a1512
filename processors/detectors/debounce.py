"""A yes or no that must last before it is believed.

Slight disorder changes nothing: what is believed follows from the samples newer than the newest contrary one, in
whatever order they came. Samples of one time are one.
"""

from typing import NamedTuple

import msgspec

from processors.detectors.common import Evidence
from processors.engine.contract import Reading


class Need(NamedTuple):
    """What changes a mind: so many samples in a row, the last at least so long after the first."""

    samples: int
    lasting_ms: int = 0


class Signal(msgspec.Struct, array_like=True):
    """What is believed, and the samples that speak against it."""

    on: bool = False
    value: float = 0.0
    """The newest that was judged."""
    newest_ms: int = -1
    contrary_ms: int = -1
    """Of the newest sample that speaks for what is believed, or for neither."""
    count: int = 0
    """Samples since then that speak against it; the first and the newest of them follow."""
    first: Evidence | None = None
    newest: Evidence | None = None
    cause: Evidence | None = None
    """While on: the sample that began the run."""

    def goes_by(self, time_ms: int, value: float) -> bool:
        """Take in a sample that is contrary; False if that is no short matter and :meth:`hear` must be asked."""
        if self.on or self.count:
            return False
        if time_ms >= self.newest_ms:
            self.newest_ms, self.value = time_ms, value
        self.contrary_ms = max(self.contrary_ms, time_ms)
        return True

    def hear(self, reading: Reading, value: float, *, against: bool, need: Need) -> bool:
        """Take in a sample; whether it changed what is believed.

        Args:
            reading: it comes from this one.
            value: what is judged of it.
            against: it speaks against what is believed.
            need: what changes that.
        """
        time_ms = reading.time_ms
        if time_ms >= self.newest_ms:
            self.newest_ms, self.value = time_ms, value
        if not against:
            self.contrary_ms = max(self.contrary_ms, time_ms)
            if self.count:
                self._restart_after(time_ms)
            return False
        if time_ms <= self.contrary_ms:
            return False
        self._add(Evidence.of(reading))
        assert self.first is not None, "one was just added"
        assert self.newest is not None, "one was just added"
        if self.count < need.samples or self.newest.time_ms - self.first.time_ms < need.lasting_ms:
            return False
        self.turn(on=not self.on)
        return True

    def turn(self, *, on: bool) -> None:
        """Believe this from now on."""
        self.cause = self.first if on else None
        if self.newest is not None:
            self.contrary_ms = max(self.contrary_ms, self.newest.time_ms)
        self.on = on
        self.settle()

    def settle(self) -> None:
        """What spoke against it is forgotten."""
        self.count, self.first, self.newest = 0, None, None

    def _add(self, evidence: Evidence) -> None:
        if self.first is None or self.newest is None:
            self.count, self.first, self.newest = 1, evidence, evidence
            return
        if evidence.time_ms in {self.first.time_ms, self.newest.time_ms}:
            return
        self.count += 1
        if evidence.time_ms < self.first.time_ms:
            self.first = evidence
        elif evidence.time_ms > self.newest.time_ms:
            self.newest = evidence

    def _restart_after(self, time_ms: int) -> None:
        """Only what is newer than a contrary sample still counts; of several, the newest is known."""
        assert self.first is not None, "a run has a first"
        assert self.newest is not None, "a run has a newest"
        if self.newest.time_ms <= time_ms:
            self.settle()
        elif self.first.time_ms <= time_ms:
            self.count, self.first = 1, self.newest
