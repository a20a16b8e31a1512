"""Which statement an event of the registry or the clock becomes, and with which values."""

import json

from archive_items import NOW, SOME_ID, event

from processors.archive.changes import STATEMENTS, TABLE_OF, Change, change_of
from schemas.clock import Tick
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.quarantine import ReadingsReleased, UnregisteredReadings
from schemas.registry import FacilityLeft, FacilityRegistered, RegistryRewriteEnded, ZoneConfigured, ZoneKind
from schemas.verdict import VerdictGiven

PLACE = Place(lon=113.8, lat=34.0, grid="g", district="d", address="a")


def test_every_change_has_a_statement_and_a_table_and_takes_what_it_is_given() -> None:
    facility = Facility(
        facility="f-1",
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.PARKING_BAY,
        name="井",
        zone="segment:1",
        place=PLACE,
        devices=(DeviceBinding(device="d-1", interval_s=60, properties=("occupied",)),),
        policy=Policy(activity="parking", max_stay_s=60),
    )
    events = {
        Change.REGISTER: FacilityRegistered(facility=facility),
        Change.LEAVE: FacilityLeft(facility="f-1", zone="segment:1"),
        Change.CONFIGURE: ZoneConfigured(zone="segment:1", kind=ZoneKind.STREET_SEGMENT, place=PLACE),
        Change.TICK: Tick(time=NOW, generation=1, cadence_ms=1000, ticker="t", received_to={"b": 2, "a": 1}),
        Change.RELEASE: ReadingsReleased(device="d-1", through=17, messages=3),
        Change.JUDGE: VerdictGiven(finding=SOME_ID, real=False, by="patrol 7", time=NOW),
    }
    assert set(STATEMENTS) == set(TABLE_OF) == set(Change) == set(events)
    for change, data in events.items():
        found = change_of(event(data), 3)
        assert found is not None
        assert found[0] is change
        assert STATEMENTS[change].count("%s") == len(found[1])


def test_a_registration_carries_devices_and_policy_as_json_without_what_is_not_known() -> None:
    facility = Facility(
        facility="f-1",
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.CAMERA,
        zone="segment:1",
        place=PLACE,
        devices=(DeviceBinding(device="d", properties=()), DeviceBinding(device="d", interval_s=60.0)),
    )
    found = change_of(event(FacilityRegistered(facility=facility, revision=7)), 0)
    assert found is not None
    devices, policy, changed_at, revision = found[1][-4:]
    assert json.loads(devices) == [{"device": "d", "properties": []}, {"device": "d", "intervalS": 60.0}]
    assert policy == "{}"
    assert (changed_at, revision) == (NOW, 7)


def test_a_release_reaches_only_what_stood_before_it() -> None:
    released = ReadingsReleased(device="d-1", through=17, messages=3)
    assert change_of(event(released), 3) == (Change.RELEASE, ("d-1", 3, 17))


def test_a_ticks_shards_are_in_one_order() -> None:
    tick = Tick(time=NOW, generation=2, cadence_ms=1000, ticker="t", received_to={"b": 2, "a": 1})
    assert change_of(event(tick), 5) == (Change.TICK, (5, NOW, 2, 1000, "t", '{"a": 1, "b": 2}'))


def test_everything_else_changes_nothing() -> None:
    waiting = UnregisteredReadings(id=SOME_ID, device="d", mqtt_topic="t", payload=b"", arrival_time=NOW, identities=())
    assert change_of(event(waiting), 0) is None
    assert change_of(event(RegistryRewriteEnded(partition=0, rewrite="r", facilities=0)), 0) is None
