"""Recordings: in their order and rhythm, at another time if wanted, and with clear words for what is none."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.feed.replay import Replay
from runtime.errors import FatalError
from schemas.model import to_ms

AT = "2026-07-06T00:00:0{}Z"
TOPIC = "eyes/v1/s/d-1/observations"
START = to_ms(datetime(2026, 7, 6, tzinfo=UTC))


def recording(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "recorded.ndjson"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


def line(second: int, payload: Any, topic: str = TOPIC) -> dict[str, Any]:
    return {"topic": topic, "payload": payload, "at": AT.format(second)}


def test_messages_come_in_their_rhythm_byte_for_byte(tmp_path: Path) -> None:
    reading = {"property": "flow", "value": 1.5, "time": "2026-07-06T00:00:00+00:00", "note": "井盖"}
    path = recording(tmp_path, line(1, reading), "", line(1, "{broken 井"), line(3, [reading, reading]))
    replay = Replay(path)
    sent = list(replay.publications())
    assert replay.start_ms == START + 1_000
    assert [p.due_ms - START for p in sent] == [1_000, 1_000, 3_000]
    assert [json.loads(p.payload) for p in (sent[0], sent[2])] == [reading, [reading, reading]]
    assert sent[1].payload == "{broken 井".encode()
    assert list(replay.leftovers()) == replay.incidents(START * 2) == []
    assert [p.payload for p in replay.publications()] == [p.payload for p in sent]


def test_lines_for_the_account(tmp_path: Path) -> None:
    numbered = {"property": "flow", "value": 3.6, "unit": "L/s", "seq": 4, "boot": "b"}
    timed = {"property": "flow", "value": 2, "time": "2026-07-06T00:00:00.123456Z"}
    neither = {"property": "occupied", "value": True}
    seen = {"phase": "new", "track": "t:1", "label": "car", "time": "2026-07-06T00:00:00Z"}
    path = recording(
        tmp_path,
        line(0, [numbered, timed, neither, {"property": "flow"}]),
        line(1, [seen, {**seen, "seq": 7}], topic="eyes/v1/s/cam/camera"),
        line(2, {"a": 1}, topic="somewhere/else"),
    )
    first, second, third = (list(p.lines) for p in Replay(path).publications())
    assert [(one["kind"], one.get("identity"), one.get("value")) for one in first] == [
        ("reading", "a:b:4", 3.6 * 3.6),
        ("reading", f"b:{START + 123}:2.0", 2.0),
        ("reading", None, 1.0),
        ("garbage", None, None),
    ]
    assert {one["device"] for one in first[:3]} == {"d-1"}
    assert [(one["device"], one["identity"]) for one in second] == [("cam", f"b:{START}:new:t:1"), ("cam", "a::7")]
    assert [one["kind"] for one in third] == ["garbage"]


def test_a_shift_moves_every_time_and_nothing_else(tmp_path: Path) -> None:
    reading = {"property": "flow", "value": 1, "time": "2026-07-06T08:00:00+08:00"}
    odd = [{**reading, "time": odd} for odd in ("yesterday", "2026-07-06T00:00:00", 5, "9999-12-31T23:59:59Z")]
    path = recording(tmp_path, line(0, reading), line(1, [reading, *odd]), line(2, "text"), line(3, 7))
    replay = Replay(path, shift_ms=86_400_000)
    sent = list(replay.publications())
    assert replay.start_ms == START + 86_400_000
    assert sent[0].due_ms == START + 86_400_000
    assert json.loads(sent[0].payload)["time"] == "2026-07-07T00:00:00.000Z"
    assert sent[0].lines[0]["identity"] == f"b:{START + 86_400_000}:1.0"
    assert json.loads(sent[1].payload)[1:] == odd
    assert [p.payload for p in sent[2:]] == [b"text", b"7"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], ":1: line: Invalid JSON"),
        ([{"topic": "t", "payload": 1}], ":1: at: Field required"),
        ([{"topic": "t", "payload": 1, "at": "2026-07-06T00:00:00"}], ":1: at: .*timezone"),
        ([line(1, 1), {**line(2, 1), "extra": 1}], ":2: extra: "),
        ([line(1, 1), line(0, 1)], ":2: at: earlier than the line before"),
        ([line(1, 1), "", line(0, 1)], ":3: at: earlier than the line before"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, lines: list[Any], message: str) -> None:
    with pytest.raises(FatalError, match=message):
        list(Replay(recording(tmp_path, *lines)).publications())


def test_an_empty_recording_and_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="nothing to replay"):
        _ = Replay(recording(tmp_path, "")).start_ms
    with pytest.raises(FatalError, match="No such file"):
        _ = Replay(tmp_path / "none").start_ms
