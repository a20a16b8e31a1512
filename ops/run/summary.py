"""The end of a run in a few lines: the account, and what was planted against what was found."""

from rich.console import Console
from rich.table import Table

from ops.run.city import Reckoning


def print_summary(console: Console, reckoning: Reckoning) -> None:
    """Print it; every bad number with examples."""
    account, verdict = reckoning.account, reckoning.verdict
    table = Table(title="Account", show_header=False)
    for name, value in (
        ("sent", account.sent),
        ("stored", account.stored),
        ("identical duplicates", account.identical),
        ("conflicts", account.conflicts),
        ("quarantined", account.quarantined),
        ("unregistered", account.unregistered),
        ("lost", account.lost),
        ("duplicated", account.doubled),
        ("unexplained", account.phantom),
        ("incidents planted", verdict.planted),
        ("incidents found", verdict.found),
        ("false findings", len(verdict.false)),
    ):
        bad = bool(value) and name in {"lost", "duplicated", "unexplained", "false findings"}
        table.add_row(name, f"{value:,}", style="bold red" if bad else "")
    console.print(table)
    for line in (*account.samples, *(f"missed: {m}" for m in verdict.missed), *(f"false: {f}" for f in verdict.false)):
        console.print(line, style="red", highlight=False)
    good = "Nothing lost, nothing twice, every planted incident found and nothing else."
    console.print(
        good if reckoning.good else "The account does not balance.", style="green" if reckoning.good else "red"
    )
