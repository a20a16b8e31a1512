"""A batch is stored whatever is in it: in halves down to the record that is refused, and of that one row by row."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from archive_items import HORIZON, One, batch, broken, item
from hypothesis import given
from hypothesis import strategies as st

from processors.archive.rows import Item, Numbers, Rows
from processors.archive.sink import Held, Partition, Written
from processors.archive.store import moves_left, store
from runtime.errors import FencedError, PoisonError, RetryableError
from schemas.topics import EVENTS

BAD = "a:bad:1"


class FakeSink:
    """Refuses every transaction in which a bad identity stands, as PostgreSQL would."""

    def __init__(self, *partitions: int) -> None:
        self.numbers = Numbers()
        self.held: dict[Partition, Held] = {(EVENTS.name, number): Held(0, 1) for number in partitions}
        self.stored: list[str] = []
        self.aside: list[bytes] = []
        self.transactions: list[dict[Partition, int]] = []
        self.fails: list[Exception] = []

    def learn(self, series: Mapping[Any, str], origins: Iterable[Any]) -> None:
        self.numbers.series.update(dict.fromkeys(series, 1))
        self.numbers.origins.update(dict.fromkeys(origins, 1))

    def write(self, rows: Rows, moves: Mapping[Partition, int]) -> Written:
        if self.fails:
            raise self.fails.pop(0)
        readings = [row[6] for row in rows.tables.get("observations", [])]
        if BAD in readings:
            raise PoisonError("refused")
        self._commit(readings, [row[6] for row in rows.tables.get("quarantine", [])], moves)
        return Written()

    def write_singly(self, attempts: Iterable[tuple[Rows, Rows]], moves: Mapping[Partition, int]) -> Written:
        readings, aside = [], []
        for rows, instead in attempts:
            tried = [row[6] for row in rows.tables.get("observations", [])]
            if BAD in tried or "quarantine" in rows.tables:
                aside += [row[6] for row in instead.tables["quarantine"]]
            else:
                readings += tried
        self._commit(readings, aside, moves)
        return Written(set_aside=len(aside))

    def _commit(self, readings: list[str], aside: list[bytes], moves: Mapping[Partition, int]) -> None:
        self.stored += readings
        self.aside += aside
        self.transactions.append(dict(moves))
        for partition, new in moves.items():
            assert new > self.held[partition].next_offset
            self.held[partition] = Held(new, 1)


def run(sink: FakeSink, items: list[Item], moves: Mapping[Partition, int]) -> list[Written]:
    any_sink: Any = sink
    return list(store(any_sink, items, moves_left(moves, any_sink), HORIZON))


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.booleans(), max_size=3)), max_size=12))
def test_whatever_is_in_it_each_row_is_stored_or_set_aside_once(plan: list[tuple[int, list[bool]]]) -> None:
    sink = FakeSink(0, 1, 2)
    items: list[Item] = []
    offsets = {0: 0, 1: 0, 2: 0}
    for record, (partition, goods) in enumerate(sorted(plan, key=lambda one: one[0])):
        readings = [
            One(identity=f"a:{record}:{n}" if good else BAD, device=f"d-{record}-{n}") for n, good in enumerate(goods)
        ]
        items.append(item(batch(*readings), offsets[partition], partition=partition))
        offsets[partition] += 1
    run(sink, items, {(EVENTS.name, number): offset + 2 for number, offset in offsets.items()})
    good = [f"a:{record}:{n}" for record, (_, goods) in enumerate(sorted(plan)) for n, g in enumerate(goods) if g]
    assert len(sink.stored) == len(good)
    assert len(sink.aside) == sum(not g for _, goods in plan for g in goods)
    assert {partition: held.next_offset for partition, held in sink.held.items()} == {
        (EVENTS.name, number): offset + 2 for number, offset in offsets.items()
    }
    if not sink.aside:
        assert len(sink.transactions) == 1


def test_a_good_batch_is_one_transaction_and_an_empty_one_only_moves() -> None:
    sink = FakeSink(0)
    assert len(run(sink, [item(batch(One()), 0), item(batch(One(identity="a:b:2")), 1)], {(EVENTS.name, 0): 2})) == 1
    assert sink.stored == ["a:b:1", "a:b:2"]
    run(sink, [], {(EVENTS.name, 0): 5})
    assert sink.transactions == [{(EVENTS.name, 0): 2}, {(EVENTS.name, 0): 5}]


def test_records_that_are_no_events_are_counted_as_set_aside() -> None:
    sink = FakeSink(0)
    (written,) = run(sink, [broken(b"x"), broken(b"y", offset=1)], {(EVENTS.name, 0): 2})
    assert written.set_aside == 2
    assert sink.aside == [b"x", b"y"]


def test_a_record_that_cannot_even_be_made_into_rows_is_set_aside() -> None:
    class Stubborn(FakeSink):
        def learn(self, series: Mapping[Any, str], origins: Iterable[Any]) -> None:
            raise PoisonError("a name PostgreSQL cannot store")

    sink = Stubborn(0)
    (written,) = run(sink, [item(batch(One(), One(identity="a:b:2")), 0)], {(EVENTS.name, 0): 1})
    assert written.set_aside == 2
    assert sink.held[EVENTS.name, 0].next_offset == 1


@pytest.mark.parametrize("error", [FencedError("taken"), RetryableError("away")])
def test_other_errors_are_the_callers(error: Exception) -> None:
    sink = FakeSink(0)
    sink.fails = [error]
    with pytest.raises(type(error)):
        run(sink, [item(batch(One()), 0)], {(EVENTS.name, 0): 1})
    assert sink.transactions == []


def test_what_was_stored_before_an_error_stays_stored() -> None:
    sink = FakeSink(0)
    sink.fails = [PoisonError("somewhere")]
    items = [item(batch(One(identity=f"a:b:{n}")), n) for n in range(4)]
    any_sink: Any = sink
    told = store(any_sink, items, {(EVENTS.name, 0): 4}, HORIZON)
    next(told)
    sink.fails = [RetryableError("away")]
    with pytest.raises(RetryableError):
        next(told)
    assert sink.stored == ["a:b:0", "a:b:1"]
    assert sink.held[EVENTS.name, 0].next_offset == 2
