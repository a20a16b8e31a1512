"""What becomes of meters of inlets that drift slowly: which are told, after how long, and what else is said for them.

The first weeks of labelled years are run without a fault, and again with each meter drifting at each rate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ops.score.battledim import PipeMap, Sent, judge
from ops.score.driven import LEAKS, Driven, rows, told
from ops.score.ltown import Year
from ops.score.tables import markdown
from processors.detectors.pipe_leak_state import PER_DAY
from processors.detectors.pipe_leak_steps import STEP_MS
from processors.leak.area import Area
from processors.leak.creep import bank, inlets
from processors.leak.network import NetworkModel, sensors_of
from processors.leak.search import matched
from processors.leak.state import AreaState
from processors.leak.suspects import AS_WELL
from schemas.anomaly import Transition
from schemas.model import to_ms

Floats = npt.NDArray[np.float64]

BEGINS: Final = 20
"""The day on which a meter begins to drift."""
ENDS: Final = 50
"""The day on which it stays where it is."""
DAYS: Final = 60
RATES: Final = (0.1, 0.3, 1.0, 3.0)
"""m3/h a day."""


class Outcome(NamedTuple):
    """What was said in one run."""

    told_after: float | None
    """Days from the beginning of the drift until the meter was told of; None: never."""
    others: int
    """Meters that were told of and read right."""
    found: int
    false: int


class Alike(NamedTuple):
    """The pipes whose growing leak looks like a drift of one meter."""

    meter: str
    pipes: int
    metres: float
    share: float
    """Of the length of all pipes of its area."""


@dataclass(frozen=True, slots=True)
class Row:
    """One meter at one rate, over all years."""

    meter: str
    a_day: float
    outcomes: list[Outcome]


def drifting(values: Floats, column: int, a_day: float) -> Floats:
    """The same readings, one meter of which reads more and more too high (or low), and then stays so."""
    days = np.arange(len(values)) / PER_DAY
    drifted = values.copy()
    drifted[:, column] += np.round(a_day * (np.clip(days, BEGINS, ENDS) - BEGINS), 2)
    return drifted


def run(year: Year, network: NetworkModel, pipes: PipeMap, meter: str | None, a_day: float) -> tuple[Outcome, Driven]:
    """The first weeks of a year, one meter drifting or (None) none."""
    names = sensors_of(network)
    values = year.values[: DAYS * PER_DAY, [year.columns.index(name) for name in names]]
    if meter is not None:
        values = drifting(values, names.index(meter), a_day)
    driven = Driven(network)
    driven.live(rows(network, values, year.first))
    driven.close()
    sent = [Sent(x.tick - year.first, x.pipe) for x in told(driven.findings) if x.transition is Transition.RAISED]
    doubts = [one for one in driven.findings if one.kind not in LEAKS and one.transition is Transition.RAISED]
    begin_ms = (year.first + BEGINS * PER_DAY) * STEP_MS
    own = [to_ms(one.at) - begin_ms for one in doubts if one.subject == meter and to_ms(one.at) >= begin_ms]
    verdict = judge(sent, [leak for leak in year.leaks if leak.start < len(values)], pipes)
    return (
        Outcome(
            round(min(own) / (PER_DAY * STEP_MS), 1) if own else None,
            len({one.subject for one in doubts} - {meter}),
            len(verdict.found),
            len(verdict.false),
        ),
        driven,
    )


def runs(
    years: Sequence[Year], network: NetworkModel, pipes: PipeMap, report: Callable[[str], None] = lambda _: None
) -> tuple[list[Row], list[Alike]]:
    """Every meter of an inlet at every rate, both ways, on every year; the first row is without a drift."""
    found: list[Row] = []
    likes: list[Alike] = []
    for meter, a_day in (("none", 0.0), *_trials(network)):
        outcomes = []
        for year in years:
            report(f"{meter} {a_day:+} m3/h a day, {year.name}")
            outcome, driven = run(year, network, pipes, None if meter == "none" else meter, a_day)
            outcomes.append(outcome)
        if not found:
            likes = alike(driven)
        found.append(Row(meter, a_day, outcomes))
    return found, likes


def _trials(network: NetworkModel) -> Iterator[tuple[str, float]]:
    for meter in dict.fromkeys(name for area in network.areas for name in area.inflows):
        for rate in RATES:
            yield from ((meter, rate), (meter, -rate))


def alike(driven: Driven) -> list[Alike]:
    """The pipes of which a leak that grows leaves so little that one meter's error does not that it is not told."""
    core = driven.state.core
    assert core is not None, "it is configured"
    return [one for area, state in zip(core.areas, core.states, strict=True) for one in _alike(area, state)]


def _alike(area: Area, state: AreaState) -> Iterator[Alike]:
    if not inlets(area):
        return
    begin = state.rows - area.per_day
    signatures, own = area.signatures(state, begin, state.rows), bank(area, state)
    covariance = state.noise.covariance * (area.settings.day_noise / area.per_day) + 1e-6 * np.eye(area.outputs)
    lengths = area.network.lengths_m[area.index]
    for name, error in zip(area.model.inflows, own, strict=True):
        match, power = matched(error, covariance, signatures)
        share = np.maximum(match, 0.0) ** 2 / power / float(error @ np.linalg.solve(covariance, error))
        near = share >= AS_WELL
        metres = float(lengths[near].sum())
        yield Alike(name.partition("/")[0], int(near.sum()), round(metres), round(metres / float(lengths.sum()), 4))


def table(found: Sequence[Row]) -> str:
    """What the docs show."""

    def days(row: Row) -> str:
        after = [one.told_after for one in row.outcomes if one.told_after is not None]
        if row.meter == "none":
            return "-"
        told = f"{len(after)} of {len(row.outcomes)}"
        return f"{told}, {median(after):.0f} days" if after else told

    return markdown(
        ["meter", "m3/h a day", "told, after (median)", "other meters told", "leaks found", "false alarms"],
        [
            [
                row.meter,
                f"{row.a_day:+g}" if row.a_day else "0",
                days(row),
                str(sum(one.others for one in row.outcomes)),
                str(sum(one.found for one in row.outcomes)),
                str(sum(one.false for one in row.outcomes)),
            ]
            for row in found
        ],
    )
