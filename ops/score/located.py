"""How good located leak alarms are on labelled years: the pipeline's own detector, cold, every reading an event."""

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np

from ops.bench.yardstick import yardstick_s
from ops.score.battledim import PipeMap, Sent, figures, judge
from ops.score.calibration import Said
from ops.score.driven import LEAKS, Driven, Told, rows, told
from ops.score.faults import late, lost_and_stuck
from ops.score.ltown import STEP_S, Year
from processors.leak.network import NetworkModel, sensors_of
from processors.leak.settings import SHIPPED, Settings
from runtime.errors import FatalError
from schemas.anomaly import Transition

PER_DAY: Final = 86_400 // STEP_S
PER_HOUR: Final = PER_DAY // 24
_SIZED: Final = (30, 365)


@dataclass(frozen=True, slots=True)
class Scored:
    """What was said of leaks in a year, and the figures its alarms came to."""

    told: list[Told]
    """All of it: raised, said again, cleared."""
    figures: dict[str, Any]
    said: list[Said]
    """Every crew sent: how sure, and whether a leak was there."""


def score(
    year: Year,
    network: NetworkModel,
    pipes: PipeMap,
    settings: Settings = SHIPPED,
    *,
    fault_seed: int | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Run a year and judge it; ``report`` is told each day that is done.

    ``fault_seed``: with faults; which ticks are lost, and which readings late.

    Raises:
        FatalError: the year lacks a sensor the network model names.
    """
    wanted = sensors_of(network)
    missing = [name for name in wanted if name not in year.columns]
    if missing:
        raise FatalError(f"{year.name} has no column {missing[0]}, which the network model reads")
    values = year.values[:, [year.columns.index(name) for name in wanted]]
    driven = Driven(network, settings)
    if fault_seed is not None:
        whole = rows(network, lost_and_stuck(values, fault_seed), year.first)
        ticks = late(whole, len(wanted), fault_seed + 1)
    else:
        ticks = rows(network, values, year.first)
    sizes: dict[str, int | None] = {f"state_bytes_day_{day}": None for day in _SIZED}
    spent, yardsticks = 0.0, [yardstick_s()]
    hours = (list(islice(ticks, PER_HOUR)) for _ in count())
    for hour, readings in enumerate(takewhile(bool, hours), 1):
        began = time.process_time()  # readings are made outside: meters do that, and ingest
        driven.live(readings)
        spent += time.process_time() - began
        day, more = divmod(hour, 24)
        if more:
            continue
        if day in _SIZED:
            sizes[f"state_bytes_day_{day}"] = driven.state_bytes
            yardsticks.append(yardstick_s())
        report(day)
    driven.close()
    yardsticks.append(yardstick_s())
    lived, meters = told(driven.findings), [one for one in driven.findings if one.kind not in LEAKS]
    alarms = [one for one in lived if one.transition is Transition.RAISED]
    sent = [Sent(alarm.tick - year.first, alarm.pipe) for alarm in alarms]
    wrong = judge(sent, year.leaks, pipes).false
    return Scored(
        lived,
        {
            "name": year.name,
            **figures(sent, year.leaks, pipes, len(values)),
            "updates": sum(one.transition is Transition.UPDATED for one in lived),
            "repairs": sum(one.transition is Transition.CLEARED for one in lived),
            "meters_doubted": sum(one.transition is Transition.RAISED for one in meters),
            "faults": fault_seed is not None,
            "fault_seed": fault_seed,
            "settings": asdict(settings),
            "cpu_s": round(spent, 1),
            "yardstick_s": round(sum(yardsticks) / len(yardsticks), 4),
            **sizes,
        },
        [Said(alarm.kind, alarm.sure, one not in wrong) for alarm, one in zip(alarms, sent, strict=True)],
    )


def write_alarms(path: Path, scored: Scored) -> None:
    """Write ``time,link`` as the data set's scorer reads them: every crew sent, no repairs."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "link"])
        for one in scored.told:
            if one.transition is Transition.RAISED:
                moment = datetime.fromtimestamp(one.tick * STEP_S, UTC)
                writer.writerow([moment.strftime("%Y-%m-%d %H:%M"), one.pipe])


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
        "worst_year": min(years, key=lambda y: float(y["eur_pct"]))["name"],
        "best_eur_pct": max(y["eur_pct"] for y in years),
        "best_year": max(years, key=lambda y: float(y["eur_pct"]))["name"],
    }
