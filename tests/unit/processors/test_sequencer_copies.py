"""The sequencer: everything that cases are made of, once and in order, whatever happens in between."""

import pytest
from memory_ports import Fault
from sequencer_rig import COMMIT_S, EVERYTHING, NOW, THE_TIME, Desk, finding, tick

from processors.sequencer.copies import BEGINNING, Moment
from processors.sequencer.loop import PLACES
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from schemas.anomaly import Transition
from schemas.carrier import NO_DISTRICT
from schemas.partitioning import partition_of
from schemas.quarantine import Reason
from schemas.topics import ANOMALIES, CASE_INPUTS, TICKS

RAISED, UPDATED, CLEARED = Transition
HERE = partition_of("411002", CASE_INPUTS.partitions)


def test_a_finding_goes_to_its_district_and_stays_the_same_event() -> None:
    desk = Desk()
    steps = [finding(1, step) for step in Transition]
    desk.found(*steps, partition=7)
    desk.found(finding(2, district=None), finding(3, district="411003"), partition=2)
    desk.worker().settle()
    assert desk.copied(HERE) == steps
    copies = {event.id: event for event in desk.all_copied()}
    for partition in (7, 2):
        for event in desk.read(ANOMALIES, partition):
            copy = copies.pop(event.id)
            assert (copy.source, copy.time, copy.data) == (event.source, event.time, event.data)
            assert copy.partitionkey == event.data.place.district or (
                event.data.place.district is None and copy.partitionkey == NO_DISTRICT
            )
    assert not copies
    assert desk.copied(partition_of(NO_DISTRICT, CASE_INPUTS.partitions)) == [finding(2, district=None)]
    desk.assert_all_is_there_once_and_in_order()


def test_the_time_goes_to_every_partition_and_never_back() -> None:
    desk = Desk()
    minutes = [tick(NOW + n * 60_000) for n in range(5)]
    stale = tick(NOW + 60_000)
    desk.ticked(*minutes[:3], stale, minutes[2], *minutes[3:], tick(NOW, generation=2), tick(NOW + 600_000))
    desk.worker().settle()
    for partition in range(CASE_INPUTS.partitions):
        assert desk.copied(partition) == [*minutes, tick(NOW, generation=2)]
    desk.assert_all_is_there_once_and_in_order()


def test_how_late_it_was_is_known_to_whoever_comes_next() -> None:
    desk = Desk()
    desk.ticked(tick(NOW + 60_000))
    desk.worker().settle()
    desk.ticked(tick(NOW), tick(NOW + 120_000))  # one that was on its way when its ticker was replaced
    desk.assign(v=EVERYTHING)
    successor = desk.worker("v")
    successor.settle()
    assert desk.copied(0) == [tick(NOW + 60_000), tick(NOW + 120_000)]
    assert successor.notes.stands[TICKS.name, 0] == (0, Moment(1, NOW + 120_000))


def test_what_was_found_is_copied_before_a_tick_that_is_at_hand_with_it() -> None:
    desk = Desk()
    desk.ticked(tick(NOW))
    desk.found(finding(1), partition=11)
    desk.worker(poll_records=100).settle()
    assert desk.copied(HERE) == [finding(1), tick(NOW)]


def test_findings_are_committed_at_once_and_ticks_when_it_is_time() -> None:
    desk = Desk()
    worker = desk.worker()
    desk.ticked(tick(NOW))
    worker.turn(2)
    assert worker.sink.commits == []
    desk.wait(COMMIT_S)
    worker.turn()
    ((outputs, offsets),) = worker.sink.commits
    assert (outputs, offsets[THE_TIME]) == (CASE_INPUTS.partitions, 1)
    assert len(offsets) == len(PLACES)  # a gap that opens later is seen to be one
    desk.found(finding(1))
    worker.turn()
    assert worker.sink.commits[1:] == [(1, {PLACES.number(ANOMALIES.name, 0): 1})]
    worker.settle()
    assert len(worker.sink.commits) == 2  # nothing new is nothing to commit


def test_what_waits_for_a_transaction_is_bounded() -> None:
    desk = Desk()
    desk.ticked(*(tick(NOW + n) for n in range(500)))
    worker = desk.worker(poll_records=500)
    worker.turn(2)
    assert [outputs for outputs, _ in worker.sink.commits] == [500 * CASE_INPUTS.partitions]


@pytest.mark.parametrize("garbage", [b"no event at all", b"", b"a tick"])
def test_what_cannot_be_read_is_set_aside_and_holds_nothing_up(garbage: bytes) -> None:
    desk = Desk()
    wrong = desk._record(tick(NOW)) if garbage == b"a tick" else garbage
    desk.found(finding(1), wrong, finding(2), partition=3)
    desk.worker().settle()
    assert desk.copied(HERE) == [finding(1), finding(2)]
    (refused,) = desk.refused()
    assert (refused.reason, refused.payload) == (Reason.POISON, wrong)
    assert refused.detail.startswith("city.anomalies.v1/3/1: ")


@pytest.mark.parametrize("fault", Fault)
def test_a_commit_that_was_lost_or_unheard_changes_nothing(fault: Fault) -> None:
    desk = Desk()
    worker = desk.worker()
    worker.sink.faults = [fault, None, fault]
    for number in range(6):
        desk.found(finding(number), partition=number % 3)
        desk.ticked(tick(NOW + number))
        worker.turn(3)
    worker.settle()
    desk.assert_all_is_there_once_and_in_order()


def test_a_log_that_is_away_is_waited_for() -> None:
    desk = Desk()
    desk.found(finding(1))
    worker = desk.worker()
    worker.sink.unreachable = 1
    worker.source.unreachable = ["poll", "committed", "note", "bounds", "start"]
    failures = 0
    for _ in range(100):
        try:
            worker.turn()
        except RetryableError:
            failures += 1
    assert failures == 6
    desk.assert_all_is_there_once_and_in_order()


def test_what_was_copied_and_not_committed_when_partitions_move_is_copied_once() -> None:
    desk = Desk()
    first, second = desk.worker("w"), desk.worker("v")
    desk.ticked(tick(NOW), tick(NOW + 1))
    first.turn(2)  # copied, and not yet time to commit
    desk.assign(w=range(4), v=range(4, len(PLACES)))
    first.source.hears_late = True
    for _ in range(4):
        first.turn()
        second.turn()
    second.settle()
    assert first.sink.commits == []
    assert (TICKS.name, 0) in first.notes.goes
    desk.assert_all_is_there_once_and_in_order()


def test_a_twin_is_fenced_and_a_frozen_one_writes_nothing_more() -> None:
    desk = Desk()
    old = desk.worker()
    desk.found(finding(1))
    old.turn(3)
    desk.found(finding(2))
    new = desk.worker()
    old.sink.stall = new.settle
    with pytest.raises((FencedError, OutcomeUnknownError)):
        old.loop._sink.commit([], {0: 2})
    desk.assert_all_is_there_once_and_in_order()


def test_it_says_goodbye_with_what_it_has() -> None:
    desk = Desk()
    desk.ticked(tick(NOW))
    worker = desk.worker()
    worker.turn(2)
    worker.loop.close()
    assert desk.copied(5) == [tick(NOW)]


# gaps


def gap(*, committed: bool) -> Desk:
    """A log that lost findings and ticks that were not copied yet."""
    desk = Desk()
    desk.found(*(finding(n) for n in range(6)))
    desk.ticked(*(tick(NOW + n) for n in range(6)))
    if committed:
        for number in (0, THE_TIME):
            topic, partition = PLACES.at(number)
            desk.log.set_offset("sequencer", (topic.name, partition), 1)
    desk.log.delete_before((ANOMALIES.name, 0), 3)
    desk.log.delete_before((TICKS.name, 0), 3)
    return desk


@pytest.mark.parametrize("committed", [True, False])
def test_after_a_gap_in_findings_an_operator_decides_and_time_goes_on(committed: bool) -> None:
    desk = gap(committed=committed)
    worker = desk.worker()
    worker.settle()
    assert worker.loop.stopped == [0]
    assert worker.notes.stops == [(ANOMALIES.name, 0)]
    assert desk.copied(HERE) == [tick(NOW + n) for n in range(3, 6)]
    desk.worker(accept_gap=True).settle()
    assert desk.copied(HERE)[3:] == [finding(n) for n in range(3, 6)]


def test_a_note_that_is_none_of_ours_is_no_time() -> None:
    assert Moment.parse(str(Moment(3, NOW))) == Moment(3, NOW)
    for note in ("", "x", "1:", ":5", "1:2:3", "-1:5"):
        assert Moment.parse(note) == BEGINNING, note
