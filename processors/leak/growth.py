"""What grows over days: each span of days against the days before it, leaks that are open taken into account."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.creep import is_a_meters, out_of_the_sum
from processors.leak.network import Basis
from processors.leak.search import NOTHING, OUT, Verdict, judge
from processors.leak.settings import SPANS
from processors.leak.state import AreaState

if TYPE_CHECKING:
    from processors.leak.area import Area

Floats = npt.NDArray[np.float64]

BEFORE_LEAST: Final = 7
BEFORE_MOST: Final = 28
STEP_PLACE: Final = 0.3
"""Error of a known step's pattern, as a share."""
FLOOR_M: Final = 0.0005
PART_LEAST: Final = 0.01
LEFT_LEAST: Final = 4
"""Days that must be there before a span."""


class Span(NamedTuple):
    """The newest days against those before them, known leaks taken into account."""

    days: int
    since: float
    """The first day of those before."""
    shift: Floats
    covariance: Floats
    most: float
    """Twice the log likelihood ratio that no leak exceeds."""


class _Compared(NamedTuple):
    """The newest days from ``middle`` on, against those from ``first`` on."""

    first: int
    middle: int
    shift: Floats
    covariance: Floats
    most: float


def compare(area: "Area", state: AreaState, signatures: Floats) -> list[Span]:
    """The spans that say enough for anything to be concluded."""
    settings = area.settings
    rows = np.flatnonzero(state.day_numbers >= 0)
    days = state.day_numbers[rows]
    left = state.day_outputs[rows] - state.day_regressors[rows] @ state.beta
    compared = [one for one in _compared(area, state, left) if one.most >= settings.slow]
    if not compared:
        return []
    flows = np.array([step.flow for step in state.steps])
    places = np.searchsorted(area.index, [step.pipe for step in state.steps])
    stepped = flows[:, None] * signatures[places]
    since = np.array([step.tick for step in state.steps]) / area.per_day
    after = np.clip(days + 1.0 - since[:, None], 0.0, 1.0)
    found = []
    for first, middle, shift, plain, most in compared:
        part = (after[:, middle:].mean(axis=1) - after[:, first:middle].mean(axis=1))[:, None]
        effect = np.where(part > PART_LEAST, part * stepped, 0.0)
        covariance = plain + settings.step_error**2 * (effect.T @ effect)
        covariance += np.diag(STEP_PLACE**2 * (effect * effect).sum(axis=0))
        today = int(days[-1])
        for leak in state.opened:
            if leak.growing and today - leak.grew_day < settings.growth_days:
                covariance = _free(area, signatures, shift, covariance, leak.pipe, settings.growth_m3h)
        found.append(Span(len(days) - middle, float(days[first]), shift, covariance, most))
    return found


def judge_growth(area: "Area", state: AreaState, signatures: Floats, spans: list[Span]) -> Verdict | None:
    """The best verdict over all spans, or None. Meters that creep may explain what they can."""
    settings = area.settings
    free = out_of_the_sum(area, state)
    best, seen = NOTHING, None
    for span in sorted(spans, key=lambda one: -one.most):
        if span.most < best.leak:
            break  # what is added below only makes it less
        covariance = span.covariance + free
        verdict = judge(span.shift, covariance, signatures, area.candidates, settings.mismatch, settings.slow)
        if verdict.leak > best.leak:
            best, seen = verdict, span._replace(covariance=covariance)
    if seen is not None and best.misfit > settings.misfit_slow:
        best = _one_of_two(area, signatures, seen.shift, seen.covariance, best)
    good = (
        best.leak >= settings.slow
        and best.leak > settings.against_repair * best.repair
        and best.flow >= settings.least_growth_m3h
        and best.sure >= settings.sure_slow
        and best.misfit <= settings.misfit_slow
    )
    return best if seen is not None and good and not is_a_meters(area, state, seen, signatures, best) else None


def _compared(area: "Area", state: AreaState, left: Floats) -> list[_Compared]:
    """What the regression left of the days, compared over every span that there is."""
    taken_out = area.liars.taken_out(state, OUT)
    sums = np.zeros((len(left) + 1, left.shape[1]))
    np.cumsum(left, axis=0, out=sums[1:])
    found = []
    for span in SPANS:
        if len(left) < span + LEFT_LEAST:
            continue
        middle = len(left) - span
        first = max(0, middle - min(max(2 * span, BEFORE_LEAST), BEFORE_MOST))
        shift = (sums[-1] - sums[middle]) / span - (sums[middle] - sums[first]) / (middle - first)
        covariance = _covariance(area, state, span, middle - first)
        covariance += taken_out
        found.append((first, middle, shift, covariance))
    if not found:
        return []
    shifts = np.array([shift for *_, shift, _ in found])
    white = np.linalg.solve(np.array([covariance for *_, covariance in found]), shifts[:, :, None])[:, :, 0]
    power = np.vecdot(white, shifts).tolist()
    return [_Compared(*one, most) for one, most in zip(found, power, strict=True)]


def _one_of_two(area: "Area", signatures: Floats, shift: Floats, covariance: Floats, alone: Verdict) -> Verdict:
    """The stronger of two leaks that together explain what one cannot; another night the other will be found."""
    settings = area.settings

    def beside(known: int) -> Verdict:
        pipe = int(area.index[known])
        wider = _free(area, signatures, shift, covariance, pipe, settings.growth_m3h)
        return judge(shift, wider, signatures, area.candidates, settings.mismatch, settings.slow)

    other = beside(alone.peak)
    if other.leak < settings.slow or other.leak <= settings.against_repair * other.repair:
        return NOTHING
    return beside(other.peak)


def _covariance(area: "Area", state: AreaState, span: int, before: int) -> Floats:
    """Of the difference of two means of days: noise of days, and that all wanders."""
    settings = area.settings
    apart = 1.0 / span + 1.0 / before
    wander = 0.5 * (span + before)
    day = state.noise.covariance * (settings.day_noise / area.per_day)
    if area.model.basis is Basis.CONSUMPTION:  # a day's balance: the meters are exact, the level is rounded
        day = day.copy()
        day[-1, :] = day[:, -1] = 0.0
        day[-1, -1] = 0.0012**2
        extra = 0.0003**2 * wander
    else:
        extra = 0.015**2 * apart + 0.004**2 * wander
    covariance: Floats = day * (apart + settings.drift * wander) + FLOOR_M**2 * np.eye(len(day))
    covariance[-1, -1] += extra
    return covariance


def _free(area: "Area", signatures: Floats, shift: Floats, covariance: Floats, pipe: int, growth: float) -> Floats:
    """Let an open leak grow as it will, and its place be off: what is left is another."""
    place = int(np.searchsorted(area.index, pipe))
    own = signatures[place]
    filtered = np.linalg.solve(covariance, own)
    grown = float(filtered @ shift) / float(filtered @ own)
    near = np.flatnonzero(area.candidates.near[place])
    apart = signatures[near] - own
    wider: Floats = covariance + growth**2 * np.outer(own, own) + np.diag((0.1 * grown * own) ** 2)
    wider += apart.T @ apart * ((area.settings.place_error * grown) ** 2 / len(near))
    return wider
