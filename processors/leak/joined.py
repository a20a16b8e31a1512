"""The readings and residuals of all areas of a network side by side, so that one array operation does for all.

States hold views of these arrays. What is laid side by side is of ticks that all areas take in together.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from processors.leak.state import AreaState

if TYPE_CHECKING:
    from processors.leak.area import Area

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


class Joined:
    """Arrays with a stretch of columns for each area: its sensors and then its balance, or its outputs."""

    def __init__(self, areas: Sequence["Area"]) -> None:
        """Nothing is held until states are :meth:`adopt` ed."""
        self.columns = stretches([area.reader.width + 1 for area in areas])
        self.outputs = stretches([area.outputs for area in areas])
        self.at = np.concatenate([[*area.columns.all, area.columns.all[0]] for area in areas]).astype(np.intp)
        """Where the sensors are in a row of all; in the place of a balance stands one that is there anyway."""
        kept, width, outputs = areas[0].kept, self.columns[-1].stop, self.outputs[-1].stop
        self.inputs: Floats32 = np.full((kept, width), np.nan, dtype=np.float32)
        self.residuals: Floats32 = np.zeros((kept, outputs), dtype=np.float32)
        self.sums: Floats = np.zeros((kept + 1, outputs))
        self.moved, self.missing, self.back = np.zeros((3, width))
        for area, stretch in zip(areas, self.outputs, strict=True):
            area.gate.share(self.sums, stretch)

    def adopt(self, states: Sequence[AreaState]) -> None:
        """Hold what these states, one of each area, remember; from now on their arrays are views."""
        for state, columns, outputs in zip(states, self.columns, self.outputs, strict=True):
            sensors = slice(columns.start, columns.stop - 1)
            state.inputs = _held(self.inputs[:, columns], state.inputs)
            state.residuals = _held(self.residuals[:, outputs], state.residuals)
            state.moved = _held(self.moved[sensors], state.moved)
            state.missing = _held(self.missing[sensors], state.missing)
            state.back = _held(self.back[sensors], state.back)


def stretches(widths: list[int]) -> list[slice]:
    """Columns of such widths, one behind the other."""
    ends = np.cumsum(widths).tolist()
    return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]


def _held(place: npt.NDArray[np.generic], values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    place[...] = values
    return place
