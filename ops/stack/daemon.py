"""The stack's daemon: ``python -m ops.stack.daemon DIR``, started by :class:`ops.stack.LocalStack`.

It holds the directory's lock, prepares the servers, supervises them and answers on the control socket
until SIGTERM or the command ``down``.
"""

import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from ops.setup.console import SetupError
from ops.setup.layout import layout
from ops.stack import secrets
from ops.stack.client import render_client
from ops.stack.control import ControlServer
from ops.stack.errors import StackError
from ops.stack.files import write_private
from ops.stack.ownership import end_leftovers, owned, record_children
from ops.stack.paths import StackPaths
from ops.stack.ports import require_free
from ops.stack.servers import SERVERS, Context, Server
from ops.stack.status import ServerStatus
from ops.supervise import ProcessStatus, Supervisor
from runtime.logs import configure_logs
from runtime.settings import LogSettings, StackSettings

SETTINGS_FILE = "settings.json"
FAILURE_FILE = "failure.txt"

log = structlog.get_logger("stack")


class Daemon:
    """The servers of one stack under one supervisor."""

    def __init__(self, settings: StackSettings, paths: StackPaths) -> None:
        context = Context(settings, paths, secrets.load_or_make(paths.root), layout())
        self._paths = paths
        self._context = context
        wanted = (name for name in SERVERS if name in settings.servers)
        self._servers: dict[str, Server] = {name: SERVERS[name](context) for name in wanted}
        self._versions = {name: server.version() for name, server in self._servers.items()}
        self._supervisor: Supervisor | None = None

    def run(self) -> None:
        """Run until asked to end.

        Raises:
            StackError: A port is taken or a server could not be prepared; nothing is running then.
        """
        control = ControlServer(self._paths.run, self._answer)
        try:
            for name in end_leftovers(self._paths.run):
                log.warning("stack.leftover_ended", server=name)
            self._check_ports()
            self._prepare()
            settings = self._context.settings
            write_private(self._paths.client, render_client(settings, self._context.secrets))
            self._supervisor = Supervisor([server.spec() for server in self._servers.values()])
            recorder = threading.Thread(target=self._record, args=(self._supervisor,), daemon=True)
            self._supervisor.run_forever(on_started=recorder.start)
        finally:
            control.close()

    def _check_ports(self) -> None:
        ports = {}
        for name, server in self._servers.items():
            setting = {"mosquitto": "mqtt"}.get(name, name)
            main, *others = server.ports()
            ports[main] = f"stack.{setting}_port"
            ports |= dict.fromkeys(others, f"stack.{setting}_controller_port")
        require_free(self._context.settings.host, ports)

    def _prepare(self) -> None:
        """Prepare all servers at the same time; the first time two of them take a second or more."""
        with ThreadPoolExecutor(max_workers=len(self._servers) or 1) as pool:
            for done in [pool.submit(server.prepare) for server in self._servers.values()]:
                done.result()

    def _record(self, supervisor: Supervisor) -> None:
        """Keep the list of the servers' processes current."""
        known: dict[str, int] = {}
        while True:
            now = {one.name: one.pid for one in supervisor.status() if one.pid is not None}
            if now != known:
                known = now
                record_children(self._paths.run, known)
            threading.Event().wait(0.2)

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        command, name = message["command"], message.get("name", "")
        if command == "status":
            return {"daemon": os.getpid(), "servers": [one.to_json() for one in self._status()]}
        if command == "down":
            os.kill(os.getpid(), signal.SIGTERM)
            return {"daemon": os.getpid()}
        if self._supervisor is None:
            raise StackError("the stack is still being prepared; try again in a moment")
        if name not in self._servers:
            raise StackError(f"there is no server {name!r} in this stack; it has {', '.join(self._servers)}")
        if command == "kill":
            number = signal.Signals(int(message.get("signal", signal.SIGKILL)))
            pid = self._supervisor.kill(name, number)
            if pid is None:
                raise StackError(f"{name} is not running")
            return {"pid": pid}
        action = {
            "start": self._supervisor.start_one,
            "stop": self._supervisor.stop_one,
            "restart": self._supervisor.restart_one,
        }[command]
        action(name)
        return {}

    def _status(self) -> list[ServerStatus]:
        known: dict[str, ProcessStatus] = {}
        if self._supervisor is not None:
            known = {one.name: one for one in self._supervisor.status()}
        return [
            ServerStatus(
                name=name,
                version=self._versions[name],
                state=one.state.value if one else "preparing",
                healthy=one is not None and one.healthy,
                pid=one.pid if one else None,
                port=server.ports()[0],
                uptime_s=one.uptime_s if one else None,
                restarts=one.restarts if one else 0,
                detail=one.detail if one else "",
                log=self._paths.log(name),
            )
            for name, server in self._servers.items()
            for one in [known.get(name)]
        ]


def main(argv: list[str]) -> int:
    """Run the daemon of the stack in ``argv[0]``; what keeps it from starting goes into ``run/failure.txt``."""
    paths = StackPaths(Path(argv[0]))
    configure_logs(LogSettings(format="json"), "stack")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what its client has to say, the checks report
    settings = StackSettings.model_validate_json((paths.run / SETTINGS_FILE).read_text(encoding="utf-8"))
    try:
        with owned(paths):
            Daemon(settings, paths).run()
    except (StackError, SetupError) as error:
        log.error("stack.failed", error=str(error))  # noqa: TRY400 - expected, and its text says it all
        write_private(paths.run / FAILURE_FILE, str(error))
        return 1
    except Exception as error:
        log.exception("stack.failed")
        write_private(paths.run / FAILURE_FILE, f"{type(error).__name__}: {error}; see {paths.log('daemon')}")
        return 1
    log.info("stack.ended")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
