import json
import struct
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from industrial_kit import ARRIVED, decode

from ingest.decoders.base import Message
from ingest.decoders.senml.decoder import Senml
from ingest.decoders.senml.names import split
from ingest.decoders.senml.pack import RECORDS_MAX
from ingest.messages import Decoded, Kind
from schemas.quarantine import Reason

LABELS = {"bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "bs": -6, "n": 0, "u": 1, "v": 2}
LABELS |= {"vs": 3, "vb": 4, "s": 5, "t": 6, "ut": 7, "vd": 8}
MAC = "urn:dev:mac:0024befffe804ff1"
T = 1_760_000_000


def in_json(*records: Any) -> bytes:
    return json.dumps(records).encode()


def in_cbor(*records: dict[str, Any]) -> bytes:
    return cbor2.dumps([{LABELS.get(key, key): value for key, value in one.items()} for one in records])


def senml(payload: bytes, topic: str = "works/senml/kitchen") -> Decoded:
    return decode(topic, payload)


def measured(decoded: Decoded) -> list[tuple]:
    return [
        (report.device, one.observed_property, one.channel, one.value, one.time_ms)
        for report in decoded.reports
        for one in report.measurements
    ]


def named(decoded: Decoded) -> list[tuple]:
    return [tuple(one) for report in decoded.reports for one in report.named]


def refusal(decoded: Decoded) -> tuple[Reason, str | None]:
    assert decoded.refusal is not None
    return decoded.refusal.reason, decoded.refusal.field


# -------------------------------------------------------------------------------------------------------- resolving


@pytest.mark.parametrize("form", [in_json, in_cbor])
def test_base_fields_hold_until_they_are_given_again(form: Any) -> None:
    decoded = senml(
        form(
            {"bn": f"{MAC}:", "bt": T, "bu": "Cel", "bver": 10, "n": "temperature", "v": 20.5},
            {"n": "temperature", "t": -10, "v": 19.5},
            {"n": "humidity", "u": "%RH", "v": 40, "t": 2.5},
            {"bn": "urn:dev:ow:10e2073a01080063:", "bv": 100, "n": "temperature", "v": 1},
            {"n": "temperature", "v": -1, "t": 1},
        )
    )
    other = "urn:dev:ow:10e2073a01080063"
    assert measured(decoded) == [
        (MAC, "temperature", "", 20.5, T * 1000),
        (MAC, "temperature", "", 19.5, T * 1000 - 10_000),
        (MAC, "humidity", "", 40.0, T * 1000 + 2500),
        (other, "temperature", "", 101.0, T * 1000),
        (other, "temperature", "", 99.0, T * 1000 + 1000),
    ]
    assert named(decoded)[:3] == [
        (f"{MAC}:temperature", 20.5, "Cel", T * 1000),
        (f"{MAC}:temperature", 19.5, "Cel", T * 1000 - 10_000),
        (f"{MAC}:humidity", 40.0, "%RH", T * 1000 + 2500),
    ]
    assert [(one.kind, one.time_ms) for one in decoded.reports] == [
        (Kind.TELEMETRY, T * 1000 + 2500),
        (Kind.TELEMETRY, T * 1000 + 1000),
    ]


def test_small_times_are_relative_to_the_arrival_and_none_is_now() -> None:
    decoded = senml(
        in_json({"bn": MAC, "u": "Cel", "v": 1}, {"u": "Cel", "v": 2, "t": -5}, {"u": "Cel", "v": 3, "t": 60})
    )
    assert [one[-1] for one in measured(decoded)] == [None, ARRIVED - 5000, ARRIVED + 60_000]


def test_nobody_asks_for_the_arrival_of_what_needs_none() -> None:
    def never() -> int:
        raise AssertionError

    absolute = in_json({"n": MAC, "u": "Cel", "v": 1}, {"n": MAC, "u": "Cel", "v": 1, "t": T})
    assert len(Senml().decode(Message("senml/x", absolute, never)).reports) == 1


def test_the_edge_between_relative_and_absolute() -> None:
    edge = 2**28
    decoded = senml(in_json({"n": MAC, "u": "Cel", "v": 1, "t": edge - 1}, {"n": MAC, "u": "Cel", "v": 2, "t": edge}))
    assert [one[-1] for one in measured(decoded)] == [ARRIVED + (edge - 1) * 1000, None]  # 1978: a clock never set


@pytest.mark.parametrize("form", [in_json, in_cbor])
def test_values_of_every_kind(form: Any) -> None:
    data = b"hi \n" if form is in_cbor else "aGkgCg"
    decoded = senml(
        form(
            {"bn": f"{MAC}:", "n": "fault", "vb": True},
            {"n": "door-closed", "vb": True},
            {"n": "label", "vs": "Machine Room"},
            {"n": "nfc", "vd": data},
            {"n": "tilt", "vb": False},
        )
    )
    assert [one[1:4] for one in measured(decoded)] == [
        ("fault", "", 1.0),
        ("contact_open", "", 0.0),
        ("tilted", "", 0.0),
    ]
    assert [one[1] for one in named(decoded)] == [True, True, "Machine Room", "aGkgCg", False]
    assert [one.name for one in decoded.reports[0].unmapped] == ["label", "nfc"]


def test_sums_are_of_the_unit_times_seconds() -> None:
    decoded = senml(
        in_json(
            {"bn": f"{MAC}:", "bs": 3600, "n": "power", "u": "W", "v": 5, "s": 7200},
            {"n": "flow", "u": "l/s", "s": 0},
            {"n": "temperature", "u": "Cel", "s": 1},
        )
    )
    assert [one[1:4] for one in measured(decoded)] == [
        ("power", "", 5.0),
        ("energy", "", pytest.approx(3.0)),
        ("meter_reading", "", pytest.approx(3.6)),
    ]
    assert [one.name for one in decoded.reports[0].unmapped] == ["temperature sum"]


def test_update_time_is_the_interval() -> None:
    assert senml(in_json({"n": MAC, "u": "Cel", "v": 1, "ut": 300})).reports[0].about.interval_s == 300


@pytest.mark.parametrize(
    ("unit", "value", "observed", "canonical"),
    [
        ("Cel", 20, "temperature", 20.0),
        ("K", 273.15, "temperature", 0.0),
        ("%RH", 40, "humidity", 40.0),
        ("lat", 48.1, "latitude", 48.1),
        ("lon", 11.5, "longitude", 11.5),
        ("%EL", 80, "battery_percent", 80.0),
        ("hPa", 1013, "pressure", 101_300.0),
        ("m3/s", 1, "flow", 3600.0),
        ("l/s", 1, "flow", 3.6),
        ("kWh", 2, "energy", 2000.0),
        ("kvar", 2, "reactive_power", 2000.0),
        ("S/m", 0.05, "conductivity", 500.0),
        ("Bspl", 6, "sound_level", 60.0),
        ("pH", 7, "ph", 7.0),
        ("kPa", 3, "pressure", 3000.0),
    ],
)
def test_a_device_without_a_quantity_measures_what_its_unit_says(
    unit: str, value: float, observed: str, canonical: float
) -> None:
    ((device, name, _, got, _),) = measured(senml(in_json({"n": MAC, "u": unit, "v": value})))
    assert (device, name) == (MAC, observed)
    assert got == pytest.approx(canonical)


@pytest.mark.parametrize("unit", ["C", "F", "g", "S", "H", "T", "EL", "beat/min", "/", "furlong", "m"])
def test_units_that_decide_nothing_leave_only_the_named_value(unit: str) -> None:
    decoded = senml(in_json({"n": f"{MAC}:x", "u": unit, "v": 1}))
    assert measured(decoded) == []
    assert named(decoded) == [(f"{MAC}:x", 1.0, unit, None)]
    assert [(one.name, one.why) for one in decoded.reports[0].unmapped] == [("x", f"in {unit}")]


@pytest.mark.parametrize(
    ("base", "name", "device", "quantity"),
    [
        (f"{MAC}:", f"{MAC}:temperature", MAC, "temperature"),
        (MAC, MAC, MAC, ""),
        ("", f"{MAC}_pump_pressure", MAC, "pump_pressure"),
        ("urn:dev:org:32473-", "urn:dev:org:32473-pump7/flow", "urn:dev:org:32473-pump7", "flow"),
        (
            "urn:uuid:",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66:x",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "x",
        ),
        ("", "2001:db8::3", "2001:db8::3", ""),
        ("2001:db8::", "2001:db8::3", "2001:db8::3", ""),
        ("plant/p1/", "plant/p1/whatever", "plant/p1", "whatever"),
        ("p1", "p1temperature", "p1", "temperature"),
        ("p1", "p17", "p17", ""),
        ("", "plant/p1/temperature", "plant/p1", "temperature"),
        ("", "temperature", "", "temperature"),
        ("", "kitchen", "kitchen", ""),
    ],
)
def test_names_have_a_device_and_a_quantity(base: str, name: str, device: str, quantity: str) -> None:
    assert split(base, name) == (device, quantity)


def test_several_sensors_of_one_device_are_channels() -> None:
    decoded = senml(
        in_json({"bn": f"{MAC}:", "bu": "Cel", "n": "inlet/temperature", "v": 1}, {"n": "outlet/temperature", "v": 2})
    )
    assert [one[1:4] for one in measured(decoded)] == [("temperature", "inlet", 1.0), ("temperature", "outlet", 2.0)]


@pytest.mark.parametrize(
    ("topic", "device"), [("works/kitchen/senml", "kitchen"), ("senml/kitchen", "kitchen"), ("SenML/a/b", "b")]
)
def test_the_topic_names_the_device_where_the_record_does_not(topic: str, device: str) -> None:
    assert [one.device for one in senml(in_json({"n": "temperature", "u": "Cel", "v": 1}), topic).reports] == [device]


def test_nobody_is_named_at_all() -> None:
    assert refusal(senml(in_json({"n": "temperature", "u": "Cel", "v": 1}), "senml")) == (Reason.SCHEMA, "[0].n")


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"n": "bad name", "v": 1}, "[1].n"),
        ({"n": "-x", "v": 1}, "[1].n"),
        ({"n": "ü", "v": 1}, "[1].n"),
        ({"n": "", "v": 1, "bn": ""}, "[1].n"),
        ({"n": 7, "v": 1}, "[1].n"),
        ({"n": "x", "v": "1"}, "[1].v"),
        ({"n": "x", "v": True}, "[1].v"),
        ({"n": "x", "v": None}, "[1].v"),
        ({"n": "x", "vb": 1}, "[1].vb"),
        ({"n": "x", "vs": 1}, "[1].vs"),
        ({"n": "x", "v": 1, "vs": "1"}, "[1].vs"),
        ({"n": "x", "v": 1, "t": "now"}, "[1].t"),
        ({"n": "x", "v": 1, "u": 3}, "[1].u"),
        ({"n": "x", "v": 1, "s": []}, "[1].s"),
        ({"n": "x"}, "[1]"),
        ({"n": "x", "v": 1, "must_": 1}, "[1].must_"),
        ({"n": "x" * 600, "v": 1}, "[1].n"),
    ],
)
def test_a_bad_record_is_refused_and_the_others_taken(record: dict, field: str) -> None:
    good = {"n": MAC, "u": "Cel", "v": 1}
    for form in (in_json, in_cbor):
        decoded = senml(form(good, record, good))
        assert refusal(decoded) == (Reason.SCHEMA, field)
        assert decoded.refused == 1
        assert len(measured(decoded)) == 2


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"bver": 11}, "[0].bver"),
        ({"bver": "10"}, "[0].bver"),
        ({"bver": 0}, "[0].bver"),
        ({"bn": 1}, "[0].bn"),
        ({"bt": "1"}, "[0].bt"),
        ({"bu": 1}, "[0].bu"),
        ({"bv": None}, "[0].bv"),
        ({"bs": []}, "[0].bs"),
    ],
)
def test_a_bad_base_field_refuses_what_follows(record: dict, field: str) -> None:
    decoded = senml(in_json(record, {"n": MAC, "v": 1}))
    assert refusal(decoded) == (Reason.SCHEMA, field)
    assert decoded.reports == ()


def test_secondary_units_are_a_feature_we_have() -> None:
    assert len(measured(senml(in_json({"bver": 26, "n": MAC, "u": "hPa", "v": 1})))) == 1


def test_unknown_fields_without_an_underscore_are_ignored() -> None:
    assert len(measured(senml(in_json({"n": MAC, "u": "Cel", "v": 1, "l": "[]", "colour": {"a": 1}})))) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"[", Reason.MALFORMED_JSON),
        (b"[" * 5000, Reason.MALFORMED_JSON),
        (b"{}", Reason.SCHEMA),
        (b"[]", Reason.SCHEMA),
        (b'[{"bn":"x"}]', Reason.SCHEMA),
        (b"[1]", Reason.SCHEMA),
        (b'[{"n":"a","v":1e999}]', None),
        (b'[{"n":"a","v":' + b"9" * 5000 + b"}]", None),
        (b'[{"n":"\xff","v":1}]', None),
        (b"[{}," * 1 + b"{}," * RECORDS_MAX + b"{}]", Reason.SCHEMA),
        (in_cbor({"n": MAC, "v": 1})[:-1], Reason.MALFORMED),
        (in_cbor({"n": MAC, "v": 1}) + b"\0", Reason.MALFORMED),
        (b"\x9b\x00\x00\x10\x00\x00\x00\x00\x00", Reason.MALFORMED),  # 2^44 records in nine bytes
        (b"\x81\xbb\x7f\xff\xff\xff\xff\xff\xff\xff", Reason.MALFORMED),
        (b"\x81\xa1\x00\x7b\x00\x00\x10\x00\x00\x00\x00\x00", Reason.MALFORMED),
        (b"\x81" * 5000, Reason.MALFORMED),
        (b"\x81" * 9 + b"\x01", Reason.MALFORMED),
        (b"\x81\xa2\x00\x61a\x00\x61b", Reason.MALFORMED),  # a key twice
        (b"\x81\xa2\x00\x61a\x61n\x61b", Reason.SCHEMA),  # the same by number and by name
        (b"\x81\xa1\x02\xd8\x23\x61(", Reason.MALFORMED),  # a regular expression
        (b"\x81\xd8\x1c\x81\xd8\x1d\x00", Reason.MALFORMED),  # an array in itself
        (b"\x81\xa1\x02\xc5\x82\x1a\x7f\xff\xff\xff\x01", Reason.MALFORMED),  # 2^2147483647
        (b"\x81\xa2\x00\x61a\x02\xc4\x82\x1a\x7f\xff\xff\xff\x01", Reason.SCHEMA),  # 10^2147483647
        (b"\x81\xa2\x00\x61a\x02\xf9\x7e\x00", Reason.SCHEMA),  # NaN
        (b"\x81\xa2\x00\x61a\x02\xf7", Reason.SCHEMA),  # undefined
        (b"\x81\xa1\xf4\x01", Reason.SCHEMA),  # false as a label
        (b"\x81\xa1\x80\x01", Reason.SCHEMA),  # an array as a label
        (b"\x81\x01", Reason.SCHEMA),
    ],
)
def test_what_is_no_pack_is_refused(payload: bytes, reason: Reason | None) -> None:
    decoded = senml(payload)
    assert not decoded.reports
    assert decoded.refusal is not None
    assert reason in (None, decoded.refusal.reason)


# -------------------------------------------------------------------------------------------------------------- CBOR


def half(value: float) -> bytes:
    return b"\xf9" + struct.pack(">e", value)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (half(21.5), 21.5),
        (b"\xfa" + struct.pack(">f", 21.5), 21.5),
        (b"\xfb" + struct.pack(">d", 21.5), 21.5),
        (cbor2.dumps(Decimal("21.5")), 21.5),
        (b"\x15", 21.0),
        (b"\x24", -5.0),
        (b"\xc2\x41\x15", 21.0),
    ],
)
def test_numbers_of_every_width(number: bytes, value: float) -> None:
    head = b"\x81\xa3\x00" + cbor2.dumps(MAC) + b"\x01" + cbor2.dumps("Cel") + b"\x02"
    assert [one[3] for one in measured(senml(head + number))] == [value]


def test_labels_may_be_text_and_arrays_of_no_definite_length() -> None:
    streamed = b"\x9f" + cbor2.dumps({"n": MAC, "u": "Cel", "v": 1, -99: "unknown"}) + b"\xff"
    assert len(measured(senml(streamed))) == 1
    assert len(measured(senml(b"\xd9\xd9\xf7" + in_cbor({"n": MAC, "u": "Cel", "v": 1})))) == 1


@pytest.mark.parametrize(
    ("topic", "payload", "taken"),
    [
        ("a/senml", b"", True),
        ("a/SENML/b", b"[]", True),
        ("a/b", in_json({"n": "x", "v": 1}), True),
        ("a/b", b" \n" + in_json({"bn": "x", "vs": "y"}), True),
        ("a/b", in_cbor({"n": "x", "v": 1}), True),
        ("a/b", in_cbor({"bn": "x", "bt": 1, "v": 1}), True),
        ("a/b", b"\xd9\xd9\xf7" + in_cbor({"n": "x", "v": 1}), True),
        ("a/b", in_json({"n": "x", "v": 1, "power": 2}), False),
        ("a/b", in_json({"t": 1, "v": 2}), False),
        ("a/b", in_json({"n": "x", "t": 2}), False),
        ("a/b", b"[]", False),
        ("a/b", b"[1]", False),
        ("a/b", b"{}", False),
        ("a/b", b"\x81\x01", False),
        ("a/b", b"\x81\xa1\x02\x01", False),
        ("a/b", b"\x80", False),
        ("a/b", b"", False),
        ("senmla/b", b"[{", False),
    ],
)
def test_what_is_recognised(topic: str, payload: bytes, taken: bool) -> None:
    assert (Senml().recognise(Message(topic, payload, 0)) is not None) is taken


# --------------------------------------------------------------------------------------------------------- anything

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3)
)
UNITS = st.sampled_from(["Cel", "%RH", "W", "l/s", "kPa", "/", "lat", "Bspl"])
NAMES = st.sampled_from(["temperature", "x", f"{MAC}:temp", "a/b/fault", ":", "2001:db8::1"])
RECORDS = st.dictionaries(
    st.sampled_from([*LABELS, "l", "x_", "y"]),
    st.one_of(st.floats(-1e3, 1e3), st.integers(0, 2**40), UNITS, NAMES, st.booleans(), ANYTHING),
    max_size=6,
)


@given(st.binary(max_size=80), st.sampled_from(["senml/x", "a/b"]))
def test_any_bytes_are_read_or_refused(payload: bytes, topic: str) -> None:
    decode(topic, payload)
    decode(topic, b"\x81\xa3\x00" + payload)


@given(st.lists(RECORDS | ANYTHING, max_size=5))
def test_any_pack_in_cbor_is_read_or_refused(records: list) -> None:
    said = [{LABELS.get(k, k): v for k, v in r.items()} if isinstance(r, dict) else r for r in records]
    decode("senml/x", cbor2.dumps(said))


@given(st.lists(RECORDS, max_size=5))
def test_any_pack_in_json_is_read_or_refused(records: list[dict]) -> None:
    decode("senml/x", json.dumps(records, default=repr, skipkeys=True).encode())


@given(
    st.lists(
        st.fixed_dictionaries(
            {"n": NAMES.filter(lambda one: one != ":"), "u": UNITS, "v": st.floats(-1e6, 1e6)},
            optional={"bt": st.integers(T, T + 99), "t": st.integers(-99, 99), "bn": st.sampled_from([f"{MAC}:", ""])},
        ),
        min_size=1,
        max_size=6,
    )
)
def test_both_forms_say_the_same(records: list[dict]) -> None:
    assert senml(in_json(*records)) == senml(in_cbor(*records))
