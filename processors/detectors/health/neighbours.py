"""A reading that walks away from those of its neighbours: same zone, same class, same property.

Once an hour each series' mean is held against the median of the group. What it usually differs by, and how much that
varies, is learnt over ``learn_hours`` and then kept: what drifts must not teach its own drift. Far from that for
``hours`` in a row is a finding, near it again for as long ends it. A group needs ``others`` beside each; when the whole
group moves, its median moves with it.
"""

from collections import defaultdict
from statistics import median
from typing import Final, NamedTuple

from processors.detectors.common import Opening, Step, Turn
from processors.detectors.health.state import State
from processors.detectors.health.watch import Habit, Watch
from schemas.anomaly import AnomalyKind
from schemas.health import DRIFT_FLOOR
from schemas.rules import Values

KIND: Final = AnomalyKind.DEVICE_DRIFT
_DIGITS: Final = 6  # what is published or compared is rounded: sums depend on order in their last bits
_NEAR: Final = 0.5  # of the threshold: near again


class _Mean(NamedTuple):
    device: str
    key: str
    watch: Watch
    value: float


def look(state: State, turn: Turn) -> None:
    """An hour is over."""
    groups: defaultdict[tuple[str, str], list[_Mean]] = defaultdict(list)
    for name in sorted(state.devices):
        watches = state.devices[name].watches
        for key in watches if len(watches) == 1 else sorted(watches):
            watch = watches[key]
            if key in DRIFT_FLOOR and watch.counted:
                facility_class = state.sites[watch.facility].facility_class.value
                mean = round(watch.total / watch.counted, _DIGITS)
                groups[facility_class, key].append(_Mean(name, key, watch, mean))
            watch.total, watch.counted = 0.0, 0
    for (_, prop), means in sorted(groups.items()):
        middle = median(one.value for one in means)
        for one in means:
            site = state.sites[one.watch.facility]
            values = state.rules.of(one.watch.facility, site.facility_class)
            if len(means) > values["drift.others"]:
                _compare(state, one, prop, round(one.value - middle, _DIGITS), values, turn)


def _compare(state: State, one: _Mean, prop: str, differs: float, values: Values, turn: Turn) -> None:
    habit = one.watch.habit
    if habit is None:
        habit = one.watch.habit = Habit()
    habit.hours += 1
    if habit.hours <= values["drift.learn_hours"]:
        habit.usual += (differs - habit.usual) / habit.hours
        habit.spread += (abs(differs - habit.usual) - habit.spread) / habit.hours
        return
    off = round(differs - habit.usual, _DIGITS)
    threshold = round(max(values[f"drift.{prop}"], values["drift.spreads"] * habit.spread), _DIGITS)
    now_ms = turn.clock.now_ms
    numbers = {"off": off, "threshold": threshold, "mean": one.value, "hours": float(habit.off)}
    if one.watch.opened.get(KIND) is None:
        if abs(off) <= threshold:
            habit.off = 0
            return
        if not habit.off:
            habit.off_since_ms = now_ms
        habit.off += 1
        if habit.off >= values["drift.hours"]:
            numbers["hours"] = float(habit.off)
            habit.off = 0
            subject = f"{one.device}/{one.key}"[:160]
            summary = f"{subject} is {off:+g} away from what it usually differs from its neighbours by"
            opening = Opening(subject, state.sites[one.watch.facility], habit.off_since_ms, habit.off_since_ms)
            one.watch.opened[KIND] = turn.raises(KIND, opening, Step(now_ms, summary, numbers, by_time=True))
    elif abs(off) <= _NEAR * threshold:
        habit.off += 1
        if habit.off >= values["drift.hours"]:
            habit.off = 0
            subject = f"{one.device}/{one.key}"[:160]
            step = Step(now_ms, f"{subject} is back among its neighbours", numbers, by_time=True)
            turn.clears(one.watch.opened.pop(KIND), step)
    else:
        habit.off = 0
