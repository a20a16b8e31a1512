"""What is known of a leak that is open: where, how much, since when, and what shows it. Reads a state, changes none.

A burst is measured from its beginning on, against the day before, as if it were not known; what grows, from the means
of days, as a line that rises from a day on. The longer it lasts, the better it is known.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from processors.leak.creep import out_of_the_sum
from processors.leak.growth import STEP_PLACE
from processors.leak.incidents import SAME_M
from processors.leak.learning import carried
from processors.leak.rows import FLOW_UNIT
from processors.leak.search import OUT, matched, named
from processors.leak.settings import WINDOWS
from processors.leak.state import AreaState

if TYPE_CHECKING:
    from processors.leak.area import Area

Floats = npt.NDArray[np.float64]

LIKELIEST: Final = 5
WITNESSES: Final = 4
LEAST_ROWS: Final = 12
"""Ticks before a burst without which it cannot be measured."""
MEASURED: Final = (12, 36, 72)
"""Ticks over which a burst is measured again: its first hours. What lies further apart differs by more than a leak."""
LEAST_DAYS: Final = 8
DROWNED: Final = 0.5
"""Less likely to be where it was found, what grows is drowned by what else changed: nothing is said of it."""


class Asked(NamedTuple):
    """A leak that is open, as it was said."""

    pipe: int
    """As the alarm called it."""
    named: int
    """The pipe that is named now."""
    since: int
    said: int
    """The ticks in which it began and was found."""
    growing: bool


class Explanation(NamedTuple):
    """What readings say of one leak."""

    pipe: int
    """The pipe to be named: most probability within reach."""
    still: float
    """Probability that the leak is within reach of the pipe that was named so far."""
    flow: float
    """m3/h; what leaks now."""
    sure: float
    """Probability that the leak is within reach of :attr:`pipe`."""
    since: int
    """The tick in which it began."""
    likely: tuple[tuple[int, float], ...]
    """The likeliest pipes, each with its own probability, the likeliest first."""
    shown: tuple[tuple[str, float], ...]
    """The sensors that say most, and by how many metres they are lower (higher) than without it."""
    balance: float
    """m3/h more than usual that flow in, or are not accounted for."""


class _Measured(NamedTuple):
    shift: Floats
    covariance: Floats
    signatures: Floats
    weight: float
    """What turned metres into what the shift is in."""


def explain(area: "Area", state: AreaState, leak: Asked) -> Explanation | None:
    """What the readings kept say of a leak of this area; None where they say nothing of it."""
    if not leak.growing:
        return _burst(area, state, leak)
    found = _growth(area, state, leak)
    return None if found is None or found.still < DROWNED else found


def _burst(area: "Area", state: AreaState, leak: Asked) -> Explanation | None:
    """Measure a burst anew; None where what was before it is not kept any more.

    The place is the mean of what several windows say: each is surer of
    itself than the model is exact, so the longest alone is no better than the first.
    """
    since = leak.since
    begin = since - (state.tick - state.rows + 1)
    age = state.rows - begin
    before = max(0, begin - area.per_day)
    if begin - before < LEAST_ROWS or age <= 0:
        return None

    def near(pipe: int) -> bool:
        return area.incidents.apart(pipe, leak.pipe) <= SAME_M

    own = [shift for shift in state.shifts if shift.tick >= since and near(shift.pipe)]
    without = msgspec.structs.replace(
        state,
        shifts=[shift for shift in state.shifts if shift not in own],
        steps=[step for step in state.steps if step not in own],
    )
    windows = sorted({min(leak.said + 1 - since, age), *(window for window in MEASURED if window <= age)})
    parts = [_window(area, without, before, begin, window) for window in windows if window]
    return _explained(area, parts, leak, since)


def _window(area: "Area", state: AreaState, before: int, begin: int, window: int) -> _Measured:
    """The first so many ticks of a burst against the day before it."""
    end = begin + window
    rows = area.reader.prepare(state, before, end)
    left = carried(rows.outputs - rows.regressors @ state.beta)
    ticks = state.tick - state.rows + 1 + np.arange(before, end)
    left -= state.noise.expected(area.per_day)[ticks % area.per_day]
    shift = left[begin - before :].mean(axis=0) - left[: begin - before].mean(axis=0)
    signatures = area.signatures(state, begin, end)
    nearest = min(int(np.searchsorted(WINDOWS, window)), len(WINDOWS) - 1)
    covariance = area.covariance(state, nearest, begin - before)
    covariance = covariance + area.incidents.doubt(state, signatures, state.tick)
    return _Measured(shift, covariance, signatures, float(rows.scale[begin - before :].mean()))


class _Course(NamedTuple):
    """What the days that are kept left unexplained, and how a leak would show on them now."""

    days: Floats
    left: Floats
    signatures: Floats
    covariance: Floats
    weight: float


class Days:
    """The course of the days kept: the same for all leaks that grow, so it is made once for those of a tick."""

    def __init__(self) -> None:
        """Derived from the state, never part of it."""
        self._made_from: tuple[object, ...] = ()
        self._made: _Course | None = None

    def course(self, area: "Area", state: AreaState) -> _Course | None:
        """None while the days are too few."""
        source = (state.known, state.shifts, state.beta, state.doubts, state.noise.covariance, state.distrust)
        now = (state.tick, state.rows, *map(id, source))
        if self._made_from[:-1] != now:
            self._made, self._made_from = _course(area, state), (*now, source)  # held, so that no id is used again
        return self._made


def _course(area: "Area", state: AreaState) -> _Course | None:
    rows = np.flatnonzero(state.day_numbers >= 0)
    if len(rows) < LEAST_DAYS or state.rows < area.per_day:
        return None
    left = state.day_outputs[rows] - state.day_regressors[rows] @ state.beta
    begin = max(0, state.rows - area.per_day)
    day = area.settings.day_noise / area.per_day
    covariance = state.noise.covariance * day + area.liars.taken_out(state, OUT)
    covariance[-1, -1] += 0.015**2
    covariance += out_of_the_sum(area, state)
    signatures = area.signatures(state, begin, state.rows)
    weight = float(area.reader.weights(state, begin).mean())
    return _Course(state.day_numbers[rows], left, signatures, covariance, weight)


def _growth(area: "Area", state: AreaState, leak: Asked) -> Explanation | None:
    """Measure what grows anew, on the days that are kept; None while they are too few, or nothing rises there."""
    course = area.days.course(area, state)
    if course is None:
        return None
    days, left, signatures, covariance, weight = course
    own = signatures[int(np.searchsorted(area.index, leak.pipe))]
    filtered = np.linalg.solve(covariance, own)
    since, line = _rise(days, left @ filtered / float(own @ filtered))
    if line is None:
        return None
    centred = line - line.mean()
    power = float(centred @ centred)
    shift = (centred @ left) / power * line[-1]
    covariance = covariance * (line[-1] ** 2 / power) + area.settings.drift * covariance * (days[-1] - since)
    effect = shift @ filtered / float(own @ filtered) * own
    covariance += np.diag((STEP_PLACE * effect) ** 2)
    return _explained(area, [_Measured(shift, covariance, signatures, weight)], leak, round(since * area.per_day))


def _rise(days: Floats, course: Floats) -> tuple[float, Floats | None]:
    """The day from which a course of flows rises, and that line; least squares over all days it may be."""
    starts = days[:-1]
    lines = np.maximum(days + 1.0 - starts[:, None], 0.0)
    centred = lines - lines.mean(axis=1, keepdims=True)
    level = course - course.mean()
    slopes = centred @ level / np.vecdot(centred, centred)
    missed = ((level - slopes[:, None] * centred) ** 2).sum(axis=1)
    missed[slopes <= 0.0] = np.inf
    best = int(missed.argmin())
    if not missed[best] < float(level @ level):
        return 0.0, None
    return float(starts[best]), lines[best]


def _explained(area: "Area", parts: Sequence[_Measured], leak: Asked, since: int) -> Explanation:
    """Every pipe's probability by what it leaves unexplained; what is shown is what the last of them measured."""
    judged = [_judged(area, part) for part in parts]
    probability = np.mean([one.probability for one in judged], axis=0)
    pipe, sure = named(probability, area.candidates)
    before = int(np.searchsorted(area.index, leak.named))
    likeliest = np.argsort(-probability, kind="stable")[:LIKELIEST]
    last, shift = judged[-1], parts[-1].shift
    return Explanation(
        pipe=int(area.index[pipe]),
        still=round(float(area.candidates.near[before] @ probability), 3),
        flow=round(float(last.flows[pipe]), 2),
        sure=round(sure, 3),
        since=since,
        likely=tuple((int(area.index[c]), round(float(probability[c]), 3)) for c in likeliest),
        shown=tuple(
            (area.model.pressures[s], round(float(shift[s]) / parts[-1].weight, 3)) for s in last.loudest.tolist()
        ),
        balance=round(float(shift[-1]) * FLOW_UNIT, 1),
    )


class _Judged(NamedTuple):
    probability: Floats
    flows: Floats
    """What would leak at each candidate."""
    loudest: npt.NDArray[np.intp]


def _judged(area: "Area", measured: _Measured) -> _Judged:
    """As :func:`processors.leak.search.judge` does it, with the error of the best signature taken into account."""
    shift, covariance, signatures, _ = measured
    match, power = matched(shift, covariance, signatures)
    best = int((np.maximum(match, 0.0) ** 2 / power).argmax())
    error = area.settings.mismatch * match[best] / power[best] * signatures[best]
    covariance = covariance + np.diag(error * error)
    match, power = matched(shift, covariance, signatures)
    gain = 0.5 * np.maximum(match, 0.0) ** 2 / power
    probability = np.exp(gain - gain.max()) * area.candidates.lengths
    peak = int(gain.argmax())
    told = np.abs(shift * np.linalg.solve(covariance, signatures[peak]))[:-1]
    return _Judged(
        probability / probability.sum(),
        match / power,
        np.argsort(-told, kind="stable")[:WITNESSES],
    )
