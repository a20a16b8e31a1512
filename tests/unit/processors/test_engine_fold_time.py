"""The composed fold and time: ticks, blind spans, timers."""

import pytest
from fold_kit import (
    LATENESS_MS,
    NOW,
    Scribe,
    batch,
    briefs,
    facility,
    row,
    series,
    tick,
)

from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from schemas.clock import ClockStepped
from schemas.model import Model, from_ms
from schemas.registry import (
    FacilityRegistered,
)


def fold_of(*detectors: Detector[object]) -> PartitionFold:
    """A fold that has seen one tick at ``NOW``."""
    fold = PartitionFold(detectors or (Scribe(),), LATENESS_MS)
    fold.fold([tick()])
    return fold


def said(fold: PartitionFold, *events: Model) -> list[str]:
    return briefs(fold.fold(events))


# ticks


def test_the_clock_never_goes_back() -> None:
    fold = fold_of()
    fold.fold([tick(NOW + 5000, s1=NOW + 5000), tick(NOW + 2000, s1=NOW + 2000)])
    assert fold.now_ms == NOW + 5000
    assert "'s1': 1005000" in fold.fold([batch(row(1))])[0].summary


def test_a_ticker_of_an_older_generation_is_not_believed() -> None:
    fold = fold_of()
    fold.fold([tick(NOW + 1000, generation=3)])
    fold.fold([tick(NOW + 9000, generation=2)])
    assert fold.now_ms == NOW + 1000
    fold.fold([tick(NOW + 2000, generation=3)])
    assert fold.now_ms == NOW + 2000


@pytest.mark.parametrize(("gap_ms", "is_blind"), [(1000, False), (5000, False), (5001, True)])
def test_a_gap_of_more_than_five_cadences_is_blind(gap_ms: int, is_blind: bool) -> None:
    fold = fold_of()
    fold.fold([batch(row(1), row(2, of=series(zone="z2")))])
    expected = [f"scribe@{zone}: blind s1 {NOW} {NOW + gap_ms}" for zone in ("z1", "z2")] if is_blind else []
    assert said(fold, tick(NOW + gap_ms)) == expected


def test_a_cadence_is_the_ticks_own() -> None:
    fold = fold_of()
    fold.fold([batch(row(1))])
    assert said(fold, tick(NOW + 300_000, cadence_ms=60_000)) == []
    assert len(said(fold, tick(NOW + 600_001, cadence_ms=60_000))) == 1


def test_a_shard_that_stands_still_is_blind_only_when_it_goes_on() -> None:
    fold = fold_of()
    fold.fold([batch(row(1))])
    for passed_ms in (2000, 4000, 6000, 8000):
        assert said(fold, tick(NOW + passed_ms, s1=NOW + 1000, s2=NOW + passed_ms)) in (
            [],
            [
                f"scribe@z1: blind s2 0 {NOW + 2000}"  # of a shard we never heard of we saw nothing
            ],
        )
    assert said(fold, tick(NOW + 9000, s1=NOW + 9000, s2=NOW + 9000)) == [
        f"scribe@z1: blind s1 {NOW + 1000} {NOW + 9000}"
    ]


def test_before_the_first_tick_everything_was_blind() -> None:
    fold = PartitionFold([Scribe()], LATENESS_MS)
    fold.fold([FacilityRegistered(facility=facility())])
    assert said(fold, tick()) == [f"scribe@z1: blind s1 0 {NOW}"]


@pytest.mark.parametrize(("after_ms", "is_blind"), [(NOW + 3000, True), (NOW - 3000, False)])
def test_a_clock_that_was_put_forward_is_blind_and_one_put_back_stands_still(after_ms: int, is_blind: bool) -> None:
    fold = fold_of()
    step = ClockStepped(before=from_ms(NOW), after=from_ms(after_ms), ticker="s1")
    assert said(fold, batch(row(1)), step)[1:] == (["scribe@z1: stepped 3000"] if is_blind else [])
    heard = said(fold, tick(max(NOW, after_ms) + 1000))
    assert heard == ([f"scribe@z1: blind s1 {NOW} {NOW + 4000}"] if is_blind else [])
    assert said(fold, tick(max(NOW, after_ms) + 2000)) == []


# timers


def test_timers_fire_by_time_then_zone_then_detector_then_name() -> None:
    fold = fold_of(Scribe("y"), Scribe("x"))
    z2 = series("d2", zone="z2")
    fold.fold([batch(row(1, 2.0, of=z2), row(2, 1.0, of=z2), row(3, 2.0), row(4, 1.0))])
    fired = [text for text in said(fold, tick(NOW + 2000)) if "timer" in text]
    assert fired == [
        f"{detector}@{zone}: timer t{n} {NOW + n * 1000}"
        for n in (1, 2)
        for zone in ("z1", "z2")
        for detector in ("x", "y")
    ]


def test_a_timer_fires_at_the_first_tick_that_reaches_it_and_once() -> None:
    fold = fold_of()
    fold.fold([batch(row(1, 1.0))])
    assert said(fold, tick(NOW + 999)) == []
    assert said(fold, tick(NOW + 1500)) == [f"scribe@z1: timer t1 {NOW + 1000}"]
    assert said(fold, tick(NOW + 2500)) == []


def test_a_timer_that_is_due_when_set_waits_for_the_next_tick() -> None:
    fold = fold_of()
    assert len(said(fold, batch(row(1, 4.0)))) == 1
    assert said(fold, tick(NOW)) == [f"scribe@z1: timer over {NOW - 5}"]


def test_a_cancelled_timer_does_not_fire() -> None:
    fold = fold_of()
    fold.fold([batch(row(1, 1.0), row(2, 3.0))])
    assert fold.timers == 0
    assert said(fold, tick(NOW + 2000)) == []


def test_blind_spans_come_before_the_timers_of_their_tick() -> None:
    fold = fold_of()
    fold.fold([batch(row(1, 1.0))])
    assert said(fold, tick(NOW + 6000)) == [
        f"scribe@z1: blind s1 {NOW} {NOW + 6000}",
        f"scribe@z1: timer t1 {NOW + 1000}",
    ]


def test_a_clock_that_is_put_forward_puts_timers_off_and_fires_none() -> None:
    fold = fold_of()
    fold.fold([batch(row(1, 1.0)), ClockStepped(before=from_ms(NOW), after=from_ms(NOW + 60_000), ticker="s1")])
    assert not [text for text in said(fold, tick(NOW + 60_500)) if "timer" in text]
    assert said(fold, tick(NOW + 61_000)) == [f"scribe@z1: timer t1 {NOW + 61_000}"]
