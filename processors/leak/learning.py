"""What a whole day teaches: the regression of pressures on flows, the ring of days, and the week's inflow."""

from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.state import AreaState

Floats = npt.NDArray[np.float64]

RIDGE: Final = 1e-7
"""Of scaled regressors: keeps the solution finite while two of them never differed."""
WEEK_LEARN: Final = 0.3


def learn_day(
    state: AreaState, day: int, regressors: Floats, outputs: Floats, weight: Floats, memory_days: float
) -> None:
    """Take a day in. Only changes within the day teach slopes: a leak that lasts must not become normal by the hour."""
    if np.isnan(outputs).any():
        predicted = regressors @ state.beta
        outputs = np.where(np.isnan(outputs), predicted + carried(outputs - predicted, yesterday(state)), outputs)
    state.day_regressors = np.vstack([state.day_regressors[1:], regressors.mean(axis=0)[None]])
    state.day_outputs = np.vstack([state.day_outputs[1:], outputs.mean(axis=0)[None]])
    state.day_numbers = np.append(state.day_numbers[1:], float(day))
    plain_x, plain_y = regressors / weight[:, None], outputs / weight[:, None]
    mean_x, mean_y = plain_x.mean(axis=0), plain_y.mean(axis=0)
    x, y = (plain_x - mean_x)[:, 1:], plain_y - mean_y
    y[:, -1] = 0.0  # the balance is explained by nothing
    keep = float(np.exp(-1.0 / memory_days))
    state.moments = keep * state.moments + x.T @ x
    state.products = keep * state.products + x.T @ y
    state.learned += 1
    rate = max(1.0 - keep, 1.0 / state.learned)
    state.mean_regressors = state.mean_regressors + rate * (mean_x - state.mean_regressors)
    state.mean_outputs = state.mean_outputs + rate * (mean_y - state.mean_outputs)
    if state.learned > 1:
        size = np.sqrt(np.diag(state.moments)) + 1e-12
        scaled = state.moments / size / size[:, None] + RIDGE * np.eye(len(size))
        slopes = np.linalg.solve(scaled, state.products / size[:, None]) / size[:, None]
        constant = state.mean_outputs - state.mean_regressors[1:] @ slopes
        constant[-1] = 0.0
        state.beta = np.vstack([constant[None], slopes])


def learn_week(state: AreaState, weekday: int, inflow: Floats) -> None:
    """Take the inflow of a day in, hour by hour; a day with gaps teaches nothing."""
    hours = inflow.reshape(24, -1).mean(axis=1)
    if np.isnan(hours).any():
        return
    known = state.expected[weekday]
    state.expected = state.expected.copy()  # whoever derived something from it notices
    state.expected[weekday] = hours if np.isnan(known).any() else known + WEEK_LEARN * (hours - known)


def usual_inflow(state: AreaState, day: int, per_day: int) -> Floats:
    """Inflow to be expected at each tick of a day, by weekday and hour; of a weekday never seen, that of the others."""
    week = state.expected[day % 7]
    if np.isnan(week[0]):
        seen = state.expected[~np.isnan(state.expected[:, 0])]
        if not len(seen):
            return np.zeros(per_day)
        week = seen.mean(axis=0)
    per_hour = per_day / 24
    place = np.clip((np.arange(per_day) - (per_hour - 1) / 2) / per_hour, 0.0, 23.0)
    before = np.minimum(place.astype(np.intp), 22)
    usual: Floats = week[before] + (place - before) * (week[before + 1] - week[before])
    return usual


def yesterday(state: AreaState) -> Floats:
    """What the regression left of the last day that was learnt, per output."""
    left: Floats = state.day_outputs[-1] - state.day_regressors[-1] @ state.beta
    return left


def carried(rows: Floats, before: Floats | None = None) -> Floats:
    """Gaps filled with what stood before them; at the beginning with ``before``, or else with the mean of the column.

    A sensor that says nothing must not seem to change.
    """
    there = ~np.isnan(rows)
    if there.all():
        return rows
    if before is None:
        before = np.zeros(rows.shape[1])
    index = np.where(there, np.arange(len(rows))[:, None], -1)
    np.maximum.accumulate(index, axis=0, out=index)
    filled: Floats = np.where(index >= 0, np.take_along_axis(rows, np.maximum(index, 0), axis=0), before)
    return filled
