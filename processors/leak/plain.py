"""Several ticks of all areas at once, where they are plain: nothing is lost or stands still.

At a tick of five minutes an array operation costs more for being called than for what it adds up, so three ticks of
two areas cost little more than one tick of one. Every tick is reckoned by itself all the same: how many are taken at
once changes no bit of the state.
"""

from collections.abc import Sequence
from itertools import repeat
from operator import is_not
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from processors.leak.hush import Hush
from processors.leak.incidents import Alarm
from processors.leak.joined import Floats32, Joined
from processors.leak.moving import Moving
from processors.leak.quick import Quick, Sheet
from processors.leak.state import AreaState

if TYPE_CHECKING:
    from processors.leak.area import Area

Floats = npt.NDArray[np.float64]
Values = Floats | Sequence[float]
"""What the sensors said in a tick; NaN of those that said nothing."""

NEVER: Final = -1


class Plain:
    """Takes in a certain number of ticks of all areas; derived from their states, never part of them."""

    def __init__(self, areas: Sequence["Area"], count: int) -> None:
        """``count`` ticks at once: a whole number of times it makes an hour."""
        self.areas, self.count = areas, count
        self.joined = joined = Joined(areas)
        self.moving = Moving([area.liars for area in areas], joined, count)
        self.hush = Hush([area.gate for area in areas], joined, count, areas[0].per_day)
        self._readings = np.zeros((count, joined.columns[-1].stop))
        """As the inputs keep them, in single precision, but for balances; written anew every time."""
        self._hour, self._day, self._lesson = areas[0].per_hour, areas[0].per_day, areas[0].liars.lesson
        self._goes_on = NEVER
        """The tick up to which all was quiet here, so that nothing need be looked at anew."""
        self._expected: list[Floats] = []
        self._usual = np.zeros((0, 0))
        self._quicks, self._begins = [area.quick for area in areas], [own.start for own in joined.columns]
        self._sheet = Sheet(self._quicks, count)

    def adopt(self, states: Sequence[AreaState]) -> None:
        """Take ticks in for these states from now on."""
        self.joined.adopt(states)
        self._goes_on = NEVER

    def at_once(self, states: Sequence[AreaState], first: int, ticks: Sequence[Values]) -> list[Alarm] | None:
        """Take in the ticks from ``first`` on, each what the sensors said.

        None where they must go one by one: then nothing is taken in. Only the last may raise anything or end an hour.
        """
        goes_on, self._goes_on = first == self._goes_on, NEVER
        row = states[0].rows
        if not (goes_on or all(map(self._may, self.areas, states, repeat(row), repeat(first)))):
            return None
        end, last = row + self.count, first + self.count - 1
        kept, readings = self.joined.inputs[row:end], self._readings
        if not self.moving.read(ticks, kept, readings) or self._is_dry(readings):
            return None
        if not goes_on or not first % self._lesson:
            self.moving.follow(states)
        if not self.moving.all_move(first):
            return None
        behind = [area.gate.behind(state, first) for area, state in zip(self.areas, states, strict=True)]
        for state in states:
            state.tick = last
        if not goes_on:
            self._follow(states)
        self._leave(states, kept, row, first)
        loud = self.hush.maybe(row, behind)
        alarms: list[Alarm] = []
        if loud is not None or not (last + 1) % self._hour:
            alarms = self._closer(states, row, first, loud or [[]] * len(states))
        else:
            for state in states:
                state.rows = end
        if loud is None and (last + 1) % self._day and not any(map(_is_doubted, states, repeat(first))):
            self._goes_on = last + 1
        return alarms

    def _closer(self, states: Sequence[AreaState], row: int, first: int, loud: list[list[int]]) -> list[Alarm]:
        """Look at the ticks that may be loud, and do what is to be done when an hour ends."""
        alarms: list[Alarm] = []
        end, last = row + self.count, first + self.count - 1
        for area, state, places in zip(self.areas, states, loud, strict=True):
            area.liars.teach(state, end - 1)
            for place in places:
                state.tick, state.rows = first + place, row + place + 1
                alarms += area.fast(state)
            state.tick, state.rows = last, end
            alarms += area.ended(state)
        return alarms

    def _may(self, area: "Area", state: AreaState, row: int, first: int) -> bool:
        """Whether nothing but the readings themselves can keep an area from being plain."""
        return (
            state.tick == first - 1
            and state.rows == row
            and state.learned >= area.settings.first_days
            and area.liars.is_settled(state, first, first + self.count - 1)
        )

    def _follow(self, states: Sequence[AreaState]) -> None:
        """Look at what may have changed since ticks were taken in here; while all is quiet, nothing has."""
        self.joined.missing.fill(0.0)
        for area, state in zip(self.areas, states, strict=True):
            area.quick.follow(state)
        self.hush.follow(states, [area.whiteners(state) for area, state in zip(self.areas, states, strict=True)])
        expected = [area.expected(state) for area, state in zip(self.areas, states, strict=True)]
        if len(expected) != len(self._expected) or any(map(is_not, expected, self._expected)):
            self._expected, self._usual = expected, np.hstack(expected)

    def _is_dry(self, readings: Floats) -> bool:
        return any(map(Quick.is_dry, self._quicks, repeat(readings), self._begins))

    def _leave(self, states: Sequence[AreaState], kept: Floats32, row: int, first: int) -> None:
        """Keep the balances of these ticks, and what the regression leaves of all."""
        readings = self._readings
        for area, state, own in zip(self.areas, states, self.joined.columns, strict=True):
            area.quick.balance(state, readings, own.start, row, first)
            kept[:, own.stop - 1] = readings[:, own.stop - 1]
        left = self._sheet.leave(readings)
        place = first % len(self._usual)
        left -= self._usual[place : place + self.count]
        self.joined.residuals[row : row + self.count] = left


def _is_doubted(state: AreaState, first: int) -> bool:
    """Whether somebody in the area is not believed from this tick on, or may be again."""
    return bool(state.doubts) or first < state.doubted
