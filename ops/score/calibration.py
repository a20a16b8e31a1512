"""Whether a confidence means what it says, and how it is made to: lines in log odds, fitted on labelled years."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.confidence import log_odds

Floats = npt.NDArray[np.float64]

BINS: Final = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)
PLAIN: Final = (0.0, 1.0)
"""Constant and slope of a probability that is taken as it is."""
LOCATED: Final = ("burst", "growing")
"""Kinds of alarms that name a pipe."""
_TRUST: Final = 1.0
"""Standard deviation of a constant around 0 and of a slope around 1 before any alarm: few move little."""
_ROUNDS: Final = 50
_ENOUGH: Final = 1e-9


class Said(NamedTuple):
    """An alarm: its kind, the probability the search gave it, and whether a leak was there."""

    kind: str
    sure: float
    right: bool


def fit(alarms: Sequence[Said]) -> tuple[float, float]:
    """Constant and slope that make these alarms most likely (Newton's method on the penalised likelihood).

    A slope below 0 is no calibration but an accident of few alarms; then it is 0, and only the constant is fitted.
    """
    if not alarms:
        return PLAIN
    x = np.array([[1.0, log_odds(one.sure)] for one in alarms])
    right = np.array([one.right for one in alarms], dtype=np.float64)
    found = _most_likely(x, right)
    if found[1] < 0.0:
        found = np.array([_most_likely(x[:, :1], right)[0], 0.0])
    return round(float(found[0]), 2), round(float(found[1]), 2)


def _most_likely(x: Floats, right: Floats) -> Floats:
    prior = np.array(PLAIN[: x.shape[1]])
    found, least = prior.copy(), _unlikely(x, right, prior, prior)
    for _ in range(_ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-x @ found))
        slope = x.T @ (right - chance) - (found - prior) / _TRUST**2
        bend = (x * (chance * (1.0 - chance))[:, None]).T @ x + np.eye(len(found)) / _TRUST**2
        step = np.linalg.solve(bend, slope)
        while (worse := _unlikely(x, right, found + step, prior)) > least:  # too far: it is convex, so half way helps
            step = step / 2.0
            if np.abs(step).max() < _ENOUGH:
                return found
        found, least = found + step, worse
    return found


def _unlikely(x: Floats, right: Floats, line: Floats, prior: Floats) -> float:
    score = x @ line
    return float(np.logaddexp(0.0, score).sum() - right @ score + ((line - prior) ** 2).sum() / (2.0 * _TRUST**2))


def fit_kinds(alarms: Sequence[Said], kinds: Sequence[str] = LOCATED) -> dict[str, tuple[float, float]]:
    """:func:`fit` of the alarms of each kind."""
    return {kind: fit([one for one in alarms if one.kind == kind]) for kind in kinds}


def scaled(alarms: Sequence[Said], lines: dict[str, tuple[float, float]]) -> list[Said]:
    """The same alarms with what their probabilities are worth."""
    scores = [lines[one.kind][0] + lines[one.kind][1] * log_odds(one.sure) for one in alarms]
    return [one._replace(sure=1.0 / (1.0 + math.exp(-score))) for one, score in zip(alarms, scores, strict=True)]


def table(alarms: Sequence[Said]) -> list[dict[str, Any]]:
    """Per bin of confidence: alarms, mean confidence, share that was right."""
    rows = []
    for low, high in pairwise(BINS):
        inside = [one for one in alarms if low <= one.sure < high or (high == BINS[-1] and one.sure == high)]
        if inside:
            rows.append(
                {
                    "from": low,
                    "to": high,
                    "alarms": len(inside),
                    "said": round(float(np.mean([one.sure for one in inside])), 2),
                    "right": round(float(np.mean([one.right for one in inside])), 2),
                }
            )
    return rows


def error(alarms: Sequence[Said]) -> float:
    """Expected calibration error: how far said and right are apart, weighted by alarms."""
    off = sum(float(row["alarms"] * abs(row["said"] - row["right"])) for row in table(alarms))
    return round(off / max(len(alarms), 1), 3)


def brier(alarms: Sequence[Said]) -> float:
    """Mean squared distance of what was said from what was so: in it, being sure of what is wrong costs most."""
    return round(sum((one.sure - one.right) ** 2 for one in alarms) / max(len(alarms), 1), 3)


def reliability(alarms: Sequence[Said]) -> dict[str, Any]:
    """How far these alarms are as sure as they should be."""
    return {"error": error(alarms), "brier": brier(alarms), "table": table(alarms)}


def compared(parts: Iterable[tuple[Sequence[Said], Sequence[Said]]], kinds: Sequence[str] = LOCATED) -> dict[str, Any]:
    """:func:`reliability` as searched, and by the lines of other alarms: pairs of what teaches and what is judged."""
    before: list[Said] = []
    after: list[Said] = []
    for taught, judged in parts:
        before += judged
        after += scaled(judged, fit_kinds(taught, kinds))
    return {"as_searched": reliability(before), "calibrated": reliability(after)}


def left_out(years: Sequence[Sequence[Said]], kinds: Sequence[str]) -> dict[str, Any]:
    """:func:`compared`, each year by the lines of all others; and the lines of all, with what they make of all."""
    parts = [([one for other in years if other is not year for one in other], year) for year in years]
    everything = [one for year in years for one in year]
    lines = fit_kinds(everything, kinds)
    return {**compared(parts, kinds), "fitted": reliability(scaled(everything, lines)), "fitted_on_all": lines}
