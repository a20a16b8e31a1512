"""One reading: what it breaks, by how much, and what is learnt from it.

Each aspect keeps an envelope, the highest and lowest it has seen, that shrinks slowly. A reading is judged by how far
it goes beyond the envelope, as a share of the envelope's width, before it widens it: one that repeats a record is no
longer new. The shares are added. No scale but the series' own enters, so units and offsets do not matter.
"""

from math import isfinite, log
from typing import Final, NamedTuple

from processors.novelty.season import HOUR_MS, recall, remember
from processors.novelty.state import ASPECTS, HOUR_DRIFT, LEVELS, ROUGHNESS, SEASON, Novelty
from processors.novelty.tuning import FROZEN, Tuning

RESOLUTION: Final = 1e-9
"""Of a value: what is smaller is the rounding of its arithmetic."""

SHRINK_EVERY: Final = 16
"""Readings: envelopes shrink by so many readings' worth at once."""

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


def observe(  # noqa: C901, PLR0912, PLR0915 - one function: a call saved is a tenth of what a reading costs
    state: Novelty, time_ms: int, value: float, tuning: Tuning = FROZEN
) -> Verdict:
    """Judge a reading (event time in Unix ms) and learn from it; times are expected to rise.

    A value that is no finite number is passed over. Nearly all the time is spent in here, so what belongs together is
    read and written at once, and what is only needed when something is new is left to others.
    """
    if not isfinite(value):
        return QUIET
    count = state.count
    hour = time_ms // HOUR_MS
    if count == 0:
        _begin(state, time_ms, value)
    elif hour != state.hour:
        remember(state.hours, state.hour, state.anchor, state.cell)
        state.cell = recall(state.hours, hour, state.anchor)
        state.hour = hour
    state.count = count + 1
    rates = tuning.rates if count >= tuning.grown else tuning.rates_of(count)
    spike_rate, level_rate, drift_rate, roughness_rate, slow = rates

    # what is usual now
    hour_level, hour_spread, hour_seen, week_level, week_seen = state.cell
    last, mean, spread, short, long, drift, hour_drift, step, usual_step = state.levels
    mean += slow * (value - mean)
    tiny = RESOLUTION * (abs(value) + abs(mean))
    known_hour = hour_seen >= tuning.hour_readings
    by_hour = hour_level if known_hour else mean
    known_week = week_seen >= tuning.week_readings
    by_week = week_level if known_week else by_hour

    # the reading under every aspect
    spike, shift, off_hour = value - short, value - long, value - by_hour
    departure, change = abs(off_hour), abs(value - last)
    season = 0.0
    if departure > tiny:
        season = off_hour / ((hour_spread if known_hour else spread) + tuning.spread_share * spread + tiny)
    drift += drift_rate * (value - by_week - drift)
    hour_drift += drift_rate * (off_hour - hour_drift)
    step += roughness_rate * (change - step)
    usual_step += slow * (change - usual_step)
    ratio = step / usual_step if usual_step > tiny else 1.0
    roughness = log(ratio + tuning.roughness_floor)

    # learn
    state.levels = (
        value,
        mean,
        spread + slow * (departure - spread),
        short + spike_rate * spike,
        long + level_rate * shift,
        drift,
        hour_drift,
        step,
        usual_step,
    )
    by_day = tuning.season_rate if hour_seen >= tuning.steady else 1.0 / (hour_seen + 1.0)
    of_week = tuning.season_rate if week_seen >= tuning.steady else 1.0 / (week_seen + 1.0)
    state.cell = (
        hour_level + by_day * (value - hour_level),
        hour_spread + by_day * (departure - hour_spread),
        hour_seen + 1.0,
        week_level + of_week * (value - week_level),
        week_seen + 1.0,
    )

    # hold it against all that was seen
    rest = state.rest
    if rest:
        state.rest = rest - 1
    if count <= tuning.begin:
        if count == tuning.begin:
            state.highs = state.lows = (value, spike, shift, season, drift, hour_drift, roughness)
        return QUIET
    high0, high1, high2, high3, high4, high5, high6 = state.highs
    low0, low1, low2, low3, low4, low5, low6 = state.lows
    if (
        low0 <= value <= high0
        and low1 <= spike <= high1
        and low2 <= shift <= high2
        and low3 <= season <= high3
        and low4 <= drift <= high4
        and low5 <= hour_drift <= high5
        and low6 <= roughness <= high6
    ):
        excess = None
    else:
        excess = _widen(state, (value, spike, shift, season, drift, hour_drift, roughness), tiny)
    if not count % SHRINK_EVERY:
        _shrink(state, tuning.forget * 0.5 * SHRINK_EVERY)
    if excess is None or rest or count < tuning.judge:
        return QUIET

    surprise = _surprise(excess, count, tuning)
    if surprise > tuning.unheard:
        state.rest = tuning.rest
    usual, basis = mean, "level"
    age_ms = time_ms - state.first_ms
    if known_week and age_ms >= SEEN_WEEKS_MS:
        usual, basis = by_week, "week"
    elif known_hour and age_ms >= SEEN_DAYS_MS:
        usual, basis = by_hour, "hour"
    return Verdict(surprise / (surprise + tuning.unheard), tuple(excess), usual, basis, ratio)


def expected(state: Novelty, tuning: Tuning = FROZEN) -> tuple[float, float]:
    """The usual level at the hour at hand, and by how much readings usually depart from it."""
    hour_level, hour_spread, hour_seen, _, _ = state.cell
    _, mean, spread, *_ = state.levels
    if hour_seen > tuning.hour_readings:  # the reading at hand was counted
        return hour_level, hour_spread + tuning.spread_share * spread
    return mean, spread * (1.0 + tuning.spread_share)


def _begin(state: Novelty, time_ms: int, value: float) -> None:
    """The first reading of a series."""
    state.first_ms, state.hour, state.anchor = time_ms, time_ms // HOUR_MS, value
    level = dict.fromkeys((0, 1, 3, 4), value)  # the last value and the three levels
    state.levels = tuple(level.get(i, 0.0) for i in range(LEVELS))


def _surprise(excess: list[float], count: int, tuning: Tuning) -> float:
    """The shares added up by weight, and weighed by how many readings there were to set a record."""
    shares = (
        sum(excess)
        - (1.0 - tuning.hour_drift_weight) * excess[HOUR_DRIFT]
        - (1.0 - tuning.roughness_weight) * excess[ROUGHNESS]
    )
    remembered = min(count, 1.0 / tuning.forget)
    return shares * float((remembered / tuning.age_unit) ** tuning.age_power)


def _widen(state: Novelty, aspects: tuple[float, ...], tiny: float) -> list[float] | None:
    """How far each aspect lies beyond its envelope, which then takes it in; None when no more than by rounding."""
    highs, lows = list(state.highs), list(state.lows)
    excess: list[float] | None = None
    for i, value in enumerate(aspects):
        high, low = highs[i], lows[i]
        if value > high:
            beyond, highs[i] = value - high, value
        elif value < low:
            beyond, lows[i] = low - value, value
        else:
            continue
        least = RESOLUTION if i in {SEASON, ROUGHNESS} else tiny  # those two are ratios
        if beyond > least:
            width = high - low
            if excess is None:
                excess = [0.0] * ASPECTS
            # what never moved and now does has gone as far as it ever went
            excess[i] = min(beyond / width, 1.0) if width > least else 1.0
    state.highs, state.lows = tuple(highs), tuple(lows)
    return excess


def _shrink(state: Novelty, share: float) -> None:
    """Envelopes forget: so much of their width at either end."""
    pairs = [(high, low, (high - low) * share) for high, low in zip(state.highs, state.lows, strict=True)]
    state.highs = tuple(high - less for high, _, less in pairs)
    state.lows = tuple(low + less for _, low, less in pairs)
