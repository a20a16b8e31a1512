"""The database side: rows and the next offset in one transaction, and a lock that only its newest owner holds.

Guarantees, each with the statement that gives it:

- rows are stored if and only if the offset behind them moved: one transaction;
- a process that lost a partition cannot store rows of it: ``next_offset`` and ``epoch`` are compared before they move,
  and whoever takes a partition over raises the epoch, waiting for a transaction that is still at it;
- the same rows again change nothing: every merge is idempotent;
- rows of one generation of the projection never reach another: names mean the tables of the schema that was current
  when the session began, and a switch to another generation raises the epochs of the one before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from processors.archive.changes import STATEMENTS, TABLE_OF
from processors.archive.connection import DATA_ERRORS, SESSION, connect, first_line, translated
from processors.archive.rows import Numbers, OriginKey, Row, Rows, SeriesKey, from_pg_time
from processors.archive.tables import TABLES, Horizon, Reach, Table
from runtime.errors import FatalError, FencedError, OutcomeUnknownError, RetryableError
from runtime.failpoint import failpoint
from runtime.settings import DatabaseSettings

SCHEMA_VERSION: Final = 9
"""The migration this code needs (``ops/migrations``); a newer database is fine, an older is not."""

Partition = tuple[str, int]  # topic, number


@dataclass(frozen=True, slots=True)
class _Numbering:
    """How names get numbers; ``keys`` is how many of the columns make up the key."""

    insert: LiteralString
    select: LiteralString
    keys: int


_SERIES: Final = _Numbering(
    insert="""
    INSERT INTO series (device, observed_property, unit)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    ON CONFLICT DO NOTHING
    """,
    select="""
    SELECT device, observed_property, series_id
    FROM series
    JOIN unnest(%s::text[], %s::text[]) AS wanted (device, observed_property) USING (device, observed_property)
    """,
    keys=2,
)
_ORIGINS: Final = _Numbering(
    insert="""
    INSERT INTO origins (facility, facility_class, zone)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    ON CONFLICT DO NOTHING
    """,
    select="""
    SELECT facility, facility_class, zone, origin_id
    FROM origins
    JOIN unnest(%s::text[], %s::text[], %s::text[]) AS wanted (facility, facility_class, zone)
        USING (facility, facility_class, zone)
    """,
    keys=3,
)


class SchemaTooOldError(RetryableError):
    """The database has not been migrated far enough; somebody may be at it."""


@dataclass(slots=True)
class Written:
    """What a transaction changed: rows inserted and rows that were already there, by table."""

    inserted: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0

    def add(self, table: str, inserted: int, offered: int) -> None:
        """Count one merge."""
        self.inserted[table] = self.inserted.get(table, 0) + inserted
        self.repeated[table] = self.repeated.get(table, 0) + offered - inserted


@dataclass(frozen=True, slots=True)
class Held:
    """A partition this connection owns: the next offset to store, and the epoch it owns it under."""

    next_offset: int
    epoch: int


class Sink:
    """One connection of one archive; not thread-safe. After Retryable, OutcomeUnknown or Fatal it must be closed."""

    def __init__(self, settings: DatabaseSettings, archive: str, *, filling: int | None = None) -> None:
        """Connect and prepare the session.

        Args:
            settings: where the database is.
            archive: the name its offsets stand under.
            filling: the generation a rebuild fills; without, the one that is current now.

        Raises:
            RetryableError: the database does not answer.
            SchemaTooOldError: it must be migrated first.
            FatalError: no generation is current.
        """
        self._archive = archive
        self._filling = filling
        self.generation = filling or 0
        self._held: dict[Partition, Held] = {}
        self.numbers: Final = Numbers()
        self._connection = connect(settings, archive)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the connection; what was not committed is gone."""
        self._connection.close()

    @property
    def held(self) -> Mapping[Partition, Held]:
        """The partitions this connection owns and how far each is stored."""
        return self._held

    def take_over(self, log_starts: Mapping[Partition, int]) -> Mapping[Partition, Held]:
        """Become the owner of exactly these partitions; one never stored before begins at its log's start.

        Waits for a transaction of the former owner, so what is returned is what is stored.

        Raises:
            FencedError: another generation has become current since the session began.
            RetryableError: not done.
        """
        self._held = {}
        state = "current" if self._filling is None else "filling"
        with translated(self._connection):
            # The lock lasts until the offsets are ours: a switch comes before, and is seen, or after, and fences.
            held = self._connection.execute(
                "SELECT generation FROM public.projection WHERE generation = %s AND state = %s FOR SHARE",
                [self.generation, state],
            ).fetchone()
            if held is None:
                raise FencedError(f"generation {self.generation} of the projection is not {state} any more")
            for (topic, partition), start in sorted(log_starts.items()):
                row = self._connection.execute(
                    """
                    INSERT INTO archive_offsets AS o (archive, topic, partition, next_offset, epoch)
                    VALUES (%s, %s, %s, %s, 1)
                    ON CONFLICT (archive, topic, partition) DO UPDATE SET epoch = o.epoch + 1
                    RETURNING next_offset, epoch
                    """,
                    [self._archive, topic, partition, start],
                ).fetchone()
                assert row is not None
                self._held[topic, partition] = Held(*row)
            self._connection.commit()
        return self._held

    def decided(self, partitions: Iterable[Partition]) -> bool:
        """Whether somebody has decided about one of these since; for those that wait for a person.

        An offset was moved, or another generation has become current.

        Raises:
            RetryableError: not known.
        """
        wanted = sorted(partitions)
        with translated(self._connection):
            rows = self._connection.execute(
                """
                SELECT topic, partition, next_offset
                FROM archive_offsets
                JOIN unnest(%s::text[], %s::integer[]) AS wanted (topic, partition) USING (topic, partition)
                WHERE archive = %s
                """,
                [[topic for topic, _ in wanted], [number for _, number in wanted], self._archive],
            ).fetchall()
            switched = self._current() != self.generation
            self._connection.rollback()
        return switched or any(self._held[topic, number].next_offset != offset for topic, number, offset in rows)

    def learn(self, series: Mapping[SeriesKey, str], origins: Iterable[OriginKey]) -> None:
        """Give numbers to series and origins, in a transaction of its own: a number nobody uses harms nobody.

        Raises:
            PoisonError: a name PostgreSQL cannot store.
            RetryableError: not done.
        """
        series_rows = [(*key, unit) for key, unit in sorted(series.items())]
        origin_rows = sorted(origins)
        with translated(self._connection):
            found = self._number(_SERIES, [*zip(*series_rows, strict=True)])
            self.numbers.series.update({(row[0], row[1]): row[2] for row in found})
            found = self._number(_ORIGINS, [*zip(*origin_rows, strict=True)])
            self.numbers.origins.update({(row[0], row[1], row[2]): row[3] for row in found})
            self._connection.commit()

    def write(self, rows: Rows, moves: Mapping[Partition, int]) -> Written:
        """Store rows and move the offsets of their partitions, together or not at all.

        Raises:
            PoisonError: PostgreSQL refuses a row; nothing was stored.
            FencedError: another process owns a partition; nothing was stored.
            RetryableError: nothing was stored.
            OutcomeUnknownError: the connection was lost inside COMMIT; take over again to learn what holds.
        """
        with translated(self._connection):
            self._move(moves)
            written = self._merge(rows)
        self._commit(moves)
        return written

    def write_singly(self, attempts: Iterable[tuple[Rows, Rows]], moves: Mapping[Partition, int]) -> Written:
        """Store rows one by one, each with another in its stead should PostgreSQL refuse it; else as :meth:`write`."""
        total = Written()
        with translated(self._connection):
            self._move(moves)
            for rows, instead in attempts:
                try:
                    with self._connection.transaction():
                        written = self._merge(rows)
                except DATA_ERRORS:
                    self._clear()
                    written = self._merge(instead)
                    total.set_aside += 1
                self._clear()
                for table, inserted in written.inserted.items():
                    total.add(table, inserted, inserted + written.repeated[table])
        self._commit(moves)
        return total

    def _prepare(self) -> None:
        with translated(self._connection):
            row = self._connection.execute("SELECT to_regclass('public.schema_migrations') IS NOT NULL").fetchone()
            version = 0
            if row == (True,):
                found = self._connection.execute("SELECT max(number) FROM public.schema_migrations").fetchone()
                version = (found and found[0]) or 0
            if version < SCHEMA_VERSION:
                raise SchemaTooOldError(
                    f"the database's schema is at {version:04d}, this version needs {SCHEMA_VERSION:04d}: "
                    "run `eyes db migrate`"
                )
            for statement in SESSION:
                self._connection.execute(statement)
            if self._filling is None:
                self.generation = self._current()
            # Nothing else is on the path: a table that is not there must not be found in another generation.
            schema = sql.Identifier(f"eyes_g{self.generation}")
            self._connection.execute(sql.SQL("SET search_path = {}").format(schema))
            for table in TABLES:
                columns = sql.SQL(", ").join(
                    sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                    for name, kind in table.column_types.items()
                )
                self._connection.execute(
                    sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DELETE ROWS").format(_incoming(table), columns)
                )
            self._connection.commit()

    def _current(self) -> int:
        row = self._connection.execute("SELECT generation FROM public.projection WHERE state = 'current'").fetchone()
        if row is None:
            raise FatalError("no generation of the projection is current: look into table projection, restore a backup")
        return int(row[0])

    def _number(self, query: _Numbering, values: Sequence[Sequence[str]]) -> list[Row]:
        """Insert what is missing and return keys with their numbers; ``values`` are columns."""
        if not values:
            return []
        self._connection.execute(query.insert, [list(column) for column in values])
        return self._connection.execute(query.select, [list(column) for column in values[: query.keys]]).fetchall()

    def _move(self, moves: Mapping[Partition, int]) -> None:
        """Move the offsets first: a zombie is told before it works, and the rows it holds are locked against others."""
        ordered = sorted(moves.items())
        held = [self._held[partition] for partition, _ in ordered]
        moved = self._connection.execute(
            """
            UPDATE archive_offsets AS o
            SET next_offset = m.new, moved_at = now()
            FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS m (topic, partition, old, epoch, new)
            WHERE o.archive = %s
                AND o.topic = m.topic
                AND o.partition = m.partition
                AND o.next_offset = m.old
                AND o.epoch = m.epoch
            """,
            [
                [topic for (topic, _), _ in ordered],
                [partition for (_, partition), _ in ordered],
                [one.next_offset for one in held],
                [one.epoch for one in held],
                [new for _, new in ordered],
                self._archive,
            ],
        ).rowcount
        if moved != len(moves):
            raise FencedError(
                f"another process has taken over partitions of {self._archive}: {moved} of {len(moves)} offsets stood "
                "where this process left them"
            )

    def _commit(self, moves: Mapping[Partition, int]) -> None:
        failpoint("archive.stored")
        try:
            self._connection.commit()
        except psycopg.Error as error:
            self._connection.close()
            raise OutcomeUnknownError(first_line(error)) from error
        failpoint("archive.committed")
        for partition, new in moves.items():
            self._held[partition] = Held(new, self._held[partition].epoch)

    def _merge(self, rows: Rows) -> Written:
        written = Written()
        for table in TABLES:
            if offered := rows.tables.get(table.name):
                self._copy(table, offered)
                inserted = sum(self._insert(table, offered, rows.horizon))
                written.add(table.name, inserted, len(offered) + rows.repeated.get(table.name, 0))
        for change, params in rows.changes:
            changed = self._connection.execute(STATEMENTS[change], params).rowcount
            written.add(TABLE_OF[change], changed, max(1, changed))
        return written

    def _copy(self, table: Table, rows: Sequence[Row]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(_incoming(table))) as copy,
        ):
            copy.set_types(table.copy_types)
            write_row = copy.write_row
            for row in rows:
                write_row(row)

    def _insert(self, table: Table, copied: Sequence[Row], horizon: Horizon) -> Iterator[int]:
        for reach, statement in table.merges.items():
            if reach is None:
                yield self._inserted(statement)
            elif rows := [row for row in copied if row[-1] == reach]:
                yield self._inserted(_within(statement, rows, horizon, reach))

    def _inserted(self, query: LiteralString | sql.Composed) -> int:
        cursor = self._connection.execute(query)
        if cursor.description is None:
            return cursor.rowcount
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def _clear(self) -> None:
        names = sql.SQL(", ").join(map(_incoming, TABLES))
        self._connection.execute(sql.SQL("TRUNCATE {}").format(names))


def _incoming(table: Table) -> sql.Identifier:
    return sql.Identifier(f"incoming_{table.name}")


def _within(statement: LiteralString, rows: Sequence[Row], horizon: Horizon, reach: Reach) -> sql.Composed:
    """The statement with the times between which copies are looked for.

    They are constants of the query, so that the planner leaves out all other chunks.

    Raises:
        ValueError: a time that no calendar has.
    """
    low, high = from_pg_time(min(row[0] for row in rows)), from_pg_time(max(row[0] for row in rows))
    near = timedelta(milliseconds=horizon.reach(reach))
    far = timedelta(milliseconds=horizon.redelivery_ms)
    return sql.SQL(statement).format(
        reach=sql.Literal(int(reach)),
        apart=sql.Literal(near),
        low=sql.Literal(low - near),
        high=sql.Literal(high + near),
        far_apart=sql.Literal(far),
        far_low=sql.Literal(low - far),
        far_high=sql.Literal(high + far),
    )
