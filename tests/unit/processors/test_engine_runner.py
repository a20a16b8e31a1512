"""The loop: outputs and offsets move together, whatever happens in between."""

import pytest
from fold_kit import batch, row
from memory_ports import Fault
from runner_rig import COMMIT_S, GARBAGE, GROUP, QUIET, TOPIC, City, story

from processors.engine.composed import PartitionFold
from processors.engine.runner import FAILED_MAX
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from schemas.envelope import Data, decode
from schemas.model import Model
from schemas.quarantine import Quarantined, Reason
from schemas.registry import RegistryRewriteBegun

# in order


def test_everything_is_said_once_and_the_offset_stands_at_the_end() -> None:
    city = City()
    city.write(*story())
    worker = city.worker()
    worker.settle()
    assert city.published() == city.expected()
    assert city.offset() == city.end()
    assert worker.notes.counts.events == 20


def test_outputs_and_offsets_are_committed_together() -> None:
    city = City()
    city.write(*story())
    worker = city.worker()
    for _ in range(30):
        worker.turn()
        said = sum(city.published().values())
        assert said == sum(n for n, _ in worker.sink.commits)
        upto = City()
        upto.write(*story()[: city.offset() or 0])
        assert city.published() == upto.expected()


def test_findings_are_committed_at_once_and_silence_when_it_is_time() -> None:
    city = City()
    worker = city.worker()
    city.write(*QUIET)
    worker.turn(3)
    assert worker.sink.commits == []
    city.wait(COMMIT_S)
    worker.turn()
    assert worker.sink.commits == [(0, {0: len(QUIET)})]
    city.write(batch(row(1)))
    worker.turn()
    assert worker.sink.commits[1:] == [(1, {0: len(QUIET) + 1})]
    assert len(worker.notes.visible) == 1


def test_nothing_new_is_nothing_to_commit() -> None:
    city = City()
    city.write(*QUIET)
    worker = city.worker()
    worker.settle()
    worker.settle()
    assert len(worker.sink.commits) == 1


def test_partitions_have_folds_of_their_own_and_one_transaction() -> None:
    city = City(0, 1)
    city.write(*story(zone="z1"), partition=0)
    city.write(*story(zone="z2"), partition=1)
    worker = city.worker(poll_records=100)
    worker.settle()
    assert city.published() == city.expected(0, 1)
    assert [set(offsets) for _, offsets in worker.sink.commits] == [{0, 1}]
    assert worker.notes.stands[1].lag == 0
    assert not worker.notes.stands[1].recovering


# what cannot be read


def test_bytes_that_are_no_event_are_set_aside_with_their_place_and_the_rest_is_taken() -> None:
    city = City()
    city.write(batch(row(1)), GARBAGE, batch(row(2)))
    worker = city.worker()
    worker.settle()
    assert city.published() == city.expected()
    (refused,) = [output for output in worker.notes.visible if isinstance(output, Quarantined)]
    assert (refused.reason, refused.payload) == (Reason.POISON, GARBAGE)
    assert refused.detail.startswith(f"{TOPIC}/0/1: ")
    assert len(worker.notes.visible) == 3
    assert worker.notes.counts.poison == {"decode": 1}


# crashes and doubt


def test_a_successor_suppresses_what_was_published_and_goes_on_from_there() -> None:
    city = City()
    city.write(*story(count=8))
    city.worker().settle()
    city.write(*story(8, 8))
    successor = city.worker()
    successor.turn()
    assert successor.runner.recovering == [0]
    successor.settle()
    assert successor.runner.recovering == []
    assert city.published() == city.expected()


def test_a_successor_of_one_that_never_committed_says_everything() -> None:
    city = City()
    city.write(*story())
    dead = city.worker()
    dead.sink.faults = [Fault.LOST] * 100
    dead.turn(5)
    assert not city.published()
    city.worker().settle()
    assert city.published() == city.expected()


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("which", [0, 1, 3])
def test_an_unknown_outcome_starts_over_and_neither_loses_nor_doubles(fault: Fault, which: int) -> None:
    city = City()
    city.write(*story())
    worker = city.worker()
    worker.sink.faults = [*[None] * which, fault]
    worker.settle()
    assert not worker.sink.faults
    assert city.published() == city.expected()
    assert city.offset() == city.end()


def test_a_zombie_is_fenced_and_writes_nothing_more() -> None:
    city = City()
    city.write(*story())
    zombie = city.worker()
    zombie.turn(2)
    city.worker().settle()
    city.write(*story(10, 2))
    with pytest.raises(FencedError):
        zombie.settle()
    assert sum(city.published().values()) == sum(city.expected().values()) - sum(
        (city.expected() - city.published()).values()
    )
    city.worker().settle()
    assert city.published() == city.expected()


def test_recovery_ends_though_nothing_but_markers_stands_before_the_committed_offset() -> None:
    city = City()
    city.write(*QUIET)
    transaction = city.log.begin("someone", city.log.init("someone"))
    city.log.send(transaction, (TOPIC, 0), GARBAGE)
    city.log.abort(transaction)
    city.log.set_offset(GROUP, (TOPIC, 0), city.end())
    worker = city.worker()
    worker.settle()
    assert worker.runner.recovering == []
    city.write(batch(row(1)))
    worker.settle()
    assert sum(city.published().values()) == 1


def test_closing_publishes_what_is_folded() -> None:
    city = City()
    city.write(*QUIET)
    worker = city.worker(poll_records=10)
    worker.turn(2)
    assert city.offset() is None
    worker.runner.close()
    assert city.offset() == city.end()


def test_closing_in_doubt_says_so() -> None:
    city = City()
    city.write(*QUIET)
    worker = city.worker()
    worker.turn(2)
    worker.sink.faults = [Fault.LOST]
    with pytest.raises(OutcomeUnknownError):
        worker.runner.close()


@pytest.mark.parametrize("method", ["poll", "start", "position", "committed", "bounds"])
def test_a_log_that_is_away_for_a_while_costs_nothing(method: str) -> None:
    city = City(0, 1)
    city.write(*story(zone="z1"), partition=0)
    city.write(*story(zone="z2"), partition=1)
    city.worker().turn(5)
    worker = city.worker(poll_records=1)
    worker.source.unreachable = [method] * 3
    worker.sink.unreachable = 1
    failures = 0
    for _ in range(100):
        try:
            worker.turn()
        except RetryableError:
            failures += 1
    assert failures == 4
    assert city.published() == city.expected(0, 1)


def test_a_record_at_which_the_engine_fails_is_set_aside_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    city = City(0)
    city.write(*story(0, 4), choking(), *story(4, 4))
    worker = city.worker()
    with monkeypatch.context() as broken:
        boom(broken)
        worker.settle()
        assert city.offset() == city.end()
        successor = city.worker()  # folds it again, and fails again
        successor.settle()
        city.write(*story(20, 2))
        successor.settle()
    refused = [one for one in map(decode_data, city.published()) if isinstance(one, Quarantined)]
    (failed,) = [one for one in refused if "the engine failed" in (one.detail or "")]
    assert failed.detail == f"{TOPIC}/0/8: the engine failed: ZeroDivisionError: boom"
    assert [worker.notes.counts.poison["engine"], successor.notes.counts.poison["engine"]] == [1, 1]
    without = City(0)
    without.write(*story(0, 4), *story(4, 4), *story(20, 2))
    anomalies = {one for one in city.published() if b"anomaly.v1" in one}
    assert anomalies == {one for one in without.expected() if b"anomaly.v1" in one}


def test_an_engine_that_fails_everywhere_stops_and_sets_nothing_more_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    city = City(0)
    city.write(*[choking() for _ in range(FAILED_MAX + 5)])
    boom(monkeypatch)
    worker = city.worker()
    worker.settle()
    assert worker.runner.stopped == [0]
    assert len(city.published()) <= FAILED_MAX


def choking() -> RegistryRewriteBegun:
    """A record that a broken engine chokes on."""
    return RegistryRewriteBegun(partition=0, rewrite="boom")


def boom(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that spoils its state at that record, and fails."""
    sound = PartitionFold.fold

    def fold(self: PartitionFold, events: list[Data]) -> list[Model]:
        if any(isinstance(event, RegistryRewriteBegun) for event in events):
            self._timers.shift(1_000_000)
            raise ZeroDivisionError("boom")
        return sound(self, events)

    monkeypatch.setattr(PartitionFold, "fold", fold)


def decode_data(raw: bytes) -> Data:
    return decode(raw).data
