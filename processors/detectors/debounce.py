"""A yes or no that must last before it is believed.

Slight disorder changes nothing: what is believed follows from the samples newer than the newest contrary one, in
whatever order they came; and a sample that the contrary one overtook still completes the row that it ended. Samples of
one time are one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from processors.detectors.common import Evidence
from processors.engine.contract import Reading


class Need(NamedTuple):
    """What changes a mind: so many samples in a row, the last at least so long after the first."""

    samples: int
    lasting_ms: int = 0


class Ended(msgspec.Struct, array_like=True):
    """A row that a contrary sample ended before it convinced."""

    after_ms: int
    """Of the newest contrary sample before the row."""
    by: Evidence
    between: bool
    """What ended it speaks for neither."""
    count: int
    first: Evidence
    newest: Evidence


class Signal:
    """What is believed, and the samples that speak against it.

    A class of its own, no struct of msgspec, as nearly every reading touches one: compiled, its numbers are C's
    (``debounce.pxd``). In a snapshot it stands as the list of its fields, as a struct would.
    """

    __slots__ = ("cause", "contrary_ms", "count", "ended", "first", "newest", "newest_ms", "on", "value")

    def __init__(self) -> None:
        """Nothing is believed, and nothing was said."""
        self.on = False
        self.value = 0.0
        """The newest that was judged."""
        self.newest_ms = -1
        self.contrary_ms = -1
        """Of the newest sample that speaks for what is believed, or for neither."""
        self.count = 0
        """Samples since then that speak against it; the first and the newest of them follow."""
        self.first: Evidence | None = None
        self.newest: Evidence | None = None
        self.cause: Evidence | None = None
        """While on: the sample that began the run."""
        self.ended: Ended | None = None
        """The row that the newest contrary sample ended."""

    def row(self) -> tuple[Any, ...]:
        """As it is written."""
        evidence = self.first, self.newest, self.cause, self.ended
        return self.on, self.value, self.newest_ms, self.contrary_ms, self.count, *evidence

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "Signal":
        """What :meth:`row` gave, as msgpack knows it."""
        signal = cls()
        signal.on, signal.value, signal.newest_ms, signal.contrary_ms, signal.count, first, newest, cause, ended = row
        signal.first = msgspec.convert(first, Evidence | None)
        signal.newest = msgspec.convert(newest, Evidence | None)
        signal.cause = msgspec.convert(cause, Evidence | None)
        signal.ended = msgspec.convert(ended, Ended | None)
        return signal

    def is_quiet(self) -> bool:
        """Whether nothing is believed, suspected, or was just before."""
        return not (self.on or self.count) and self.ended is None

    def goes_by(self, time_ms: int, value: float) -> bool:
        """Take in a sample that is contrary; False if that is no short matter and :meth:`hear` must be asked."""
        if self.on or self.count or self.ended is not None:
            return False
        if time_ms >= self.newest_ms:
            self.newest_ms, self.value = time_ms, value
        self.contrary_ms = max(self.contrary_ms, time_ms)
        return True

    def hear(self, reading: Reading, value: float, *, against: bool, need: Need, between: bool | None = None) -> bool:
        """Take in a sample; whether it changed what is believed.

        Args:
            reading: it comes from this one.
            value: what is judged of it.
            against: it speaks against what is believed.
            need: what changes that.
            between: if not against it, it speaks for neither; None: what it overtakes does not count.
        """
        time_ms = reading.time_ms
        if time_ms >= self.newest_ms:
            self.newest_ms, self.value = time_ms, value
        if not against:
            self._contradict(reading, between=between)
            return False
        if time_ms <= self.contrary_ms:
            return self._complete(reading, need)
        self._add(Evidence.of(reading))
        if not _convinces(self, need):
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
        self.count, self.first, self.newest, self.ended = 0, None, None, None

    def interrupt(self, need: Need) -> None:
        """Nobody saw what came of it: a row that must last begins anew."""
        if need.lasting_ms:
            self.settle()

    def _add(self, evidence: Evidence) -> None:
        if self.first is None:
            self.count, self.first, self.newest = 1, evidence, evidence
        else:
            _join(self, evidence)

    def _contradict(self, reading: Reading, *, between: bool | None) -> None:
        time_ms, ended = reading.time_ms, self.ended
        if time_ms > self.contrary_ms:
            ended, first, newest = None, self.first, self.newest
            if first is not None and newest is not None and between is not None and newest.time_ms < time_ms:
                ended = Ended(self.contrary_ms, Evidence.of(reading), between, self.count, first, newest)
            self.contrary_ms = time_ms
        if self.count:
            self._restart_after(time_ms)
        self.ended = ended

    def _complete(self, reading: Reading, need: Need) -> bool:
        """A sample that was overtaken; whether the row that was ended convinces with it after all."""
        ended = self.ended
        if ended is None or not ended.after_ms < reading.time_ms < ended.by.time_ms:
            return False
        _join(ended, Evidence.of(reading))
        if not _convinces(ended, need):
            return False
        newer = self.newest
        self.on = not self.on
        self.cause = ended.first if self.on else None
        self.settle()
        if newer is not None:
            self.contrary_ms = newer.time_ms  # what ended it is contradicted
        elif not ended.between:
            self.contrary_ms = ended.newest.time_ms
            self.count, self.first, self.newest = 1, ended.by, ended.by
        return True

    def _restart_after(self, time_ms: int) -> None:
        """Only what is newer than a contrary sample still counts; of several, the newest is known."""
        assert self.first is not None, "a run has a first"
        assert self.newest is not None, "a run has a newest"
        if self.newest.time_ms <= time_ms:
            self.settle()
        elif self.first.time_ms <= time_ms:
            self.count, self.first = 1, self.newest


def _join(row: Signal | Ended, evidence: Evidence) -> None:
    """One more sample of a row that has begun."""
    assert row.first is not None, "a row has a first"
    assert row.newest is not None, "a row has a newest"
    if evidence.time_ms in {row.first.time_ms, row.newest.time_ms}:
        return
    row.count += 1
    if evidence.time_ms < row.first.time_ms:
        row.first = evidence
    elif evidence.time_ms > row.newest.time_ms:
        row.newest = evidence


def _convinces(row: Signal | Ended, need: Need) -> bool:
    assert row.first is not None, "a row has a first"
    assert row.newest is not None, "a row has a newest"
    return row.count >= need.samples and row.newest.time_ms - row.first.time_ms >= need.lasting_ms
