"""The figures of a run for people."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ops.score.street.amiss import Amiss
from ops.score.street.result import KindScore
from ops.score.street.total import LEARN_DAYS, Figures, Settings
from schemas.model import from_ms


def show(figures: Figures, settings: Settings, *, explain: bool = False) -> None:
    """Print a table of all kinds and what stands behind it; with ``explain`` also what went wrong, one by one."""
    console = Console(highlight=False)
    several = len(settings.seeds) > 1
    seeds = ", ".join(map(str, settings.seeds))
    only = "" if settings.families is None else f", only {', '.join(settings.families)}"
    table = Table(
        title=f"Seed{'s' * several} {seeds}: {figures.facilities:,} facilities, {figures.days} days{only}",
        box=SIMPLE,
        padding=0,
    )
    table.add_column("kind", no_wrap=True)
    for name in ("truth", "found", "recall", "prec.", "p50 s", "p95 s", "false", "near", "unseen"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, one in figures.kinds.items():
        table.add_row(kind.value, *_cells(one))
    console.print(table)
    console.print(
        "found -: no detector; p50, p95: delays; near: near-misses that were raised; unseen: no sensor could show it",
        style="dim",
    )
    counts = figures.counts
    console.print(
        f"false alarms per 1,000 facilities and day: {round(figures.false_alarms, 4):g}; "
        f"{counts['messages']:,} messages, {counts['events']:,} events, {figures.cpu_s:.3f} CPU s of the fold "
        f"({figures.cpu_s_per_million:.2f} per million)"
    )
    if (rate := figures.novelties_per_1000) is not None:
        console.print(
            f"novelty: {figures.novelties} findings in {figures.novelty_days:,.0f} days of facilities after "
            f"{LEARN_DAYS:g} days of learning, {rate:.3g} per 1,000 facilities and day"
        )
    marks = figures.expecting
    console.print(
        f"within planned works: {marks.within} findings, {marks.marked} marked as expected; {marks.wrongly} others are"
    )
    if counts["refused"] or counts["unregistered"]:
        console.print(f"{counts['refused']} messages refused, {counts['unregistered']} of unknown devices", style="red")
    if counts["poison"]:
        console.print(f"{counts['poison']} events were poison to a detector", style="red")
    for odd in figures.amiss if explain else ():
        console.print(f"\n{odd.what}: {odd.kind} at {odd.facility}, seed {odd.seed}, {_span(odd)}", soft_wrap=True)
        for line in (odd.summary, *odd.meanwhile):
            console.print(f"  {line}", soft_wrap=True, markup=False)


def _span(one: Amiss) -> str:
    until = "" if one.to_ms is None else f" to {from_ms(one.to_ms):%d. %H:%M:%S}"
    return f"{from_ms(one.from_ms):%d. %H:%M:%S}{until} UTC"


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
