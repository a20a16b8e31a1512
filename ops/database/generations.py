"""The generations of the projection: schemas ``eyes_gN`` of the same tables, one of which ``public`` shows.

All are made and changed by the same migrations (:mod:`ops.database.migrate`), so they never differ.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from psycopg import Connection, sql

from ops.database import migrate as migrations
from ops.database.migrate import alone, apply_within, has_generations, schema_of
from runtime.errors import FatalError
from runtime.version import VERSION

State = Literal["filling", "current", "old"]

_CHUNKS_AT_ONCE: Final = 50  # dropped in one transaction: the server's table of locks is finite


@dataclass(frozen=True, slots=True)
class Generation:
    """A row of ``public.projection``."""

    number: int
    state: State
    made_at: datetime
    made_by: str | None
    current_since: datetime | None

    @property
    def schema(self) -> str:
        """Where its tables stand."""
        return schema_of(self.number)


def generations(connection: Connection) -> list[Generation]:
    """All of them, oldest first.

    Raises:
        FatalError: the database was not migrated so far.
    """
    if not has_generations(connection):
        raise FatalError("the database's schema is too old: run `eyes db migrate`")
    rows = connection.execute(
        "SELECT generation, state, made_at, made_by, current_since FROM public.projection ORDER BY generation"
    ).fetchall()
    return [Generation(*row) for row in rows]


def schemas(connection: Connection) -> list[str]:
    """The schema of every generation."""
    return [one.schema for one in generations(connection)]


def current(connection: Connection) -> Generation:
    """The one that is shown and written.

    Raises:
        FatalError: the database was not migrated so far, or none is current.
    """
    found = next((one for one in generations(connection) if one.state == "current"), None)
    if found is None:
        raise FatalError("no generation of the projection is current: look into table projection, restore a backup")
    return found


def filling(connection: Connection) -> Generation | None:
    """The one a rebuild has begun and not finished."""
    return next((one for one in generations(connection) if one.state == "filling"), None)


def make(connection: Connection) -> Generation:
    """Make the next generation, empty, by the migrations that made the others.

    Raises:
        FatalError: migrations are pending, or one is being filled already.
        psycopg.Error: a statement failed, e.g. the right to create schemas is missing; nothing was made.
    """
    with alone(connection):
        if migrations.status(connection).pending:
            raise FatalError("the database's schema is not up to date: run `eyes db migrate`")
        with connection.transaction():
            if filling(connection):
                raise FatalError("another rebuild has begun a generation meanwhile")
            insert = "INSERT INTO projection (state, made_by) VALUES ('filling', %s) RETURNING generation"
            ((number,),) = connection.execute(insert, [VERSION]).fetchall()
            schema = sql.Identifier(schema_of(number))
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            about = f"Generation {number} of the projection; readers use the views in public."
            connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(about)))
            for migration in migrations.load():
                if migration.of_projection:
                    apply_within(connection, migration, schema_of(number))
            # A function of the time before generations, which is about the database and stays in public.
            connection.execute(sql.SQL("DROP FUNCTION {}.grant_readers()").format(schema))
    new = filling(connection)
    assert new is not None
    return new


def drop(connection: Connection, generation: Generation) -> None:
    """Drop a generation that is not current; may be repeated after an interruption.

    Raises:
        FatalError: it is current, or something else in the database stands on its tables.
    """
    foreign = _built_on(connection, generation.schema)
    if foreign:
        raise FatalError(
            f"{', '.join(foreign)} stand on tables of {generation.schema}: drop them, or make them again on the views "
            "in public"
        )
    with connection.transaction():
        row = connection.execute(
            "SELECT state FROM public.projection WHERE generation = %s FOR UPDATE", [generation.number]
        ).fetchone()
        if row == ("current",):
            raise FatalError(f"generation {generation.number} is current")
    for table, _ in hypertables(connection, generation.schema):
        _drop_chunks(connection, generation.schema, table)
    with connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(generation.schema)))
        connection.execute("DELETE FROM public.projection WHERE generation = %s", [generation.number])


def analyze(connection: Connection, generation: Generation) -> None:
    """Let the planner know what stands in its tables."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' ORDER BY 1",
        [generation.schema],
    ).fetchall()
    for (table,) in rows:
        connection.execute(sql.SQL("ANALYZE {}.{}").format(sql.Identifier(generation.schema), sql.Identifier(table)))


def hypertables(connection: Connection, schema: str) -> list[tuple[str, str]]:
    """The hypertables of a schema, each with the column that cuts it into chunks."""
    rows = connection.execute(
        """
        SELECT hypertable_name, column_name
        FROM timescaledb_information.dimensions
        WHERE hypertable_schema = %s AND dimension_number = 1
        ORDER BY 1
        """,
        [schema],
    ).fetchall()
    return [(str(table), str(column)) for table, column in rows]


def size_bytes(connection: Connection, generation: Generation) -> int:
    """What its tables, indexes and chunks take on disk."""
    row = connection.execute(
        """
        SELECT
            coalesce((
                SELECT sum(pg_total_relation_size(c.oid))
                FROM pg_class AS c
                WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind = 'r'
            ), 0)
            + coalesce((
                SELECT sum(pg_total_relation_size(format('%%I.%%I', chunk_schema, chunk_name)::regclass))
                FROM timescaledb_information.chunks
                WHERE hypertable_schema = %(schema)s
            ), 0)
        """,
        {"schema": generation.schema},
    ).fetchone()
    assert row is not None
    return int(row[0])


def chunk_ends(connection: Connection, schema: str, table: str) -> list[datetime]:
    """Where the chunks of a hypertable end, in order."""
    rows = connection.execute(
        """
        SELECT DISTINCT range_end
        FROM timescaledb_information.chunks
        WHERE hypertable_schema = %s AND hypertable_name = %s
        ORDER BY 1
        """,
        [schema, table],
    ).fetchall()
    return [row[0] for row in rows]


def _drop_chunks(connection: Connection, schema: str, table: str) -> None:
    ends = chunk_ends(connection, schema, table)
    for end in ends[_CHUNKS_AT_ONCE - 1 :: _CHUNKS_AT_ONCE]:
        connection.execute(
            "SELECT public.drop_chunks(%s::regclass, older_than => %s::timestamptz)", [f"{schema}.{table}", end]
        )


def _built_on(connection: Connection, schema: str) -> list[str]:
    """Views outside of a schema that read its tables, those of TimescaleDB's own schemas aside."""
    rows = connection.execute(
        """
        SELECT DISTINCT format('%%I.%%I', v.relnamespace::regnamespace, v.relname)
        FROM pg_depend AS d
        JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_class AS v ON v.oid = r.ev_class
        JOIN pg_class AS t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
        WHERE t.relnamespace = to_regnamespace(%s) AND v.relnamespace <> t.relnamespace
        ORDER BY 1
        """,
        [schema],
    ).fetchall()
    return [row[0] for row in rows]
