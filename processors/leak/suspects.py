"""Is it a leak, or does one meter lie? Every meter's error is a hypothesis beside every pipe's leak.

An error of a pressure moves that pressure alone; one of a flow or a level moves all that is predicted from it, as the
regression says. What a meter explains as well as the best leak does is no leak, and the meter is doubted. A doubted
pressure is out of the sum until it has agreed with the others again for days; a flow is only watched, since without it
nothing could be said.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.incidents import DOUBT_DAYS
from processors.leak.network import Basis
from processors.leak.rows import FLOW_UNIT
from processors.leak.search import OUT, Verdict, matched
from processors.leak.settings import WINDOWS
from processors.leak.state import CREEP, DRIFT, JUMP, MOST, STUCK, AreaState, Doubt

if TYPE_CHECKING:
    from processors.leak.area import Area

Floats = npt.NDArray[np.float64]

STEP: Final = 0.5
"""Trial error of a flow in m3/h: small against the flows, large against single precision."""
STEP_M: Final = 0.1
BETTER: Final = 1.3
"""How much better than a leak a meter must explain what is seen; of bursts of L-Town-R at most 0.9 as well."""
AS_WELL: Final = 0.87
"""The same where a meter is known to drift, or nothing else has happened for days: then it may be all there is."""
CLEARER: Final = 1.15
"""The same for a pressure to be doubted, whose error is much like a leak beside it."""
NO_LEAK: Final = 10.0
"""Misfit of no leak: in 24 bursts of L-Town-R at most 8.9, nearly always below 2.5."""
SOON: Final = 12
"""Ticks in which a jump is seen."""
HALF: Final = 0.5
LEAST_M: Final = 0.05
"""Pressure errors below are nobody's concern."""
LEAST_SHARE: Final = 0.01
"""Nor errors of flows that are a smaller share of the area's greatest load."""
ALL: Final = 0.9
"""Share of a shift that one meter must explain to be doubted where no leak is believed."""
STANDS: Final = 24
"""Hours after which a value that stands still is told of: at night, behind a valve, pressure hardly moves."""
DAYS: Final = 7
"""A day is compared with so many before it."""
FLOOR_M: Final = 0.002
AGREES: Final = 16.0
"""A doubted pressure agrees again when its day is within four standard deviations of those before."""
ALONE: Final = frozenset({STUCK, CREEP})
"""Ways of lying that go beside others, and are forgotten where they are looked for."""
FLOW_DAYS: Final = 2
"""Days after which a flow that was doubted no more is believed: what is judged is compared with the day before."""


class Suspect(NamedTuple):
    """The meter whose error explains a shift best."""

    column: int
    """Among the area's sensors."""
    strength: float
    """Twice the log likelihood ratio against "nothing happened"."""
    error: float
    """How much too high it reads, m or m3/h."""


class Shifted(NamedTuple):
    """What changed: the mean residual of the last ``window`` ticks against what was before."""

    window: int
    shift: Floats
    covariance: Floats


def explains(
    area: "Area", state: AreaState, seen: Shifted, signatures: Floats, verdict: Verdict, *, leak: bool
) -> bool:
    """Whether one meter explains a shift as well as a leak (or without ``leak`` a repair) does; notes it.

    A shift that no leak looks like, or that is more than flows in, is taken for the likeliest meter's too. Behind a
    flow that lies or was lost nothing is known: then it is nobody's.
    """
    last_bad = state.distrust[list(_drivers(area))] - area.per_day
    if (state.tick - last_bad < max(seen.window, WINDOWS[-1])).any():
        return True
    match, power = matched(seen.shift, seen.covariance, signatures)
    best = float((np.maximum(match if leak else -match, 0.0) ** 2 / power).max())
    found = _driver(area, state, seen)
    impossible = leak and (verdict.misfit > NO_LEAK or verdict.flow > inflow(area, state, seen.window))
    if not impossible and found.strength < BETTER * best:
        return is_blind(area, state) or (found.strength >= AS_WELL * best and _creeps(state, found.column))
    note(state, found, _kind(seen), state.tick + 1 - seen.window)
    return True


def _best(seen: Shifted, signatures: Floats) -> float:
    """Twice the log likelihood ratio of the best leak or repair."""
    match, power = matched(seen.shift, seen.covariance, signatures)
    return float((match**2 / power).max())


def unsettled(area: "Area", state: AreaState) -> bool:
    """Whether a leak began or was repaired so lately that what is not known of it may look like one meter's error."""
    return any(state.tick - step.tick < DOUBT_DAYS * area.per_day for step in state.steps)


def inflow(area: "Area", state: AreaState, window: int) -> float:
    """What flowed into the area, m3/h; infinite where it is not known."""
    if area.model.basis is not Basis.INFLOW:
        return float("inf")
    return float(state.inputs[state.rows - window : state.rows, area.pressures : area.reader.pump].sum(axis=1).mean())


def is_blind(area: "Area", state: AreaState) -> bool:
    """Whether a flow lies: then the day teaches nothing. One that creeps is right enough for a day."""
    return any(doubt.column >= area.pressures and doubt.kind != CREEP for doubt in state.doubts)


def _creeps(state: AreaState, column: int) -> bool:
    return any(doubt.column == column and doubt.kind == CREEP for doubt in state.doubts)


def look(area: "Area", state: AreaState, seen: Shifted) -> None:
    """Note the meter that alone explains a shift in which no leak was seen."""
    if unsettled(area, state):
        return
    total = float(seen.shift @ np.linalg.solve(seen.covariance, seen.shift))
    weight = float(area.reader.weights(state, state.rows - seen.window).mean())
    found, flow = _pressure(area, seen, weight), _driver(area, state, seen)
    found = max(found, flow, key=lambda one: one.strength)
    least = LEAST_M if found.column < area.pressures else LEAST_SHARE * area.model.reference
    if abs(found.error) < least or state.missing[found.column] or found.strength < max(area.settings.fast, ALL * total):
        return
    signatures = area.signatures(state, state.rows - seen.window, state.rows)
    better = CLEARER if found.column < area.pressures else BETTER
    if found.strength < better * _best(seen, signatures):
        return  # it may be a leak beside that meter, or a repair
    slow = found.column < area.pressures and _was_there(area, state, found.column)
    note(state, found, DRIFT if slow else _kind(seen), state.tick + 1 - seen.window)


def look_at_day(area: "Area", state: AreaState, signatures: Floats) -> None:
    """At midnight: has a meter drifted within the week; do those agree again that were doubted?"""
    forget_flows(area, state)
    rows = np.flatnonzero(state.day_numbers >= 0)[-DAYS - 1 :]
    if len(rows) <= DAYS:
        return
    left = state.day_outputs[rows] - state.day_regressors[rows] @ state.beta
    shift = left[-1] - left[:-1].mean(axis=0)
    settings = area.settings
    day = state.noise.covariance * (settings.day_noise / area.per_day)
    covariance = day * (1.0 + 1.0 / DAYS + settings.drift * DAYS) + FLOOR_M**2 * np.eye(len(shift))
    own = shift[: area.pressures] ** 2 / np.diag(covariance)[: area.pressures]
    state.doubts = [
        doubt
        for doubt in state.doubts
        if doubt.kind == STUCK
        or doubt.column >= area.pressures
        or own[doubt.column] > AGREES
        or state.tick - doubt.seen < area.per_day
    ]
    if unsettled(area, state):
        return
    seen = Shifted(area.per_day, shift, covariance + area.liars.taken_out(state, OUT))
    found = _pressure(area, seen, float(state.day_regressors[rows[-1], 0]))
    if state.tick - (state.distrust[found.column] - area.per_day) < (DAYS + 1) * area.per_day:
        return  # it stood still or was lost in that week
    total = float(shift @ np.linalg.solve(seen.covariance, shift))
    if abs(found.error) < LEAST_M or found.strength < max(settings.slow, ALL * total):
        return
    if found.strength >= CLEARER * _best(seen, signatures):
        note(state, found, DRIFT, state.tick + 1 - DAYS * area.per_day)


def forget_flows(area: "Area", state: AreaState) -> None:
    """At midnight: a flow in which nothing was seen for a day is believed again."""
    state.doubts = [
        doubt
        for doubt in state.doubts
        if doubt.kind in ALONE or doubt.column < area.pressures or state.tick - doubt.seen < FLOW_DAYS * area.per_day
    ]


def look_at_standing(area: "Area", state: AreaState) -> None:
    """Note those that stand still, forget those that move again."""
    since = state.tick - STANDS * area.per_hour
    if not state.doubts and (area.liars.nobody(state) or np.minimum.reduce(state.moved) > since):
        return
    standing = area.liars.standing(state) & (state.moved <= since)
    if not standing.any() and not state.doubts:
        return
    state.doubts = [doubt for doubt in state.doubts if doubt.kind != STUCK or standing[doubt.column]]
    for column in np.flatnonzero(standing).tolist():
        note(state, Suspect(column, 0.0, 0.0), STUCK, int(state.moved[column]))


def _was_there(area: "Area", state: AreaState, column: int) -> bool:
    """Whether most of a pressure's error of this hour was there in the hour before, though nobody saw it: it grows."""
    hour, own = area.per_hour, state.residuals[: state.rows, column]
    usual = float(own[-2 * hour - area.per_day : -2 * hour].mean())
    return abs(float(own[-2 * hour : -hour].mean()) - usual) > HALF * abs(float(own[-hour:].mean()) - usual)


def _kind(seen: Shifted) -> int:
    """What takes hours to be seen is no jump."""
    return JUMP if seen.window <= SOON else DRIFT


def _driver(area: "Area", state: AreaState, seen: Shifted) -> Suspect:
    """The flow or level whose error explains most."""
    begin = state.rows - seen.window
    bank = errors(area, state, begin, state.rows, _drivers(area))
    match, power = matched(seen.shift, seen.covariance, bank)
    strength = np.divide(match * match, power, out=np.zeros_like(power), where=power > 0)
    best = int(strength.argmax())
    return Suspect(_drivers(area)[best], float(strength[best]), float(match[best] / power[best]))


def _pressure(area: "Area", seen: Shifted, weight: float) -> Suspect:
    """The pressure whose own error explains most; ``weight`` made metres of it into what the shift is in."""
    inverse = np.linalg.inv(seen.covariance)
    match = (inverse @ seen.shift)[: area.pressures]
    power = np.diag(inverse)[: area.pressures]
    best = int((match * match / power).argmax())
    return Suspect(best, float(match[best] ** 2 / power[best]), float(match[best] / power[best]) / weight)


def _drivers(area: "Area") -> range:
    """The meters whose errors move all that is predicted; a pump inside comes and goes by itself."""
    inflow = area.model.basis is Basis.INFLOW
    return range(area.pressures, area.reader.pump if inflow else area.reader.width)


def errors(area: "Area", state: AreaState, begin: int, end: int, columns: range) -> Floats:
    """What an error of 1 of each flow or level does to the mean residual of these rows, ``[meter, output]``."""
    readings = state.inputs[begin:end]
    plain = _mean_residual(area, state, begin, readings)
    bank = np.zeros((len(columns), area.outputs))
    for row, column in enumerate(columns):
        step = STEP_M if area.reader.columns.level and column == area.reader.level else STEP
        tried = readings.copy()
        tried[:, column] += step
        tried[:, -1] += step * _in_balance(area, column)
        bank[row] = (_mean_residual(area, state, begin, tried) - plain) / step
    return bank


def _mean_residual(area: "Area", state: AreaState, begin: int, readings: npt.NDArray[np.float32]) -> Floats:
    rows = area.reader.prepare(state, begin, begin + len(readings), readings)
    left = rows.outputs - rows.regressors @ state.beta
    there = ~np.isnan(left)
    mean: Floats = np.where(there, left, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return mean


def _in_balance(area: "Area", column: int) -> float:
    """What an error of 1 m3/h does to the balance, in its unit."""
    reader = area.reader
    pump = bool(reader.columns.pump) and column == reader.pump
    if area.model.basis is Basis.INFLOW:
        return (float(column < reader.pump) - float(pump)) / FLOW_UNIT
    used = bool(reader.columns.consumption) and column == reader.used
    return (float(pump) - float(used)) / FLOW_UNIT


def note(state: AreaState, found: Suspect, kind: int, since: int) -> None:
    """Doubt a meter from now on; what is known to jump and drifts as well stays what it was."""
    for doubt in state.doubts:
        if doubt.column == found.column and (doubt.kind == kind or not {doubt.kind, kind} & ALONE):
            doubt.seen = state.tick
            return
    state.doubts = [*state.doubts, Doubt(found.column, kind, since, state.tick, round(found.error, 3))][-MOST:]
