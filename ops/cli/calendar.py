"""``eyes calendar``: the time zone and the designated days by which curb policies are judged."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from ops.explained import kafka_explained
from ops.registry import load_registry, read_registered
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.curb import Calendar
from schemas.registry import CalendarConfigured

app = typer.Typer(help="The city's time zone and its designated days.", no_args_is_help=True)
console = Console()


@app.command()
def show() -> None:
    """Show the calendar as `eyes calendar set` takes it. Example: `eyes calendar show > calendar.json`."""
    settings = load_settings().kafka
    with kafka_explained(settings):
        calendar = read_registered(settings).calendar
    print(calendar.model_dump_json(indent=2, by_alias=True))


@app.command("set")
def set_calendar(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON: timeZone (POSIX TZ) and periods")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
) -> None:
    """Set the whole calendar; parking is judged by it at once.

    FILE holds, for example: `{"timeZone": "CST-8", "periods": {"holidays": ["2026-10-01", "2026-10-02"]}}`

    Example: `eyes calendar set calendar.json`.
    """
    try:
        calendar = Calendar.model_validate_json(file.read_bytes())
    except OSError as error:
        raise FatalError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        said = [
            f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_url=False)
        ]
        raise FatalError(f"{file}: nothing was changed:\n  " + "\n  ".join(said)) from None
    report = load_registry(load_settings(), (), (), (CalendarConfigured(calendar=calendar),), dry_run=dry_run)
    would = "would be " if dry_run else ""
    console.print(f"calendar {would}{'configured' if report.calendar else 'as it was'}", highlight=False, markup=False)
