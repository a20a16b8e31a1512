"""The local stack as an object: brought up, asked and taken down from the command line, tests and ``eyes run``."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ops.setup.console import SetupError
from ops.setup.layout import is_complete, layout
from ops.stack.control import request
from ops.stack.daemon import FAILURE_FILE, SETTINGS_FILE
from ops.stack.errors import StackError
from ops.stack.files import write_private
from ops.stack.logs import tail
from ops.stack.ownership import end_leftovers, owned
from ops.stack.paths import StackPaths
from ops.stack.servers import SERVERS
from ops.stack.status import ServerStatus, StackStatus
from ops.supervise import bound_to_us
from runtime.settings import StackSettings

POLL_S = 0.1
REAP_S = 5.0
PORT_NAMES = {"mosquitto": "mqtt"}  # where a server's setting is not called after the server
UP_TIMEOUT_S = 180.0
DOWN_TIMEOUT_S = 60.0
FAILED_RESTARTS = 3  # `up` gives up when a server has ended by itself so often

# Daemons this process has started: they are its children, and somebody must take note of their end.
_started: set[subprocess.Popen[bytes]] = set()

Report = Callable[[str], None]


class LocalStack:
    """One stack: a directory, ports, and a daemon while it is up.

    Several can run side by side with other directories and ports.

    Args:
        settings: Ports and servers.
        root: The stack's directory; ``runtime.settings.stack_dir(settings.dir)`` by default.
    """

    def __init__(self, settings: StackSettings, root: Path) -> None:
        self.settings = settings
        self.paths = StackPaths(root.absolute())

    def is_running(self) -> bool:
        """Whether its daemon is there."""
        try:
            request(self.paths.run, "status")
        except ConnectionError:
            return False
        return True

    def status(self) -> StackStatus:
        """How every server is; all ``stopped`` when the stack is down.

        Raises:
            StackError: The daemon does not answer.
        """
        try:
            answer = request(self.paths.run, "status")
        except ConnectionError:
            return StackStatus(None, tuple(self._stopped(name) for name in SERVERS if name in self.settings.servers))
        return StackStatus(answer["daemon"], tuple(map(ServerStatus.from_json, answer["servers"])))

    def up(
        self,
        on_progress: Report = lambda _line: None,
        *,
        timeout_s: float = UP_TIMEOUT_S,
        tied: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> StackStatus:
        """Bring the stack up and return when every server is well; fine when it is up already.

        Args:
            on_progress: Told in a line about each server's change of state.
            timeout_s: The longest to wait.
            tied: The daemon goes down in order when this process (to be exact, the calling thread) ends, however.
            cancelled: Asked while waiting.

        Raises:
            StackError: It did not come up, or nobody wants it any more; what this call started has been stopped again.
        """
        started = None
        if not self.is_running():
            self._require_programs()
            started = self._start_daemon(tied=tied)
        began = time.monotonic()
        seen: dict[str, str] = {}
        while True:
            status = self._status_while_starting(started)
            for server in status.servers:
                if status.daemon is not None and seen.get(server.name) != server.state:
                    seen[server.name] = server.state
                    on_progress(f"{server.name}: {server.state} ({time.monotonic() - began:.1f} s)")
            if status.healthy:
                return status
            if cancelled():
                if started is not None:
                    self.down()
                raise StackError("interrupted while the stack was coming up")
            self._give_up_if_hopeless(status, waited_s=time.monotonic() - began, timeout_s=timeout_s, own=started)
            time.sleep(POLL_S)

    def down(self, *, timeout_s: float = DOWN_TIMEOUT_S) -> bool:
        """Stop all servers in order, and the daemon; return whether it was running.

        Raises:
            StackError: The daemon did not end in time.
        """
        try:
            pid = int(request(self.paths.run, "down")["daemon"])
        except ConnectionError:
            end_leftovers(self.paths.run)
            return False
        try:
            with owned(self.paths, wait_s=timeout_s):
                _reap(pid)  # the lock is free: the daemon has ended, after all it had started
                return True
        except StackError as error:
            raise StackError(f"the stack's daemon ({pid}) did not end within {timeout_s:.0f} s") from error

    def start(self, name: str) -> None:
        """Start one server that was stopped, and wait until it is well."""
        request(self.paths.run, "start", name=name)
        self._wait(name, lambda server: server.healthy)

    def stop(self, name: str) -> None:
        """Stop one server and leave it stopped; returns when it has ended."""
        request(self.paths.run, "stop", name=name)
        self._wait(name, lambda server: server.state == "stopped")

    def restart(self, name: str) -> None:
        """Stop one server and start it again, and wait until it is well."""
        before = self._server(name).pid
        request(self.paths.run, "restart", name=name)
        self._wait(name, lambda server: server.healthy and server.pid != before)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send one server a signal, as an accident would, and return its pid; the supervisor is not told."""
        return int(request(self.paths.run, "kill", name=name, signal=int(number))["pid"])

    def wipe(self) -> None:
        """Delete the stack's directory with all data and passwords.

        Raises:
            StackError: It is running.
        """
        self._require_down("wiping it would pull the data from under its servers: eyes stack down")
        if self.paths.root.exists():
            with owned(self.paths):
                shutil.rmtree(self.paths.root)

    def archive_data(self) -> Path | None:
        """Move a stopped stack aside to ``<dir>.previous``, replacing an older one there.

        Returns:
            Where it went, or ``None`` when there was nothing to move.

        Raises:
            StackError: It is running.
        """
        self._require_down("its data can be moved only while it is down: eyes stack down")
        if not self.paths.data.exists():
            return None
        previous = self.paths.previous
        with owned(self.paths):
            if previous.exists():
                shutil.rmtree(previous)
            self.paths.root.rename(previous)
        return previous

    def _require_down(self, why: str) -> None:
        if self.is_running():
            raise StackError(f"the stack in {self.paths.root} is running; {why}")
        end_leftovers(self.paths.run)

    def _require_programs(self) -> None:
        try:
            here = layout()
            wanted = self.settings.servers
            needed = {name: here.kafka if name == "kafka" else here.servers for name in SERVERS}
            missing = [name for name, place in needed.items() if name in wanted and not is_complete(place)]
        except SetupError as error:
            raise StackError(str(error)) from error
        if missing:
            raise StackError(f"the programs of {' and '.join(missing)} are not there yet: make setup")

    def _start_daemon(self, *, tied: bool) -> subprocess.Popen[bytes]:
        self.paths.make()
        write_private(self.paths.run / SETTINGS_FILE, self.settings.model_dump_json() + "\n")
        (self.paths.run / FAILURE_FILE).unlink(missing_ok=True)
        command = [sys.executable, "-m", "ops.stack.daemon", str(self.paths.root)]
        with self.paths.log("daemon").open("ab") as log:
            daemon = subprocess.Popen(
                bound_to_us(command, signal.SIGTERM) if tied else command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        _started.add(daemon)
        return daemon

    def _status_while_starting(self, started: subprocess.Popen[bytes] | None) -> StackStatus:
        status = self.status()
        if started is None or started.poll() is None:
            return status
        if status.daemon is not None and status.daemon != started.pid:
            return status  # another `up` was faster; its daemon is as good
        failure = self.paths.run / FAILURE_FILE
        said = failure.read_text(encoding="utf-8") if failure.exists() else tail(self.paths.log("daemon"), 15)
        raise StackError(f"the stack did not start: {said}")

    def _give_up_if_hopeless(
        self, status: StackStatus, *, waited_s: float, timeout_s: float, own: subprocess.Popen[bytes] | None
    ) -> None:
        failing = [one for one in status.servers if one.restarts >= FAILED_RESTARTS and not one.healthy]
        if not failing and waited_s < timeout_s:
            return
        parts = []
        for server in failing or [one for one in status.servers if not one.healthy]:
            parts += [f"{server.name} is {server.state}: {server.detail}", tail(server.log, 15)]
        if own is not None:
            self.down()
        raise StackError(f"the stack did not come up within {waited_s:.0f} s.\n" + "\n".join(parts))

    def _server(self, name: str) -> ServerStatus:
        for server in self.status().servers:
            if server.name == name:
                return server
        raise StackError(f"there is no server {name!r} in this stack; it has {', '.join(self.settings.servers)}")

    def _wait(self, name: str, condition: Callable[[ServerStatus], bool], timeout_s: float = UP_TIMEOUT_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition(server := self._server(name)):
            if time.monotonic() > deadline or server.state == "crash-looping":
                raise StackError(f"{name} is {server.state}: {server.detail}\n{tail(server.log, 15)}")
            time.sleep(POLL_S)

    def _stopped(self, name: str) -> ServerStatus:
        return ServerStatus(
            name=name,
            version="",
            state="stopped",
            healthy=False,
            pid=None,
            port=getattr(self.settings, f"{PORT_NAMES.get(name, name)}_port"),
            uptime_s=None,
            restarts=0,
            detail="",
            log=self.paths.log(name),
        )


def _reap(ending: int) -> None:
    """Take note of the end of daemons that this process started; ``ending`` is about to exit."""
    for daemon in tuple(_started):
        if daemon.pid == ending:
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(REAP_S)
        if daemon.poll() is not None:
            _started.discard(daemon)
