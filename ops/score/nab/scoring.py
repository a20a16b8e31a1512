"""The benchmark's own rule of scoring.

Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark" (ICMLA
2015), section II; weights from the benchmark's config/profiles.json.

- An alarm is a reading whose score reaches the threshold, one threshold for the whole corpus.
- In a window only its earliest alarm counts, with a value that falls along a sigmoid from 1 at the window's first
  reading to nearly 0 at its last. A window without an alarm costs the weight of a miss.
- Every alarm outside of a window costs: little right behind a window, the full weight soon after.
- The first 15 % of a series, at most 750 readings, are a time of probation that neither gives nor costs.
- Per profile the threshold is taken that gives most, and the sum is put on a scale from a detector that says nothing
  (0) to one that is first in every window and never wrong (100).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

PROBATION_SHARE: Final = 0.15
PROBATION_OF: Final = 5_000  # readings: longer series have no longer probation
STEEPNESS: Final = 5.0
FAR: Final = 3.0  # window widths behind a window: from there on an alarm costs its whole weight

OUTSIDE: Final = -1
PROBATION: Final = -2


@dataclass(frozen=True, slots=True)
class Profile:
    """What finding, missing and a false alarm weigh."""

    name: str
    found: float
    missed: float
    false: float


PROFILES: Final = (
    Profile("standard", 1.0, 1.0, 0.11),
    Profile("reward_low_FP_rate", 1.0, 1.0, 0.22),
    Profile("reward_low_FN_rate", 1.0, 2.0, 0.11),
)


class Marked(NamedTuple):
    """Readings of a corpus in one row: their scores, what an alarm at each is worth, and in which window it lies."""

    scores: npt.NDArray[np.float64]
    worth: npt.NDArray[np.float64]  # in a window from 1 down to 0; outside 0 down to -1
    window: npt.NDArray[np.int64]  # number of the window in the corpus, OUTSIDE or PROBATION


class Result(NamedTuple):
    """What a profile gives at a threshold; ``score`` is ``points`` between silence (0) and perfection (100)."""

    score: float
    points: float
    threshold: float
    windows: int
    found: int
    false: int


def worth_at(position: float) -> float:
    """The scaled sigmoid: ``position`` is -1 at a window's first reading, 0 behind its last, then widths behind it."""
    if position >= FAR:
        return -1.0
    return 2.0 / (1.0 + exp(STEEPNESS * position)) - 1.0


def probation(readings: int) -> int:
    """How many readings at the beginning of a series are not judged."""
    return int(min(PROBATION_SHARE * readings, PROBATION_SHARE * PROBATION_OF))


def mark(scores: Sequence[Sequence[float]], windows: Sequence[Sequence[tuple[int, int]]]) -> Marked:
    """Series with their windows (first and last reading), put into one row."""
    worth = [np.empty(len(one)) for one in scores]
    inside = [np.full(len(one), OUTSIDE, dtype=np.int64) for one in scores]
    number = 0
    for of_series, in_series, bounds in zip(worth, inside, windows, strict=True):
        last, width = None, 0
        at = 0
        for first, end in bounds:
            _behind(of_series, at, first, last, width)
            width = end - first + 1
            best = worth_at(-1.0)
            for i in range(first, end + 1):
                of_series[i] = worth_at(-(end - i + 1) / width) / best
            in_series[first : end + 1] = number
            number += 1
            last, at = end, end + 1
        _behind(of_series, at, len(of_series), last, width)
        in_series[: probation(len(in_series))] = PROBATION
    return Marked(
        np.concatenate([np.asarray(one, float) for one in scores]), np.concatenate(worth), np.concatenate(inside)
    )


def _behind(worth: npt.NDArray[np.float64], begin: int, end: int, last: int | None, width: int) -> None:
    """What alarms between windows are worth; a window of one reading has no length to measure by."""
    for i in range(begin, end):
        worth[i] = -1.0 if last is None or width == 1 else worth_at((i - last) / (width - 1))


def best(marked: Marked, profile: Profile) -> Result:
    """The threshold that gives most, and what it gives; the highest of several, infinity when silence is best."""
    judged = np.flatnonzero(marked.window != PROBATION)
    order = judged[np.argsort(-marked.scores[judged], kind="stable")]
    scores, worth, window = (part[order].tolist() for part in marked)
    points = _Points(marked, profile)
    top = points.result(float("inf"))
    for i, score in enumerate(scores):
        points.alarm(window[i], worth[i])
        if points.total > top.points and (i + 1 == len(scores) or scores[i + 1] != score):
            top = points.result(score)
    return top


def at(marked: Marked, profile: Profile, threshold: float) -> Result:
    """What a given threshold gives."""
    alarms = np.flatnonzero((marked.window != PROBATION) & (marked.scores >= threshold))
    points = _Points(marked, profile)
    for i in alarms.tolist():
        points.alarm(int(marked.window[i]), float(marked.worth[i]))
    return points.result(threshold)


def normalised(points: float, windows: int, profile: Profile) -> float:
    """Points on the scale from a silent detector to a perfect one; without windows there is nothing to find."""
    if not windows:
        return min(0.0, points)
    return 100.0 * (points + profile.missed * windows) / (windows * (profile.found + profile.missed))


class _Points:
    """Counts what alarms give, one after the other in any order."""

    def __init__(self, marked: Marked, profile: Profile) -> None:
        self._profile = profile
        self._windows = len(np.unique(marked.window[marked.window >= 0]))
        self._gained: dict[int, float] = {}
        self._false = 0
        self.total = -profile.missed * self._windows

    def alarm(self, window: int, worth: float) -> None:
        """An alarm of this worth, in this window or OUTSIDE."""
        if window == OUTSIDE:
            self._false += 1
            self.total += self._profile.false * worth
            return
        before, after = self._gained.get(window, -self._profile.missed), self._profile.found * worth
        if after > before:
            self._gained[window] = after
            self.total += after - before

    def result(self, threshold: float) -> Result:
        """What stands so far."""
        score = normalised(self.total, self._windows, self._profile)
        return Result(score, self.total, threshold, self._windows, len(self._gained), self._false)
