"""What a what-if configuration may say, and that it changes what it says and nothing else."""

import json
import tomllib
from typing import Any

import pytest
from fold_kit import PLACE, RELAXED, batch, facility, row, tick
from hypothesis import given
from hypothesis import strategies as st
from street_kit import bay, cover

from processors.engine.whatif import matches, overridden
from schemas.envelope import Data
from schemas.facility import FacilityClass, Policy
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured, ZoneKind
from schemas.whatif import Override, WhatIf, WhatIfError

seconds = st.none() | st.floats(0, 86_400)
POLICIES = st.builds(
    Policy,
    activity=st.sampled_from([None, "parking", "no_stopping"]),
    max_stay_s=seconds,
    clear_s=seconds,
    tilt_deg=st.none() | st.floats(1, 180),
)


def zone(name: str = "segment:1", policy: Policy | None = None) -> ZoneConfigured:
    return ZoneConfigured(zone=name, kind=ZoneKind.STREET_SEGMENT, place=PLACE, policy=policy or Policy(), revision=7)


@st.composite
def events(draw: st.DrawFn) -> Data:
    policy = draw(POLICIES)
    made = draw(st.sampled_from([cover, bay]))(draw(st.sampled_from(["a", "b"])))
    return draw(
        st.sampled_from(
            [
                FacilityRegistered(facility=made.model_copy(update={"policy": policy}), revision=3),
                zone(policy=policy),
                FacilityLeft(facility="a", zone="segment:1"),
                tick(),
                batch(row(1)),
            ]
        )
    )


def policy_of(event: Data) -> Policy:
    assert isinstance(event, FacilityRegistered | ZoneConfigured)
    return event.facility.policy if isinstance(event, FacilityRegistered) else event.policy


def what_if(policy: dict[str, Any], **selectors: Any) -> WhatIf:
    return WhatIf.read({"override": [{**selectors, "policy": policy}]})


@RELAXED
@given(events())
def test_no_override_and_one_without_keys_change_nothing(event: Data) -> None:
    assert overridden(event, WhatIf()) is event
    assert overridden(event, what_if({}, zone="segment:1")) is event


@RELAXED
@given(events())
def test_what_is_so_already_changes_nothing(event: Data) -> None:
    if isinstance(event, FacilityRegistered | ZoneConfigured):
        same = json.loads(policy_of(event).model_dump_json())
        assert overridden(event, what_if(same, zone="segment:1")) is event


@RELAXED
@given(events(), st.floats(1, 180))
def test_only_the_named_key_of_what_matches_changes(event: Data, tilt_deg: float) -> None:
    changed = overridden(event, what_if({"tilt_deg": tilt_deg}, zone="segment:1"))
    if not isinstance(event, FacilityRegistered | ZoneConfigured):
        assert changed is event
        return
    assert policy_of(changed) == policy_of(event).model_copy(update={"tilt_deg": tilt_deg})
    back = overridden(changed, what_if({"tilt_deg": policy_of(event).tilt_deg}, zone="segment:1"))
    assert back == event


REGISTERED = FacilityRegistered(facility=cover("a"))


@pytest.mark.parametrize(
    ("selectors", "registration", "whole_zone"),
    [
        ({"facility_class": "manhole_cover"}, True, False),
        ({"facility_class": "parking_bay"}, False, False),
        ({"facility": "a"}, True, False),
        ({"facility": "b"}, False, False),
        ({"zone": "segment:1"}, True, True),
        ({"zone": "segment:2"}, False, False),
        ({"zone": "segment:1", "facility_class": "manhole_cover"}, True, False),
        ({"zone": "segment:1", "facility_class": "parking_bay"}, False, False),
        ({"zone": "segment:1", "facility": "b"}, False, False),
    ],
)
def test_all_selectors_that_are_given_must_match(
    selectors: dict[str, str], registration: bool, whole_zone: bool
) -> None:
    (override,) = what_if({"tilt_deg": 15}, **selectors).override
    assert matches(override, REGISTERED) is registration
    assert matches(override, zone()) is whole_zone
    assert not matches(override, FacilityLeft(facility="a", zone="segment:1"))


def test_the_later_override_stands() -> None:
    both = tomllib.loads("""
        [[override]]
        facility_class = "manhole_cover"
        policy = {tilt_deg = 15, install_angle_deg = 2}
        [[override]]
        facility = "a"
        policy.tilt_deg = 20
    """)
    changed = overridden(REGISTERED, WhatIf.read(both))
    assert policy_of(changed) == Policy(tilt_deg=20.0, install_angle_deg=2.0)


def test_null_is_the_default_of_the_class_again() -> None:
    registered = FacilityRegistered(facility=cover("a", tilt_deg=20.0))
    assert policy_of(overridden(registered, what_if({"tilt_deg": None}, facility="a"))) == Policy()


def test_what_was_registered_stays_as_it_was() -> None:
    registered = FacilityRegistered(facility=facility())
    before = registered.model_dump_json()
    assert overridden(registered, what_if({"grace_s": 1}, zone="z1")) != registered
    assert registered.model_dump_json() == before


KEYS = "activity, max_stay_s, grace_s, clear_s, install_angle_deg, tilt_deg"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"overide": []}, "overide: there is no such key; there are override"),
        (
            {"override": [{"facilty": "a", "policy": {}}]},
            "override[1].facilty: there is no such key; there are facility_class, zone, facility, policy",
        ),
        (
            {"override": [{"facility": "a", "policy": {"tilt": 3}}]},
            f"override[1].policy.tilt: there is no such key; there are {KEYS}",
        ),
        ({"override": [{"facility": "a", "policy": {"tilt_deg": -1}}]}, "override[1].policy.tilt_deg: Input should be"),
        ({"override": [{"facility": "a"}]}, "override[1].policy: Field required"),
        ({"override": [{"policy": {}}]}, "override[1]: says nothing of what it is for"),
        ({"override": [{"facility_class": "lid", "policy": {}}]}, "override[1].facility_class: Input should be 'man"),
    ],
)
def test_what_is_wrong_is_named_with_the_keys_there_are(data: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WhatIfError) as refused:
        WhatIf.read(data)
    assert complaint in str(refused.value)


def test_a_time_is_no_policy() -> None:
    with pytest.raises(WhatIfError):
        WhatIf.read(tomllib.loads("override = 2026-07-06T00:00:00Z"))


def test_an_override_says_what_it_is_for() -> None:
    override = Override(facility_class=FacilityClass.MANHOLE_COVER, zone="segment:1", policy=Policy())
    assert str(override) == "facility_class = manhole_cover, zone = segment:1"
