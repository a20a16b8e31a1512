"""What the stack writes: configurations, secrets, who owns what."""

import json
import os
import socket
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import psutil
import pytest

from ops.stack import control
from ops.stack.client import render_client
from ops.stack.errors import StackError
from ops.stack.logs import tail
from ops.stack.ownership import end_leftovers, owned, record_children
from ops.stack.paths import StackPaths
from ops.stack.ports import require_free
from ops.stack.secrets import load, load_or_make
from ops.stack.servers.kafka import render_kafka
from ops.stack.servers.mosquitto import render_mosquitto
from ops.stack.servers.postgres import render_postgres
from ops.stack.servers.prometheus import render_prometheus
from ops.stack.status import ServerStatus
from ops.stack.targets import scraped
from runtime.settings import Settings, StackSettings

SETTINGS = StackSettings(host="127.0.0.9", kafka_port=1, mqtt_port=2, postgres_port=3, prometheus_port=4)


def properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_kafka_properties() -> None:
    values = properties(render_kafka(SETTINGS, Path("/data")))
    assert values["advertised.listeners"] == "PLAINTEXT://127.0.0.9:1"
    assert values["log.dirs"] == "/data"
    assert values["auto.create.topics.enable"] == "false"
    assert values["log.message.timestamp.type"] == "LogAppendTime"
    assert values["log.retention.ms"] == "-1"


@pytest.mark.parametrize(("run_as", "first"), [("root", "user root"), (None, "per_listener_settings false")])
def test_mosquitto_conf(run_as: str | None, first: str) -> None:
    lines = render_mosquitto(SETTINGS, conf=Path("/c"), data=Path("/d"), run_as=run_as).splitlines()
    assert lines[0] == first
    assert "listener 2 127.0.0.9" in lines
    assert "allow_anonymous false" in lines
    assert "persistence_location /d/" in lines


def test_postgres_conf() -> None:
    lines = render_postgres(SETTINGS).splitlines()
    assert "listen_addresses = '127.0.0.9'" in lines
    assert "fsync = on" in lines
    assert "timescaledb.telemetry_level = off" in lines


def test_prometheus_yml_is_json_with_every_rule_file() -> None:
    text = render_prometheus(SETTINGS, targets=Path("/t"), rules=[Path("/r/a.rules.yml")])
    config = json.loads(text)
    assert config["rule_files"] == ["/r/a.rules.yml"]
    assert config["scrape_configs"][0]["file_sd_configs"][0]["files"] == ["/t/*.json"]


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="eyes stack up"):
        load(tmp_path)
    made = load_or_make(tmp_path)
    assert load_or_make(tmp_path) == load(tmp_path) == made
    assert made.mqtt_ingest not in repr(made)
    path = StackPaths(tmp_path).secrets
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{}")
    with pytest.raises(StackError, match="damaged"):
        load(tmp_path)


def test_client_file_has_a_table_for_each_server_that_runs_here(tmp_path: Path) -> None:
    secrets = load_or_make(tmp_path)
    client = tomllib.loads(render_client(SETTINGS, secrets))
    assert client["kafka"] == {"bootstrap": "127.0.0.9:1"}
    assert client["mqtt"] == {"host": "127.0.0.9", "port": 2, "username": "ingest", "password": secrets.mqtt_ingest}
    assert client["database"]["dsn"] == "host=127.0.0.9 port=3 dbname=eyes user=eyes"
    fewer = SETTINGS.model_copy(update={"servers": ("kafka",)})
    assert set(tomllib.loads(render_client(fewer, secrets))) == {"kafka"}


def test_a_stack_has_one_owner(tmp_path: Path) -> None:
    paths = StackPaths(tmp_path)
    with owned(paths), pytest.raises(StackError, match="in use by process"), owned(paths, wait_s=0.1):
        pass
    with owned(paths, wait_s=0.1):  # free again, the file notwithstanding
        pass


def test_leftovers_are_ended_but_never_a_stranger_with_the_same_pid(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleeper) as left, subprocess.Popen(sleeper) as stranger:
        try:
            record_children(tmp_path, {"kafka": left.pid, "postgres": stranger.pid})
            recorded = json.loads((tmp_path / "children.json").read_text())
            recorded["postgres"]["created"] -= 1  # as if the pid had been another process's then
            (tmp_path / "children.json").write_text(json.dumps(recorded))
            assert end_leftovers(tmp_path, wait_s=1) == ["kafka"]
            assert left.poll() is not None or psutil.Process(left.pid).status() == psutil.STATUS_ZOMBIE
            assert stranger.poll() is None
            assert end_leftovers(tmp_path, wait_s=1) == []
        finally:
            left.kill()
            stranger.kill()


def test_a_taken_port_is_named_with_its_user() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"127.0.0.1:{port} \(stack.mqtt_port\).*process {os.getpid()} "):
            require_free("127.0.0.1", {port: "stack.mqtt_port"})
    require_free("127.0.0.1", {port: "stack.mqtt_port"})


def test_control_socket_works_below_a_long_path(tmp_path: Path) -> None:
    run = tmp_path / ("x" * 120)
    run.mkdir()
    with pytest.raises(ConnectionError):
        control.request(run, "status")

    def handle(message: dict[str, object]) -> dict[str, object]:
        if message["command"] == "bad":
            raise StackError("no such thing")
        return {"got": message["name"]}

    server = control.ControlServer(run, handle)
    try:
        assert control.request(run, "start", name="kafka") == {"got": "kafka"}
        with pytest.raises(StackError, match="no such thing"):
            control.request(run, "bad")
    finally:
        server.close()
    with pytest.raises(ConnectionError):
        control.request(run, "status")


def test_a_daemon_that_ends_while_it_is_asked_is_one_that_does_not_run(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(str(tmp_path / control.SOCKET))
        daemon.listen()

        def end() -> None:
            connection, _ = daemon.accept()
            connection.recv(1, socket.MSG_PEEK | socket.MSG_WAITALL)
            connection.close()  # what it was asked is not read: the other side is told of a reset

        ending = threading.Thread(target=end)
        ending.start()
        with pytest.raises(ConnectionError, match="has ended"):
            control.request(tmp_path, "status")
        ending.join()


def test_status_survives_the_wire() -> None:
    status = ServerStatus(
        name="kafka",
        version="4.2.1",
        state="running",
        healthy=True,
        pid=12,
        port=1,
        uptime_s=2.5,
        restarts=0,
        detail="",
        log=Path("/log"),
    )
    assert ServerStatus.from_json(json.loads(json.dumps(status.to_json()))) == status


def test_tail(tmp_path: Path) -> None:
    assert tail(tmp_path / "none", 3) == ""
    (tmp_path / "log").write_text("".join(f"{number}\n" for number in range(100_000)))
    assert tail(tmp_path / "log", 2) == "99998\n99999"


def test_a_process_is_scraped_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYES_STACK__DIR", str(tmp_path))
    settings = Settings()
    with scraped(settings, job="ingest", instance="a", port=1):  # nowhere to say it: no stack was made here
        pass
    StackPaths(tmp_path).targets.mkdir()
    file = StackPaths(tmp_path).targets / "ingest-a.json"
    with scraped(settings, job="ingest", instance="a", port=19):
        assert json.loads(file.read_text())[0]["targets"] == ["127.0.0.1:19"]
    assert not file.exists()
    with pytest.raises(RuntimeError), scraped(settings, job="ingest", instance="a", port=19):
        raise RuntimeError
    assert not file.exists()
    with scraped(settings, job="ingest", instance="a", port=0):
        assert not file.exists()
