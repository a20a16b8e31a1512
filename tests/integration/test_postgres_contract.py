"""PostgreSQL does what the archive counts on, and what the database in memory does (tests/unit/archive)."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from typing import Any

import psycopg
import pytest
from archive_kit import Store
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ops.database.generations import current, make
from ops.database.migrate import connect
from ops.rebuild.switch import switch
from processors.archive.sink import Partition, Sink
from tests.contracts.database import DatabaseContract
from tests.contracts.fencing import Fencing
from tests.servers import TestStack

pytestmark = pytest.mark.servers

TABLES = "observations, series, origins, archive_offsets, quarantine"


class Rig:
    def __init__(self, store: Store, opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._store = store
        self._opened = opened
        self._monkeypatch = monkeypatch

    def sink(self) -> Sink:
        return self._opened.enter_context(closing(self._store.sink()))

    def cut(self) -> None:
        self._store.cut_connections()

    def cut_in_commit(self, sink: Sink, *, done: bool) -> None:
        connection = sink._connection
        commit, of_write = connection.commit, sink._commit

        def cut() -> None:
            if not done:
                with self._store.superuser() as admin:  # waits until it has ended
                    admin.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])
            commit()
            raise psycopg.OperationalError("the answer was lost")

        def cut_in_it(moves: Mapping[Partition, int]) -> None:
            self._monkeypatch.setattr(connection, "commit", cut)
            of_write(moves)

        self._monkeypatch.setattr(sink, "_commit", cut_in_it)

    def away(self) -> AbstractContextManager[None]:
        return self._store.away()

    def switch(self) -> None:
        with connect(self._store.database) as connection:
            switch(connection, current(connection), make(connection))

    def set_offset(self, partition: Partition, offset: int) -> None:
        self._store.run(
            "UPDATE archive_offsets SET next_offset = %s WHERE topic = %s AND partition = %s", offset, *partition
        )

    def identities(self) -> list[str]:
        return self._store.identities()

    def set_aside(self) -> list[bytes]:
        return [bytes(payload) for (payload,) in self._store.sql("SELECT payload FROM quarantine")]

    def offsets(self) -> Mapping[Partition, int]:
        rows: list[tuple[Any, ...]] = self._store.sql("SELECT topic, partition, next_offset FROM archive_offsets")
        return {(topic, partition): offset for topic, partition, offset in rows}


@pytest.fixture(scope="module")
def module_store(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as store:
        yield store


@pytest.fixture
def rig(module_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    module_store.run(f"TRUNCATE {TABLES}")
    with ExitStack() as opened:
        yield Rig(module_store, opened, monkeypatch)


class TestPostgres(DatabaseContract):
    pass


def test_whatever_two_owners_do_only_the_newest_stores(module_store: Store) -> None:
    with ExitStack() as opened, pytest.MonkeyPatch.context() as monkeypatch:

        def make_rig() -> Rig:
            module_store.run(f"TRUNCATE {TABLES}")
            return Rig(module_store, opened, monkeypatch)

        machine = type("PostgresFencing", (Fencing,), {"make_rig": staticmethod(make_rig)})
        few = settings(max_examples=8, stateful_step_count=12, deadline=None, derandomize=True, phases=[Phase.generate])
        run_state_machine_as_test(machine, settings=few)
