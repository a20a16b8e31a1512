"""One set-up at a time for each user: a lock on the cache, kept while anything set-up started still runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.setup.console import SetupError, say


@contextmanager
def only_one(cache: Path) -> Iterator[None]:
    """Hold the lock; wait, saying so, while another set-up has it.

    The descriptor is inherited by the tools that set-up starts. When set-up is killed, the lock lasts until
    they have ended as well, so that two pips never write into the same environment.

    Raises:
        SetupError: The cache cannot be written to.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(cache / "setup.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SetupError(
            f"cannot write to {cache}: {error.strerror}. Set XDG_CACHE_HOME to a directory of yours."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            say(f"Another set-up (process {holder or 'unknown'}, or what it started) is at work: waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - os's signature
        yield
    finally:
        os.close(descriptor)
