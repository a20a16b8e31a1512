from pathlib import Path
from typing import Any

import pytest

from ops.devices.register import joined, offers
from ops.devices.rules import Rule, distance_m, facility_of, read_rules
from ops.devices.store import unmapped_fields
from ops.registry import Registered
from runtime.errors import FatalError
from schemas.device import DeviceTwin, UnmappedField
from schemas.facility import FacilityClass, Place
from schemas.registry import ZoneConfigured, ZoneKind

NOW = 1_795_000_000_000
FACILITY = '[rule.facility]\nfacility = "f"\nfacility_class = "camera"\n'
HERE = Place(lon=113.85, lat=34.03)


def twin(device: str = "24e124", **more: Any) -> DeviceTwin:
    fixed = {
        "shard": "s",
        "registered": False,
        "decoder": "chirpstack-v4",
        "first_seen": NOW,
        "last_seen": NOW,
        "messages": 1,
    }
    said = {"mqtt_topic": f"application/a/device/{device}/event/up", "vendor": "Milesight", "model": "EM400-UDL"}
    return DeviceTwin(device=device, **{**fixed, **said, **more})


def zone(name: str, lon: float) -> ZoneConfigured:
    return ZoneConfigured(zone=name, kind=ZoneKind.STREET_SEGMENT, place=Place(lon=lon, lat=HERE.lat))


def rule(facility: dict[str, Any] | None = None, **conditions: Any) -> Rule:
    template = {"facility": "bin-{device}", "facility_class": "waste_bin", **(facility or {})}
    return Rule.model_validate({**conditions, "facility": template})


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"decoder": "chirpstack-v4", "vendor": "milesight", "model": "em400*"},
        {"device": "24e?24"},
        {"topic": "application/+/device/#"},
        {"located": True, "tags": {"site": "N*"}},
    ],
)
def test_a_rule_fits_when_all_its_conditions_hold(conditions: dict[str, Any]) -> None:
    assert rule(**conditions).fits(twin(lon=1.0, lat=2.0, tags={"site": "north"}))


@pytest.mark.parametrize(
    "conditions",
    [
        {"vendor": "dragino"},
        {"vendor": "milesight", "model": "vs*"},
        {"name": "*"},  # it has none
        {"topic": "application/+/device"},
        {"located": True},
        {"tags": {"site": "*"}},
    ],
)
def test_a_rule_does_not_fit_when_one_does_not(conditions: dict[str, Any]) -> None:
    assert not rule(**conditions).fits(twin())


def test_no_rule_is_about_a_device_of_which_only_others_speak() -> None:
    assert rule().fits(twin())
    assert not rule().fits(twin(messages=0))


def test_what_the_device_says_fills_the_blanks() -> None:
    made = rule(
        {"name": "{vendor} {model}", "zone": "segment:{tag.street}", "interval_s": 60, "properties": ["distance"]}
    )
    facility = facility_of(made, twin(lon=HERE.lon, lat=HERE.lat, tags={"street": "qiyi"}), ())
    assert (facility.facility, facility.name, facility.zone) == ("bin-24e124", "Milesight EM400-UDL", "segment:qiyi")
    assert (facility.place.lon, facility.place.lat, facility.facility_class) == (
        HERE.lon,
        HERE.lat,
        FacilityClass.WASTE_BIN,
    )
    (binding,) = facility.devices
    assert (binding.device, binding.interval_s, binding.properties) == ("24e124", 60, ("distance",))


def test_signs_that_no_id_may_have_are_replaced() -> None:
    facility = facility_of(rule({"zone": "z:1"}), twin("street/lamp 7", lon=1.0, lat=2.0), ())
    assert facility.facility == "bin-street-lamp-7"


def test_the_nearest_zone_is_taken_if_it_is_near() -> None:
    made = rule()
    zones = [zone("segment:far", 113.99), zone("segment:near", 113.8505), zone("segment:next", 113.852)]
    assert facility_of(made, twin(lon=HERE.lon, lat=HERE.lat), zones).zone == "segment:near"
    with pytest.raises(ValueError, match="no zone is registered within 500 m"):
        facility_of(made, twin(lon=HERE.lon, lat=HERE.lat), zones[:1])


@pytest.mark.parametrize(
    ("facility", "says"),
    [
        ({}, "does not say its lon"),
        ({"lon": 1.0, "lat": 2.0, "zone": "segment:{tag.street}"}, "does not say its tag.street"),
        ({"lon": 1.0, "lat": "north"}, "could not convert"),
        ({"lon": 0.0, "lat": 0.0, "zone": "z:1"}, "no fix"),
        ({"lon": 1.0, "lat": 2.0, "zone": "z:1", "properties": ["mood"]}, "unknown property 'mood'"),
    ],
)
def test_what_is_missing_is_said(facility: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        facility_of(rule(facility), twin(), ())


def test_only_devices_nobody_claims_are_offered_by_the_first_rule_that_fits() -> None:
    rules = (rule({"zone": "z:1", "lon": 1, "lat": 2}, device="a*"), rule({"facility": "x", "zone": "z:2"}))
    claimed = facility_of(rules[0], twin("a1"), ())
    registered = Registered({claimed.facility: claimed})
    found = offers(rules, [twin("a1"), twin("a2"), twin("b")], registered)
    assert [(one.device, one.facility and one.facility.zone) for one in found] == [("a2", "z:1"), ("b", None)]
    assert found[1].problem == "the device does not say its lon"


def test_a_device_joins_what_is_registered_under_its_id() -> None:
    made = rule({"facility": "same", "zone": "z:1", "lon": 1, "lat": 2})
    one, two, three = (facility_of(made, twin(name), ()) for name in ("a", "b", "c"))
    (both,) = joined([two, three], Registered({"same": one}))
    assert [binding.device for binding in both.devices] == ["a", "b", "c"]


def test_files_that_are_no_rules_say_why(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    for text, says in (
        ("[[rule]]\n", "rule.0.facility: Field required"),
        ('[[rule]]\nvendr = "x"\n[rule.facility]\nfacility="f"\nfacility_class="camera"\n', "rule.0.vendr"),
        (
            '[[rule]]\ntopic = "a/#/b"\n[rule.facility]\nfacility="f"\nfacility_class="camera"\n',
            "not an MQTT topic filter",
        ),
        ("nonsense", "cannot be read as rules"),
        ("", "rule: Field required"),
    ):
        path.write_text(text)
        with pytest.raises(FatalError, match=says):
            read_rules(path)
    with pytest.raises(FatalError, match="cannot be read as rules"):
        read_rules(tmp_path / "none.toml")


def test_distance_is_along_the_great_circle() -> None:
    assert distance_m(Place(lon=0.1, lat=0), Place(lon=1.1, lat=0)) == pytest.approx(111_195, rel=1e-4)


def test_what_nobody_understands_is_counted_over_the_devices_of_a_kind() -> None:
    field = UnmappedField(name="Foo", count=3, value="1", why="no number")
    other = UnmappedField(name="Bar", count=4, value="2")
    found = unmapped_fields([twin("a", unmapped=(field, other)), twin("b", unmapped=(field,))])
    assert [(one.name, one.times, one.devices, one.why) for one in found] == [
        ("Foo", 6, 2, "no number"),
        ("Bar", 4, 1, ""),
    ]
