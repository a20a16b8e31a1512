"""How trials, their differences and their promotion read, for a person and for programs."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ops.replay.lives import Life
from ops.replay.report import compared_as_json, show_comparison, spoke
from ops.shadow.judge import Diff, Succession
from ops.shadow.record import Stage, Trials, policies, stage
from schemas.anomaly import KINDS
from schemas.model import format_rfc3339, from_ms
from schemas.shadow import TrialRecord
from schemas.topics import EVENTS

SHADOW: Final = "shadow"
_STYLES: Final = {Stage.RUNNING: "green", Stage.PROMOTED: "cyan", Stage.ENDED: "dim"}


def in_effect(record: TrialRecord, committed: dict[int, int]) -> int:
    """In how many partitions the folds have passed what was said last of a trial."""
    standing = record.over_at if record.verdict is not None else record.begun_at
    return sum(committed.get(int(partition), 0) > offset for partition, offset in standing.items())


def show_trials(trials: Trials, committed: dict[int, int], console: Console) -> None:
    """Print a table of all trials, their policies, and a line for each that was left half done."""
    table = Table("shadow", "detector", "since", "until", "is", "folded in", caption="times are those of the log, UTC")
    for record in trials.by_age:
        state, until = stage(record), record.until
        begun = record.begun
        table.add_row(
            escape(begun.shadow),
            f"{begun.detector}@{begun.version}",
            f"{record.since:%Y-%m-%d %H:%M}",
            f"{until:%Y-%m-%d %H:%M}" if until is not None else "",
            Text(state.value, style=_STYLES.get(state, "yellow")),
            f"{in_effect(record, committed)} of {EVENTS.partitions}",
        )
    console.print(table)
    for record in trials.by_age:
        for line in policies(record.begun.what_if):
            console.print(f"{record.begun.shadow} has other policies: {line}", markup=False, soft_wrap=True)
    for record in trials.by_age:
        for line in left_to_do(record):
            console.print(line, style="yellow", markup=False, soft_wrap=True)


def left_to_do(record: TrialRecord) -> list[str]:
    """Where a command died: which partitions lack what, and how to go on."""
    shadow, found = record.begun.shadow, []
    if record.verdict is None:
        if missing := _missing(record.begun_at):
            found.append(f"{shadow} is not begun in partition {missing}: repeat the command that began it")
        elif missing := _missing(map(str, record.told)):
            found.append(
                f"{shadow} does not know the registry in partition {missing}: repeat the command that began it"
            )
    elif missing := _missing(record.over_at):
        command = "promote" if stage(record) is Stage.PROMOTING else "end"
        found.append(f"{shadow} is not {record.verdict.value} in partition {missing}: eyes shadow {command} {shadow}")
    return found


def _missing(have: Iterable[str]) -> str:
    known = set(have)
    return ", ".join(str(number) for number in range(EVENTS.partitions) if str(number) not in known)


def trials_as_json(trials: Trials, committed: dict[int, int]) -> list[dict[str, Any]]:
    """Every trial in builtins."""
    return [
        record.model_dump(mode="json", by_alias=True)
        | {"stage": stage(record).value, "foldedIn": in_effect(record, committed), "leftToDo": left_to_do(record)}
        for record in trials.by_age
    ]


def show_diff(found: Diff, console: Console, *, limit: int) -> None:
    """Print the figures by kind, and the first differences."""
    begun = found.record.begun
    title = f"{begun.shadow} ({begun.detector}@{begun.version}) against what was published ({spoke(found.versions)})"
    show_comparison(found.comparison, console, title=title, other=SHADOW, limit=limit)
    for warning in warnings(found):
        console.print(warning, style="yellow", markup=False, soft_wrap=True)
    console.print(f"{_moment(found.begin_ms)} to {_moment(found.end_ms)}, event time", style="dim", markup=False)
    if not found.comparison.differences:
        console.print(f"{begun.shadow} found the same.", style="green", markup=False)


def warnings(found: Diff) -> list[str]:
    """What an engineer must know to believe the figures."""
    said = []
    if found.begin_ms >= found.end_ms:
        said.append("there was no trial in that range: eyes shadow status")
    if older := found.comparison.older:
        said.append(f"{older:,} findings were raised before the trial began, and are not compared")
    if undecided := found.comparison.undecided:
        said.append(f"{undecided:,} findings are too new to say whether they are published: not counted")
    if found.unreadable:
        said.append(f"{found.unreadable:,} records are no findings of this version")
    return said


def diff_as_json(found: Diff) -> dict[str, Any]:
    """Everything, in builtins."""
    begun = found.record.begun
    return {
        "shadow": begun.shadow,
        "detector": f"{begun.detector}@{begun.version}",
        "from": format_rfc3339(from_ms(found.begin_ms)),
        "to": format_rfc3339(from_ms(found.end_ms)),
        **compared_as_json(found.comparison, SHADOW),
        "older": found.comparison.older,
        "published_steps_by_version": {str(version): steps for version, steps in found.versions.items()},
        "unreadable": found.unreadable,
    }


def show_succession(found: Succession, record: TrialRecord, console: Console, *, limit: int) -> None:
    """Print what a promotion would do to what is open now."""
    columns = {
        "adopted": found.adopted,
        "cleared (superseded)": found.cleared,
        "raised": found.raised,
    }
    counts = {name: Counter(life.kind for life in lives) for name, lives in columns.items()}
    table = Table("open findings", title=f"What promoting {escape(record.begun.shadow)} would do now")
    for name in columns:
        table.add_column(name, justify="right")
    for kind in sorted({kind for count in counts.values() for kind in count}):
        table.add_row(KINDS[kind].label, *(f"{count[kind]:,}" for count in counts.values()))
    table.add_section()
    table.add_row("all", *(f"{len(lives):,}" for lives in columns.values()))
    console.print(table)
    _list(console, "would be cleared", "red", found.cleared, limit)
    _list(console, "would be raised", "green", found.raised, limit)


def _list(console: Console, said: str, style: str, lives: tuple[Life, ...], limit: int) -> None:
    for life in lives[:limit]:
        line = Text.assemble(f"{_moment(life.raised_ms)}  ", (f"{said:17}", style), f" {life.zone}  {life.summary}")
        console.print(line, soft_wrap=True)
    if len(lives) > limit:
        console.print(f"... and {len(lives) - limit:,} more that {said}: --limit N shows more", style="dim")


def _moment(ms: int) -> str:
    return f"{from_ms(ms):%Y-%m-%d %H:%M:%S}"
