"""Numbers a leak model learns: forgetful regressions, robust scales, means over windows that end now."""

from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WINDOWS: Final = (3, 4, 6, 9, 12, 18, 24, 36, 72)
"""Lengths, in steps, of the windows that are compared with before."""
MEMORY: Final = 72
"""Steps a sample waits before anything is learnt from it: a burst is found before it can be taken for normal."""
BEFORE: Final = 12
"""Steps before a window that stand for "before" where the usual is not known well (inflow, raw pressures)."""

_RIDGE: Final = 3e-7
_LEVERAGE: Final = 10.0
_Q80: Final = 1.2816  # 80 % of |x| of a standard normal lie below this


def encode(value: Any) -> Any:
    """Arrays as shape and little-endian bytes: the same bits on every machine (msgspec ``enc_hook``)."""
    return (value.shape, np.ascontiguousarray(value, dtype="<f8").tobytes())


def decode(_: type, value: Any) -> Any:
    """Read :func:`encode` (msgspec ``dec_hook``)."""
    shape, data = value
    return np.frombuffer(data, dtype="<f8").reshape(shape).astype(np.float64)


class Regression(msgspec.Struct):
    """Least squares of several outputs on the same regressors, old samples weighing exponentially less.

    Kept as moments and solved now and then (information form), which cannot wind up as recursive covariance forms do
    (Haykin, Adaptive Filter Theory, ch. 10).
    """

    moments: np.ndarray  # [m, m]
    products: np.ndarray  # [m, outputs]
    beta: np.ndarray  # [m, outputs]
    inverse: np.ndarray  # [m, m]
    samples: int = 0
    solved: bool = False

    @classmethod
    def empty(cls, inputs: int, outputs: int) -> "Regression":
        """Nothing learnt."""
        square, tall = np.zeros((inputs, inputs)), np.zeros((inputs, outputs))
        return cls(square, tall, tall.copy(), square.copy())

    def learn(self, x: Floats, y: Floats, keep: float) -> None:
        """Take one sample in; an output that is NaN teaches nothing (its prediction stands in)."""
        y = np.where(np.isnan(y), x @ self.beta, y)
        self.moments *= keep
        self.products *= keep
        self.moments += np.outer(x, x)
        self.products += np.outer(x, y)
        self.samples += 1

    def solve(self) -> None:
        """Bring the coefficients up to date; regressors are scaled, so the ridge has no unit."""
        size = np.sqrt(np.diag(self.moments)) + 1e-9
        ridge = _RIDGE * np.eye(len(size))
        self.inverse = np.linalg.inv(self.moments / np.outer(size, size) + ridge) / np.outer(size, size)
        self.beta = self.inverse @ self.products
        self.solved = True

    def residual(self, x: Floats, y: Floats) -> Floats:
        """What is not explained, shrunk where ``x`` lies outside of experience (by its leverage)."""
        leverage = max(float(x @ self.inverse @ x), 0.0)
        return np.asarray((y - x @ self.beta) / np.sqrt(1 + _LEVERAGE * leverage), dtype=np.float64)


class Scale(msgspec.Struct):
    """Standard deviations by tracking the 80 % quantile of |x|: no outlier moves it by more than one small step.

    Stochastic approximation of a quantile (Robbins and Monro 1951), multiplicative so that it needs no unit.
    """

    value: np.ndarray
    seen: int = 0

    def update(self, deviation: Floats, floor: float) -> None:
        """Take in one deviation per element; NaN leaves its element as it is."""
        size = np.abs(deviation)
        if self.seen == 0:
            self.value = np.where(np.isnan(size), 1.0, np.maximum(size, floor))
        rate = max(0.15 / (1 + self.seen / 100), 0.004)
        step = np.where(np.isnan(size), 0.0, ((size > self.value * _Q80) - 0.2) / 0.5)
        self.value = np.maximum(self.value * np.exp(rate * step), floor / 100)
        self.seen += 1


def filled(values: Floats) -> Floats:
    """Zero where there is no number."""
    return np.where(np.isnan(values), 0.0, values)


def _weights(offset: int, length: int) -> Floats:
    row = np.zeros(MEMORY)
    row[MEMORY - offset - length : MEMORY - offset] = 1.0
    return row


CHANGE_WINDOWS: Final = tuple(n for n in WINDOWS if n + BEFORE <= MEMORY)
_NOW: Final = np.array([_weights(0, n) for n in WINDOWS])
_THEN: Final = np.array([_weights(n, BEFORE) for n in CHANGE_WINDOWS])


def _means(rows: Floats, weights: Floats) -> Floats:
    """Means per window and column over what is there; NaN where less than 60 % is."""
    gone = np.isnan(rows)
    if not gone.any():
        return np.asarray(weights @ rows / weights.sum(axis=1, keepdims=True), dtype=np.float64)
    there = ~gone
    total = weights @ np.where(there, rows, 0.0)
    count = weights @ there.astype(np.float64)
    enough = count >= 0.6 * weights.sum(axis=1, keepdims=True)
    return np.where(enough, total / np.maximum(count, 1.0), np.nan)


def recent(rows: Floats) -> Floats:
    """[windows, columns]: the mean of the last steps for each length in :data:`WINDOWS`."""
    return _means(rows, _NOW)


def changes(rows: Floats) -> Floats:
    """[change windows, columns]: the mean of the last steps minus that of the :data:`BEFORE` steps before them."""
    return _means(rows, _NOW[: len(CHANGE_WINDOWS)]) - _means(rows, _THEN)


def push(ring: Floats, row: Floats) -> None:
    """Append a row to a ring that is as long as :data:`MEMORY`; the oldest falls out."""
    ring[:-1] = ring[1:]
    ring[-1] = row
