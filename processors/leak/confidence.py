"""What a probability of the search has turned out to be worth: confidence that means what it says.

The search knows the noise of the sensors and a part of the model's errors; of leaks it does not know of, it knows
nothing, so it is surer than it should be. How much was fitted on labelled years: the log odds of "a leak within reach
of the named pipe" are a line in the log odds of the search (Platt scaling), per kind of alarm.
"""

import math
from typing import Final

from processors.leak.settings import Settings

LEAST: Final = 0.02
"""Nothing is surer than this from certain: so many alarms were never seen."""


def log_odds(sure: float) -> float:
    """Of a probability of the search, kept away from certainty."""
    inside = min(max(sure, LEAST), 1.0 - LEAST)
    return math.log(inside / (1.0 - inside))


def calibrated(kind: str, sure: float, settings: Settings) -> float:
    """The probability that an alarm of this kind is right."""
    constant, slope = settings.sure_of_growing if kind == "growing" else settings.sure_of_burst
    return 1.0 / (1.0 + math.exp(-(constant + slope * log_odds(sure))))
