"""One reading: what it breaks, by how much, and what is learnt from it.

Each aspect keeps an envelope, the highest and lowest it has seen, that shrinks slowly. A reading is judged by how far
it goes beyond the envelope, as a share of the envelope's width, before it widens it: one that repeats a record is no
longer new. The shares are added. No scale but the series' own enters, so units and offsets do not matter.
"""

from math import isfinite, log
from typing import Final, NamedTuple

from processors.novelty.season import (
    DAY_CELL,
    EPOCH_HOUR_OF_WEEK,
    HOUR_MS,
    HOURS,
    HOURS_OF_WEEK,
    WEEK_BEGINS,
    WEEK_CELL,
    learn_day,
    learn_week,
)
from processors.novelty.state import ASPECTS, HOUR_DRIFT, ROUGHNESS, SEASON, Novelty
from processors.novelty.tuning import FROZEN, Tuning

RESOLUTION: Final = 1e-9
"""Of a value: what is smaller is the rounding of its arithmetic."""


SEEN_DAYS_MS: Final = 2 * 86_400_000
SEEN_WEEKS_MS: Final = 14 * 86_400_000
"""How long a series must have run before a person is told of usual hours and usual Tuesdays."""


class Verdict(NamedTuple):
    """What is thought of a reading.

    ``score`` is 0 for what was seen before and nears 1 for what is unlike anything; one half is what the detector was
    tuned to raise. ``excess`` are the shares by aspect (state.RANGE ...), ``usual`` the level that was expected.
    """

    score: float
    excess: tuple[float, ...] = ()
    usual: float = 0.0
    basis: str = "level"  # what ``usual`` stands on: "week", "hour" or "level"
    ratio: float = 1.0  # recent roughness as a multiple of the usual


QUIET: Final = Verdict(0.0)
"""Nothing new: what nearly every reading gives."""


def observe(state: Novelty, time_ms: int, value: float, tuning: Tuning = FROZEN) -> Verdict:
    """Judge a reading (event time in Unix ms) and learn from it; times are expected to rise.

    A value that is no finite number is passed over.
    """
    if not isfinite(value):
        return QUIET
    count = state.count
    if count == 0:
        state.last = state.mean = state.short = state.long = value
        state.first_ms = time_ms
    state.count = count + 1
    young = 1.0 / (count + 1)  # a mean of all so far, as long as that forgets faster than its rate
    slow = max(tuning.slow_rate, young)

    # what is usual now
    hours = state.hours
    hour_of_week = (time_ms // HOUR_MS + EPOCH_HOUR_OF_WEEK) % HOURS_OF_WEEK
    day_at = hour_of_week % HOURS * DAY_CELL.size
    week_at = WEEK_BEGINS + hour_of_week * WEEK_CELL.size
    hour_level, hour_spread, hour_seen = DAY_CELL.unpack_from(hours, day_at)
    week_level, week_seen = WEEK_CELL.unpack_from(hours, week_at)
    state.mean += slow * (value - state.mean)
    tiny = RESOLUTION * (abs(value) + abs(state.mean))
    known_hour = hour_seen >= tuning.hour_readings
    by_hour = hour_level if known_hour else state.mean
    spread = hour_spread if known_hour else state.spread
    known_week = week_seen >= tuning.week_readings
    by_week = week_level if known_week else by_hour

    # the reading under every aspect
    off_hour = value - by_hour
    change = abs(value - state.last)
    state.last = value
    rate = max(1.0 / tuning.drift_span, young)
    state.drift += rate * (value - by_week - state.drift)
    state.hour_drift += rate * (off_hour - state.hour_drift)
    state.step += max(1.0 / tuning.roughness_span, young) * (change - state.step)
    state.usual_step += slow * (change - state.usual_step)
    ratio = state.step / state.usual_step if state.usual_step > tiny else 1.0
    aspects = (
        value,
        value - state.short,
        value - state.long,
        off_hour / (spread + tuning.spread_share * state.spread + tiny) if abs(off_hour) > tiny else 0.0,
        state.drift,
        state.hour_drift,
        log(ratio + tuning.roughness_floor),
    )
    excess = _excess(state, aspects, tiny, tuning) if count >= tuning.begin else None

    # learn
    state.short += max(1.0 / tuning.spike_span, young) * (value - state.short)
    state.long += max(1.0 / tuning.level_span, young) * (value - state.long)
    state.spread += slow * (abs(off_hour) - state.spread)
    learn_day(hours, day_at, (hour_level, hour_spread, hour_seen), value, abs(off_hour), tuning.season_rate)
    learn_week(hours, week_at, (week_level, week_seen), value, tuning.season_rate)

    if state.rest or excess is None:
        state.rest = max(state.rest - 1, 0)
        return QUIET
    surprise = _surprise(excess, count, tuning)
    if surprise > tuning.unheard:
        state.rest = tuning.rest
    age_ms = time_ms - state.first_ms
    if known_week and age_ms >= SEEN_WEEKS_MS:
        usual, basis = by_week, "week"
    elif known_hour and age_ms >= SEEN_DAYS_MS:
        usual, basis = by_hour, "hour"
    else:
        usual, basis = state.mean, "level"
    return Verdict(surprise / (surprise + tuning.unheard), tuple(excess), usual, basis, ratio)


def _surprise(excess: list[float], count: int, tuning: Tuning) -> float:
    """The shares added up by weight, and weighed by how many readings there were to set a record."""
    shares = (
        sum(excess)
        - (1.0 - tuning.hour_drift_weight) * excess[HOUR_DRIFT]
        - (1.0 - tuning.roughness_weight) * excess[ROUGHNESS]
    )
    remembered = min(count, 1.0 / tuning.forget)
    return shares * float((remembered / tuning.age_unit) ** tuning.age_power)


def _excess(state: Novelty, aspects: tuple[float, ...], tiny: float, tuning: Tuning) -> list[float] | None:
    """How far each aspect lies beyond its envelope, which then takes it in; None when none does."""
    highs, lows = state.highs, state.lows
    if state.count <= tuning.begin + 1:
        state.highs, state.lows = list(aspects), list(aspects)
        return None
    judged = state.count > tuning.judge
    half = tuning.forget * 0.5
    excess: list[float] | None = None
    for i, value in enumerate(aspects):
        high, low = highs[i], lows[i]
        beyond = value - high if value > high else value - low if value < low else 0.0
        if beyond:
            least = RESOLUTION if i in {SEASON, ROUGHNESS} else tiny  # those two are ratios
            if judged and abs(beyond) > least:
                width = high - low
                if excess is None:
                    excess = [0.0] * ASPECTS
                # what never moved and now does has gone as far as it ever went
                excess[i] = min(abs(beyond) / width, 1.0) if width > least else 1.0
            if beyond > 0.0:
                high = value
            else:
                low = value
        shrink = (high - low) * half
        highs[i] = high - shrink
        lows[i] = low + shrink
    return excess
