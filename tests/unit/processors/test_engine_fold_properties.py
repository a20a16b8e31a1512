"""What holds for every log: cutting, restarting, replaying and repeating it change nothing."""

from itertools import cycle

from fold_kit import (
    LATENESS_MS,
    NOW,
    RELAXED,
    Item,
    Row,
    cut,
    logs,
    new_fold,
    one_by_one,
    wire,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from state_kit import State, restored, state

from schemas.camera import CameraEvent
from schemas.clock import Tick
from schemas.envelope import CloudEvent, Data, decode, encode
from schemas.model import Model, from_ms, to_ms
from schemas.observation import Quality
from tests.examples import examples

SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=8)
MANY = settings(RELAXED, max_examples=examples(120))


def played(events: list[Data], runs: list[int] | None = None) -> tuple[list[bytes], State]:
    """All records that come out and the state that is left; ``runs``: how many events are folded in one call."""
    fold = new_fold()
    outputs: list[Model] = []
    sizes = cycle(runs or [1])
    at = 0
    while at < len(events):
        size = next(sizes)
        outputs += fold.fold(events[at : at + size])
        at += size
    return wire(outputs), state(fold)


@MANY
@given(logs(), SIZES, SIZES)
def test_how_readings_are_cut_into_records_and_polls_changes_nothing(
    log: list[Item], sizes: list[int], runs: list[int]
) -> None:
    assert played(cut(log, cycle(sizes)), runs) == played(one_by_one(log))


@MANY
@given(logs(), SIZES)
def test_a_replay_gives_the_same_bytes(log: list[Item], sizes: list[int]) -> None:
    events = cut(log, cycle(sizes))
    through_the_wire = [decode(encode(CloudEvent("1", "/test", from_ms(0), event))).data for event in events]
    assert played(events) == played(events) == played(through_the_wire)


@MANY
@given(logs(), SIZES, st.sets(st.integers(0, 40), max_size=4))
def test_a_snapshot_anywhere_goes_on_as_if_nothing_had_been(
    log: list[Item], sizes: list[int], restarts: set[int]
) -> None:
    events = cut(log, cycle(sizes))
    fold = new_fold()
    outputs: list[Model] = []
    for n, event in enumerate(events):
        if n in restarts:
            fold = restored(fold)
        outputs += fold.fold([event])
    assert (wire(outputs), state(fold)) == played(events)


@MANY
@given(logs(), st.data())
def test_copies_within_the_lateness_change_nothing_but_counts(log: list[Item], data: st.DataObject) -> None:
    again: list[Item] = []
    copies: dict[object, Item] = {}
    for item in log:
        again.append(item)
        floor_ms = floor_after(again)
        if isinstance(item, Row | CameraEvent):
            copies.setdefault(sameness(item), item)  # as it was first said: an identity is remembered by that time
        young = [copy for copy in copies.values() if event_ms(copy) >= floor_ms]
        if young:
            places = data.draw(st.lists(st.integers(0, len(young) - 1), max_size=2))
            again += [young[place] for place in places]
    assert played(one_by_one(again)) == played(one_by_one(log))
    plain, repeated = new_fold(), new_fold()
    plain.fold(one_by_one(log))
    repeated.fold(one_by_one(again))
    assert repeated.counts.duplicates - plain.counts.duplicates == len(again) - len(log)
    assert repeated.counts.conflicts == plain.counts.conflicts


@MANY
@given(logs(), SIZES)
def test_all_that_comes_in_is_counted(log: list[Item], sizes: list[int]) -> None:
    fold = new_fold()
    fold.fold(cut(log, cycle(sizes)))
    assert fold.take_counts().events == len(log)


def test_the_generated_logs_are_not_tame() -> None:
    """Each thing the engine does must really occur in them, or the properties above would be empty."""
    seen: set[str] = set()

    @settings(RELAXED, max_examples=120, derandomize=True)
    @given(logs())
    def look(log: list[Item]) -> None:
        text = b" ".join(played(one_by_one(log))[0]).decode()
        words = (
            "poison",
            "conflicting_duplicate",
            "timer t1",
            "timer over",
            "blind s1",
            "blind s2",
            f"q{Quality.LATE:d}",
            ":fault q0",
        )
        seen.update(word for word in words if word in text)
        fold = new_fold()
        fold.fold(one_by_one(log))
        seen.update(name for name in ("duplicates", "late") if getattr(fold.counts, name))

    look()
    assert seen == {
        "poison", "conflicting_duplicate", "timer t1", "timer over", "blind s1", "blind s2", "q2", "duplicates", "late",
        ":fault q0",
    }  # fmt: skip


def floor_after(log: list[Item]) -> int:
    """What is older by now is late, as a reader of the log works it out by hand."""
    now_ms = generation = 0
    for item in log:
        if isinstance(item, Tick) and item.generation >= generation:
            now_ms, generation = max(now_ms, to_ms(item.time)), item.generation
    return now_ms - LATENESS_MS


def sameness(item: Row | CameraEvent) -> object:
    """What two copies have in common: what they say only where a number stands for it."""
    numbered = item.identity.startswith("a:")
    if isinstance(item, CameraEvent):
        return item.facility, item.identity, item.track if numbered else None
    value = item.value if numbered else None
    return item.series.device, item.series.observed_property, item.identity, value


def event_ms(item: Row | CameraEvent | Model) -> int:
    if isinstance(item, Row):
        return item.time_ms
    return item.time_ms if isinstance(item, CameraEvent) else NOW
