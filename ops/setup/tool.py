"""Runs a tool (apt-get, pip, Maven ...), follows its output and turns a failure into a message that helps."""

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.setup.console import SetupError

TAIL_LINES = 15


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    hint: str,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda _line: None,
) -> str:
    """Run ``argv`` to its end and return what it printed (both streams, in order).

    Args:
        argv: The program and its arguments.
        what: What it was doing, for the message.
        hint: What the reader can do when it fails.
        env: Variables added to this process's environment.
        on_line: Called with each line as it comes.

    Raises:
        SetupError: The program is missing or ended with another status than 0.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            # The lock's descriptor is inherited on purpose: when set-up is killed, the next one waits
            # until what it started has ended too (see ops.setup.lock).
            close_fds=False,
        )
    except OSError as error:
        raise SetupError(f"{what}: cannot start {argv[0]}: {error.strerror}. {hint}") from error
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    output: list[str] = []
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            output.append(line)
            if line.strip() and not line.startswith(("dlstatus:", "pmstatus:")):
                tail.append(line.rstrip())
            on_line(line.rstrip("\n"))
    if process.wait() != 0:
        raise SetupError("\n".join([f"{what} failed (status {process.returncode}):", *tail, hint]))
    return "".join(output)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a fresh temporary directory that becomes ``target`` when the block ends without an error.

    A kill at any point leaves either the old state, or a temporary directory that the next run removes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.tmp")
    remove_tree(temporary)
    temporary.mkdir()
    yield temporary
    remove_tree(target)
    temporary.rename(target)


def remove_tree(path: Path) -> None:
    """Delete a directory with everything in it, also what packages made read-only; missing is fine."""
    if not path.exists():
        return
    for folder, _folders, _files in os.walk(path):
        with suppress(OSError):
            os.chmod(folder, 0o700)  # noqa: PTH101 - os.walk gives strings
    shutil.rmtree(path)
