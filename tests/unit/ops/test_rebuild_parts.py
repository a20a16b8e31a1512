"""The parts of a rebuild that need no server."""

import json
from pathlib import Path

import pytest

from ops.database.migrate import Migration, load
from ops.rebuild.count import TABLES, Counted, shrunk
from ops.rebuild.space import Space, human
from ops.segments import parquet
from ops.segments.model import FORMAT, Manifest, Record, Segment, checksum, read_manifest, write_manifest
from ops.segments.register import manifests
from processors.archive.tables import TABLES as FILLED
from runtime.errors import FatalError

RECORDS = [Record(7, 1_000, 1, None, b"v", ()), Record(9, 2_000, 0, b"k", None, (("h", b"\x00"), ("h", None)))]


def test_every_table_that_became_smaller_is_named() -> None:
    old = Counted({"a": 3, "b": 3, "c": 3}, {})
    assert shrunk(old, Counted({"a": 3, "b": 4, "c": 2, "d": 0}, {})) == {"c": (3, 2)}


def test_every_table_the_archive_fills_is_counted() -> None:
    assert {table.name for table in FILLED} < set(TABLES)
    made = [
        line.split()[2]
        for migration in load()
        if migration.of_projection
        for line in migration.sql.splitlines()
        if line.startswith("CREATE TABLE ")
    ]
    assert sorted(TABLES) == sorted(set(made) - {"archive_offsets"})


def test_a_migration_is_about_the_projection_unless_its_first_line_says_otherwise() -> None:
    assert Migration(10, "x", "-- About.\n-- scope: database\n").of_projection
    assert not Migration(10, "x", "-- scope: database\nSELECT 1;").of_projection
    assert [m.number for m in load()[:9] if not m.of_projection] == [9]


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 1024**3, "5.0 GiB"), (1024**5, "1024.0 TiB")],
)
def test_sizes_for_a_person(number: int, said: str) -> None:
    assert human(number) == said


def test_room_is_enough_unknown_or_too_little() -> None:
    Space(10, 10, Path("/data")).require()
    with pytest.raises(FatalError, match="in /data, where 9 B are free"):
        Space(10, 9, Path("/data")).require()
    with pytest.raises(FatalError, match="--no-disk-check"):
        Space(10, None, None).require()


def test_a_segment_gives_back_its_records(tmp_path: Path) -> None:
    segment = parquet.write(tmp_path, "t", 3, (5, 12), RECORDS)
    path = tmp_path / segment.file
    assert [*parquet.read(path)] == RECORDS
    assert [*parquet.read(path, 8)] == RECORDS[1:]
    assert parquet.span_of(path) == ("t", 3, 5, 12)
    assert (segment.records, segment.first_ms, segment.last_ms) == (2, 1_000, 2_000)
    assert segment.sha256 == checksum(path)
    assert [one.name for one in tmp_path.iterdir()] == [segment.file]
    empty = parquet.write(tmp_path, "t", 3, (12, 13), [])
    assert [*parquet.read(tmp_path / empty.file)] == []
    assert (empty.records, empty.first_ms) == (0, None)


def test_a_file_that_is_no_segment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 no PAR1")
    with pytest.raises(FatalError, match="cannot be read"):
        next(parquet.read(path))
    with pytest.raises(FatalError, match="is no segment"):
        parquet.span_of(path)


def test_a_manifest_says_where_to_go_on(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    with pytest.raises(FatalError, match="is that what"):
        manifests(tmp_path)
    segment = Segment(
        file="f", partition=0, first_offset=0, next_offset=5, records=1, first_ms=1, last_ms=1, bytes=1, sha256=""
    )
    manifest = Manifest("t", "c").added(segment)
    (tmp_path / "t").mkdir()
    write_manifest(tmp_path / "t", manifest)
    assert manifests(tmp_path) == [(tmp_path / "t", manifest)]
    assert (manifest.next_offset(0), manifest.next_offset(1)) == (5, None)
    said = json.loads((tmp_path / "t" / "manifest.json").read_text())
    (tmp_path / "t" / "manifest.json").write_text(json.dumps(said | {"format": FORMAT.replace("/1", "/2")}))
    with pytest.raises(FatalError, match="read it with the version"):
        manifests(tmp_path)
