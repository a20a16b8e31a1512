"""A place to measure in: servers and processes of its own in a temporary directory, gone afterwards."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.database.migrate import connect, migrate
from ops.pipeline import members, specs
from ops.stack.local import LocalStack
from ops.supervise import Supervisor
from ops.topics import ensure_topics
from runtime.errors import FatalError
from runtime.settings import Settings, StackSettings, settings_with

READY_S: Final = 60.0
POLL_S: Final = 0.1
METRICS_PORTS: Final = {  # beside those of a pipeline that may be running here
    "EYES_INGEST__METRICS_PORT": "29101",
    "EYES_PROCESSORS__METRICS_PORT": "29111",
    "EYES_SEQUENCER__METRICS_PORT": "29131",
    "EYES_CORRELATORS__METRICS_PORT": "29141",
    "EYES_ARCHIVE__METRICS_PORT": "29121",
    "EYES_LOG__LEVEL": "warning",
}

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """What a benchmark has."""

    folder: Path
    settings: Settings
    stack: LocalStack
    supervisor: Supervisor

    def start(self) -> None:
        """Start our processes and wait until they are well.

        Raises:
            FatalError: they are not within a minute.
        """
        self.supervisor.start()
        if not self.supervisor.wait_ready(READY_S):
            raise FatalError("; ".join(f"{one.name}: {one.detail}" for one in self.supervisor.status()))


@contextmanager
def place(stack_settings: StackSettings, report: Report, *roles: str) -> Iterator[Place]:
    """Servers that run, tables and topics, and those of our processes that have one of these roles, not started yet."""
    with tempfile.TemporaryDirectory(prefix="eyes-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # root runs PostgreSQL as somebody else
        stack_settings = stack_settings.model_copy(update={"dir": folder / "stack"})
        stack = LocalStack(stack_settings, stack_settings.dir)
        env = METRICS_PORTS | {
            f"EYES_STACK__{name.upper()}": str(value)
            for name, value in stack_settings.model_dump(mode="json", exclude={"servers"}).items()
        }
        stack.up(report, tied=True)
        try:
            settings = settings_with(env)
            with connect(settings.database) as connection:
                migrate(connection)
            ensure_topics(settings.kafka)
            wanted = [one for one in members(settings) if one.role in roles]
            supervisor = Supervisor(specs(wanted, folder, env))
            try:
                yield Place(folder, settings, stack, supervisor)
            finally:
                supervisor.stop()
        finally:
            stack.down()


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll until a condition holds.

    Raises:
        FatalError: it did not in time; names what was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise FatalError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(POLL_S)
