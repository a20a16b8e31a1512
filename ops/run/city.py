"""A running pipeline with everything around it, as one object: ``eyes run`` shows it, fault tests hurt it."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ops.accounting import Reckoning, reckon
from ops.database.migrate import connect, migrate
from ops.pipeline import is_ready, member, members, specs
from ops.registry import load_demo_registry
from ops.run.feeder import Feeder
from ops.supervise import Supervisor
from ops.topics import ensure_topics
from runtime.errors import FatalError
from runtime.settings import Settings

READY_S: Final = 60.0
DRAIN_S: Final = 30.0

Report = Callable[[str], None]


class City:
    """Tables, topics and a registry on a stack that runs; our processes under a supervisor; a feeder.

    Args:
        settings: How the processes reach the servers.
        env: The same as environment variables, for the processes.
        folder: For logs, the feeder's list of ids and its truth.
        feed: What ``eyes feed`` is told beside its files.
    """

    def __init__(self, settings: Settings, env: Mapping[str, str], folder: Path, feed: tuple[str, ...]) -> None:
        self.settings = settings
        self.env = dict(env)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.supervisor = Supervisor(specs(members(settings), folder, env))
        self.feeder = Feeder(feed, folder=folder, env=env)

    def prepare(self, report: Report = lambda _line: None) -> None:
        """Make tables, topics and registry; repeating it changes nothing."""
        with connect(self.settings.database) as connection:
            report(f"tables: {len(migrate(connection))} migrations applied")
        report(f"topics: {len(ensure_topics(self.settings.kafka))} created")
        report(f"registry: {load_demo_registry(self.settings)}")

    def start(self, report: Report = lambda _line: None, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start our processes and, when all are well, the feeder.

        Raises:
            FatalError: a process is not well within a minute (its log says why), or nobody wants it any more.
        """
        self.supervisor.start()
        well = self.supervisor.wait_for(lambda all_: cancelled() or all(one.healthy for one in all_), READY_S)
        if cancelled():
            raise FatalError("interrupted while the processes were starting")
        if not well:
            unwell = [status for status in self.supervisor.status() if not status.healthy]
            raise FatalError(
                "; ".join(f"{one.name} is {one.state}: {one.detail} (log {one.log_file})" for one in unwell)
            )
        self._wait_subscribed(cancelled)
        report("processes: " + ", ".join(status.name for status in self.supervisor.status()))
        self.feeder.start()

    def _wait_subscribed(self, cancelled: Callable[[], bool]) -> None:
        """What is published before ingest has its session at the broker is heard by nobody."""
        ingest = member(self.settings, "ingest")
        deadline = time.monotonic() + READY_S
        while not is_ready(ingest):
            if cancelled():
                raise FatalError("interrupted while ingest was subscribing")
            if time.monotonic() > deadline:
                raise FatalError(f"ingest has no subscription at the broker after {READY_S:.0f} s: {ingest.health_url}")
            time.sleep(0.1)

    def reckon(self, *, drain_s: float = DRAIN_S) -> Reckoning:
        """Stop feeding, wait until everything sent has arrived, and settle the account.

        Waiting ends early when for ``drain_s`` nothing more arrived.
        """
        self.feeder.stop()
        raw = self.feeder.truth()
        (self.folder / "truth.ndjson").write_bytes(raw)
        truth = [json.loads(line) for line in raw.splitlines()]
        return reckon(self.settings.database, self.feeder.sent_file, truth, wait_s=drain_s)

    def stop(self) -> None:
        """Stop feeder and processes; what was stored stays."""
        self.feeder.kill()
        self.supervisor.stop()
