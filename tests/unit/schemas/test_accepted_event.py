from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.accepted import AcceptedMessages
from schemas.columns import AcceptedColumns
from schemas.envelope import ACCEPTED_TYPE, CloudEvent, UnknownEventError, decode, encode

NOW = datetime(2026, 11, 24, 1, 2, 3, 4000, UTC)


@st.composite
def accepted(draw: st.DrawFn) -> AcceptedColumns:
    message = st.tuples(st.text(max_size=40), st.integers(0, 253_402_300_799_999), st.binary(max_size=80))
    rows = draw(st.lists(message, max_size=12))
    topics, arrivals, payloads = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return AcceptedColumns(draw(st.text(max_size=12)), topics, arrivals, payloads)


@given(accepted())
def test_the_fast_form_is_the_defined_one_byte_for_byte(columns: AcceptedColumns) -> None:
    raw = msgspec.json.encode(columns)
    defined = AcceptedMessages.model_validate_json(raw)
    assert list(defined.payload) == columns.payload
    assert msgspec.json.decode(defined.model_dump_json(by_alias=True), type=AcceptedColumns) == columns
    rebuilt = AcceptedMessages(
        shard=columns.shard,
        mqtt_topic=tuple(columns.mqtt_topic),
        arrival_time=tuple(columns.arrival_time),
        payload=tuple(columns.payload),
    )
    assert rebuilt == defined


@given(accepted())
def test_messages_survive_the_wire(columns: AcceptedColumns) -> None:
    event = CloudEvent(id="1", source="/x/ingest/s0", time=NOW, data=columns, partitionkey="s0")
    assert event.type == ACCEPTED_TYPE
    assert decode(encode(event)) == event
    assert encode(decode(encode(event))) == encode(event)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="different length"):
        AcceptedColumns("s", ["t"], [1, 2], [b""])
    with pytest.raises(ValidationError, match="different length"):
        AcceptedMessages(shard="s", mqtt_topic=("t",), arrival_time=(1,), payload=())


@pytest.mark.parametrize("payload", ["e30=!", "e30", "e3-_", "0"])
def test_what_is_not_base64_is_refused(payload: str) -> None:
    data = {"shard": "s", "mqttTopic": ["t"], "arrivalTime": [1], "payload": [payload]}
    with pytest.raises(ValidationError, match="payload"):
        AcceptedMessages.model_validate(data, strict=False)
    raw = encode(CloudEvent(id="1", source="/x", time=NOW, data=AcceptedColumns("s", ["t"], [1], [b"{}"])))
    with pytest.raises(UnknownEventError, match="payload"):
        decode(raw.replace(b"e30=", payload.encode()))
