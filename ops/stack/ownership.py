"""Who owns a stack's directory, and what its servers' processes are."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ops.stack.errors import StackError
from ops.stack.files import write_private
from ops.stack.paths import StackPaths

LOCK_WAIT_S = 3.0
CHILDREN = "children.json"


@contextmanager
def owned(paths: StackPaths, *, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold the stack's lock; the kernel frees it when this process ends, however it ends.

    Raises:
        StackError: Another process holds it.
    """
    paths.root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "?"
                    raise StackError(f"the stack in {paths.root} is in use by process {holder}") from None
                time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def record_children(run: Path, pids: Mapping[str, int]) -> None:
    """Write down which processes are the servers, each with its start time, as pids are used again."""
    started = {}
    for name, pid in pids.items():
        with suppress(psutil.NoSuchProcess):
            started[name] = {"pid": pid, "created": psutil.Process(pid).create_time()}
    write_private(run / CHILDREN, json.dumps(started) + "\n")


def end_leftovers(run: Path, *, wait_s: float = 10.0) -> list[str]:
    """End servers that a killed daemon left behind, and return their names.

    The kernel tells them to end when the daemon dies; this is for one that takes long to, or hangs.
    """
    try:
        recorded = json.loads((run / CHILDREN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    left: dict[str, psutil.Process] = {}
    for name, one in recorded.items():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(one["pid"]))
            if process.create_time() == one["created"]:
                left[name] = process
    psutil.wait_procs(list(left.values()), timeout=wait_s / 2)
    for process in left.values():
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(list(left.values()), timeout=wait_s / 2)
    (run / CHILDREN).unlink(missing_ok=True)
    return list(left)
