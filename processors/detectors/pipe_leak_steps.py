"""Readings into ticks of five minutes where meters are known: as :mod:`.leak_steps`, with less to do for each.

A tick is closed by clock time alone, so neither batching, duplicates nor disorder within the delay can change what it
holds. Of nearly every meter there is one reading in a tick: it is kept as it came, and only others beside it are work.
"""

from math import fsum
from typing import Final, NamedTuple

from processors.detectors.leak_steps import DELAY_MS, PATIENCE_MS, Sample
from processors.engine.contract import Clock, Ear, Reading
from processors.leak.core import STEP_S

STEP_MS: Final = STEP_S * 1000
HALF_MS: Final = STEP_MS // 2

Taken = tuple[int, str, float, int]
"""A reading: event time, identity, value, arrival; sorts like a :class:`.leak_steps.Sample`."""


class Step(NamedTuple):
    """A closed tick: ``time_ms`` is its middle."""

    time_ms: int
    taken: dict[str, Taken]
    """The newest reading of each meter."""
    means: dict[str, float]
    """Of those that spoke more than once, what they said on average."""

    def sample(self, key: str) -> Sample | None:
        """The newest reading of a meter."""
        taken = self.taken.get(key)
        return None if taken is None else Sample(*taken)

    def values(self, keys: tuple[str, ...]) -> list[float]:
        """What each meter said; NaN of those that said nothing."""
        taken = self.taken
        try:
            values = [taken[key][2] for key in keys]
        except KeyError:
            nothing = (0, "", float("nan"), 0)
            values = [taken.get(key, nothing)[2] for key in keys]
        if self.means:
            return [self.means.get(key, value) for key, value in zip(keys, values, strict=True)]
        return values


class OpenSteps:
    """The ticks of one zone that are not closed yet."""

    def __init__(self, open_: dict[int, dict[str, list[Taken]]] | None = None, next_slot: int | None = None) -> None:
        """Begin with nothing, or with what :meth:`written` gave."""
        self._first: dict[int, dict[str, Taken]] = {}
        self._more: dict[int, dict[str, list[Taken]]] = {}
        self.next_slot = next_slot
        for slot, series in (open_ or {}).items():
            self._first[slot] = {key: samples[0] for key, samples in series.items()}
            more = {key: samples[1:] for key, samples in series.items() if len(samples) > 1}
            if more:
                self._more[slot] = more

    def written(self) -> dict[int, dict[str, list[Taken]]]:
        """Everything, written the same way in whatever order it came."""
        more = self._more
        return {
            slot: {key: sorted([one, *more.get(slot, {}).get(key, ())]) for key, one in sorted(series.items())}
            for slot, series in sorted(self._first.items())
        }

    def add(self, key: str, reading: Reading) -> None:
        """Put a reading where its event time belongs; one for a tick that is closed is left out."""
        slot = (reading.time_ms + HALF_MS) // STEP_MS
        if self.next_slot is not None and slot < self.next_slot:
            return
        taken = (reading.time_ms, reading.identity, reading.value, reading.arrival_ms)
        series = self._first.setdefault(slot, {})
        if key in series:
            self._more.setdefault(slot, {}).setdefault(key, []).append(taken)
        else:
            series[key] = taken

    def ear(self, key: str) -> Ear:
        """Puts the first reading of a meter into a tick that is open."""
        open_ = self._first

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            series = open_.get((time_ms + HALF_MS) // STEP_MS)
            if series is None or key in series:
                return False
            series[key] = (time_ms, identity, value, arrival_ms)
            return True

        return hear

    def due_ms(self) -> int | None:
        """The clock time at which :meth:`close` has something to do, if any."""
        return min(self._first) * STEP_MS + HALF_MS + DELAY_MS if self._first else None

    def close(self, clock: Clock) -> list[Step]:
        """The ticks that are complete by this clock, oldest first."""
        horizon = min(clock.frontier.values(), default=clock.now_ms)
        horizon = min(clock.now_ms, max(horizon, clock.now_ms - PATIENCE_MS))
        closed: list[Step] = []
        while self._first and (slot := min(self._first)) * STEP_MS + HALF_MS + DELAY_MS <= horizon:
            taken, more = self._first.pop(slot), self._more.pop(slot, {})
            means = {}
            for key, others in more.items():
                samples = [taken[key], *others]
                means[key] = fsum(value for _, _, value, _ in samples) / len(samples)
                taken[key] = max(samples)
            closed.append(Step(slot * STEP_MS, taken, means))
            self.next_slot = slot + 1
        return closed
