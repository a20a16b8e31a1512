import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from industrial_kit import decode

from ingest.decoders import own_batch
from ingest.decoders.own_batch import decode_batch
from ingest.messages import Decoded, Kind, Measurement
from schemas.quarantine import Reason

TOPIC = "eyes/v1/works/gw-1/batch"
T = 1_760_000_000_000
SERIES = [
    {"device": "d1", "property": "pressure", "unit": "kPa", "boot": "b1"},
    {"device": "d2", "property": "water_leak"},
    {"device": "d1", "property": "temperature", "unit": "K", "channel": "inlet"},
]


def body(**columns: Any) -> dict[str, Any]:
    return {"series": SERIES, "index": [0, 0, 1, 2], "value": [300, 301.5, True, 273.15], **columns}


def read(said: Any) -> Decoded:
    return decode(TOPIC, said if isinstance(said, bytes) else json.dumps(said).encode())


def readings(decoded: Decoded) -> dict[str, list[Measurement]]:
    return {report.device: list(report.measurements) for report in decoded.reports}


def test_columns_become_readings_of_each_device() -> None:
    decoded = read(body(time=[T, "2025-10-09T08:53:21Z", None, T + 5], seq=[7, 8, None, 0]))
    assert decoded.refusal is None
    assert readings(decoded) == {
        "d1": [
            Measurement("pressure", 300_000.0, T, "b1", 7),
            Measurement("pressure", 301_500.0, T + 1000, "b1", 8),
            Measurement("temperature", 0.0, T + 5, "", 0, "inlet"),
        ],
        "d2": [Measurement("water_leak", 1.0, None, "", None)],
    }
    assert [(one.kind, one.time_ms, one.about.gateway) for one in decoded.reports] == [
        (Kind.TELEMETRY, None, "gw-1")
    ] * 2


def test_time_and_numbers_are_optional_and_null_is_no_reading() -> None:
    decoded = read(body(value=[None, 1, 0, None]))
    assert readings(decoded) == {
        "d1": [Measurement("pressure", 1000.0, None, "b1", None)],
        "d2": [Measurement("water_leak", 0.0, None, "", None)],
    }
    assert decoded.refused == 0


def test_nothing_is_nothing() -> None:
    assert read({"series": [], "index": [], "value": []}) == Decoded([], None, 0, "gw-1")


def test_a_right_message_is_read_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_batch, "_careful", None)
    assert len(read(body(time=[T, "2025-10-09T08:53:21Z", None, 0], seq=[0, 1, None, 3])).reports) == 2


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"value": [300, 1e9, True, 1]}, "value[1]"),
        ({"value": [300, True, True, 1]}, "value[1]"),
        ({"value": [300, "1", True, 1]}, "value[1]"),
        ({"value": [300, 10**400, True, 1]}, "value[1]"),
        ({"value": [300, [], True, 1]}, "value[1]"),
        ({"value": [300, 1, 2, 1]}, "value[2]"),
        ({"index": [0, 3, 1, 2]}, "index[1]"),
        ({"index": [0, -1, 1, 2]}, "index[1]"),
        ({"index": [0, 1.0, 1, 2]}, "index[1]"),
        ({"index": [0, True, 1, 2]}, "index[1]"),
        ({"time": [T, -1, T, T]}, "time[1]"),
        ({"time": [T, T * 1000, T, T]}, "time[1]"),
        ({"time": [T, 1.5, T, T]}, "time[1]"),
        ({"time": [T, "2025-10-09T08:53:21", T, T]}, "time[1]"),
        ({"time": [T, "noon", T, T]}, "time[1]"),
        ({"seq": [1, -1, 1, 1]}, "seq[1]"),
        ({"seq": [1, 2**63, 1, 1]}, "seq[1]"),
        ({"seq": [1, 1.0, 1, 1]}, "seq[1]"),
    ],
)
def test_a_bad_row_is_named_and_the_others_taken(columns: dict, field: str) -> None:
    decoded = read(body(**columns))
    assert decoded.refusal is not None
    assert (decoded.refusal.reason, decoded.refusal.field, decoded.refused) == (Reason.SCHEMA, field, 1)
    assert sum(map(len, readings(decoded).values())) == 3
    assert decoded.device == "gw-1"


@pytest.mark.parametrize(
    ("series", "field"),
    [
        ({"device": "d 1 ", "property": "pressure"}, "series[1].device"),
        ({"device": "", "property": "pressure"}, "series[1].device"),
        ({"device": 1, "property": "pressure"}, "series[1].device"),
        ({"device": "d", "property": "weather"}, "series[1].property"),
        ({"device": "d", "property": "pressure", "unit": "m"}, "series[1].unit"),
        ({"device": "d", "property": "pressure", "unit": 1}, "series[1].unit"),
        ({"device": "d", "property": "pressure", "boot": "a b"}, "series[1].boot"),
        ({"device": "d", "property": "pressure", "boot": "a\n"}, "series[1].boot"),
        ({"device": "d", "property": "pressure", "channel": "x" * 65}, "series[1].channel"),
        ({"device": "d"}, "series[1].property"),
        ({"device": "d", "property": "pressure", "color": 1}, "series[1].color"),
        ("d", "series[1]"),
    ],
)
def test_rows_of_a_bad_series_are_refused(series: Any, field: str) -> None:
    decoded = read(body(series=[SERIES[0], series, SERIES[2]]))
    assert decoded.refusal is not None
    assert (decoded.refusal.reason, decoded.refusal.field, decoded.refused) == (Reason.SCHEMA, field, 1)
    assert [len(one) for one in readings(decoded).values()] == [3]


def test_every_bad_row_is_counted_and_the_first_named() -> None:
    decoded = read(body(value=[1e9, 1, 5, 1e9]))
    assert decoded.refusal is not None
    assert (decoded.refusal.field, decoded.refused) == ("value[0]", 3)


@pytest.mark.parametrize(
    ("said", "reason", "field"),
    [
        (b"", Reason.MALFORMED_JSON, None),
        (b"{", Reason.MALFORMED_JSON, None),
        (b"\xff", Reason.INVALID_UTF8, None),
        (b"[" * 9000, Reason.MALFORMED_JSON, None),
        (b"[]", Reason.SCHEMA, None),
        (b"{}", Reason.SCHEMA, "series"),
        (body(extra=1), Reason.SCHEMA, "extra"),
        (body(value=[1]), Reason.SCHEMA, "value"),
        (body(time=[1]), Reason.SCHEMA, "time"),
        (body(seq={}), Reason.SCHEMA, "seq"),
        (body(time=None), Reason.SCHEMA, "time"),
        (b'{"series":[],"index":[],"value":[],"value":[]}', Reason.MALFORMED_JSON, "value"),
        (b'{"series":[],"index":[],"value":[],"val\\u0075e":[]}', Reason.MALFORMED_JSON, "value"),
        (b'{"series":[],"index":[],"value":[NaN]}', Reason.MALFORMED_JSON, None),
        (b'{"series":[],"index":[],"value":[' + b"9" * 5000 + b"]}", Reason.MALFORMED_JSON, None),
        (
            b'{"series":[{"device":"d","device":"e","property":"ph"}],"index":[0],"value":[7]}',
            Reason.MALFORMED_JSON,
            "device",
        ),
    ],
)
def test_a_message_without_rows_is_refused_whole(said: Any, reason: Reason, field: str | None) -> None:
    decoded = read(said)
    assert decoded.reports == []
    assert decoded.refusal is not None
    assert (decoded.refusal.reason, decoded.refusal.field, decoded.refused) == (reason, field, 1)


def test_escaped_text_is_text() -> None:
    said = b'{"series":[{"device":"p\\u00fcmp \\"7\\"","property":"ph"}],"index":[0],"value":[7]}'
    assert [one.device for one in read(said).reports] == ['pümp "7"']


def test_minus_zero_is_zero() -> None:
    decoded = read({"series": [SERIES[0]], "index": [0], "value": [-0.0]})
    assert str(readings(decoded)["d1"][0].value) == "0.0"


# ---------------------------------------------------------------------------------------- both ways say the same

SERIES_SAID = st.fixed_dictionaries(
    {
        "device": st.sampled_from(["d1", "d2", "a/b", "", "x "]),
        "property": st.sampled_from(["pressure", "temperature", "fault", "ph", "weather"]),
    },
    optional={
        "unit": st.sampled_from(["kPa", "K", "Cel", None, "?", "1"]),
        "boot": st.sampled_from(["", "b1", "a b"]),
        "channel": st.sampled_from(["", "c", 1]),
    },
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | st.floats(-1e4, 1e4) | st.integers(-3, 3) | NUMBERS
TIMES = st.none() | st.integers(0, T) | st.sampled_from(["2025-10-09T08:53:21.5+02:00", "1969-12-31T23:59:59Z", ""])


@st.composite
def batches(draw: st.DrawFn) -> dict[str, Any]:
    series = draw(st.lists(SERIES_SAID, min_size=1, max_size=3))
    rows = draw(st.integers(0, 5))

    def column(values: st.SearchStrategy) -> list:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    out = {"series": series, "index": column(st.integers(0, len(series) - 1)), "value": column(VALUES)}
    if draw(st.booleans()):
        out["time"] = column(TIMES)
    if draw(st.booleans()):
        out["seq"] = column(st.none() | st.integers(-1, 2**63))
    return out


@given(batches())
def test_one_go_says_what_care_says(said: dict[str, Any]) -> None:
    payload = json.dumps(said).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_batch, "_fast", lambda *_: (_ for _ in ()).throw(ValueError))
        careful = decode_batch(payload, "gw")
    assert decode_batch(payload, "gw") == careful
    decode(TOPIC, payload)


ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["series", "index", "value", "time", "seq", "x"]), ANYTHING) | ANYTHING)
def test_any_json_is_read_or_refused(said: Any) -> None:
    read(said)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    read(payload)
    read(b'{"series":[],"index":[' + payload)
