"""The schema on a real server: applied once, in order, by one runner at a time, and never silently different."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.database.migrate import MIGRATIONS, Migration, connect, load, migrate, status
from ops.database.operate import DROPPABLE, drop_chunks, parse_age, set_offset
from processors.archive.sink import SCHEMA_VERSION
from processors.archive.tables import TABLES
from runtime.errors import FatalError
from runtime.settings import DatabaseSettings
from tests.servers import TestStack

pytestmark = pytest.mark.servers

HYPERTABLES = {"observations", "camera_events", "anomaly_events"}


@pytest.fixture
def empty(stack: TestStack) -> Iterator[DatabaseSettings]:
    with stack.fresh_database() as settings:
        yield settings


@pytest.fixture
def connection(empty: DatabaseSettings) -> Iterator[psycopg.Connection]:
    with connect(empty) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def test_everything_is_applied_once_in_order(connection: psycopg.Connection) -> None:
    assert [m.number for m in status(connection).pending] == list(range(1, len(load()) + 1))
    assert [m.file for m in migrate(connection)] == [m.file for m in load()]
    assert migrate(connection) == []
    found = status(connection)
    assert found.pending == []
    assert [(row.number, row.name, row.checksum) for row in found.applied] == [
        (m.number, m.name, m.checksum) for m in load()
    ]
    assert found.applied[-1].number >= SCHEMA_VERSION


def test_hypertables_and_every_column_the_archive_writes_are_there(connection: psycopg.Connection) -> None:
    migrate(connection)
    rows = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables").fetchall()
    assert {row[0] for row in rows} == HYPERTABLES
    for table in TABLES:
        have = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table.name]
        ).fetchall()
        assert set(table.columns) - {"reach"} <= {row[0] for row in have}, table.name


def test_the_apache_edition_is_enough(connection: psycopg.Connection) -> None:
    # What the server here is: should it ever be the community edition, this test would prove nothing.
    assert connection.execute("SELECT current_setting('timescaledb.license')").fetchone() == ("apache",)
    migrate(connection)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="apache"):
        connection.execute("SELECT add_retention_policy('eyes_g1.observations', INTERVAL '1 day')")


def test_every_table_view_and_column_says_what_it_is(connection: psycopg.Connection) -> None:
    migrate(connection)
    silent = connection.execute(
        """
        SELECT c.relname, a.attname
        FROM pg_class AS c
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind = 'r'
        WHERE c.relnamespace IN ('public'::regnamespace, 'eyes_g1'::regnamespace) AND c.relkind IN ('r', 'v')
            AND (obj_description(c.oid, 'pg_class') IS NULL
                OR (a.attnum IS NOT NULL AND col_description(c.oid, a.attnum) IS NULL))
        """
    ).fetchall()
    assert silent == []


def test_a_file_that_was_changed_afterwards_is_refused(connection: psycopg.Connection, folder: Path) -> None:
    migrate(connection, load(folder))
    changed = folder / "0003_anomalies.sql"
    changed.write_text(changed.read_text() + "\n-- a harmless remark\n")
    for act in (migrate, status):
        with pytest.raises(FatalError, match=r"0003_anomalies\.sql was changed after it was applied at 20.*; undo"):
            act(connection, load(folder))


def test_a_database_that_is_newer_than_the_code_is_refused(connection: psycopg.Connection) -> None:
    migrate(connection)
    with pytest.raises(FatalError, match=r"has migration 00\d\d \(.*we end at 0002; run the version that made it"):
        migrate(connection, load()[:2])


def test_a_migration_missing_in_between_is_refused(connection: psycopg.Connection) -> None:
    migrate(connection)
    connection.execute("DELETE FROM schema_migrations WHERE number = 2")
    with pytest.raises(FatalError, match=r"has 0003 .* but not 0002: restore a backup"):
        migrate(connection)


def test_a_migration_that_fails_leaves_nothing_of_itself_and_all_before_it(
    connection: psycopg.Connection, folder: Path
) -> None:
    last = len(load(folder))
    bad = f"{last + 1:04d}_bad.sql"
    (folder / bad).write_text("CREATE TABLE half (x int); SELECT 1 / 0;")
    (folder / f"{last + 2:04d}_after.sql").write_text("CREATE TABLE after_it (x int);")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(connection, load(folder))
    assert len(status(connection).applied) == last
    assert connection.execute("SELECT to_regclass('half'), to_regclass('after_it')").fetchone() == (None, None)
    (folder / bad).write_text("CREATE TABLE half (x int);")
    assert [m.number for m in migrate(connection, load(folder))] == [last + 1, last + 2]


def test_two_runners_at_once_take_turns(empty: DatabaseSettings) -> None:
    applied: list[list[Migration]] = []
    go = threading.Barrier(4)

    def run() -> None:
        with connect(empty) as own:
            go.wait()
            applied.append(migrate(own))

    runners = [threading.Thread(target=run) for _ in range(4)]
    for one in runners:
        one.start()
    for one in runners:
        one.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(load())]


def test_a_runner_waits_for_one_that_is_at_it(empty: DatabaseSettings) -> None:
    from ops.database.migrate import _LOCK
    from tests.waiting import eventually

    with connect(empty) as holder, connect(empty) as other:
        holder.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        waiting = threading.Thread(target=migrate, args=(other,))
        waiting.start()
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        eventually(lambda: holder.execute(query).fetchone() == (1,))
        assert status(holder).applied == []
        holder.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
        waiting.join()
        assert status(holder).pending == []


def test_a_runner_that_dies_does_not_lock_out_the_next(empty: DatabaseSettings) -> None:
    from ops.database.migrate import _LOCK

    with connect(empty) as dying:
        dying.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    with connect(empty) as next_one:
        assert len(migrate(next_one)) == len(load())


def test_readers_may_read_everything_and_change_nothing(stack: TestStack, empty: DatabaseSettings) -> None:
    with connect(empty) as owner:
        migrate(owner)
    dsn = empty.dsn.replace("user=eyes", "user=eyes_reader")
    with psycopg.connect(dsn, password=stack.secrets.postgres_reader, autocommit=True) as reader:
        for (name,) in reader.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall():
            reader.execute(f'SELECT * FROM "{name}" LIMIT 1'.encode())
        for name in ("readings", "latest_readings", "open_anomalies", "observations"):
            reader.execute(f"SELECT count(*) FROM {name}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM quarantine")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001_a.sql", "0003_c.sql"], "expected number 0002, found 0003_c.sql"),
        (["0001_a.sql", "0001_b.sql"], "expected number 0002, found 0001_b.sql"),
        (["1_a.sql"], "a migration is called NNNN_name.sql"),
        (["0001_A.sql"], "a migration is called NNNN_name.sql"),
    ],
)
def test_names_and_numbers_must_be_right(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(FatalError, match=message):
        load(tmp_path)


def test_old_chunks_of_raw_rows_are_dropped_and_findings_stay(connection: psycopg.Connection) -> None:
    migrate(connection)
    for days in (1, 10, 400, 401):
        connection.execute(
            "INSERT INTO observations VALUES (now() - %s * INTERVAL '1 day', now(), now(), 1, 1, 1, 0, 'a::' || %s)",
            [days, days],
        )
        connection.execute(
            "INSERT INTO camera_events (time, arrival_time, confidence, quality, present, stationary, device, "
            "facility, zone, phase, track, label, identity) "
            "VALUES (now() - %s * INTERVAL '1 day', now(), 1, 0, true, true, 'd', 'f', 'z', 'new', 't', 'car', 'i')",
            [days],
        )
    assert drop_chunks(connection, parse_age("30d")) == dict.fromkeys(DROPPABLE, 2)
    assert drop_chunks(connection, parse_age("30d")) == dict.fromkeys(DROPPABLE, 0)
    assert connection.execute("SELECT count(*) FROM observations").fetchone() == (2,)


@pytest.mark.parametrize("text", ["", "400", "0d", "-1d", "4m", "d", "1 d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(FatalError, match="is no age; say"):
        parse_age(text)


def test_an_offset_is_moved_for_every_archive_that_has_stored_the_partition(connection: psycopg.Connection) -> None:
    migrate(connection)
    for archive in ("a", "b"):
        connection.execute(
            "INSERT INTO archive_offsets (archive, topic, partition, next_offset, epoch) VALUES (%s, 't', 0, 9, 4)",
            [archive],
        )
    assert sorted(set_offset(connection, "t", 0, 3)) == [("a", 9), ("b", 9)]
    assert connection.execute("SELECT next_offset, epoch FROM archive_offsets").fetchall() == [(3, 5), (3, 5)]
    with pytest.raises(FatalError, match="no archive has stored partition 1 of 't'"):
        set_offset(connection, "t", 1, 3)


def test_the_command_line(stack: TestStack, empty: DatabaseSettings, tmp_path: Path) -> None:
    import os

    env = {
        **os.environ,
        **stack.env,
        "EYES_CONFIG": str(tmp_path / "none.toml"),
        "EYES_DATABASE__DSN": empty.dsn,
        "COLUMNS": "200",
    }

    def eyes(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops.cli.main", "db", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=400, check=False, **more)

    before = eyes("status")
    assert before.returncode == 1
    assert before.stdout.count("pending") == len(load())
    first = eyes("migrate")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [f"applied {m.file}" for m in load()]
    assert eyes("migrate").stdout == "the schema is up to date\n"
    after = eyes("status")
    assert after.returncode == 0
    assert "pending" not in after.stdout
    assert eyes("drop-chunks", "--older-than", "30d").stdout.splitlines() == [
        f"{table}: 0 chunks dropped" for table in DROPPABLE
    ]
    wrong = eyes("set-offset", "t", "0", "0")
    assert wrong.returncode == 1
    assert "no archive has stored partition 0" in wrong.stderr
    assert eyes("psql", input="SELECT count(*) AS n FROM schema_migrations;").stdout.split()[2] == str(len(load()))
    with connect(empty) as owner:
        owner.execute("UPDATE schema_migrations SET sha256 = '' WHERE number = 2")
    drifted = eyes("migrate")
    assert drifted.returncode == 1
    assert "was changed after it was applied" in drifted.stderr
    assert "Traceback" not in drifted.stderr
