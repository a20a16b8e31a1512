"""Generations of the projection on a real server: one definition, one that is shown, and no way from one to another."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import psycopg
import pytest
from archive_kit import HORIZON, T0, Store, cloud_event, readings

from ops.database.generations import current, drop, filling, generations, hypertables, make
from ops.database.migrate import MIGRATIONS, connect, load, migrate
from ops.database.operate import drop_chunks, parse_age
from ops.rebuild.switch import switch
from processors.archive.rows import Item
from processors.archive.sink import Sink
from processors.archive.store import store
from runtime.errors import FatalError, FencedError
from runtime.version import VERSION
from schemas.envelope import decode, encode
from schemas.topics import EVENTS
from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers

P0 = (EVENTS.name, 0)


@pytest.fixture
def city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


@pytest.fixture
def connection(city: Store) -> Iterator[psycopg.Connection]:
    with connect(city.database) as connection:
        yield connection


def structure(connection: psycopg.Connection, schema: str) -> dict[str, list[Any]]:
    """Everything the catalogue says of a schema's tables and views, the schema's own name aside."""
    queries = {
        "columns": """
            SELECT c.relname, c.relkind::text, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid),
                col_description(c.oid, a.attnum)
            FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'v')
            ORDER BY 1, 3
        """,
        "about": """
            SELECT relname, reloptions, obj_description(oid, 'pg_class')
            FROM pg_class
            WHERE relnamespace = %(schema)s::regnamespace AND relkind IN ('r', 'v')
            ORDER BY 1
        """,
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %(schema)s ORDER BY 1",
        "constraints": """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
            FROM pg_constraint
            WHERE connamespace = %(schema)s::regnamespace
            ORDER BY 1, 2
        """,
        "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = %(schema)s ORDER BY 1",
        "functions": "SELECT proname FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace",
        "dimensions": """
            SELECT hypertable_name, column_name, time_interval
            FROM timescaledb_information.dimensions
            WHERE hypertable_schema = %(schema)s
            ORDER BY 1
        """,
    }
    found = {}
    for name, query in queries.items():
        rows = connection.execute(query.encode(), {"schema": schema}).fetchall()
        found[name] = [tuple(x.replace(schema, "S") if isinstance(x, str) else x for x in row) for row in rows]
    return found


def test_a_generation_made_later_is_like_the_first(connection: psycopg.Connection) -> None:
    made = make(connection)
    assert made.number == 2
    first, second = structure(connection, "eyes_g1"), structure(connection, "eyes_g2")
    assert all(first[kind] for kind in first if kind != "functions")
    assert second == first
    assert [(one.number, one.state, one.made_by) for one in generations(connection)] == [
        (1, "current", None),
        (2, "filling", VERSION),
    ]
    with pytest.raises(FatalError, match="another rebuild"):
        make(connection)


def test_a_migration_changes_every_generation_and_what_is_shown(connection: psycopg.Connection, tmp_path: Path) -> None:
    make(connection)
    folder = Path(copytree(MIGRATIONS, tmp_path / "migrations"))
    number = len(load()) + 1
    (folder / f"{number:04d}_more.sql").write_text(
        "ALTER TABLE zones ADD COLUMN colour text;\nCREATE TABLE lamps (lamp text PRIMARY KEY);\n"
        "COMMENT ON TABLE lamps IS 'Lamps.';\nCOMMENT ON COLUMN zones.colour IS 'Colour.';\n"
    )
    (folder / f"{number + 1:04d}_once.sql").write_text("-- scope: database\nCREATE TABLE only_once (x integer);\n")
    assert len(migrate(connection, load(folder))) == 2
    assert structure(connection, "eyes_g1") == structure(connection, "eyes_g2")
    connection.execute("INSERT INTO eyes_g1.lamps VALUES ('a')")
    assert connection.execute("SELECT lamp FROM public.lamps").fetchall() == [("a",)]
    connection.execute("SELECT colour FROM public.zones")
    homes = connection.execute("SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'only_once'")
    assert homes.fetchall() == [("public",)]


def test_a_generation_is_made_only_by_the_migrations_the_database_has(connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM schema_migrations WHERE number = (SELECT max(number) FROM schema_migrations)")
    with pytest.raises(FatalError, match="eyes db migrate"):
        make(connection)


def test_who_could_read_tables_can_read_the_views_that_took_their_names(stack: TestStack) -> None:
    with stack.fresh_database() as empty, connect(empty) as owner:
        migrate(owner, load()[:8])
        owner.execute("GRANT SELECT ON zones TO PUBLIC")
        migrate(owner)
        granted = owner.execute(
            "SELECT grantee FROM information_schema.role_table_grants "
            "WHERE table_schema = 'public' AND table_name = 'zones' AND privilege_type = 'SELECT'"
        ).fetchall()
        assert {row[0] for row in granted} >= {"PUBLIC", "eyes_reader"}


def test_rows_stored_before_generations_are_in_the_first(stack: TestStack) -> None:
    with stack.fresh_database() as empty, connect(empty) as owner:
        migrate(owner, load()[:8])
        owner.execute("INSERT INTO observations VALUES (now(), now(), now(), 1, 1, 1, 0, 'a::1')")
        owner.execute("INSERT INTO archive_offsets (archive, topic, partition, next_offset) VALUES ('a', 't', 0, 7)")
        migrate(owner)
        assert owner.execute("SELECT identity FROM eyes_g1.observations").fetchall() == [("a::1",)]
        assert owner.execute("SELECT identity FROM observations").fetchall() == [("a::1",)]
        assert owner.execute("SELECT next_offset FROM archive_offsets").fetchall() == [(7,)]


def put(sink: Sink, identity: str, offset: int) -> None:
    raw = encode(cloud_event(readings([identity])))
    list(store(sink, [Item(EVENTS.name, 0, offset, T0, raw, decode(raw))], {P0: offset + 1}, HORIZON))


def become_current(connection: psycopg.Connection, number: int) -> None:
    """The bare change of state, without any of the fences that a switch sets besides."""
    connection.execute("UPDATE projection SET state = 'old' WHERE state = 'current'")
    connection.execute("UPDATE projection SET state = 'current' WHERE generation = %s", [number])
    connection.execute("SELECT show_generation(%s)", [number])


def test_a_session_writes_to_its_own_generation_and_takes_nothing_over_in_another(
    city: Store, connection: psycopg.Connection
) -> None:
    second = make(connection)
    with closing(city.sink()) as old, closing(city.sink()) as idle:
        old.take_over({P0: 0})
        put(old, "a:b:0", 0)
        become_current(connection, second.number)
        assert old.decided([P0])
        put(old, "a:b:1", 1)  # nobody has fenced it: what it writes stays where it was
        for session in (old, idle):
            with pytest.raises(FencedError, match=r"generation 1 .* not current"):
                session.take_over({P0: 0})
        with closing(city.sink()) as new:
            assert new.generation == 2
            assert new.take_over({P0: 5})[P0].next_offset == 5
            put(new, "a:b:5", 5)
    assert city.identities() == ["a:b:5"]
    assert connection.execute("SELECT identity FROM eyes_g1.observations ORDER BY 1").fetchall() == [
        ("a:b:0",),
        ("a:b:1",),
    ]


def test_a_rebuild_of_a_generation_that_is_not_filling_any_more_is_fenced(
    city: Store, connection: psycopg.Connection
) -> None:
    second = make(connection)
    with closing(Sink(city.database, city.archive_name, filling=second.number)) as rebuild:
        rebuild.take_over({P0: 0})
        become_current(connection, second.number)
        with pytest.raises(FencedError, match="not filling"):
            rebuild.take_over({P0: 0})


def test_a_switch_and_whoever_moves_offsets_never_wait_for_each_other(
    city: Store, connection: psycopg.Connection
) -> None:
    second = make(connection)
    with closing(city.sink()) as sink:
        sink.take_over({P0: 0, (EVENTS.name, 1): 0})
    move = "UPDATE eyes_g1.archive_offsets SET next_offset = 7 WHERE partition = %s"
    with connect(city.database) as archive, connect(city.database) as other, ThreadPoolExecutor(1) as pool:
        archive.autocommit = False
        archive.execute(move, [1])
        switching = pool.submit(switch, other, current(connection), second)
        eventually(lambda: _is_waiting(connection, other))
        archive.execute(move, [0])
        archive.commit()
        switching.result()
    assert current(connection).number == 2
    assert connection.execute("SELECT next_offset, epoch FROM eyes_g1.archive_offsets").fetchall() == [(7, 2)] * 2


def _is_waiting(connection: psycopg.Connection, other: psycopg.Connection) -> bool:
    pid = other.info.backend_pid
    return connection.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [pid]).fetchone() is not None


def test_a_generation_that_is_not_current_can_be_dropped_unless_something_stands_on_it(
    connection: psycopg.Connection,
) -> None:
    second = make(connection)
    for table, _ in hypertables(connection, second.schema):
        assert table in {"observations", "camera_events", "anomaly_events"}
    for day in range(120):  # more chunks than are dropped at once
        connection.execute(
            "INSERT INTO eyes_g2.observations VALUES (now() - %s * INTERVAL '1 day', now(), now(), 1, 1, 1, 0, 'a::1')",
            [day],
        )
    connection.execute("CREATE VIEW mine AS SELECT * FROM eyes_g2.zones")
    with pytest.raises(FatalError, match=r"public\.mine stand on tables of eyes_g2"):
        drop(connection, second)
    connection.execute("DROP VIEW mine")
    with pytest.raises(FatalError, match="public"):
        drop(connection, current(connection))
    drop(connection, second)
    assert filling(connection) is None
    assert connection.execute("SELECT to_regnamespace('eyes_g2')").fetchone() == (None,)
    left = connection.execute("SELECT count(*) FROM timescaledb_information.chunks").fetchone()
    assert left == (0,)
    assert make(connection).number == 3  # who still has a session for the second must not find it


def test_old_chunks_are_dropped_in_every_generation(connection: psycopg.Connection) -> None:
    make(connection)
    for schema in ("eyes_g1", "eyes_g2"):
        connection.execute(
            f"INSERT INTO {schema}.observations VALUES "
            "(now() - INTERVAL '40 days', now(), now(), 1, 1, 1, 0, 'a::1')".encode()
        )
    assert drop_chunks(connection, parse_age("30d"))["observations"] == 2
