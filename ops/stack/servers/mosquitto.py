"""Mosquitto: the MQTT broker that the city's devices talk to."""

import os
import signal
import threading
from pathlib import Path
from typing import ClassVar

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from ops.stack.files import write_private
from ops.stack.servers.base import Server, installed_version, run_tool
from ops.supervise import NotReadyError, ProcessSpec
from runtime.settings import StackSettings

CHECK_TIMEOUT_S = 3.0
MIB = 1024 * 1024

ACL = """\
# Everyone has a password; what each may do:
user ingest
topic read #
topic readwrite eyes/v1/_probe/#
topic readwrite eyes/_session/#
topic write spBv1.0/+/NCMD/#

# Devices of every format have topics of their own; none of them is the clock, ingest's probe or its memory.
user device
topic write #
topic read spBv1.0/+/NCMD/#
topic deny eyes/v1/_clock
topic deny eyes/v1/_probe/#
topic deny eyes/_session/#

# It plays devices of every format, and the clock.
user feeder
topic write #
topic deny eyes/v1/_probe/#
topic deny eyes/_session/#

user monitor
topic read $SYS/#
"""


def render_mosquitto(settings: StackSettings, *, conf: Path, data: Path, run_as: str | None) -> str:
    """``mosquitto.conf``.

    Args:
        settings: The address and port.
        conf: Where the password and access files are.
        data: Where sessions and queued messages are kept.
        run_as: The user to stay when started by root, which would otherwise become ``mosquitto``.
    """
    user = [f"user {run_as}"] if run_as else []
    lines = [
        *user,
        "per_listener_settings false",
        f"listener {settings.mqtt_port} {settings.host}",
        "allow_anonymous false",
        f"password_file {conf / 'mosquitto.passwd'}",
        f"acl_file {conf / 'mosquitto.acl'}",
        # What a session that is away is owed survives a restart of the broker.
        "persistence true",
        f"persistence_location {data}/",
        "autosave_interval 5",
        "persistent_client_expiration 14d",
        # The bound is on bytes. 0 should mean no bound on their number, but with it 2.0.21 ends the connection of
        # whoever publishes where he may not ("Quota exceeded", issue 3244 of Mosquitto, mended in 2.0.22).
        "max_queued_messages 100000000",
        f"max_queued_bytes {512 * MIB}",
        "max_inflight_messages 2000",
        f"max_packet_size {MIB}",
        "max_keepalive 3600",
        "set_tcp_nodelay true",
        "sys_interval 2",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S%z",
        "connection_messages true",
    ]
    return "\n".join(lines) + "\n"


class Mosquitto(Server):
    """The broker."""

    name: ClassVar[str] = "mosquitto"

    def ports(self) -> tuple[int, ...]:
        """The MQTT port."""
        return (self.settings.mqtt_port,)

    def version(self) -> str:
        """The package's."""
        return installed_version(self.context.layout, "mosquitto")

    def prepare(self) -> None:
        """Write configuration, access rules and hashed passwords.

        Raises:
            StackError: The passwords could not be hashed.
        """
        conf, secrets = self.paths.conf, self.context.secrets
        self.data.mkdir(exist_ok=True)
        run_as = "root" if os.geteuid() == 0 else None
        text = render_mosquitto(self.settings, conf=conf, data=self.data, run_as=run_as)
        write_private(conf / "mosquitto.conf", text)
        write_private(conf / "mosquitto.acl", ACL)
        accounts = {
            "ingest": secrets.mqtt_ingest,
            "device": secrets.mqtt_device,
            "feeder": secrets.mqtt_feeder,
            "monitor": secrets.mqtt_monitor,
        }
        # Hashed in place, so that no password is ever on a command line.
        plain = conf / "mosquitto.passwd.new"
        write_private(plain, "".join(f"{name}:{password}\n" for name, password in accounts.items()))
        run_tool(
            (self.context.layout.servers / "usr" / "bin" / "mosquitto_passwd", "-U", plain),
            what="hashing the MQTT passwords",
        )
        plain.replace(conf / "mosquitto.passwd")

    def spec(self) -> ProcessSpec:
        """Mosquitto itself, checked by a login."""
        program = self.context.layout.servers / "usr" / "sbin" / "mosquitto"
        return ProcessSpec(
            name=self.name,
            argv=(str(program), "-c", str(self.paths.conf / "mosquitto.conf")),
            cwd=self.data,
            log_file=self.paths.log(self.name),
            ready=self._check,
            health_interval_s=10,
            # It saves what it holds for clients that are away, which takes a moment when that is much.
            death_signal=signal.SIGTERM,
            stop_timeout_s=15,
        )

    def _check(self) -> None:
        """Log in as ``monitor``; an own client id, so that no other session is disturbed."""
        answered = threading.Event()
        answer: list[ReasonCode] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"stack-check-{os.getpid()}", protocol=mqtt.MQTTv5)
        client.username_pw_set("monitor", self.context.secrets.mqtt_monitor)

        def on_connect(_client: object, _data: object, _flags: object, code: ReasonCode, _props: object) -> None:
            answer.append(code)
            answered.set()

        client.on_connect = on_connect
        address = f"{self.settings.host}:{self.settings.mqtt_port}"
        client.connect_timeout = CHECK_TIMEOUT_S
        try:
            client.connect(self.settings.host, self.settings.mqtt_port, keepalive=30)
        except OSError as error:
            raise NotReadyError(f"no answer on {address} yet") from error
        client.loop_start()
        try:
            if not answered.wait(CHECK_TIMEOUT_S):
                raise NotReadyError(f"no answer to CONNECT on {address}")
            if answer[0].is_failure:
                raise NotReadyError(f"login refused on {address}: {answer[0]}")
        finally:
            client.disconnect()
            client.loop_stop()
