"""Readings into ticks of five minutes where meters are known: as :mod:`.leak_steps`, with less to do for each.

A tick is closed by clock time alone, so neither batching, duplicates nor disorder within the delay can change what it
holds. Of nearly every meter there is one reading in a tick: it is kept as it came, and only others beside it are work.
"""

import math
from collections.abc import Sequence
from math import fsum
from typing import Final, NamedTuple

from processors.detectors.leak_steps import DELAY_MS, PATIENCE_MS, Sample
from processors.engine.contract import Clock, Ear, Reading
from processors.leak.core import STEP_S

STEP_MS: Final = STEP_S * 1000
HALF_MS: Final = STEP_MS // 2
CLOSES_MS: Final = HALF_MS + DELAY_MS
"""After its middle a tick is complete."""

Taken = tuple[int, str, float, int]
"""A reading: event time, identity, value, arrival; sorts like a :class:`.leak_steps.Sample`."""


Row = list[Taken | None]
"""The first reading of each meter in a tick."""


class Step(NamedTuple):
    """A closed tick: ``time_ms`` is its middle."""

    time_ms: int
    places: dict[str, int]
    """Where each meter stands in what follows."""
    taken: Row
    """The newest reading of each meter; None of those that said nothing."""
    means: dict[int, float]
    """Of those that spoke more than once, what they said on average."""

    @classmethod
    def bare(cls, time_ms: int) -> "Step":
        """A time at which nobody says anything."""
        return cls(time_ms, {}, [], {})

    def sample(self, key: str) -> Sample | None:
        """The newest reading of a meter."""
        place = self.places.get(key)
        taken = None if place is None else self.taken[place]
        return None if taken is None else Sample(*taken)

    def values(self) -> list[float]:
        """What each meter said, in the order in which they are kept; NaN of those that said nothing."""
        try:
            values = [one[2] for one in self.taken]  # type: ignore[index]
        except TypeError:
            values = [math.nan if one is None else one[2] for one in self.taken]
        for place, mean in self.means.items():
            values[place] = mean
        return values


class _Heard:
    """The tick that was heard last: the next reading is nearly always of the same."""

    __slots__ = ("begin_ms", "end_ms", "row")

    def __init__(self) -> None:
        self.begin_ms, self.end_ms, self.row = 0, 0, Row()


class OpenSteps:
    """The ticks of one zone that are not closed yet."""

    def __init__(
        self,
        keys: Sequence[str] = (),
        open_: dict[int, dict[str, list[Taken]]] | None = None,
        next_slot: int | None = None,
    ) -> None:
        """Begin with nothing, or with what :meth:`written` gave; ``keys``: the meters that are heard."""
        self._keys = keys
        self._places = {key: place for place, key in enumerate(keys)}
        self._rows: dict[int, Row] = {}
        self._more: dict[int, dict[int, list[Taken]]] = {}
        self._heard = _Heard()
        self.next_slot = next_slot
        for slot, series in (open_ or {}).items():
            for key, samples in series.items():
                for taken in samples:
                    self._put(slot, self._places[key], taken)

    def written(self) -> dict[int, dict[str, list[Taken]]]:
        """Everything, written the same way in whatever order it came."""
        return {
            slot: {
                key: sorted([taken, *self._more.get(slot, {}).get(place, ())])
                for key, place in sorted(self._places.items())
                if (taken := row[place]) is not None
            }
            for slot, row in sorted(self._rows.items())
        }

    def add(self, key: str, reading: Reading) -> None:
        """Put a reading where its event time belongs; one for a tick that is closed is left out."""
        slot = (reading.time_ms + HALF_MS) // STEP_MS
        if self.next_slot is None or slot >= self.next_slot:
            taken = (reading.time_ms, reading.identity, reading.value, reading.arrival_ms)
            self._put(slot, self._places[key], taken)

    def _put(self, slot: int, place: int, taken: Taken) -> None:
        row = self._rows.get(slot)
        if row is None:
            row = self._rows[slot] = [None] * len(self._keys)
        if row[place] is None:
            row[place] = taken
        else:
            self._more.setdefault(slot, {}).setdefault(place, []).append(taken)

    def ear(self, key: str) -> Ear:
        """Puts the first reading of a meter into a tick that is open, or that opens behind one: no timer changes."""
        rows, place, width, heard = self._rows, self._places[key], len(self._keys), self._heard

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            if heard.begin_ms <= time_ms < heard.end_ms:
                row = heard.row
            else:
                slot = (time_ms + HALF_MS) // STEP_MS
                known = rows.get(slot)
                if known is None:
                    if not rows or slot < min(rows):
                        return False
                    known = rows[slot] = [None] * width
                heard.begin_ms, heard.end_ms, heard.row = slot * STEP_MS - HALF_MS, slot * STEP_MS + HALF_MS, known
                row = known
            if row[place] is not None:
                return False
            row[place] = (time_ms, identity, value, arrival_ms)
            return True

        return hear

    def due_ms(self) -> int | None:
        """The clock time at which :meth:`close` has something to do, if any."""
        return min(self._rows) * STEP_MS + CLOSES_MS if self._rows else None

    def close(self, clock: Clock) -> list[Step]:
        """The ticks that are complete by this clock, oldest first."""
        horizon = min(clock.frontier.values(), default=clock.now_ms)
        horizon = min(clock.now_ms, max(horizon, clock.now_ms - PATIENCE_MS))
        closed: list[Step] = []
        while self._rows:
            slot = min(self._rows)
            if slot * STEP_MS + CLOSES_MS > horizon:
                break
            closed.append(Step(slot * STEP_MS, self._places, *self._closed(slot)))
            self.next_slot = slot + 1
        return closed

    def _closed(self, slot: int) -> tuple[Row, dict[int, float]]:
        """The newest readings of a tick, which is open no more, and the means of those that spoke more than once."""
        row, means = self._rows.pop(slot), dict[int, float]()
        if row is self._heard.row:
            self._heard.end_ms = 0
        for place, others in self._more.pop(slot, {}).items() if self._more else ():
            samples = sorted(one for one in (row[place], *others) if one is not None)
            means[place] = fsum(value for _, _, value, _ in samples) / len(samples)
            row[place] = samples[-1]
        return row, means
