"""A local stack for tests: the real servers on free ports, in a directory that is removed at the end."""

import os
import random
import shutil
import signal
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psutil
import psycopg
from pydantic import SecretStr

from ops.stack.client import database_dsn
from ops.stack.local import LocalStack
from ops.stack.provision import create_database, drop_database
from ops.stack.secrets import StackSecrets, load
from runtime.kafka import admin as kafka_admin
from runtime.settings import DatabaseSettings, KafkaSettings, MqttSettings, Settings, StackSettings

os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")  # Kafka lives too short for its second compiler

_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SHARE: Final = 9_000 // max(1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
_PORTS: Final = range(20_000, 29_000)[_WORKER * _SHARE :][:_SHARE]  # below those that the kernel gives to clients
_next_port = count(random.randrange(len(_PORTS)))


running: Final[list["TestStack"]] = []


def free_ports(number: int) -> list[int]:
    """Neighbouring ports nobody listens on now; none is given twice, nor to any client that connects meanwhile."""
    while True:
        first = _PORTS[next(_next_port) % len(_PORTS)]
        ports = [first, *(_PORTS[next(_next_port) % len(_PORTS)] for _ in range(number - 1))]
        if ports == list(range(first, first + number)) and all(map(_is_free, ports)):
            return ports


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def stack_settings(root: Path, **overrides: object) -> StackSettings:
    """Settings of a stack of its own."""
    names = ("kafka_port", "kafka_controller_port", "mqtt_port", "postgres_port", "prometheus_port")
    values = {"dir": root, "kafka_heap_mb": 384, **dict(zip(names, free_ports(len(names)), strict=True)), **overrides}
    return StackSettings.model_validate(values)


@dataclass(frozen=True)
class TestStack:
    """A running stack and how to reach it."""

    __test__ = False  # not a test class

    stack: LocalStack
    settings: Settings
    secrets: StackSecrets
    prefixes: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """``EYES_...`` for subprocesses: they find the stack's ``client.toml`` through its directory."""
        chosen = self.stack.settings.model_dump(mode="json", exclude={"servers"})
        return {f"EYES_STACK__{name.upper()}": str(value) for name, value in chosen.items()}

    def mqtt(self, user: str) -> MqttSettings:
        """The broker as ``ingest``, ``device``, ``feeder`` or ``monitor`` sees it."""
        password = SecretStr(getattr(self.secrets, f"mqtt_{user}"))
        return self.settings.mqtt.model_copy(update={"username": user, "password": password})

    def fresh_prefix(self) -> str:
        """A topic prefix that no other module has; what is called so is deleted when the module is through."""
        self.prefixes.append(f"t{uuid.uuid4().hex[:8]}.")
        return self.prefixes[-1]

    def drop_topics(self) -> None:
        """Delete them: each test has a hundred partitions, and a broker with thousands answers late."""
        prefixes = tuple(self.prefixes)
        self.prefixes.clear()
        if not prefixes or not self.stack.status().healthy:
            return
        client = kafka_admin(self.settings.kafka)
        try:
            ours = [name for name in client.list_topics() if name.startswith(prefixes)]
            if ours:
                client.delete_topics(ours)
        finally:
            client.close()

    @contextmanager
    def fresh_database(self, name: str = "") -> Iterator[DatabaseSettings]:
        """An empty database of its own with TimescaleDB, owned by ``eyes``; dropped at the end of the block."""
        name = name or f"t{uuid.uuid4().hex[:8]}"
        with self._admin() as admin:
            drop_database(admin, name)
            create_database(admin, name)
        dsn = database_dsn(self.stack.settings, name)
        try:
            yield DatabaseSettings(dsn=dsn, password=SecretStr(self.secrets.postgres_eyes))
        finally:
            with self._admin() as admin:
                drop_database(admin, name)

    def _admin(self) -> psycopg.Connection:
        dsn = database_dsn(self.stack.settings, "postgres", "postgres")
        return psycopg.connect(dsn, password=self.secrets.postgres_superuser, autocommit=True)


def open_settings(stack: LocalStack, secrets: StackSecrets) -> Settings:
    """What our processes would read for this stack, without the environment's or a file's part."""
    chosen = stack.settings
    return Settings(
        stack=chosen,
        kafka=KafkaSettings(bootstrap=f"{chosen.host}:{chosen.kafka_port}"),
        mqtt=MqttSettings(
            host=chosen.host, port=chosen.mqtt_port, username="ingest", password=SecretStr(secrets.mqtt_ingest)
        ),
        database=DatabaseSettings(dsn=database_dsn(chosen), password=SecretStr(secrets.postgres_eyes)),
    )


@contextmanager
def running_stack(name: str) -> Iterator[TestStack]:
    """A stack of its own, up for the length of the block; its directory is made below ``$EYES_TEST_DIR``."""
    root = Path(tempfile.mkdtemp(prefix=f"eyes-{name}-", dir=os.environ.get("EYES_TEST_DIR")))
    root.chmod(0o711)
    local = LocalStack(stack_settings(root / "stack"), root / "stack")
    try:
        local.up(tied=True)
        secrets = load(local.paths.root)
        made = TestStack(local, open_settings(local, secrets), secrets)
        running.append(made)
        try:
            yield made
        finally:
            running.remove(made)
    finally:
        _end(local)
        shutil.rmtree(root, ignore_errors=True)


def _end(local: LocalStack) -> None:
    """End it at once: nobody needs its data any more, and Kafka would take a minute to close its thousands of files."""
    daemon = local.status().daemon
    if daemon is not None and psutil.pid_exists(daemon):
        family = psutil.Process(daemon).children(recursive=True)
        os.kill(daemon, signal.SIGKILL)  # its servers end with it
        psutil.wait_procs(family, timeout=20)
    local.down()
