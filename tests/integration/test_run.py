"""The main job as a newcomer starts it: it ends well, it shows what it should, and it leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from ops.grafana import operators, sre
from ops.metrics_docs import document
from ops.stack.client import database_dsn
from ops.stack.local import LocalStack
from ops.stack.secrets import load
from tests.servers import free_ports, stack_settings
from tests.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

EYES = (sys.executable, "-m", "ops.cli.main")
WAIT_S = 180.0
LIVE = re.compile(r"up\{|ingest_messages|ingest_readings|processor_events|archive_rows|end_to_end")


@dataclass(frozen=True)
class Place:
    """Where a run happens: its own ports and directory."""

    stack: LocalStack
    env: dict[str, str]
    output: Path

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as log:
            return subprocess.Popen(
                [*EYES, "run", *arguments], env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def eyes(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*EYES, *arguments], env=self.env | env, capture_output=True, text=True, check=False)

    def prometheus(self, path: str) -> Any:
        port = self.stack.settings.prometheus_port
        with urlopen(f"http://127.0.0.1:{port}/api/v1/{path}") as answer:
            return json.load(answer)["data"]

    def query(self, promql: str) -> list[Any]:
        found: list[Any] = self.prometheus(f"query?query={quote(promql)}")["result"]
        return found

    def database(self) -> psycopg.Connection:
        secrets = load(self.stack.paths.root)
        return psycopg.connect(database_dsn(self.stack.settings), password=secrets.postgres_eyes)


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="eyes-run-", dir=os.environ.get("EYES_TEST_DIR")))
    folder.chmod(0o711)
    settings = stack_settings(folder / "stack")
    names = ("INGEST", "PROCESSORS", "SEQUENCER", "CORRELATORS", "ARCHIVE")
    env = {
        **{
            f"EYES_STACK__{k.upper()}": str(v) for k, v in settings.model_dump(mode="json", exclude={"servers"}).items()
        },
        **{f"EYES_{name}__METRICS_PORT": str(port) for name, port in zip(names, free_ports(len(names)), strict=True)},
    }
    stack = LocalStack(settings, folder / "stack")
    yield Place(stack, {**os.environ, **env}, folder / "run.log")
    stack.down()
    shutil.rmtree(folder, ignore_errors=True)


def end(process: subprocess.Popen[bytes], place: Place) -> int:
    """Wait for its end; nothing that it started may be left."""
    family = psutil.Process(process.pid).children(recursive=True)
    code = process.wait(WAIT_S)
    left = psutil.wait_procs(family, timeout=20)[1]
    assert left == [], f"{left}; it said: {place.said()}"
    return code


def test_a_run_ends_by_itself_with_a_balanced_account(place: Place) -> None:
    run = place.start("--for", "40s", "--keep-stack")
    eventually(lambda: "newest" in place.said() or "tilted" in place.said(), named=f"first finding in: {place.said()}")

    assert place.eyes("stack", "status").returncode == 0
    eventually(lambda: place.query("sum(rate(eyes_ingest_messages_total[1m])) > 0"), named="message rate")
    eventually(lambda: len(place.query('up{job=~"ingest|processors|archive"} == 1')) == 3, named="three targets up")
    with place.database() as connection:
        hypertables = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables").fetchall()
        assert {name for (name,) in hypertables} >= {"observations", "camera_events", "anomaly_events"}

        def rows() -> int:
            counted = connection.execute("SELECT count(*) FROM observations").fetchone()
            return 0 if counted is None else int(counted[0])

        eventually(lambda: rows() > 2_000, named="thousands of readings")
    for panel in sre.PANELS:
        for expression in panel.promql.values():
            if LIVE.search(expression):
                eventually(lambda e=expression: place.query(e), named=f"data of panel {panel.title}: {expression}")
    rows = re.findall(r"\| `(eyes_\w+)` \| \w+ \| ([^|]*) \|", document())
    listed = {name.removesuffix("_total"): bool(labels.strip()) for name, labels in rows}
    exposed = {name for name in place.prometheus("label/__name__/values") if name.startswith("eyes_")}
    exposed = {re.sub(r"_(bucket|count|sum|created|total)$", "", name) for name in exposed}
    assert exposed <= listed.keys()
    assert all(listed[name] for name in listed.keys() - exposed)  # only what has labels may have no series yet

    assert run.wait(WAIT_S) == 0, place.said()
    said = place.said()
    assert "Nothing lost, nothing twice, every planted incident found and nothing else." in said
    kinds = [word for word in ("tilted", "silent for", "standing at", "open:", "taken for longer") if word in said]
    assert len(kinds) >= 3, said
    assert "Cover 41100201001000123 tilted" in said
    look_at_what_it_left(place)


def look_at_what_it_left(place: Place) -> None:
    """It fills the panels, and is what the log gives."""
    with place.database() as connection:
        for panel in operators.PANELS:
            sql = re.sub(r"\$__timeFilter\(([^)]+)\)", r"\1 > '2000-01-01'", panel.sql)
            sql = re.sub(r"\$__timeGroupAlias\(([^,]+),\s*'([^']+)'\)", r"time_bucket('\2', \1) AS time", sql)
            rows = connection.execute(sql.encode()).fetchall()
            assert rows or "open_anomalies" in panel.sql, panel.title  # nothing need be open just now
    # Neither what the processor can nor how readings were cut into records may change a finding.
    for features, cut in (("", ()), ("X86_V3 X86_V4 AVX512_ICL AVX512_SPR", ("--batch-rows", "1"))):
        verified = place.eyes("verify", "--json", *cut, NPY_DISABLE_CPU_FEATURES=features)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert json.loads(verified.stdout)["published"] > 0


def test_ctrl_c_ends_it_in_order(place: Place) -> None:
    run = place.start()
    eventually(lambda: "tilted" in place.said(), named="first finding")
    run.send_signal(signal.SIGINT)
    assert end(run, place) == 0, place.said()
    assert "Nothing lost, nothing twice" in place.said()
    assert place.eyes("stack", "status").returncode == 1  # it stopped what it had started


def test_killed_it_leaves_no_orphan_and_the_next_run_ends_in_order_on_sigterm(place: Place) -> None:
    run = place.start("--for", "60s")
    eventually(lambda: "processes: " in place.said(), named="running processes")
    family = psutil.Process(run.pid).children(recursive=True)
    assert len(family) > 8  # ours, the feeder, the servers and their daemon
    run.kill()
    run.wait()
    assert psutil.wait_procs(family, timeout=40)[1] == []
    again = place.start()
    eventually(lambda: "tilted" in place.said(), named="first finding")
    again.send_signal(signal.SIGTERM)
    assert end(again, place) == 0, place.said()
    assert "Nothing lost, nothing twice" in place.said()


def test_it_can_be_interrupted_while_it_starts(place: Place) -> None:
    run = place.start()
    eventually(lambda: "kafka: starting" in place.said(), named="start of the servers")
    run.send_signal(signal.SIGINT)
    assert end(run, place) == 1
    assert "interrupted" in place.said()
    assert "Traceback" not in place.said()


def test_beside_a_stack_of_ones_own_it_is_refused_with_advice(place: Place) -> None:
    place.stack.up()
    second = place.eyes("run", "--for", "1s")
    assert second.returncode == 1
    assert "eyes stack down" in second.stderr
    place.stack.down()
    data = place.eyes("run", "--for", "1s")  # which would have to be moved aside
    assert data.returncode == 1
    assert "eyes stack wipe" in data.stderr
    assert "Traceback" not in second.stderr + data.stderr
    assert place.stack.paths.data.exists()
