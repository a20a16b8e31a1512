"""A whole city on a stack of its own, under load, for tests that hurt it."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers import TestStack, free_ports, open_settings, stack_settings

from ops.run.city import City
from ops.stack import LocalStack
from ops.stack.secrets import load
from runtime.settings import Settings

WAIT_S = 90.0
DRAIN_S = 120.0
SPEED = 1440.0  # city seconds per second; about a thousand readings a second
STEP_S = 60.0
FEED = (
    *("demo", "--speed", str(SPEED), "--seed", "11"),
    *("--duplicates", "0.01", "--conflicts", "0.002", "--garbage", "0.002"),
)


@dataclass(frozen=True)
class Scenario:
    """A city under load, its servers and its processes within reach of the test."""

    city: City
    stack: LocalStack

    def feed_more(self, publications: int) -> None:
        """Return when so many more publications were written down than now."""
        goal = self.written() + publications
        wait_until(lambda: self.written() >= goal, f"{publications} more publications")

    def written(self) -> int:
        """Lines in the feeder's list of ids."""
        file = self.city.feeder.sent_file
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def outage(self, server: str, seconds: float) -> None:
        """Stop a server for a span that is the fault itself, and start it again."""
        self.stack.stop(server)
        time.sleep(seconds)
        self.stack.start(server)

    def assert_nothing_lost_nothing_doubled(self) -> None:
        """The reckoning, by ids; and no process may have needed a person."""
        reckoning = self.city.reckon(drain_s=DRAIN_S)
        assert reckoning.account.balanced, reckoning.account
        assert reckoning.verdict.good, reckoning.verdict
        unwell = [status for status in self.city.supervisor.status() if not status.healthy]
        assert not unwell, unwell


@pytest.fixture(scope="module")
def local_stack() -> Iterator[TestStack]:
    """One stack for the module; each test finds it with all servers well and every database and topic new."""
    root = Path(tempfile.mkdtemp(prefix="eyes-faults-", dir=os.environ.get("EYES_TEST_DIR")))
    root.chmod(0o711)
    local = LocalStack(stack_settings(root / "stack"), root / "stack")
    try:
        local.up()
        secrets = load(local.paths.root)
        yield TestStack(local, open_settings(local, secrets), secrets)
    finally:
        local.down()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def scenario(local_stack: TestStack, tmp_path: Path) -> Iterator[Scenario]:
    """A city of its own: topics under a prefix, a database, an MQTT session, ports."""
    local_stack.stack.up()  # a test before may have left a server stopped
    prefix = local_stack.fresh_prefix()
    with local_stack.fresh_database() as database:
        env = {
            **local_stack.env,
            "EYES_CLOCK__MODE": "feed",
            "EYES_CLOCK__TICK_S": str(STEP_S),
            "EYES_KAFKA__TOPIC_PREFIX": prefix,
            "EYES_DATABASE__DSN": database.dsn,
            "EYES_INGEST__CLIENT_ID": f"{prefix}ingest",
            "EYES_LOG__FORMAT": "json",
        }
        ports = free_ports(3)
        for process, port in zip(("INGEST", "PROCESSORS", "ARCHIVE"), ports, strict=True):
            env[f"EYES_{process}__METRICS_PORT"] = str(port)
        settings = settings_of(env)
        city = City(settings, env, tmp_path / "run", FEED)
        try:
            city.prepare()
            city.start()
            yield Scenario(city, local_stack.stack)
        finally:
            city.stop()


def settings_of(env: dict[str, str]) -> Settings:
    """What a process with this environment would read."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        return Settings()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: it did not in time; names what was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {timeout_s:.0f} s"
        time.sleep(0.1)
