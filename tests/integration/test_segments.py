"""``eyes archive export`` and ``import`` on real servers: nothing of a record is lost, and a rebuild reads it again."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from archive_kit import Store, readings
from rebuild_kit import archived, difference, expire, eyes, raw_records
from test_archive import _write_one_of_each

from ops.segments import parquet
from ops.segments.export import Export
from ops.segments.model import Manifest, Record, read_manifest
from runtime.kafka import idempotent_producer, transactional_producer
from runtime.lifecycle import Shutdown
from schemas.topics import ANOMALIES, EVENTS, Topic
from tests.servers import TestStack

pytestmark = pytest.mark.servers


@pytest.fixture
def city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


def send(city: Store, *records: dict[str, Any], partition: int = 0, topic: Topic = EVENTS) -> None:
    producer = idempotent_producer(city.kafka, "test")
    for one in records:
        producer.send(city.topic(topic), partition=partition, **one).get(30)
    producer.close()


def export(city: Store, to: Path, topic: Topic = EVENTS, **more: Any) -> Any:
    return Export(city.kafka, topic, to, **more).run(None, Shutdown(), lambda _done, _left: None)


def manifest_of(city: Store, to: Path, topic: Topic = EVENTS) -> Manifest:
    found = read_manifest(to / city.topic(topic))
    assert found is not None
    return found


def exported_records(city: Store, to: Path, partition: int = 0, topic: Topic = EVENTS) -> list[Record]:
    listed = sorted(manifest_of(city, to, topic).segments, key=lambda one: one.first_offset)
    files = [to / city.topic(topic) / one.file for one in listed if one.partition == partition]
    return [record for file in files for record in parquet.read(file)]


def test_every_record_is_there_as_it_was(city: Store, tmp_path: Path) -> None:
    send(
        city,
        {"value": b"\x00\xff no event", "key": b"\xfe", "headers": [("h", b"\x00"), ("h", b"2"), ("浮", b"")]},
        {"value": None, "key": b"gone"},
        {"value": b"", "key": None},
        {"value": "浮".encode() * 100_000, "key": "区".encode()},
    )
    said = eyes(city, tmp_path, "archive", "export", "--topic", "events", "--to", str(tmp_path / "out"))
    assert "city.events.v1: 4 records in 1 new files" in said
    expected = [
        Record(r.offset, r.timestamp, r.timestamp_type, r.key, r.value, tuple(r.headers or ()))
        for r in raw_records(city, 0, 4)
    ]
    assert exported_records(city, tmp_path / "out") == expected
    assert [one.value is None for one in expected] == [False, True, False, False]


def test_the_next_export_goes_on_and_files_are_whole_or_not_there(city: Store, tmp_path: Path) -> None:
    send(city, *({"value": bytes([n]) * 1000} for n in range(10)))
    first = export(city, tmp_path, segment_bytes=3000)
    assert [(one.first_offset, one.next_offset) for one in first.segments] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert export(city, tmp_path).segments == []
    folder = tmp_path / city.topic()
    # As a crash leaves it: a file that was not finished, and one that no manifest knows.
    (folder / ".0000-00000000000000000010.parquet.tmp").write_bytes(b"half")
    (folder / "0000-00000000000000000010.parquet").write_bytes(b"not listed")
    send(city, *({"value": bytes([n]) * 1000} for n in range(10, 15)))
    second = export(city, tmp_path)
    assert [(one.first_offset, one.next_offset) for one in second.segments] == [(10, 15)]
    assert [one.value[0] for one in exported_records(city, tmp_path) if one.value] == list(range(15))
    assert not list(folder.glob(".*.tmp"))


def test_asked_to_end_it_keeps_what_is_whole(city: Store, tmp_path: Path) -> None:
    send(city, *({"value": bytes([n]) * 1000} for n in range(10)))
    shutdown = Shutdown()

    def advance(done: int, _left: int) -> None:
        if done:
            shutdown.request()

    done = Export(city.kafka, EVENTS, tmp_path, segment_bytes=3000).run(None, shutdown, advance)
    assert not done.finished
    assert 1 <= len(done.segments) < 4
    assert export(city, tmp_path).finished
    assert [one.value[0] for one in exported_records(city, tmp_path) if one.value] == list(range(10))


def test_only_what_was_written_before_a_time(city: Store, tmp_path: Path) -> None:
    send(city, {"value": b"0"}, {"value": b"1"})
    before = raw_records(city, 0, 2)[1].timestamp
    moment = f"{datetime.fromtimestamp(before / 1000, UTC).isoformat()}"
    at_most = [one.offset for one in raw_records(city, 0, 2) if one.timestamp < before]
    eyes(city, tmp_path, "archive", "export", "--topic", "events", "--to", str(tmp_path), "--before", moment)
    assert [one.offset for one in exported_records(city, tmp_path)] == at_most
    eyes(city, tmp_path, "archive", "export", "--topic", "events", "--to", str(tmp_path))
    assert [one.offset for one in exported_records(city, tmp_path)] == [0, 1]


def test_what_was_aborted_is_left_out_and_markers_leave_no_gap(city: Store, tmp_path: Path) -> None:
    producer = transactional_producer(city.kafka, f"{city.kafka.topic_prefix}test")
    producer.init_transactions()
    for number, commit in enumerate((True, False, True)):
        producer.begin_transaction()
        producer.send(city.topic(ANOMALIES), value=str(number).encode(), partition=0)
        producer.flush()
        (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.close()
    done = export(city, tmp_path, ANOMALIES)
    (segment,) = done.segments
    assert (segment.first_offset, segment.next_offset, segment.records) == (0, 6, 2)
    assert [one.value for one in exported_records(city, tmp_path, topic=ANOMALIES)] == [b"0", b"2"]


def test_a_rebuild_reads_what_the_log_has_lost_from_the_files(city: Store, tmp_path: Path) -> None:
    _write_one_of_each(city)
    city.write(*(readings([f"a:b:{n}"], device="d-2") for n in range(10)), partition=2)
    out = tmp_path / "out"
    assert "city.events.v1: 20 records" in eyes(city, tmp_path, "archive", "export", "--topic", "all", "--to", str(out))
    city.write(*(readings([f"a:c:{n}"], device="d-2") for n in range(10)), partition=2)
    archived(city, tmp_path)
    expire(city, EVENTS, 0, 8)
    expire(city, EVENTS, 2, 8)  # two that the files hold are still there
    expire(city, ANOMALIES, 0, 2)
    imported = eyes(city, tmp_path, "archive", "import", str(out))
    assert f"{city.topic()}: 3 files verified" in imported
    city.run("DELETE FROM observations WHERE identity IN ('a:b:1', 'a:b:9', 'a:c:3')")
    city.run("UPDATE anomaly_events SET summary = 'wrong'")
    said = eyes(city, tmp_path, "rebuild")
    assert "carried over" not in said
    assert city.identities() == sorted(["a:b:1", *(f"a:{kind}:{n}" for n in range(10) for kind in "bc")])
    assert {summary for (summary,) in city.sql("SELECT summary FROM anomaly_events")} == {"cover open"}
    eyes(city, tmp_path, "rebuild")
    assert difference(city, "eyes_g2", "eyes_g3") == {}


def test_between_the_files_and_the_log_the_old_tables_speak(city: Store, tmp_path: Path) -> None:
    city.write(*(readings([f"a:b:{n}"]) for n in range(5)))
    eyes(city, tmp_path, "archive", "export", "--topic", "events", "--to", str(tmp_path / "out"))
    city.write(*(readings([f"a:c:{n}"]) for n in range(5)))
    archived(city, tmp_path)
    eyes(city, tmp_path, "archive", "import", str(tmp_path / "out"))
    expire(city, EVENTS, 0, 8)
    city.run("DELETE FROM observations WHERE identity = 'a:b:2'")
    said = eyes(city, tmp_path, "rebuild")
    assert f"{city.topic()} │ 0 │ 8 │" in said
    assert city.identities() == sorted(f"a:{kind}:{n}" for n in range(5) for kind in "bc")

    late = eyes(city, tmp_path, "archive", "export", "--topic", "events", "--to", str(tmp_path / "out"), code=1)
    assert "city.events.v1/0: offsets 5 to 8 were gone from the log before they were exported" in late


def test_files_that_are_damaged_missing_or_foreign_are_refused(city: Store, tmp_path: Path) -> None:
    city.write(*(readings([f"a:b:{n}"]) for n in range(5)))
    out = tmp_path / "out"
    export(city, out)
    folder = out / city.topic()
    (file,) = folder.glob("*.parquet")
    whole = file.read_bytes()

    def refused() -> str:
        said = eyes(city, tmp_path, "archive", "import", str(out), code=1)
        assert city.count("log_segments") == 0
        return said

    file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert "is damaged" in refused()
    file.unlink()
    assert "is missing" in refused()
    file.write_bytes(whole)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"cluster": "another"}))
    assert "its offsets are of another log" in refused()
    assert "offsets of two clusters do not fit together" in eyes(
        city, tmp_path, "archive", "export", "--topic", "events", "--to", str(out), code=1
    )
    (folder / "manifest.json").write_text(json.dumps(manifest | {"topic": "city.other.v1"}))
    assert "no rebuild reads city.other.v1" in refused()
    (folder / "manifest.json").write_text("{}")
    assert "is no manifest" in refused()
    (folder / "manifest.json").unlink()
    assert "no manifest.json in" in refused()

    (folder / "manifest.json").write_text(json.dumps(manifest))
    eyes(city, tmp_path, "archive", "import", str(out))
    archived(city, tmp_path)
    expire(city, EVENTS, 0, 3)
    file.write_bytes(whole + b"more")
    assert "is not the file that was imported" in eyes(city, tmp_path, "rebuild", code=1)
    file.rename(tmp_path / "elsewhere")
    assert "is gone: bring it back" in eyes(city, tmp_path, "rebuild", code=1)
    (tmp_path / "elsewhere").rename(file)
    file.write_bytes(whole)
    eyes(city, tmp_path, "rebuild")
    assert difference(city, "eyes_g1", "eyes_g2") == {}


def test_one_export_at_a_time(city: Store, tmp_path: Path) -> None:
    send(city, {"value": b"0"})
    refused: list[str] = []

    def advance(done: int, _left: int) -> None:
        if done:
            other = threading.Thread(target=lambda: refused.append(_refusal(city, tmp_path)))
            other.start()
            other.join()

    Export(city.kafka, EVENTS, tmp_path).run(None, Shutdown(), advance)
    assert "another export writes to" in refused[0]


def _refusal(city: Store, to: Path) -> str:
    try:
        export(city, to)
    except Exception as error:  # noqa: BLE001 - looked at by the caller
        return str(error)
    return ""
