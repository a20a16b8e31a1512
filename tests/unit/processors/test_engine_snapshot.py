"""Shards written one by one, each at an offset of its own, make one state again; what is not sound is not used."""

from itertools import cycle

import msgspec
import pytest
from fold_kit import (
    LATENESS_MS,
    NOW,
    RELAXED,
    Item,
    Scribe,
    batch,
    briefs,
    cut,
    facility,
    logs,
    new_fold,
    row,
    scribe,
    tick,
    wire,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from state_kit import State, state

from processors.engine import snapshot
from processors.engine.composed import PartitionFold
from processors.engine.snapshot import SHARDS, Collector, SnapshotError, shard_of
from schemas.envelope import Data
from schemas.model import Model
from schemas.registry import FacilityRegistered
from tests.examples import examples

MANY = settings(RELAXED, max_examples=examples(150))
ZONES = ("z1", "z2", "z3")
OFFSETS = range(100, 1000)


def test_the_zones_of_these_tests_are_in_shards_of_their_own() -> None:
    assert len({shard_of(zone) for zone in ZONES}) == len(ZONES)


@MANY
@given(logs(), st.lists(st.integers(1, 4), min_size=1, max_size=6), st.data())
def test_shards_of_different_offsets_go_on_as_one(log: list[Item], sizes: list[int], data: st.DataObject) -> None:
    events = cut(log, cycle(sizes))
    died = data.draw(st.integers(0, len(events)), label="died before")
    written = {zone: data.draw(st.integers(0, died), label=f"{zone} written before") for zone in ZONES}
    oldest = data.draw(st.integers(0, died), label="the others")
    shards = _written(events, {shard_of(zone): at for zone, at in written.items()}, oldest)
    plain = new_fold()
    before = plain.fold(events[:died])
    expected = plain.fold(events[died:])
    again, start = PartitionFold.restore(new_fold()._cast._detectors, LATENESS_MS, shards, (scribe(2),))
    assert start == min(oldest, *written.values())
    _forward(again, events, start, died)
    outputs = _forward(again, events, died, len(events))
    assert not again.waiting or died == len(events)
    again.reach(len(events))
    assert (wire(outputs), state(again)) == (wire(expected), state(plain)), wire(before)


def _written(events: list[Data], at: dict[int, int], others: int) -> State:
    """Each shard as it was written before the event of its own number."""
    fold, found = new_fold(), {}
    for n in range(len(events) + 1):
        found |= {shard: fold.snapshot(shard, n) for shard in range(SHARDS) if at.get(shard, others) == n}
        fold.fold(events[n : n + 1])
    return tuple(found.values())


def _forward(fold: PartitionFold, events: list[Data], start: int, end: int) -> list[Model]:
    outputs = []
    for n in range(start, end):
        fold.reach(n)
        outputs += fold.fold([events[n]])
    return outputs


def test_a_timer_that_a_shard_has_set_meanwhile_does_not_fire_before_it_takes_part() -> None:
    events: list[Data] = [tick(NOW), tick(NOW + 1000), batch(row(1, 4.0)), tick(NOW + 2000)]  # 4: due at once
    shards = _written(events, {shard_of("z1"): 3}, 0)
    fold, start = PartitionFold.restore(new_fold()._cast._detectors, LATENESS_MS, shards, (scribe(2),))
    assert start == 0
    assert briefs(_forward(fold, events, 0, 3)) == []
    assert "scribe@z1: timer over" in " ".join(briefs(_forward(fold, events, 3, 4)))


# detectors of other versions


def _states(version: int, *others: Scribe) -> State:
    fold = PartitionFold([scribe(version), *others], LATENESS_MS)
    fold.fold([FacilityRegistered(facility=facility()), tick(NOW), batch(row(1, 2.0))])
    return state(fold)


def test_a_later_version_takes_over_what_it_understands() -> None:
    again, _ = PartitionFold.restore([scribe(3)], LATENESS_MS, _states(2))
    (said,) = again.fold([batch(row(2, 5.0))])
    assert "scribe 4 [2.0, 5.0]" in said.model_dump()["summary"]
    assert f"scribe@z1: timer t2 {NOW + 2000}" in briefs(again.fold([tick(NOW + 5000)]))


def test_a_version_that_cannot_says_so() -> None:
    with pytest.raises(SnapshotError, match="scribe 1 cannot become version 3"):
        PartitionFold.restore([scribe(3)], LATENESS_MS, _states(1))
    with pytest.raises(SnapshotError, match="scribe 3 cannot become version 2"):
        PartitionFold.restore([scribe(2)], LATENESS_MS, _states(3))


def test_a_detector_that_is_new_has_no_state_to_take_over() -> None:
    with pytest.raises(SnapshotError, match=r"other \(none\) cannot become version 1"):
        PartitionFold.restore([scribe(2), Scribe("other")], LATENESS_MS, _states(2))


def test_a_detector_that_is_gone_leaves_nothing_behind() -> None:
    again, _ = PartitionFold.restore([scribe(2)], LATENESS_MS, _states(2, Scribe("other")))
    assert state(again) == _states(2)
    assert all("other" not in brief for brief in briefs(again.fold([tick(NOW + 5000)])))


# what is not sound


def _records(fold: PartitionFold, offset: int, shards: range = range(SHARDS)) -> list[bytes]:
    return [record for shard in shards for _, record in _split(fold, shard, offset)]


def _split(fold: PartitionFold, shard: int, offset: int) -> list[tuple[str, bytes]]:
    return list(snapshot.split("log", shard, offset // 100 % 2, offset, fold.snapshot(shard, offset)))


def _offsets(collector: Collector) -> set[int]:
    assert collector.whole
    return {snapshot.decode(shard).offset for shard in collector.shards}


def test_the_newest_is_taken_and_none_that_is_ahead_of_what_was_committed() -> None:
    fold = new_fold()
    collector = Collector("log", -1, 200)
    for offset in (100, 200, 150, 201):
        for record in _records(fold, offset):
            collector.add(record)
    assert _offsets(collector) == {200}
    assert {one.generation for one in collector.shelved.values()} == {0}


def test_a_shard_that_is_missing_makes_all_useless() -> None:
    collector = Collector("log", -1, 200)
    for record in _records(new_fold(), 100, range(SHARDS - 1)):
        collector.add(record)
    assert not collector.whole


@pytest.mark.parametrize("spoil", ["cut", "flip", "garbage", "layout"])
def test_a_spoilt_record_gives_way_to_its_predecessor(spoil: str) -> None:
    fold = new_fold()
    collector = Collector("log", -1, 300)
    older, newer = _records(fold, 100), _records(fold, 200)
    newest = newer[5]
    match spoil:
        case "cut":
            newer[5] = newest[:-1]
        case "flip":
            newer[5] = newest[:-3] + bytes([newest[-3] ^ 1]) + newest[-2:]
        case "garbage":
            newer[5] = b"\xff\x00"
        case _:
            newer[5] = msgspec.msgpack.encode([99, *msgspec.msgpack.decode(newest)[1:]])
    for record in older + newer:
        collector.add(record)
    assert collector.refused == 1
    assert _offsets(collector) == {100, 200}


@MANY
@given(st.integers(0, 63), st.data())
def test_no_flipped_bit_goes_unnoticed(shard: int, data: st.DataObject) -> None:
    fold = new_fold()
    fold.fold([tick(NOW), batch(row(1))])
    ((_, record),) = _split(fold, shard, 200)
    at = data.draw(st.integers(0, len(record) * 8 - 1))
    spoilt = bytearray(record)
    spoilt[at // 8] ^= 1 << at % 8
    collector = Collector("log", -1, 300)
    for other in _records(fold, 100):
        collector.add(other)
    collector.add(bytes(spoilt))
    assert _offsets(collector) == {100}


def test_a_large_shard_travels_in_parts_and_counts_only_when_all_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fold = new_fold()
    for n in range(50):
        fold.fold([FacilityRegistered(facility=facility(f"f-{n}"))])
    monkeypatch.setattr(snapshot, "PART_BYTES", 30)
    shard = shard_of("z1")
    parts = _split(fold, shard, 200)
    assert len({key for key, _ in parts}) == len(parts) > 5
    collector = Collector("log", -1, 300)
    for record in [*_records(fold, 100), *(record for _, record in parts[:-1])]:
        collector.add(record)
    assert _offsets(collector) == {100}
    collector.add(parts[-1][1])
    assert _offsets(collector) == {100, 200}


def test_bytes_that_are_no_state_although_they_are_sound_are_found_when_they_are_needed() -> None:
    shards = [msgspec.msgpack.decode(data) for data in _states(2)]
    shards[shard_of("z1")]["zones"]["z1"] = b"\x01"
    again, _ = PartitionFold.restore([scribe(2)], LATENESS_MS, map(msgspec.msgpack.encode, shards))
    with pytest.raises(SnapshotError, match="zone z1"):
        again.fold([batch(row(2, 5.0))])
    with pytest.raises(SnapshotError):
        PartitionFold.restore([scribe(2)], LATENESS_MS, [b"\x01"] * SHARDS)
