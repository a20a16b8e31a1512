"""A look at a loud window before it is compared with every pipe in full: by the signatures of the day before.

How a leak shows on the sensors changes little with the load, so what yesterday's signatures do not nearly explain
needs no more work. Derived from the state, never part of it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.settings import Settings
from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

SHARE: Final = 0.7
"""Of the evidence that a leak needs; from one load to another a signature keeps more than that."""


class Screen:
    """Yesterday's signatures as matched filters, made for each window when first asked for."""

    def __init__(
        self,
        per_day: int,
        settings: Settings,
        signatures: Callable[[AreaState, int, int], Floats],
        covariance: Callable[[AreaState, int, Floats], Floats],
    ) -> None:
        """``signatures``: of the rows of a state from one to another; ``covariance``: of a window at the day's end."""
        self.per_day, self._least, self._mismatch = per_day, SHARE * settings.fast, settings.mismatch
        self._signatures, self._covariance = signatures, covariance
        self._made_from: tuple[object, object, object, object, int] = (None, None, None, None, -1)
        self._plain: Floats | None = None
        self._filters: dict[int, tuple[npt.NDArray[np.float32], Floats, Floats]] = {}

    def passes(self, state: AreaState, row: int, shift: Floats, version: int) -> bool:
        """Whether any pipe may explain the shift of window ``row``, as a leak or as a repair."""
        known, shifts, steps, beta, made = self._made_from
        if (
            known is not state.known
            or shifts is not state.shifts
            or steps is not state.steps
            or beta is not state.beta
            or made != version
        ):
            self._made_from, self._filters = (state.known, state.shifts, state.steps, state.beta, version), {}
            end = state.rows - (state.tick + 1) % self.per_day
            self._plain = self._signatures(state, end - self.per_day, end) if end >= self.per_day else None
        if self._plain is None:
            return True
        if row not in self._filters:
            covariance = self._covariance(state, row, self._plain)
            matched = self._plain @ np.linalg.inv(covariance)
            power = np.sqrt(np.vecdot(matched, self._plain))
            matched /= power[:, None]
            self._filters[row] = matched.astype(np.float32), power, covariance  # half of what is read again and again
        light, power, covariance = self._filters[row]
        match = light.dot(shift.astype(np.float32))
        best = int(np.abs(match).argmax())
        if float(match[best]) ** 2 < self._least:
            return False
        own = self._plain[best]  # as in judge: the second time with the error of the best signature
        error = self._mismatch * match[best] / power[best] * own
        filtered = np.linalg.solve(covariance + np.diag(error * error), own)
        return float(filtered @ shift) ** 2 >= self._least * float(filtered @ own)
