"""Carries over from the old generation what the log no longer holds.

It is done before what follows in the log is stored, so the archive's own rules (the first of equal identities stays,
the newest state wins) decide between the two as they did when the old generation was filled. Rows are chosen by the
time they arrived: those that came into the log before its first record, and an hour's margin, as whoever writes the log
does so by clocks. A row of that hour that the log holds too is the same row.

Current states are carried over whole: which of them only the lost part of the log knew cannot be seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from psycopg import Connection, sql

from ops.database.generations import Generation, chunk_ends
from schemas.topics import ANOMALIES, DERIVED, DEVICES, EVENTS, QUARANTINE, UNREGISTERED, VERDICTS, Topic

MARGIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Events:
    """A table of rows that happened; ``arrived`` says when, in log time."""

    name: LiteralString
    topic: Topic
    arrived: LiteralString
    by: LiteralString | None = None
    """The column it is cut into chunks by."""
    bounded: bool = True
    """Whether ``arrived`` is known so well that newer rows may be left to the log."""
    conflict: LiteralString = "DO NOTHING"
    only: LiteralString | None = None
    """Which of its rows are of this topic; None: all of them."""


@dataclass(frozen=True, slots=True)
class States:
    """A table of current states; one replaces another where ``newer`` says so."""

    name: LiteralString
    topic: Topic
    key: LiteralString
    newer: LiteralString


EVENT_TABLES: Final = (
    Events("observations", EVENTS, "t.arrival_time", by="time", only="left(t.identity, 2) <> 'd:'"),
    Events("observations", DERIVED, "t.arrival_time", by="time", only="left(t.identity, 2) = 'd:'"),
    Events("camera_events", EVENTS, "t.arrival_time", by="time"),
    # Where time alone decided there is no arrival; findings are few and their ids certain.
    Events("anomaly_events", ANOMALIES, "coalesce(t.arrival_time, t.stored_at)", by="at", bounded=False),
    Events("quarantine", QUARANTINE, "t.arrival_time"),
    Events("verdicts", VERDICTS, "t.given_at"),
    Events(
        "unregistered",
        UNREGISTERED,
        "t.arrival_time",
        conflict="(device, observed_property, identity) DO UPDATE SET released = TRUE "
        "WHERE excluded.released AND NOT n.released",
    ),
)
STATE_TABLES: Final = (
    States("facilities", EVENTS, "facility", "(excluded.revision, excluded.changed_at) > (n.revision, n.changed_at)"),
    States("zones", EVENTS, "zone", "(excluded.revision, excluded.changed_at) > (n.revision, n.changed_at)"),
    States("ticks_latest", EVENTS, "partition", "(excluded.generation, excluded.time) > (n.generation, n.time)"),
    States(
        "anomalies",
        ANOMALIES,
        "finding_id",
        "(excluded.at, array_position(ARRAY['raised', 'updated', 'cleared'], excluded.state)) "
        "> (n.at, array_position(ARRAY['raised', 'updated', 'cleared'], n.state))",
    ),
    States("devices", DEVICES, "device", "excluded.log_offset > n.log_offset"),
)
NUMBERED: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (
    ("series", "device, observed_property, unit"),
    ("origins", "facility, facility_class, zone"),
)

_READINGS: Final = """
INSERT INTO {new}.observations AS n (time, arrival_time, stored_at, result, series_id, origin_id, quality, identity)
SELECT t.time, t.arrival_time, t.stored_at, t.result, s.series_id, g.origin_id, t.quality, t.identity
FROM {old}.observations AS t
JOIN {old}.series AS os USING (series_id)
JOIN {new}.series AS s USING (device, observed_property)
JOIN {old}.origins AS og USING (origin_id)
JOIN {new}.origins AS g USING (facility, facility_class, zone)
WHERE {wanted}
ON CONFLICT DO NOTHING
"""
_ROWS: Final = """
INSERT INTO {new}.{table} AS n ({columns})
SELECT {values}
FROM {old}.{table} AS t
WHERE {wanted}
ON CONFLICT {conflict}
"""


@dataclass(frozen=True, slots=True)
class Lost:
    """What the log has lost of a topic: everything before ``until``; all of it where that is None."""

    topic: Topic
    until: datetime | None


class Carry:
    """From one generation into another; every statement may be repeated."""

    def __init__(self, connection: Connection, old: Generation, new: Generation, discard: datetime | None) -> None:
        self._connection = connection
        self._old, self._new = old, new
        self._discard = discard

    def run(self, lost: Sequence[Lost]) -> Iterator[tuple[str, int]]:
        """Carry over; yields table and rows of each statement, which is committed then."""
        until = {one.topic: one.until for one in lost}
        if EVENTS in until or DERIVED in until:
            for table, columns in NUMBERED:
                yield table, self._execute(_ROWS, self._rows(table, columns.split(", "), sql.SQL("TRUE"), "DO NOTHING"))
        for states in STATE_TABLES:
            if states.topic in until:
                yield states.name, self._execute(_ROWS, self._states(states))
        for events in EVENT_TABLES:
            # What the archive itself set aside stands in quarantine, whatever topic it came from.
            if events.topic in until or events.topic is QUARANTINE:
                limit = _latest(lost) if events.topic is QUARANTINE else until[events.topic]
                for part in self._parts(events):
                    wanted = sql.SQL(" AND ").join([*part, *self._arrived(events, limit)] or [sql.SQL("TRUE")])
                    yield events.name, self._events(events, wanted)

    def _events(self, events: Events, wanted: sql.Composable) -> int:
        if events.name == "observations":
            return self._execute(_READINGS, {"wanted": wanted})
        columns = self._columns(events.name)
        return self._execute(_ROWS, self._rows(events.name, columns, wanted, events.conflict))

    def _arrived(self, events: Events, limit: datetime | None) -> Iterator[sql.Composable]:
        if events.only is not None:
            yield sql.SQL(events.only)
        if events.bounded and limit is not None:
            yield sql.SQL("{} <= {}").format(sql.SQL(events.arrived), sql.Literal(limit + MARGIN))
        if self._discard is not None:
            yield sql.SQL("{} >= {}").format(sql.SQL(events.arrived), sql.Literal(self._discard))

    def _parts(self, events: Events) -> Iterator[list[sql.Composable]]:
        """A table in pieces of a chunk, so that no transaction is long."""
        if events.by is None:
            yield []
            return
        column = sql.SQL("t.{}").format(sql.Identifier(events.by))
        begin = None
        for end in chunk_ends(self._connection, self._old.schema, events.name):
            part = [sql.SQL("{} < {}").format(column, sql.Literal(end))]
            if begin is not None:
                part.append(sql.SQL("{} >= {}").format(column, sql.Literal(begin)))
            yield list(part)
            begin = end

    def _states(self, states: States) -> dict[str, sql.Composable]:
        columns = self._columns(states.name)
        sets = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns if name != states.key
        )
        conflict = sql.SQL("({}) DO UPDATE SET {} WHERE {}").format(
            sql.Identifier(states.key), sets, sql.SQL(states.newer)
        )
        return self._rows(states.name, columns, sql.SQL("TRUE"), "DO NOTHING") | {"conflict": conflict}

    def _rows(
        self, table: LiteralString, columns: Sequence[str], wanted: sql.Composable, conflict: LiteralString
    ) -> dict[str, sql.Composable]:
        names = [sql.Identifier(name) for name in columns]
        return {
            "table": sql.Identifier(table),
            "columns": sql.SQL(", ").join(names),
            "values": sql.SQL(", ").join(sql.SQL("t.{}").format(name) for name in names),
            "wanted": wanted,
            "conflict": sql.SQL(conflict),
        }

    def _columns(self, table: str) -> list[str]:
        """Those that are stored as they are given."""
        rows = self._connection.execute(
            """
            SELECT attname
            FROM pg_attribute
            WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
            ORDER BY attnum
            """,
            [f"{self._new.schema}.{table}"],
        ).fetchall()
        return [row[0] for row in rows]

    def _execute(self, query: LiteralString, parts: dict[str, sql.Composable]) -> int:
        old, new = sql.Identifier(self._old.schema), sql.Identifier(self._new.schema)
        return self._connection.execute(sql.SQL(query).format(old=old, new=new, **parts)).rowcount


def _latest(lost: Sequence[Lost]) -> datetime | None:
    times = [one.until for one in lost]
    return None if None in times else max(time for time in times if time is not None)
