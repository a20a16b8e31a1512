"""How commands reach a stack's daemon: one JSON line each way over a unix socket in its directory."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ops.stack.errors import StackError

SOCKET = "control.sock"
TIMEOUT_S = 10.0
LINE_MAX = 1 << 20


@contextmanager
def short_address(run: Path) -> Iterator[str]:
    """The socket's address through an open descriptor: a unix address holds 108 bytes, a path may be longer."""
    descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def request(run: Path, command: str, *, timeout_s: float = TIMEOUT_S, **arguments: object) -> dict[str, Any]:
    """Send a command to the daemon and return its answer.

    Raises:
        ConnectionError: No daemon is listening there.
        StackError: The daemon refused, or gave no answer in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with short_address(run) as address:
                connection.connect(address)
        except OSError as error:
            raise ConnectionError(f"no stack is running in {run.parent}") from error
        try:
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            line = connection.makefile("rb").readline(LINE_MAX)
        except ConnectionError as error:
            raise ConnectionError("the stack's daemon has ended") from error
        except OSError as error:
            see = run.parent / "logs" / "daemon.log"
            raise StackError(f"the stack's daemon does not answer ({error}); see {see}") from error
    if not line:
        raise ConnectionError("the stack's daemon has ended")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise StackError(str(answer["error"]))
    return answer


class ControlServer:
    """Answers commands, each connection in a thread of its own."""

    def __init__(self, run: Path, handler: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Bind the socket; a stale one of a daemon that was killed is replaced (the caller holds the lock)."""
        self._run = run
        self._handler = handler
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        (run / SOCKET).unlink(missing_ok=True)
        with short_address(run) as address:
            self._socket.bind(address)
        (run / SOCKET).chmod(0o600)
        self._socket.listen(16)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        (self._run / SOCKET).unlink(missing_ok=True)
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(TIMEOUT_S)
            line = connection.makefile("rb").readline(LINE_MAX)
            try:
                answer = self._handler(json.loads(line))
            except (StackError, KeyError, ValueError) as error:
                answer = {"error": str(error) or type(error).__name__}
            connection.sendall(json.dumps(answer).encode() + b"\n")
