"""An operator's decisions about the database: what to forget, and where an archive goes on."""

from datetime import timedelta
from re import fullmatch

from psycopg import Connection

from ops.database.generations import schemas
from runtime.errors import FatalError

DROPPABLE = ("observations", "camera_events")
"""Raw rows; findings are kept for ever."""

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def parse_age(text: str) -> timedelta:
    """An age such as ``400d``, ``12h`` or ``52w``.

    Raises:
        FatalError: it is none.
    """
    parts = fullmatch(r"([1-9][0-9]*)([hdw])", text)
    if parts is None:
        raise FatalError(f"{text!r} is no age; say e.g. 400d, 12h or 52w")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


def drop_chunks(connection: Connection, older_than: timedelta) -> dict[str, int]:
    """Drop the chunks of raw rows that end before then; returns how many of each table. For a schedule of yours.

    In every generation of the projection, or a rebuild would bring them back. The Apache edition of TimescaleDB has no
    retention policy, so somebody must call this.
    """
    dropped = dict.fromkeys(DROPPABLE, 0)
    for schema in schemas(connection):
        for table in DROPPABLE:
            rows = connection.execute(
                "SELECT public.drop_chunks(%s::regclass, older_than => %s::interval)",
                [f"{schema}.{table}", older_than],
            ).fetchall()
            dropped[table] += len(rows)
    return dropped


def set_offset(connection: Connection, topic: str, partition: int, offset: int) -> list[tuple[str, int]]:
    """Let every archive of a topic go on elsewhere; returns each with the offset it stood at.

    The epoch is raised, so a running archive is fenced, ends, and starts from there.

    Raises:
        FatalError: no archive has ever stored this partition.
    """
    with connection.transaction():
        before = connection.execute(
            "SELECT archive, next_offset FROM public.archive_offsets WHERE topic = %s AND partition = %s FOR UPDATE",
            [topic, partition],
        ).fetchall()
        connection.execute(
            """
            UPDATE public.archive_offsets
            SET next_offset = %s, epoch = epoch + 1, moved_at = now()
            WHERE topic = %s AND partition = %s
            """,
            [offset, topic, partition],
        )
    if not before:
        raise FatalError(f"no archive has stored partition {partition} of {topic!r}")
    return [(row[0], row[1]) for row in before]
