"""Sparkplug B payloads: bytes to messages, and the values in them (Eclipse Sparkplug 3.0, chapter 6.4)."""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError

from ingest.decoders.base import RefusedError, schema
from ingest.decoders.sparkplug.schema import load
from schemas.quarantine import Reason

MESSAGES: Final = load(Path(__file__).with_name("sparkplug_b.proto"))
Payload: Final = MESSAGES["Payload"]

METRICS_MAX: Final = 20_000
_TEXT_MAX: Final = 256
_DEPTH_MAX: Final = 4
_UNPACKED_MAX: Final = 4 * 1024 * 1024
_COMPRESSED: Final = "SPBV1.0_COMPRESSED"
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32

BOOLEAN: Final = 11
_SIGNED_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}
_HELD_BITS: Final = {"int_value": 32, "long_value": 64}
_NO_SCALARS: Final = {
    "bytes_value": "bytes",
    "dataset_value": "a table (DataSet)",
    "template_value": "a Template",
    "extension_value": "an extension",
    "propertyset_value": "a PropertySet",
    "propertysets_value": "a list of PropertySets",
}


def parse(payload: bytes) -> Any:
    """Read a payload, unpacking a compressed one.

    Raises:
        RefusedError: no protobuf, nothing in it, or beyond every bound.
    """
    found = _parse(payload)
    if found.uuid == _COMPRESSED:
        inner = _parse(_unpack(found.body))
        if not inner.HasField("seq") and found.HasField("seq"):
            inner.seq = found.seq
        found = inner
    if not found.metrics and not found.HasField("timestamp"):
        schema("timestamp", "neither a time nor a metric: no payload of Sparkplug B")
    if len(found.metrics) > METRICS_MAX:
        schema("metrics", f"{len(found.metrics)} metrics, more than {METRICS_MAX}")
    return found


def _parse(payload: bytes) -> Any:
    try:
        return Payload.FromString(payload)
    except DecodeError as error:
        raise RefusedError(Reason.MALFORMED, None, f"no protobuf of Sparkplug B: {error}") from None


def _unpack(body: bytes) -> bytes:
    """The body of a compressed payload, by GZIP or DEFLATE (Eclipse Tahu's convention).

    Raises:
        RefusedError: neither, or too large when unpacked.
    """
    try:
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        out = unpacker.decompress(body, _UNPACKED_MAX)
    except zlib.error as error:
        raise RefusedError(Reason.MALFORMED, "body", f"neither GZIP nor DEFLATE: {error}") from None
    if not unpacker.eof:
        what = f"larger than {_UNPACKED_MAX} bytes" if unpacker.unconsumed_tail else "cut short"
        raise RefusedError(Reason.MALFORMED, "body", f"unpacked: {what}")
    return out


def scalar(holder: Any, datatype: int) -> Any:
    """The value of a metric or property as JSON has it; None where it has none.

    A signed integer is its two's complement. What is no number, text or truth value is named by :func:`no_scalar`.
    """
    which = holder.WhichOneof("value")
    if which is None or which in _NO_SCALARS:
        return None
    value = getattr(holder, which)
    if which in _HELD_BITS:
        bits = _SIGNED_BITS.get(datatype)
        return value if bits is None else _signed(value, bits, _HELD_BITS[which])
    if which == "string_value":
        return value[:_TEXT_MAX] if isinstance(value, str) else repr(value[:_TEXT_MAX])
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON knows no such number, and it measures nothing
    return value


def no_scalar(holder: Any) -> str:
    """What else than a number, text or truth value stands there; empty: nothing else."""
    return _NO_SCALARS.get(holder.WhichOneof("value") or "", "")


def _signed(value: int, bits: int, held: int) -> int:
    """Two's complement of so many bits, whether the sender cut it to them or extended its sign to the field's width."""
    half = 1 << (bits - 1)
    if value < half:
        return value
    if value < half << 1:
        return value - (half << 1)
    extended = value - (1 << held)
    return (
        extended if extended >= -half else value
    )  # else: no value of the datatype; out of every bound it shows itself


def name_of(metric: Any) -> str:
    """The name of a metric, empty where it has none.

    Raises:
        RefusedError: it is not UTF-8, or longer than anyone reads.
    """
    name = metric.name
    if isinstance(name, bytes):
        raise RefusedError(Reason.INVALID_UTF8, "metrics", f"a name that is not UTF-8: {name[:64]!r}")
    if len(name) > _TEXT_MAX:
        schema("metrics", f"a name of {len(name)} characters, more than {_TEXT_MAX}")
    return str(name)


def parts(metric: Any, name: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The metric, or the metrics inside of a Template instance under ``name/inner``; definitions have no values."""
    if metric.WhichOneof("value") != "template_value":
        yield name, metric
        return
    template = metric.template_value
    if template.is_definition or depth >= _DEPTH_MAX:
        return
    for inner in template.metrics:
        yield from parts(inner, f"{name}/{name_of(inner)}"[:_TEXT_MAX], depth + 1)


def texts(properties: Any) -> dict[str, str]:
    """The text properties of a metric, keys in lower case."""
    out: dict[str, str] = {}
    for key, value in zip(properties.keys[:64], properties.values[:64], strict=False):
        text = scalar(value, value.type)
        if isinstance(key, str) and isinstance(text, str) and not value.is_null:
            out[key.lower()] = text
    return out


def rebirth(time_ms: int) -> bytes:
    """The payload of the command that asks an edge node for its births again (3.0, section 6.4.22)."""
    command = Payload(timestamp=time_ms)
    command.metrics.add(name="Node Control/Rebirth", timestamp=time_ms, datatype=BOOLEAN, boolean_value=True)
    return bytes(command.SerializeToString())
