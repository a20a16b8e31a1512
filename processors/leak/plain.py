"""Several ticks at once, where they are plain: nothing is lost or stands still, and a day is there to compare with.

At a tick of five minutes an array operation costs more for being called than for what it adds up, so three ticks cost
little more than one. Every tick is reckoned by itself all the same: how many are taken at once changes no bit.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from processors.leak.incidents import Alarm
from processors.leak.state import AreaState

if TYPE_CHECKING:
    from processors.leak.area import Area

Floats = npt.NDArray[np.float64]


def at_once(area: "Area", state: AreaState, first: int, values: Floats) -> list[Alarm] | None:
    """Take in the ticks from ``first`` on, which follow on the last; None where they must go one by one.

    Only the last of them may raise anything or end an hour.
    """
    count, row = len(values), state.rows
    last = first + count - 1
    if state.learned < area.settings.first_days or not area.gate.is_full(state, first):
        return None
    rows = state.inputs[row : row + count]
    kept = rows[:, :-1]
    kept[:] = values
    readings = kept.tolist()
    if math.isnan(sum(map(sum, readings))) or any(map(area.reader.is_dry, readings)):
        return None
    if not area.liars.is_settled(state, first, last) or not area.liars.all_move(state, first, values, readings):
        return None
    for place, reading in enumerate(readings):
        balance = area.reader.balance(state, reading, row + place, first + place)
        rows[place, -1] = balance
        reading.append(balance)
    usual = area.expected(state)[first % area.per_day :][:count]
    state.residuals[row : row + count] = area.quick.residuals(state, kept, readings, usual)
    state.tick = last
    area.liars.teach(state, row + count - 1)
    alarms: list[Alarm] = []
    for place in area.gate.maybe(state, area.whiteners(state), count):
        state.tick, state.rows = first + place, row + place + 1
        alarms += area.fast(state)
    state.tick, state.rows = last, row + count
    return alarms
