"""Holds two generations against each other: no table may have become smaller."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Connection, sql

from ops.database.generations import Generation
from ops.rebuild.carry import EVENT_TABLES, NUMBERED, STATE_TABLES
from processors.archive.sink import Partition

TABLES: Final = tuple(
    dict.fromkeys(
        [
            *(events.name for events in EVENT_TABLES),
            *(states.name for states in STATE_TABLES),
            *(table for table, _ in NUMBERED),
        ]
    )
)


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of a generation by table, and the offsets at which they were counted."""

    rows: Mapping[str, int]
    offsets: Mapping[Partition, int]


def count(connection: Connection, generation: Generation, since: datetime | None) -> Counted:
    """Count rows (of what happened, only those that arrived since then) and read offsets, all at one moment."""
    schema = sql.Identifier(generation.schema)
    arrived = {events.name: events.arrived for events in EVENT_TABLES}
    rows = {}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        offsets = connection.execute(
            sql.SQL("SELECT topic, partition, next_offset FROM {}.archive_offsets").format(schema)
        ).fetchall()
        for table in TABLES:
            query = sql.SQL("SELECT count(*) FROM {}.{} AS t").format(schema, sql.Identifier(table))
            if since is not None and table in arrived:
                query += sql.SQL(" WHERE {} >= {}").format(sql.SQL(arrived[table]), sql.Literal(since))
            ((rows[table],),) = connection.execute(query).fetchall()
    return Counted(rows, {(topic, partition): offset for topic, partition, offset in offsets})


def shrunk(old: Counted, new: Counted) -> dict[str, tuple[int, int]]:
    """The tables that have fewer rows than before: old and new number; pure."""
    return {table: (rows, new.rows[table]) for table, rows in old.rows.items() if new.rows[table] < rows}
