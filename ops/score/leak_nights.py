"""Leaks of the night and meters that lie, in made-up areas: ``python -m ops.score.leak_nights [--areas N] [--json]``.

Every area has one flow meter, and in the second table three pressures that follow what really flows; 15-minute
readings, a working week, days that differ. From the thirteenth day on something leaks, or the meter lies, or both are
well. Printed per story, of how many areas a leak of the night was raised by who believes every meter (which is what
version 4 did), by the detector, of how many a burst, and what the detector said of the meter.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ops.score.leak import Column, run
from processors.detectors.leak_night import Nights, judge, take
from processors.detectors.leak_steps import Sample, Step
from schemas.anomaly import AnomalyKind, Transition
from schemas.water import WaterRole

Floats = npt.NDArray[np.float64]

ZONE: Final = "dma:made-up"
LON: Final = 113.82
STEP_MS: Final = 900_000
PER_DAY: Final = 96
DAYS: Final = 22
BEGINS_DAY: Final = 12
BEGIN_MS: Final = 1_790_000_000_000 // 86_400_000 * 86_400_000 + (4 - 8) * 3_600_000
"""04:00 by the sun there."""
WORKDAYS: Final = 5
GAP: Final = 8
"""Steps."""
PRESSURES: Final = ((450.0, 0.12), (420.0, 0.3), (430.0, 0.2))
"""kPa without flow, and kPa that are lost per square of m3/h."""

Story = Callable[[Floats, int, np.random.Generator], Floats]
"""What the meter says of what people use, from this step on."""


def use(seed: int, days: int = DAYS, flat: float = 0.8) -> Floats:
    """What an area takes, m3/h: about 10 on average; ``flat`` nearer to 0 is a night that is nearly as the day."""
    chance = np.random.default_rng(seed)
    hour = (np.arange(days * PER_DAY) / 4 + 4) % 24
    shape = 1 - flat * np.cos(2 * np.pi * (hour - 3) / 24) + 0.2 * flat * np.sin(4 * np.pi * hour / 24)
    day = np.arange(days * PER_DAY) // PER_DAY
    factor = (1 + 0.05 * chance.standard_normal(days) - 0.15 * (np.arange(days) % 7 >= WORKDAYS))[day]
    return np.asarray(10 * shape * factor * (1 + 0.04 * chance.standard_normal(len(hour))) + 0.5, dtype=np.float64)


def _since(begin: int, length: int) -> Floats:
    return np.maximum(np.arange(length) - begin, 0) / PER_DAY


def _behind_a_gap(value: float) -> Story:
    def story(used: Floats, begin: int, _: np.random.Generator) -> Floats:
        said = used + np.where(np.arange(len(used)) >= begin, 5.0, 0.0)
        said[begin - GAP : begin] = value
        return said

    return story


def _from(begin: int, before: Floats, after: Floats) -> Floats:
    return np.where(np.arange(len(before)) >= begin, after, before)


def _scaled(factor: float) -> Story:
    return lambda used, begin, _: _from(begin, used, factor * used)


def _early(hours: int) -> Story:
    return lambda used, begin, _: _from(begin, used, np.roll(used, -4 * hours))


def _leaking(flow: float) -> Story:
    return lambda used, begin, _: _from(begin, used, used + flow)


STORIES: Final[dict[str, Story]] = {
    "nothing": lambda used, _, __: used,
    "a leak of 5 m3/h": _leaking(5.0),
    "a leak of 3.5 m3/h": _leaking(3.5),
    "a leak that grows by 1 m3/h a day to 6": lambda used, begin, _: used + np.minimum(_since(begin, len(used)), 6.0),
    "stands still": lambda used, begin, _: _from(begin, used, np.full(len(used), used[begin] + 0.01)),
    "stands still, and hisses": lambda used, begin, chance: _from(
        begin, used, used[begin] + 0.03 * chance.standard_normal(len(used))
    ),
    "x 3.6": _scaled(3.6),
    "/ 3.6": _scaled(1 / 3.6),
    "x 1000": _scaled(1000.0),
    "x 1.6": _scaled(1.6),
    "x 1.12 more every day": lambda used, begin, _: used * (1 + 0.12 * _since(begin, len(used))),
    "clock 6 h ahead": _early(-6),
    "clock 6 h behind": _early(6),
    "clock 3 h ahead": _early(-3),
    "+ 5 m3/h behind a gap of 2 h": _behind_a_gap(np.nan),
    "+ 5 m3/h behind 2 h of nought": _behind_a_gap(0.0),
    "any number": lambda used, begin, chance: _from(begin, used, chance.uniform(0, 25, len(used))),
}

WITH_PRESSURES: Final[dict[str, tuple[float, Story]]] = {
    "nothing": (0.0, STORIES["nothing"]),
    "a leak of 5 m3/h": (1.0, STORIES["a leak of 5 m3/h"]),
    "the same, half way from the inlet": (0.5, STORIES["a leak of 5 m3/h"]),
    "the same, at the inlet": (0.0, STORIES["a leak of 5 m3/h"]),
    "+ 5 m3/h": (0.0, STORIES["a leak of 5 m3/h"]),
    "+ 1.5 m3/h more every day": (0.0, lambda used, begin, _: used + 1.5 * _since(begin, len(used))),
    "x 3.6": (0.0, STORIES["x 3.6"]),
    "stands still": (0.0, STORIES["stands still"]),
    "clock 6 h ahead": (0.0, STORIES["clock 6 h ahead"]),
}
"""By story: the share of the head that is lost with what leaks (0: the pressures do not know of it)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was raised of one story, in how many of the areas."""

    story: str
    areas: int
    believing: int
    leaks: int
    bursts: int
    meters: dict[str, int]


def times_of(steps: int) -> list[int]:
    """Ends of the steps."""
    return [BEGIN_MS + (step + 1) * STEP_MS for step in range(steps)]


def pressures(flow: Floats, seed: int) -> list[Column]:
    """What three pressures are when so much flows past them: Pa."""
    chance = np.random.default_rng(1000 + seed)
    found = []
    for at, (head, lost) in enumerate(PRESSURES):
        kpa = head - lost * flow**2 + 0.5 * chance.standard_normal(len(flow))
        found.append(Column(f"p{at}", "pressure", np.round(1000 * kpa)))
    return found


def believing(flow: Floats) -> bool:
    """Whether who believes the meter raises a leak of the night."""
    nights, found = Nights(), False
    for at_ms, value in zip(times_of(len(flow)), flow.tolist(), strict=True):
        step = Step(at_ms, {} if np.isnan(value) else {"q": (value, Sample(at_ms, "", value, at_ms))})
        night = take(nights, step, LON, {"q": WaterRole.INLET})
        verdict = None if night is None else judge(nights, night, lambda: True)
        found |= verdict is not None and verdict.what == "raised"
    return found


def tell(story: str, said: Story, areas: int, share: float | None = None) -> Told:
    """Run the detector over the areas."""
    counts: Counter[str] = Counter()
    meters: Counter[str] = Counter()
    for seed in range(areas):
        used = use(seed)
        begin = BEGINS_DAY * PER_DAY + 7 * seed % PER_DAY
        flow = np.round(said(used, begin, np.random.default_rng(seed)), 2)
        columns = [Column("q", "flow", flow)]
        if share is not None:
            columns += pressures(used + share * (flow - used) if share else used, seed)
        findings, _ = run(ZONE, times_of(len(flow)), columns)
        raised = {one.kind for one in findings if one.transition is Transition.RAISED}
        counts["believing"] += believing(flow)
        counts["leaks"] += AnomalyKind.WATER_LEAK in raised
        counts["bursts"] += AnomalyKind.WATER_BURST in raised
        meters.update(kind.value for kind in raised if kind.value.startswith("device"))
    return Told(story, areas, counts["believing"], counts["leaks"], counts["bursts"], dict(sorted(meters.items())))


def _lines(told: Sequence[Told], *, bursts: bool) -> list[str]:
    heads = ["story", "areas", "leak, believing", "leak", *(["burst"] if bursts else []), "said of the meter"]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    for one in told:
        meters = ", ".join(f"{count} {kind}" for kind, count in one.meters.items()) or "-"
        cells = [one.story, one.areas, one.believing, one.leaks, *([one.bursts] if bursts else []), meters]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables, or with ``--json`` the same as JSON."""
    parser = argparse.ArgumentParser(prog="python -m ops.score.leak_nights", description="Leaks, and meters that lie.")
    parser.add_argument("--areas", type=int, default=10, metavar="N")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args(arguments)
    alone = [tell(name, said, options.areas) for name, said in STORIES.items()]
    beside = [tell(name, said, options.areas, share) for name, (share, said) in WITH_PRESSURES.items()]
    if options.json:
        report: Any = {"one_meter": [asdict(one) for one in alone], "pressures": [asdict(one) for one in beside]}
        print(json.dumps(report))
        return
    print("\n".join([*_lines(alone, bursts=False), "", *_lines(beside, bursts=True)]))


if __name__ == "__main__":
    main()
