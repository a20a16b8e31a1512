"""PostgreSQL does what the archive counts on, and what the database in memory does (tests/unit/archive)."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from typing import Any

import psycopg
import pytest
from archive_kit import Store

from processors.archive.sink import Partition, Sink
from tests.contracts.database import DatabaseContract
from tests.servers import TestStack

pytestmark = pytest.mark.servers


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
        commit = sink._connection.commit

        def cut() -> None:
            if not done:
                self._store.cut_connections()
            commit()
            raise psycopg.OperationalError("the answer was lost")

        self._monkeypatch.setattr(sink._connection, "commit", cut)

    def away(self) -> AbstractContextManager[None]:
        return self._store.away()

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
    module_store.run("TRUNCATE observations, series, origins, archive_offsets, quarantine")
    with ExitStack() as opened:
        yield Rig(module_store, opened, monkeypatch)


class TestPostgres(DatabaseContract):
    pass
