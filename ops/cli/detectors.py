"""``eyes detectors``: verdicts on findings, and what they say of detectors."""

import getpass
import json
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.cli.moment import FindingsFrom, FindingsTo
from ops.database.migrate import connect
from ops.explained import kafka_explained
from ops.verdicts.give import find, give
from ops.verdicts.read import judged
from ops.verdicts.report import ENOUGH, Report, Tally
from ops.verdicts.report import report as reckon
from runtime.settings import load_settings

app = typer.Typer(help="How good detectors are, by what people found on the spot.", no_args_is_help=True)
console = Console()

ZONES_SHOWN = 20


@app.command()
def verdict(
    finding: Annotated[str, typer.Argument(metavar="ID", help="of the finding, or its first digits")],
    *,
    real: Annotated[bool, typer.Option("--real/--not-real", help="whether the matter was there")],
    reason: Annotated[str | None, typer.Option(help="why, in your words")] = None,
    by: Annotated[str | None, typer.Option(help="who says so; default: your user name", show_default=False)] = None,
) -> None:
    """Say whether the matter of a finding was real. A later verdict on the same finding replaces it.

    Examples:
    - `eyes detectors verdict 6f1d3a52 --not-real --reason "a bin lid, no fire"`
    - `eyes detectors verdict 6f1d3a52 --real --by "patrol 7"`
    """
    settings = load_settings()
    with connect(settings.database) as connection:
        wanted = find(connection, finding)
    with kafka_explained(settings.kafka):
        given = give(settings, wanted, real=real, by=by or getpass.getuser(), reason=reason)
    console.print(f"{wanted}: {'real' if given.real else 'not real'}, says {given.by}", highlight=False, markup=False)


@app.command()
def report(
    begin: FindingsFrom = None,
    end: FindingsTo = None,
    detector: Annotated[str | None, typer.Option(help="only this one")] = None,
    zone: Annotated[str | None, typer.Option(help="only findings of this zone")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON")] = False,
) -> None:
    """Show how many findings were real, per detector, rule, kind and zone, and which threshold told them apart.

    Precision is the share of the judged findings that were real, with its interval of 95 %. A threshold is suggested
    by the numbers that findings carry, where at least three of a kind were real and three were not: it would have kept
    every real one and dropped the most of the others.

    Examples:
    - `eyes detectors report`
    - `eyes detectors report --detector parking --from 2026-11-01`
    - `eyes detectors report --json | jq .suggestions`
    """
    with connect(load_settings().database) as connection:
        found = reckon(judged(connection, begin=begin, end=end, detector=detector, zone=zone))
    if as_json:
        print(json.dumps(found.figures()))
        return
    _show(found)


def _show(found: Report) -> None:
    if not found.detectors:
        console.print("nothing was found in this time", highlight=False)
        return
    _table("Detectors", ("detector",), found.detectors)
    _table("Rules", ("detector", "rule"), found.rules)
    _table("Kinds", ("detector", "kind"), found.kinds)
    spoken_of = {key: tally for key, tally in found.zones.items() if tally.not_real}
    worst = sorted(spoken_of.items(), key=lambda one: (-one[1].not_real, one[0]))[:ZONES_SHOWN]
    if worst:
        _table("Zones with most that was not real", ("detector", "rule", "zone"), dict(worst))
    for one in found.suggestions:
        keep = "at least" if one.at_least else "at most"
        hint = f" ({', '.join(one.parameters)})" if one.parameters else ""
        console.print(
            f"{one.kind}: {one.number} {keep} {one.threshold:g}{hint} would have kept all {one.real} real ones and "
            f"dropped {one.dropped} of {one.not_real} others; try it on the past: eyes replay",
            highlight=False,
            markup=False,
        )
    if not found.suggestions:
        text = f"no threshold is suggested: that needs {ENOUGH} verdicts of either sort on a kind, and a number between"
        console.print(text, style="dim", highlight=False)


def _table(title: str, names: tuple[str, ...], rows: Mapping[tuple[str, ...], Tally]) -> None:
    table = Table(*names, "findings", "real", "not real", "precision", "95 %", title=title)
    for key, tally in rows.items():
        between = tally.between
        table.add_row(
            *(escape(one or "(none)") for one in key),
            *(f"{tally.findings:,}", f"{tally.real:,}", f"{tally.not_real:,}"),
            "" if tally.precision is None else f"{tally.precision:.3f}",
            "" if between is None else f"{between[0]:.2f} to {between[1]:.2f}",
        )
    console.print(table)
