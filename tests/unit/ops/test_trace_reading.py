"""A message's bytes lead again to the readings that were made of them, and only to those."""

import json
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cli.trace import pretty
from ops.trace.chain import Place, Row
from ops.trace.reading import Said, leads_to, needle, readings_in, rows_of
from ops.trace.search import GAP_MS, clusters
from ops.trace.tracer import IdRange, Reference, parse
from runtime.errors import FatalError
from schemas.identity import arrived, payload_hash
from schemas.observation import Quality
from schemas.quarantine import ReadingsReleased

TOPIC = "eyes/v1/x/dev1/observations"
NOW = 1_795_000_000_000


def row(said: Said, **other: Any) -> Row:
    """The row of a reading, with something that its message does not say."""
    return Row(
        **(said._asdict() | other),
        place=Place("city.events.v1", 0, 0, NOW),
        unit="",
        time_ms=NOW,
        arrival_ms=NOW,
        quality=Quality.GOOD,
        shard="s",
        facility="F",
        zone="z",
    )


def test_each_tier_is_recognised() -> None:
    parts = [
        {"property": "flow", "value": 1, "seq": 4, "boot": "b"},
        {"property": "flow", "value": 1, "time": "2026-11-24T00:00:00Z"},
        {"property": "mood", "value": 1},
        {"property": "pressure", "value": 3, "unit": "kPa"},
    ]
    payload = json.dumps(parts).encode()
    key = payload_hash(TOPIC, payload)
    said = list(readings_in(TOPIC, payload, NOW))
    assert [one[:2] for one in said] == [("dev1", "flow"), ("dev1", "flow"), ("dev1", "pressure")]
    assert said[0].identity == "a:b:4"
    assert said[1].identity.startswith("b:")
    assert said[2].identity == arrived(NOW, key, 2)
    assert [one.value for one in said] == [1.0, 1.0, 3000.0]
    for one in said:
        assert leads_to(TOPIC, payload, row(one))
        assert leads_to(TOPIC, payload + b" ", row(one)) != one.identity.startswith("c:")
        assert not leads_to(TOPIC, payload, row(one, device="dev2"))
        assert not leads_to(TOPIC, payload, row(one, observed_property="energy"))
        assert not leads_to(TOPIC, payload, row(one, value=9.0))
    # A copy that comes later still carries the arrival of the first.
    assert leads_to(TOPIC, payload, row(said[2], identity=arrived(NOW - 5_000, key, 2)))
    assert not leads_to(TOPIC, payload, row(said[2], identity=arrived(NOW, key, 3)))


def test_a_camera_s_message_is_recognised() -> None:
    topic, seen = "eyes/v1/x/cam/camera", b'{"phase":"new","track":"a:b","label":"car","time":"2026-11-24T00:00:00Z"}'
    (one,) = readings_in(topic, seen, NOW)
    assert (one.device, one.observed_property, one.identity.split(":", 2)[2]) == ("cam", "camera", "new:a:b")
    assert leads_to(topic, seen, row(one))


@given(st.text(max_size=30), st.binary(max_size=60))
def test_whatever_is_kept_somewhere_is_no_reading_by_chance(topic: str, payload: bytes) -> None:
    assert list(readings_in(topic, payload, NOW)) == []


@given(st.text(max_size=40))
def test_a_needle_stands_in_every_document_that_holds_the_text(text: str) -> None:
    assert (
        needle(text) in ReadingsReleased.model_construct(device=text, through=0, messages=0).model_dump_json().encode()
    )


def test_other_events_hold_no_readings() -> None:
    assert list(rows_of(ReadingsReleased(device="d", through=0, messages=0), None)) == []  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 10 * GAP_MS), max_size=30))
def test_clusters_hold_everything_once_and_have_gaps_between(times: list[int]) -> None:
    groups = list(clusters(times, lambda time: time))
    assert [one for _, _, group in groups for one in group] == sorted(times)
    assert all((begin, end) == (group[0], group[-1]) for begin, end, group in groups)
    assert all(later[0] - earlier[1] > GAP_MS for earlier, later in pairwise(groups))
    assert all(b - a <= GAP_MS for _, _, group in groups for a, b in pairwise(group))


def test_what_a_person_may_mean() -> None:
    assert parse("6F1D3A52") == IdRange(
        UUID("6f1d3a52-0000-0000-0000-000000000000"), UUID("6f1d3a52-ffff-ffff-ffff-ffffffffffff")
    )
    whole = UUID(int=7)
    assert parse(str(whole)) == (whole, whole)
    assert parse("cam 1/camera/b:17:new:a/b:c") == Reference("cam 1", "camera", "b:17:new:a/b:c")


@pytest.mark.parametrize("text", ["", "6f1d3a5", "6f1d3a5g", "dev/flow", "dev/flow/x:1", "0" * 33, "-" * 8])
def test_what_no_person_can_mean(text: str) -> None:
    with pytest.raises(FatalError, match="is no id"):
        parse(text)


def test_bytes_are_shown_as_what_they_are() -> None:
    assert pretty(b'{"a":1.10,"b":[]}') == '{\n  "a": 1.10,\n  "b": []\n}'
    assert pretty(b"\xff\x00" * 20) == "\n".join((bytes([255, 0] * 16).hex(" "), bytes([255, 0] * 4).hex(" ")))
    assert pretty(b"{") == "7b"
