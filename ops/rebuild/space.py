"""Is there room for a second generation?"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from ops.database.generations import Generation, size_bytes
from ops.stack.paths import StackPaths
from runtime.errors import FatalError
from runtime.settings import Settings, stack_dir

_SPARE: Final = 1.1  # tables that are being filled are looser than those that have rested
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost", ""})


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes the rebuild still needs, and bytes that are free where the database lies; None where we cannot see it."""

    needed: int
    free: int | None
    folder: Path | None

    def require(self) -> None:
        """Check.

        Raises:
            FatalError: it does not fit, or cannot be known; the message says what to do.
        """
        if self.free is None:
            raise FatalError(
                f"a rebuild needs about {human(self.needed)} where the database keeps its data, and that place cannot "
                "be seen from here: look there, and then say --no-disk-check"
            )
        if self.free < self.needed:
            raise FatalError(
                f"a rebuild needs about {human(self.needed)} in {self.folder}, where {human(self.free)} are free: make "
                "room (`eyes rebuild drop-old`, `eyes db drop-chunks`), or say --no-disk-check if you know better"
            )


def space(connection: Connection, settings: Settings, old: Generation, new: Generation | None) -> Space:
    """What a rebuild of ``old`` needs; ``new`` is what an interrupted one has filled already."""
    done = 0 if new is None else size_bytes(connection, new)
    wal = connection.execute("SELECT pg_size_bytes(current_setting('max_wal_size'))").fetchall()[0][0]
    needed = max(0, round(size_bytes(connection, old) * _SPARE) - done) + wal
    folder = _data_directory(connection, settings)
    return Space(needed, None if folder is None else shutil.disk_usage(folder).free, folder)


def human(number: float) -> str:
    """Bytes for a person."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:  # noqa: PLR2004 - what a KiB is
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def _data_directory(connection: Connection, settings: Settings) -> Path | None:
    """Where the server keeps its data, if that is on this machine and we are told."""
    where = conninfo_to_dict(settings.database.dsn)
    if str(where.get("host", "")) not in _LOOPBACK and not str(where.get("host", "")).startswith("/"):
        return None
    told = connection.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
    ours = StackPaths(stack_dir(settings.stack.dir)).data
    if told is not None and told[0]:
        found = Path(told[0])
    elif str(where.get("port", "")) == str(settings.stack.postgres_port) and ours.is_dir():
        found = ours / "postgres"
    else:
        return None
    return next((one for one in (found, *found.parents) if os.access(one, os.X_OK)), None)
