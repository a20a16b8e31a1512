"""One supervised operating system process: spawned through the shim, signalled, reaped, its log capped."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ops.supervise.spec import ProcessSpec

SHIM = Path(__file__).with_name("shim.py")


def bound_to_us(argv: Sequence[str], death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command that runs ``argv`` so that the kernel signals it when this process, or the calling thread, ends."""
    return [sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), str(int(death_signal)), "--", *argv]


class Child:
    """A running process.

    It must be spawned by a thread that lives as long as the supervisor: the kernel's parent-death signal
    goes out when the *thread* that forked ends.
    """

    def __init__(self, spec: ProcessSpec) -> None:
        """Start it.

        Raises:
            OSError: The log or the working directory is not there, or the system is out of processes.
        """
        self._spec = spec
        spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        with spec.log_file.open("ab") as log:  # append mode, so that the log can be cut while it is written to
            self._process = subprocess.Popen(
                [*spec.wrapper, *bound_to_us(spec.argv, spec.death_signal)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=spec.cwd,
                env={**os.environ, **spec.env},
                start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor alone
            )

    @property
    def pid(self) -> int:
        """Its process id; it stays its own until :meth:`poll` has returned a status."""
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status if it has ended (negative: the signal's number)."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._process.send_signal(number)  # polls first, so that a reused pid is never hit

    def kill_group(self) -> None:
        """SIGKILL it and what it started in its own session."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)


def describe_exit(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def cap_log(log_file: Path, max_bytes: int) -> None:
    """Move a log that has grown too large to ``.1``, keeping the file that the process writes to.

    Copy and cut, as nobody can be told to reopen it; a line written in between may be lost.
    """
    with suppress(FileNotFoundError):
        if log_file.stat().st_size > max_bytes:
            shutil.copyfile(log_file, log_file.with_name(f"{log_file.name}.1"))
            os.truncate(log_file, 0)
