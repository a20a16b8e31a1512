"""The sent file must name every reading as ingest will: the account of a run stands on it."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import ceil, floor
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ingest.decoders.own_json import decode_observations, decode_sightings
from ingest.normalise import measurement_identity, sighting_identity
from ops.feed.publication import Packer, Publication
from ops.feed.replay import _lines_for
from ops.simulate.demo import Demo
from ops.simulate.model import Sample, Sighting, Value
from schemas.camera import TrackPhase
from schemas.identity import payload_hash
from schemas.properties import PROPERTIES
from schemas.units import UNITS

T0 = 1_783_267_200_000


class Source:
    """Devices of which some number their messages."""

    start_ms = T0
    facilities = ()
    zones = ()

    def numbers(self, device: str) -> bool:
        return device.startswith("n")

    def items(self) -> Any:
        return iter(())

    def incidents(self, until_ms: int) -> list[Any]:
        return []


@st.composite
def values(draw: st.DrawFn) -> Value:
    prop = PROPERTIES[draw(st.sampled_from(sorted(PROPERTIES)))]
    if prop.is_flag:
        return Value(prop.name, draw(st.booleans()))
    unit = draw(st.sampled_from([None, *sorted(u.code for u in UNITS.values() if u.canonical == prop.unit)]))
    known = UNITS[unit or prop.unit]
    low, high = ((bound - known.offset) / known.factor for bound in (prop.low, prop.high))
    value = draw(st.floats(low, high) | st.sampled_from([0.0, -0.0]) | st.integers(ceil(low), floor(high)))
    inside = min(max(value, low + (high - low) * 1e-9), high - (high - low) * 1e-9)
    return Value(prop.name, inside if value else value, unit)


samples = st.builds(
    Sample,
    at_ms=st.integers(0, 4_000_000_000_000),
    device=st.sampled_from(["n-1", "n-2", "x-1"]),
    values=st.lists(values(), min_size=1, max_size=4, unique_by=lambda v: v.observed_property).map(tuple),
)
sightings = st.builds(
    Sighting,
    at_ms=st.integers(0, 4_000_000_000_000),
    device=st.sampled_from(["n-cam", "x-cam"]),
    phase=st.sampled_from(TrackPhase),
    track=st.text(min_size=1, max_size=20).filter(str.isprintable),
    label=st.sampled_from(["car", "bus", "三轮车"]),
    zones=st.lists(st.sampled_from(["north_kerb", "bus_stop"]), unique=True).map(tuple),
    stationary=st.booleans(),
    confidence=st.floats(0, 1),
)


def as_ingest_hears(publication: Publication) -> list[dict[str, Any]]:
    """The lines of the sent file, made by ingest's own decoders and identities."""
    site, device, channel = publication.topic.removeprefix("eyes/v1/").split("/")
    assert site == "s"
    digest = payload_hash(publication.topic, publication.payload)
    if channel == "camera":
        decoded = decode_sightings(publication.payload)
        assert decoded.refusal is None
        return [
            {"kind": "camera", "device": device, "identity": sighting_identity(one, 1, digest, index)}
            for index, one in enumerate(decoded.sightings)
        ]
    decoded = decode_observations(publication.payload)
    assert decoded.refusal is None, decoded.refusal
    return [
        {
            "kind": "reading",
            "device": device,
            "property": one.observed_property,
            "identity": measurement_identity(one, 1, digest, index),
            "value": one.value,
        }
        for index, one in enumerate(decoded.measurements)
    ]


@given(st.lists(samples, min_size=1, max_size=5))
@example([Sample(T0, "x-1", (Value("temperature", -0.0, "Cel"),)), Sample(T0, "x-1", (Value("flow", -0.0, "L/s"),))])
def test_readings_are_named_as_ingest_will_name_them(said: list[Sample]) -> None:
    packer = Packer(Source(), site="s", boot="0a1b")
    for sample in said:
        publication = packer.sample(sample)
        assert repr(list(publication.lines)) == repr(as_ingest_hears(publication))  # by text: -0.0 is equal to 0.0
        assert publication.due_ms == sample.at_ms


@given(samples)
@example(Sample(T0, "n-1", (Value("tilt_angle", 3.0, "rad"),)))
def test_a_contradiction_is_understood_too_and_differs_only_in_its_value(sample: Sample) -> None:
    packer = Packer(Source(), site="s", boot="0a1b")
    original = packer.sample(sample)
    contradiction = packer.conflict(sample, original)
    if contradiction is None:
        return
    assert list(contradiction.lines) == as_ingest_hears(contradiction)
    (line,) = contradiction.lines
    same = [one for one in original.lines if one["property"] == line["property"]]
    assert [one["identity"] for one in same] == [line["identity"]]
    assert same[0]["value"] != line["value"]


@given(st.lists(sightings, min_size=1, max_size=5))
def test_sightings_are_named_as_ingest_will_name_them(seen: list[Sighting]) -> None:
    packer = Packer(Source(), site="s", boot="0a1b")
    for sighting in seen:
        publication = packer.sighting(sighting)
        assert list(publication.lines) == as_ingest_hears(publication)


def test_each_device_counts_its_messages_from_zero() -> None:
    packer = Packer(Source(), site="s", boot="b")
    said = [packer.sample(Sample(T0 + i, device, (Value("flow", 1.0),))) for i in range(3) for device in ("n-1", "n-2")]
    assert [p.lines[0]["identity"] for p in said] == ["a:b:0", "a:b:0", "a:b:1", "a:b:1", "a:b:2", "a:b:2"]


def test_the_values_of_one_moment_share_a_message_and_a_number() -> None:
    packer = Packer(Source(), site="s", boot="b")
    publication = packer.sample(Sample(T0, "n-1", (Value("tilt_angle", 3.0, "deg"), Value("contact_open", False))))
    assert [one["seq"] for one in json.loads(publication.payload)] == [0, 0]
    assert publication.topic == "eyes/v1/s/n-1/observations"


reading = st.fixed_dictionaries(
    {
        "property": st.sampled_from(["pressure", "flow", "occupied", "humidity", "nonsense"]),
        "value": st.floats(allow_nan=False, allow_infinity=False)
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.none()
        | st.text(max_size=2),
    },
    optional={
        "unit": st.sampled_from(["Pa", "kPa", "m3/h", "%", "furlong"]) | st.none(),
        "time": st.integers(-(10**8), 10**10).map(lambda s: datetime.fromtimestamp(s, UTC).isoformat())
        | st.sampled_from(["yesterday", "2026-01-01T00:00:00", 5]),
        "seq": st.integers(-2, 2**63) | st.none(),
        "boot": st.sampled_from(["", "b7", "no spaces"]),
        "unheard": st.just(1),
    },
)
payloads = (
    reading.map(json.dumps)
    | st.lists(reading, max_size=3).map(json.dumps)
    | st.sampled_from(['{"property":"flow","value":1,"value":2}', "[]", "{}", "null", "1", '"x"', "[[]]", "[", ""])
    | st.sampled_from(
        ['{"property":"flow","value":NaN}', '{"property":"flow","value":-0.0,"time":"2026-01-01T00:00Z"}']
    )
)


@given(payloads)
@example('{"property":"humidity","value":101}')
@example("[]")
def test_a_recording_is_accounted_for_as_ingest_will_take_it(payload: str) -> None:
    topic = "eyes/v1/s/x-1/observations"
    decoded = decode_observations(payload.encode())
    expected: list[str] = []
    for one in decoded.measurements:
        identity = measurement_identity(one, 1, "", 0)
        expected.append(repr((one.observed_property, None if identity[0] == "c" else identity, one.value)))
    lines = list(_lines_for(topic, payload.encode()))
    heard = [repr((one["property"], one["identity"], one["value"])) for one in lines if one["kind"] == "reading"]
    assert heard == expected
    refused = [one for one in lines if one["kind"] == "garbage"]
    assert len(refused) == (decoded.refusal is not None)
    assert all(one["sha256"] == sha256(payload.encode()).hexdigest() for one in refused)


def test_what_the_street_says_is_understood_whole(tmp_path: Path) -> None:
    from itertools import islice

    demo = Demo(3, T0)
    packer = Packer(demo.street, site="s", boot="b")
    first = datetime.fromtimestamp(T0 / 1000, UTC)
    for item in islice(demo.street.items(), 4_000):
        publication = packer.sample(item) if isinstance(item, Sample) else packer.sighting(item)
        assert list(publication.lines) == as_ingest_hears(publication)
        assert first <= datetime.fromtimestamp(publication.due_ms / 1000, UTC) < first + timedelta(days=1)
