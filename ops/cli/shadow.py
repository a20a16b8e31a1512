"""``eyes shadow``: a version or configuration on trial beside the live one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ops.cli.moment import parse_moment
from ops.explained import kafka_explained
from ops.past import bounds
from ops.replay.asked import read_what_if
from ops.shadow.begin import Beginning, begin, intended
from ops.shadow.finish import finish, to_finish
from ops.shadow.judge import diff, succession
from ops.shadow.logtime import log_times
from ops.shadow.record import Stage, policies, read_trials, stage
from ops.shadow.report import diff_as_json, show_diff, show_succession, show_trials, trials_as_json
from ops.shadow.said import Said, reach, read_said
from ops.shadow.writer import InterruptedTrialError
from processors import detectors
from processors.variants import variant
from runtime.errors import FatalError
from runtime.kafka import require_topics
from runtime.lifecycle import Shutdown
from runtime.settings import KafkaSettings, Settings, load_settings
from schemas.model import to_ms
from schemas.shadow import ShadowBegun, ShadowId, TrialRecord, Verdict
from schemas.topics import ANOMALIES, EVENTS, FACILITIES, SHADOWS, TRIALS
from schemas.whatif import WhatIf

EXIT_INTERRUPTED: Final = 130
DAY: Final = timedelta(days=1)
COLUMNS: Final = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)

app = typer.Typer(
    help="Try a version or configuration beside the live one, unseen by operators; then promote or end it.",
    no_args_is_help=True,
)
console: Final = Console(highlight=False)

Shadow = Annotated[str, typer.Argument(metavar="SHADOW", help="as `eyes shadow status` names it")]


@app.command("begin")
def begin_(
    detector: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="e.g. `cover@3`; without a version that which is live")
    ],
    with_: Annotated[
        list[Path] | None, typer.Option("--with", metavar="FILE", help="other policies (TOML or JSON); repeatable")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="SHADOW", help="call the trial so; default: NAME@VERSION, numbered")
    ] = None,
) -> None:
    """Put a detector on trial: it hears all that the live one hears, and only engineers see what it says.

    It begins with nothing known. One trial at a time; both versions must be in the code of every worker, so deploy
    first. A file of policies is that of `eyes replay`; judge the version on the past first. Ctrl-C, or a Kafka that
    goes away, leave it half begun: the same command goes on from there and does nothing twice.

    Examples:
    - `eyes shadow begin cover@3`
    - `eyes shadow begin cover --with strict.toml --name cover-strict`
    """
    settings, chosen = load_settings(), variant(detector)
    what_if = _what_if(with_ or [])
    with _log(settings, FACILITIES):
        trials = read_trials(settings.kafka)
        before = trials.promoted(chosen.name)
        if "@" not in detector and before is not None:
            chosen = _still_known(before) or chosen
        begun = intended(trials, chosen, what_if, _shadow_id(name))
        shutdown = Shutdown()
        shutdown.install()
        with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("registry", total=None)
            with _interruptible():
                beginning = begin(
                    settings,
                    begun,
                    total=lambda steps: progress.update(task, total=steps, description="registry"),
                    advance=lambda steps: progress.advance(task, steps),
                    waiting=lambda loads: progress.update(task, description=f"{loads} loads of the registry go on"),
                    stopped=lambda: shutdown.requested,
                )
    _say_begun(beginning, before)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON")] = False) -> None:
    """Show which trials run or ran, under which policies, and how far the folds are with them.

    "Folded in 12 of 12" partitions: the folds have passed the event that began it, or that ended it.

    Examples:
    - `eyes shadow status`
    - `eyes shadow status --json | jq '.[] | select(.stage == "running")'`
    """
    settings = load_settings()
    with _log(settings):
        trials, committed = read_trials(settings.kafka), bounds(settings.kafka).committed
    if as_json:
        print(json.dumps(trials_as_json(trials, committed)))
    elif trials.records:
        show_trials(trials, committed, console)
    else:
        console.print("there was no trial yet; begin one: eyes shadow begin NAME[@VERSION]", markup=False)


@app.command("diff")
def diff_(
    shadow: Annotated[
        str | None, typer.Argument(metavar="[SHADOW]", help="default: that which runs, else the newest")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", parser=parse_moment, metavar="TIME", help="default: a day before the end"),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", parser=parse_moment, metavar="TIME", help="default: now, by the time of the log"),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="show so many differences")] = 20,
    fail: Annotated[bool, typer.Option("--fail-on-difference", help="exit code 1 when anything differs")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as JSON")] = False,
) -> None:
    """Hold what a trial found against what was published in that span: gained, lost, earlier, later.

    What was raised before the trial began is not compared. A difference is no error: the exit code is 0.

    Examples:
    - `eyes shadow diff`
    - `eyes shadow diff cover@3 --from 2026-07-06 --to 2026-07-07`
    - `eyes shadow diff --fail-on-difference --json | jq .kinds`
    """
    settings = load_settings()
    with _log(settings):
        record = read_trials(settings.kafka).named(shadow)
        end = until or record.until or (since + DAY if since is not None else log_times(settings.kafka)[-1])
        begin = since or end - DAY
        if begin >= end:
            raise FatalError(f"the range is empty: {begin.isoformat()} is not before {end.isoformat()}")
        found = diff(record, _said(settings.kafka, record), to_ms(begin), to_ms(end))
    if as_json:
        print(json.dumps(diff_as_json(found)))
    else:
        show_diff(found, console, limit=limit)
    if fail and found.comparison.differences:
        raise typer.Exit(1)


@app.command()
def promote(
    shadow: Shadow,
    limit: Annotated[int, typer.Option(min=0, help="show so many findings that change")] = 20,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Make a trial live, after showing what becomes of the findings that are open.

    What both have open goes on under its id; what only the old one has is cleared with reason `superseded`; what only
    the new one has is raised. It cannot be undone, only followed by another trial.

    Example: `eyes shadow promote cover@3`.
    """
    settings = load_settings()
    with _log(settings):
        record = to_finish(read_trials(settings.kafka), shadow, Verdict.PROMOTED)
        if stage(record) is Stage.RUNNING:
            show_succession(succession(_said(settings.kafka, record)), record, console, limit=limit)
            if not yes and not typer.confirm(f"Promote {shadow}?"):
                console.print("nothing was written")
                raise typer.Exit(1)
        record = _finish(settings, record, Verdict.PROMOTED)
    console.print(
        f"{shadow} is promoted: {record.begun.detector}@{record.begun.version} is live in each partition as soon as "
        "that is folded so far; see: eyes shadow status",
        markup=False,
        soft_wrap=True,
    )
    if record.begun.what_if.override:
        console.print(
            "Its policies stay with it, whatever the registry says: write them there, then promote a trial without.",
            style="yellow",
            soft_wrap=True,
        )


@app.command()
def end(shadow: Shadow) -> None:
    """Drop a trial; what is live stays so, and what the trial said stays in the log.

    Example: `eyes shadow end cover@3`.
    """
    settings = load_settings()
    with _log(settings):
        _finish(settings, to_finish(read_trials(settings.kafka), shadow, Verdict.ENDED), Verdict.ENDED)
    console.print(f"{shadow} is ended", markup=False)


@contextmanager
def _log(settings: Settings, *more: Any) -> Iterator[None]:
    """Kafka, explained, with the topics that are needed."""
    with kafka_explained(settings.kafka):
        require_topics(settings.kafka, (EVENTS, ANOMALIES, SHADOWS, TRIALS, *more))
        yield


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except InterruptedTrialError as interrupted:
        Console(stderr=True, highlight=False).print(str(interrupted), style="yellow", markup=False, soft_wrap=True)
        raise typer.Exit(EXIT_INTERRUPTED) from interrupted


def _what_if(files: list[Path]) -> WhatIf:
    read = [read_what_if(file, "--with takes a file of policies, see docs/replay.md") for file in files]
    return WhatIf(override=tuple(override for one in read for override in one.override))


def _shadow_id(name: str | None) -> str | None:
    try:
        return None if name is None else TypeAdapter(ShadowId).validate_python(name)
    except ValidationError as error:
        raise FatalError(
            f"a trial cannot be called {name!r}: up to 120 letters, digits and . _ @ : -, the first one of the former"
        ) from error


def _still_known(before: ShadowBegun) -> Any:
    """The version that a trial made live, if the code still has it."""
    everybody = (*detectors.ALL, *detectors.CANDIDATES)
    return next((one for one in everybody if (one.name, one.version) == (before.detector, before.version)), None)


def _say_begun(beginning: Beginning, before: ShadowBegun | None) -> None:
    begun = beginning.record.begun
    console.print(
        f"{begun.shadow} {'is begun now' if beginning.resumed else 'is begun'}: {begun.detector}@{begun.version}, told "
        f"of {beginning.registrations:,} registrations; compare with: eyes shadow diff",
        markup=False,
        soft_wrap=True,
    )
    for number, (line, matched) in enumerate(zip(policies(begun.what_if), beginning.matched, strict=True), start=1):
        said, style = (f"{matched:,} registrations", None) if matched else ("nothing that is registered", "yellow")
        console.print(f"override {number} ({line}) speaks of {said}", style=style, markup=False, soft_wrap=True)
    if before is not None and before.what_if.override:
        console.print(
            f"{begun.detector} is live under the policies of {before.shadow}; the trial does not have them:",
            *policies(before.what_if),
            sep="\n  ",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )


def _said(settings: KafkaSettings, record: TrialRecord) -> Said:
    far = reach(settings)
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("findings", total=far.records)
        return read_said(settings, record.begun, far, lambda records: progress.advance(task, records))


def _finish(settings: Settings, record: TrialRecord, verdict: Verdict) -> TrialRecord:
    shutdown = Shutdown()
    shutdown.install()
    with _interruptible():
        return finish(settings, record, verdict, lambda: shutdown.requested)
