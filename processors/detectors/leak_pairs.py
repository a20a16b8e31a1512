"""What the pressures of an area say of each other, day by day (docs/processors/leak.md).

After LILA (Daniel et al., J. Water Resour. Plann. Manage. 2022): between two points of a network head loss is about
quadratic in flow, so one pressure is a line in the other and in the squares of the flows. What all have in common
(what people use, pumps, tanks) is in both. Slopes are learnt from how a day goes up and down, never from one day to the
next: so neither a growing leak nor a sensor that drifts can become part of them. Per step this only adds up.

Pressures in kPa, flows in m3/h, levels in m.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from processors.detectors.leak_book import day_of
from processors.detectors.leak_night import THERE
from processors.detectors.leak_stats import Floats

DAYS: Final = 35
"""Days whose means are kept: four weeks to compare with, and a week beside them."""
FORGET_DAYS: Final = 21.0
"""Time constant of the slopes."""
DAY_H: Final = 24.0
_RIDGE: Final = 1e-6
_CLOSEST: Final = 1e-3  # of its variance one pressure leaves of another at least: none is believed to be its copy
_TINY: Final = 1e-12


class Day(msgspec.Struct):
    """A day that is over; columns are pressures, squares of flows, levels."""

    number: int
    mean: np.ndarray  # [c] NaN where too little was said
    within: np.ndarray | None  # [c, c] covariance within the day; None: too little was said


class Pairs(msgspec.Struct):
    """Memory of one area with ``n`` pressures and ``m`` flows and levels, ``c`` together."""

    origin: np.ndarray  # [c] the first values: what is summed is small
    last: np.ndarray  # [c]
    heard: np.ndarray  # [n] steps of the day in which each pressure spoke
    sums: np.ndarray  # [c] of the day
    products: np.ndarray  # [c, c]
    within: np.ndarray  # [c, c] covariance within days, older days weighing less
    slopes: np.ndarray  # [m, n] of that, to stand in for a pressure that is missing
    rows: np.ndarray  # [DAYS, c] means of the last days, newest last
    day: int = -1
    steps: int = 0
    """Of the day, with all flows and levels."""
    over: Day | None = None
    """Between two calls in the same step only."""

    @classmethod
    def empty(cls, pressures: int, others: int) -> "Pairs":
        """Nothing learnt."""
        columns = pressures + others
        return cls(
            origin=np.full(columns, np.nan),
            last=np.zeros(columns),
            heard=np.zeros(pressures),
            sums=np.zeros(columns),
            products=np.zeros((columns, columns)),
            within=np.zeros((columns, columns)),
            slopes=np.zeros((others, pressures)),
            rows=np.full((DAYS, columns), np.nan),
        )


class Relations(NamedTuple):
    """How the pressures of an area go together."""

    slopes: Floats  # [m, n] kPa per (m3/h)2 and per m
    pairs: Floats  # [n, n] kPa of the first per kPa of the second, beside the slopes
    weights: Floats  # [n, n] how well the second tells the first


def take_step(pairs: Pairs, at: tuple[int, float, float], pressure: Floats, flow: Floats, height: Floats) -> None:
    """Take in a step (NaN: missing); if it is the first of a day, the one before is ``over``.

    Args:
        pairs: is changed.
        at: time (ms), longitude, length of a step (h).
        pressure: kPa.
        flow: m3/h; without all of them and all levels a step says nothing.
        height: m.
    """
    number, n = day_of(at[0], at[1]), len(pressure)
    if number != pairs.day:
        if pairs.day >= 0:
            pairs.over = _close(pairs, n, DAY_H / at[2])
        pairs.day, pairs.steps = number, 0
        pairs.heard[:], pairs.sums[:], pairs.products[:] = 0.0, 0.0, 0.0
    said = np.concatenate([pressure, flow * np.abs(flow), height])
    row = said - pairs.origin
    if np.isnan(row).any():  # seldom
        there = ~np.isnan(said)
        if not there[n:].all():
            return
        pairs.origin = np.where(np.isnan(pairs.origin), said, pairs.origin)
        row = said - pairs.origin
        gone = ~there[:n]
        # A pressure that is missing is where it was, moved by what the flows explain.
        row[:n][gone] = (pairs.last[:n] + (row[n:] - pairs.last[n:]) @ pairs.slopes)[gone]
        pairs.heard += there[:n]
    else:
        pairs.heard += 1.0
    pairs.steps += 1
    pairs.sums += row
    pairs.products += np.outer(row, row)
    pairs.last = row


def _close(pairs: Pairs, n: int, whole: float) -> Day:
    if pairs.steps < THERE * whole:
        return Day(pairs.day, np.full(len(pairs.sums), np.nan), None)
    mean = pairs.sums / pairs.steps
    within = pairs.products / pairs.steps - np.outer(mean, mean)
    mean[:n][pairs.heard < THERE * pairs.steps] = np.nan
    return Day(pairs.day, mean, within)


def learn_day(pairs: Pairs, day: Day, passed: int) -> Relations:
    """Take in a day that is over, so many days after the one before; how the pressures go together by now."""
    for _ in range(min(passed, DAYS)):
        pairs.rows[:-1] = pairs.rows[1:]
        pairs.rows[-1] = np.nan
    n = len(pairs.heard)
    if day.within is not None:
        pairs.rows[-1] = day.mean
        pairs.within *= np.exp(-passed / FORGET_DAYS)
        pairs.within += day.within
    slopes, left = _beside_flows(pairs.within, n)
    pairs.slopes = slopes
    own = np.maximum(np.diag(left), _TINY)
    weights = 1.0 / np.maximum(1.0 - left * left / np.outer(own, own), _CLOSEST)
    np.fill_diagonal(weights, 0.0)
    return Relations(slopes, left / own, weights)


def _beside_flows(within: Floats, n: int) -> tuple[Floats, Floats]:
    """Slopes of the pressures on flows and levels, and the covariance that these leave over.

    One pressure on another beside the flows is then a quotient of that (the theorem of Frisch, Waugh and Lovell).
    """
    others = within[n:, n:]
    size = np.sqrt(np.maximum(np.diag(others), 0.0)) + _TINY
    scaled = others / np.outer(size, size) + _RIDGE * np.eye(len(size))
    slopes = np.linalg.solve(scaled, within[n:, :n] / size[:, None]) / size[:, None]
    taken = np.vstack([np.eye(n), -slopes])
    return np.asarray(slopes), np.asarray(taken.T @ within @ taken)


def levels(pairs: Pairs, relations: Relations) -> Floats:
    """[DAYS, n] each pressure beside what the flows explain, kPa above any level; NaN where it did not speak."""
    n = len(pairs.heard)
    return np.asarray(pairs.rows[:, :n] - pairs.rows[:, n:] @ relations.slopes)


def against(relations: Relations, levels: Floats) -> Floats:
    """[..., n] each pressure beside what all others together say of it, kPa: the better a pair, the more it counts."""
    there = ~np.isnan(levels)
    known = np.where(there, levels, 0.0)
    weight = there @ relations.weights.T
    said = known @ (relations.weights * relations.pairs).T
    return np.asarray(np.where(weight > 0, levels - said / np.where(weight > 0, weight, 1.0), np.nan))


def take_out(pairs: Pairs, level: Floats, pattern: Floats, newest: int) -> None:
    """A change that is known, by its pattern, is taken out of all days: from now on it is usual.

    Args:
        pairs: is changed.
        level: what :func:`levels` gave.
        pattern: [n] kPa, in any size.
        newest: so many days say what is so now.
    """
    there = ~np.isnan(level)
    now = np.where(there[-newest:], level[-newest:], 0.0).sum(axis=0) / np.maximum(there[-newest:].sum(axis=0), 1)
    known = there & there[-newest:].any(axis=0)
    size = np.where(known, pattern * pattern, 0.0).sum(axis=1)
    part = np.where(known, (now - level) * pattern, 0.0).sum(axis=1) / np.where(size > 0, size, 1.0)
    pairs.rows[:, : len(pattern)] += part[:, None] * pattern
