"""Makes the roles and databases of the stack's PostgreSQL; may be repeated at every start."""

import psycopg
from psycopg import sql

from ops.stack.client import database_dsn
from ops.stack.secrets import StackSecrets
from runtime.settings import StackSettings

TEMPLATE = "eyes_template"
DATABASE = "eyes"
OWNER = "eyes"
READER = "eyes_reader"


def provision(admin: psycopg.Connection, settings: StackSettings, secrets: StackSecrets) -> None:
    """Make what is missing, and set the passwords to those of ``secrets``.

    Every database is a copy of a template with TimescaleDB and the readers' rights in it: making the
    extension anew takes a second, copying it a tenth.

    Args:
        admin: The superuser's connection to the ``postgres`` database, in autocommit mode.
        settings: Where the server listens.
        secrets: The passwords.
    """
    for role, password in ((OWNER, secrets.postgres_eyes), (READER, secrets.postgres_reader)):
        _role(admin, role, password)
    if not _exists(admin, TEMPLATE):
        _make_template(admin, settings, secrets)
    if not _exists(admin, DATABASE):
        create_database(admin, DATABASE)


def create_database(admin: psycopg.Connection, name: str) -> None:
    """Make an empty database with TimescaleDB that belongs to role ``eyes`` and that ``eyes_reader`` may read.

    Raises:
        psycopg.Error: It exists already, or the template is missing.
    """
    database, template = sql.Identifier(name), sql.Identifier(TEMPLATE)
    admin.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
            database, template, sql.Identifier(OWNER)
        )
    )
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(READER)))


def drop_database(admin: psycopg.Connection, name: str) -> None:
    """Delete a database, sessions in it notwithstanding; a missing one is fine."""
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _make_template(admin: psycopg.Connection, settings: StackSettings, secrets: StackSecrets) -> None:
    """Make the template aside and rename it, so that a half-made one is never used."""
    making = f"{TEMPLATE}_new"
    drop_database(admin, making)
    admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(making), sql.Identifier(OWNER)))
    dsn = database_dsn(settings, making, "postgres")
    with psycopg.connect(dsn, password=secrets.postgres_superuser, autocommit=True) as inside:
        inside.execute("CREATE EXTENSION timescaledb")
        owner, reader = sql.Identifier(OWNER), sql.Identifier(READER)
        inside.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(reader))
        for what, right in (("TABLES", "SELECT"), ("SEQUENCES", "SELECT"), ("SCHEMAS", "USAGE")):
            inside.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}").format(
                    owner, sql.SQL(right), sql.SQL(what), reader
                )
            )
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(making)))
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(making), sql.Identifier(TEMPLATE)))


def _role(admin: psycopg.Connection, name: str, password: str) -> None:
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    verb = "ALTER" if known else "CREATE"
    admin.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(sql.SQL(verb), sql.Identifier(name), sql.Literal(password))
    )


def _exists(admin: psycopg.Connection, database: str) -> bool:
    return admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is not None
