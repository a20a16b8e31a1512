"""``eyes score leak``: located leaks against labelled years."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from ops.score.battledim import PipeMap
from ops.score.located import PER_DAY, score, totals, write_alarms
from ops.score.ltown import read, sensed
from processors.leak.network import NetworkModel
from runtime.errors import FatalError

_SHOWN: Final = ("new_found", "new_total", "fp", "fp_per_month", "eur_pct", "median_delay_abrupt_h", "cpu_s")


def leak(
    data: Annotated[list[Path], typer.Option("--data", help="folder in the format of L-Town-R; may be given again")],
    network: Annotated[
        Path | None, typer.Option(help="EPANET file, or signatures built before; default: the .inp beside the folder")
    ] = None,
    alarms: Annotated[Path | None, typer.Option(help="write time,link of every crew sent (one folder only)")] = None,
    faults: Annotated[
        bool, typer.Option("--faults", help="lose 2 % of the readings, let two sensors stand still")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Located leak alarms against labels, by the rule of BattLeDIM 2020. Cold start.

    Figures are those of the data set's own `score.py`, with settings, CPU seconds and the size of the state at day 30
    and 365. A leak that is active at the start is not new. Needs the extras `sim` (signatures) and `data` (Parquet).

    Examples:
    - `eyes score leak --data ../shared/data/ltown/scen_1`
    - `eyes score leak --data ../shared/data/ltown/scen_1 --alarms alarms.csv --json | jq .eur_pct`
    - `eyes score leak --data scen_1 --data scen_2 --faults`
    """
    console = Console(stderr=True, highlight=False)
    if alarms is not None and len(data) > 1:
        raise FatalError("--alarms takes the alarms of one folder: give --data once")
    years = [read(folder) for folder in data]
    inp = network or _beside(data[0])
    model = _model(inp, years[0].columns, console)
    pipes = PipeMap.read(inp if inp.suffix == ".inp" else _beside(data[0]))
    results: list[dict[str, Any]] = []
    for year in years:
        with console.status(f"{year.name} ...") as status:
            days = len(year.values) // PER_DAY
            scored = score(
                year,
                model,
                pipes,
                faults=faults,
                report=lambda day, year=year, status=status, days=days: status.update(  # type: ignore[misc]
                    f"{year.name}: day {day} of {days}"
                ),
            )
        results.append(scored.figures)
        if alarms is not None:
            write_alarms(alarms, scored)
        if not as_json:
            shown = "  ".join(f"{key} {scored.figures[key]}" for key in _SHOWN)
            console.print(f"{year.name}: {shown}")
    summary = results[0] if len(results) == 1 else {"total": totals(results), "folders": results}
    if as_json:
        typer.echo(json.dumps(summary))
    elif len(results) > 1:
        typer.echo(json.dumps(totals(results)))
    else:
        typer.echo(json.dumps({key: value for key, value in results[0].items() if key != "settings"}))


def _beside(folder: Path) -> Path:
    found = sorted(folder.parent.glob("*.inp")) + sorted(folder.glob("*.inp"))
    if not found:
        raise FatalError(f"no EPANET file beside {folder}: name one with --network")
    return found[0]


def _model(path: Path, columns: tuple[str, ...], console: Console) -> NetworkModel:
    if path.suffix != ".inp":
        try:
            return NetworkModel.from_bytes(path.read_bytes())
        except ValueError as error:
            raise FatalError(f"{path}: {error}") from error
    try:
        from ops.water.signatures import network_model  # noqa: PLC0415 - its extra is needed only here

        with console.status(f"signatures of {path.name} ..."):
            return NetworkModel.from_bytes(network_model(path, sensed(columns)).to_bytes())
    except ImportError as error:
        raise FatalError(f"signatures cannot be made ({error}): pip install -e '.[sim]'") from error
