"""Applies ``ops/migrations/NNNN_name.sql`` to a database: each once, in order, each in a transaction of its own.

What was applied is recorded with its checksum, so a file that was changed afterwards is an error and never a surprise.

A file is about the projection unless it begins with ``-- scope: database``: it is applied in the schema of every
generation there is, and again when a generation is made, so that all have one definition (ops/database/generations.py).
Until there are generations (0009), it is applied in ``public``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from typing import Final

import psycopg
from psycopg import Connection, sql

from runtime.errors import FatalError
from runtime.settings import DatabaseSettings

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"
_ONCE: Final = "-- scope: database\n"
_LOCK: Final = 0x65796573  # "eyes"; one migration runner per database
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     integer     PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE schema_migrations IS 'Which of ops/migrations were applied to this database.';
COMMENT ON COLUMN schema_migrations.number IS 'Number of the file.';
COMMENT ON COLUMN schema_migrations.name IS 'Name of the file without number and ending.';
COMMENT ON COLUMN schema_migrations.sha256 IS 'Checksum of the file when it was applied.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of SQL."""

    number: int
    name: str
    sql: str

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.number:04d}_{self.name}.sql"

    @property
    def of_projection(self) -> bool:
        """Whether every generation of the projection has it, rather than the database once."""
        return not self.sql.startswith(_ONCE)

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of ``schema_migrations``."""

    number: int
    name: str
    checksum: str
    applied_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """What was applied to a database and what is not yet."""

    applied: Sequence[Applied]
    pending: Sequence[Migration]


def load(directory: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a directory, in order.

    Raises:
        FatalError: a name that is none of a migration, or a gap in the numbers.
    """
    found: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        parts = fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if parts is None:
            raise FatalError(f"{path}: a migration is called NNNN_name.sql")
        found.append(Migration(int(parts[1]), parts[2], path.read_text(encoding="utf-8")))
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise FatalError(f"{directory}: expected number {expected:04d}, found {migration.file}")
    return found


def pending(migrations: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """What is still to be applied; pure.

    Raises:
        FatalError: the database is newer than the code, misses one in between, or was made by another text of a file.
    """
    known = {migration.number: migration for migration in migrations}
    for position, row in enumerate(applied, start=1):
        migration = known.get(row.number)
        if migration is None:
            raise FatalError(
                f"the database has migration {row.number:04d} ({row.name}), we end at {len(migrations):04d}; "
                "run the version that made it"
            )
        if row.number != position:
            raise FatalError(f"the database has {row.number:04d} ({row.name}) but not {position:04d}: restore a backup")
        if row.checksum != migration.checksum:
            raise FatalError(
                f"{migration.file} was changed after it was applied at {row.applied_at:%Y-%m-%d %H:%M:%S %Z}; "
                "undo the change and write a new migration"
            )
    return list(migrations[len(applied) :])


def connect(settings: DatabaseSettings) -> Connection:
    """A connection in autocommit mode, for commands.

    Raises:
        FatalError: the database cannot be reached; the message says where it was looked for, without the password.
    """
    password = None if settings.password is None else settings.password.get_secret_value()
    try:
        return psycopg.connect(
            settings.dsn, password=password, autocommit=True, connect_timeout=10, application_name="eyes-db"
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        said = " ".join(str(error).split())
        raise FatalError(f"cannot reach the database ({settings.dsn}): {said}") from error


def migrate(connection: Connection, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is pending and return it; waits for another runner that is at it.

    Raises:
        FatalError: as :func:`pending`; nothing of the file that failed, and none after it, was applied.
        psycopg.Error: a statement failed.
    """
    wanted = load() if migrations is None else migrations
    with alone(connection):
        connection.execute(_TABLE)
        todo = pending(wanted, _applied(connection))
        for migration in todo:
            with connection.transaction():
                _apply(connection, migration)
                connection.execute(
                    "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
                    [migration.number, migration.name, migration.checksum],
                )
        if connection.execute("SELECT to_regproc('grant_readers') IS NOT NULL").fetchone() == (True,):
            connection.execute("SELECT grant_readers()")
    return todo


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold the lock of those who change the schema, waiting for whoever holds it; names mean those of ``public``."""
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        # CREATE ... IF NOT EXISTS would otherwise talk at every run; the path must not depend on who connects.
        connection.execute("SET client_min_messages = warning")
        connection.execute("SET search_path = public")
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def apply_within(connection: Connection, migration: Migration, schema: str) -> None:
    """Apply a migration to the tables of one schema; the caller's transaction must be open.

    ``public`` is on the path for the functions of TimescaleDB; what the file makes stands in the schema.
    """
    path = sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(schema))
    connection.execute(path)
    connection.execute(migration.sql)
    connection.execute("SET LOCAL search_path = public")


def status(connection: Connection, migrations: Sequence[Migration] | None = None) -> Status:
    """What was applied and what is pending; changes nothing.

    Raises:
        FatalError: as :func:`pending`.
    """
    there = connection.execute("SELECT to_regclass('public.schema_migrations') IS NOT NULL").fetchone()
    applied = _applied(connection) if there == (True,) else []
    return Status(applied, pending(load() if migrations is None else migrations, applied))


def _apply(connection: Connection, migration: Migration) -> None:
    if not (migration.of_projection and has_generations(connection)):
        connection.execute(migration.sql)
        return
    rows = connection.execute("SELECT generation, state FROM projection ORDER BY generation").fetchall()
    for number, _ in rows:
        apply_within(connection, migration, schema_of(number))
    for number, state in rows:
        if state == "current":
            connection.execute("SELECT show_generation(%s)", [number])


def schema_of(generation: int) -> str:
    """The schema a generation of the projection stands in."""
    return f"eyes_g{generation}"


def has_generations(connection: Connection) -> bool:
    """Whether the database is migrated so far that its projection has generations."""
    return connection.execute("SELECT to_regclass('public.projection') IS NOT NULL").fetchone() == (True,)


def _applied(connection: Connection) -> list[Applied]:
    rows = connection.execute(
        "SELECT number, name, sha256, applied_at FROM public.schema_migrations ORDER BY number"
    ).fetchall()
    return [Applied(*row) for row in rows]
