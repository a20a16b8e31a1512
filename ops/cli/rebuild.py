"""``eyes rebuild``: the database's tables made anew from the log."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ops.cli.moment import parse_moment
from ops.database import generations
from ops.database import migrate as migrations
from ops.explained import kafka_explained
from ops.rebuild.fill import InterruptedRebuildError
from ops.rebuild.report import Boundary
from ops.rebuild.service import Rebuild, abandon, sole
from ops.rebuild.space import human
from ops.rebuild.switch import BusyError, switch
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.settings import load_settings

EXIT_UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: the same command goes on

app = typer.Typer()
console = Console(highlight=False)


@app.callback(invoke_without_command=True)
def rebuild(
    context: typer.Context,
    discard_before: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="TIME", help="rows that arrived before then need not be kept"),
    ] = None,
    no_disk_check: Annotated[bool, typer.Option("--no-disk-check", help="I know that there is room")] = False,
    abandon_it: Annotated[
        bool, typer.Option("--abandon", help="drop what an interrupted rebuild has made, and do nothing else")
    ] = False,
) -> None:
    """Make the tables anew from the log, beside those in use, and then put them in their place.

    Everything may go on meanwhile. Interrupted, it goes on where it was. The switch is one transaction: readers see
    the old tables or the new ones; a running archive is fenced, ends, and is started again by its supervisor
    on the new ones. What the log no longer holds is read from imported segments (`eyes archive import`), else carried
    over from the old tables, and the boundary is printed; tables that would become smaller are not
    switched to without --discard-before. The old tables are kept until `eyes rebuild drop-old`.

    Examples:
    - `eyes rebuild`
    - `eyes rebuild --discard-before 2026-01-01`
    - `eyes rebuild --abandon`
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    if abandon_it:
        left = abandon(settings)
        console.print("there is no unfinished rebuild" if left is None else f"generation {left.number} is dropped")
        return
    shutdown = Shutdown()
    shutdown.install()
    began = time.monotonic()
    watch = _Watch()
    try:
        with kafka_explained(settings.kafka), watch:
            rebuilt = Rebuild(settings, shutdown, watch, discard=discard_before).run(check_space=not no_disk_check)
    except InterruptedRebuildError:
        console.print("stopped; what is stored stays: `eyes rebuild` goes on, `eyes rebuild --abandon` drops it")
        raise typer.Exit(EXIT_UNFINISHED) from None
    seconds = time.monotonic() - began
    table = Table("table", "rows")
    for name, rows in rebuilt.rows.items():
        table.add_row(name, f"{rows:,}")
    console.print(table)
    console.print(f"stored {watch.rows:,} rows in {seconds:.1f} s ({watch.rows / seconds:,.0f} rows/s)")
    console.print(f"generation {rebuilt.new.number} is current; a running archive ends and is to be started again")
    console.print(
        f"generation {rebuilt.old.number} is kept: `eyes rebuild drop-old` frees its room, `eyes rebuild revert` "
        "returns to it"
    )


@app.command()
def status() -> None:
    """List the generations: which is current, and how large each is. Example: `eyes rebuild status`."""
    with migrations.connect(load_settings().database) as connection:
        table = Table("generation", "schema", "state", "made", "current since", "size")
        for one in generations.generations(connection):
            since = "" if one.current_since is None else f"{one.current_since:%Y-%m-%d %H:%M:%S %Z}"
            size = human(generations.size_bytes(connection, one))
            table.add_row(str(one.number), one.schema, one.state, f"{one.made_at:%Y-%m-%d %H:%M:%S %Z}", since, size)
    console.print(table)


@app.command("drop-old")
def drop_old() -> None:
    """Drop the generations that are not in use any more; there is no way back. Example: `eyes rebuild drop-old`."""
    with sole(load_settings()) as connection:
        old = [one for one in generations.generations(connection) if one.state == "old"]
        for one in old:
            size = human(generations.size_bytes(connection, one))
            generations.drop(connection, one)
            console.print(f"generation {one.number} is dropped, {size} are free")
    if not old:
        console.print("there is no old generation")


@app.command()
def revert() -> None:
    """Return to the newest old generation; the archive goes on where that stood, if the log still holds it.

    Example: `eyes rebuild revert`.
    """
    with sole(load_settings()) as connection:
        now = generations.current(connection)
        old = [one for one in generations.generations(connection) if one.state == "old"]
        if not old:
            raise FatalError("there is no old generation: it was dropped, or there was never a rebuild")
        then = max(old, key=lambda one: (one.current_since is not None, one.current_since))
        try:
            switch(connection, now, then)
        except BusyError as error:
            raise FatalError(f"not switched, somebody reads or writes ({str(error).splitlines()[0]}): again") from error
    console.print(f"generation {then.number} is current, generation {now.number} is kept")


class _Watch:
    """A rebuild's report on the terminal."""

    def __init__(self) -> None:
        self.rows = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("beginning", total=None, rate="")
        self._began = time.monotonic()
        self._rows_before = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """One line for a person."""
        console.print(line)

    def boundaries(self, found: Sequence[Boundary]) -> None:
        """Where the log begins."""
        table = Table("topic", "partition", "the log begins at", "written", title="Older rows are carried over")
        for one in found:
            written = "holds nothing" if one.first_time is None else f"{one.first_time:%Y-%m-%d %H:%M:%S} UTC"
            table.add_row(one.topic, str(one.partition), str(one.first_offset), written)
        console.print(table)
        for one in found:
            begin = max(one.from_offset, one.old_next)
            if begin < one.first_offset:
                console.print(
                    f"{one.topic}/{one.partition}: offsets {begin} to {one.first_offset} are neither in the log nor in "
                    "the old tables",
                    style="red",
                )

    def stage(self, name: str, total: int) -> None:
        """What is done now."""
        self._progress.reset(self._task, description=name, rate="")
        self._progress.update(self._task, total=total or None)
        self._began, self._rows_before = time.monotonic(), self.rows

    def advance(self, done: int, rows: int = 0) -> None:
        """So much more."""
        self.rows += rows
        rate = (self.rows - self._rows_before) / max(0.001, time.monotonic() - self._began)
        self._progress.update(self._task, advance=done, rate=f"{rate:,.0f} rows/s")
