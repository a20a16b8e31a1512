"""``eyes replay``: what would another version, or another configuration, have found?"""

import json
import time
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ops.cli.moment import FindingsFrom, FindingsTo
from ops.explained import kafka_explained
from ops.replay import InterruptedReplayError, Replay
from ops.replay.asked import asked
from ops.replay.report import as_json, show
from ops.setup.layout import cache_dir
from runtime.kafka import require_topics
from runtime.lifecycle import Shutdown
from runtime.settings import load_settings
from schemas.topics import ANOMALIES, DERIVED, EVENTS

EXIT_INTERRUPTED = 130

COLUMNS = (
    TextColumn("folding"),
    BarColumn(),
    TaskProgressColumn(),
    TextColumn("{task.fields[partitions]}"),
    TextColumn("{task.fields[rate]}"),
    TimeRemainingColumn(),
)


def replay(
    processor: Annotated[
        str, typer.Option("--processor", "-p", metavar="NAME[@VERSION]", help="the detector, e.g. `cover` or `cover@3`")
    ],
    begin: FindingsFrom = None,
    end: FindingsTo = None,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|VERSION", help="other policies (TOML or JSON), another version, or one of each"),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="show so many differences")] = 20,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="fold so many partitions beside each other")] = 1,
    work: Annotated[Path | None, typer.Option(help="keep what is done below here; default: in the cache")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="begin anew, whatever was done before")] = False,
    fail: Annotated[bool, typer.Option("--fail-on-difference", help="exit code 1 when anything differs")] = False,
    json_: Annotated[bool, typer.Option("--json", help="print everything as JSON")] = False,
) -> None:
    """Fold the past again, aside, and say what would differ from the findings that were published then.

    So a new version of a detector, or a new threshold, is judged on last month's city before it is switched on.
    Nothing is published and nobody's offset moves; the pipeline may be running. The log must hold its beginning.
    Ctrl-C ends it, and the same command goes on from there. A difference is no error: the exit code is 0.

    A configuration names what it is for (facility_class, zone, facility: all that are given must match) and what is
    other there: `[[override]]`, `facility_class = "manhole_cover"`, `policy.tilt_deg = 15`.

    Examples:
    - `eyes replay --processor cover --from 2026-07-01 --to 2026-08-01 --against strict.toml`
    - `eyes replay -p cover --from 2026-07-01 --to 2026-08-01 --against 3 --jobs 4`
    - `eyes replay -p parking --fail-on-difference --json | jq .kinds`
    """
    settings = load_settings()
    question = asked(processor, against or (), begin, end, settings.ingest.lateness_s)
    shutdown = Shutdown()
    shutdown.install()
    plan = Replay(settings, question, work or cache_dir() / "replay", jobs=jobs, fresh=fresh)
    console = Console(highlight=False)
    with kafka_explained(settings.kafka):
        require_topics(settings.kafka, (EVENTS, ANOMALIES, DERIVED))
        with Bar(Console(stderr=True, highlight=False)) as bar:
            try:
                outcome = plan.run(bar, lambda: shutdown.requested)
            except InterruptedReplayError as interrupted:
                bar.say(str(interrupted))
                raise typer.Exit(EXIT_INTERRUPTED) from interrupted
    if json_:
        print(json.dumps(as_json(outcome, seconds=bar.seconds, events_per_s=bar.events_per_s)))
    else:
        show(outcome, console, limit=limit)
        console.print(
            f"{outcome.events:,} events in {outcome.records:,} records; folded in {bar.seconds:.1f} s, "
            f"{bar.events_per_s:,.0f} events/s",
            style="dim",
        )
    if fail and outcome.different:
        raise typer.Exit(1)


class Bar:
    """A line that shows how it goes on: share, partitions, events a second, time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(*COLUMNS, console=console, transient=True)
        self._task = self._progress.add_task("", total=None, partitions="", rate="")
        self._began = time.monotonic()
        self._events = self._done = self._partitions = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        self.seconds = time.monotonic() - self._began

    @property
    def events_per_s(self) -> float:
        """Of this run, what an earlier one had done left out."""
        return self._events / max(time.monotonic() - self._began, 1e-9)

    def begin(self, records: int, done: int, total: int, *, resumed: bool) -> None:
        """See :class:`ops.replay.Watcher`."""
        self._began = time.monotonic()
        self._done, self._partitions = done, total
        self._progress.update(self._task, total=records, partitions=f"{done} of {total} partitions")
        if done:
            which = "of the replay that was interrupted" if resumed else "of an earlier replay"
            self.say(f"{done} of {total} partitions {which} are taken over; --fresh begins anew")

    def advance(self, records: int, events: int) -> None:
        """See :class:`ops.replay.Watcher`."""
        self._events += events
        self._progress.update(self._task, advance=records, rate=f"{self.events_per_s:,.0f} events/s")

    def partition_done(self, skipped: int) -> None:
        """See :class:`ops.replay.Watcher`."""
        self._done += 1
        self._progress.update(self._task, advance=skipped, partitions=f"{self._done} of {self._partitions} partitions")

    def say(self, line: str) -> None:
        """A line that stays."""
        self._console.print(line, style="yellow", markup=False, soft_wrap=True)
