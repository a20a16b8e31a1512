"""The composed fold: who is given what, and what is refused."""

import json

import pytest
from fold_kit import (
    LATENESS_MS,
    NOW,
    POISON,
    Scribe,
    batch,
    briefs,
    camera,
    facility,
    row,
    series,
    tick,
)
from state_kit import state

from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from schemas.model import Model, from_ms
from schemas.observation import Quality
from schemas.quarantine import Quarantined, Reason
from schemas.registry import (
    FacilityLeft,
    FacilityRegistered,
    RegistryRewriteBegun,
    RegistryRewriteEnded,
    ZoneConfigured,
    ZoneKind,
)


def fold_of(*detectors: Detector[object]) -> PartitionFold:
    """A fold that has seen one tick at ``NOW``."""
    fold = PartitionFold(detectors or (Scribe(),), LATENESS_MS)
    fold.fold([tick()])
    return fold


def refusals(outputs: list[Model]) -> list[Quarantined]:
    return [output for output in outputs if isinstance(output, Quarantined)]


def said(fold: PartitionFold, *events: Model) -> list[str]:
    return briefs(fold.fold(events))


# who hears what


def test_a_reading_reaches_those_of_its_zone_that_want_its_series_in_their_order() -> None:
    fold = fold_of(Scribe("z-first"), Scribe("a-second", wants="fault"), Scribe("third", wants="flow"))
    assert said(fold, batch(row(1), row(2, of=series("d2", "fault", "z2")))) == [
        f"z-first@z1: reading d1 {NOW} 0 a::1 q0",
        f"third@z1: reading d1 {NOW} 0 a::1 q0",
        f"z-first@z2: reading d2 {NOW} 0 a::2 q0",
        f"a-second@z2: reading d2 {NOW} 0 a::2 q0",
    ]


def test_a_device_that_moves_is_heard_where_each_reading_says_even_within_one_batch() -> None:
    moved = series(zone="z2")
    expected = [f"scribe@{z}: reading d1 {NOW} 0 a::{n} q0" for n, z in ((1, "z1"), (2, "z2"), (3, "z1"))]
    assert said(fold_of(), batch(row(1), row(2, of=moved), row(3))) == expected
    assert said(fold_of(), batch(row(1)), batch(row(2, of=moved)), batch(row(3))) == expected


def test_each_zone_remembers_for_itself_what_a_device_said_there() -> None:
    fold = fold_of()
    fold.fold([batch(row(1))])
    assert said(fold, batch(row(1, of=series(zone="z2")))) == [f"scribe@z2: reading d1 {NOW} 0 a::1 q0"]
    assert said(fold, batch(row(1), row(1, of=series(zone="z2")))) == []
    assert fold.take_counts().duplicates == 2


def test_registrations_reach_everybody_in_their_zone() -> None:
    fold = fold_of(Scribe(), Scribe("choosy", wants="nothing"))
    place = facility().place
    zone = ZoneConfigured(zone="z2", kind=ZoneKind.DMA, place=place)
    assert said(fold, FacilityRegistered(facility=facility()), FacilityLeft(facility="f-d1", zone="z1"), zone) == [
        "scribe@z1: registered f-d1",
        "choosy@z1: registered f-d1",
        "scribe@z1: FacilityLeft",
        "choosy@z1: FacilityLeft",
        "scribe@z2: ZoneConfigured",
        "choosy@z2: ZoneConfigured",
    ]


def test_markers_of_the_daily_rewrite_say_nothing() -> None:
    begun, ended = (
        RegistryRewriteBegun(partition=0, rewrite="r"),
        RegistryRewriteEnded(partition=0, rewrite="r", facilities=0),
    )
    fold = fold_of()
    before = state(fold)
    assert said(fold, begun, ended) == []
    assert state(fold) == before


# late, released, seen before


@pytest.mark.parametrize(
    ("quality", "age_ms", "heard_as"),
    [
        (Quality.GOOD, LATENESS_MS, {"scribe": 0, "listener": 0}),
        (Quality.UNTIMED, 0, {"scribe": 1, "listener": 1}),
        (Quality.FUTURE, 0, {"scribe": 3, "listener": 3}),
        (Quality.GOOD, LATENESS_MS + 1, {"listener": 2}),
        (Quality.LATE, 0, {"listener": 2}),
        (Quality.RELEASED, 0, {}),
        (Quality.RELEASED, LATENESS_MS + 1, {}),
    ],
)
def test_the_late_reach_only_those_who_hear_them_and_the_released_nobody(
    quality: Quality, age_ms: int, heard_as: dict[str, int]
) -> None:
    fold = fold_of(Scribe(), Scribe("listener", hears_late=True))
    heard = said(fold, batch(row(1, time_ms=NOW - age_ms, quality=quality)))
    assert heard == [f"{who}@z1: reading d1 {NOW - age_ms} 0 a::1 q{q}" for who, q in heard_as.items()]
    assert fold.take_counts().late == (2 in heard_as.values())


@pytest.mark.parametrize(
    ("quality", "age_ms", "heard_by"),
    [
        (Quality.GOOD, LATENESS_MS, ["scribe", "listener"]),
        (Quality.GOOD, LATENESS_MS + 1, ["listener"]),
        (Quality.LATE, 0, ["listener"]),
        (Quality.RELEASED, 0, []),
    ],
)
def test_the_same_holds_for_cameras(quality: Quality, age_ms: int, heard_by: list[str]) -> None:
    fold = fold_of(Scribe(), Scribe("listener", hears_late=True))
    event = camera("a::1", at_ms=NOW - age_ms, quality=quality)
    assert said(fold, event) == [f"{who}@z1: camera t1 a::1" for who in heard_by]


def test_lateness_is_measured_by_the_clock_of_the_log() -> None:
    fold = PartitionFold([Scribe()], LATENESS_MS)
    assert said(fold, batch(row(1, time_ms=5)))  # before the first tick nothing is late
    fold.fold([tick()])
    assert said(fold, batch(row(2, time_ms=5))) == []


def test_a_copy_is_counted_and_said_to_nobody() -> None:
    fold = fold_of()
    fold.fold([batch(row(1)), camera("a::1")])
    assert said(fold, batch(row(1), row(1)), camera("a::1")) == []
    counts = fold.take_counts()
    assert (counts.events, counts.duplicates, counts.conflicts) == (6, 3, 0)  # a tick, three readings, two of a camera
    assert fold.take_counts().events == 0


def test_properties_of_one_message_share_its_number() -> None:
    fold = fold_of()
    assert len(said(fold, batch(row(1), row(1, of=series(name="fault")), row(1, of=series("d2"))))) == 3


def test_another_value_under_one_number_is_set_aside_once_with_its_reading() -> None:
    fold = fold_of()
    fold.fold([batch(row(1, 5.0))])
    outputs = fold.fold([batch(row(1, 6.0), row(1, 6.0), row(1, 5.0))])
    (refused,) = refusals(outputs)
    assert len(outputs) == 1
    assert (refused.reason, refused.device, refused.field) == (Reason.CONFLICTING_DUPLICATE, "d1", "flow")
    assert refused.arrival_time == from_ms(NOW + 7)
    assert json.loads(refused.payload) | {"value": 6.0, "identity": "a::1", "type": "Reading"} == json.loads(
        refused.payload
    )
    counts = fold.take_counts()
    assert (counts.conflicts, counts.duplicates) == (1, 2)


def test_a_camera_that_says_two_things_under_one_number_is_set_aside() -> None:
    fold = fold_of()
    fold.fold([camera("a::1")])
    (refused,) = refusals(fold.fold([camera("a::1", track="t2")]))
    assert (refused.reason, refused.device, refused.field) == (Reason.CONFLICTING_DUPLICATE, "cam", "camera")
    assert said(fold, camera("a::1", zone="z2"))  # one message, another kerb zone


def test_poison_is_set_aside_with_its_cause_and_the_next_event_is_taken() -> None:
    fold = fold_of(Scribe(), Scribe("choosy", wants="nothing"))
    (refused, after) = fold.fold([batch(row(1, POISON), row(2))])
    assert isinstance(refused, Quarantined)
    assert (refused.reason, refused.field, refused.device) == (Reason.POISON, "Reading", "d1")
    assert refused.detail == "scribe 1 in z1: ValueError: cannot stomach 666.0"
    assert briefs([after]) == [f"scribe@z1: reading d1 {NOW} 0 a::2 q0"]
    assert fold.take_counts().poison == {"scribe": 1}


def test_two_detectors_of_one_name_are_a_mistake() -> None:
    with pytest.raises(AssertionError, match="two detectors"):
        PartitionFold([Scribe(), Scribe()], LATENESS_MS)
