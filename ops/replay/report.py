"""What a replay found, for a person (a table and a sentence each) and for programs (JSON)."""

from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.replay.compare import Change, Comparison, Difference, Row, median_ms, p95_ms
from ops.replay.lives import Life
from ops.replay.readings import Compared, Differing
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
    if outcome.readings is None or outcome.comparison.rows:
        show_comparison(outcome.comparison, console, title=title, other=REPLAYED, limit=limit)
    if outcome.readings is not None:
        _show_readings(outcome.readings, console, title=title, limit=limit)
    for warning in warnings(outcome):
        console.print(warning, style="yellow", markup=False, soft_wrap=True)
    if not outcome.different:
        did = "found" if outcome.readings is None else "derived"
        console.print(f"{outcome.question.detector_id} would have {did} the same.", style="green")


def _show_readings(compared: Compared, console: Console, *, title: str, limit: int) -> None:
    table = Table("derived readings", title=title)
    cells = _reading_figures(compared)
    for name in cells:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_row("", *(f"{number:,}" for number in cells.values()))
    console.print(table)
    for one in compared.first[:limit]:
        console.print(f"{_moment(one.time_ms)}  {one.zone}  {_reading_sentence(one)}", markup=False, soft_wrap=True)
    if (more := compared.changed + compared.gained + compared.lost - limit) > 0:
        console.print(f"... and {more:,} more: --limit N shows more, --json the first of each partition", style="dim")


def _reading_figures(compared: Compared) -> dict[str, int]:
    return {
        "published": compared.published,
        REPLAYED: compared.replayed,
        "same": compared.same,
        "other_value": compared.changed,
        "gained": compared.gained,
        "lost": compared.lost,
    }


def _reading_sentence(one: Differing) -> str:
    name = f"{one.device}/{one.observed_property}/{one.identity}"
    if one.before is None:
        return f"would be derived: {name} = {one.after:g}"
    if one.after is None:
        return f"would not be derived: {name} = {one.before:g}"
    return f"would be {one.after:g}, not {one.before:g}: {name}"


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
    if outcome.readings is not None and (undecided := outcome.readings.undecided):
        found.append(f"{undecided:,} readings follow from what the running detectors had not folded yet: not counted")
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
        "different": outcome.different,
        "readings": None if outcome.readings is None else _readings_as_json(outcome.readings),
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


def _readings_as_json(compared: Compared) -> dict[str, Any]:
    return {
        **_reading_figures(compared),
        "undecided": compared.undecided,
        "differences": [
            {
                "time": format_rfc3339(from_ms(one.time_ms)),
                "zone": one.zone,
                "device": one.device,
                "property": one.observed_property,
                "identity": one.identity,
                "before": one.before,
                "after": one.after,
                "sentence": _reading_sentence(one),
            }
            for one in compared.first
        ],
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
