"""Reads the servers' logs."""

import time
from collections.abc import Iterator
from pathlib import Path

TAIL_BYTES = 64 * 1024
POLL_S = 0.2


def tail(path: Path, lines: int) -> str:
    """The last lines of a log; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def follow(path: Path) -> Iterator[str]:
    """What is written to a log from now on, also after it was cut; never ends."""
    position = path.stat().st_size if path.exists() else 0
    while True:
        size = path.stat().st_size if path.exists() else 0
        if size < position:
            position = 0
        if size > position:
            with path.open("rb") as file:
                file.seek(position)
                new = file.read(size - position)
            position += len(new)
            yield new.decode(errors="replace")
        else:
            time.sleep(POLL_S)
