"""Holds what was planted against what was found, one to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from runtime.settings import DatabaseSettings

AFTER_END: Final = timedelta(minutes=30)  # a finding so long after the end of an incident is still of it

_RAISED: Final = """
SELECT kind, subject, zone, at, summary
FROM anomaly_events
WHERE transition = 'raised'
ORDER BY at, event_id
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the planted incidents; ``missed`` and ``false`` in words."""

    planted: int
    found: int
    missed: tuple[str, ...]
    false: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Every planted incident was found, and nothing else was."""
        return not self.missed and not self.false


def match_truth(settings: DatabaseSettings, truth: Sequence[dict[str, Any]]) -> Verdict:
    """Match findings to incidents: the same kind and subject (or zone), raised while it lasted or shortly after.

    An incident marked ``undecided`` had not lasted long enough to be found when the feed ended: found or not, both
    are right.
    """
    password = None if settings.password is None else settings.password.get_secret_value()
    with psycopg.connect(settings.dsn, password=password, application_name="eyes-account") as connection:
        raised = connection.execute(_RAISED).fetchall()
    open_incidents = sorted(truth, key=lambda incident: str(incident["start"]))
    false = []
    found = 0
    for kind, subject, zone, at, summary in raised:
        matched = next((one for one in open_incidents if _is_of(one, kind, subject, zone, at)), None)
        if matched is None:
            false.append(f"{at:%Y-%m-%d %H:%M} {kind}: {summary}")
            continue
        open_incidents.remove(matched)
        found += not matched.get("undecided", False)
    missed = [one for one in open_incidents if not one.get("undecided", False)]
    return Verdict(
        planted=found + len(missed),
        found=found,
        missed=tuple(f"{one['start']} {one['kind']} at {one['subject'] or one['zone']}" for one in missed),
        false=tuple(false),
    )


def _is_of(incident: dict[str, Any], kind: str, subject: str, zone: str, at: datetime) -> bool:
    place = (incident["subject"] == subject) if incident["subject"] else (incident["zone"] == zone)
    if kind != incident["kind"] or not place:
        return False
    end = datetime.fromisoformat(incident["end"]) + AFTER_END if incident["end"] else None
    return datetime.fromisoformat(incident["start"]) <= at and (end is None or at <= end)
