"""The table of rules is whole, and what applies is what the nearest has said."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.facility import CodeScheme, Facility, FacilityClass, Place, Policy
from schemas.properties import PROPERTIES
from schemas.rules import (
    PARAMETERS,
    RULES,
    RuleError,
    Scope,
    check,
    deciding,
    explain,
    merged,
    read_value,
    resolve,
    said,
    without,
)
from schemas.units import UNITS
from schemas.whatif import WhatIf, WhatIfError

TILT = "cover.tilt_deg"
SPELLED = {"%": "percent", "m/s": "mps"}  # or the parameter names the property whose unit it has


def values(name: str) -> st.SearchStrategy[float]:
    _, parameter = PARAMETERS[name]
    return st.floats(parameter.low, parameter.high)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    names = draw(st.lists(st.sampled_from(sorted(PARAMETERS)), unique=True, max_size=6))
    fields = {name: draw(st.floats(1, 180)) for name in draw(st.sets(st.sampled_from(["tilt_deg", "grace_s"])))}
    rules = {"rules": {name: draw(values(name)) for name in names}} if names else {}
    return Policy(**rules, **fields)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_has_a_default_within_its_range_and_a_name_that_ends_in_its_unit(name: str) -> None:
    rule, parameter = PARAMETERS[name]
    assert parameter.low <= parameter.default <= parameter.high or math.isinf(parameter.default)
    named = {unit for prop in PROPERTIES.values() if prop.name in name for unit in (prop.unit, f"{prop.unit}/s")}
    assert parameter.unit in UNITS or parameter.unit in named
    spelled = SPELLED.get(parameter.unit, parameter.unit.lower())
    assert rule.family or parameter.unit == "1" or parameter.unit in named or name.endswith(f"_{spelled}")
    assert parameter.field is None or parameter.field in Policy.model_fields
    Policy(rules={name: parameter.low})  # its name can stand in a policy


def test_every_number_of_a_policy_is_some_parameter() -> None:
    read = {parameter.field for _, parameter in PARAMETERS.values()} - {None}
    of_meters = {"m3_per_pulse", "rolls_over_at", "max_flow_m3_h", "count_gap_s"}  # facts of one meter, no thresholds
    assert read == Policy.model_fields.keys() - {"activity", "curb", "rules"} - of_meters


def facility(policy: Policy, facility_class: FacilityClass = FacilityClass.MANHOLE_COVER) -> Facility:
    return Facility(
        facility="c-1",
        scheme=CodeScheme.LOCAL,
        facility_class=facility_class,
        zone="segment:1",
        place=Place(lon=113.85, lat=34.03),
        policy=policy,
    )


@given(policies(), policies(), policies(), st.sampled_from(FacilityClass))
def test_the_nearest_wins(own: Policy, zone: Policy, of_class: Policy, facility_class: FacilityClass) -> None:
    told = {name: (value, scope) for name, value, scope in explain(facility(own, facility_class), zone, of_class)}
    assert told.keys() == {name for name, (rule, _) in PARAMETERS.items() if rule.applies(facility_class)}
    layers = {Scope.FACILITY: said(own), Scope.ZONE: said(zone), Scope.CLASS: said(of_class)}
    for name, (value, scope) in told.items():
        nearest = next((one for one in layers if name in layers[one]), Scope.DEFAULT)
        expected = PARAMETERS[name][1].default if nearest is Scope.DEFAULT else layers[nearest][name]
        assert (value, scope) == (expected, nearest)
    applied = resolve(RULES, list(layers.values()))
    assert {name: applied[name] for name in told} == {name: value for name, (value, _) in told.items()}


def test_a_field_says_it_to_every_rule_that_reads_it_and_rules_win() -> None:
    assert said(Policy(grace_s=45.0, rules={"bus_stop.dwell_s": 20.0})) == {
        "overstay.grace_s": 45.0,
        "no_stopping.dwell_s": 45.0,
        "no_parking.dwell_s": 45.0,
        "bus_stop.dwell_s": 20.0,
        "fire_lane.dwell_s": 45.0,
        "bicycle_lane.dwell_s": 45.0,
        "entrance.dwell_s": 45.0,
        "double_parking.dwell_s": 45.0,
    }


def test_a_log_that_names_what_is_gone_or_out_of_range_is_read_all_the_same() -> None:
    old = Policy.model_validate_json(json.dumps({"rules": {"cover.colour": 3.0, TILT: 500.0}}))
    assert said(old) == {TILT: 180.0}


@pytest.mark.parametrize(
    ("policy", "facility_class", "message"),
    [
        ({"cover.tilt_dg": 3.0}, None, r"no parameter 'cover.tilt_dg'; did you mean cover.tilt_deg"),
        ({"x.y": 3.0}, None, r"no parameter 'x.y'; see: eyes rules list"),
        ({TILT: 181.0}, None, r"cover.tilt_deg must be 0.1 to 180 deg, not 181"),
        ({TILT: 9.0}, FacilityClass.PARKING_BAY, r"cover.tilt_deg is for manhole_cover, not for parking_bay"),
    ],
)
def test_what_no_rule_takes_is_refused_by_name(
    policy: dict[str, float], facility_class: FacilityClass | None, message: str
) -> None:
    with pytest.raises(RuleError, match=message):
        check(Policy(rules=policy), facility_class)
    selector = {"facility_class": facility_class.value} if facility_class else {"zone": "segment:1"}
    with pytest.raises(WhatIfError, match=message):
        WhatIf.read({"override": [selector | {"policy": {"rules": policy}}]})


def test_what_a_rule_takes_is_not_refused() -> None:
    check(Policy(rules={TILT: 0.1, "silence.intervals": 5.0}), FacilityClass.MANHOLE_COVER)
    check(Policy(rules={TILT: 180.0, "overstay.clear_s": 5.0}))


@given(policies(), policies())
def test_what_is_merged_says_all_of_the_later_and_what_it_leaves_of_the_earlier(before: Policy, after: Policy) -> None:
    both = said(merged(before, after))
    earlier, later = said(before), said(after)
    for name in PARAMETERS:
        if name in later:
            assert both[name] == later[name]
        elif name in earlier:
            assert both[name] == earlier[name]
        else:
            assert name not in both


def test_a_null_is_as_if_nobody_had_said_it() -> None:
    before = Policy(tilt_deg=5.0, rules={TILT: 7.0, "cover.open_deg": 80.0})
    assert said(merged(before, Policy(tilt_deg=None))) == {"cover.open_deg": 80.0}
    assert said(merged(before, Policy(rules=None))) == {TILT: 5.0}


@given(policies())
def test_what_is_taken_back_is_said_no_more(policy: Policy) -> None:
    for name in said(policy):
        left = said(without(policy, [name]))
        assert name not in left
        field = PARAMETERS[name][1].field
        for other, value in said(policy).items():
            if other != name and PARAMETERS[other][1].field != (field or other):
                assert left[other] == value
    with pytest.raises(RuleError, match=r"nothing is said here of 'clock.within_s'"):
        without(Policy(), ["clock.within_s"])


@pytest.mark.parametrize("text", ["cover.tilt_deg", "=3", "cover.tilt_deg=high", "cover.tilt_deg=nan", " = "])
def test_text_that_is_no_parameter_and_value_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match=r"as in cover.tilt_deg=12"):
        read_value(text)
    assert read_value(" cover.tilt_deg = 12") == (TILT, 12.0)


def test_rules_of_a_family_that_has_no_limit_for_a_facility_are_not_shown() -> None:
    plain_cover = list(explain(facility(Policy()), None, None))
    shown = {name for name, _, _ in deciding(plain_cover)}
    assert {"cover.tilt_deg", "limit_gas_lel.high", "limit_gas_lel.samples"} <= shown
    assert not any(name.startswith("limit_temperature.") for name in shown)
    own = list(explain(facility(Policy(rules={"limit_temperature.high": 70.0})), None, None))
    assert {name for name, _, _ in deciding(own)} - shown == {
        name for name in PARAMETERS if name.startswith("limit_temperature.")
    }
    assert {rule.name for rule in RULES.values() if not rule.in_force} >= {"limit_temperature", "limit_flow"}
    assert RULES["cover"].in_force
