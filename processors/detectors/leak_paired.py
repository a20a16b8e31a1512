"""Pressures that drift against each other, as the life of a growing leak: raised, said again, cleared.

One judgement a day, when it is over (:mod:`.leak_pairs`, :mod:`.leak_apart`). Whatever is found is taken out of all
days that are remembered: so it is not found again, and when it goes back that is a change of its own.
"""

from typing import Final, NamedTuple

import numpy as np

from processors.detectors.leak_apart import RECENT, WEEKS, Evidence, judge, shift_of, usual
from processors.detectors.leak_book import began_ms, day_of
from processors.detectors.leak_drift_report import said_of
from processors.detectors.leak_model import Model
from processors.detectors.leak_night import GROWN, HOUR_MS, MOST_UPDATES
from processors.detectors.leak_pairs import Day, Pairs, Relations, against, learn_day, levels, take_out, take_step
from processors.detectors.leak_report import place_of
from processors.detectors.leak_state import Drift, LeakState, Watch
from processors.detectors.leak_stats import Floats, filled
from processors.detectors.leak_steps import Step
from schemas.anomaly import Anomaly, Transition

USUAL: Final = 1.5
"""Standard deviations that the clearest of all pressures may differ by on any day;"""
ENOUGH: Final = 5.0
"""what is beyond that, summed up over days (Page 1954), is a change."""
MOST_A_DAY: Final = 4.0
"""One day counts for no more than this, and three must follow each other."""
ALONE: Final = 6.0
"""Standard deviations, with a tenth at most left without it: a sensor that is alone in what it says."""
_PART: Final = 0.1
WARY: Final = 0.1
"""Of a change that is known: so much of it, and of its change with the load, may be left,"""
WARY_DAYS: Final = 14
"""less and less; so long a burst also explains what grows where it was."""
SAME: Final = 0.75
"""Cosine between two patterns that are of the same place."""
UNDONE: Final = 0.5
"""Of a drift: when so much of it goes back, it is over."""
MOST_OPEN: Final = 16
_BACK: Final = "the pressures are back to what they were against each other"


class _Learnt(NamedTuple):
    """What is known of the days."""

    pairs: Pairs
    relations: Relations
    level: Floats
    spread: Floats


class _Now(NamedTuple):
    """The day that is over, and the first step behind it."""

    day: int
    step: Step
    version: int


def listen(state: LeakState, model: Model, step: Step, rows: tuple[Floats, Floats, Floats]) -> None:
    """Take in a step's pressures (kPa), flows and levels; those that stand still say nothing."""
    pressure, flow, height = rows
    if state.pairs is None or len(state.watch.wary) != len(pressure):
        state.pairs = Pairs.empty(len(pressure), len(flow) + len(height))
        state.watch = Watch(wary=np.zeros(len(pressure)), alone=np.zeros(len(pressure)))
    at = (step.time_ms, place_of(state).lon, state.steps.interval_ms / HOUR_MS)
    take_step(state.pairs, at, np.where(model.meters.standing(), np.nan, pressure), flow, height)


def know_change(state: LeakState, step: Step) -> None:
    """A burst began or ended: what that changes of the pressures is known, once it is measured."""
    state.watch.changed = day_of(step.time_ms, place_of(state).lon)
    _begin_again(state.watch)


def end_drifts(state: LeakState, at_ms: int, version: int, reason: str) -> list[Anomaly]:
    """What is open is over for another reason, and all is forgotten."""
    said = [said_of(state, one, Transition.CLEARED, at_ms, version, reason) for one in state.watch.drifts if one.said]
    state.pairs, state.watch = None, Watch()
    return said


def through_the_day(state: LeakState, step: Step, version: int) -> list[Anomaly]:
    """If a day is over with this step: what its pressures say of each other."""
    pairs, watch = state.pairs, state.watch
    if pairs is None or pairs.over is None:
        return []
    day, pairs.over = pairs.over, None
    n, k, _ = state.counts
    if state.trust.doubts.keys() & set(state.layout[n : n + k]):
        day = Day(day.number, np.full(len(day.mean), np.nan), None)
    relations = learn_day(pairs, day, pairs.day - day.number)
    watch.wary *= np.exp(-1.0 / WARY_DAYS)
    watch.drifts = [one for one in watch.drifts if one.said or day.number < one.cause + WARY_DAYS]
    level = levels(pairs, relations)
    learnt = _Learnt(pairs, relations, level, usual(relations, level))
    if watch.changed < 0:
        evidence = _evidence(learnt, watch, WEEKS)
        if evidence is None or not _tells(watch, learnt, evidence, day.number):
            return []
        return _change(state, learnt, evidence, _Now(day.number, step, version), known=False)
    if day.number < watch.changed + RECENT:
        return []
    watch.changed = -1
    evidence = _evidence(learnt, watch, WEEKS[:1])
    if evidence is None:  # nobody knows how much of what is to come is the burst's
        pairs.rows[:-RECENT] = np.nan
        return []
    return _change(state, learnt, evidence, _Now(day.number, step, version), known=True)


def _evidence(learnt: _Learnt, watch: Watch, weeks: tuple[int, ...]) -> Evidence | None:
    """The clearest there is."""
    shifts = [shift_of(learnt.relations, learnt.level, learnt.spread, watch.wary, ago) for ago in weeks]
    found = [judge(learnt.relations, shift) for shift in shifts if shift is not None]
    return max(found, key=lambda one: one.strength) if found else None


def _tells(watch: Watch, learnt: _Learnt, evidence: Evidence, day: int) -> bool:
    """Whether a change has begun that more than one meter shows."""
    if _alone(watch, evidence):
        _take_out(watch, learnt, np.eye(len(watch.wary))[evidence.suspect])
        return False
    return _adds_up(watch, evidence, day)


def _alone(watch: Watch, evidence: Evidence) -> bool:
    """Whether a sensor has long been alone in what it says: it was moved, exchanged, or lies, and is believed anew."""
    suspect = evidence.suspect
    own = abs(float(evidence.z[suspect]))
    days = watch.alone[suspect] + 1 if own > ALONE and evidence.rest < max(_PART * own, USUAL) else 0.0
    watch.alone[:] = 0.0
    if days < RECENT:
        watch.alone[suspect] = days
        return False
    _begin_again(watch)
    return True


def _adds_up(watch: Watch, evidence: Evidence, day: int) -> bool:
    """Cumulative sums over days, of falls and of rises; what one sensor says nearly alone is no evidence."""
    if evidence.rest < _PART * abs(float(evidence.z[evidence.suspect])):
        falls = rises = 0.0
    else:
        falls, rises = evidence.falls, evidence.rises
    if watch.falls == 0:
        watch.since = day
    watch.falls = max(watch.falls + min(falls, MOST_A_DAY) - USUAL, 0.0)
    watch.rises = max(watch.rises + min(rises, MOST_A_DAY) - USUAL, 0.0)
    watch.running = watch.running + 1 if max(falls, rises) > USUAL else 0
    return watch.running >= RECENT and max(watch.falls, watch.rises) >= ENOUGH


def _begin_again(watch: Watch) -> None:
    watch.falls = watch.rises = 0.0
    watch.running = 0
    watch.alone[:] = 0.0


def _change(state: LeakState, learnt: _Learnt, evidence: Evidence, now: _Now, *, known: bool) -> list[Anomaly]:
    """Pressures have changed against each other: which leak is that, or is it none? ``known``: a burst told of it."""
    watch = state.watch
    said: list[Anomaly] = []
    undone, grown = _nearest(watch, evidence, -1), _nearest(watch, evidence, 1)
    if undone is not None:
        watch.drifts = [one for one in watch.drifts if one is not undone]
        if undone.said:
            said = [said_of(state, undone, Transition.CLEARED, now.step, now.version, _BACK)]
    elif grown is not None:
        said = _grow(state, grown, evidence, now)
    elif evidence.is_fall and (known or evidence.falls > USUAL) and len(watch.drifts) < MOST_OPEN:
        drift = _begin(state, evidence, now.day, said=not known and state.nights.opened is None)
        watch.drifts.append(drift)
        if drift.said:
            said = [said_of(state, drift, Transition.RAISED, now.step, now.version)]
    _take_out(watch, learnt, filled(evidence.shift.level))
    _begin_again(watch)
    return said


def _nearest(watch: Watch, evidence: Evidence, sign: int) -> Drift | None:
    """The drift that goes on (1) or back (-1), if any."""
    now = evidence.seen
    best, nearest = SAME, None
    for drift in watch.drifts:
        pattern = drift.pattern / evidence.shift.scale
        own, length = float(pattern @ pattern), float(now @ now)
        along = sign * float(now @ pattern)
        if own == 0 or length == 0 or (sign < 0 and along < UNDONE * own):
            continue
        cosine = along / float(np.sqrt(own * length))
        if cosine >= best:
            best, nearest = cosine, drift
    return nearest


def _begin(state: LeakState, evidence: Evidence, day: int, *, said: bool) -> Drift:
    at = int(np.argmin(evidence.seen))
    since = day if state.watch.since < 0 else state.watch.since
    pattern = evidence.seen * evidence.shift.scale
    drop = _drop(-float(pattern[at]))
    return Drift(
        cause=day,
        since_ms=began_ms(since, place_of(state).lon),
        key=state.layout[at],
        pattern=pattern,
        drop=drop,
        published=drop,
        weeks=evidence.shift.weeks,
        score=round(evidence.falls, 1),
        said=said,
        grown=day,
    )


def _grow(state: LeakState, drift: Drift, evidence: Evidence, now: _Now) -> list[Anomaly]:
    drift.pattern, drift.grown = drift.pattern + evidence.seen * evidence.shift.scale, now.day
    drift.drop = _drop(-float(drift.pattern[state.layout.index(drift.key)]))
    if not drift.said or drift.updates >= MOST_UPDATES or drift.drop < GROWN * drift.published:
        return []
    drift.published, drift.updates = drift.drop, drift.updates + 1
    return [said_of(state, drift, Transition.UPDATED, now.step, now.version)]


def _drop(kpa: float) -> float:
    return max(round(kpa, 2), 0.0) + 0.0


def _take_out(watch: Watch, learnt: _Learnt, pattern: Floats) -> None:
    take_out(learnt.pairs, learnt.level, pattern, RECENT)
    watch.wary = np.hypot(watch.wary, WARY * np.abs(filled(against(learnt.relations, pattern))))
