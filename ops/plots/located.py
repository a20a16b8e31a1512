"""The first burst that is found in a labelled year: what shows it, and when it was said."""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from ops.plots.chart import Bar, Chart, Curve, Panel
from ops.score.ltown import STEP_S, Year
from processors.leak.core import LeakCore
from processors.leak.incidents import GROWING, REPAIRED, Alarm
from processors.leak.network import NetworkModel
from processors.leak.rows import FLOW_UNIT
from processors.leak.settings import SHIPPED, Settings
from runtime.errors import FatalError

Floats = npt.NDArray[np.float64]

BEFORE: Final = 12 * 3600 // STEP_S
AFTER: Final = 6 * 3600 // STEP_S
SHOWN: Final = 4
"""Pressures that are drawn: those that say most."""


def first_burst(year: Year, network: NetworkModel, settings: Settings = SHIPPED) -> Chart:
    """Run a year until its first burst is raised and six hours on, and draw what it was raised by.

    Raises:
        FatalError: there is none.
    """
    core = LeakCore(network, settings, STEP_S)
    wanted = [year.columns.index(name) for name in core.sensors]
    kept: list[deque[Floats]] = [deque(maxlen=BEFORE + AFTER) for _ in core.states]
    found: Alarm | None = None
    for tick, reading in enumerate(year.values[:, wanted], year.first):
        alarms = core.tick(tick, reading)
        for rows, state in zip(kept, core.states, strict=True):
            rows.append(state.residuals[state.rows - 1].astype(np.float64))
        found = found or next((alarm for alarm in alarms if alarm.kind not in {GROWING, REPAIRED}), None)
        if found is not None and tick == found.tick + AFTER:
            area = next(n for n, one in enumerate(network.areas) if found.pipe in one.candidates)
            return _chart(year, network, area, found, np.array(kept[area]))
    raise FatalError(f"{year.name}: no burst was raised, there is nothing to draw")


def _chart(year: Year, network: NetworkModel, area: int, alarm: Alarm, rows: Floats) -> Chart:
    names = network.areas[area].pressures
    at = len(rows) - 1 - AFTER  # the row of the alarm
    begin = at - (alarm.tick - alarm.since)
    change = rows[begin:at].mean(axis=0) - rows[:begin].mean(axis=0)
    loudest = sorted(np.argsort(-np.abs(change[: len(names)]))[:SHOWN].tolist())

    def curve(name: str, values: Floats) -> Curve:
        return Curve(name, [(float(n * STEP_S), round(float(value), 4)) for n, value in enumerate(values)])

    first = alarm.tick - at
    leaks = [
        (max(leak.start - (first - year.first), 0.0) * STEP_S, float(len(rows) * STEP_S))
        for leak in year.leaks
        if first - year.first <= leak.start < first - year.first + len(rows)
    ]
    pipe = network.pipes[alarm.pipe]
    said = f"{alarm.flow:.1f} m3/h at {pipe}, {alarm.sure:.0%} sure"
    return Chart(
        f"{year.name}: the first burst, {said}, {(alarm.tick - alarm.since) * STEP_S // 60} min after it began",
        [
            Panel("pressure that flows do not explain, m", [curve(names[n], rows[:, n]) for n in loudest]),
            Panel("inflow more than usual, m3/h", [curve("balance", rows[:, len(names)] * FLOW_UNIT)]),
        ],
        [Bar("water_burst", float(at * STEP_S), None, said)],
        0.0,
        float((len(rows) - 1) * STEP_S),
        leaks,
        first * STEP_S % 86_400,
    )
