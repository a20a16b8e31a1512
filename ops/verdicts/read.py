"""Findings as they were raised, with the newest verdict on each, from the database."""

from collections.abc import Iterator
from datetime import datetime

from psycopg import Connection

from ops.verdicts.report import Judged
from schemas.anomaly import AnomalyKind
from schemas.rules.found import rule_of

_RAISED = """
SELECT DISTINCT ON (a.finding_id) a.detector, a.kind, a.zone, a.numbers, v.is_real, a.rule
FROM anomaly_events AS a
LEFT JOIN LATERAL (
    SELECT is_real
    FROM verdicts
    WHERE finding_id = a.finding_id
    ORDER BY given_at DESC, event_id DESC
    LIMIT 1
) AS v ON TRUE
WHERE a.transition = 'raised'
    AND (%(begin)s::timestamptz IS NULL OR a.at >= %(begin)s)
    AND (%(end)s::timestamptz IS NULL OR a.at < %(end)s)
    AND (%(detector)s::text IS NULL OR a.detector = %(detector)s)
    AND (%(zone)s::text IS NULL OR a.zone = %(zone)s)
ORDER BY a.finding_id, a.at
"""


def judged(
    connection: Connection,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    detector: str | None = None,
    zone: str | None = None,
) -> Iterator[Judged]:
    """All that were raised within this span of event time, judged or not.

    What was found before findings named their rule has the one by which its detector makes its kind today.
    """
    asked = {"begin": begin, "end": end, "detector": detector, "zone": zone}
    for name, kind, where, numbers, real, rule in connection.execute(_RAISED, asked):
        yield Judged(name, kind, where, numbers, real, rule or rule_of(AnomalyKind(kind), name))
