"""Apache Kafka: one node that is broker and controller (KRaft)."""

import socket
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from ops.setup import java
from ops.stack.files import write_private
from ops.stack.servers.base import Server, run_tool
from ops.supervise import NotReadyError, ProcessSpec
from runtime.settings import StackSettings

MESSAGE_MAX_BYTES = 4 * 1024 * 1024
CHECK_TIMEOUT_MS = 3_000


def render_kafka(settings: StackSettings, data: Path) -> str:
    """``server.properties``."""
    host = settings.host
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{host}:{settings.kafka_controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{host}:{settings.kafka_port},CONTROLLER://{host}:{settings.kafka_controller_port}",
        "advertised.listeners": f"PLAINTEXT://{host}:{settings.kafka_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        # One node: nothing to replicate to, and nobody to wait for.
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 6_000,
        # A transaction left open by a killed worker holds readers back until it is aborted.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1_000,
        "auto.create.topics.enable": "false",
        # Events carry their own time, and a feed's clock may lie in the future, which CreateTime refuses.
        "log.message.timestamp.type": "LogAppendTime",
        "message.max.bytes": MESSAGE_MAX_BYTES,
        "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
        "log.retention.ms": -1,  # each topic says how long it keeps what
        "offsets.retention.minutes": 60 * 24 * 30,
        # Sized for a laptop.
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 4,
        "log.cleaner.dedupe.buffer.size": 32 * 1024 * 1024,
        "log.cleaner.backoff.ms": 5_000,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


class Kafka(Server):
    """The broker."""

    name: ClassVar[str] = "kafka"

    def ports(self) -> tuple[int, ...]:
        """The clients' and the controller's."""
        return (self.settings.kafka_port, self.settings.kafka_controller_port)

    def version(self) -> str:
        """From the name of its jar."""
        jar = next(self.context.layout.kafka.glob("kafka-clients-*.jar"), None)
        return jar.stem.removeprefix("kafka-clients-") if jar else "?"

    @property
    def _properties(self) -> Path:
        return self.paths.conf / "server.properties"

    def _java(self, *arguments: str) -> tuple[str, ...]:
        heap = self.settings.kafka_heap_mb
        quiet = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
        return (
            str(java.java(self.context.layout)),
            *(f"-Xmx{heap}m", f"-Xms{min(heap, 256)}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            *("-XX:-UsePerfData", "-Djava.awt.headless=true", f"-Djava.io.tmpdir={self.paths.run}"),
            *quiet,
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
            *("-cp", f"{self.context.layout.kafka}/*", *arguments),
        )

    def prepare(self) -> None:
        """Write the configuration, and format the storage the first time.

        Raises:
            StackError: Java is missing, or the storage could not be formatted.
        """
        write_private(self._properties, render_kafka(self.settings, self.data))
        if not (self.data / "meta.properties").exists():
            cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            if cluster.startswith("-"):  # it would be taken for an option
                cluster = f"A{cluster[1:]}"
            arguments = ("format", "-t", cluster, "-c", str(self._properties), "--ignore-formatted")
            run_tool(self._java("kafka.tools.StorageTool", *arguments), what="formatting Kafka's storage")

    def spec(self) -> ProcessSpec:
        """Kafka itself, checked by a request for the cluster's metadata."""
        return ProcessSpec(
            name=self.name,
            argv=self._java("kafka.Kafka", str(self._properties)),
            cwd=self.paths.run,
            log_file=self.paths.log(self.name),
            ready=self._check,
            ready_timeout_s=120,
            health_interval_s=10,
            stop_timeout_s=20,
        )

    def _check(self) -> None:
        address = f"{self.settings.host}:{self.settings.kafka_port}"
        # The client would wait for seconds after a refused connection, and warn about it.
        try:
            socket.create_connection((self.settings.host, self.settings.kafka_port), timeout=1).close()
        except OSError as error:
            raise NotReadyError(f"no answer on {address} yet") from error
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=address,
                client_id="eyes-stack-check",
                request_timeout_ms=CHECK_TIMEOUT_MS,
                bootstrap_timeout_ms=CHECK_TIMEOUT_MS,
            )
            try:
                brokers = admin.describe_cluster()["brokers"]
            finally:
                admin.close()
        except (KafkaError, OSError) as error:
            raise NotReadyError(f"no answer on {address} yet ({type(error).__name__})") from error
        if not brokers:
            raise NotReadyError("the broker has not registered yet")
