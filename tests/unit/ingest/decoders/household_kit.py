"""Shared by the tests of building automation's decoders: what a message means, short, and messages that went wrong."""

import copy
import json
import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ingest.decoders.base import NO_OPTIONS, Decoder, Message, Options, RefusedError
from ingest.messages import Decoded, Kind, Report
from schemas.properties import PROPERTIES

ARRIVED_MS = 1_780_000_000_000


def message(topic: str, payload: Any, options: Options = NO_OPTIONS) -> Message:
    """A message; what is neither bytes nor text is sent as JSON."""
    data = (
        payload if isinstance(payload, bytes) else payload.encode() if isinstance(payload, str) else json.dumps(payload)
    )
    return Message(topic, data if isinstance(data, bytes) else data.encode(), ARRIVED_MS, options)


def reports(decoder: Decoder, topic: str, payload: Any, options: Options = NO_OPTIONS) -> list[Report]:
    """What a decoder reports, after it has recognised the message as its own."""
    one = message(topic, payload, options)
    assert decoder.recognise(one), f"{decoder.name} does not recognise {topic}"
    return list(decoder.decode(one).reports)


def report(decoder: Decoder, topic: str, payload: Any, options: Options = NO_OPTIONS) -> Report:
    """The only report of a message."""
    (only,) = reports(decoder, topic, payload, options)
    return only


def values(report: Report) -> dict[str, float]:
    """Measured values under ``property`` or ``property@channel``."""
    out = {}
    for one in report.measurements:
        name = f"{one.observed_property}@{one.channel}" if one.channel else one.observed_property
        assert name not in out, f"{name} was measured twice"
        out[name] = one.value
    return out


def left(report: Report) -> dict[str, Any]:
    """Unmapped fields with their values."""
    return {one.name: one.value for one in report.unmapped}


def sturdy(decoder: Decoder, one: Message) -> Decoded | None:
    """Decode anything: a result that holds what results promise, or a refusal; None for the latter."""
    why = decoder.recognise(one)
    assert why is None or (isinstance(why, str) and why)
    try:
        decoded = decoder.decode(one)
    except RefusedError:
        return None
    for each in decoded.reports:
        assert isinstance(each.device, str)
        assert each.device
        assert isinstance(each.kind, Kind)
        assert each.time_ms is None or each.time_ms >= 0
        assert len(each.unmapped) <= 256
        for part in each.measurements:
            prop = PROPERTIES[part.observed_property]
            assert math.isfinite(part.value)
            assert prop.low <= part.value <= prop.high
            assert len(part.channel) <= 256
            if prop.is_flag:
                assert part.value in (0.0, 1.0)
    return decoded


_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([1e308, 0, -1, 256, 4_294_967_295, "@long@", "@large@", "@deep@"])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "ON", "on", "nan", "1e400", "9" * 5000, "\x00", "unavailable", "21.5 °C", "2026-02-30T10:00:00"]
    )
)
anything = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_MARKS = {"@long@": "9" * 5000, "@large@": "-1e400", "@deep@": "[" * 200 + "]" * 200}


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _paths(inner, (*at, key))
    return found


@st.composite
def mangled(draw: Callable[..., Any], outline: Any) -> str:
    """JSON of this outline in which some values are others, or are missing."""
    whole = [copy.deepcopy(outline)]
    for _ in range(draw(st.integers(1, 3))):
        path = (0, *draw(st.sampled_from(_paths(whole[0]))))
        inside: Any = whole
        for step in path[:-1]:
            inside = inside[step]
        if isinstance(inside, dict) and draw(st.booleans()):
            del inside[path[-1]]
        else:
            inside[path[-1]] = copy.deepcopy(draw(anything))
    text = json.dumps(whole[0])
    for mark, raw in _MARKS.items():
        text = text.replace(f'"{mark}"', raw)
    return text.replace("a", "\\ud800", 1) if draw(st.integers(0, 19)) == 0 else text
