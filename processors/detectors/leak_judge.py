"""From evidence to a verdict: has a burst begun, has one been repaired, or does a sensor lie?

All pure functions of one step's :class:`~processors.detectors.leak_model.Evidence`.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.detectors.leak_model import Evidence, Model
from processors.detectors.leak_stats import CHANGE_WINDOWS, WINDOWS, Floats, filled

PATTERN_LIMIT: Final = 14.0
"""Mean squared standardised hydraulic shift over the sensors, without the loudest, that alone is a burst."""
INFLOW_LIMIT: Final = 6.0
"""Standardised rise of inflow that, confirmed by falling pressures, alone is a burst."""
_LEAN: Final = (-2.0, 0.5)  # below the first the other way, above the second a burst: unknown repairs are rare
CLEAR: Final = 0.7  # strength of a shift that may be a repair; a burst needs 1
_SKEW: Final = 2.5
_FALL: Final = 2.0  # standard deviations by which two pressures must fall to confirm an inflow, all together by one
_CLEARLY: Final = 3.0  # standard deviations
_FLAT: Final = -1e-4  # kPa per m3/h: a pressure with less slope knows nothing of the flow
_STANDS_OUT: Final = 2.0  # standard deviations
_BEYOND: Final = 2.0  # of a pattern that no meter explains: above it, an inflow is believed that pressures confirm
_FOLLOWS: Final = 0.2  # of the fall that the flows would explain: behind a burst near an inlet it is a third
_HALVES: Final = 0.4
_SAME_DIRECTION: Final = 1e-3  # of the strongest: what is weaker is no direction of its own
_SAME: Final = 0.75  # cosine between a shift back and the shift it undoes
_GOOD_PART: Final = 0.2
_RATIO: Final = (0.5, 1.7)


class Size(NamedTuple):
    """How large a shift is, in which direction."""

    sign: int  # 1 burst, -1 the other way, 0 undecided
    flow: float  # m3/h
    drops: Floats  # [n] kPa the pressures are lower at the same use


class Verdict(NamedTuple):
    """A confirmed shift that began ``steps`` steps ago (this one included)."""

    steps: int
    score: float
    shift: Floats  # [n] kPa
    change: Floats  # [1 + n] m3/h, kPa
    size: Size


def judge(evidence: Evidence, model: Model) -> Verdict | None:
    """The best explained window, if any is convincing."""
    if float(strengths(evidence, evidence.scale).max()) < 1:  # at least what the closer look gives, and much cheaper
        return None
    pattern, inflow = _explained(evidence, model)
    score = pattern / PATTERN_LIMIT + inflow**2 / INFLOW_LIMIT**2
    for index in np.argsort(-score, kind="stable"):
        if score[index] < 1:
            return None
        if _lasts(evidence, model, int(index)):
            return _verdict(evidence, model, int(index), float(score[index]))
    return None


def strengths(evidence: Evidence, scale: Floats) -> Floats:
    """Per window how much differs from before, with ``scale`` for the noise of the pressures; 1 is a burst's."""
    z = filled(evidence.shift / scale)
    u = filled(evidence.change[:, 0] / evidence.change_scale[:, 0])
    result = np.sum(z * z, axis=1) / max(z.shape[1] - 1, 1) / PATTERN_LIMIT
    result[: len(u)] += u * u / INFLOW_LIMIT**2
    return np.asarray(result, dtype=np.float64)


def repaired(evidence: Evidence, pattern: Floats, scale: Floats) -> tuple[int, float] | None:
    """Whether the last windows undo a known shift: the number of steps since, and how much of it is undone.

    ``pattern`` and ``scale`` are what :func:`signature` gave when the shift was found.
    """
    whole = float(pattern @ pattern)
    strong = strengths(evidence, evidence.quiet_scale)
    best: tuple[float, int, float] | None = None
    for index, steps in enumerate(CHANGE_WINDOWS):
        now = np.append(evidence.shift[index], evidence.change[index, 0]) / scale
        usual = np.append(evidence.scale[index], evidence.change_scale[index, 0]) / scale
        # What is not there speaks neither for nor against: behind a gap nobody knows what flowed in before it.
        known = np.where(np.isnan(now), 0.0, pattern)
        now, usual = filled(now), filled(usual)
        size, length = float(known @ known), float(now @ now)
        if size == 0 or size < _GOOD_PART * whole or length == 0 or strong[index] < CLEAR:
            continue
        undone = -float(now @ known) / size
        cosine = -float(now @ known) / np.sqrt(length * size)
        if not _both(now, known):
            continue
        noise = float(np.sqrt((usual * known) @ (usual * known))) / size
        if (
            cosine >= _SAME
            and _RATIO[0] <= undone <= _RATIO[1]
            and undone >= 2 * noise
            and (best is None or cosine > best[0])
        ):
            best = (cosine, steps, undone)
    return None if best is None else (best[1], best[2])


def _both(now: Floats, pattern: Floats) -> bool:
    """Whether inflow and pressures, each where it is a good part of the pattern, go back on their own."""
    size = float(pattern @ pattern)
    for part in (slice(0, -1), slice(-1, None)):
        own = float(pattern[part] @ pattern[part])
        if own >= _GOOD_PART * size and not _RATIO[0] / 2 <= -float(now[part] @ pattern[part]) / own <= 2 * _RATIO[1]:
            return False
    return True


def signature(steps: int, shift: Floats, change: Floats, evidence: Evidence) -> tuple[Floats, Floats]:
    """A shift in units of its own noise, and these units: what :func:`repaired` compares with."""
    index = WINDOWS.index(steps)
    change_index = min(index, len(CHANGE_WINDOWS) - 1)
    pattern_unit = evidence.scale[index] * np.sqrt(len(shift) * PATTERN_LIMIT)
    scale = np.append(pattern_unit, evidence.change_scale[change_index, 0] * INFLOW_LIMIT)
    return filled(np.append(shift, change[0]) / scale), scale


def lonely(evidence: Evidence) -> int | None:
    """The one sensor that has been off for the whole memory while all others agree with the flows."""
    z2 = filled((evidence.shift[-1] / evidence.scale[-1]) ** 2)
    loudest = int(np.argmax(z2))
    others = np.delete(z2, loudest)
    if z2[loudest] > 4 * PATTERN_LIMIT and (not len(others) or float(others.mean()) < PATTERN_LIMIT / 4):
        return loudest
    return None


def _explained(evidence: Evidence, model: Model) -> tuple[Floats, Floats]:
    """Per window: squared hydraulic shift that no single sensor or meter explains, and confirmed rise of inflow."""
    z = filled(evidence.shift / evidence.scale) * evidence.usable
    alone = pattern = _without_loudest(z)
    for effects in model.lies(evidence.flow):
        pattern = np.minimum(pattern, 2 * _without_loudest(_beside(z, evidence, effects)))
    u = filled(evidence.change / evidence.change_scale)
    alive = evidence.usable * ~np.isnan(evidence.change[:, 1:])
    mean = np.sum(u[:, 1:] * alive, axis=1) / np.maximum(alive.sum(axis=1), 1.0)
    falling = np.sum((u[:, 1:] <= -_FALL) * alive, axis=1)
    rising = np.sum((u[:, 1:] >= _FALL) * alive, axis=1)
    inflow, n = u[:, 0], z.shape[1]
    follow = _follow(evidence, model, alive)
    up = (inflow > 0) & (falling >= min(2, n)) & (falling > 2 * rising) & (mean <= -1) & follow
    down = (inflow < 0) & (rising >= min(2, n)) & (rising > 2 * falling) & (mean >= 1) & follow
    confirmed = np.append(np.where(up | down, inflow, 0.0), np.zeros(len(WINDOWS) - len(CHANGE_WINDOWS)))
    told = (np.abs(confirmed) >= _CLEARLY) & (pattern >= _BEYOND)
    return np.where(told, alone, pattern), confirmed


def _follow(evidence: Evidence, model: Model, alive: Floats) -> npt.NDArray[np.bool_]:
    """Whether pressures go where so much more inflow would take them, at least part of the way: else a meter lies."""
    slope = np.minimum(model.meters.share() @ model.slopes(evidence.flow), 0.0)
    change, scale = filled(evidence.change), evidence.change_scale[:, 1:]
    expected = change[:, :1] * slope / scale * alive
    there = np.sum(expected * change[:, 1:] / scale, axis=1)
    return np.asarray(there >= _FOLLOWS * np.sum(expected * expected, axis=1), dtype=np.bool_)


def _beside(z: Floats, evidence: Evidence, effects: Floats) -> Floats:
    """What is left of a shift when a flow meter may have said anything (a jump, another unit, another hour)."""
    left = np.empty_like(z)
    for index, scale in enumerate(evidence.scale):
        directions = (effects / scale).T * evidence.usable[:, None]
        size = np.sqrt((directions * directions).sum(axis=0)) + 1e-12
        basis, values, _ = np.linalg.svd(directions / size, full_matrices=False)
        basis = basis[:, values > _SAME_DIRECTION * values[0]]
        left[index] = z[index] - basis @ (basis.T @ z[index])
    return left


def _without_loudest(z: Floats) -> Floats:
    z2 = z * z
    return np.asarray((z2.sum(axis=1) - z2.max(axis=1)) / max(z.shape[1] - 1, 1), dtype=np.float64)


def _lasts(evidence: Evidence, model: Model, index: int) -> bool:
    """Both halves of the window must show the shift: a spike of one step is none."""
    steps = WINDOWS[index]
    change_index = min(index, len(CHANGE_WINDOWS) - 1)
    shift = filled(evidence.shift[index]) / evidence.scale[index]
    change = filled(evidence.change[change_index]) / evidence.change_scale[change_index]
    size = float(shift @ shift) / len(shift) / PATTERN_LIMIT + float(change[0]) ** 2 / INFLOW_LIMIT**2
    newer = steps // 2
    inflow = model.seasonal_residual[:, 0]
    start = len(inflow) - steps
    before = inflow[max(start - 12, 0) : start]
    usual = float(np.nanmean(before)) if not np.isnan(before).all() else float("nan")
    for part in (slice(start, len(inflow) - newer), slice(len(inflow) - newer, len(inflow))):
        rows = model.hydraulic_residual[part]
        there = ~np.isnan(rows)
        mean = np.where(there, rows, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        half = np.where(there.any(axis=0), mean - model.level, 0.0) / evidence.scale[index]
        values = inflow[part][~np.isnan(inflow[part])]
        step = (float(values.mean()) - usual) / float(evidence.change_scale[change_index, 0]) if len(values) else 0.0
        step = 0.0 if np.isnan(step) else step
        shown = float(half @ shift) / len(shift) / PATTERN_LIMIT + step * float(change[0]) / INFLOW_LIMIT**2
        if shown < _HALVES * size:
            return False
    return True


def _verdict(evidence: Evidence, model: Model, index: int, score: float) -> Verdict:
    shift = filled(evidence.shift[index]) * evidence.usable
    change = filled(evidence.change[min(index, len(CHANGE_WINDOWS) - 1)])
    return Verdict(WINDOWS[index], score, shift, change, size_of(evidence, model, index, (shift, change)))


def size_of(evidence: Evidence, model: Model, window: int, measured: tuple[Floats, Floats], sign: int = 0) -> Size:
    """Direction (unless ``sign`` gives it) and size of a shift that this window measured.

    The direction is that of the inflow where it stands out; a small burst shows by pressures falling near it more
    than others seem to rise.
    """
    shift, change = measured
    u = float(change[0] / evidence.change_scale[min(window, len(CHANGE_WINDOWS) - 1), 0])
    z = shift / evidence.scale[window]
    down, up = max(-float(np.min(z)), 0.0), max(float(np.max(z)), 0.0)
    skew = (down - up) / (down + up) if max(down, up) > _CLEARLY else 0.0
    lean = u + _SKEW * skew
    if sign == 0:
        sign = int(lean > _LEAN[1]) - int(lean < _LEAN[0])
    slope = model.meters.share() @ model.slopes(evidence.flow)
    flow = _extra_flow(sign, shift, slope, float(change[0]), u)
    return Size(sign, flow, -(shift + np.minimum(slope, 0.0) * flow))


def _extra_flow(sign: int, shift: Floats, slope: Floats, change: float, u: float) -> float:
    """What is lost, m3/h: the rise of inflow where it stands out, else what the pressures need at least.

    A pressure far from a burst falls less than the flows alone would explain; it can never rise because of it. So
    each sensor's positive residual over its slope is a lower bound of the flow; the 80 % quantile is robust.
    """
    sloped = slope < _FLAT
    bound = float(np.quantile(sign * shift[sloped] / -slope[sloped], 0.8)) if sloped.any() else 0.0
    bound = max(bound, 0.0)
    measured = sign * change
    return max(measured, bound) if u * sign >= _STANDS_OUT else max(bound, min(measured, 2 * bound), 0.0)
