import json
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.camera import CameraEvent, DefinedCameraEvent, TrackPhase
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import TYPE_OF, CloudEvent, Data, UnknownEventError, decode, encode, written
from schemas.facility import FacilityClass, Place
from schemas.model import Moment, moment, to_ms
from schemas.observation import ObservationBatch
from schemas.quarantine import Quarantined, Reason
from schemas.registry import FacilityLeft

SEEN = CameraEvent(
    device="cam",
    facility="kerb-1",
    zone="segment:1",
    phase=TrackPhase.NEW,
    track="t",
    label="car",
    present=True,
    stationary=False,
    confidence=0.5,
    seen=Moment(1_795_453_323_004),
    came=Moment(1_795_453_323_500),
    identity="a::1",
    shard="s0",
)
NOW = datetime(2026, 11, 24, 1, 2, 3, 4000, UTC)

names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)
series = st.builds(
    SeriesColumns,
    device=names,
    observed_property=names,
    unit=names,
    facility=names,
    facility_class=st.sampled_from(FacilityClass),
    zone=names,
)
times = st.integers(0, 253_402_300_799_999)


@st.composite
def batches(draw: st.DrawFn) -> BatchColumns:
    columns = draw(st.lists(series, min_size=1, max_size=4))
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, len(columns) - 1),
                times,
                st.floats(allow_nan=False, allow_infinity=False),
                st.text(max_size=20),
                st.integers(0, 4),
                times,
            ),
            max_size=20,
        )
    )
    index, time, result, identity, quality, arrival = (list(c) for c in zip(*rows, strict=True)) if rows else [[]] * 6
    return BatchColumns("s0", columns, index, time, result, identity, quality, arrival)


@given(batches())
def test_the_fast_batch_is_the_defined_batch(batch: BatchColumns) -> None:
    raw = msgspec.json.encode(batch)
    defined = ObservationBatch.model_validate_json(raw)
    assert msgspec.json.decode(defined.model_dump_json(by_alias=True), type=BatchColumns) == batch


@given(batches())
def test_a_batch_survives_the_wire(batch: BatchColumns) -> None:
    event = CloudEvent(id="1", source="/x/ingest/s0", time=NOW, data=batch, partitionkey="partition-3")
    assert decode(encode(event)) == event
    assert encode(decode(encode(event))) == encode(event)


moments = st.integers(-62_135_596_800_000, 253_402_300_799_999).map(Moment)
lengths = st.floats(0, 10)


@st.composite
def camera_events(draw: st.DrawFn) -> CameraEvent:
    left, right = sorted(draw(st.tuples(lengths, lengths)))
    top, bottom = sorted(draw(st.tuples(lengths, lengths)))
    has_place = draw(st.booleans())
    return CameraEvent(
        box=draw(st.sampled_from([None, (left, top, right, bottom)])),
        still_s=draw(st.none() | st.floats(0, 86_400)),
        area_m2=draw(st.none() | lengths),
        step_m=draw(st.none() | lengths),
        lon=draw(st.floats(-180, 180)) if has_place else None,
        lat=draw(st.floats(-90, 90)) if has_place else None,
        device=draw(names),
        facility=draw(st.text(max_size=20)),
        zone=draw(names),
        phase=draw(st.sampled_from(TrackPhase)),
        track=draw(st.text(max_size=20)),
        label=draw(st.text(max_size=20)),
        present=draw(st.booleans()),
        stationary=draw(st.booleans()),
        confidence=draw(st.floats(0, 1)),
        lost=draw(st.booleans()),
        plate=draw(st.sampled_from([None, "0123456789abcdef" * 2])),
        view=draw(st.none() | st.text(max_size=20)),
        seen=draw(moments),
        came=draw(moments),
        identity=draw(st.text(max_size=20)),
        result_quality=draw(st.integers(0, 4)),
        shard=draw(st.text(max_size=20)),
    )


def told(data: Data) -> CloudEvent:
    return CloudEvent(id="1", source="/x/ingest/s0", time=NOW, data=data, partitionkey="segment:1")


@given(camera_events())
def test_what_a_camera_saw_is_held_as_it_is_defined(seen: CameraEvent) -> None:
    defined = DefinedCameraEvent.model_validate_json(written(seen))
    assert json.loads(written(defined)) == json.loads(written(seen))
    assert decode(encode(told(defined))) == decode(encode(told(seen))) == told(seen)
    assert to_ms(defined.phenomenon_time) == seen.time_ms
    assert (to_ms(defined.arrival_time), defined.arrival_time) == (seen.arrival_ms, seen.arrival_time)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("box", [2.0, 0.0, 1.0, 1.0]),
        ("box", [0.0, 0.0, 1.0]),
        ("lon", 113.8),
        ("lat", 91.0),
        ("stillS", -1.0),
        ("confidence", 1.5),
        ("confidence", "much"),
        ("plate", "ABC 123"),
        ("view", "v" * 65),
        ("resultQuality", 5),
        ("phase", "gone"),
        ("present", 1),
        ("device", None),
        ("phenomenonTime", "2026-11-24T01:02:03"),
        ("phenomenonTime", "yesterday"),
        ("arrivalTime", 1_772_452_800_000),
        ("arrivalTime", "0001-01-01T00:00:00+02:00"),
        ("colour", "red"),
    ],
)
def test_neither_form_takes_what_is_no_word_of_a_camera(field: str, value: object) -> None:
    said = json.loads(written(SEEN)) | {field: value}
    with pytest.raises(ValidationError):
        DefinedCameraEvent.model_validate_json(json.dumps(said))
    raw = json.loads(encode(told(SEEN))) | {"data": said}
    with pytest.raises(UnknownEventError):
        decode(json.dumps(raw).encode())


@pytest.mark.parametrize(
    "text", ["2026-11-24T01:02:03.004999+08:00", "2026-11-23T17:02:03.004Z", "20261124T010203,0049+0800"]
)
def test_a_time_is_the_same_moment_in_either_form(text: str) -> None:
    raw = json.dumps(json.loads(written(SEEN)) | {"phenomenonTime": text}).encode()
    assert to_ms(DefinedCameraEvent.model_validate_json(raw).phenomenon_time) == moment(text) == 1_795_453_323_004


def finding(**changes: object) -> Anomaly:
    fields: dict[str, object] = {
        "id": UUID(int=7),
        "transition": Transition.RAISED,
        "kind": AnomalyKind.COVER_TILTED,
        "severity": Severity.MAJOR,
        "zone": "grid:411002001003007",
        "subject": "41100201001000123",
        "place": Place(lon=113.85, lat=34.03),
        "since": NOW,
        "at": NOW,
        "summary": "Cover 41100201001000123 tilted 17 deg",
        "detector": "cover",
        "detector_version": 1,
    }
    return Anomaly.model_validate(fields | changes)


def test_a_finding_survives_the_wire() -> None:
    event = CloudEvent(id="2", source="/x/processors", time=NOW, data=finding(), subject="s", partitionkey="z")
    assert decode(encode(event)) == event


def test_refused_bytes_survive_the_wire_whatever_they_are() -> None:
    payload = bytes(range(256))
    data = Quarantined(
        id=UUID(int=1),
        reason=Reason.INVALID_UTF8,
        detail="byte 128",
        payload=payload,
        payload_bytes=256,
        arrival_time=NOW,
        source="/x",
    )
    back = decode(encode(CloudEvent(id="3", source="/x", time=NOW, data=data))).data
    assert isinstance(back, Quarantined)
    assert back.payload == payload


def left(**attributes: str) -> bytes:
    """A departure with other attributes than it should have."""
    event = {"specversion": "1.0", "id": "1", "source": "s", "time": "2026-03-02T00:00:00Z"} | attributes
    event |= {"type": TYPE_OF[FacilityLeft], "data": {"facility": "f", "zone": "grid:1"}}
    return json.dumps(event).encode()


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"\xff\x00", "malformed"),
        (b"{}", "specversion"),
        (b'{"specversion":"0.3","id":"1","source":"s","type":"t","time":"x","data":{}}', "specversion"),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"no.such","time":"x","data":{}}', "no.such"),
        (b'{"specversion":"1.0","id":"","source":"s","type":"t","time":"x","data":{}}', "id"),
        (b'{"specversion":"1.0","id":"1","source":"","type":"t","time":"x","data":{}}', "source"),
        (left(time="2026-03-02T00:00:00"), "time"),
        (left(time="yesterday"), "time"),
    ],
)
def test_what_is_no_event_of_ours_is_named(raw: bytes, named: str) -> None:
    with pytest.raises(UnknownEventError, match=named):
        decode(raw)


def test_extension_attributes_of_others_are_ignored() -> None:
    assert decode(left(traceparent="00-1-2-01")).data == FacilityLeft(facility="f", zone="grid:1")


def test_a_field_of_the_future_is_refused_by_name() -> None:
    event = encode(CloudEvent(id="1", source="/x", time=NOW, data=finding()))
    with pytest.raises(UnknownEventError, match="colour"):
        decode(event.replace(b'"zone":', b'"colour":"red","zone":'))


def test_columns_of_different_length_are_refused() -> None:
    column = SeriesColumns("d", "pressure", "Pa", "f", FacilityClass.PRESSURE_METER, "z")
    with pytest.raises(ValueError, match="different length"):
        BatchColumns("s", [column], [0, 0], [1], [1.0], ["a"], [0], [1])
    with pytest.raises(ValueError, match="outside of series"):
        BatchColumns("s", [column], [1], [1], [1.0], ["a"], [0], [1])
