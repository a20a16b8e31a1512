from typing import Any

import pytest

from processors.engine.ports import Bounds, Stored
from processors.engine.recovery import AT_ONCE, Found, Loading
from runtime.errors import RetryableError

COMMITTED = 7
PARTITIONS = range(AT_ONCE + 2)


class Shelf:
    """One that gives no records; it ends a partition at its second look."""

    def __init__(self) -> None:
        self.open: dict[int, int] = {}
        self.most = 0
        self.away = False

    def begin(self, partition: int) -> None:
        if self.away:
            raise RetryableError("away")
        self.open[partition] = 2
        self.most = max(self.most, len(self.open))

    def read(self, timeout_s: float) -> list[Stored]:
        assert timeout_s > 0
        self.open = {partition: left - 1 for partition, left in self.open.items()}
        done = [partition for partition, left in self.open.items() if not left]
        for partition in done:
            del self.open[partition]
        return [Stored(partition, None) for partition in done]

    def stop(self, partition: int) -> None:
        self.open.pop(partition, None)

    def close(self) -> None:
        self.open.clear()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def loading(shelf: Shelf) -> Loading:
    def restore(_shards: Any) -> Any:
        raise AssertionError("there are no shards")

    observer: Any = None
    return Loading(shelf, restore, "log", observer)


def test_a_few_are_read_at_a_time_and_all_of_them_in_the_end(loading: Loading, shelf: Shelf) -> None:
    for partition in PARTITIONS:
        assert loading.begin(partition, COMMITTED, Bounds(0, COMMITTED)) is None
    assert loading.partitions == list(PARTITIONS)
    assert len(shelf.open) == AT_ONCE
    found: list[int] = []
    for _ in range(10):
        found += [one.partition for one in loading.step()[0]]
    assert sorted(found) == list(PARTITIONS)
    assert shelf.most == AT_ONCE
    assert loading.partitions == []


def test_one_that_waits_is_not_lost_when_the_log_cannot_be_reached(loading: Loading, shelf: Shelf) -> None:
    for partition in PARTITIONS:
        loading.begin(partition, COMMITTED, Bounds(0, COMMITTED))
    found = [one.partition for _ in range(2) for one in loading.step()[0]]
    shelf.away = True
    with pytest.raises(RetryableError):
        loading.step()
    shelf.away = False
    found += [one.partition for _ in range(6) for one in loading.step()[0]]
    assert sorted(found) == list(PARTITIONS)


def test_those_that_wait_are_forgotten_with_the_others(loading: Loading, shelf: Shelf) -> None:
    for partition in PARTITIONS:
        loading.begin(partition, COMMITTED, Bounds(0, COMMITTED))
    loading.stop()
    assert loading.partitions == []
    assert loading.step() == ([], False)
    assert not shelf.open


def test_what_was_read_waits_for_what_it_names(loading: Loading, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    away = {1: 3, 2: 1}  # how often the models of a partition cannot be read

    def make(partition: int, _collector: Any, committed: int, bounds: Bounds) -> Found:
        if away.get(partition, 0):
            away[partition] -= 1
            raise RetryableError("away")
        return Found(partition, committed, bounds)

    monkeypatch.setattr(loading, "_make", make)
    for partition in PARTITIONS:
        loading.begin(partition, COMMITTED, Bounds(0, COMMITTED))
    found: list[int] = []
    failures = 0
    for _ in range(20):
        try:
            found += [one.partition for one in loading.step()[0]]
        except RetryableError:
            failures += 1
        assert sorted({*found, *loading.partitions}) == list(PARTITIONS)
    assert sorted(found) == list(PARTITIONS)
    assert failures >= 2  # a partition that can be given is given first
    assert shelf.open == {}
