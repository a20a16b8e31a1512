"""What tests of camera decoders share: running one, and what must be true of whatever comes out."""

import json
import math
import re
import sys
from copy import deepcopy
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ingest.decoders.base import Decoder, Message, Options, RefusedError
from ingest.decoders.catalogue import Catalogue
from ingest.messages import Decoded, Report
from schemas.model import DeviceId
from schemas.properties import PROPERTIES

PIECES = re.compile(r'[^<>="/;,{}\s]+|[<>="/;,{}\s]')
ARRIVED = 1_764_000_000_000  # 2025-11-24T16:00:00Z

_device: TypeAdapter[str] = TypeAdapter(DeviceId)


def message_of(topic: str, payload: Any, *, zone: str | None = None) -> Message:
    data = payload if isinstance(payload, bytes) else payload.encode() if isinstance(payload, str) else None
    options = Options(timezone=None if zone is None else ZoneInfo(zone))
    return Message(topic, msgspec.json.encode(payload) if data is None else data, ARRIVED, options)


def run(decoder: Decoder, topic: str, payload: Any, *, zone: str | None = None) -> Decoded:
    """Decode as the catalogue does, and check what must always be true."""
    try:
        decoded = decoder.decode(message_of(topic, payload, zone=zone))
    except RefusedError as error:
        decoded = Decoded(refusal=error.refusal, refused=1)
    check(decoded)
    return decoded


def one(decoder: Decoder, topic: str, payload: Any, *, zone: str | None = None) -> Report:
    """The only report of a message of which nothing is refused."""
    decoded = run(decoder, topic, payload, zone=zone)
    assert decoded.refusal is None, decoded.refusal
    assert len(decoded.reports) == 1
    return decoded.reports[0]


def check(decoded: Decoded) -> None:
    assert (decoded.refusal is None) == (decoded.refused == 0)
    assert decoded.reports or decoded.refusal is not None
    for report in decoded.reports:
        _device.validate_python(report.device)
        for part in report.measurements:
            prop = PROPERTIES[part.observed_property]
            assert math.isfinite(part.value)
            assert prop.low <= part.value <= prop.high
        msgspec.json.encode([report.unmapped, report.happening, report.about, report.named])
        msgspec.json.encode([seen.model_dump_json() for seen in report.sightings])


def values(report: Report) -> dict[str, float]:
    """Measurements by ``property`` or ``property/channel``."""
    return {
        part.observed_property + (f"/{part.channel}" if part.channel else ""): part.value
        for part in report.measurements
    }


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def chosen(topic: str, payload: Any) -> str | None:
    """The decoder that the default routes give a message to."""
    try:
        return Catalogue().choose(message_of(topic, payload)).decoder.name
    except RefusedError:
        return None


# ------------------------------------------------------------------------------------------------ arbitrary messages

odd: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([10**4000, -1, 0, 1, 1e308, -1e308, "", " ", "\x00", "a" * 300, "on", "-1", "1e400", "2025-11-24"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.integers() | st.text(st.characters(exclude_categories=["Cs"])), max_size=4),
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(), max_size=3),
)


def encoded(value: Any) -> bytes:
    """JSON of any numbers, also of those that msgspec would not write."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(value).encode()
    finally:
        sys.set_int_max_str_digits(before)


@st.composite
def altered(draw: st.DrawFn, templates: list[Any]) -> bytes:
    """A message of the right outline with values replaced, anywhere in it."""
    message = deepcopy(draw(st.sampled_from(templates)))
    for _ in range(draw(st.integers(1, 4))):
        at = message
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = at[key]
            if isinstance(inner, dict | list) and inner and draw(st.booleans()):
                at = inner
                continue
            at[key] = draw(odd)
            break
    return encoded(message)


@st.composite
def mangled(draw: st.DrawFn, templates: list[str]) -> bytes:
    """A text with pieces between its delimiters replaced, left out or doubled."""
    text = draw(st.sampled_from(templates))
    pieces = PIECES.findall(text)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(pieces) - 1))
        pieces[at] = draw(
            st.sampled_from(["", pieces[at] * 2, "1" * 400, "\x01", "true", "-1", "a/b", "&lt;", "é" * 40])
            | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
        )
    return "".join(pieces).encode()
