"""Draws a snapshot as a terminal page; knows nothing of where the numbers come from."""

from datetime import datetime
from typing import Final

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.run.snapshot import Seen, Snapshot
from schemas.anomaly import KINDS, Severity, Transition

FINDINGS_SHOWN: Final = 10

_COLOUR: Final = {
    Severity.CRITICAL: "bold red",
    Severity.MAJOR: "red",
    Severity.MINOR: "yellow",
    Severity.WARNING: "cyan",
}


def page(snapshot: Snapshot) -> RenderableType:
    """The whole page: flow, health, findings, addresses."""
    return Group(
        _title(snapshot),
        Columns([_flow(snapshot), _processes(snapshot)], equal=False, expand=False),
        _findings(snapshot),
        _addresses(snapshot),
    )


def sentence(seen: Seen, now: datetime) -> str:
    """One plain sentence: what, where, and how long ago its newest evidence reached us."""
    finding = seen.finding
    since = finding.arrival_time or seen.heard_at
    age = max(0.0, (now - since).total_seconds())
    verb = "cleared: " if finding.transition is Transition.CLEARED else ""
    return f"{verb}{finding.summary}, seen {_age(age)} ago"


def _age(seconds: float) -> str:
    minute, hour = 60, 3600
    if seconds < minute:
        return f"{seconds:.1f} s"
    if seconds < hour:
        return f"{seconds / minute:.0f} min"
    return f"{seconds / hour:.1f} h"


def _title(snapshot: Snapshot) -> Text:
    clock = f"  city time {snapshot.clock:%a %Y-%m-%d %H:%M}" if snapshot.clock else "  waiting for the first tick"
    return Text.assemble(("Digital Eyes 数字眼", "bold"), (clock, "green"), (f"  {snapshot.feeding}", "dim"))


def _flow(snapshot: Snapshot) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="left")
    table.add_column(justify="right", style="bold")
    for name, value in (
        ("MQTT messages in", f"{snapshot.messages:,.0f}"),
        ("readings", f"{snapshot.readings:,.0f}"),
        ("readings/s", f"{snapshot.readings_per_s:,.0f}"),
        ("in flight", f"{snapshot.in_flight:,.0f}"),
        ("rows stored", f"{snapshot.rows:,.0f}"),
        ("findings", f"{snapshot.findings:,.0f}"),
        ("quarantined", f"{snapshot.quarantined:,.0f}"),
        ("unregistered", f"{snapshot.unregistered:,.0f}"),
    ):
        table.add_row(name, value)
    return Panel(table, title="flow", border_style="blue")


def _processes(snapshot: Snapshot) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column()
    table.add_column(justify="right")
    for name, state in snapshot.processes.items():
        lag = snapshot.lag.get(name)
        style = "green" if state == "running" else "red"
        table.add_row(name, Text(state, style=style), "" if lag is None else f"lag {lag:,.0f}")
    return Panel(table, title="processes", border_style="blue")


def _findings(snapshot: Snapshot) -> Panel:
    table = Table.grid(padding=(0, 2))
    for seen in snapshot.newest[-FINDINGS_SHOWN:][::-1]:
        finding = seen.finding
        cleared = finding.transition is Transition.CLEARED
        table.add_row(
            f"{finding.at:%d %H:%M}",
            Text(KINDS[finding.kind].label, style="dim" if cleared else _COLOUR[finding.severity]),
            Text(sentence(seen, snapshot.at), style="dim" if cleared else ""),
            Text(f"{finding.place.lon:.4f} {finding.place.lat:.4f}", style="dim"),
        )
    if not snapshot.newest:
        table.add_row(Text("none yet", style="dim"))
    return Panel(table, title="newest findings", border_style="blue")


def _addresses(snapshot: Snapshot) -> Text:
    return Text("\n".join(f"{name}: {url}" for name, url in snapshot.urls.items()), style="dim")
