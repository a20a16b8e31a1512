"""Readings into time steps: which sensors said what in one interval, whatever order they came in.

A step is closed by clock time alone, ``DELAY_MS`` after its end, so neither batching, duplicates nor disorder within
that delay can change what a step holds. The sampling interval and its phase are inferred once, from event times.
"""

from itertools import pairwise
from math import fsum
from typing import Final, NamedTuple

import msgspec
import numpy as np

from processors.engine.contract import Clock, Ear, Reading

DELAY_MS: Final = 10 * 60_000
"""A step stays open this long after its end; readings that come later are not judged."""
PATIENCE_MS: Final = 60 * 60_000
"""A shard that does not advance holds steps back this long, then they are closed with what is there."""
SHORTEST_MS: Final = 5 * 60_000
"""Faster sampling is averaged to steps of five minutes: water in pipes has nothing more to say."""
_MIN_DIFFERENCES: Final = 8
_FIRST_LOOK_MS: Final = 60 * 60_000
_EARLY_LIMIT: Final = 1 << 15


class Sample(NamedTuple):
    """One reading as a step keeps it; sorts by event time, then identity."""

    time_ms: int
    identity: str
    value: float
    arrival_ms: int


class Step(NamedTuple):
    """A closed step: ``time_ms`` is its centre, ``values`` per series the mean and the newest reading."""

    time_ms: int
    values: dict[str, tuple[float, Sample]]


class Steps(msgspec.Struct):
    """Open steps of one zone."""

    interval_ms: int = 0
    phase_ms: int = 0
    next_slot: int | None = None
    look_ms: int | None = None
    early: dict[str, list[Sample]] = {}
    open: dict[int, dict[str, list[Sample]]] = {}

    def add(self, key: str, reading: Reading) -> None:
        """Put a reading where its event time belongs; one for a step that is closed is left out."""
        sample = Sample(reading.time_ms, reading.identity, reading.value, reading.arrival_ms)
        if self.interval_ms:
            self._place(key, sample)
            return
        if sum(map(len, self.early.values())) < _EARLY_LIMIT:
            self.early.setdefault(key, []).append(sample)
        if self.look_ms is None or reading.time_ms + _FIRST_LOOK_MS + DELAY_MS < self.look_ms:
            self.look_ms = reading.time_ms + _FIRST_LOOK_MS + DELAY_MS

    def ear(self, key: str) -> Ear | None:
        """Puts readings of a series that is known into steps that are open."""
        if not self.interval_ms:
            return None
        open_, interval_ms, offset_ms = self.open, self.interval_ms, self.interval_ms // 2 - self.phase_ms

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            series = open_.get((time_ms + offset_ms) // interval_ms)
            if series is None:
                return False
            sample = Sample(time_ms, identity, value, arrival_ms)
            samples = series.get(key)
            if samples is None:
                series[key] = [sample]
            else:
                samples.append(sample)
            return True

        return hear

    def due_ms(self) -> int | None:
        """The clock time at which :meth:`close` has something to do, if any."""
        if not self.interval_ms:
            return self.look_ms
        return self._end(min(self.open)) + DELAY_MS if self.open else None

    def close(self, clock: Clock) -> list[Step]:
        """The steps that are complete by this clock, oldest first."""
        horizon = min(clock.frontier.values(), default=clock.now_ms)
        horizon = min(clock.now_ms, max(horizon, clock.now_ms - PATIENCE_MS))
        if not self.interval_ms and not self._infer(horizon):
            return []
        closed: list[Step] = []
        while self.open and self._end(slot := min(self.open)) + DELAY_MS <= horizon:
            values = {key: _summary(samples) for key, samples in sorted(self.open.pop(slot).items())}
            closed.append(Step(slot * self.interval_ms + self.phase_ms, values))
            self.next_slot = slot + 1
        return closed

    def _end(self, slot: int) -> int:
        return slot * self.interval_ms + self.phase_ms + self.interval_ms // 2

    def _place(self, key: str, sample: Sample) -> None:
        slot = (sample.time_ms - self.phase_ms + self.interval_ms // 2) // self.interval_ms
        if self.next_slot is None or slot >= self.next_slot:
            self.open.setdefault(slot, {}).setdefault(key, []).append(sample)

    def _infer(self, horizon: int) -> bool:
        """Find interval and phase from what is certainly complete; look again in twice the time if it is too little."""
        if self.look_ms is None or horizon < self.look_ms:
            return False
        times = {
            key: sorted({s.time_ms for s in samples if s.time_ms <= horizon - DELAY_MS})
            for key, samples in sorted(self.early.items())
        }
        differences = sorted(b - a for series in times.values() for a, b in pairwise(series))
        if len(differences) < _MIN_DIFFERENCES:
            first = min((series[0] for series in times.values() if series), default=self.look_ms - DELAY_MS)
            self.look_ms = max(2 * (self.look_ms - DELAY_MS) - first, self.look_ms) + DELAY_MS + _FIRST_LOOK_MS
            return False
        interval = max(1_000, round(differences[len(differences) // 2] / 1_000) * 1_000)
        if interval >= SHORTEST_MS:
            self.phase_ms = _phase([t for series in times.values() for t in series], interval)
        self.interval_ms = max(interval, SHORTEST_MS)
        early, self.early, self.look_ms = self.early, {}, None
        for key, samples in early.items():
            for sample in samples:
                self._place(key, sample)
        return True


def ordered(steps: Steps) -> Steps:
    """The same, written the same way in whatever order the readings came."""
    return msgspec.structs.replace(
        steps,
        early=_sorted_samples(steps.early),
        open={slot: _sorted_samples(series) for slot, series in sorted(steps.open.items())},
    )


def _sorted_samples(series: dict[str, list[Sample]]) -> dict[str, list[Sample]]:
    return {key: sorted(samples) for key, samples in sorted(series.items())}


def _phase(times: list[int], interval: int) -> int:
    """The typical offset of the times within the interval, to a twelfth of it (the circular mean of the angles)."""
    angles = 2 * np.pi * (np.sort(np.asarray([t % interval for t in times], dtype=np.float64)) / interval)
    mean = float(np.arctan2(fsum(np.sin(angles).tolist()), fsum(np.cos(angles).tolist())))
    return round(mean / (2 * np.pi) * 12) % 12 * interval // 12


def _summary(samples: list[Sample]) -> tuple[float, Sample]:
    if len(samples) == 1:
        return samples[0].value, samples[0]
    ordered = sorted(samples)
    return fsum(s.value for s in ordered) / len(ordered), ordered[-1]
