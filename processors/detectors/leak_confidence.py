"""What a burst's score has turned out to be worth (docs/processors/leak.md has the reliability table).

A score says how far a change is above what is needed, and nothing of all that may change so and is no leak. Its
logarithm is put on a line in log odds that was fitted on labelled years (Platt scaling), as with located leaks.
"""

import math
from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["inflow", "pressures"]

INFLOW_M3H: Final = 1.0
"""With less, inflow is hardly above the usual: nothing but pressures tells of a burst, and a loud score is no proof."""
LINES: Final[Mapping[Kind, tuple[float, float]]] = {"inflow": (0.44, 1.28), "pressures": (0.0, 0.0)}
"""Constant and slope, fitted by ``python -m ops.score.leak`` on six years: 39 alarms with an inflow, 4 without."""
MOST: Final = 8.0
"""A higher score counts for no more: none was seen of a burst with an inflow."""


def kind_of(flow: float) -> Kind:
    """What tells of a burst of so many m3/h."""
    return "inflow" if flow >= INFLOW_M3H else "pressures"


def confidence(score: float, flow: float) -> float:
    """The probability that a burst of this score, which is 1 or more, is one."""
    constant, slope = LINES[kind_of(flow)]
    return 1.0 / (1.0 + math.exp(-(constant + slope * math.log(min(score, MOST)))))
