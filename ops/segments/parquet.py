"""A segment as a Parquet file: the records' bytes as they were, nothing decoded."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ops.columnar import pyarrow
from ops.segments.model import Record, Segment, checksum, put_in_place
from runtime.errors import FatalError

_READ_AT_ONCE: Final = 2_000  # records


def write(folder: Path, topic: str, partition: int, span: tuple[int, int], records: Sequence[Record]) -> Segment:
    """Write the records of ``span`` (first offset, first offset behind); the file is there whole or not at all.

    Raises:
        FatalError: pyarrow is not installed.
        OSError: the disk.
    """
    arrow, parquet = pyarrow()
    first, following = span
    schema = _schema(arrow).with_metadata(
        {"topic": topic, "partition": str(partition), "first_offset": str(first), "next_offset": str(following)}
    )
    columns = {
        "partition": [partition] * len(records),
        **{name: [getattr(one, name) for one in records] for name in Record._fields if name != "headers"},
        "headers": [[{"key": key, "value": value} for key, value in one.headers] for one in records],
    }
    path = folder / f"{partition:04d}-{first:020d}.parquet"
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        parquet.write_table(
            arrow.table(columns, schema=schema), file, compression="zstd", row_group_size=_READ_AT_ONCE * 5
        )
        file.flush()
        os.fsync(file.fileno())
    segment = Segment(
        file=path.name,
        partition=partition,
        first_offset=first,
        next_offset=following,
        records=len(records),
        first_ms=records[0].timestamp_ms if records else None,
        last_ms=records[-1].timestamp_ms if records else None,
        bytes=temporary.stat().st_size,
        sha256=checksum(temporary),
    )
    put_in_place(temporary, path)
    return segment


def read(path: Path, from_offset: int = 0) -> Iterator[Record]:
    """The records of a file from an offset on.

    Raises:
        FatalError: it is no such file, or pyarrow is not installed.
    """
    arrow, parquet = pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_READ_AT_ONCE, columns=list(Record._fields)):
                for row in batch.to_pylist():
                    if row["offset"] >= from_offset:
                        headers = tuple((one["key"], one["value"]) for one in row.pop("headers"))
                        yield Record(**row, headers=headers)
    except (OSError, arrow.ArrowException) as error:
        raise FatalError(f"{path} cannot be read: {error}") from error


def span_of(path: Path) -> tuple[str, int, int, int]:
    """What a file says of itself: topic, partition, first offset, first offset behind.

    Raises:
        FatalError: it is no segment.
    """
    arrow, parquet = pyarrow()
    try:
        said = parquet.read_schema(path).metadata or {}
        first, following = int(said[b"first_offset"]), int(said[b"next_offset"])
        return said[b"topic"].decode(), int(said[b"partition"]), first, following
    except (OSError, KeyError, ValueError, arrow.ArrowException) as error:
        raise FatalError(f"{path} is no segment of a log: {error}") from error


def _schema(arrow: ModuleType) -> Any:
    headers = arrow.list_(arrow.struct([("key", arrow.string()), ("value", arrow.binary())]))
    return arrow.schema(
        [
            arrow.field("partition", arrow.int32(), nullable=False),
            arrow.field("offset", arrow.int64(), nullable=False),
            arrow.field("timestamp_ms", arrow.int64(), nullable=False),
            arrow.field("timestamp_type", arrow.int8(), nullable=False),
            arrow.field("key", arrow.binary()),
            arrow.field("value", arrow.binary()),
            arrow.field("headers", headers, nullable=False),
        ]
    )
