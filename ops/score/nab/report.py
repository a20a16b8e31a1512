"""The detector's scores beside the published ones, as a table and as JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from ops.score.nab.corpus import LabelledSeries
from ops.score.nab.detect import Run
from ops.score.nab.leaderboard import PUBLISHED, SOURCE
from ops.score.nab.scoring import PROFILES, Profile, Result, at, best, mark

OURS = "Digital Eyes novelty"


class Judged(NamedTuple):
    """A profile's best threshold over the corpus, and what it gives in each file (which is no score of its own)."""

    profile: Profile
    all: Result
    files: tuple[tuple[LabelledSeries, Result], ...]


def judge(corpus: Sequence[LabelledSeries], scores: Sequence[Sequence[float]], profile: Profile) -> Judged:
    """One threshold for everything, as the benchmark does it."""
    whole = best(mark(scores, [series.windows for series in corpus]), profile)
    files = tuple(
        (series, at(mark([said], [series.windows]), profile, whole.threshold))
        for series, said in zip(corpus, scores, strict=True)
    )
    return Judged(profile, whole, files)


def as_json(judged: Sequence[Judged], run: Run, *, files: bool) -> dict[str, Any]:
    """For programs; ``files`` adds what each file gave."""
    return {
        "profiles": {one.profile.name: _result(one.all) for one in judged},
        "readings": run.readings,
        "cpu_s": round(run.cpu_s, 2),
        "us_per_reading": round(run.us_per_reading, 2),
        "published": {
            entry.detector: dict(zip((p.name for p in PROFILES), entry[1:], strict=True)) for entry in PUBLISHED
        },
        "source": SOURCE,
        **({"files": {one.profile.name: _files(one) for one in judged}} if files else {}),
    }


def _result(result: Result) -> dict[str, Any]:
    return result._asdict() | {
        "score": round(result.score, 2),
        "points": round(result.points, 2),
        "threshold": round(result.threshold, 6),
    }


def _files(judged: Judged) -> dict[str, Any]:
    return {
        series.name: {"windows": result.windows, "found": result.found, "false": result.false}
        for series, result in judged.files
    }


def show(judged: Sequence[Judged], run: Run, console: Console, *, files: bool) -> None:
    """For a person: the leaderboard with us in our place, then the files if asked for."""
    shown = [one.profile for one in judged]
    table = Table(title="Numenta Anomaly Benchmark", caption=f"published: {SOURCE}")
    table.add_column("detector")
    for profile in shown:
        table.add_column(profile.name, justify="right")
    columns = [1 + PROFILES.index(profile) for profile in shown]
    rows = [(entry.detector, [float(entry[column]) for column in columns]) for entry in PUBLISHED]
    rows.append((OURS, [one.all.score for one in judged]))
    for name, scores in sorted(rows, key=lambda row: -row[1][0]):
        table.add_row(name, *(f"{score:.2f}" for score in scores), style="bold" if name == OURS else None)
    console.print(table)
    for one in judged:
        result = one.all
        console.print(
            f"{one.profile.name}: {result.found} of {result.windows} windows found, {result.false} false alarms, "
            f"threshold {result.threshold:.3f}"
        )
    console.print(
        f"{run.readings:,} readings, {run.cpu_s:.1f} CPU s, {run.us_per_reading:.1f} us a reading", style="dim"
    )
    if files:
        for one in judged:
            console.print(_table(one))


def _table(judged: Judged) -> Table:
    table = Table(title=f"{judged.profile.name}, file by file")
    table.add_column("file")
    for name in ("readings", "windows", "found", "false"):
        table.add_column(name, justify="right")
    for series, result in judged.files:
        table.add_row(series.name, str(len(series.values)), str(result.windows), str(result.found), str(result.false))
    return table
