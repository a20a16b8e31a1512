"""How good the leak detector is on labelled years: ``python -m ops.score.leak DIR... [--json]``.

Each folder is in the format of L-Town-R (``scada_5min_centi.parquet`` and ``leaks.csv``). The very detector of the
pipeline is driven through its contract, cold, with every reading as an event.

- An abrupt leak is *found* when a burst is raised within 24 hours of its start; one alarm finds one leak.
- A burst that finds none is *false* when within the 72 hours before it no abrupt leak started and no growing leak
  reached its peak. Of these, the ones raised while a leak was growing are also counted on their own.
- Growing leaks have a rule and a table of their own (:mod:`ops.score.leak_growing`): one is found by an alarm that
  names a meter near it. Distances are along the network ``*.inp`` beside the folder, if one is there.
- A burst's score, taken as odds, is held against how often such alarms are not false: as it is, and by the lines in log
  odds that were fitted on all other years. Those of all years ship (:mod:`processors.detectors.leak_confidence`).
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ops.score import calibration, leak_growing, tables
from ops.score.battledim import MONTH_DAYS
from ops.score.calibration import Said
from processors.detectors.leak import LeakDetector
from processors.detectors.leak_confidence import LINES, kind_of
from processors.detectors.leak_state import LeakState
from processors.engine.contract import Clock, Reading, Series, TimerDue, ZoneEvent
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.identity import timed
from schemas.model import from_ms, to_ms
from schemas.registry import FacilityRegistered, ZoneConfigured, ZoneKind

ZONE: Final = "dma:ltown"
SHARD: Final = "ingest-0"
PA_PER_M: Final = 9_806.65
TICK_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
FOUND_WITHIN_MS: Final = 24 * HOUR_MS
EXPLAINED_WITHIN_MS: Final = 72 * HOUR_MS
STEP_MS: Final = 300_000

_LEAKS: Final = (AnomalyKind.WATER_BURST, AnomalyKind.WATER_LEAK)
_CLASSES: Final = {
    "pressure": (FacilityClass.PRESSURE_METER, "Pa"),
    "flow": (FacilityClass.FLOW_METER, "m3/h"),
    "water_level": (FacilityClass.WATER_TANK, "m"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A sensor: its facility, what it measures, and its values in the canonical unit (NaN: lost)."""

    facility: str
    observed_property: str
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Leak:
    """A labelled leak."""

    link: str
    start_ms: int
    peak_ms: int
    abrupt: bool


@dataclass(frozen=True, slots=True)
class Score:
    """What one folder gave."""

    name: str
    abrupt: int
    found: int
    median_delay_h: float | None
    alarms: int
    false_alarms: int
    false_while_growing: int
    false_per_month: float
    repairs: int
    cpu_s: float
    state_bytes: int
    said: tuple[Said, ...]
    """Of every burst raised: its score taken as odds, and whether it was not false."""
    growing: leak_growing.Growing = field(default_factory=leak_growing.Growing)
    days: float = 365.0


def series_of(zone: str, column: Column) -> Series:
    """The series of a sensor whose device is named like its facility."""
    facility_class, unit = _CLASSES[column.observed_property]
    return Series(column.facility, column.observed_property, unit, column.facility, facility_class, zone)


def _registered(zone: str, column: Column, place: Place) -> FacilityRegistered:
    facility_class, _ = _CLASSES[column.observed_property]
    meter = Facility(
        facility=column.facility,
        scheme=CodeScheme.LOCAL,
        facility_class=facility_class,
        zone=zone,
        place=place,
        devices=(DeviceBinding(device=column.facility),),
    )
    return FacilityRegistered(facility=meter)


def readings(zone: str, times_ms: Sequence[int], columns: Iterable[Column]) -> Iterator[list[Reading]]:
    """Per time step the readings that are there."""
    known = [(series_of(zone, column), column.values.tolist()) for column in columns]
    for row, at in enumerate(times_ms):
        yield [
            Reading(series, at, value, timed(at, value), 0, at, SHARD)
            for series, values in known
            if (value := values[row]) == value  # NaN is the one value that differs from itself
        ]


class Feeder:
    """Drives the detector as the engine does: events under one clock, then ticks that fire what is due."""

    def __init__(self, zone: str, detector: LeakDetector | None = None) -> None:
        """Begin cold."""
        self.detector = detector or LeakDetector()
        self.state: LeakState = self.detector.initial(zone)
        self.clock = Clock(0, {SHARD: 0})
        self.due: int | None = None
        self.findings: list[Anomaly] = []

    def take(self, events: Sequence[ZoneEvent]) -> None:
        """Fold events under the present clock."""
        outcome = self.detector.fold(self.state, events, self.clock)
        self.findings.extend(output for output in outcome.outputs if isinstance(output, Anomaly))
        for timer in outcome.timers:
            self.due = timer.at_ms

    def advance(self, to_ms: int) -> None:
        """Tick to this time."""
        while self.due is not None and self.due <= to_ms:
            now = max(self.clock.now_ms + 1, -(-self.due // TICK_MS) * TICK_MS)
            if now > to_ms:
                break
            self.clock = Clock(now, {SHARD: now})
            due, self.due = self.due, None
            self.take([TimerDue("step", due)])
        self.clock = Clock(to_ms, {SHARD: to_ms})


def run(zone: str, times_ms: Sequence[int], columns: Sequence[Column]) -> tuple[list[Anomaly], Feeder]:
    """All findings over a whole series, cold start."""
    feeder = Feeder(zone)
    place = Place(lon=113.82, lat=34.02)
    feeder.take([ZoneConfigured(zone=zone, kind=ZoneKind.DMA, place=place)])
    feeder.take([_registered(zone, column, place) for column in columns])
    for at, events in zip(times_ms, readings(zone, times_ms, columns), strict=True):
        feeder.advance(at)
        feeder.take(events)
    feeder.advance(times_ms[-1] + HOUR_MS)
    return feeder.findings, feeder


def load(folder: Path) -> tuple[list[int], list[Column], list[Leak]]:
    """Sensors (pressures in Pa, flows in m3/h, levels in m) and labels of one year."""
    import pandas as pd  # noqa: PLC0415 - only this command needs it

    frame = pd.read_parquet(folder / "scada_5min_centi.parquet")
    start = to_ms(frame.index[0].to_pydatetime().replace(tzinfo=UTC))
    times = [start + i * STEP_MS for i in range(len(frame))]
    columns = []
    for name in frame.columns:
        observed = {"P": "pressure", "F": "flow", "L": "water_level"}.get(name.split("_")[0])
        if observed is None:
            continue  # household meters: no part of this detector
        factor = PA_PER_M / 100 if observed == "pressure" else 0.01
        columns.append(Column(name, observed, np.round(frame[name].to_numpy(dtype=np.float64) * factor, 2)))
    return times, columns, _labels(folder / "leaks.csv", times[0])


def _labels(file: Path, first_ms: int) -> list[Leak]:
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()]
    names = rows[0]
    leaks = []
    for row in rows[1:]:
        entry = dict(zip(names, row, strict=True))
        start, peak = (to_ms(datetime.fromisoformat(entry[key]).replace(tzinfo=UTC)) for key in ("start", "peak"))
        if start >= first_ms:
            leaks.append(Leak(entry["link"], start, peak, entry["type"] == "abrupt"))
    return leaks


def match(raised_ms: Sequence[int], leaks: Sequence[Leak]) -> tuple[dict[str, int], list[int]]:
    """Delay in ms of each abrupt leak found (by link), and the times of the alarms that found none."""
    found: dict[str, int] = {}
    others = []
    for at in raised_ms:
        news = [k for k in leaks if k.abrupt and k.link not in found and 0 <= at - k.start_ms <= FOUND_WITHIN_MS]
        if news:
            newest = max(news, key=lambda leak: leak.start_ms)
            found[newest.link] = at - newest.start_ms
        else:
            others.append(at)
    return found, others


def is_false(at: int, leaks: Sequence[Leak]) -> bool:
    """Whether nothing began within the 72 hours before this alarm."""
    return not any(0 <= at - (leak.start_ms if leak.abrupt else leak.peak_ms) <= EXPLAINED_WITHIN_MS for leak in leaks)


def said(score: float, flow: float, right: bool) -> Said:  # noqa: FBT001 - rows of a table
    """An alarm whose score is taken as odds: so many to one."""
    return Said(kind_of(flow), score / (1.0 + score), right)


def score(folder: Path, *, verbose: bool = False) -> Score:
    """Run the detector over one folder."""
    times, columns, leaks = load(folder)
    began = time.process_time()
    findings, feeder = run(ZONE, times, columns)
    cpu = time.process_time() - began
    findings = [f for f in findings if f.kind in _LEAKS]  # what is said of meters is no alarm
    first = [f for f in findings if f.transition is Transition.RAISED]
    bursts, slow = ([f for f in first if f.kind is kind] for kind in _LEAKS)
    raised = [to_ms(f.at) for f in bursts]
    found, others = match(raised, leaks)
    false = [at for at in others if is_false(at, leaks)]
    growing = [at for at in false if any(not k.abrupt and k.start_ms <= at <= k.peak_ms for k in leaks)]
    if verbose:
        _tell(findings, leaks, found, false)
    days = (times[-1] - times[0]) / (24 * HOUR_MS)
    return Score(
        name=folder.name,
        abrupt=sum(leak.abrupt for leak in leaks),
        found=len(found),
        median_delay_h=round(statistics.median(found.values()) / HOUR_MS, 2) if found else None,
        alarms=len(raised),
        false_alarms=len(false),
        false_while_growing=len(growing),
        false_per_month=round(len(false) / days * MONTH_DAYS, 2),
        repairs=sum(f.transition is Transition.CLEARED and f.kind is AnomalyKind.WATER_BURST for f in findings),
        cpu_s=round(cpu, 1),
        state_bytes=len(feeder.detector.snapshot(feeder.state)),
        said=tuple(said(f.numbers["score"], f.numbers["extra_flow_m3h"], to_ms(f.at) not in false) for f in bursts),
        growing=_growing(folder, slow, leaks, [column.facility for column in columns]),
        days=days,
    )


def _growing(
    folder: Path, raised: Sequence[Anomaly], leaks: Sequence[Leak], columns: Sequence[str]
) -> leak_growing.Growing:
    meters = [name for name in columns if name.startswith("P")]
    network = min(folder.resolve().parent.glob("*.inp"), default=None)
    alarms = [leak_growing.Alarm(to_ms(one.at), one.facility or "") for one in raised]
    return leak_growing.judge(alarms, leaks, meters, leak_growing.nearness(network, meters) if network else None)


def _tell(findings: Sequence[Anomaly], leaks: Sequence[Leak], found: Mapping[str, int], false: Sequence[int]) -> None:
    for finding in findings:
        mark = "FALSE" if finding.transition is Transition.RAISED and to_ms(finding.at) in false else ""
        print(f"  {finding.at:%m-%d %H:%M} {finding.transition:8} {mark:5} {finding.numbers} {finding.summary}")
    for leak in leaks:
        if leak.abrupt and leak.link not in found:
            print(f"  missed {leak.link} {from_ms(leak.start_ms):%m-%d %H:%M}")


def _table(scores: Sequence[Score]) -> str:
    heads = f"{'found':>7} {'delay h':>8} {'alarms':>7} {'false':>6} {'growing':>8} {'a month':>8} {'cpu s':>6}"
    lines = [f"{'year':12} {heads}"]
    for s in scores:
        delay = "-" if s.median_delay_h is None else f"{s.median_delay_h:.2f}"
        lines.append(
            f"{s.name:12} {f'{s.found}/{s.abrupt}':>7} {delay:>8} {s.alarms:>7} {s.false_alarms:>6} "
            f"{s.false_while_growing:>8} {s.false_per_month:>8.2f} {s.cpu_s:>6.1f}"
        )
    found, abrupt = sum(s.found for s in scores), sum(s.abrupt for s in scores)
    delays = [s.median_delay_h for s in scores if s.median_delay_h is not None]
    lines.append(
        f"{'all':12} {f'{found}/{abrupt}':>7} {statistics.median(delays) if delays else 0:>8.2f} "
        f"{sum(s.alarms for s in scores):>7} {sum(s.false_alarms for s in scores):>6} "
        f"{sum(s.false_while_growing for s in scores):>8} "
        f"{statistics.mean(s.false_per_month for s in scores):>8.2f} {sum(s.cpu_s for s in scores):>6.1f}"
    )
    return "\n".join(lines)


def _reliability(found: Mapping[str, Any]) -> str:
    fitted = ", ".join(f"{kind} {list(line)}" for kind, line in found["fitted_on_all"].items())
    heads = {
        "as_searched": "bursts, with the score as odds",
        "calibrated": "each year by the lines of all others",
        "fitted": f"by the lines of all, constant and slope: {fitted}",
    }
    lines = []
    for name, head in heads.items():
        one = found[name]
        lines += ["", f"{head}: off by {one['error']} on average, Brier score {one['brier']}"]
        lines.append(tables.of_confidence(one["table"]))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or with ``--json`` the same as JSON."""
    parser = argparse.ArgumentParser(prog="python -m ops.score.leak", description="Score the leak detector.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument("--verbose", action="store_true", help="every finding and every leak that was missed")
    options = parser.parse_args(arguments)
    scores = []
    for folder in options.folders:
        if not (folder / "leaks.csv").is_file():
            sys.exit(f"{folder}: no leaks.csv there; give the folder of a labelled year, e.g. ltown_2018")
        scores.append(score(folder, verbose=options.verbose))
    reliability = calibration.left_out([s.said for s in scores], tuple(LINES))
    if options.json:
        print(json.dumps({"years": [asdict(s) for s in scores], "reliability": reliability}))
        return
    print(_table(scores))
    print(leak_growing.table([(s.name, s.growing, s.false_alarms, s.days) for s in scores]))
    if len(scores) > 1:
        print(_reliability(reliability))


if __name__ == "__main__":
    main()
