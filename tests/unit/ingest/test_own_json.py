import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.decoders.own_json import by_models, decode_observations, decode_sightings
from schemas.properties import PROPERTIES
from schemas.quarantine import Reason
from schemas.units import UNITS
from tests.examples import examples

NAMES = sorted(PROPERTIES)

texts = st.text(max_size=8) | st.sampled_from(["", "1", "b-1", "x:y", "a|b", "value", "property", "ü", "b.2", "\n"])
times = st.sampled_from(
    [
        "2026-11-24T01:02:03Z",
        "2026-11-24T01:02:03.456789+08:00",
        "2026-11-24T01:02:03",
        "2026-11-24",
        "20261124T010203Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-11-24T01:02:03+00:00:00.000001",
        "now",
        "",
    ]
) | st.datetimes().map(lambda t: t.isoformat() + "Z")
values = (
    st.booleans()
    | st.floats()
    | st.integers(-(10**30), 10**30)
    | st.integers(-2, 2)
    | st.sampled_from([0.0, -0.0, 1.0, 1e999, 10**400, "1", None, [1]])
)
elements = st.fixed_dictionaries(
    {"property": st.sampled_from(NAMES) | texts, "value": values},
    optional={
        "unit": st.none() | st.sampled_from(sorted(UNITS)) | texts,
        "time": st.none() | times | st.integers(),
        "boot": texts | st.none(),
        "seq": st.none() | st.integers(-1, 2**64) | st.floats(),
        "observedProperty": texts,
        "extra": st.integers(),
    },
)
good = st.fixed_dictionaries(
    {"property": st.just("pressure"), "value": st.floats(0, 1e6)},
    optional={
        "unit": st.sampled_from(["Pa", "kPa", None]),
        "time": times,
        "boot": st.sampled_from(["", "b1", "b:1"]),
        "seq": st.integers(0, 2**63),
    },
)
spaces = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@settings(max_examples=examples(1500), deadline=None)
@given(body=elements | st.lists(elements | good, max_size=4) | good | st.lists(good, max_size=3), separators=spaces)
def test_fast_path_is_what_the_models_say(body: object, separators: tuple[str, str]) -> None:
    payload = json.dumps(body, separators=separators).encode()
    assert decode_observations(payload) == by_models(payload)
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert decode_observations(raw) == by_models(raw)


pieces = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b'"property"',
        b'"value"',
        b'"pressure"',
        b'"time"',
        b"1",
        b"-",
        b"null",
        b"NaN",
        b"Infinity",
        b"\\u0000",
        b"\\ud800",
        b" ",
        b"true",
        b'"seq"',
        b'"unit"',
        b"\xff",
        b"\xef\xbb\xbf",
        b"1e5",
    ]
)


@settings(max_examples=examples(1500), deadline=None)
@given(st.binary(max_size=80) | st.lists(pieces, max_size=30).map(b"".join))
@example(b"[" * 200_000)
@example(b'{"a":' * 100_000)
@example(b'{"property":"pressure","value":' + b"9" * 10_000 + b"}")
@example(b'{"property":"pressure","value" :1,"value":2}')
@example(b'{"property":"pressure","value":1,"v\\u0061lue":2}')
def test_any_bytes_are_understood_or_refused(payload: bytes) -> None:
    for decode in (decode_observations, decode_sightings):
        decoded = decode(payload)
        assert (decoded.refusal is None) == (decoded.refused == 0)
        if decoded.refusal is not None:
            assert len(decoded.refusal.detail.encode()) <= 1024 * 4
            assert len(decoded.refusal.field or "") <= 256
    assert decode_observations(payload) == by_models(payload)


@pytest.mark.parametrize(
    ("payload", "reason", "field"),
    [
        (b"", Reason.MALFORMED_JSON, None),
        (b"{", Reason.MALFORMED_JSON, None),
        (b'{"property":"pressure","value":NaN}', Reason.MALFORMED_JSON, None),
        (b'{"property":"pressure","value":-Infinity}', Reason.MALFORMED_JSON, None),
        (b'{"property":"pressure","value":1,"value":1}', Reason.MALFORMED_JSON, "value"),
        (b'{"property":"pressure","value" :1, "value":1}', Reason.MALFORMED_JSON, "value"),
        (b'{"property":"pressure","value":1,"v\\u0061lue":2}', Reason.MALFORMED_JSON, "value"),
        (b"[" * 100_000, Reason.MALFORMED_JSON, None),
        (b'{"property":"pressure","value":' + b"9" * 5_000 + b"}", Reason.MALFORMED_JSON, None),
        (b'{"property":"pressure","value":1e999}', Reason.SCHEMA, "value"),
        (b'"\xff"', Reason.INVALID_UTF8, None),
        (b'{"property":"pressure","value":1,"colour":"red"}', Reason.SCHEMA, "colour"),
        (b'{"property":"mood","value":1}', Reason.SCHEMA, "property"),
        (b'{"property":"pressure","value":1,"unit":"furlong"}', Reason.SCHEMA, "unit"),
        (b'{"property":"pressure","value":1,"unit":""}', Reason.SCHEMA, "unit"),
        (b'{"property":"pressure","value":1,"unit":"Cel"}', Reason.SCHEMA, "unit"),
        (b'{"property":"pressure","value":1e9}', Reason.SCHEMA, "value"),
        (b'{"property":"pressure","value":11,"unit":"MPa"}', Reason.SCHEMA, "value"),
        (b'{"property":"occupied","value":2}', Reason.SCHEMA, "value"),
        (b'{"property":"pressure","value":true}', Reason.SCHEMA, "value"),
        (b'{"property":"pressure","value":1,"time":"2026-11-24T00:00:00"}', Reason.SCHEMA, "time"),
        (b'{"property":"pressure","value":1,"time":"2026-02-30T00:00:00Z"}', Reason.SCHEMA, "time"),
        (b'{"property":"pressure","value":1,"time":"0001-01-01T00:00:00+14:00"}', Reason.SCHEMA, "time"),
        (b'{"property":"pressure","value":1,"seq":-1}', Reason.SCHEMA, "seq"),
        (b'{"property":"pressure","value":1,"boot":"a:b"}', Reason.SCHEMA, "boot"),
        (b'{"property":"pressure"}', Reason.SCHEMA, "value"),
        (b"17", Reason.SCHEMA, None),
    ],
)
def test_refusals_name_reason_and_field(payload: bytes, reason: Reason, field: str | None) -> None:
    refusal = decode_observations(payload).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.field) == (reason, field)


def test_good_elements_of_an_array_are_taken_and_the_first_bad_one_named() -> None:
    ok = {"property": "pressure", "value": 3, "unit": "kPa", "seq": 1}
    payload = json.dumps([ok, ok, ok, {**ok, "unit": "furlong"}, {"value": 1}, 5, ok]).encode()
    decoded = decode_observations(payload)
    assert [one.value for one in decoded.measurements] == [3000.0] * 4
    assert decoded.refusal is not None
    assert (decoded.refusal.field, decoded.refused) == ("[3].unit", 3)


def test_minus_zero_is_zero() -> None:
    (one,) = decode_observations(b'{"property":"flow","value":-0.0}').measurements
    assert repr(one.value) == "0.0"


def test_sightings() -> None:
    ok = {"phase": "new", "track": "7", "label": "car", "zones": ["north", "south"]}
    decoded = decode_sightings(json.dumps([ok, {**ok, "zones": ["a", 3]}]).encode())
    assert [one.zones for one in decoded.sightings] == [("north", "south")]
    assert decoded.refusal is not None
    assert decoded.refusal.field == "[1].zones[1]"
