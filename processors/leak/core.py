"""A whole network, tick by tick."""

from collections.abc import Sequence
from itertools import repeat
from typing import Final

import numpy as np

from processors.leak import packing
from processors.leak.area import Area
from processors.leak.explain import Asked, Explanation, explain
from processors.leak.incidents import Alarm
from processors.leak.liars import RUN_LEAST
from processors.leak.network import NetworkModel, sensors_of
from processors.leak.plain import Plain, Values
from processors.leak.scale import Scale
from processors.leak.settings import SHIPPED, Settings
from processors.leak.state import AreaState, Doubt

STEP_S: Final = 300


class LeakCore:
    """Finds leaks in a network. Nothing of it depends on how ticks are batched: each is folded by itself.

    A shift must be confirmed for some ticks before anything is said of it. So while none is, as many ticks may wait
    and be folded together (:mod:`.plain`): whatever they show comes at the same tick. Who asks for the state meanwhile
    has them folded at once, which is the same.

    Tick ``n`` is the time ``n * step`` since the epoch; ``values`` are the readings of :attr:`sensors` at that time,
    NaN where one is lost.
    """

    def __init__(self, network: NetworkModel, settings: Settings = SHIPPED, step_s: int = STEP_S) -> None:
        """Begin cold. ``step_s`` must divide an hour."""
        if 3600 % step_s:
            raise ValueError(f"a step of {step_s} s does not divide an hour")
        self.network = network
        self.sensors: tuple[str, ...] = sensors_of(network)
        per_day = 86_400 // step_s
        self._areas = [Area(network, model, self.sensors, per_day, settings) for model in network.areas]
        self._together = _together(settings.confirm_ticks + 1, 3600 // step_s)
        self._plain = Plain(self._areas, self._together) if self._areas and 1 < self._together <= RUN_LEAST else None
        self._adopt([area.initial() for area in self._areas])
        self._scale: Scale | None = None
        self._first, self._waiting = 0, list[Values]()

    def count_in(self, scale: Scale) -> None:
        """From now on make metres of water, m3/h and metres of the values that come in."""
        self._scale = scale
        if self._plain is not None:
            self._plain.moving.count_in(scale)

    def tick(self, number: int, values: Values) -> list[Alarm]:
        """Take in one tick; ticks must come in order, missing ones are taken as lost."""
        waiting, alarms = self._waiting, list[Alarm]()
        if waiting and number != self._first + len(waiting):
            alarms = self._fold_waiting()
            waiting = self._waiting
        if not waiting:
            self._first = number
        waiting.append(values)
        if (number + 1) % self._together and (len(waiting) > 1 or self._may_wait()):
            return alarms
        return alarms + self._fold_waiting()

    def _may_wait(self) -> bool:
        return all(map(Area.may_wait, self._areas, self._states, repeat(self._first)))

    def _fold_waiting(self) -> list[Alarm]:
        if not self._waiting:
            return []
        ticks, self._waiting = self._waiting, []
        if self._plain is not None and len(ticks) == self._together:
            found = self._plain.at_once(self._states, self._first, ticks)
            if found is not None:
                return found
        values = np.array(ticks)
        if self._scale is not None:
            self._scale.counted(values)
        alarms: list[Alarm] = []
        for area, state in zip(self._areas, self._states, strict=True):
            alarms += area.ticks(state, self._first, values)
        return alarms

    def _adopt(self, states: list[AreaState]) -> None:
        self._states = states
        if self._plain is not None:
            self._plain.adopt(states)

    def explain(self, leak: Asked) -> Explanation | None:
        """What the last ticks say of a leak that is open; None where they say nothing of it. Changes nothing."""
        self._fold_waiting()
        for area, state in zip(self._areas, self._states, strict=True):
            if any(one.pipe == leak.pipe for one in state.opened):
                return explain(area, state, leak)
        return None

    @property
    def doubting(self) -> bool:
        """Whether any sensor seems to lie now."""
        return any([state.doubts for state in self._states])  # noqa: C419 - a generator costs more than two areas

    def doubts(self) -> dict[tuple[str, int], Doubt]:
        """The sensors that seem to lie now, by sensor and kind; one that several areas read stands there once."""
        found: dict[tuple[str, int], Doubt] = {}
        for area, state in zip(self._areas, self._states, strict=True):
            for doubt in state.doubts:
                found.setdefault((self.sensors[area.columns.all[doubt.column]], doubt.kind), doubt)
        return found

    @property
    def areas(self) -> Sequence[Area]:
        """What does not change of each area."""
        return self._areas

    @property
    def states(self) -> Sequence[AreaState]:
        """The state of each area, for explanations."""
        self._fold_waiting()
        return self._states

    def to_bytes(self) -> bytes:
        """The state: the same history, the same bytes; as many of them at any age."""
        self._fold_waiting()
        return packing.to_bytes(self._states)

    @classmethod
    def from_bytes(
        cls, data: bytes, network: NetworkModel, settings: Settings = SHIPPED, step_s: int = STEP_S
    ) -> "LeakCore":
        """Go on where :meth:`to_bytes` was; ``ValueError`` when the bytes are of another format."""
        core = cls(network, settings, step_s)
        states = packing.from_bytes(data)
        if len(states) != len(core._areas):
            raise ValueError("a state of another network")
        core._adopt(states)
        return core


def _together(most: int, per_hour: int) -> int:
    """How many ticks are folded together, so that a whole number of them makes an hour."""
    return next(count for count in range(min(most, per_hour), 0, -1) if per_hour % count == 0)
