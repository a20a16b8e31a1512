"""The loop: partitions that come and go, and logs that no longer hold what was committed."""

import pytest
from memory_ports import Fault
from runner_rig import GROUP, QUIET, TOPIC, City, story

from runtime.errors import OutcomeUnknownError

# rebalances


def test_a_partition_that_comes_back_goes_on_with_its_state_and_what_it_had_not_said() -> None:
    city = City(0, 1)
    worker = city.worker(poll_records=3)
    city.write(*QUIET, partition=0)
    worker.turn(2)
    before = worker.runner._parts[0]
    worker.source.hears_half = True
    city.group.assign({"w": (0,)})
    worker.turn()
    assert worker.runner._parts == {}
    worker.turn(2)
    assert worker.runner._parts[0] is before
    assert worker.notes.goes == [0, 1]
    worker.settle()
    assert city.offset() == city.end()


def test_a_partition_that_comes_back_after_another_had_it_is_folded_anew() -> None:
    city = City(0)
    city.write(*story())
    first, second = city.worker("w"), city.worker("v")
    first.settle()
    before = first.runner._parts[0]
    first.source.hears_half = True
    city.group.assign({"v": (0,)})
    first.turn()
    city.write(*story(10, 3))
    second.settle()
    city.group.assign({"w": (0,)})
    first.settle()
    assert first.runner._parts[0] is not before
    assert city.published() == city.expected()


def test_records_read_before_a_rebalance_was_heard_of_are_not_folded_into_what_came_after() -> None:
    city = City(0)
    city.write(*story())
    first, second = city.worker("w"), city.worker("v")
    first.turn(2)
    city.group.assign({"v": (0,)})
    second.settle()
    city.write(*story(10, 3))
    city.group.assign({"w": (0,)})
    first.source.hears_late = True
    first.settle()
    assert city.published() == city.expected()


def test_what_was_folded_but_not_committed_when_it_was_taken_away_is_said_by_the_next_owner() -> None:
    city = City(0)
    city.write(*story())
    first, second = city.worker("w"), city.worker("v")
    first.sink.faults = [Fault.LOST]
    first.turn(2)
    city.group.assign({"v": (0,)})
    first.settle()
    second.settle()
    assert city.published() == city.expected()


def test_a_commit_of_a_generation_that_is_over_does_not_count() -> None:
    city = City(0)
    worker = city.worker()
    city.write(*QUIET)
    worker.turn(2)
    city.group.assign({"v": (0,)})
    with pytest.raises(OutcomeUnknownError):
        worker.runner.close()
    assert city.offset() is None


# retention


@pytest.mark.parametrize("offset", [2, 100])
def test_a_committed_offset_outside_of_the_log_stops_only_that_partition(offset: int) -> None:
    city = City(0, 1)
    city.write(*story(zone="z1"), partition=0)
    city.write(*story(zone="z2"), partition=1)
    city.log.delete_before((TOPIC, 0), 5)
    city.log.set_offset(GROUP, (TOPIC, 0), offset)
    worker = city.worker()
    worker.settle()
    assert (worker.runner.stopped, worker.notes.stops) == ([0], [0])
    assert city.offset(0) == offset
    assert city.published() == city.expected(1)


def test_no_offset_on_a_log_without_its_beginning_is_a_lost_one() -> None:
    city = City(0)
    city.write(*story())
    city.log.delete_before((TOPIC, 0), 5)
    worker = city.worker()
    worker.settle()
    assert worker.runner.stopped == [0]
    assert not city.published()


@pytest.mark.parametrize(("offset", "published"), [(None, True), (2, True), (100, False)])
def test_an_operator_accepts_the_gap(offset: int | None, published: bool) -> None:
    city = City(0)
    city.write(*story())
    city.log.delete_before((TOPIC, 0), 5)
    if offset is not None:
        city.log.set_offset(GROUP, (TOPIC, 0), offset)
    worker = city.worker(accept_gap=True)
    worker.settle()
    assert worker.runner.stopped == []
    assert city.published() == (city.expected(0, kept=True) if published else {})
    city.write(*story(20, 5))
    worker.settle()
    assert city.offset() == city.end()
    assert city.published()


def test_an_operator_lets_a_stopped_partition_go_on_from_where_it_is_told() -> None:
    city = City(0)
    city.write(*story())
    city.log.delete_before((TOPIC, 0), 5)
    city.log.set_offset(GROUP, (TOPIC, 0), 2)
    worker = city.worker()
    worker.settle()
    city.log.set_offset(GROUP, (TOPIC, 0), 5)
    city.group.assign({"w": (0,)})
    worker.settle()
    assert worker.runner.stopped == [0]  # there it would begin with nothing known, and nobody said that it may
    worker = city.worker(accept_gap=True)
    worker.settle()
    assert worker.runner.stopped == []
    assert city.offset() == city.end()


def test_a_log_that_passes_over_a_partition_at_work_stops_it_instead_of_skipping() -> None:
    city = City(0)
    city.write(*QUIET)
    worker = city.worker()
    worker.settle()
    city.write(*story(10, 5))
    city.log.delete_before((TOPIC, 0), city.end() - 2)
    worker.settle()
    assert worker.runner.stopped == [0]
    assert not city.published()
