"""Results of ``eyes score leak`` as the tables that the docs show."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.score.located import totals

FEWER_ALLOWED, FALSE_ALLOWED = 1, 2
"""With faults: a leak fewer and so many false alarms more."""


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def of_sets(sets: Mapping[str, Mapping[str, Any]], chosen: Sequence[str]) -> str:
    """What was tried, on all years; how often each was the best of those on the others."""
    rows = [
        [
            name,
            f"{one['new_found']} of {one['new_total']}",
            f"{one['fp']}: {one['fp_per_month']} a month",
            f"{one['eur_pct']} %",
            f"{one['best_year']}, {one['best_eur_pct']} %",
            f"{one['worst_year']}, {one['worst_eur_pct']} %",
            str(chosen.count(name)),
        ]
        for name, one in sets.items()
    ]
    return markdown(["set", "new found", "false alarms", "EUR", "best year", "worst year", "chosen"], rows)


def of_faults(plain: Sequence[Mapping[str, Any]], faulty: Mapping[int, Sequence[Mapping[str, Any]]]) -> str:
    """Every year without faults and with each seed of them: new leaks found, false alarms, share of the EUR."""

    def cell(one: Mapping[str, Any]) -> str:
        return f"{one['new_found']}, {one['fp']}, {one['eur_pct']} %"

    def of(one: Mapping[str, Any]) -> str:
        return f"{one['new_found']} of {one['new_total']}, {one['fp']}, {one['eur_pct']} %"

    rows = [
        [year["name"], of(year), *(cell(years[n]) + _mark(year, years[n]) for years in faulty.values())]
        for n, year in enumerate(plain)
    ]
    rows.append(["together", of(totals(plain)), *(cell(totals(years)) for years in faulty.values())])
    return markdown(["year", "no faults", *(f"seed {seed}" for seed in faulty)], rows)


def of_confidence(rows: Sequence[Mapping[str, Any]]) -> str:
    """How often alarms were right that were said to be so sure."""
    cells = [
        [f"{row['from']:.0%} to {row['to']:.0%}", str(row["alarms"]), f"{row['said']:.0%}", f"{row['right']:.0%}"]
        for row in rows
    ]
    return markdown(["said", "alarms", "mean confidence", "right"], cells)


def is_allowed(plain: Mapping[str, Any], faulty: Mapping[str, Any]) -> bool:
    """Whether faults cost at most one leak and two false alarms."""
    fewer, more = plain["new_found"] - faulty["new_found"], faulty["fp"] - plain["fp"]
    return bool(fewer <= FEWER_ALLOWED and more <= FALSE_ALLOWED)


def _mark(plain: Mapping[str, Any], faulty: Mapping[str, Any]) -> str:
    return "" if is_allowed(plain, faulty) else " (!)"
