"""What a replay found, for a person (a table and a sentence each) and for programs (JSON)."""

from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.replay.compare import Change, Comparison, Difference, Row, median_ms, p95_ms
from ops.replay.lives import Life
from ops.replay.replay import Outcome
from processors.detectors.common import span
from schemas.anomaly import KINDS, AnomalyKind
from schemas.model import format_rfc3339, from_ms

_RARE: Final = (Change.KIND, Change.SEVERITY, Change.ENDED)
"""Columns of these stand in the table only where there are any: eighty characters are not many."""
REPLAYED: Final = "replayed"
_STYLES: Final = {Change.GAINED: "green", Change.LOST: "red"}


def sentence(difference: Difference) -> str:
    """One difference in plain words."""
    before, after = difference.before, difference.after
    if before is None or after is None:
        life = difference.life
        until = "still open" if life.cleared_ms is None else f"until {_moment(life.cleared_ms)}"
        new = "would be found" if before is None else "would not be found"
        return f"{new}: {life.summary} ({until})"
    match difference.change:
        case Change.KIND:
            said = f"would be {after.kind}, not {before.kind}"
        case Change.SEVERITY:
            said = f"would be {after.severity}, not {before.severity}"
        case Change.ENDED:
            said = _ended(before, after)
        case _:
            how = "earlier" if difference.by_ms < 0 else "later"
            said = f"would be found {span(abs(difference.by_ms))} {how}"
    return f"{said}: {before.summary}"


def _ended(before: Life, after: Life) -> str:
    if after.cleared_ms is None:
        assert before.cleared_ms is not None, "they end otherwise"
        return f"would still be open, was over at {_moment(before.cleared_ms)}"
    if before.cleared_ms is None:
        return f"would be over at {_moment(after.cleared_ms)}, is still open"
    by_ms = after.cleared_ms - before.cleared_ms
    return f"would be over {span(abs(by_ms))} {'earlier' if by_ms < 0 else 'later'}"


def _moment(ms: int) -> str:
    return f"{from_ms(ms):%Y-%m-%d %H:%M:%S}"


def show(outcome: Outcome, console: Console, *, limit: int) -> None:
    """Print the figures by kind, and the first differences."""
    title = f"{outcome.question.detector_id} against what was published ({spoke(outcome.versions)})"
    show_comparison(outcome.comparison, console, title=title, other=REPLAYED, limit=limit)
    for warning in warnings(outcome):
        console.print(warning, style="yellow", markup=False, soft_wrap=True)
    if not outcome.comparison.differences:
        console.print(f"{outcome.question.detector_id} would have found the same.", style="green")


def show_comparison(comparison: Comparison, console: Console, *, title: str, other: str, limit: int) -> None:
    """Print a table under ``title``, with a column ``other`` beside the published, and the first differences."""
    console.print(_table(comparison.rows, title, other))
    differences = comparison.differences
    for one in differences[:limit]:
        style = _STYLES.get(one.change, "yellow")
        line = Text.assemble(
            f"{_moment(one.life.raised_ms)}  ", (f"{one.change.value:15}", style), f" {one.life.zone}  {sentence(one)}"
        )
        console.print(line, soft_wrap=True)
    if len(differences) > limit:
        console.print(f"... and {len(differences) - limit:,} more: --limit N shows more, --json all", style="dim")


def spoke(versions: dict[int, int]) -> str:
    """Who published what."""
    return ", ".join(f"version {version}: {steps:,} steps" for version, steps in versions.items()) or "nothing"


def _table(rows: dict[AnomalyKind, Row], title: str, other: str) -> Table:
    table = Table(
        "finding",
        title=title,
        caption="counted once under each way in which it differs; times are median / 95th percentile",
    )
    changes = [one for one in Change if one not in _RARE or any(row.changes[one] for row in rows.values())]
    for name in ("published", other, "the same", *(change.value for change in changes)):
        table.add_column(name, justify="right")
    for kind, row in rows.items():
        cells = [f"{number:,}" for number in (row.published, row.replayed, row.same)]
        table.add_row(KINDS[kind].label, *cells, *(_cell(row, change) for change in changes))
    return table


def _cell(row: Row, change: Change) -> str:
    lengths = {Change.EARLIER: row.earlier_ms, Change.LATER: row.later_ms}.get(change)
    if not lengths:
        return f"{row.changes[change]:,}"
    return f"{len(lengths):,} ({span(median_ms(lengths))} / {span(p95_ms(lengths))})"


def warnings(outcome: Outcome) -> list[str]:
    """What an engineer must know to believe the figures."""
    found = [
        f"override {number} ({override}) speaks of nothing that was ever registered"
        for number, (override, matched) in enumerate(
            zip(outcome.question.what_if.override, outcome.matched, strict=True), start=1
        )
        if not matched
    ]
    if outcome.failed:
        found.append(f"the detector failed at {outcome.failed:,} events, which it did not take in:")
        found += [f"  {failure}" for failure in outcome.failures]
    if outcome.unreadable:
        found.append(f"{outcome.unreadable:,} records of the log are no events of this version")
    if undecided := outcome.comparison.undecided:
        found.append(f"{undecided:,} findings follow from what the running detectors had not folded yet: not counted")
    return found


def as_json(outcome: Outcome, *, seconds: float, events_per_s: float) -> dict[str, Any]:
    """Everything, in builtins."""
    question = outcome.question
    return {
        "detector": question.detector_id,
        "from": None if question.begin_ms is None else format_rfc3339(from_ms(question.begin_ms)),
        "to": None if question.end_ms is None else format_rfc3339(from_ms(question.end_ms)),
        **compared_as_json(outcome.comparison, REPLAYED),
        "published_steps_by_version": {str(version): steps for version, steps in outcome.versions.items()},
        "matched": list(outcome.matched),
        "failed": outcome.failed,
        "failures": list(outcome.failures),
        "unreadable": outcome.unreadable,
        "records": outcome.records,
        "events": outcome.events,
        "seconds": round(seconds, 2),
        "events_per_s": round(events_per_s),
    }


def compared_as_json(comparison: Comparison, other: str) -> dict[str, Any]:
    """A comparison in builtins; ``other`` is what was held against the published."""
    return {
        "different": bool(comparison.differences),
        "kinds": {kind.value: _figures(row, other) for kind, row in comparison.rows.items()},
        "differences": [_difference(one) for one in comparison.differences],
        "undecided": comparison.undecided,
    }


def _figures(row: Row, other: str) -> dict[str, Any]:
    figures: dict[str, Any] = {"published": row.published, other: row.replayed, "same": row.same}
    figures |= {change.value.replace(" ", "_"): number for change, number in row.changes.items()}
    for name, lengths in (("earlier", row.earlier_ms), ("later", row.later_ms)):
        if lengths:
            figures |= {f"{name}_median_s": median_ms(lengths) / 1000, f"{name}_p95_s": p95_ms(lengths) / 1000}
    return figures


def _difference(one: Difference) -> dict[str, Any]:
    life = one.life
    return {
        "change": one.change.value.replace(" ", "_"),
        "kind": life.kind.value,
        "zone": life.zone,
        "subject": life.subject,
        "later_by_s": one.by_ms / 1000,
        "before": _life(one.before),
        "after": _life(one.after),
        "sentence": sentence(one),
    }


def _life(life: Life | None) -> dict[str, Any] | None:
    if life is None:
        return None
    return {
        "id": str(life.finding),
        "kind": life.kind.value,
        "severity": life.severity.value,
        "since": format_rfc3339(from_ms(life.since_ms)),
        "raised": format_rfc3339(from_ms(life.raised_ms)),
        "cleared": None if life.cleared_ms is None else format_rfc3339(from_ms(life.cleared_ms)),
        "summary": life.summary,
    }
