"""Do pressures drift against each other, and is it a leak or one sensor? Pure functions of a day's levels.

Days are compared with the same days of the week one, two and four weeks before. A leak lowers the pressures near it;
what one sensor, one flow meter or one level can do alone is none, whatever it says, nor what all pressures do alike:
each is left out in turn, and the least of what is left counts.
"""

from typing import Final, NamedTuple

import numpy as np

from processors.detectors.leak_pairs import Relations, against
from processors.detectors.leak_stats import Floats

WEEKS: Final = (1, 2, 4)
"""So long ago is what a day is compared with."""
RECENT: Final = 3
"""Days that are compared: no spike of one or two is a change."""
FLOOR_KPA: Final = 0.03
"""Finer than this (3 mm) no mean of three days is believed."""
LEAST_DAYS: Final = 8
"""So many differences over a week must be known before anything is judged."""
FEWEST: Final = 3
"""Pressures: without one of them two must be left to be held against each other."""
_WEEK: Final = 7
_MAD: Final = 1.4826  # of a normal distribution
_TINY: Final = 1e-9  # of a weight: rounding
_NEARLY_ALONE: Final = 0.25  # of what a sensor says is left without it: the sensor is something else than the rest


class Shift(NamedTuple):
    """By how much the last days differ from those of so many weeks ago."""

    weeks: int
    level: Floats  # [n] kPa beside what the flows explain; NaN: not known
    apart: Floats  # [n] kPa beside what all others say; NaN: not known
    scale: Floats  # [n] what is usual, kPa


class Evidence(NamedTuple):
    """A shift, and what of it no single meter explains; in standard deviations."""

    shift: Shift
    z: Floats  # [n] of each pressure against the others
    falls: float
    rises: float
    """The clearest fall and rise of a pressure, whoever is left out."""
    suspect: int
    """Who leaves least when it is left out,"""
    rest: float
    """and how much that is,"""
    beside: Floats
    """[n] and what the others say then."""

    @property
    def strength(self) -> float:
        """The clearer of both."""
        return max(self.falls, self.rises)

    @property
    def seen(self) -> Floats:
        """[n] the shift as a leak would show: without a sensor that is beside itself for reasons of its own."""
        return self.beside if self.rest < _NEARLY_ALONE * abs(float(self.z[self.suspect])) else self.z

    @property
    def is_fall(self) -> bool:
        """Whether the clearest of all is a fall."""
        return float(self.seen[int(np.argmax(np.abs(self.seen)))]) < 0


def usual(relations: Relations, level: Floats) -> Floats:
    """[n] by how much a pressure usually differs, against the others, from a week ago; NaN while it is not known.

    The spread is taken about the middle, so a leak that grows evenly is no part of it.
    """
    weekly = against(relations, level[_WEEK:] - level[:-_WEEK])
    known = ~np.isnan(weekly)
    spread = np.full(level.shape[1], np.nan)
    for at in np.flatnonzero(known.sum(axis=0) >= LEAST_DAYS):
        values = weekly[known[:, at], at]
        spread[at] = _MAD * float(np.median(np.abs(values - np.median(values))))
    return spread


def shift_of(relations: Relations, level: Floats, spread: Floats, wary: Floats, weeks: int) -> Shift | None:
    """The shift over so many weeks; None where fewer than three pressures know of it.

    Args:
        relations: how the pressures go together.
        level: of the days.
        spread: what :func:`usual` gave.
        wary: [n] what changes that are known may leave, kPa.
        weeks: how long ago.
    """
    end = len(level) - _WEEK * weeks
    apart = level[len(level) - RECENT :] - level[end - RECENT : end]
    there = ~np.isnan(apart)
    known = (there.sum(axis=0) >= RECENT - 1) & ~np.isnan(spread)
    if known.sum() < FEWEST:
        return None
    mean = np.where(there, apart, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    mean = np.where(known, mean, np.nan)
    scale = np.hypot(np.maximum(np.where(known, spread, 1.0), FLOOR_KPA) * np.sqrt(weeks), wary)
    return Shift(weeks, mean, against(relations, mean), scale)


def judge(relations: Relations, shift: Shift) -> Evidence:
    """What of a shift no single meter explains."""
    known = ~np.isnan(shift.apart)
    z = np.where(known, shift.apart / shift.scale, 0.0)
    without = _without_each(relations, shift)
    falls = np.where(np.isnan(without), 0.0, -without).max(axis=0)
    rises = np.where(np.isnan(without), 0.0, without).max(axis=0)
    left = np.where(known, np.maximum(falls, rises), np.inf)
    suspect = int(np.argmin(left))
    fall, rise = float(falls[known].min()), float(rises[known].min())
    alike = np.ones((1, len(z)))  # a valve at the inlet that is set anew
    for effect in against(relations, np.vstack([relations.slopes, alike])) / shift.scale:
        direction = np.where(known & ~np.isnan(effect), effect, 0.0)
        size = float(direction @ direction)
        beside = z - direction * (float(z @ direction) / size) if size > 0 else z
        fall, rise = min(fall, float(-beside.min())), min(rise, float(beside.max()))
    beside = np.where(np.isnan(without[:, suspect]), 0.0, without[:, suspect])
    return Evidence(shift, z, max(fall, 0.0), max(rise, 0.0), suspect, float(left[suspect]), beside)


def _without_each(relations: Relations, shift: Shift) -> Floats:
    """[n, n] each pressure against all others but one (column), in standard deviations; NaN where nobody is left."""
    there = ~np.isnan(shift.level)
    known = np.where(there, shift.level, 0.0)
    weights = relations.weights * there
    parts = weights * (known[:, None] - relations.pairs * known)
    weight = weights.sum(axis=1, keepdims=True) - weights
    total = parts.sum(axis=1, keepdims=True) - parts
    usable = (weight > _TINY) & there[:, None] & there & ~np.eye(len(there), dtype=np.bool_)
    return np.where(usable, total / np.where(usable, weight, 1.0) / shift.scale[:, None], np.nan)
