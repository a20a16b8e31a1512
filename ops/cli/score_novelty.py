"""``eyes score novelty``: the novelty detector on the Numenta Anomaly Benchmark."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ops.score.nab.corpus import CorpusError, LabelledSeries, load
from ops.score.nab.crossval import Validation, cross_validate, show_validation, validation_as_json
from ops.score.nab.detect import Run, detect, verdicts
from ops.score.nab.plot import plot
from ops.score.nab.report import as_json, judge, show
from ops.score.nab.scoring import PROFILES
from runtime.errors import FatalError

TYPICAL: Final = "realKnownCause/nyc_taxi.csv"
COLUMNS: Final = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())


class ProfileName(StrEnum):
    """The benchmark's profiles; ``all`` is every one of them."""

    ALL = "all"
    STANDARD = "standard"
    LOW_FP = "reward_low_FP_rate"
    LOW_FN = "reward_low_FN_rate"


def novelty(
    data: Annotated[Path, typer.Option(metavar="DIR", help="the benchmark's folder, with data/ and labels/")],
    profile: Annotated[ProfileName, typer.Option(help="what mistakes weigh")] = ProfileName.ALL,
    files: Annotated[bool, typer.Option("--files", help="also what each file gave")] = False,
    cross: Annotated[
        bool,
        typer.Option("--cross-validate", help="tune anew without each part of the files; takes ten minutes or more"),
    ] = False,
    plot_to: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="draw one series and its alarms as SVG")
    ] = None,
    series: Annotated[str, typer.Option(help="which one to draw")] = TYPICAL,
    as_json_: Annotated[bool, typer.Option("--json", help="print everything as JSON")] = False,
) -> None:
    """Score the novelty detector on the Numenta Anomaly Benchmark, beside the published leaderboard.

    By the benchmark's own rule: sigmoidal windows, one threshold per profile over all files, 15 % probation, from 0 for
    a silent detector to 100 for a perfect one. The detector sees each file once, in order, and never its minimum and
    maximum, which the benchmark would allow.

    Examples:
    - `eyes score novelty --data ../shared/data/nab`
    - `eyes score novelty --data ../shared/data/nab --profile standard --files`
    - `eyes score novelty --data ../shared/data/nab --json | jq .profiles.standard.score`
    - `eyes score novelty --data ../shared/data/nab --plot taxi.svg --series realKnownCause/nyc_taxi.csv`
    """
    console = Console(highlight=False)
    try:
        corpus = load(data)
    except CorpusError as error:
        raise FatalError(str(error)) from error
    drawn = _named(corpus, series) if plot_to else None
    run = _detect(corpus)
    wanted = [one for one in PROFILES if profile in {ProfileName.ALL, one.name}]
    judged = [judge(corpus, run.scores, one) for one in wanted]
    validation = _validate(corpus) if cross else None
    if plot_to and drawn:
        plot_to.write_text(plot(drawn, verdicts(drawn), judged[0].all.threshold), encoding="utf-8")
    if as_json_:
        said = as_json(judged, run, files=files)
        print(json.dumps(said | ({"cross_validation": validation_as_json(validation)} if validation else {})))
        return
    show(judged, run, console, files=files)
    if validation:
        show_validation(validation, console)


def _named(corpus: list[LabelledSeries], name: str) -> LabelledSeries:
    for one in corpus:
        if one.name == name:
            return one
    raise FatalError(f"no series {name!r}; for example: {', '.join(one.name for one in corpus[:3])}")


def _progress() -> Progress:
    return Progress(*COLUMNS, console=Console(stderr=True, highlight=False), transient=True)


def _detect(corpus: list[LabelledSeries]) -> Run:
    with _progress() as bar:
        task = bar.add_task("judging", total=sum(len(one.values) for one in corpus))
        return detect(corpus, progress=lambda readings: bar.advance(task, readings))


def _validate(corpus: list[LabelledSeries]) -> list[Validation]:
    with _progress() as bar:
        task = bar.add_task("tuning", total=None)
        return cross_validate(
            corpus, lambda what, done, of: bar.update(task, description=what, completed=done, total=of)
        )
