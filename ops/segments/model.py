"""What a segment is, and the manifest that lists those of a topic."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final, NamedTuple

from runtime.errors import FatalError

FORMAT: Final = "digital-eyes/log-segments/1"
MANIFEST: Final = "manifest.json"


class Record(NamedTuple):
    """One record of the log, whole."""

    offset: int
    timestamp_ms: int
    timestamp_type: int  # as Kafka has it: 0 the producer's time, 1 the broker's
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A file of records; it answers for every offset from ``first_offset`` up to, not including, ``next_offset``.

    Offsets in between may have no record: markers of transactions, and what was aborted.
    """

    file: str
    partition: int
    first_offset: int
    next_offset: int
    records: int
    first_ms: int | None
    last_ms: int | None
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The segments of one topic in one folder."""

    topic: str
    cluster: str
    """Id of the Kafka cluster: offsets mean nothing in another."""
    segments: tuple[Segment, ...] = ()

    def next_offset(self, partition: int) -> int | None:
        """Where the newest segment of a partition ends."""
        return max((one.next_offset for one in self.segments if one.partition == partition), default=None)

    def added(self, segment: Segment) -> "Manifest":
        """With one more."""
        return Manifest(self.topic, self.cluster, (*self.segments, segment))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, if there is one.

    Raises:
        FatalError: it cannot be understood.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["format"] != FORMAT:
            raise FatalError(f"{path}: format {found['format']!r} is not {FORMAT!r}; read it with the version it is of")
        segments = tuple(Segment(**one) for one in found["segments"])
        return Manifest(found["topic"], found["cluster"], segments)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise FatalError(f"{path} is no manifest of segments: {error!r}") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest; a crash leaves the old or the new one."""
    found = {
        "format": FORMAT,
        "cluster": manifest.cluster,
        "topic": manifest.topic,
        "segments": [asdict(one) for one in manifest.segments],
    }
    temporary = folder / f".{MANIFEST}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(found, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    put_in_place(temporary, folder / MANIFEST)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished file, and have the rename survive a crash."""
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
