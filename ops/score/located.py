"""How good located leak alarms are on labelled years: the very fold, cold, every reading in order."""

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from ops.score.battledim import PipeMap, Sent, figures, judge
from ops.score.calibration import Said
from ops.score.faults import as_they_come, lost_and_stuck
from ops.score.ltown import STEP_S, Year
from processors.leak.core import LeakCore
from processors.leak.incidents import REPAIRED, Alarm
from processors.leak.network import NetworkModel
from processors.leak.settings import SHIPPED, Settings
from runtime.errors import FatalError

PER_DAY: Final = 86_400 // STEP_S
_SIZED: Final = (30, 365)


@dataclass(frozen=True, slots=True)
class Scored:
    """The alarms of a year with their pipes' names, and the figures they came to."""

    alarms: list[tuple[Alarm, str]]
    figures: dict[str, Any]
    said: list[Said]
    """Every crew sent: how sure, and whether a leak was there."""


def score(
    year: Year,
    network: NetworkModel,
    pipes: PipeMap,
    settings: Settings = SHIPPED,
    *,
    faults: bool = False,
    fault_seed: int = 1,
    report: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Run a year and judge it; ``report`` is told each day that is done.

    ``fault_seed``: which ticks are lost, and which readings late, with ``faults``.

    Raises:
        FatalError: the year lacks a sensor the network model names.
    """
    core = LeakCore(network, settings, STEP_S)
    missing = [name for name in core.sensors if name not in year.columns]
    if missing:
        raise FatalError(f"{year.name} has no column {missing[0]}, which the network model reads")
    wanted = [year.columns.index(name) for name in core.sensors]
    values = year.values[:, wanted]
    ticks = (
        as_they_come(lost_and_stuck(values, fault_seed), year.first, core.sensors, fault_seed + 1)
        if faults
        else enumerate(values, year.first)
    )
    alarms: list[tuple[Alarm, str]] = []
    sizes: dict[str, int | None] = {f"state_bytes_day_{day}": None for day in _SIZED}
    began = time.process_time()
    day = 0
    for tick, reading in ticks:
        alarms += [(alarm, network.pipes[alarm.pipe]) for alarm in core.tick(tick, reading)]
        if (tick + 1 - year.first) // PER_DAY > day:  # the last tick of a day may be lost
            day = (tick + 1 - year.first) // PER_DAY
            if day in _SIZED:
                sizes[f"state_bytes_day_{day}"] = len(core.to_bytes())
            report(day)
    cpu = time.process_time() - began
    sent = [Sent(alarm.tick - year.first, link) for alarm, link in alarms if alarm.kind != REPAIRED]
    wrong = judge(sent, year.leaks, pipes).false
    return Scored(
        alarms,
        {
            "name": year.name,
            **figures(sent, year.leaks, pipes, len(values)),
            "faults": faults,
            "fault_seed": fault_seed if faults else None,
            "settings": asdict(settings),
            "cpu_s": round(cpu, 1),
            **sizes,
        },
        [
            Said(alarm.kind, alarm.sure, Sent(alarm.tick - year.first, link) not in wrong)
            for alarm, link in alarms
            if alarm.kind != REPAIRED
        ],
    )


def write_alarms(path: Path, scored: Scored) -> None:
    """Write ``time,link`` as the data set's scorer reads them: every crew sent, no repairs."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "link"])
        for alarm, link in scored.alarms:
            if alarm.kind != REPAIRED:
                moment = datetime.fromtimestamp(alarm.tick * STEP_S, UTC)
                writer.writerow([moment.strftime("%Y-%m-%d %H:%M"), link])


def totals(years: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several years as one: sums of leaks, means of shares."""
    new, total = sum(y["new_found"] for y in years), sum(y["new_total"] for y in years)
    return {
        "years": len(years),
        "new_found": new,
        "new_total": total,
        "fp": sum(y["fp"] for y in years),
        "new_found_pct": round(100 * new / max(total, 1), 1),
        "fp_per_month": round(float(np.mean([y["fp_per_month"] for y in years])), 2),
        "eur_pct": round(100 * sum(y["eur"] for y in years) / sum(y["eur_perfect"] for y in years), 1),
        "worst_eur_pct": min(y["eur_pct"] for y in years),
    }
