"""A worker that comes goes on from the snapshots; and where they are of no use, nothing is lost, doubled or reset."""

import random
from itertools import pairwise
from types import SimpleNamespace

import msgspec
import pytest
from fold_kit import LATENESS_MS, Scribe, Told
from memory_ports import Fault
from runner_rig import TOPIC, City, Worker, story

from processors.engine import snapshot
from processors.engine.composed import PartitionFold
from processors.engine.snapshot import SHARDS, shard_of
from runtime import lifecycle
from runtime.errors import RetryableError
from schemas.topics import SNAPSHOTS
from tests.memory.log import MemoryLog

SHELF = (SNAPSHOTS.name, 0)


@pytest.fixture
def city() -> City:
    """Something happened, everything is published, and every shard was written twice at least."""
    city = City(0, snapshot_every_s=1.0)
    worker = city.worker()
    for n in range(8):
        city.write(*story(2 * n, 2))
        worker.settle()
    assert worker.notes.snapshots >= 2 * SHARDS
    assert city.snapshots().whole
    return city


def oldest(city: City) -> int:
    return min(snapshot.decode(data).offset for data in city.snapshots().shards)


def goes_on(city: City, worker: Worker) -> None:
    city.write(*story(40, 5))
    worker.settle()
    assert worker.runner.stopped == []
    assert city.published() == city.expected()
    assert city.offset() == city.end()


def read_again(city: City, worker: Worker) -> int:
    """How many events a worker folded until it was live."""
    worker.settle()
    assert worker.runner.recovering == []
    return worker.notes.counts.events


def test_a_successor_folds_only_what_came_since(city: City) -> None:
    before = oldest(city)
    assert before > 0
    worker = city.worker()
    assert read_again(city, worker) == city.end() - before
    goes_on(city, worker)


def test_the_log_may_have_lost_its_beginning(city: City) -> None:
    city.expire()
    assert city.log.bounds((TOPIC, 0)).start == oldest(city) > 0
    worker = city.worker()
    worker.settle()
    goes_on(city, worker)


def test_a_partition_goes_on_beside_one_whose_state_is_still_being_read(city: City) -> None:
    city.group.assign({"w": (0, 1)})
    city.write(*story(0, 3, "z2"), partition=1)
    worker = city.worker()
    worker.shelf._records = 1
    while city.offset(1) is None:
        worker.turn()
    assert worker.runner.loading == [0]
    worker.settle()
    assert city.published() == city.expected(0, 1)


def test_a_revocation_while_loading_leaves_nothing_behind(city: City) -> None:
    worker = city.worker()
    worker.turn()
    assert worker.runner.loading == [0]
    city.group.assign({"v": (0,)})
    worker.turn()
    assert worker.runner.recovering == []
    assert worker.shelf._reading == {}
    other = city.worker("v")
    other.settle()
    goes_on(city, other)


def test_the_shelf_may_be_away_for_a_while(city: City) -> None:
    worker = city.worker()
    worker.shelf.unreachable = ["begin", "read", "begin"]
    for _ in range(2):
        with pytest.raises(RetryableError):
            worker.turn(10)
    worker.shelf.unreachable = []
    worker.settle()
    goes_on(city, worker)


@pytest.mark.parametrize("shard", [shard_of("z1"), (shard_of("z1") + 1) % SHARDS])
def test_a_spoilt_snapshot_gives_way_to_its_predecessor(city: City, shard: int) -> None:
    before = oldest(city)
    spoil_newest(city.log, shard, 1)
    worker = city.worker()
    assert city.end() - before < read_again(city, worker) < city.end()
    assert worker.notes.useless == [0]
    goes_on(city, worker)


def spoil_newest(log: MemoryLog, shard: int, generations: int) -> None:
    """Turn a bit in the newest records of a shard."""
    entries = log._entries[SHELF]
    found = [
        n
        for n, entry in enumerate(entries)
        if entry.value is not None and msgspec.msgpack.decode(entry.value)[2] == shard
    ]
    for n in found[-generations:]:
        value = entries[n].value
        assert value is not None
        entries[n] = type(entries[n])(value[:-1] + bytes([value[-1] ^ 1]), entries[n].transaction)


def test_without_any_sound_snapshot_the_log_is_folded(city: City) -> None:
    spoil_newest(city.log, 5, 1_000)
    worker = city.worker()
    assert read_again(city, worker) == city.end()
    goes_on(city, worker)


def test_without_a_snapshot_and_without_the_log_an_operator_decides(city: City) -> None:
    city.expire()
    spoil_newest(city.log, 5, 1_000)
    worker = city.worker()
    worker.settle()
    assert worker.runner.stopped == [0]
    successor = city.worker()  # no loop of restarts would mend it
    successor.settle()
    assert successor.runner.stopped == [0]
    bold = city.worker(accept_gap=True)
    bold.settle()
    city.write(*story(40, 1))
    bold.settle()
    assert bold.runner.stopped == []
    assert city.offset() == city.end()


def test_a_later_version_that_cannot_take_over_folds_the_log_and_says_nothing_again(city: City) -> None:
    published = city.published()
    worker = city.worker()
    worker.runner._loading._restore = _refused
    assert read_again(city, worker) == city.end()
    assert city.published() == published
    assert worker.notes.useless == [0]
    goes_on(city, worker)


def _refused(shards: object) -> tuple[PartitionFold, int]:
    raise snapshot.SnapshotError("scribe 1 cannot become version 2")


def test_a_state_that_turns_out_to_be_none_is_made_from_the_log(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Scribe.restore

    def restore(self: Scribe, zone: str, data: bytes) -> Told:
        if not worker.notes.useless:
            raise ValueError("what is this")
        return sound(self, zone, data)

    monkeypatch.setattr(Scribe, "restore", restore)
    worker = city.worker()
    city.write(*story(40, 5))
    worker.settle()
    assert worker.notes.useless == [0]
    goes_on(city, worker)


def test_snapshots_that_are_ahead_of_what_was_committed_are_not_used(city: City) -> None:
    city.log.set_offset("detectors", (TOPIC, 0), 3)  # an operator has everything after it said again
    worker = city.worker()
    assert read_again(city, worker) == city.end()
    assert set(city.published()) == set(city.expected())


def test_distrust_ends_where_new_snapshots_begin(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = city.worker()
    worker.runner._loading._restore = _refused
    worker.settle()
    monkeypatch.undo()
    worker.runner._loading._restore = lambda shards: PartitionFold.restore([Scribe()], LATENESS_MS, shards)
    for n in range(6):
        city.write(*story(40 + 2 * n, 2))
        worker.settle()
    before = worker.notes.counts.events
    worker.sink.faults.append(Fault.LOST)
    city.write(*story(60, 2))
    worker.settle()
    assert worker.notes.counts.events - before < city.end() / 2  # from the new snapshots, not from the log
    goes_on(city, worker)


def test_a_log_that_is_shorter_than_what_was_committed_is_begun_anew_when_an_operator_says_so(city: City) -> None:
    city.log.set_offset("detectors", (TOPIC, 0), city.end() + 1000)
    bold = city.worker(accept_gap=True)
    bold.settle()
    city.write(*story(40, 5))
    bold.settle()
    assert city.offset() == city.end()
    assert bold.notes.counts.events == city.end()


def test_snapshots_of_a_log_that_is_no_more_are_none(city: City) -> None:
    city.log_id = "log-2"
    worker = city.worker()
    assert read_again(city, worker) == city.end()
    goes_on(city, worker)


def test_loading_is_progress(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now_s=0.0, monotonic=lambda: clock.now_s)
    monkeypatch.setattr(lifecycle, "time", clock)
    worker = city.worker()
    worker.shelf._records = 1
    worker.turn(3)
    assert worker.runner.loading == [0]
    turns = 0
    while worker.runner.loading:
        clock.now_s += 0.9 * worker.runner._progress.stall_s
        worker.turn()
        assert worker.runner._progress.healthy
        turns += 1
    assert turns > 1


def test_identities_that_were_forgotten_sooner_than_is_asked_now_are_not_enough(city: City) -> None:
    shards = city.snapshots().shards
    PartitionFold.restore([Scribe()], LATENESS_MS - 1, shards)
    with pytest.raises(snapshot.SnapshotError, match="identities"):
        PartitionFold.restore([Scribe()], LATENESS_MS + 1, shards)


def test_a_shard_that_cannot_be_written_costs_its_own_snapshot_and_nothing_else(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = city.worker()
    worker.settle()
    before = worker.notes.snapshots

    def fails(_scribe: Scribe, _state: Told) -> bytes:
        raise TypeError("cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(Scribe, "snapshot", fails)
        city.write(*[event for event in story(40, 6) if "666" not in str(event)])
        worker.settle()
    assert worker.notes.snapshots > before
    goes_on(city, worker)


def test_every_shard_takes_its_turn_within_the_budget() -> None:
    city = City(0, snapshot_every_s=1.0)
    city.write(*story())
    worker = city.worker()
    worker.runner._shelving._budget_s = -1.0  # spent before anything is done: still one each time
    for n in range(SHARDS + 3):
        city.write(*story(20 + n, 1))
        worker.settle()
    assert worker.notes.snapshots == len(worker.sink.commits) > SHARDS
    assert city.snapshots().whole


def test_two_generations_alternate() -> None:
    dice = random.Random(1)
    city = City(0, snapshot_every_s=0.5)
    for _ in range(6):
        worker = city.worker()
        for _ in range(dice.randint(2, 4)):
            city.write(*story(dice.randrange(1000), 2))
            worker.settle()
    generations = [
        (part.generation, part.offset)
        for value in city.log.values(SHELF)
        if (part := msgspec.msgpack.decode(value, type=snapshot.Part)).shard == shard_of("z1")
    ]
    assert len(generations) > 8
    assert all(a[0] != b[0] and a[1] < b[1] for a, b in pairwise(generations))
