"""A slot: poison leaves the state as if it had never been there, at any distance from a checkpoint."""

from collections.abc import Sequence

import msgspec
import pytest
from fold_kit import POISON, RELAXED, Scribe, briefs, row, series
from hypothesis import given
from hypothesis import strategies as st

from processors.engine.contract import Clock, Outcome, Reading, ZoneEvent
from processors.engine.errors import SnapshotError
from processors.engine.journal import Journal
from processors.engine.slot import Slot
from runtime.errors import PoisonError

CLOCK = Clock(1000, {"s1": 1000})


def reading(value: float, seq: int = 0) -> Reading:
    _, time_ms, value, identity, quality = row(seq, value)
    return Reading(series(), time_ms, value, identity, quality, time_ms, "s1")


class Big(Scribe):
    """A state of some kilobytes, so that a checkpoint is worth a long journal; counts how often it is written."""

    def __init__(self) -> None:
        super().__init__("big")
        self.written = 0

    def snapshot(self, state: object) -> bytes:
        self.written += 1
        return msgspec.msgpack.encode((state, "." * 4096))

    def restore(self, zone: str, data: bytes) -> object:
        told, _ = msgspec.msgpack.decode(data)
        return super().restore(zone, msgspec.msgpack.encode(told))


class Exhausted(Scribe):
    def fold(self, state: object, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        raise MemoryError


def test_poison_is_said_and_leaves_the_state_as_it_was() -> None:
    slot = Slot(Scribe(), "z1")
    slot.fold(reading(0.0), CLOCK)
    before = slot.snapshot()
    with pytest.raises(PoisonError, match="ValueError: cannot stomach"):
        slot.fold(reading(POISON), CLOCK)
    assert slot.snapshot() == before
    assert briefs(slot.fold(reading(0.0), CLOCK).outputs)


def test_poison_as_the_very_first_event_leaves_nothing_known() -> None:
    slot = Slot(Scribe(), "z1")
    with pytest.raises(PoisonError):
        slot.fold(reading(POISON), CLOCK)
    assert slot.snapshot() == Slot(Scribe(), "z1").snapshot()


@pytest.mark.parametrize("before", [31, 32, 33, 100])
def test_poison_right_behind_a_checkpoint_under_one_clock_is_undone(before: int) -> None:
    slot = Slot(Scribe(), "z1")
    for n in range(before):
        slot.fold(reading(0.0, n), CLOCK)
    kept = slot.snapshot()
    for _ in range(2):
        with pytest.raises(PoisonError, match="cannot stomach"):
            slot.fold(reading(POISON), CLOCK)
        assert slot.snapshot() == kept


@RELAXED
@given(
    st.lists(st.sampled_from([0.0, 1.0, POISON]), max_size=120),
    st.sampled_from([Scribe, Big]),
    st.integers(1, 9),
    st.integers(0, 120),
)
def test_what_comes_out_is_the_same_as_without_the_poison(
    values: list[float], detector: type[Scribe], cadence: int, restart_at: int
) -> None:
    slot, healthy = Slot(detector(), "z1"), Slot(detector(), "z1")
    clock = CLOCK
    for n, value in enumerate(values):
        if n % cadence == 0:
            clock = Clock(1000 + n, {"s1": 1000 + n})
        if n == restart_at:
            slot = Slot(detector(), "z1", slot.snapshot())
        if value == POISON:
            with pytest.raises(PoisonError):
                slot.fold(reading(value, n), clock)
        else:
            assert slot.fold(reading(value, n), clock) == healthy.fold(reading(value, n), clock)
        assert slot.snapshot() == healthy.snapshot()


def test_a_journal_is_as_long_as_the_state_is_heavy() -> None:
    big = Big()
    slot = Slot(big, "z1")
    for n in range(1000):
        slot.fold(reading(0.0, n), CLOCK)
        assert len(slot.journal.entries) <= 160
    assert big.written <= 10


def test_memory_that_runs_out_is_no_fault_of_the_event() -> None:
    with pytest.raises(MemoryError):
        Slot(Exhausted(), "z1").fold(reading(0.0), CLOCK)


def test_a_state_is_read_when_something_is_told_and_until_then_written_as_it_came() -> None:
    detector = Big()
    before = Slot(detector, "z1")
    before.fold(reading(0.0), CLOCK)
    kept = before.snapshot()
    again = Slot(detector, "z1", kept)
    detector.written = 0
    assert (again.snapshot(), again.mark()) == (kept, len(kept))
    assert detector.written == 0
    for slot in (before, again):
        slot.fold(reading(1.0, 1), CLOCK)
    assert again.snapshot() == before.snapshot()


def test_a_state_that_is_none_says_so_when_something_is_told_and_is_no_fault_of_the_event() -> None:
    slot = Slot(Scribe(), "z1", b"\xc1")
    with pytest.raises(SnapshotError, match="scribe of zone z1"):
        slot.fold(reading(0.0), CLOCK)


def test_a_journal_that_begins_anew_writes_down_who_was_told_something_and_nobody_else() -> None:
    told, idle = Big(), Big()
    journal = Journal()
    slots = [Slot(detector, "z1", journal=journal) for detector in (told, idle)]
    journal.keepers = slots
    slots[0].fold(reading(0.0), CLOCK)
    for _ in range(2):
        journal.begin()
        assert slots[0].checkpoint == slots[0].snapshot()
    assert (told.written, idle.written) == (1 + 2, 0)  # once for the journal, and twice for this test
    assert not journal.entries
