"""What must hold of anything these decoders make."""

import json
import math

import msgspec

from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.identify import device_id
from ingest.messages import Decoded
from schemas.properties import PROPERTIES

ARRIVED = 1_760_000_000_500


def decode(topic: str, payload: bytes, catalogue: Catalogue | None = None) -> Decoded:
    """Decode as the live path does, and check what comes out."""
    decoded = (catalogue or Catalogue()).decode(Message(topic, payload, ARRIVED))
    assert decoded.reports or decoded.refusal or decoded.refused == 0
    assert (decoded.refusal is None) == (decoded.refused == 0)
    for report in decoded.reports:
        assert device_id(report.device) == report.device
        for one in report.measurements:
            prop = PROPERTIES[one.observed_property]
            assert math.isfinite(one.value)
            assert prop.low <= one.value <= prop.high
            assert one.time_ms is None or isinstance(one.time_ms, int)
            assert not set(one.channel) & set(":|@\n ")
        said = [list(report.unmapped), list(report.named), report.about]
        json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
        msgspec.json.encode(said)
    return decoded
