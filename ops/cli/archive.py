"""``eyes archive``: stores the log in TimescaleDB; and takes it beyond Kafka's retention as Parquet files."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ops.cli.member import overridden, run_member
from ops.cli.moment import parse_moment
from ops.database import migrate as migrations
from ops.explained import kafka_explained
from ops.logreader import find_topic
from ops.rebuild.space import human
from ops.segments.export import Export, Exported, cluster_id
from ops.segments.register import manifests, register
from processors.archive.records import TOPICS
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.settings import load_settings

EXIT_UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: the same command goes on

app = typer.Typer()
console = Console(highlight=False)


@app.callback(invoke_without_command=True)
def archive(
    context: typer.Context,
    instance: Annotated[
        str | None, typer.Option(help="stable name of this worker; each one that runs at a time needs its own")
    ] = None,
    metrics_port: Annotated[int | None, typer.Option(help="port of /metrics and /healthz; 0 takes a free one")] = None,
) -> None:
    """Store what the log says in the database, until SIGTERM or Ctrl-C.

    Rows and how far the log was read are stored together, so a repeated delivery changes nothing. Kafka or the
    database may be away for any length of time.

    `export` and `import` keep the log as Parquet files for longer than Kafka does.

    Examples:
    - `eyes archive`
    - `eyes archive --instance 1 --metrics-port 19122`
    - `eyes archive export --topic events --to /backup/log`
    - `curl -s http://127.0.0.1:19121/healthz`
    """
    if context.invoked_subcommand is not None:
        return
    from processors.archive.service import run  # noqa: PLC0415 - its metrics belong to its process alone

    settings = overridden(load_settings(), "archive", instance=instance, metrics_port=metrics_port)
    chosen = settings.archive
    run_member(run, settings, job="archive", instance=chosen.instance, port=chosen.metrics_port)


@app.command("export")
def export(
    topic: Annotated[
        list[str], typer.Option(help="e.g. events; may be given several times; `all` means those a rebuild reads")
    ],
    to: Annotated[Path, typer.Option(help="folder to write to; each topic gets one of its own in it")],
    before: Annotated[
        datetime | None, typer.Option(parser=parse_moment, metavar="TIME", help="only what was written before then")
    ] = None,
) -> None:
    """Write the log as Parquet files: every record's bytes, key, headers, time, partition and offset, as they were.

    The next export into the same folder goes on where this one ended, and so does one that was interrupted. Files
    are there whole or not at all, and listed with their checksums in manifest.json. Run it more often than
    Kafka's retention forgets; should it have forgotten something in between, that is said, and the exit code is 1.

    Examples:
    - `eyes archive export --topic all --to /backup/log`
    - `eyes archive export --topic events --topic anomalies --to /backup/log --before 2026-10-01`
    """
    settings = load_settings()
    shutdown = Shutdown()
    shutdown.install()
    chosen = TOPICS if topic == ["all"] else [find_topic(name) for name in topic]
    lost = False
    try:
        with kafka_explained(settings.kafka):
            for one in chosen:
                with _bar("exporting") as advance:
                    done = Export(settings.kafka, one, to).run(before, shutdown, advance)
                _tell(one.name, done)
                lost = lost or bool(done.lost)
                if shutdown.requested:
                    console.print("stopped; the same command goes on")
                    raise typer.Exit(EXIT_UNFINISHED)
    except OSError as error:
        raise FatalError(f"cannot write to {to}: {error.strerror or error}") from error
    if lost:
        raise typer.Exit(1)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="what `eyes archive export --to` wrote, or a copy")],
) -> None:
    """Verify exported files, and let rebuilds read them where Kafka no longer holds the log. Nothing is copied.

    Checksums are compared; damaged or foreign files are refused. The files must stay where they are: they are read
    by `eyes rebuild` on this machine. May be repeated, after every export or when the folder has moved.

    Example: `eyes archive import /backup/log && eyes rebuild`.
    """
    settings = load_settings()
    topics = [topic.full_name(settings.kafka.topic_prefix) for topic in TOPICS]
    with kafka_explained(settings.kafka):
        cluster = cluster_id(settings.kafka)
    try:
        with migrations.connect(settings.database) as connection:
            for where, manifest in manifests(folder):
                with _bar("verifying") as advance:
                    advance(0, len(manifest.segments))
                    count = register(
                        connection,
                        where,
                        manifest,
                        topics=topics,
                        cluster=cluster,
                        advance=lambda _: advance(1, len(manifest.segments)),  # noqa: B023 - used within this turn only
                    )
                console.print(f"{manifest.topic}: {count} files verified, rebuilds may read them")
    except psycopg.errors.UndefinedTable as error:
        raise FatalError(f"{str(error).splitlines()[0]}: make the tables with `eyes db migrate`") from None


class _bar:  # noqa: N801 - reads as a statement
    """A progress bar; told how much was done, and of how much."""

    def __init__(self, what: str) -> None:
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Callable[[int, int], None]:
        self._progress.start()
        task = self._progress.add_task("", total=None)

        def advance(done: int, total: int) -> None:
            self._progress.update(task, advance=done, total=total)

        return advance

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _tell(name: str, done: Exported) -> None:
    records = sum(one.records for one in done.segments)
    size = human(sum(one.bytes for one in done.segments))
    console.print(f"{name}: {records:,} records in {len(done.segments)} new files, {size}")
    for partition, begin, end in done.lost:
        console.print(
            f"{name}/{partition}: offsets {begin} to {end} were gone from the log before they were exported",
            style="red",
        )
