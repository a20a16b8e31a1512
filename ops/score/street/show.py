"""The figures of a run for people."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ops.score.street.result import KindScore
from ops.score.street.run import StreetScore


def show(score: StreetScore) -> None:
    """Print a table of all kinds and what stands behind it."""
    console = Console(highlight=False)
    result = score.as_json()
    table = Table(
        title=f"Seed {score.city.seed}: {result['facilities']:,} facilities, {score.city.days} days",
        box=SIMPLE,
        padding=0,
    )
    table.add_column("kind", no_wrap=True)
    for name in ("truth", "found", "recall", "prec.", "p50 s", "p95 s", "false", "near", "unseen"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, one in score.kinds.items():
        table.add_row(kind.value, *_cells(one))
    console.print(table)
    console.print(
        "found -: no detector; p50, p95: delays; near: near-misses that were raised; unseen: no sensor could show it",
        style="dim",
    )
    console.print(
        f"false alarms per 1,000 facilities and day: {result['false_alarms_per_1000_facilities_per_day']:g}; "
        f"{result['messages']:,} messages, {result['events']:,} events, {result['cpu_s']:g} CPU s of the fold "
        f"({result['cpu_s_per_million_events']:g} per million)"
    )
    marks = score.expecting
    console.print(
        f"within planned works: {marks.within} findings, {marks.marked} marked as expected; {marks.wrongly} others are"
    )
    if score.driven.refused or score.driven.unknown:
        console.print(
            f"{score.driven.refused} messages refused, {score.driven.unknown} of unknown devices", style="red"
        )
    if score.driven.poison:
        console.print(f"{score.driven.poison} events were poison to a detector", style="red")


def _cells(one: KindScore) -> list[str]:
    near = f"{one.near_false}/{one.near_misses}" if one.near_misses else ""
    tail = [str(one.false) if one.false else "", near, str(one.unseen) if one.unseen else ""]
    if not one.detected:
        return [str(one.truth), "-", "", "", "", "", *tail]
    delays = [_seconds(one.delay_s(0.5)), _seconds(one.delay_s(0.95))]
    return [str(one.truth), str(one.found), _share(one.recall), _share(one.precision), *delays, *tail]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
