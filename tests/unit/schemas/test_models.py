import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.facility import Facility, Place
from schemas.model import from_ms, to_ms
from schemas.observation import Observation
from schemas.properties import PROPERTIES
from schemas.units import UNITS, to_canonical


def read(**fields: Any) -> Observation:
    return Observation.model_validate_json(json.dumps({"property": "pressure", "value": 300.5} | fields))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"property": "presure"}, "presure"),
        ({"unit": "psi"}, "unit"),
        ({"unit": "m3/h"}, "unit"),
        ({"value": "300"}, "value"),
        ({"value": True}, "value"),
        ({"property": "occupied", "value": 0.5}, "value"),
        ({"time": "2026-11-24T01:02:03"}, "time"),
        ({"time": "yesterday"}, "time"),
        ({"seq": -1}, "seq"),
        ({"seq": 1.5}, "seq"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_the_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        read(**fields)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused(literal: str) -> None:
    with pytest.raises(ValidationError):
        Observation.model_validate_json(f'{{"property":"pressure","value":{literal}}}')


def test_a_time_with_any_zone_is_kept_in_utc_to_the_millisecond() -> None:
    assert read(time="2026-11-24T09:02:03.004999+08:00").time == datetime(2026, 11, 24, 1, 2, 3, 4000, UTC)


@pytest.mark.parametrize("place", [{"lon": 181, "lat": 0}, {"lon": 0, "lat": -91}, {"lon": 0, "lat": 0}])
def test_impossible_coordinates_are_refused(place: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Place.model_validate_json(json.dumps(place))


@pytest.mark.parametrize(
    ("scheme", "code", "good"),
    [
        ("GB/T47678.5-2026", "41100201001000123", True),
        ("GB/T47678.5-2026", "4110020101000123", False),
        ("GB/T30428.2-2013", "4110020101000123", True),
        ("GB/T30428.2-2013", "411002010100012x", False),
        ("local", "bay-7", True),
        ("local", "bay/7", False),
    ],
)
def test_a_facility_code_has_the_form_of_its_scheme(scheme: str, code: str, *, good: bool) -> None:
    raw = {
        "facility": code,
        "scheme": scheme,
        "facilityClass": "manhole_cover",
        "zone": "grid:1",
        "place": {"lon": 113.8, "lat": 34.0},
    }
    if good:
        assert Facility.model_validate_json(json.dumps(raw)).facility == code
    else:
        with pytest.raises(ValidationError, match="facility"):
            Facility.model_validate_json(json.dumps(raw))


def test_every_property_has_a_unit_that_stands_for_itself() -> None:
    for prop in PROPERTIES.values():
        assert UNITS[prop.unit].canonical == prop.unit, prop.name
        assert prop.low < prop.high, prop.name


def test_every_unit_leads_to_a_canonical_one() -> None:
    for unit in UNITS.values():
        canonical = UNITS[unit.canonical]
        assert (canonical.factor, canonical.offset) == (1.0, 0.0), unit.code


@pytest.mark.parametrize(
    ("value", "unit", "canonical"),
    [(10.0, "m[H2O]", 98_066.5), (1.0, "L/s", 3.6), (300.0, "K", 26.85), (3.0, "bar", 300_000.0)],
)
def test_conversion(value: float, unit: str, canonical: float) -> None:
    assert to_canonical(value, unit) == pytest.approx(canonical)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds
def test_milliseconds_and_back(time: datetime) -> None:
    assert timedelta(0) <= time - from_ms(to_ms(time)) < timedelta(milliseconds=1)
    assert to_ms(from_ms(to_ms(time))) == to_ms(time)
