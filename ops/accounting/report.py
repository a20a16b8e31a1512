"""A reckoning in a few lines: the account, and what was planted against what was found."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from ops.accounting.account import Account
from ops.accounting.reckoning import Reckoning
from ops.accounting.truth import Verdict

_BAD = frozenset({"lost", "duplicated", "unexplained", "incidents missed", "false findings"})


def print_reckoning(console: Console, reckoning: Reckoning) -> None:
    """Print it; every bad number with examples."""
    table = Table(title="Account", show_header=False)
    for name, value in _lines(reckoning):
        table.add_row(name, f"{value:,}", style="bold red" if value and name in _BAD else "")
    console.print(table)
    for line in _examples(reckoning.account, reckoning.verdict):
        console.print(line, style="red", highlight=False)
    console.print(_conclusion(reckoning), style="green" if reckoning.good else "red")


def _lines(reckoning: Reckoning) -> Iterator[tuple[str, int]]:
    account, verdict = reckoning.account, reckoning.verdict
    yield "sent", account.sent
    yield "stored", account.stored
    yield "identical duplicates", account.identical
    yield "conflicts", account.conflicts
    yield "quarantined", account.quarantined
    yield "unregistered", account.unregistered
    yield "lost", account.lost
    yield "duplicated", account.doubled
    yield "unexplained", account.phantom
    if account.derived:
        yield "derived from these", account.derived
    if verdict is not None:
        yield "incidents planted", verdict.planted
        yield "incidents found", verdict.found
        yield "incidents missed", len(verdict.missed)
        yield "false findings", len(verdict.false)


def _examples(account: Account, verdict: Verdict | None) -> Iterator[str]:
    yield from account.samples
    if verdict is not None:
        yield from (f"missed: {one}" for one in verdict.missed)
        yield from (f"false: {one}" for one in verdict.false)


def _conclusion(reckoning: Reckoning) -> str:
    account, verdict = reckoning.account, reckoning.verdict
    said = "Nothing lost, nothing twice" if account.balanced else "The account does not balance"
    if verdict is None:
        return said + "."
    if verdict.good:
        return f"{said}, every planted incident found and nothing else."
    return f"{said}; {len(verdict.missed)} planted incidents missed, {len(verdict.false)} false findings."
