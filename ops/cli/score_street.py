"""``eyes score street``: all detectors of the street, against a simulated city whose truth is known."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.score.street.result import KindScore
from ops.score.street.run import StreetScore, score_city
from ops.simulate.city.city import City


def street(
    *,
    seed: Annotated[int, typer.Option(help="of the city; report on seeds that nothing was fitted on")] = 1,
    facilities: Annotated[int, typer.Option(min=1, max=200_000, help="at least so many")] = 1_000,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long")] = 2,
    noise: Annotated[float, typer.Option(min=0.0, max=5.0, help="0.5, 1 or 2 times as much goes wrong")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Precision, recall and delay of every kind of finding on a simulated city.

    The messages go through the decoders, the registry look-up and the normalisation of ingest and through the composed
    fold of all detectors, in this process. A finding is right when it is of the same kind and facility and was raised
    between the begin of the matter and 30 minutes after its end, one to one (docs/street-score.md).

    Examples:
    - `eyes score street --seed 101 --facilities 2000 --days 3`
    - `eyes score street --seed 101 --noise 2 --json | jq .kinds.cover_open`
    """
    console = Console(stderr=True, highlight=False)
    city = City(seed, facilities, days, noise)
    with console.status("laying out the city ...") as line:
        score = score_city(city, line.update)
    if as_json:
        print(json.dumps(score.as_json()))
    else:
        _show(score)


def _show(score: StreetScore) -> None:
    console = Console(highlight=False)
    result = score.as_json()
    table = Table(title=f"Seed {score.city.seed}: {result['facilities']:,} facilities, {score.city.days} days")
    table.add_column("kind")
    for name in ("truth", "found", "recall", "precision", "p50", "p95", "false", "near-misses", "unseen"):
        table.add_column(name, justify="right")
    for kind, one in score.kinds.items():
        table.add_row(kind.value, *_cells(one))
    console.print(table)
    console.print(
        f"false alarms per 1,000 facilities and day: {result['false_alarms_per_1000_facilities_per_day']:g}; "
        f"{result['messages']:,} messages, {result['events']:,} events, {result['cpu_s']:g} CPU s of the fold "
        f"({result['cpu_s_per_million_events']:g} per million)"
    )
    if score.driven.refused or score.driven.unknown:
        console.print(
            f"{score.driven.refused} messages refused, {score.driven.unknown} of unknown devices", style="red"
        )
    if score.driven.poison:
        console.print(f"{score.driven.poison} events were poison to a detector", style="red")


def _cells(one: KindScore) -> list[str]:
    near = f"{one.near_false}/{one.near_misses}" if one.near_misses else ""
    tail = [str(one.false) if one.false else "", near, str(one.unseen) if one.unseen else ""]
    if not one.detected:
        return [str(one.truth), "", "no detector", "", "", "", *tail]
    delays = [_seconds(one.delay_s(0.5)), _seconds(one.delay_s(0.95))]
    return [str(one.truth), str(one.found), _share(one.recall), _share(one.precision), *delays, *tail]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f} s"
