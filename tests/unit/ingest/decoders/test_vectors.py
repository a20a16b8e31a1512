"""Messages of real gateways, cameras and devices mean what the corpus beside the project says they mean.

The corpus is not part of the project (licences differ per line): where it is absent these tests are skipped, and the
messages of our own in the modules beside this one say the same of each published format.
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, Final

import pytest

from ingest.decoders.catalogue import Catalogue
from ops.decoding import message_of, said_of
from schemas.model import to_ms

VECTORS: Final = Path(__file__).parents[5] / "shared" / "vectors" / "open.jsonl"
RECEIVED: Final = "2026-11-23T12:00:00Z"

_AS_SAID: Final = ("kind", "event_type", "event_id", "severity", "region", "channel")
ARGUED: Final[dict[str, set[str]]] = {
    "chirpstack-v4/milesight-em300-sld-zld-cs/4": {"kind"},
    "openmqttgateway/ble-W270160X/1": {"quantities"},
    **{f"senml-{example}/1": {"arrival"} for example in ("json/ex1", "json/ex2", "json/ex9", "cbor/ex7c")},
}
"""What we say otherwise, and why in docs/devices.md: id of the vector, and what is concerned."""

pytestmark = pytest.mark.skipif(not VECTORS.is_file(), reason=f"the device corpus is not at {VECTORS}")


def _groups() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if not VECTORS.is_file():
        return
    vectors = [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines() if line.strip()]
    vectors.sort(key=lambda v: (v["source"], v.get("group") or "", v.get("order") or 0))
    for (source, group), members in groupby(vectors, key=lambda v: (v["source"], v.get("group") or "")):
        yield f"{source}/{group}", list(members)


GROUPS: Final = list(_groups())


@pytest.mark.parametrize("group", [members for _, members in GROUPS], ids=[name for name, _ in GROUPS])
def test_a_message_means_what_the_corpus_says(group: list[dict[str, Any]]) -> None:
    catalogue = Catalogue()
    wrong = []
    for vector in group:
        line = {key: vector[key] for key in ("topic", "payload", "encoding")} | {"received": RECEIVED}
        message = message_of(json.dumps(line).encode(), 0)
        said = json.loads(json.dumps(said_of(catalogue, message), default=str))
        allowed = ARGUED.get(vector["id"], set())
        if "arrival" in allowed:
            for quantity in vector["expect"]["quantities"]:
                quantity["time"] = None
        wrong += [(vector["id"], *one, said) for one in _differences(vector["expect"], said) if one[0] not in allowed]
    assert wrong == []


def _differences(expect: dict[str, Any], said: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    if expect.get("raw_only"):  # bytes, and nobody gave us the vendor's codec
        if said.get("error") or said["kind"] not in {"uplink_undecoded", expect["kind"]}:
            yield "kind", expect["kind"], said["kind"]
        return
    if expect["kind"] != "malformed" and said.get("error"):
        yield "error", None, said["error"]
    wanted = {key: expect[key] for key in _AS_SAID if expect.get(key) is not None}
    wanted |= {key: expect[key] for key in ("active", "online") if key in expect}
    yield from ((key, value, said.get(key)) for key, value in wanted.items() if said.get(key) != value)
    if expect.get("device_id") and str(said["device_id"]).lower() != expect["device_id"].lower():
        yield "device_id", expect["device_id"], said["device_id"]
    if expect.get("time") and _ms(said["time"]) != _ms(expect["time"]):
        yield "time", expect["time"], said["time"]
    for quantity in expect.get("quantities") or []:
        if not any(_is(quantity, one, said) for one in said["quantities"]):
            yield "quantities", quantity, said["quantities"]
    for one, other in zip_longest(expect.get("objects") or [], said.get("objects") or [], fillvalue={}):
        if any(other.get(key) != value for key, value in one.items() if value is not None):
            yield "objects", one, other


def _is(wanted: dict[str, Any], one: dict[str, Any], said: dict[str, Any]) -> bool:
    if one["name"] not in {wanted["name"], *wanted.get("also", ())} or not _same(one["value"], wanted["value"]):
        return False
    if wanted.get("unit") is not None and one["unit"] != wanted["unit"]:
        return False
    if wanted.get("channel") is not None and one.get("channel") != wanted["channel"]:
        return False
    return wanted.get("time") is None or _ms(one.get("time", said["time"])) == _ms(wanted["time"])


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str):
        return bool(one == other)
    return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-12)


def _ms(text: str | None) -> int | None:
    if text is None:
        return None
    return to_ms(datetime.fromisoformat(re.sub(r"(\.\d{3})\d+", r"\1", text)))
