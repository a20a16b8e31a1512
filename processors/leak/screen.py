"""A look at a loud window before it is compared with every pipe in full: by the signatures of the day before.

How a leak shows on the sensors changes little with the load, so what yesterday's signatures explain less than half
well enough needs no more work. Derived from the state, never part of it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

SHARE: Final = 0.6
"""Of the evidence that a leak needs; from one load to another a signature keeps more than that."""


class Screen:
    """Yesterday's signatures as matched filters, made for each window when first asked for."""

    def __init__(
        self,
        per_day: int,
        least: float,
        signatures: Callable[[AreaState, int, int], Floats],
        covariance: Callable[[AreaState, int, Floats], Floats],
    ) -> None:
        """``signatures``: of the rows of a state from one to another; ``covariance``: of a window at the day's end."""
        self.per_day, self._least = per_day, SHARE * least
        self._signatures, self._covariance = signatures, covariance
        self._made_from: tuple[object, ...] = ()
        self._plain: Floats | None = None
        self._filters: dict[int, Floats] = {}

    def passes(self, state: AreaState, row: int, shift: Floats, version: int) -> bool:
        """Whether any pipe may explain the shift of window ``row``, as a leak or as a repair."""
        made_from = (state.known, state.shifts, state.steps, state.beta, version)
        if len(self._made_from) != len(made_from) or any(
            a is not b for a, b in zip(self._made_from, made_from, strict=True)
        ):
            self._made_from, self._filters = made_from, {}
            end = state.rows - (state.tick + 1) % self.per_day
            self._plain = self._signatures(state, end - self.per_day, end) if end >= self.per_day else None
        if self._plain is None:
            return True
        matched = self._filters.get(row)
        if matched is None:
            matched = self._plain @ np.linalg.inv(self._covariance(state, row, self._plain))
            matched /= np.sqrt(np.vecdot(matched, self._plain))[:, None]
            self._filters[row] = matched
        match = matched @ shift
        return max(float(match.max()), -float(match.min())) ** 2 >= self._least
