"""``eyes score leak``: located leaks against labelled years."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from ops.plots.located import first_burst
from ops.score import drift, tables
from ops.score.battledim import PipeMap
from ops.score.located import PER_DAY, Scored, score, totals, write_alarms
from ops.score.ltown import columns, read, sensed, years_in
from ops.score.years import Bench, Job, cross_validate, run_all, with_faults
from processors.leak.network import NetworkModel
from processors.leak.settings import SHIPPED
from runtime.errors import FatalError

_SHOWN: Final = ("new_found", "new_total", "fp", "fp_per_month", "eur_pct", "median_delay_abrupt_h", "cpu_s")
_LEAST_YEARS: Final = 3


def leak(
    data: Annotated[
        list[Path], typer.Option("--data", help="folder in the format of L-Town-R, or of such folders; may be repeated")
    ],
    network: Annotated[
        Path | None, typer.Option(help="EPANET file, or signatures built before; default: the .inp beside the folder")
    ] = None,
    alarms: Annotated[Path | None, typer.Option(help="write time,link of every crew sent (one folder only)")] = None,
    faults: Annotated[
        bool, typer.Option("--faults", help="2 % of ticks lost, disorder within 10 min, a sensor stuck for a week")
    ] = False,
    fault_seed: Annotated[int, typer.Option(min=0, help="which ticks are lost, and which readings late")] = 1,
    fault_seeds: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="a table of every year without faults and with each seed")
    ] = None,
    crossed: Annotated[
        bool,
        typer.Option("--cross-validate", help="leave one year out: settings and confidence chosen on the other years"),
    ] = False,
    drifts: Annotated[
        bool, typer.Option("--drift", help="the first 60 days, with each inlet's meter drifting at several rates")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(help="write a picture (SVG) of the first burst raised, and no figures (one folder only)"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="processes to run several years in")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Located leak alarms against labels, by the rule of BattLeDIM 2020. Cold start.

    Figures are those of the data set's own `score.py`, with settings, CPU seconds and the size of the state at day 30
    and 365. A leak that is active at the start is not new. Needs the extras `sim` (signatures) and `data` (Parquet).

    Examples:
    - `eyes score leak --data ../shared/data/ltown/scen_1`
    - `eyes score leak --data ../shared/data/ltown/scen_1 --alarms alarms.csv --json | jq .eur_pct`
    - `eyes score leak --data ../shared/data/ltown --faults --fault-seed 2` runs every year of the folder
    - `eyes score leak --data ../shared/data/ltown --fault-seeds 1,2,3` prints a table
    - `eyes score leak --data ../shared/data/ltown --cross-validate` tries some sets: half an hour
    - `eyes score leak --data ../shared/data/ltown/scen_2 --drift`
    - `eyes score leak --data ../shared/data/ltown/scen_2 --plot burst.svg` shows what a burst is seen by
    """
    console = Console(stderr=True, highlight=False)
    folders = [year for folder in data for year in years_in(folder)]
    if (alarms is not None or plot is not None) and (len(folders) > 1 or crossed):
        raise FatalError("--alarms and --plot take the alarms of one folder: give --data once")
    if crossed and (len(folders) < _LEAST_YEARS or faults or fault_seeds is not None):
        raise FatalError("--cross-validate needs at least three years, without faults")
    seeds = _seeds(fault_seeds)
    inp = network or _beside(folders[0])
    distances = inp if inp.suffix == ".inp" else _beside(folders[0])
    model = _model(inp, folders[0], console)
    if plot is not None:
        plot.write_text(first_burst(read(folders[0]), model).svg(), encoding="utf-8")
        console.print(f"wrote {plot}")
        return
    if drifts:
        _tell_drifts(folders, model, PipeMap.read(distances), console, as_json=as_json)
        return
    job_seed = fault_seed if faults else None
    if len(folders) == 1 and not seeds:
        scored = _one(Job(folders[0], "shipped", SHIPPED, job_seed), model, distances, console)
        _tell_one(scored, alarms, as_json=as_json)
        return
    bench = Bench(model.to_bytes(), distances)

    def told(job: Job, scored: Scored, done: int, of: int) -> None:
        shown = "  ".join(f"{key} {scored.figures[key]}" for key in _SHOWN)
        console.print(f"{done} of {of}: {job.folder.name}, {job.name}: {shown}", soft_wrap=True)

    if crossed:
        _tell_crossed(cross_validate(bench, folders, jobs, told), console, as_json=as_json)
    elif seeds:
        plain, faulty = with_faults(bench, folders, seeds, jobs, told)
        typer.echo(json.dumps({"plain": plain, "faulty": faulty}) if as_json else tables.of_faults(plain, faulty))
    else:
        _tell_years(
            bench, [Job(folder, "shipped", SHIPPED, job_seed) for folder in folders], jobs, told, as_json=as_json
        )


def _tell_years(
    bench: Bench, wanted: list[Job], processes: int, told: Callable[[Job, Scored, int, int], None], *, as_json: bool
) -> None:
    found: dict[str, dict[str, Any]] = {}
    for job, scored in run_all(bench, wanted, processes):
        found[job.folder.name] = scored.figures
        told(job, scored, len(found), len(wanted))
    ordered = [found[job.folder.name] for job in wanted]
    typer.echo(json.dumps({"total": totals(ordered), "folders": ordered} if as_json else totals(ordered)))


def _tell_crossed(result: dict[str, Any], console: Console, *, as_json: bool) -> None:
    typer.echo(json.dumps(result if as_json else result["total"]))
    if not as_json:
        typer.echo(tables.of_sets(result["sets"], [year["chosen"] for year in result["years"]]))
        _tell_confidence(result["confidence"], console)


def _seeds(text: str | None) -> list[int]:
    try:
        return [] if text is None else [int(seed) for seed in text.split(",")]
    except ValueError as error:
        raise FatalError(f"--fault-seeds {text}: whole numbers with commas between them, e.g. 1,2,3") from error


def _one(job: Job, model: NetworkModel, distances: Path, console: Console) -> Scored:
    year = read(job.folder)
    days = len(year.values) // PER_DAY
    with console.status(f"{year.name} ...") as status:
        return score(
            year,
            model,
            PipeMap.read(distances),
            fault_seed=job.fault_seed,
            report=lambda day: status.update(f"{year.name}: day {day} of {days}"),
        )


def _tell_one(scored: Scored, alarms: Path | None, *, as_json: bool) -> None:
    if alarms is not None:
        write_alarms(alarms, scored)
    shown = {key: value for key, value in scored.figures.items() if as_json or key != "settings"}
    typer.echo(json.dumps(shown))


def _tell_drifts(folders: list[Path], model: NetworkModel, pipes: PipeMap, console: Console, *, as_json: bool) -> None:
    with console.status("drifting meters ...") as status:
        found, likes = drift.runs([read(folder) for folder in folders], model, pipes, status.update)
    if as_json:
        typer.echo(json.dumps({"rows": [asdict(row) for row in found], "alike": [one._asdict() for one in likes]}))
        return
    typer.echo(drift.table(found))
    for one in likes:
        typer.echo(f"{one.meter}: {one.pipes} pipes, {one.metres:.0f} m ({one.share:.1%}) look like its drift")


def _tell_confidence(confidence: dict[str, Any], console: Console) -> None:
    for name in ("as_searched", "calibrated"):
        console.print(f"confidence {name}: off by {confidence[name]['error']} on average")
        for row in confidence[name]["table"]:
            console.print(
                f"  {row['from']:.0%} to {row['to']:.0%}: {row['alarms']} alarms, said {row['said']:.0%}, "
                f"right {row['right']:.0%}"
            )
    console.print(f"fitted on all years: {confidence['fitted_on_all']}")


def _beside(folder: Path) -> Path:
    found = sorted(folder.parent.glob("*.inp")) + sorted(folder.glob("*.inp"))
    if not found:
        raise FatalError(f"no EPANET file beside {folder}: name one with --network")
    return found[0]


def _model(path: Path, year: Path, console: Console) -> NetworkModel:
    if path.suffix != ".inp":
        try:
            return NetworkModel.from_bytes(path.read_bytes())
        except ValueError as error:
            raise FatalError(f"{path}: {error}") from error
    try:
        from ops.water.signatures import network_model  # noqa: PLC0415 - its extra is needed only here

        with console.status(f"signatures of {path.name} ..."):
            return NetworkModel.from_bytes(network_model(path, sensed(columns(year))).to_bytes())
    except ImportError as error:
        raise FatalError(f"signatures cannot be made ({error}): pip install -e '.[sim]'") from error
