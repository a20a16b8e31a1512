"""What shifts look like when nothing leaks: learnt from the area itself, day by day."""

from functools import cache
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from processors.leak.settings import WINDOWS

Floats = npt.NDArray[np.float64]

CLIP: Final = 6.0
"""Deviations are cut at so many median deviations: a burst must not teach that bursts are normal."""
LEARN: Final = 0.07
LEARN_HOURS: Final = 0.25
_MAD: Final = 0.6745  # median of |x| of a standard normal
_P95: Final = 1.96
_HALF: Final = 0.5
_MOST: Final = 0.95


def taught(ticks: int) -> int:
    """How many rows a midnight learns from at most, with so many in a day; of those before, nothing is wanted."""
    return 2 * ticks + WINDOWS[-1]


class Noise(msgspec.Struct):
    """Covariance of one tick, how that of a window's mean compares, and the hour's usual deviation."""

    covariance: np.ndarray
    factors: np.ndarray
    """Per window and sensor: variance of the mean of a window minus the day before, over that of a tick."""
    hours: np.ndarray
    """Per hour of the day and sensor: what the regression leaves (leaks that are open answer to the load)."""
    days: int = 0

    @classmethod
    def empty(cls, sensors: int) -> "Noise":
        """Nothing learnt."""
        return cls(np.zeros((sensors, sensors)), np.ones((len(WINDOWS), sensors)), np.zeros((24, sensors)))

    def expected(self, ticks: int) -> Floats:
        """The hours' deviations spread over the ticks of a day, ``[ticks, sensors]``."""
        before, after, part = _between(ticks)
        spread: Floats = self.hours.take(before, 0) * (1.0 - part) + self.hours.take(after, 0) * part
        return spread

    def learn(self, residuals: Floats, ticks: int, spoke: npt.NDArray[np.bool_]) -> None:
        """Take in a whole day: ``residuals`` of that day and at least the one before it.

        ``spoke``: the sensors of which enough of the day is there. Of the others nothing is learnt: silence is no calm.
        """
        today = residuals[-ticks:]
        profile = (today - today.mean(axis=0)).reshape(24, ticks // 24, -1).mean(axis=1)
        rate = max(LEARN_HOURS, 1.0 / (self.days + 1))
        self.hours = self.hours + np.where(spoke, rate * (profile - self.hours), 0.0)
        # From here on a row is a sensor: what is summed and sorted lies in one piece.
        residuals = residuals[-taught(ticks) :]
        count = len(residuals)
        rows = residuals.T - np.tile(self.expected(ticks).T, -(-count // ticks))[:, -count:]
        sums = np.zeros((len(rows), count + 1))
        np.cumsum(rows, axis=1, out=sums[:, 1:])
        before = (sums[:, ticks:] - sums[:, :-ticks]) / ticks  # the mean of the day that ends there
        apart = rows[:, -ticks:] - before[:, -1 - ticks : -1]
        bound = CLIP * _quantiles(np.abs(apart))[0][:, None]
        np.clip(apart, -bound, bound, apart)
        self.days += 1
        rate = max(LEARN, 1.0 / self.days)
        seen = apart @ apart.T / ticks
        if not spoke.all():
            seen = _completed(seen, self.covariance, spoke)
        self.covariance = self.covariance + rate * (seen - self.covariance)
        variance = (np.sqrt(np.diag(self.covariance)) + 1e-9) ** 2
        for row, window in enumerate(WINDOWS):
            first = max(count - ticks, window + ticks - 1) + 1
            if first > count:
                continue
            shifts = sums[:, first:] - sums[:, first - window : count + 1 - window]
            shifts /= window
            shifts -= before[:, first - window - ticks : count + 1 - window - ticks]
            middle, outer = _quantiles(np.abs(shifts, shifts))
            factor = np.maximum(middle / _MAD, outer / _P95) ** 2 / variance
            step = (rate if self.days > 1 else 1.0) * (factor - self.factors[row])
            self.factors[row] += np.where(spoke, step, 0.0)

    def of_windows(self, floor: Floats) -> Floats:
        """Covariances of the means of all windows, each minus that of a whole day before it."""
        roots = np.sqrt(self.factors)
        covariances: Floats = self.covariance * (roots[:, :, None] * roots[:, None, :]) + np.diag(floor * floor)
        return covariances

    def of_window(self, row: int, baseline: int, ticks: int, floor: Floats) -> Floats:
        """Covariance of a window's mean minus that of ``baseline`` ticks before it."""
        window = WINDOWS[row]
        factor = self.factors[row] * (1.0 + window / baseline) / (1.0 + window / ticks)
        root = np.sqrt(factor)
        covariance: Floats = self.covariance * root[:, None] * root[None, :] + np.diag(floor * floor)
        return covariance


def _completed(seen: Floats, known: Floats, spoke: npt.NDArray[np.bool_]) -> Floats:
    """The covariance of a day, for silent sensors as the others and what is known lead to expect.

    As in the EM algorithm for normal data with gaps (Little and Rubin, Statistical Analysis with Missing Data, 11.2).
    """
    here, gone = np.flatnonzero(spoke), np.flatnonzero(~spoke)
    own = seen[np.ix_(here, here)]
    slope = np.linalg.pinv(known[np.ix_(here, here)], hermitian=True) @ known[np.ix_(here, gone)]
    whole = seen.copy()
    whole[np.ix_(here, gone)] = own @ slope
    whole[np.ix_(gone, here)] = whole[np.ix_(here, gone)].T
    left = known[np.ix_(gone, gone)] - known[np.ix_(gone, here)] @ slope
    whole[np.ix_(gone, gone)] = left + slope.T @ own @ slope
    return whole


@cache
def _between(ticks: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Of each tick of a day, the hours between whose middles it is, and how far from the first to the second."""
    per = ticks // 24
    position = (np.arange(ticks) - (per - 1) / 2.0) / per
    before = np.floor(position).astype(np.intp)
    return before % 24, (before + 1) % 24, (position - before)[:, None]


def _quantiles(rows: Floats) -> tuple[Floats, Floats]:
    """Median and 95 % of each row, which is sorted for it: of what comes in runs that is faster than a partial sort."""
    count = rows.shape[1]
    rows.sort(axis=1)
    middle, outer = (
        rows[:, int(place)] + (place - int(place)) * (rows[:, min(int(place) + 1, count - 1)] - rows[:, int(place)])
        for place in (_HALF * (count - 1), _MOST * (count - 1))
    )
    return middle, outer
