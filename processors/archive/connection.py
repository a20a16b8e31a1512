"""The archive's connection: how it is made, and what each of its errors asks the caller to do."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import Connection

from runtime.errors import FatalError, PipelineError, PoisonError, RetryableError
from runtime.settings import DatabaseSettings

SESSION: Final = (
    # A frozen process must not hold its partitions' rows for ever, nor a statement the whole archive.
    "SET idle_in_transaction_session_timeout = '30s'",
    "SET lock_timeout = '10s'",
    "SET statement_timeout = '45s'",
    # Temporary tables have no statistics, and a hash over a chunk would be built for a handful of rows.
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    # Chunks are left out when the query is planned; doing it again for each row costs ten times the look-up.
    "SET timescaledb.enable_chunk_append = off",
    "SET timescaledb.enable_constraint_aware_append = off",
    "SET timezone = 'UTC'",
)
_CONNECT_S: Final = 5
_SERVERS_DATA_ERRORS: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
# The connection is gone or of no use; the last two are what the server says to one that slept inside a transaction.
_GONE: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)
_CLIENTS_DATA_ERRORS: Final = (ValueError, OverflowError, struct.error)  # a value that has no binary form
DATA_ERRORS: Final = (*_SERVERS_DATA_ERRORS, *_CLIENTS_DATA_ERRORS)
"""A row cannot be stored, now or later."""


def connect(settings: DatabaseSettings, name: str) -> Connection:
    """Connect; the session is not set up yet (:data:`SESSION`).

    Raises:
        RetryableError: the database does not answer.
    """
    password = None if settings.password is None else settings.password.get_secret_value()
    try:
        return psycopg.connect(
            settings.dsn,
            password=password,
            connect_timeout=_CONNECT_S,
            application_name=name,
            # A host that vanished without a word is noticed in seconds, not in hours.
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=15_000,
        )
    except psycopg.OperationalError as error:
        raise RetryableError(first_line(error)) from error


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Roll back on any error and raise it as what the caller must do about it."""
    try:
        yield
    except PipelineError:
        _roll_back(connection)
        raise
    except _SERVERS_DATA_ERRORS as error:
        _roll_back(connection)
        raise PoisonError(first_line(error)) from error
    except _CLIENTS_DATA_ERRORS as error:
        _roll_back(connection)
        raise PoisonError(f"{type(error).__name__}: {error}") from error
    except _GONE as error:
        _roll_back(connection)
        raise RetryableError(first_line(error)) from error
    except psycopg.Error as error:
        _roll_back(connection)
        raise FatalError(f"the database refused a statement ({error.sqlstate}): {first_line(error)}") from error


def _roll_back(connection: Connection) -> None:
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()  # it is gone; the caller connects anew


def first_line(error: BaseException) -> str:
    """What an error says, without the lines of explanation that follow."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
