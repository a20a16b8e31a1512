"""``eyes works``: planned works, within which findings are to be expected."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.cli.moment import parse_moment
from ops.explained import kafka_explained
from ops.registry import cancel_works, plan_works, read_registered
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.anomaly import AnomalyKind
from schemas.works import MaintenancePlanned

app = typer.Typer(help="Planned works: what is found within them is marked as expected.", no_args_is_help=True)
console = Console()

_SOME_ZONE = "grid:0"  # of works at a facility, until it is looked up


@app.command()
def plan(
    works: Annotated[str, typer.Argument(metavar="REFERENCE", help="as whoever plans them calls them")],
    *,
    begins: Annotated[datetime, typer.Option("--from", parser=parse_moment, metavar="TIME", help="when they begin")],
    ends: Annotated[datetime, typer.Option("--to", parser=parse_moment, metavar="TIME", help="when they are over")],
    zone: Annotated[str | None, typer.Option(help="where: a whole zone")] = None,
    facility: Annotated[str | None, typer.Option(help="or one facility")] = None,
    kinds: Annotated[
        list[AnomalyKind] | None,
        typer.Option("--kind", metavar="KIND", help="of findings to expect; may be repeated; without: all"),
    ] = None,
    note: Annotated[str | None, typer.Option(help="for people")] = None,
) -> None:
    """Plan works, or change what is planned under this reference.

    A finding that is raised for a time within them carries the reference as `expected`. What still holds when
    they are over is a plain finding from then on.

    Example: `eyes works plan W-2026-17 --zone segment:qiyi-1 --from 2026-12-01T08:00+08:00 --to 2026-12-03T18:00+08:00
    --kind cover_open --kind cover_tilted`.
    """
    if (zone is None) == (facility is None):
        raise FatalError("say where: exactly one of --zone and --facility")
    try:
        wanted = MaintenancePlanned(
            works=works, zone=zone or _SOME_ZONE, kinds=tuple(kinds or ()), begins=begins, ends=ends, note=note
        )
    except ValidationError as error:
        raise FatalError("; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())) from None
    planned = plan_works(load_settings(), wanted, at_facility=facility)
    console.print(f"{works} {'planned' if planned else 'as it was'}", highlight=False, markup=False)


@app.command("list")
def list_works(*, over: Annotated[bool, typer.Option("--over", help="also those that are over")] = False) -> None:
    """List what is planned. Example: `eyes works list`."""
    settings = load_settings().kafka
    with kafka_explained(settings):
        registered = read_registered(settings)
    now = datetime.now(UTC)
    table = Table("reference", "where", "from", "to", "kinds", "note")
    for name, one in sorted(registered.works.items()):
        if over or one.ends > now:
            times = (moment.isoformat(timespec="minutes") for moment in (one.begins, one.ends))
            kinds = ", ".join(kind.value for kind in one.kinds) or "all"
            table.add_row(*map(escape, (name, one.facility or one.zone, *times, kinds, one.note or "")))
    console.print(table)


@app.command()
def cancel(works: Annotated[str, typer.Argument(metavar="REFERENCE")]) -> None:
    """Call works off; what they explained is a plain finding then. Example: `eyes works cancel W-2026-17`."""
    cancel_works(load_settings(), works)
    console.print(f"{works} called off", highlight=False, markup=False)
