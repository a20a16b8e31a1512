"""The local stack with real servers: what happens to it must not leave orphans, locks or half states."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from ops.stack.client import database_dsn
from ops.stack.errors import StackError
from ops.stack.local import LocalStack
from ops.stack.secrets import StackSecrets, load
from ops.stack.targets import register, unregister
from runtime.settings import StackSettings
from tests.servers import TestStack, stack_settings
from tests.waiting import eventually

pytestmark = pytest.mark.servers

EYES = [sys.executable, "-c", "import sys; sys.argv[0] = 'eyes'; from ops.cli.stack import app; app()"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a long name: a unix socket's address would not hold it."""
    base = Path(tempfile.mkdtemp(prefix="eyes-test-stack-"))
    base.chmod(0o711)
    folder = base / ("long" * 30)
    yield folder
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def local(folder: Path) -> Iterator[LocalStack]:
    """A stack of this test's own, not started; taken down at the end whatever happened."""
    stack = LocalStack(stack_settings(folder), folder)
    yield stack
    stack.down()


def pids(stack: LocalStack) -> dict[str, int]:
    return {one.name: one.pid for one in stack.status().servers if one.pid is not None}


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def eyes(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    values = stack.settings.model_dump(mode="json", exclude={"servers"})
    env = {**os.environ, **{f"EYES_STACK__{name.upper()}": str(value) for name, value in values.items()}}
    return subprocess.run([*EYES, *arguments], env=env, capture_output=True, text=True, timeout=400, check=False)


def only(folder: Path, *servers: str) -> StackSettings:
    return stack_settings(folder, servers=servers)


def test_up_status_down_up_again_and_wipe(local: LocalStack) -> None:
    assert not local.status().healthy
    assert local.up().healthy
    daemon = local.status().daemon
    assert daemon is not None
    processes = family(daemon)
    assert len(processes) > 5
    listed = eyes(local, "status", "--json")
    assert listed.returncode == 0, listed.stdout
    assert {one["name"] for one in json.loads(listed.stdout)["servers"]} == set(local.settings.servers)

    assert (local.paths.client.stat().st_mode & 0o777) == 0o600
    assert (local.paths.secrets.stat().st_mode & 0o777) == 0o600
    with pytest.raises(StackError, match="running"):
        local.wipe()
    with pytest.raises(StackError, match="running"):
        local.archive_data()

    assert local.down()
    assert psutil.wait_procs(processes, timeout=5)[1] == []
    assert not local.down()
    assert eyes(local, "status").returncode == 1

    local.up()
    local.down()
    assert local.archive_data() == local.paths.previous
    assert local.paths.previous.is_dir()
    assert not local.paths.root.exists()
    assert local.archive_data() is None
    local.paths.make()
    local.wipe()
    assert not local.paths.root.exists()


@pytest.mark.faults
def test_killed_servers_are_started_again(local: LocalStack) -> None:
    local.up()
    before = pids(local)
    for name in before:
        assert local.kill(name) == before[name]
    eventually(lambda: local.status().healthy and all(pids(local)[name] != pid for name, pid in before.items()), 60)
    assert all(server.restarts == 1 for server in local.status().servers)


@pytest.mark.faults
def test_nothing_survives_the_death_of_the_daemon_and_up_recovers(local: LocalStack) -> None:
    daemon = local.up().daemon
    assert daemon is not None
    processes = family(daemon)
    os.kill(daemon, signal.SIGKILL)
    _gone, alive = psutil.wait_procs(processes, timeout=15)
    assert alive == []
    assert not local.is_running()
    assert local.up().healthy


@pytest.mark.faults
def test_a_frozen_server_is_reported_and_recovers(folder: Path) -> None:
    stack = LocalStack(only(folder, "postgres"), folder)
    try:
        stack.up()
        stack.kill("postgres", signal.SIGSTOP)
        eventually(lambda: not stack.status().healthy, 60)
        assert stack.status().servers[0].detail
        stack.kill("postgres", signal.SIGCONT)
        eventually(lambda: stack.status().healthy, 60)
        assert stack.status().servers[0].restarts == 0
    finally:
        stack.down()


def test_single_servers_start_and_stop(folder: Path) -> None:
    stack = LocalStack(only(folder, "mosquitto", "prometheus"), folder)
    try:
        with pytest.raises(ConnectionError):
            stack.stop("mosquitto")
        stack.up()
        stack.stop("mosquitto")
        assert set(pids(stack)) == {"prometheus"}
        assert not stack.status().healthy
        stack.start("mosquitto")
        before = pids(stack)
        stack.restart("prometheus")
        assert pids(stack)["prometheus"] != before["prometheus"]
        assert pids(stack)["mosquitto"] == before["mosquitto"]
        with pytest.raises(StackError, match="no server 'kafka'"):
            stack.stop("kafka")
        assert "[kafka]" not in stack.paths.client.read_text()
    finally:
        stack.down()


def test_two_stacks_on_the_same_directory_or_ports_do_not_fight(folder: Path) -> None:
    stack = LocalStack(only(folder, "mosquitto"), folder)
    other = LocalStack(stack.settings, folder.with_name("other"))
    try:
        stack.up()
        before = pids(stack)
        second = subprocess.run(
            [sys.executable, "-m", "ops.stack.daemon", str(folder)], capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert "in use by process" in second.stdout + second.stderr
        with pytest.raises(StackError, match=rf"{stack.settings.mqtt_port} .*process {before['mosquitto']}"):
            other.up()
        assert not other.is_running()
        assert stack.up().healthy  # up twice is fine
        assert pids(stack) == before
    finally:
        stack.down()
        other.down()


def test_a_server_that_cannot_start_is_explained(folder: Path) -> None:
    stack = LocalStack(only(folder, "postgres"), folder)
    stack.up()
    stack.down()
    (stack.paths.data / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(StackError, match=r"(?s)postgres is .*pg_control"):
        stack.up()
    assert not stack.is_running()


def test_accounts_may_do_what_they_should(folder: Path) -> None:
    stack = LocalStack(only(folder, "mosquitto", "postgres"), folder)
    try:
        stack.up()
        secrets = load(folder)
        _check_database_rights(stack.settings, secrets)
        _check_mqtt_rights(stack.settings, secrets)
    finally:
        stack.down()


def _check_database_rights(settings: StackSettings, secrets: StackSecrets) -> None:
    with psycopg.connect(database_dsn(settings), password=secrets.postgres_eyes, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA city")
        owner.execute("CREATE TABLE city.t (ts timestamptz NOT NULL, v int)")
        owner.execute("SELECT create_hypertable('city.t', 'ts')")
        owner.execute("INSERT INTO city.t VALUES (now(), 1)")
    dsn = database_dsn(settings, user="eyes_reader")
    with psycopg.connect(dsn, password=secrets.postgres_reader, autocommit=True) as reader:
        row = reader.execute("SELECT count(*) FROM city.t").fetchone()
        assert row == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO city.t VALUES (now(), 2)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("CREATE TABLE mine (v int)")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database_dsn(settings), password="wrong")


def _check_mqtt_rights(settings: StackSettings, secrets: StackSecrets) -> None:
    got: list[str] = []
    subscriber = _login(settings, "ingest", secrets.mqtt_ingest)
    subscriber.on_message = lambda _client, _data, message: got.append(message.topic)
    subscriber.subscribe("#", qos=1)
    device = _login(settings, "device", secrets.mqtt_device)
    try:
        time.sleep(0.3)
        device.publish("other/topic", b"x", qos=1).wait_for_publish(5)
        device.publish("eyes/v1/a/b", b"x", qos=1).wait_for_publish(5)
        for forbidden in ("eyes/v1/_clock", "eyes/v1/_probe/me", "eyes/_session/me"):
            device.publish(forbidden, b"x", qos=1).wait_for_publish(5)
        subscriber.publish("eyes/v1/a/b/no", b"x", qos=1).wait_for_publish(5)
        subscriber.publish("eyes/v1/_probe/me", b"x", qos=1).wait_for_publish(5)
        eventually(lambda: "eyes/v1/_probe/me" in got)
        assert got == ["other/topic", "eyes/v1/a/b", "eyes/v1/_probe/me"]
    finally:
        for client in (subscriber, device):
            client.disconnect()
            client.loop_stop()
    refused = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    codes: list[object] = []
    refused.on_connect = lambda *arguments: codes.append(arguments[3])
    refused.connect(settings.host, settings.mqtt_port)
    refused.loop_start()
    eventually(lambda: codes)
    refused.loop_stop()
    assert str(codes[0]) == "Not authorized"


def _login(settings: StackSettings, user: str, password: str) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(user, password)
    client.connect(settings.host, settings.mqtt_port)
    client.loop_start()
    eventually(client.is_connected)
    return client


def test_prometheus_scrapes_what_registers(folder: Path) -> None:
    stack = LocalStack(only(folder, "prometheus"), folder)
    try:
        stack.up()
        own = f"127.0.0.1:{stack.settings.prometheus_port}"
        registered = register(folder, job="archive", instance="0", address=own)

        def jobs() -> set[str]:
            with urllib.request.urlopen(f"http://{own}/api/v1/targets?state=active", timeout=5) as answer:
                return {one["labels"]["job"] for one in json.load(answer)["data"]["activeTargets"]}

        eventually(lambda: jobs() == {"archive", "prometheus"})
        unregister(registered)
        eventually(lambda: jobs() == {"prometheus"})
    finally:
        stack.down()


def test_command_line(folder: Path) -> None:
    stack = LocalStack(only(folder, "mosquitto"), folder)
    environment = {"EYES_STACK__SERVERS": '["mosquitto"]'}
    old = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        assert eyes(stack, "stop", "mosquitto").returncode == 1
        up = eyes(stack, "up")
        assert up.returncode == 0, up.stdout
        assert "mosquitto" in eyes(stack, "status").stdout
        assert "2.0." in eyes(stack, "logs", "mosquitto").stdout
        assert eyes(stack, "logs", "nothing").returncode == 2
        assert "running" in eyes(stack, "wipe", "--yes").stdout
        assert "SIGKILL" in eyes(stack, "kill", "mosquitto").stdout
        assert eyes(stack, "start", "mosquitto").returncode == 0
        assert eyes(stack, "restart", "mosquitto").returncode == 0
        assert eyes(stack, "down").stdout == "stopped mosquitto\n"
        assert eyes(stack, "wipe", "--yes").returncode == 0
        assert not folder.exists()
    finally:
        stack.down()
        for name, value in old.items():
            if value is None:
                del os.environ[name]


def test_session_stack_has_databases_of_ones_own(stack: TestStack) -> None:
    with stack.fresh_database() as settings:
        assert settings.password is not None
        with psycopg.connect(settings.dsn, password=settings.password.get_secret_value()) as connection:
            connection.execute("CREATE TABLE t (ts timestamptz NOT NULL)")
            connection.execute("SELECT create_hypertable('t', 'ts')")
    assert stack.fresh_prefix() != stack.fresh_prefix()
    command = "from runtime.settings import Settings; s = Settings(); print(s.kafka.bootstrap, s.mqtt.username)"
    done = subprocess.run(
        [sys.executable, "-c", command], env={**os.environ, **stack.env}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [stack.settings.kafka.bootstrap, "ingest"]


def test_a_tied_stack_goes_down_in_order_with_whoever_brought_it_up(folder: Path) -> None:
    settings = only(folder, "mosquitto")
    code = (
        "import sys, time; from pathlib import Path; from ops.stack.local import LocalStack; "
        "from runtime.settings import StackSettings; "
        "LocalStack(StackSettings.model_validate_json(sys.argv[1]), Path(sys.argv[2])).up(tied=True); "
        "print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, settings.model_dump_json(), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        stack = LocalStack(settings, folder)
        daemon = stack.status().daemon
        assert daemon is not None
        processes = family(daemon)
        owner.kill()
    assert psutil.wait_procs(processes, timeout=20)[1] == []
    assert "stack.ended" in stack.paths.log("daemon").read_text()


def test_coming_up_can_be_given_up(folder: Path) -> None:
    stack = LocalStack(only(folder, "kafka"), folder)
    asked = iter([False, False, True])
    with pytest.raises(StackError, match="interrupted"):
        stack.up(cancelled=lambda: next(asked, True))
    assert not stack.is_running()
