"""``eyes verify``: does the past still give what was published?"""

import json
import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ops.cli.moment import FindingsFrom, FindingsTo
from ops.explained import kafka_explained
from ops.verify import Outcome, Refold
from ops.verify import verify as compare_all
from runtime.errors import FatalError
from runtime.settings import load_settings

COLUMNS = (TextColumn("folding"), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn())


def verify(
    begin: FindingsFrom = None,
    end: FindingsTo = None,
    batch_rows: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="fold readings in records of at most N, whatever ingest did")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> None:
    """Fold the whole log again, aside, and compare byte for byte with the findings that were published.

    Nothing is published and nobody's offset moves; the pipeline may be running. The log must hold its beginning.
    Exit code 0 only if every finding that must be there is there, in its order, and no other; the first events that
    differ, by event time, are shown. What another version or configuration would have found says `eyes replay`.

    Examples:
    - `eyes verify`
    - `eyes verify --from 2026-07-06 --to 2026-07-07`
    - `eyes verify --batch-rows 1`  # how readings were cut into records must not matter
    - `eyes verify --json | jq .missing`
    """
    began = time.monotonic()
    with kafka_explained(load_settings().kafka):
        refold = Refold(load_settings(), batch_rows)
        if refold.begins_cold:
            raise FatalError("the log no longer holds its beginning, so the folds' state cannot be made again from it")
        with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=refold.records)
            outcome = compare_all(
                refold,
                wanted=lambda value: _within(value, begin, end),
                advance=lambda count: progress.advance(task, count),
            )
    records, seconds = refold.records, time.monotonic() - began
    if as_json:
        figures = asdict(outcome) | {"good": outcome.good, "records": records, "seconds": round(seconds, 2)}
        figures["first"] = [[one.what, one.value.decode(errors="replace")] for one in outcome.first]
        print(json.dumps(figures))
    else:
        _show(outcome, records, seconds)
    if not outcome.good:
        raise typer.Exit(1)


def _within(value: bytes, begin: datetime | None, end: datetime | None) -> bool:
    if begin is None and end is None:
        return True
    at = datetime.fromisoformat(json.loads(value)["time"])
    return (begin is None or at >= begin) and (end is None or at < end)


def _show(outcome: Outcome, records: int, seconds: float) -> None:
    console = Console(highlight=False)
    table = Table(title="Verified", show_header=False)
    for name, value in (
        ("records folded", f"{records:,} in {seconds:.1f} s"),
        ("expected", f"{outcome.expected:,}"),
        ("published", f"{outcome.published:,}"),
        ("missing", f"{outcome.missing:,}"),
        ("unexplained", f"{outcome.unexplained:,}"),
        ("out of order", f"{outcome.out_of_order:,}"),
        ("repeated (same id)", f"{outcome.repeated:,}"),
    ):
        table.add_row(name, value)
    console.print(table)
    if outcome.first:
        console.print(f"What differs first, at {outcome.first[0].at or 'an unknown time'}:", style="red")
    for difference in outcome.first:
        console.print(f"{difference.what}: {difference.value.decode(errors='replace')}", markup=False, style="red")
    if outcome.good:
        console.print("The log gives, byte for byte, what was published.", style="green")
