"""What is registered has revisions: an older word changes nothing, whoever says it and however late."""

import pytest
from fold_kit import LATENESS_MS, NOW, Scribe, briefs, facility, tick
from state_kit import restored

from processors.engine.composed import PartitionFold
from schemas.facility import Facility, Place
from schemas.model import Model
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured, ZoneKind

PLACE = Place(lon=113.85, lat=34.03)


@pytest.fixture
def fold() -> PartitionFold:
    fold = PartitionFold([Scribe()], LATENESS_MS)
    fold.fold([tick(NOW)])
    return fold


def told(fold: PartitionFold, event: Model) -> bool:
    """Whether the detectors heard of it."""
    return bool(briefs(fold.fold([event])))


def registered(revision: int, what: Facility | None = None) -> FacilityRegistered:
    return FacilityRegistered(facility=what or facility(), revision=revision)


def left(revision: int) -> FacilityLeft:
    return FacilityLeft(facility=facility().facility, zone=facility().zone, revision=revision)


def test_only_what_is_newer_is_heard(fold: PartitionFold) -> None:
    assert told(fold, registered(5))
    assert not told(fold, registered(5))  # the daily rewrite
    assert not told(fold, registered(4))
    assert told(fold, registered(6))


def test_a_rewrite_by_somebody_who_has_not_heard_yet_brings_nobody_back(fold: PartitionFold) -> None:
    assert told(fold, registered(5))
    assert told(fold, left(6))
    assert not told(fold, registered(5))
    assert told(fold, registered(7))


def test_a_departure_that_is_older_than_the_registration_is_none(fold: PartitionFold) -> None:
    assert told(fold, registered(8))
    assert not told(fold, left(7))


def test_who_moves_within_the_partition_leaves_and_arrives_with_one_revision(fold: PartitionFold) -> None:
    assert told(fold, registered(5))
    assert told(fold, left(6))
    assert told(fold, registered(6, facility(zone="z2")))
    assert not told(fold, registered(5))  # the old place, by somebody who has not heard yet


def test_zones_have_revisions_of_their_own(fold: PartitionFold) -> None:
    name = facility().facility  # on purpose the name of a facility
    assert told(fold, registered(9))
    assert told(fold, ZoneConfigured(zone=name, kind=ZoneKind.GRID, place=PLACE, revision=3))
    assert not told(fold, ZoneConfigured(zone=name, kind=ZoneKind.GRID, place=PLACE, revision=2))


def test_what_nobody_counts_is_always_heard(fold: PartitionFold) -> None:
    assert told(fold, registered(5))
    assert told(fold, registered(0))


def test_revisions_stand_in_the_snapshot(fold: PartitionFold) -> None:
    fold.fold([registered(5)])
    again = restored(fold)
    assert not told(again, registered(5))
    assert told(again, registered(6))
