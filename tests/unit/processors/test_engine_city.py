"""What is known of the whole city reaches every zone: at once, when it is met, after a restart, and on trial."""

import pytest
from fold_kit import LATENESS_MS, NOW, Scribe, briefs, facility, tick
from state_kit import restored, state
from street_kit import cover, restart, said

from processors.detectors.cover import CoverDetector
from processors.engine.citywide import City
from processors.engine.composed import PartitionFold
from processors.engine.driver import PipelineTestDriver
from processors.engine.snapshot import SHARDS
from schemas.curb import Calendar
from schemas.facility import FacilityClass, Policy
from schemas.registry import CalendarConfigured, ClassConfigured, FacilityRegistered
from schemas.whatif import WhatIf

HEARD = "ClassConfigured"


def covers(tilt_deg: float, revision: int = 1) -> ClassConfigured:
    policy = Policy(rules={"cover.tilt_deg": tilt_deg})
    return ClassConfigured(facility_class=FacilityClass.MANHOLE_COVER, policy=policy, revision=revision)


def met(*zones: str) -> PartitionFold:
    fold = PartitionFold([Scribe()], LATENESS_MS)
    fold.fold([tick(NOW)])
    for zone in zones:
        fold.fold([FacilityRegistered(facility=facility(f"d-{zone}", zone=zone))])
    return fold


def test_a_calendar_and_the_classes_are_known_side_by_side() -> None:
    fold = met("z1")
    calendar = CalendarConfigured(calendar=Calendar(time_zone="CET-1"), revision=1)
    assert briefs(fold.fold([covers(5.0), calendar])) == [f"scribe@z1: {HEARD}", "scribe@z1: CalendarConfigured"]
    fold = restored(fold)
    assert briefs(fold.fold([covers(5.0), calendar])) == []
    told = briefs(fold.fold([FacilityRegistered(facility=facility("d2", zone="z2"))]))
    assert told[:2] == ["scribe@z2: CalendarConfigured", f"scribe@z2: {HEARD}"]  # in the order of their keys


def test_every_zone_hears_it_once() -> None:
    fold = met("z2", "z1")
    assert briefs(fold.fold([covers(5.0)])) == [f"scribe@z1: {HEARD}", f"scribe@z2: {HEARD}"]
    assert briefs(fold.fold([covers(5.0)])) == []  # the daily rewrite
    assert briefs(fold.fold([covers(4.0, revision=0)])) == [f"scribe@z1: {HEARD}", f"scribe@z2: {HEARD}"]


def test_an_older_word_changes_nothing() -> None:
    fold = met("z1")
    fold.fold([covers(5.0, revision=7)])
    before = state(fold)
    assert fold.fold([covers(9.0, revision=6)]) == []
    assert state(fold) == before


@pytest.mark.parametrize("restarted", [False, True])
def test_a_zone_that_is_met_later_hears_it_before_anything_else(restarted: bool) -> None:
    fold = met()
    fold.fold([covers(5.0)])
    if restarted:
        fold = restored(fold)
    told = briefs(fold.fold([FacilityRegistered(facility=facility("d1", zone="z1"))]))
    assert [one.split(": ")[1].split()[0] for one in told] == [HEARD, "registered"]


def test_zones_that_nobody_touched_since_a_restart_hear_it() -> None:
    fold = restored(met("z1", "z2"))
    assert briefs(fold.fold([covers(5.0)])) == [f"scribe@z1: {HEARD}", f"scribe@z2: {HEARD}"]


def test_shards_that_stand_further_on_have_heard_it() -> None:
    fold = met("z1", "z2")
    early = [fold.snapshot(shard, 10) for shard in range(SHARDS)]
    fold.fold([covers(5.0)])
    late = [fold.snapshot(shard, 11) for shard in range(SHARDS)]
    of_z1 = next(number for number, (a, b) in enumerate(zip(early, late, strict=True)) if b"z1" in a and a != b)
    shards = [late[number] if number == of_z1 else data for number, data in enumerate(early)]
    again, offset = PartitionFold.restore([Scribe()], LATENESS_MS, shards)
    assert offset == 10
    assert briefs(again.fold([covers(5.0)])) == [f"scribe@z2: {HEARD}"]
    again.reach(11)
    assert state(again, 11) == tuple(late)


def test_a_class_that_changes_ends_a_finding_and_begins_another() -> None:
    driver = PipelineTestDriver(CoverDetector())
    driver.register(cover("cover-1"), cover("cover-2", tilt_deg=10.0))
    for name in ("cover-1", "cover-2", "cover-1", "cover-2"):
        driver.read(name, "tilt_angle", 17.0)
        driver.advance(10)
    driver.configure(covers(30.0))
    assert said(driver) == [
        "raised cover_tilted cover-1",
        "raised cover_tilted cover-2",
        "cleared cover_tilted cover-1",
    ]
    assert driver.findings[-1].reason == "policy changed"
    restart(driver)
    driver.configure(covers(12.0, revision=2))
    for _ in range(2):
        driver.read("cover-1", "tilt_angle", 17.0)
        driver.advance(10)
    assert said(driver)[3:] == ["raised cover_tilted cover-1"]
    assert driver.findings[-1].numbers["limit_deg"] == 12.0


class Newer(CoverDetector):
    version = 99  # type: ignore[misc]


def test_who_is_on_trial_is_told_what_is_known_and_a_what_if_of_the_class_is_nearer() -> None:
    for what_if, raises in ((None, False), (WhatIf.read({"override": [OVERRIDE]}), True)):
        driver = PipelineTestDriver(CoverDetector(), candidates=(Newer(),))
        driver.configure(covers(30.0))
        driver.register(cover("cover-1"))
        driver.begin_shadow("cover", 99, what_if)
        for _ in range(2):
            driver.read("cover-1", "tilt_angle", 17.0)
            driver.advance(10)
        assert said(driver) == []
        assert bool(driver.shadow_findings) == raises


OVERRIDE = {"facility_class": "manhole_cover", "policy": {"rules": {"cover.tilt_deg": 11.0}}}


def test_it_is_known_in_an_order_of_its_own() -> None:
    city, other = City(), City()
    bays = ClassConfigured(facility_class=FacilityClass.PARKING_BAY)
    for word in (covers(5.0), bays):
        city.hear(word)
    for word in (bays, covers(5.0)):
        other.hear(word)
    assert city.state == other.state
    assert list(City(city.state)) == list(other)
