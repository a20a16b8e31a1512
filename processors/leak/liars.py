"""Sensors that lie: a value that stands still, or none at all; neither may raise a leak."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.state import AreaState, doubted

Floats = npt.NDArray[np.float64]

UNLIKELY: Final = 20.0
"""A run of equal values less likely than exp of minus this is no chance."""
FORGET: Final = 0.001
"""Per tick; learnt every two hours."""
GONE: Final = 12
"""Ticks without a value after which a sensor is out."""
RUN_LEAST: Final = 3
TWICE: Final = 2.0
"""A sensor that stood still and went on may stand twice as long: behind a valve, pressure is the same all night."""
KEEP_LONGEST: Final = 0.996
"""Per two hours: what was the longest is forgotten within weeks."""


class Liars:
    """Which of an area's sensors cannot be believed."""

    def __init__(self, sensors: int, pressures: int, per_day: int) -> None:
        """``pressures`` come first; the others drive the regression."""
        self.sensors, self.pressures, self.per_day = sensors, pressures, per_day
        self.lesson = per_day // 12
        self._moved, self._now = np.zeros(sensors, dtype=np.bool_), np.zeros(1)  # written anew in every tick
        self._limits = np.zeros(sensors)
        self._limits_of: Floats | None = None
        self._trusted = b""
        self._trusted_until = 0.0
        self._trusted_of: tuple[object, object] = (None, None)
        self._no_sooner = 0
        self._no_sooner_of: Floats | None = None

    def clean(self, state: AreaState, values: Floats, believed: npt.NDArray[np.float32], listed: list[float]) -> bool:
        """Take in the readings of a tick; returns whether none of ``believed`` is NaN, as those that lie become.

        ``believed`` and ``listed`` are the values as they are kept.
        """
        tick = state.tick
        moved = np.not_equal(values, state.back, self._moved)
        if 0.0 in listed:
            moved |= values == 0.0  # zero is no lie: pumps rest
        whole = not math.isnan(sum(listed))
        if whole:
            state.back[:] = values
            state.missing.fill(0.0)
        else:
            there = ~np.isnan(values)
            moved &= there  # a lost value in a run does not end it,
            state.moved += ~there  # nor is it one more that is the same
            np.copyto(state.back, values, where=there)
            state.missing += 1.0
            state.missing[there] = 0.0
        self._now[0] = tick
        np.putmask(state.moved, moved, self._now)
        stuck = None
        if tick >= self._no_sooner or self._no_sooner_of is not state.repeats:
            stuck = self._stuck(state)
            if stuck is not None:
                believed[stuck] = np.nan
                whole = False
        if not whole:
            out = state.missing > GONE
            if stuck is not None:
                out |= stuck
            if out.any():
                state.doubted = tick + self.per_day
                state.distrust = np.where(out, float(state.doubted), state.distrust)
        self.teach(state, state.rows)
        return whole

    def teach(self, state: AreaState, row: int) -> None:
        """Every two hours: what the rows up to this one, the newest, say of who repeats itself."""
        if (state.tick + 1) % self.lesson == 0 and row >= self.lesson:
            self._learn(state, row)

    def is_settled(self, state: AreaState, first: int, last: int) -> bool:
        """Whether the same are believed in all these ticks."""
        if first >= state.doubted and not state.doubts:
            return True
        same = self._trusted_of[0] is state.distrust and self._trusted_of[1] is state.doubts
        return same and last < self._trusted_until

    def nobody(self, state: AreaState) -> bool:
        """Whether it is plain that nobody says the same for too long; where it is not, they must be looked at."""
        return state.tick < self._no_sooner and self._no_sooner_of is state.repeats

    def _stuck(self, state: AreaState) -> npt.NDArray[np.bool_] | None:
        """Those that say the same for longer than chance allows; None where nobody does.

        Notes until when nobody can: who moved since may stand still for the longer.
        """
        limits = self.longest(state)
        self._no_sooner, self._no_sooner_of = int(np.minimum.reduce(state.moved + limits)), state.repeats
        if state.tick < self._no_sooner:
            return None
        stuck: npt.NDArray[np.bool_] = state.moved < state.tick - limits
        return stuck if stuck.any() else None

    def _learn(self, state: AreaState, row: int) -> None:
        """How often a sensor repeats itself, and how long it stood still before it went on: then it was no lie."""
        rows = state.inputs[row - self.lesson : row + 1, :-1]
        same = rows[1:] == rows[:-1]
        same &= rows[1:] != 0.0
        often = np.add.reduce(same, 0, np.float64) / len(same)
        stood = state.tick - state.moved
        rate = np.where(stood < GONE, FORGET * self.lesson, 0.0)
        state.repeats = state.repeats + rate * (often - state.repeats)
        went_on = np.where(stood < state.stood, np.minimum(state.stood, self.per_day), 0.0)
        state.longest = np.maximum(state.longest, went_on) * KEEP_LONGEST
        state.stood = stood

    def longest(self, state: AreaState) -> Floats:
        """The longest run that may be chance, per sensor."""
        if self._limits_of is not state.repeats:
            chance = -np.log(np.minimum(np.maximum(state.repeats, 1e-3), 0.95))
            longest = np.maximum(UNLIKELY / chance, TWICE * state.longest)
            self._limits, self._limits_of = np.maximum(longest, RUN_LEAST - 1.0), state.repeats
        return self._limits

    def standing(self, state: AreaState) -> npt.NDArray[np.bool_]:
        """Those that speak, and have said the same for longer than chance allows."""
        stuck: npt.NDArray[np.bool_] = (state.moved < state.tick - self.longest(state)) & (state.missing == 0)
        return stuck

    def mask(self, state: AreaState) -> npt.NDArray[np.bool_]:
        """Pressures out of the sum: those that lie, and for a day those that lied."""
        bad: npt.NDArray[np.bool_] = state.distrust[: self.pressures] > state.tick
        bad[doubted(state, self.pressures)] = True
        return bad

    def trusted(self, state: AreaState) -> bytes:
        """The same as bytes to compare; empty where all are believed."""
        if state.tick >= state.doubted and not state.doubts:
            return b""
        if (
            state.tick >= self._trusted_until
            or self._trusted_of[0] is not state.distrust
            or self._trusted_of[1] is not state.doubts
        ):
            self._trusted, self._trusted_of = self.mask(state).tobytes(), (state.distrust, state.doubts)
            self._trusted_until = np.where(state.distrust > state.tick, state.distrust, np.inf).min()
        return self._trusted

    def taken_out(self, state: AreaState, variance: float) -> Floats:
        """What to add to a covariance of the pressures and the balance."""
        out = np.zeros((self.pressures + 1, self.pressures + 1))
        if state.tick < state.doubted or state.doubts:
            bad = np.flatnonzero(self.mask(state))
            out[bad, bad] = variance
        return out
