"""Our programs as processes of their own that need not read first what all of them read.

A test begins dozens, and to import is most of what a short one does. So each is forked from a process that has done so,
by :mod:`multiprocessing`; from then on it has its own environment, output and signals, as any other. One that is to
die at a failpoint begins from nothing: failpoints are armed when modules are read.
"""

import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import current_process, get_context
from pathlib import Path
from typing import Final, Protocol

from runtime import failpoint

_FORKS: Final = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.warmed"])


class Begun(Protocol):
    """As much of :class:`subprocess.Popen` as tests need."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""

    def wait(self, timeout: float | None = None) -> int:
        """The same, when it has ended; ``subprocess.TimeoutExpired`` when it does not."""

    def send_signal(self, sig: int) -> None:
        """Send one, if it lives."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


class _Forked:
    def __init__(self, command: Sequence[str], env: Mapping[str, str], out: Path, err: Path) -> None:
        self._command = command
        self._process = _FORKS.Process(target=_become, args=(list(command), dict(env), out, err), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def begin(command: Sequence[str], env: Mapping[str, str], log: Path) -> Begun:
    """Begin a program, ``python -m MODULE ...`` or ``python FILE ...``; what it says is added to ``log``."""
    if failpoint.VARIABLE in env:
        with log.open("ab") as said:
            return subprocess.Popen(command, env=env, stdout=said, stderr=said)
    return _Forked(command, env, log, log)


def run(command: Sequence[str], env: Mapping[str, str], timeout: float = 400) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as :func:`subprocess.run` does that is to capture text."""
    if failpoint.VARIABLE in env:
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _Forked(command, env, out, err)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(command, code, out.read_text(), err.read_text())


def _become(command: list[str], env: dict[str, str], out: Path, err: Path) -> None:
    """Be that program, which may have processes of its own; here it must not outlive the test's."""
    current_process().daemon = False
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    _, first, *rest = command
    if first == "-m":
        module, *rest = rest
        sys.argv = [module, *rest]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *rest]
        sys.path.insert(0, str(Path(first).parent))
        runpy.run_path(first, run_name="__main__")
