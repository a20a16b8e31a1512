"""The MQTT session of the feeder: QoS 1, a bounded window, and nothing counted as sent before its PUBACK.

paho keeps what is unacknowledged and sends it again after a reconnect, byte for byte and so with the same identity;
we add order (nothing new goes out before everything old is acknowledged) and barriers (a message that must not
leave before all earlier ones are acknowledged). All our state belongs to the calling thread; paho's thread only leaves
notes, because it calls back while it holds locks that ``publish`` takes too.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Self

import structlog
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from runtime.errors import FatalError
from runtime.settings import MqttSettings

log: Final = structlog.get_logger()

SESSION_EXPIRY_S: Final = 3600
CONNECT_S: Final = 10.0
AWAY_S: Final = 300.0
WINDOW: Final = 1000
NO_SUBSCRIBERS: Final = 0x10


class FeedSession:
    """A connection that publishes; use as a context manager.

    ``on_outcome`` hears of each PUBACK: number of the publication from 0, topic, reason. Without it a refusal raises.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        window: int = WINDOW,
        on_outcome: Callable[[int, str, ReasonCode], None] | None = None,
    ) -> None:
        self._settings = settings
        self._on_outcome = on_outcome
        self._window_max = self._window = window
        self._pending: dict[int, int] = {}  # packet id -> our number, oldest first
        self._topics: dict[int, str] = {}
        self._notes: deque[tuple[int, ReasonCode]] = deque()
        self._changed = threading.Event()
        self._connected = False
        self._refusal: str | None = None
        self._resending = False
        self.published = 0
        self.acknowledged = 0
        self.unheard = 0
        self.reconnects = 0
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.max_inflight_messages = 65_535  # the window is ours, so paho never queues behind our back
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        settings = self._settings
        if settings.username is not None:
            password = settings.password.get_secret_value() if settings.password else None
            client.username_pw_set(settings.username, password)
        if settings.tls_cafile is not None:
            client.tls_set(ca_certs=str(settings.tls_cafile))
        return client

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect.

        Raises:
            FatalError: nobody answers, or we are not let in; the message says how to help it.
        """
        address = f"{self._settings.host}:{self._settings.port}"
        expiry = _session_expiry(PacketTypes.CONNECT, SESSION_EXPIRY_S)
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                keepalive=self._settings.keepalive_s,
                clean_start=False,
                properties=expiry,
            )
        except OSError as error:
            raise FatalError(f"no MQTT broker on {address} ({error}): is the stack up? eyes stack status") from None
        self._client.loop_start()
        deadline = time.monotonic() + CONNECT_S
        while not self._connected and self._refusal is None and time.monotonic() < deadline:
            self._wait(deadline - time.monotonic())
        if not self._connected:
            self.close()
            user = self._settings.username or "nobody"
            raise FatalError(f"MQTT broker on {address} does not let {user} in: {self._refusal or 'no answer'}")

    def close(self) -> None:
        """Disconnect; whatever has no PUBACK yet is the caller's loss (see :meth:`drain`)."""
        self._client.disconnect(properties=_session_expiry(PacketTypes.DISCONNECT, 0))
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send one message, waiting while the window is full or the broker is away.

        Raises:
            FatalError: the broker refused a publication or stayed away.
        """
        self.pump()
        self._wait_until(lambda: self._ready and len(self._pending) < self._window)
        self._send(topic, payload)

    def barrier(self, topic: str, payload: bytes) -> None:
        """Send this once everything published so far is acknowledged, and nothing in between.

        Raises:
            FatalError: as :meth:`publish`.
        """
        self._wait_until(lambda: self._ready and not self._pending)
        self._send(topic, payload)

    def drain(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            FatalError: as :meth:`publish`.
        """
        self._wait_until(lambda: not self._pending)

    def pump(self, wait_s: float = 0.0) -> None:
        """Take note of what was acknowledged, waiting for news at most so long."""
        if wait_s > 0 and not self._notes:
            self._wait(wait_s)
        while self._notes:
            self._acknowledge(*self._notes.popleft())

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet acknowledged."""
        return len(self._pending)

    @property
    def _ready(self) -> bool:
        if self._resending and not self._pending:
            self._resending = False  # order is kept: only now may something new follow
        return self._connected and not self._resending

    def _send(self, topic: str, payload: bytes) -> None:
        info: MQTTMessageInfo = self._client.publish(topic, payload, qos=1)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise FatalError(f"publishing to {topic} failed: {info.rc}")
        self._pending[info.mid] = self.published  # NO_CONN: paho has it and sends it after reconnecting
        self._topics[info.mid] = topic
        self.published += 1

    def _acknowledge(self, mid: int, reason: ReasonCode) -> None:
        number = self._pending.pop(mid, None)
        if number is None:
            return
        topic = self._topics.pop(mid)
        if self._on_outcome is not None:
            self._on_outcome(number, topic, reason)
        elif reason.is_failure:
            raise FatalError(f"the broker refused a publication to {topic}: {reason}")
        self.acknowledged += 1
        if reason.value == NO_SUBSCRIBERS:
            self.unheard += 1

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        heard = time.monotonic()
        while not condition():
            before = self.acknowledged
            self.pump(0.5)
            if self.acknowledged > before:
                heard = time.monotonic()
            elif time.monotonic() - heard > AWAY_S:
                raise FatalError(f"the broker acknowledged nothing for {AWAY_S:.0f} s; {self.in_flight} in flight")

    def _wait(self, wait_s: float) -> None:
        self._changed.wait(wait_s)
        self._changed.clear()

    def _on_connect(self, _client: Client, _data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
        else:
            if self.reconnects or self._topics:
                log.info("mqtt_connected_again", session_present=flags.session_present, in_flight=len(self._topics))
            self._window = min(self._window_max, getattr(properties, "ReceiveMaximum", None) or self._window_max)
            self._connected = True
        self._changed.set()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._resending = True
        self._connected = False
        if reason.is_failure:
            self.reconnects += 1
            log.warning("mqtt_connection_lost", reason=str(reason), in_flight=len(self._topics))
        self._changed.set()

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._notes.append((mid, reason))
        self._changed.set()


def _session_expiry(packet: int, seconds: int) -> Properties:
    """How long the broker keeps our session after a connection ends."""
    properties: Any = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.SessionExpiryInterval = seconds
    expiry: Properties = properties
    return expiry
