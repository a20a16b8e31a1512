"""Readings that a detector derives: who hears them, in which order, and who does not."""

from collections.abc import Sequence
from typing import Any

from fold_kit import LATENESS_MS, NOW, POISON, Deriver, Scribe, batch, briefs, row, series, tick
from state_kit import restored, state

from processors.engine.composed import PartitionFold
from processors.engine.contract import Reading
from processors.engine.outputs import outgoing
from schemas.columns import BatchColumns
from schemas.envelope import decode
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined
from schemas.shadow import ShadowBegun
from schemas.topics import DERIVED
from schemas.whatif import WhatIf


def fold_of(*detectors: Any, candidates: Sequence[Any] = ()) -> PartitionFold:
    fold = PartitionFold(detectors, LATENESS_MS, candidates)
    fold.fold([tick()])
    return fold


PRESSURE = series("d1", "pressure")
MADE = f"d:{NOW}:{NOW - 5}:pressure"


def lines(outputs: Sequence[Any]) -> list[str]:
    """Findings in brief, readings by what they are."""
    return [
        f"reading {one.series.observed_property} {one.identity} {one.value:g}"
        if isinstance(one, Reading)
        else briefs([one])[0]
        for one in outputs
    ]


def test_the_others_hear_it_once_all_have_heard_what_it_was_made_of() -> None:
    fold = fold_of(Deriver(), Scribe("a"), Scribe("b", wants="flow"))
    assert lines(fold.fold([batch(row(1, value=7.0, of=PRESSURE), row(2, value=8.0, of=PRESSURE))])) == [
        f"a@z1: reading d1 {NOW} 7 a::1 q0",
        f"reading flow {MADE} 7",
        f"a@z1: reading d1 {NOW} 7 {MADE} q0",
        f"b@z1: reading d1 {NOW} 7 {MADE} q0",
        f"a@z1: reading d1 {NOW} 8 a::2 q0",
        # The second is of the same span: it is the same reading, and nobody hears it.
    ]
    assert fold.counts.duplicates == 1


def test_who_asks_only_whether_a_device_lives_does_not_hear_it() -> None:
    fold = fold_of(Deriver(), Scribe("alive", hears_late=True))
    assert lines(fold.fold([batch(row(1, of=PRESSURE))])) == [
        f"alive@z1: reading d1 {NOW} 0 a::1 q0",
        f"reading flow {MADE} 0",
    ]


def test_nobody_hears_what_it_made_itself() -> None:
    fold = fold_of(Deriver(wants=""))
    said = fold.fold([batch(row(1, of=PRESSURE))])
    assert lines(said) == [f"reading flow {MADE} 0"]


def test_what_is_made_of_something_derived_follows_it() -> None:
    fold = fold_of(Deriver(), Deriver("second", wants="flow", makes="water_level"))
    assert [one.series.observed_property for one in fold.fold([batch(row(1, of=PRESSURE))])] == ["flow", "water_level"]


def test_one_at_which_a_detector_fails_is_set_aside_for_it_alone() -> None:
    fold = fold_of(Deriver(), Scribe("a", wants="flow"), Scribe("b", wants="flow"))
    reading, refused = fold.fold([batch(row(1, value=POISON, of=PRESSURE))])[:2]
    assert isinstance(reading, Reading)
    assert isinstance(refused, Quarantined)
    assert fold.take_counts().poison == {"a": 1, "b": 1}


def test_what_is_derived_on_trial_nobody_hears() -> None:
    fold = fold_of(Deriver(), Scribe("a", wants="flow"), candidates=(Deriver(version=2, makes="water_level"),))
    fold.fold([batch(row(1, of=PRESSURE)), ShadowBegun(shadow="s", detector="deriver", version=2, what_if=WhatIf())])
    said = fold.fold([batch(row(1, of=series("d2", "pressure")))])
    assert [one.series.observed_property for one in said if isinstance(one, Reading)] == ["flow"]
    trial = fold._known("z1").trial
    assert trial is not None
    assert trial._state.count == 1


def test_it_is_known_again_after_a_restart() -> None:
    fold = fold_of(Deriver(), Scribe("a", wants="flow"))
    fold.fold([batch(row(1, of=PRESSURE))])
    again = restored(fold)
    assert again.fold([batch(row(2, of=PRESSURE))]) == []
    assert state(again) == state(_after(fold))


def _after(fold: PartitionFold) -> PartitionFold:
    fold.fold([batch(row(2, of=PRESSURE))])
    return fold


def test_its_record_is_a_batch_of_its_own_in_the_partition_of_its_zone() -> None:
    (reading,) = fold_of(Deriver()).fold([batch(row(1, value=2.5, of=PRESSURE))])
    out = outgoing(reading, "/test/process")
    assert (out.topic, out.partition, out.key) == (DERIVED.name, partition_of("z1", DERIVED.partitions), "z1")
    event = decode(out.value)
    assert isinstance(event.data, BatchColumns)
    assert event.data.identity == [MADE]
    assert event.data.result == [2.5]
    assert event.data.series[0].observed_property == "flow"
    assert (event.source, event.partitionkey, event.subject) == ("/test/process", "z1", "d1")
