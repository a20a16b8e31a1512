"""Carriers: through which gateway a device is heard, said when it changes."""

import pytest
from ingest_rig import NOW, Rig

from ingest.devices.carriers import SETTLED, Carriers
from schemas.carrier import DeviceCarried, GatewaySite
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ClassConfigured, ZoneConfigured, ZoneKind

PLACE = Place(lon=113.85, lat=34.03, district="411002")


def lamp(name: str = "L1", district: str | None = "411002", *devices: str, every: float | None = 60.0) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.STREET_LAMP,
        zone="feeder:1",
        place=PLACE.model_copy(update={"district": district}),
        devices=tuple(DeviceBinding(device=device, interval_s=every) for device in devices or ("dev",)),
    )


def gateway(**rules: float) -> Facility:
    return Facility(
        facility="GW",
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.GATEWAY,
        zone="grid:9",
        place=PLACE,
        devices=(DeviceBinding(device="gw"),),
        policy=Policy(rules=rules or None),
    )


def words(rig: Rig) -> list[tuple[str, str | None, str]]:
    return [(one.device, one.gateway, one.district) for one in rig.writer.of(DeviceCarried)]


def test_it_is_said_once_and_again_when_the_registry_says_something_else() -> None:
    rig = Rig()
    rig.register(lamp())
    for _ in range(3):
        rig.carriers.note("dev", "gw", NOW)
    assert words(rig) == [("dev", "gw", "411002")]
    rig.register(lamp())
    assert len(words(rig)) == 1
    rig.register(lamp(every=300.0))
    assert [one.interval_s for one in rig.writer.of(DeviceCarried)] == [60.0, 300.0]


def test_a_message_of_a_gateway_in_our_own_format_says_it() -> None:
    rig = Rig()
    rig.register(lamp())
    rig.take("eyes/v1/x/gw-7/batch", b'{"series":[{"device":"dev","property":"power"}],"index":[0],"value":[80]}')
    assert [row[1] for row in rig.writer.rows()] == ["power"]
    assert words(rig) == [("dev", "gw-7", "411002")]


def test_another_gateway_now_and_then_is_no_change() -> None:
    rig = Rig()
    rig.register(lamp())
    rig.carriers.note("dev", "a", NOW)
    for n in range(50):
        rig.carriers.note("dev", "b" if n % SETTLED else "a", NOW)
    assert words(rig) == [("dev", "a", "411002")]
    for _ in range(SETTLED):
        rig.carriers.note("dev", "b", NOW)
    assert words(rig)[1:] == [("dev", "b", "411002")]


def test_nobody_says_anything_of_a_device_that_is_nobodys() -> None:
    rig = Rig()
    rig.carriers.note("dev", "gw", NOW)
    assert words(rig) == []
    rig.register(lamp())
    rig.carriers.note("dev", "gw", NOW)
    assert words(rig) == [("dev", "gw", "411002")]


def test_a_device_that_moves_to_another_district_or_out_of_the_registry_is_taken_back() -> None:
    rig = Rig()
    rig.register(lamp())
    rig.carriers.note("dev", "gw", NOW)
    rig.register(lamp(district="411003"))
    assert words(rig)[1:] == [("dev", None, "411002"), ("dev", "gw", "411003")]
    assert {one.key for one in rig.writer.written if isinstance(one.data, DeviceCarried)} == {
        "411002/dev",
        "411003/dev",
    }
    for device in rig.registry.apply("L1", None):
        rig.carriers.changed(device)
    assert words(rig)[3:] == [("dev", None, "411003")]
    rig.register(lamp(district=None))
    rig.carriers.note("dev", "gw", NOW)
    assert words(rig)[4:] == [("dev", "gw", "no-district")]


def test_the_site_of_a_gateway_and_its_rules_reach_all_that_it_carries() -> None:
    rig = Rig()
    rig.register(lamp("L1", "411002", "d1", "d2"))
    rig.carriers.note("d1", "gw", NOW)
    rig.carriers.note("d2", "gw", NOW)
    zone = ZoneConfigured(
        zone="grid:9",
        kind=ZoneKind.GRID,
        place=PLACE,
        policy=Policy(rules={"gateway.share": 0.5, "gateway.devices": 4.0}),
    )
    rig.registry.apply("zone:grid:9", zone)
    of_class = ClassConfigured(
        facility_class=FacilityClass.GATEWAY, policy=Policy(rules={"gateway.share": 0.4, "gateway.slack_s": 9.0})
    )
    rig.registry.apply_plan(of_class.key, of_class)
    rig.register(gateway(**{"gateway.devices": 7.0}))
    site = GatewaySite(
        facility="GW",
        facility_class=FacilityClass.GATEWAY,
        zone="grid:9",
        place=PLACE,
        rules={"gateway.share": 0.5, "gateway.slack_s": 9.0, "gateway.devices": 7.0},
    )
    assert [one.site for one in rig.writer.of(DeviceCarried)] == [None, None, site, site]


@pytest.mark.parametrize("same", [True, False])
def test_what_was_said_before_a_restart_is_not_said_again(same: bool) -> None:
    rig = Rig()
    rig.register(lamp())
    rig.carriers.note("dev", "gw", NOW)
    again = Carriers(rig.registry, rig.carriers._writer)
    again.recall(rig.writer.of(DeviceCarried))
    if not same:
        rig.registry.apply("L1", None)
        rig.register(lamp(every=5.0))
    again.note("dev", "gw", NOW)
    assert len(words(rig)) == (1 if same else 2) + (not same)


def test_what_may_not_have_been_written_is_said_again() -> None:
    rig = Rig()
    rig.register(lamp())
    rig.carriers.note("dev", "gw", NOW)
    rig.carriers.doubt()
    rig.carriers.note("dev", "gw", NOW)
    assert words(rig) == [("dev", "gw", "411002")] * 2
