"""Makes Sparkplug messages for tests."""

from typing import Any

from ingest.decoders.base import Message
from ingest.decoders.sparkplug.wire import MESSAGES

T0 = 1_760_000_000_000
INT8, INT16, INT32, INT64, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING = 1, 2, 3, 4, 8, 9, 10, 11, 12
ARRIVED = T0 + 500


def payload(seq: int | None, *metrics: dict[str, Any], at: int | None = T0, **more: Any) -> bytes:
    found = MESSAGES["Payload"](**more)
    if at is not None:
        found.timestamp = at
    if seq is not None:
        found.seq = seq
    for fields in metrics:
        properties = fields.pop("props", {})
        metric = found.metrics.add(**fields)
        for key, value in properties.items():
            metric.properties.keys.append(key)
            metric.properties.values.add(type=STRING, string_value=value)
    return found.SerializeToString()


def bd_seq(number: int) -> dict[str, Any]:
    return {"name": "bdSeq", "datatype": INT64, "long_value": number}


def number(name: str, value: float, alias: int | None = None, **more: Any) -> dict[str, Any]:
    found = {"name": name, "datatype": DOUBLE, "double_value": value, **more}
    return found if alias is None else {**found, "alias": alias}


def truth(name: str, *, value: bool, alias: int | None = None) -> dict[str, Any]:
    found = {"name": name, "datatype": BOOLEAN, "boolean_value": value}
    return found if alias is None else {**found, "alias": alias}


def text(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "datatype": STRING, "string_value": value}


def message(kind: str, data: bytes, device: str | None = None, node: str = "plc1", prefix: str = "") -> Message:
    tail = "" if device is None else f"/{device}"
    return Message(f"{prefix}spBv1.0/works/{kind}/{node}{tail}", data, ARRIVED)
