"""A stack for the tests that hurt servers, and for each test a city of its own on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.run.city import City
from runtime.settings import settings_with
from tests.faults.scenario import Scenario
from tests.servers import TestStack, free_ports, running_stack

SPEED = 480.0  # city seconds per second; about two hundred readings a second, so that nobody only catches up
STEP_S = 60.0
SHOWN = 20  # lines of each log
FEED = (
    *("demo", "--speed", str(SPEED), "--seed", "11"),
    *("--duplicates", "0.01", "--conflicts", "0.002", "--garbage", "0.002"),
)


@pytest.fixture(scope="session")
def hurt_stack() -> Iterator[TestStack]:
    """One stack for all faults, apart from the one that other tests expect to be well."""
    with running_stack("faults") as stack:
        yield stack


@pytest.fixture
def scenario(hurt_stack: TestStack, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scenario]:
    """A city of its own: topics, a database, an MQTT session, ports.

    A parameter says how many workers, and may add to their environment.
    """
    workers, more = getattr(request, "param", (1, {}))
    hurt_stack.stack.up()  # a test before may have left a server stopped
    prefix = hurt_stack.fresh_prefix()
    with hurt_stack.fresh_database() as database:
        env = {
            **hurt_stack.env,
            "EYES_CLOCK__MODE": "feed",
            "EYES_CLOCK__TICK_S": str(STEP_S),
            "EYES_KAFKA__TOPIC_PREFIX": prefix,
            "EYES_DATABASE__DSN": database.dsn,
            "EYES_INGEST__CLIENT_ID": f"{prefix}ingest",
            "EYES_LOG__FORMAT": "json",
            "EYES_PROCESSORS__SNAPSHOT_S": "2",
            **more,
        }
        names = ("INGEST", "ARCHIVE", "SEQUENCER", "CORRELATORS", "PROCESSORS")
        ports = zip(names, free_ports(len(names) - 1 + workers), strict=False)  # workers in a row
        env |= {f"EYES_{process}__METRICS_PORT": str(port) for process, port in ports}
        env["EYES_PROCESSORS__WORKERS"] = str(workers)
        city = City(settings_with(env), env, tmp_path / "run", FEED)
        try:
            city.prepare()
            city.start()
            yield Scenario(city, hurt_stack.stack)
        finally:
            city.stop()
            _show_logs(city)


def _show_logs(city: City) -> None:
    """What each process said last."""
    for status in city.supervisor.status():
        lines = status.log_file.read_text(errors="replace").splitlines() if status.log_file.exists() else []
        print(f"--- {status.name}", *lines[-SHOWN:], sep="\n")  # noqa: T201 - pytest keeps it for a test that failed
