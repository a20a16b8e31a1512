"""Messages of LoRaWAN servers, and what must be true of whatever a decoder makes of any message."""

import json
import math
from typing import Any

from hypothesis import strategies as st

from ingest.decoders.base import Decoder, Message, RefusedError
from ingest.messages import Decoded, Report
from schemas.properties import PROPERTIES

ARRIVED_MS = 1_790_000_000_000
EUI = "70b3d5499f00a1c2"

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [1e308, -1, 10**400, "", "\x00", "\ud800", "1700 mm", "open", "No Sensor", "2026-01-01T00:00:00Z"]
    )
)
FIELDS = st.sampled_from(
    ["temperature", "battery", "distance", "history", "messages", "data", "value", "unit", "timestamp", "valve_1_pulse"]
) | st.text(max_size=8)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=25,
)


def replaced(value: Any, draw: Any) -> Any:
    """The same outline with some of its values, at any depth, replaced by arbitrary ones."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ANY_JSON)
    if isinstance(value, dict):
        return {name: replaced(one, draw) for name, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, draw) for one in value]
    return value


def as_bytes(value: Any) -> bytes:
    """JSON as a careless sender writes it: NaN, infinite numbers and lone surrogates included."""
    return json.dumps(value).encode()


def only_report(decoder: Decoder, topic: str, payload: Any) -> Report:
    """What one message says of its one device."""
    decoded = decoder.decode(Message(topic, as_bytes(payload), ARRIVED_MS))
    assert decoded.refusal is None
    (report,) = decoded.reports
    return report


def measured(report: Report) -> dict[str, float]:
    """Property, with ``/channel`` where it has one, to value."""
    named = {
        f"{one.observed_property}/{one.channel}" if one.channel else one.observed_property: one.value
        for one in report.measurements
    }
    assert len(named) == len(report.measurements)
    return named


def holds(decoder: Decoder, topic: str, payload: bytes) -> Decoded | None:
    """Decode anything; None where it was refused. Fails where something other than a decoder's two answers comes."""
    message = Message(topic, payload, ARRIVED_MS)
    decoder.recognise(message)
    try:
        decoded = decoder.decode(message)
    except RefusedError:
        return None
    for report in decoded.reports:
        assert report.device
        for one in report.measurements:
            prop = PROPERTIES[one.observed_property]
            assert math.isfinite(one.value)
            assert prop.low <= one.value <= prop.high
    return decoded
