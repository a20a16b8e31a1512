"""The database side of the archive on a real server: rows and offsets together, for its newest owner alone."""

import random
import string
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from archive_kit import DAY, HORIZON, NOW, T0, Store, cloud_event, connect, finding, readings

from processors.archive.rows import Item, Numbers, Rows
from processors.archive.sink import SCHEMA_VERSION, SchemaTooOldError, Sink
from processors.archive.store import moves_left, store
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from schemas.anomaly import Transition
from schemas.columns import BatchColumns
from schemas.envelope import decode, encode
from schemas.topics import EVENTS
from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers

P0 = (EVENTS.name, 0)
P1 = (EVENTS.name, 1)


@pytest.fixture(scope="module")
def module_city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


@pytest.fixture
def city(module_city: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The module's, with nothing in it; connections are closed at the end."""
    tables = "observations, series, origins, archive_offsets, quarantine, unregistered, anomaly_events, anomalies"
    module_city.run(f"TRUNCATE {tables}")
    with ExitStack() as opened:
        open_sink = module_city.sink
        monkeypatch.setattr(module_city, "sink", lambda: opened.enter_context(closing(open_sink())))
        yield module_city


def item(data: Any, offset: int, partition: int = 0) -> Item:
    raw = encode(cloud_event(data, f"{partition}/{offset}"))
    return Item(EVENTS.name, partition, offset, T0, raw, decode(raw))


def put(sink: Sink, items: list[Item], **moves: int) -> int:
    """Store items; returns how many rows were inserted."""
    wanted = {(EVENTS.name, int(name[1:])): new for name, new in moves.items()}
    written = list(store(sink, items, moves_left(wanted, sink), HORIZON))
    return sum(sum(one.inserted.values()) for one in written)


def owner(city: Store, *partitions: int) -> Sink:
    sink = city.sink()
    sink.take_over({(EVENTS.name, number): 0 for number in partitions or (0,)})
    return sink


def test_rows_and_offset_move_together(city: Store) -> None:
    sink = owner(city)
    assert put(sink, [item(readings(["a:b:1", "a:b:2"]), 4)], p0=5) == 2
    assert city.identities() == ["a:b:1", "a:b:2"]
    assert city.sql("SELECT next_offset, epoch FROM archive_offsets") == [(5, 1)]
    again = city.sink()
    held = again.take_over({P0: 0, P1: 7})
    assert {partition: (one.next_offset, one.epoch) for partition, one in held.items()} == {P0: (5, 2), P1: (7, 1)}


def test_a_transaction_that_is_cut_leaves_neither(city: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = owner(city)
    merge = sink._merge

    def cut(rows: Rows) -> Any:
        written = merge(rows)
        city.cut_connections()
        return written

    monkeypatch.setattr(sink, "_merge", cut)
    with pytest.raises((RetryableError, OutcomeUnknownError)):
        put(sink, [item(readings(["a:b:1"]), 0)], p0=1)
    assert city.identities() == []
    assert city.sql("SELECT next_offset FROM archive_offsets") == [(0,)]


def test_an_older_owner_cannot_write(city: Store) -> None:
    old = owner(city, 0, 1)
    new = owner(city, 0)
    with pytest.raises(FencedError, match="1 of 2"):
        put(old, [item(readings(["a:b:1"]), 0), item(readings(["a:b:2"]), 0, 1)], p0=1, p1=1)
    assert city.identities() == []
    assert city.sql("SELECT next_offset FROM archive_offsets") == [(0,), (0,)]
    assert put(old, [item(readings(["a:b:2"]), 0, 1)], p1=1) == 1  # what is still its own it may
    assert put(new, [item(readings(["a:b:1"]), 0)], p0=1) == 1


def test_an_offset_that_was_moved_fences_too(city: Store) -> None:
    sink = owner(city)
    assert put(sink, [item(readings(["a:b:1"]), 0)], p0=1) == 1
    assert not sink.decided([P0])
    city.run("UPDATE archive_offsets SET next_offset = 0")
    assert sink.decided([P0])
    with pytest.raises(FencedError):
        put(sink, [item(readings(["a:b:2"]), 1)], p0=2)
    assert city.identities() == ["a:b:1"]


def test_taking_over_waits_for_a_transaction_that_is_still_at_it(city: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = owner(city), city.sink()
    with new._connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
        new._connection.commit()
    commit = old._commit

    def slow(moves: Any) -> None:
        with pytest.raises(RetryableError, match="lock"):
            new.take_over({P0: 0})
        commit(moves)

    monkeypatch.setattr(old, "_commit", slow)
    assert put(old, [item(readings(["a:b:1"]), 0)], p0=1) == 1
    assert new.take_over({P0: 0})[P0].next_offset == 1


def test_the_same_records_again_change_nothing(city: Store) -> None:
    batches = [
        item(readings([f"a:b:{n}" for n in range(5)]), 0),
        item(readings([f"b:{T0 + 1000 * n}:{float(n)}" for n in range(5)]), 1),
        item(readings([f"c:{T0}:ff:{n}" for n in range(5)], quality=1), 2),
        item(readings(["a:late:1"], quality=2), 3),
    ]
    sink = owner(city)
    assert put(sink, batches, p0=4) == 16
    before = city.sql("SELECT * FROM observations ORDER BY identity")
    for repeat in range(3):
        city.run("UPDATE archive_offsets SET next_offset = 0, epoch = epoch + 1")
        again = owner(city)
        for one in batches if repeat else [batches[0]]:
            assert put(again, [one], p0=one.offset + 1) == 0
        again.close()
    assert city.sql("SELECT * FROM observations ORDER BY identity") == before


def test_a_copy_on_another_time_is_known_as_one(city: Store) -> None:
    sink = owner(city)
    assert put(sink, [item(readings(["a:b:1"]), 0)], p0=1) == 1
    moved = [
        item(readings(["a:b:1"], time_ms=T0 + DAY), 1),  # numbered: within the allowed lateness
        item(readings(["a:b:1"], time_ms=T0 + 8 * DAY, quality=2), 2),  # given arrival time: as long as brokers keep
    ]
    assert put(sink, moved, p0=3) == 0
    assert put(sink, [item(readings(["a:b:1"], time_ms=T0 + 9 * DAY), 3)], p0=4) == 1  # the device counts anew


def a_log(rng: random.Random) -> list[Item]:
    """Copies of a few readings, each on one of two times, with what ingest may have said of them."""
    hours = [T0 + h * 3_600_000 for h in (-240, -193, -192, -120, -25, -24, -1, 0)]
    forms: dict[str, list[tuple[int, int]]] = {}
    for identity in ("a:b:1", "a:b:2", f"c:{T0}:00:0"):
        forms[identity] = [(rng.choice(hours), rng.choice([0, 1, 2, 3, 4])) for _ in range(2)]
    for own in (T0, T0 - DAY):  # its own time, or another and marked so
        forms[f"b:{own}:0.0"] = [(own, rng.choice([0, 4])), (rng.choice(hours), rng.choice([2, 3]))]
    log = []
    for offset in range(rng.randint(2, 12)):
        identity = rng.choice(sorted(forms))
        at, quality = rng.choice(forms[identity])
        log.append(item(readings([identity], time_ms=at, quality=quality), offset))
    return log


@pytest.mark.parametrize("seed", range(12))
def test_how_the_log_was_cut_into_transactions_does_not_matter(city: Store, seed: int) -> None:
    log = a_log(random.Random(seed))
    outcomes = []
    for size in (1, 2, 5, len(log)):
        city.run("TRUNCATE observations, archive_offsets")
        sink = owner(city)
        for begin in range(0, len(log), size):
            part = log[begin : begin + size]
            put(sink, part, p0=part[-1].offset + 1)
        sink.close()
        outcomes.append(city.sql("SELECT time, identity, quality FROM observations ORDER BY 1, 2, 3"))
    assert outcomes == [outcomes[0]] * 4


def poisonous(kind: str) -> BatchColumns:
    good = readings(["a:good:1", "a:bad:1", "a:good:2"])
    values = {name: list(getattr(good, name)) for name in ("phenomenon_time", "identity", "result_quality")}
    match kind:
        case "no such year":
            values["phenomenon_time"][1] = 10**17
        case "no such quality":
            values["result_quality"][1] = 100_000
        case "beyond the index":
            letters = random.Random(1).choices(string.ascii_letters + string.digits, k=8_000)
            values["identity"][1] = "a:bad:" + "".join(letters)
    return BatchColumns(
        shard=good.shard,
        series=good.series,
        series_index=good.series_index,
        result=good.result,
        arrival_time=good.arrival_time,
        **values,
    )


@pytest.mark.parametrize("kind", ["no such year", "no such quality", "beyond the index"])
def test_a_row_postgresql_refuses_is_set_aside_and_its_neighbours_are_stored(city: Store, kind: str) -> None:
    sink = owner(city)
    log = [item(readings(["a:other:0"]), 0), item(poisonous(kind), 1), item(readings(["a:other:1"]), 2)]
    for _ in range(2):  # a second time nothing is new
        put(sink, log, p0=3)
        city.run("UPDATE archive_offsets SET next_offset = 0, epoch = epoch + 1")
        sink = owner(city)
    assert city.identities() == ["a:good:1", "a:good:2", "a:other:0", "a:other:1"]
    ((reason, detail, payload),) = city.sql("SELECT reason, detail, payload FROM quarantine")
    assert reason == "poison"
    assert "partition 0, offset 1" in detail
    assert b'"a:bad:' in payload


@pytest.mark.parametrize("before", [True, False])  # the rows, or the commit, are what finds the session ended
def test_a_session_that_slept_in_a_transaction_is_retried_and_not_given_up(
    city: Store, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    sink = owner(city)
    sink._connection.autocommit = True  # in a transaction it would be ended by what it sets
    sink._connection.execute("SET idle_in_transaction_session_timeout = '1ms'")
    sink._connection.autocommit = False
    merge = sink._merge

    def ended() -> bool:
        pid = sink._connection.info.backend_pid
        return not city.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid)

    def sleep(rows: Rows) -> Any:
        written = None if before else merge(rows)
        eventually(ended)
        return merge(rows) if before else written

    monkeypatch.setattr(sink, "_merge", sleep)
    with pytest.raises((RetryableError, OutcomeUnknownError)):
        put(sink, [item(readings(["a:b:1"]), 0)], p0=1)
    assert city.identities() == []


def test_the_schema_must_be_there(stack: TestStack) -> None:
    with stack.fresh_database() as empty:
        with pytest.raises(SchemaTooOldError, match="eyes db migrate"):
            Sink(empty, "a")
        with connect(empty) as connection:
            from ops.database.migrate import load, migrate

            migrate(connection, load()[: SCHEMA_VERSION - 1])
            with pytest.raises(SchemaTooOldError, match=f"needs {SCHEMA_VERSION:04d}"):
                Sink(empty, "a")
            migrate(connection)
        Sink(empty, "a").close()


def test_a_database_that_is_not_there_is_retryable(city: Store) -> None:
    nowhere = city.database.model_copy(update={"dsn": "host=127.0.0.1 port=1 dbname=x user=y"})
    with pytest.raises(RetryableError):
        Sink(nowhere, "a")
    with city.away(), pytest.raises(RetryableError, match="not currently accepting"):
        city.sink()


def test_numbers_are_the_same_for_whoever_asks(city: Store) -> None:
    one, two = city.sink(), city.sink()
    series = {("d-1", "pressure"): "Pa", ("d-2", "pressure"): "Pa"}
    origins = {("f", "pressure_meter", "z")}
    one.learn(series, origins)
    two.learn(series, origins)
    assert one.numbers == two.numbers
    assert isinstance(one.numbers, Numbers)
    assert city.count("series") == 2


def test_the_newest_step_of_a_finding_is_its_state_whenever_steps_come(city: Store) -> None:
    steps = [(Transition.RAISED, 0), (Transition.UPDATED, 1), (Transition.CLEARED, 2), (Transition.UPDATED, 2)]
    for order in permutations(range(len(steps))):
        city.run("TRUNCATE anomalies, anomaly_events, archive_offsets")
        sink = owner(city)
        for offset, number in enumerate(order):
            transition, hour = steps[number]
            step = finding(transition, NOW + timedelta(hours=hour))
            raw = encode(cloud_event(step, f"step-{number}"))
            put(sink, [Item(EVENTS.name, 0, offset, T0, raw, decode(raw))], p0=offset + 1)
        sink.close()
        # Of two steps of one moment the later in a finding's life counts.
        ended = NOW + timedelta(hours=2)
        assert city.sql("SELECT state, at, cleared_at FROM anomalies") == [("cleared", ended, ended)], order
        if order[0] == 0:
            assert city.sql("SELECT opened_at FROM anomalies") == [(NOW,)], order
        assert city.count("anomaly_events") == len(steps)
