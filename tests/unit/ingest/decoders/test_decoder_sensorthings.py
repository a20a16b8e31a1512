import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from industrial_kit import ARRIVED, decode

from ingest.decoders.base import Message, Stateful
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.sensorthings.decoder import SensorThings
from ingest.decoders.sensorthings.streams import Part, Stream, Streams
from ingest.messages import Decoded, Kind
from schemas.quarantine import Reason

WHEN = "2025-10-09T08:53:20Z"
WHEN_MS = 1_760_000_000_000
CELSIUS = {"name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel"}
STREAM = {
    "@iot.id": 42,
    "@iot.selfLink": "http://city/v1.1/Datastreams(42)",
    "name": "Air temperature, town hall",
    "unitOfMeasurement": CELSIUS,
    "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
    "Thing@iot.navigationLink": "http://city/v1.1/Datastreams(42)/Thing",
}
SEEN = {"@iot.id": 9, "phenomenonTime": WHEN, "resultTime": None, "result": 21.5}


def say(catalogue: Catalogue, topic: str, entity: Any) -> Decoded:
    return decode(topic, json.dumps(entity).encode(), catalogue)


def described(*entities: tuple[str, Any]) -> Catalogue:
    catalogue = Catalogue()
    for topic, entity in entities:
        assert say(catalogue, topic, entity).refusal is None
    return catalogue


def measured(decoded: Decoded) -> list[tuple]:
    return [
        (report.device, one.observed_property, one.channel, one.value, one.time_ms)
        for report in decoded.reports
        for one in report.measurements
    ]


def test_an_observation_is_read_by_its_datastream() -> None:
    catalogue = described(("v1.1/Datastreams(42)", STREAM))
    decoded = say(catalogue, "v1.1/Datastreams(42)/Observations", SEEN)
    assert measured(decoded) == [("Datastreams(42)", "temperature", "", 21.5, WHEN_MS)]
    (report,) = decoded.reports
    assert (report.kind, report.time_ms, report.about.name) == (Kind.TELEMETRY, WHEN_MS, STREAM["name"])


def test_a_datastream_is_learned() -> None:
    decoded = say(Catalogue(), "frost/v1.0/Datastreams", STREAM)
    assert decoded.learned == "sensorthings:frost/Datastreams(42)"
    assert [(one.device, one.kind) for one in decoded.reports] == [("frost/Datastreams(42)", Kind.DISCOVERY)]


def test_what_was_learned_in_an_earlier_life_is_known() -> None:
    decoder = SensorThings()
    assert isinstance(decoder, Stateful)
    assert decoder.topics() == ()
    for topic, entity in [("v1.1/Datastreams(42)", STREAM), ("v1.1/Datastreams(42)", 7), ("elsewhere", {})]:
        decoder.learn(Message(topic, json.dumps(entity).encode(), 0))
    seen = Message("v1.1/Datastreams(42)/Observations", json.dumps(SEEN).encode(), 0)
    assert decoder.decode(seen).reports[0].measurements[0].value == 21.5


def test_each_server_has_its_own_datastreams() -> None:
    catalogue = described(("a/v1.1/Datastreams(42)", STREAM))
    decoded = say(catalogue, "b/v1.1/Datastreams(42)/Observations", SEEN)
    assert decoded.refusal is not None
    assert decoded.refusal.reason is Reason.UNKNOWN_ALIAS
    assert measured(say(catalogue, "a/v1.0/Datastreams(42)/Observations", SEEN))[0][0] == "a/Datastreams(42)"


@pytest.mark.parametrize(
    ("topic", "seen"),
    [
        ("v1.1/Observations", {**SEEN, "Datastream": {"@iot.id": 42}}),
        ("v1.1/Observations(9)", {**SEEN, "Datastream": {"@iot.id": 42, **STREAM}}),
        ("v1.1/Things(1)/Datastreams(42)/Observations", SEEN),
        ("v1.1/Datastreams('42')/Observations", SEEN),
        ("v1.1/Datastreams(42)/Observations?$select=result,phenomenonTime", SEEN),
        ("v1.1/Datastreams(42)/Observations", {"result": "21.5", "resultTime": WHEN}),
        ("v1.1/Datastreams(42)/Observations", {**SEEN, "phenomenonTime": f"2025-10-09T08:00:00Z/{WHEN}"}),
    ],
)
def test_observations_come_in_many_ways(topic: str, seen: dict) -> None:
    catalogue = described(("v1.1/Datastreams(42)", STREAM))
    assert measured(say(catalogue, topic, seen)) == [("Datastreams(42)", "temperature", "", 21.5, WHEN_MS)]


def test_an_expanded_datastream_needs_no_memory() -> None:
    inline = {
        "@iot.id": "pump-7",
        "name": "P7",
        "unitOfMeasurement": {"name": "Kilopascal", "symbol": "kPa", "definition": ""},
        "ObservedProperty": {"name": "Discharge pressure"},
    }
    decoded = say(Catalogue(), "v1.1/Observations", {**SEEN, "result": 300, "Datastream": inline})
    assert measured(decoded) == [("Datastreams(pump-7)", "pressure", "", 300_000.0, WHEN_MS)]


def test_the_observed_property_may_come_by_itself() -> None:
    nameless = {**STREAM, "name": "DS 42", "unitOfMeasurement": {"symbol": "m"}}
    catalogue = described(("v1.1/Datastreams(42)", nameless))
    before = say(catalogue, "v1.1/Datastreams(42)/Observations", SEEN)
    assert measured(before) == []
    assert [(one.name, one.value) for one in before.reports[0].unmapped] == [("DS 42", 21.5)]
    decoded = say(catalogue, "v1.1/Datastreams(42)/ObservedProperty", {"@iot.id": 3, "name": "Water level"})
    assert decoded.learned == "sensorthings:Datastreams(42)/ObservedProperty"
    assert [one[1] for one in measured(say(catalogue, "v1.1/Datastreams(42)/Observations", SEEN))] == ["water_level"]
    say(catalogue, "v1.1/Datastreams(42)", nameless)  # says nothing of it, and takes nothing back
    assert [one[1] for one in measured(say(catalogue, "v1.1/Datastreams(42)/Observations", SEEN))] == ["water_level"]


def test_a_thing_may_bring_its_datastreams() -> None:
    thing = {"@iot.id": 1, "name": "Town hall", "Datastreams": [STREAM, {"@iot.id": 43, "name": "x"}, 5]}
    catalogue = Catalogue()
    decoded = say(catalogue, "v1.1/Things(1)", thing)
    assert decoded.learned == "sensorthings:Things(1)"
    assert (decoded.reports[0].device, decoded.reports[0].about.name) == ("Things(1)", "Town hall")
    assert len(measured(say(catalogue, "v1.1/Datastreams(42)/Observations", SEEN))) == 1


def test_a_location_is_of_its_thing() -> None:
    place = {"@iot.id": 5, "name": "square", "location": {"type": "Point", "coordinates": [11.57, 48.13]}}
    (report,) = say(Catalogue(), "v1.1/Things(1)/Locations", place).reports
    assert (report.device, report.kind, report.about.location) == ("Things(1)", Kind.LOCATION, (11.57, 48.13))


def test_a_multi_datastream_has_a_result_of_several() -> None:
    entity = {
        "@iot.id": 7,
        "name": "Weather",
        "unitOfMeasurements": [CELSIUS, {"symbol": "%", "name": "percent"}, {"symbol": "kPa"}],
        "ObservedProperties": [{"name": "Temperature"}, {"name": "Relative humidity"}],
    }
    catalogue = described(("v1.1/MultiDatastreams(7)", entity))
    decoded = say(catalogue, "v1.1/MultiDatastreams(7)/Observations", {**SEEN, "result": [20, 40, 100]})
    assert [one[:2] + one[3:4] for one in measured(decoded)] == [
        ("MultiDatastreams(7)", "temperature", 20.0),
        ("MultiDatastreams(7)", "humidity", 40.0),
        ("MultiDatastreams(7)", "pressure", 100_000.0),
    ]
    short = say(catalogue, "v1.1/MultiDatastreams(7)/Observations", {**SEEN, "result": [20]})
    assert measured(short) == []
    assert "3 values" in short.reports[0].unmapped[0].why


def test_true_and_false_are_results_too() -> None:
    catalogue = described(("v1.1/Datastreams(42)", {**STREAM, "name": "Smoke", "unitOfMeasurement": {"symbol": None}}))
    assert [
        one[1:4] for one in measured(say(catalogue, "v1.1/Datastreams(42)/Observations", {**SEEN, "result": True}))
    ] == [("smoke_alarm", "", 1.0)]


@pytest.mark.parametrize(
    ("change", "unmapped"),
    [
        ({"result": None}, []),
        ({"result": [1, 2]}, ["2 values"]),
        ({"result": {"a": 1}}, ["1 values"]),
        ({"result": 9999}, [9999]),
        ({"result": 10**400}, [10**400]),
        ({"result": "high"}, ["high"]),
        ({"resultQuality": "bad: sensor frozen"}, [21.5]),
    ],
)
def test_what_cannot_be_believed_is_no_reading(change: dict, unmapped: list) -> None:
    catalogue = described(("v1.1/Datastreams(42)", STREAM))
    decoded = say(catalogue, "v1.1/Datastreams(42)/Observations", {**SEEN, **change})
    assert measured(decoded) == []
    assert [one.value for one in decoded.reports[0].unmapped] == unmapped


def test_a_good_quality_is_believed() -> None:
    catalogue = described(("v1.1/Datastreams(42)", STREAM))
    assert len(measured(say(catalogue, "v1.1/Datastreams(42)/Observations", {**SEEN, "resultQuality": "good"}))) == 1


@pytest.mark.parametrize(
    ("topic", "entity", "reason", "field"),
    [
        ("v1.1/Datastreams(42)/Observations", {**SEEN, "Datastream": {"@iot.id": 43}}, Reason.IDENTITY_MISMATCH, None),
        ("v1.1/Datastreams(42)", {**STREAM, "@iot.id": 43}, Reason.IDENTITY_MISMATCH, "@iot.id"),
        ("v1.1/Observations", SEEN, Reason.SCHEMA, "Datastream"),
        ("v1.1/Datastreams(42)/Observations", {"phenomenonTime": WHEN}, Reason.SCHEMA, "result"),
        ("v1.1/Datastreams(8)/Observations", SEEN, Reason.UNKNOWN_ALIAS, "result"),
        ("v1.1/Datastreams", {"name": "x"}, Reason.SCHEMA, "@iot.id"),
    ],
)
def test_what_is_refused(topic: str, entity: dict, reason: Reason, field: str | None) -> None:
    decoded = say(described(("v1.1/Datastreams(42)", STREAM)), topic, entity)
    assert decoded.refusal is not None
    assert decoded.refusal.reason is reason
    assert field in (None, decoded.refusal.field)


@pytest.mark.parametrize(
    ("topic", "payload", "taken"),
    [
        ("v1.1/Datastreams(42)/Observations", b'{"result":1}', True),
        ("city/frost/v1.0/Observations", b'{"result":1}', True),
        ("v1.1/Things(1)", b'{"name":"x"}', True),
        ("v1.1/Datastreams(42)/Observations", b"[]", False),
        ("v1.1/Datastreams(42)/Observations", b"{}", False),
        ("v2.0/Datastreams(42)/Observations", b'{"result":1}', False),
        ("v1.1/Widgets(1)", b'{"result":1}', False),
        ("v1.1/Datastreams(42)/observedArea", b'{"result":1}', False),
        ("Datastreams(42)/Observations", b'{"result":1}', False),
        ("v1.1/Datastreams(4/2)/Observations", b'{"result":1}', False),
    ],
)
def test_what_is_recognised(topic: str, payload: bytes, taken: bool) -> None:
    assert (SensorThings().recognise(Message(topic, payload, ARRIVED)) is not None) is taken


def test_a_route_may_name_it_for_another_topic_and_is_told_why_not() -> None:
    refusal = SensorThings()
    with pytest.raises(ValueError, match="SensorThings"):
        refusal.decode(Message("a/b", b"{}", 0))


def test_the_stream_used_longest_ago_is_forgotten() -> None:
    streams = Streams(most=4)
    for name in ("a", "b"):
        streams.put(name, Stream(name, (Part("Cel", "", "C"),)))
    streams.get("a")
    streams.put("a", Stream("a", (Part("Cel", "", "C"),)))
    streams.put("c", Stream("c", (Part("Cel", "", "C"),)))
    assert len(streams) == 2
    assert streams.get("b") is None
    assert streams.get("a") is not None


TOPICS = st.sampled_from(
    [
        "v1.1/Datastreams(1)/Observations",
        "v1.1/Datastreams(1)",
        "v1.0/Datastreams(1)/ObservedProperty",
        "x/v1.1/MultiDatastreams(1)",
        "x/v1.1/MultiDatastreams(1)/Observations",
        "v1.1/Observations",
        "v1.1/Things(1)",
        "v1.1/Things(1)/Locations",
        "v1.1/Sensors(1)/Datastreams",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(["°C", "%", "kPa", WHEN, f"/{WHEN}", "Temperature", "Level"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["@iot.id", "name", "symbol", "unitOfMeasurement", "ObservedProperty", "type", "coordinates"]
            ),
            inner,
            max_size=3,
        )
    ),
)
ENTITIES = st.dictionaries(
    st.sampled_from(
        [
            "@iot.id",
            "name",
            "result",
            "phenomenonTime",
            "resultTime",
            "resultQuality",
            "unitOfMeasurement",
            "unitOfMeasurements",
            "ObservedProperty",
            "ObservedProperties",
            "Datastream",
            "Datastreams",
            "MultiDatastream",
            "location",
        ]
    ),
    ANYTHING,
)


@given(st.lists(st.tuples(TOPICS, ENTITIES), max_size=8))
def test_any_history_of_entities_is_read_or_refused(history: list[tuple[str, dict]]) -> None:
    catalogue = Catalogue()
    for topic, entity in history:
        say(catalogue, topic, entity)


@given(st.binary(max_size=60), TOPICS)
def test_any_bytes_are_read_or_refused(payload: bytes, topic: str) -> None:
    decode(topic, payload)
    decode(topic, b'{"result":' + payload)
