"""The database that the simulation of the archive stands on behaves as PostgreSQL does (tests/integration)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import settings

from processors.archive.sink import Partition
from runtime.errors import RetryableError
from tests.contracts.database import T0, DatabaseContract
from tests.contracts.fencing import Fencing
from tests.examples import examples
from tests.memory.database import Fate, MemoryDatabase, MemorySink
from tests.memory.process import VirtualTiming


def quiet(_name: str) -> None:
    """Nothing happens meanwhile."""


class Rig:
    def __init__(self) -> None:
        self.database = MemoryDatabase(quiet, VirtualTiming(quiet, T0))

    def sink(self) -> Any:
        return MemorySink(self.database, "a")

    def cut(self) -> None:
        self.database.cut()

    def cut_in_commit(self, sink: Any, *, done: bool) -> None:
        self.database.fates.append(Fate.UNHEARD if done else Fate.LOST)

    @contextmanager
    def away(self) -> Iterator[None]:
        self.database.up = False
        yield
        self.database.up = True

    def switch(self) -> None:
        assert self.database.switch()

    def set_offset(self, partition: Partition, offset: int) -> None:
        _, epoch = self.database.current.offsets["a", partition]
        self.database.current.offsets["a", partition] = offset, epoch

    def identities(self) -> list[str]:
        return sorted(row[6] for row in self.database.current.tables["observations"].values())

    def set_aside(self) -> list[bytes]:
        return [row[6] for row in self.database.current.tables["quarantine"].values()]

    def offsets(self) -> Mapping[Partition, int]:
        return {partition: offset for (_, partition), (offset, _) in self.database.current.offsets.items()}


@pytest.fixture
def rig() -> Rig:
    return Rig()


class TestMemoryDatabase(DatabaseContract):
    pass


class MemoryFencing(Fencing):
    make_rig = Rig


MemoryFencing.TestCase.settings = settings(max_examples=examples(50), stateful_step_count=30, deadline=None)
TestMemoryFencing = MemoryFencing.TestCase


def test_an_owner_waits_for_the_transaction_of_the_one_before_until_it_has_idled_too_long() -> None:
    rig = Rig()
    old, new = rig.sink(), rig.sink()
    old.take_over({("t", 0): 0})
    rig.database.lock(old, "a", [("t", 0)])
    waited_s = 0.0
    for _ in range(3):
        began_s = rig.database.timing.now_s
        with suppress(RetryableError):  # the lock's timeout
            new.take_over({("t", 0): 0})
        waited_s += rig.database.timing.now_s - began_s
    assert old.ended
    assert waited_s >= 20
    assert new.held["t", 0].epoch == 2


def test_a_switch_waits_for_who_takes_over_and_for_who_writes() -> None:
    rig = Rig()
    sink = rig.sink()
    for hold in (lambda: rig.database.share(sink), lambda: rig.database.lock(sink, "a", [("t", 0)])):
        hold()
        assert not rig.database.switch()
        rig.database.unlock(sink)
    assert rig.database.switch()
