"""``eyes db``: the schema, and an operator's decisions about what the database keeps."""

import os
import shutil
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from ops.database import migrate as migrations
from ops.database import operate
from ops.setup.console import SetupError
from ops.setup.layout import layout
from runtime.errors import FatalError
from runtime.settings import load_settings

app = typer.Typer(help="The database: its schema, and what it keeps.", no_args_is_help=True)
console = Console()


@app.command()
def migrate() -> None:
    """Bring the schema up to date; safe to repeat, and from several places at once. Example: `eyes db migrate`."""
    with migrations.connect(load_settings().database) as connection:
        try:
            applied = migrations.migrate(connection)
        except psycopg.Error as error:
            raise FatalError(f"a migration failed and was rolled back: {str(error).strip()}") from error
    for migration in applied:
        console.print(f"applied {migration.file}", highlight=False)
    if not applied:
        console.print("the schema is up to date")


@app.command()
def status() -> None:
    """Show which migrations were applied; ends with 1 when some are pending. Example: `eyes db status`."""
    with migrations.connect(load_settings().database) as connection:
        found = migrations.status(connection)
    table = Table("migration", "applied at")
    for row in found.applied:
        table.add_row(f"{row.number:04d}_{row.name}", f"{row.applied_at:%Y-%m-%d %H:%M:%S %Z}")
    for migration in found.pending:
        table.add_row(f"{migration.number:04d}_{migration.name}", "[yellow]pending[/]")
    console.print(table)
    if found.pending:
        raise typer.Exit(1)


@app.command("drop-chunks")
def drop_chunks(older_than: Annotated[str, typer.Option(help="age of what is dropped, e.g. 400d")]) -> None:
    """Drop raw readings and camera events older than an age; findings stay.

    Example: `eyes db drop-chunks --older-than 400d`.
    """
    with migrations.connect(load_settings().database) as connection:
        for table, chunks in operate.drop_chunks(connection, operate.parse_age(older_than)).items():
            console.print(f"{table}: {chunks} chunks dropped")


@app.command("set-offset")
def set_offset(
    topic: Annotated[str, typer.Argument(help="full name of the topic")],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0, help="the next offset to store")],
) -> None:
    """Let the archive go on elsewhere in a partition: back to store it again, or forwards over a gap.

    Example: `eyes db set-offset city.events.v1 3 1200`.
    """
    with migrations.connect(load_settings().database) as connection:
        for archive, before in operate.set_offset(connection, topic, partition, offset):
            console.print(f"{archive}: {topic}/{partition} goes on at {offset}, was {before}", highlight=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database: that of the local stack's servers where present, else the one on the PATH.

    Its own options may follow. Examples: `eyes db psql`, `eyes db psql -c 'SELECT count(*) FROM readings'`.
    """
    settings = load_settings().database
    program = _psql()
    if program is None:
        raise FatalError("there is no psql, neither on the PATH nor among the local stack's servers (`make setup`)")
    environment = dict(os.environ)
    if settings.password is not None:
        environment["PGPASSWORD"] = settings.password.get_secret_value()
    os.execve(program, [program, settings.dsn, *context.args], environment)  # noqa: S606 - becomes psql, no shell between


def _psql() -> str | None:
    try:
        bundled = layout().servers / "usr/lib/postgresql/17/bin/psql"
    except SetupError:  # a machine the local stack does not run on may still have a psql
        return shutil.which("psql")
    return str(bundled) if bundled.is_file() else shutil.which("psql")
