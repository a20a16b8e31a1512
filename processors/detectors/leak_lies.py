"""Whether a meter lies, by the shape of its day: a leak adds about the same at all hours (docs/processors/leak.md).

Pure functions of a day of 24 hours that ends with its night, against the usual one.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.detectors.leak_book import HOURS, NIGHT
from processors.detectors.leak_stats import Floats

LEAST_HOURS: Final = 18
"""Hours that must be known of both days."""
AGREES: Final = 3.0
"""So many times its usual noise, and so much of its mean, a meter may be beside its usual day:"""
AGREES_SHARE: Final = 0.1
BESIDE: Final = 2.0
"""The same of a day with a leak, what the leak takes taken off."""
SCALED: Final = 1.4
"""A factor nearer to 1 is how people live."""
LEAST_SHIFT: Final = 2
"""Hours: on Sundays people get up later."""
FITS: Final = 0.25
"""Of the squares beside the usual day that may be left by what explains them."""
EXPLAINS: Final = 0.5
"""Share of the night's change that a lie must explain."""
CLEARLY: Final = 0.5
"""A flat day must explain so much better than a leak."""
RISES: Final = 0.5
"""Share of the rise of the night that an hour must show to be one of a leak, as half of them must be:"""
AT_HOURS: Final = 0.5
FOLLOWS: Final = 0.3
"""Share of a meter's change that the pressures must follow, in the middle of the sensors that can see it."""
SEES: Final = 3.0
"""A pressure sees a change that should move its day by so many times its usual noise."""
GROSS: Final = 3.0
GROSS_SHARE: Final = 0.3
"""Beside the usual by so much, a day teaches nothing."""
STEADY: Final = 0.2
"""Share of what it is today that a drift was the day before yesterday at least, and that was missing."""
_HALF_HOURS: Final = 2 * HOURS


class LieKind(StrEnum):
    """What a meter seems to do."""

    SCALE = "scale"
    GAIN = "gain"
    CLOCK = "clock"
    STUCK = "stuck"
    JUMP = "jump"
    DRIFT = "drift"


class Lie(NamedTuple):
    """``error`` is a factor (scale, gain), hours (clock), else in the meter's unit."""

    kind: LieKind
    error: float


def is_whole(day: Floats, usual: Floats) -> bool:
    """Whether enough of both days is known to compare them."""
    there = ~(np.isnan(day) | np.isnan(usual))
    return bool(there.sum() >= LEAST_HOURS and there[list(NIGHT)].all())


def agrees(day: Floats, usual: Floats, noise: float) -> bool:
    """Whether the day is as usual."""
    there = ~(np.isnan(day) | np.isnan(usual))
    beside = float(np.sqrt(np.mean((day[there] - usual[there]) ** 2)))
    return beside <= max(AGREES * noise, AGREES_SHARE * float(np.abs(usual[there]).mean()))


def lie_of(day: Floats, usual: Floats, noise: float) -> Lie | None:
    """What explains this day better than more water at all hours does; None where that does, or nothing differs."""
    if not is_whole(day, usual) or agrees(day, usual, noise):
        return None
    there = ~(np.isnan(day) | np.isnan(usual))
    d, u = day[there], usual[there]
    night = np.isin(np.flatnonzero(there), NIGHT)
    change = float((d - u)[night].mean())
    whole = float(((d - u) ** 2).sum())
    leak = float((((d - u) - (d - u).mean()) ** 2).sum())

    def explains(expected: Floats) -> float:
        """Squares left, infinite where the night is not explained."""
        if abs(float((d - expected)[night].mean())) > (1 - EXPLAINS) * abs(change):
            return np.inf
        return float(((d - expected) ** 2).sum())

    factor = float(d @ u) / max(float(u @ u), 1e-12)
    found: list[tuple[float, Lie]] = []
    if not 1 / SCALED < factor < SCALED:
        found.append((explains(factor * u), Lie(LieKind.SCALE, factor)))
    shift, left = _best_shift(usual, there, explains)
    found.append((left, Lie(LieKind.CLOCK, shift)))
    flat = float(((d - d.mean()) ** 2).sum())
    if flat < CLEARLY * leak:
        found.append((explains(np.full(len(d), d.mean())), Lie(LieKind.STUCK, 0.0)))
    left, lie = min(found, key=lambda one: (one[0], one[1].kind))
    return lie if left < leak and left <= FITS * whole else None


def _best_shift(
    usual: Floats, there: npt.NDArray[np.bool_], explains: Callable[[Floats], float]
) -> tuple[float, float]:
    """Hours by which the usual day must be moved to be this one, and the squares that leaves."""
    if np.isnan(usual).any():
        return 0.0, np.inf
    clock, around = np.arange(HOURS + 1), np.append(usual, usual[0])
    tries = []
    for half_hours in range(2 * LEAST_SHIFT, _HALF_HOURS - 2 * LEAST_SHIFT + 1):
        moved = np.interp((clock[:-1] - half_hours / 2) % HOURS, clock, around)
        tries.append((explains(moved[there]), half_hours / 2))
    left, shift = min(tries)
    return (shift if shift <= HOURS / 2 else shift - HOURS), left


def is_usual_beside(day: Floats, usual: Floats, noise: float) -> bool:
    """Whether the day is a usual one but for what flows more at all hours, as it is with a leak."""
    there = ~(np.isnan(day) | np.isnan(usual))
    rise = (day - usual)[there]
    beside = float(np.sqrt(np.mean((rise - rise.mean()) ** 2)))
    return beside <= max(BESIDE * noise, AGREES_SHARE * float(np.abs(usual[there]).mean()))


def is_gross(day: Floats, usual: Floats, noise: float) -> bool:
    """Whether a day is so far from the usual that nothing should be learnt from it at once."""
    there = ~(np.isnan(day) | np.isnan(usual))
    if not there.any():
        return False
    beside = float(np.sqrt(np.mean((day[there] - usual[there]) ** 2)))
    return beside > max(GROSS * noise, GROSS_SHARE * float(np.abs(usual[there]).mean()))


def at_all_hours(day: Floats, usual: Floats) -> bool:
    """Whether at least half of the hours show a good part of what the night rose by: a leak does not sleep by day."""
    there = ~(np.isnan(day) | np.isnan(usual))
    rise = (day - usual)[there]
    night = float((day - usual)[list(NIGHT)].mean())
    return bool(np.mean(rise >= RISES * night) >= AT_HOURS)


def walks(rises: Floats) -> bool:
    """Whether three days, oldest first, rose (or fell) as a drift does: one that jumped was nought, or is through."""
    before, middle, last = rises.tolist()
    low, high = sorted((STEADY * last, (1 - STEADY) * last))
    return bool(low <= before <= high and abs(before) <= abs(middle) <= abs(last))


def follows(should: Floats, does: Floats, usual_noise: Floats) -> bool | None:
    """Whether pressures went where a meter's change should have taken them; None where no sensor can tell.

    Args:
        should: [n] by how much the change moves the day's mean of each pressure.
        does: [n] by how much it moved, what the other meters explain taken off.
        usual_noise: [n] of such days.
    """
    sees = np.abs(should) >= SEES * np.maximum(usual_noise, 1e-9)
    if not sees.any():
        return None
    return bool(np.median(does[sees] / should[sees]) >= FOLLOWS)
