import json
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import TYPE_OF, CloudEvent, UnknownEventError, decode, encode
from schemas.facility import FacilityClass, Place
from schemas.observation import ObservationBatch
from schemas.quarantine import Quarantined, Reason
from schemas.registry import FacilityLeft

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
