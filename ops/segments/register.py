"""Which segments a rebuild may read: verified, and known to the database."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import Connection

from ops.segments import parquet
from ops.segments.model import MANIFEST, Manifest, Record, Segment, checksum, read_manifest
from runtime.errors import FatalError
from schemas.model import from_ms, to_ms

_REGISTER: Final = """
INSERT INTO public.log_segments AS s (
    topic, partition, first_offset, next_offset, records, first_time, last_time, sha256, path
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (topic, partition, first_offset) DO UPDATE SET
    next_offset = excluded.next_offset,
    records = excluded.records,
    first_time = excluded.first_time,
    last_time = excluded.last_time,
    sha256 = excluded.sha256,
    path = excluded.path,
    imported_at = now()
WHERE excluded.next_offset >= s.next_offset
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """A row of ``public.log_segments``."""

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    records: int
    first_ms: int | None
    sha256: str
    path: Path

    def read(self, from_offset: int) -> Iterator[Record]:
        """Its records from an offset on.

        Raises:
            FatalError: the file is gone or is not the one that was imported.
        """
        if not self.path.is_file():
            raise FatalError(f"{self.path} is gone: bring it back, or `eyes archive import` it from where it is now")
        if checksum(self.path) != self.sha256:
            raise FatalError(f"{self.path} is not the file that was imported: restore it and import it again")
        return parquet.read(self.path, from_offset)


def manifests(folder: Path) -> list[tuple[Path, Manifest]]:
    """The manifests of an export's folder, or of one topic's folder in it.

    Raises:
        FatalError: there is none.
    """
    folders = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
    found = [(one, manifest) for one in folders if (manifest := read_manifest(one))]
    if not found:
        raise FatalError(f"no {MANIFEST} in {folder} or below: is that what `eyes archive export --to` wrote?")
    return found


def register(
    connection: Connection,
    folder: Path,
    manifest: Manifest,
    *,
    topics: Iterable[str],
    cluster: str,
    advance: Callable[[Segment], None],
) -> int:
    """Verify every file of a manifest and let rebuilds read it; returns how many. All or none are registered.

    Raises:
        FatalError: a file is missing or damaged, or its log is none of ours.
    """
    if manifest.topic not in (wanted := sorted(topics)):
        raise FatalError(f"{folder}: no rebuild reads {manifest.topic}; it reads {', '.join(wanted)}")
    if manifest.cluster != cluster:
        raise FatalError(
            f"{folder} is of Kafka cluster {manifest.cluster}, this one is {cluster}: its offsets are of another log"
        )
    with connection.transaction():
        for segment in manifest.segments:
            path = (folder / segment.file).resolve()
            _verify(path, manifest.topic, segment)
            connection.execute(
                _REGISTER,
                [
                    *(manifest.topic, segment.partition, segment.first_offset, segment.next_offset, segment.records),
                    *(_time(segment.first_ms), _time(segment.last_ms), segment.sha256, str(path)),
                ],
            )
            advance(segment)
    return len(manifest.segments)


def registered(connection: Connection, topics: Iterable[str]) -> list[Registered]:
    """What was imported of these topics, in log order."""
    rows = connection.execute(
        """
        SELECT topic, partition, first_offset, next_offset, records, first_time, sha256, path
        FROM public.log_segments
        WHERE topic = ANY (%s)
        ORDER BY topic, partition, first_offset
        """,
        [sorted(topics)],
    ).fetchall()
    return [
        Registered(topic, partition, first, following, records, first_time and to_ms(first_time), sha256, Path(path))
        for topic, partition, first, following, records, first_time, sha256, path in rows
    ]


def _verify(path: Path, topic: str, segment: Segment) -> None:
    if not path.is_file():
        raise FatalError(f"{path} is missing: copy the whole folder, or export again")
    if checksum(path) != segment.sha256:
        raise FatalError(f"{path} is damaged: its checksum is not the manifest's; restore it from a copy")
    said = (topic, segment.partition, segment.first_offset, segment.next_offset)
    if parquet.span_of(path) != said:
        raise FatalError(f"{path} holds {parquet.span_of(path)}, the manifest says {said}")


def _time(ms: int | None) -> object:
    return None if ms is None else from_ms(ms)
