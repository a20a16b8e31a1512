"""The MQTT side: connection, epochs, back-pressure. It only enqueues; what a message means is no business of it."""

import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import ConnectFlags, DisconnectFlags, topic_matches_sub
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest import metrics
from ingest.decoders.topics import CLOCK_TOPIC, PROBE_ROOT, SESSION_ROOT
from ingest.ledger import AckLedger
from ingest.messages import OVERSIZE_KEPT, Inbound
from ingest.mqtt import Client, Dial, dial
from runtime.settings import Settings
from runtime.timing import MACHINE, Timing

log: Final = structlog.get_logger()

_BACKOFF_S: Final = (0.1, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_STABLE_S: Final = 5.0  # a connection that lived so long starts the backoff anew
_CONNECT_TIMEOUT_S: Final = 2.0  # the loop waits for it
_CONNACK_TIMEOUT_S: Final = 10.0
_PROBE_EXPIRY_S: Final = 300  # probes of others must not pile up in the session of an ingest that is away
_MIB: Final = 1024 * 1024


class Bridge:
    """One MQTT connection after the other, all under the same session."""

    def __init__(
        self,
        settings: Settings,
        ledger: AckLedger,
        timing: Timing = MACHINE,
        dial: Dial = dial,
        filters: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        """``filters`` says what to subscribe to, each time it is asked; None: what the settings say."""
        self._settings = settings
        self._ledger = ledger
        self._timing = timing
        self._count_max = settings.ingest.in_flight_max
        self._bytes_max = settings.ingest.in_flight_max_mib * _MIB
        self.inbound: deque[Inbound] = deque()
        """Messages in order of receipt, for the loop to take."""
        self.connected = False
        self.subscribed = False
        """Whether the broker has granted every subscription in this connection."""
        self.refused = ""
        """Which subscription the broker refuses us, and why; empty when all is well."""
        self._stopped = False
        self._attempts = 0
        self._next_attempt_s = 0.0
        self._since_s = 0.0
        self._pinged_s = 0.0
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.settimeout(0)
        self._wake_w.settimeout(0)
        self._woken = False
        self._filters = filters or (lambda: settings.ingest.topic_filters)
        self._wanted: list[str] = []
        self._asked: list[str] = []
        self._to_remember = False
        self._filters_topic = SESSION_ROOT + settings.ingest.client_id
        self._client = self._make_client(dial)

    def _make_client(self, dial: Dial) -> Client:
        mqtt = self._settings.mqtt
        client = Client(self._settings.ingest.client_id, self._enqueue, self._has_room, OVERSIZE_KEPT, dial)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if mqtt.username is not None:
            client.username_pw_set(mqtt.username, None if mqtt.password is None else mqtt.password.get_secret_value())
        if mqtt.tls_cafile is not None:
            client.tls_set(ca_certs=str(Path(mqtt.tls_cafile)))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        return client

    # ------------------------------------------------------------------------------------------------ the loop's side

    def poll(self, timeout_s: float) -> None:
        """Wait for the network or :meth:`wake`, at most so long; then take what has come."""
        client = self._client
        sock = client.socket()
        if sock is None and not self._stopped and self._timing.monotonic_s() >= self._next_attempt_s:
            self._connect()
            sock = client.socket()
        room = self._has_room()
        if client.has_unread and room and self.connected:
            timeout_s = 0.0
        reads: list[Any] = [self._wake_r]
        writes: list[Any] = []
        if sock is not None:
            if room:
                reads.append(sock)
            if client.want_write():
                writes.append(sock)
            if room and (pending := getattr(sock, "pending", None)) is not None and pending():
                timeout_s = 0.0  # TLS holds decrypted bytes select() does not see
        ready, writable = self._timing.select(reads, writes, timeout_s)
        if self._wake_r in ready:
            self._wake_r.recv(4096)
            self._woken = False  # before the caller looks for what he was woken for
        if sock is not None and client.socket() is sock:
            self._serve(writable=bool(writable), room=room)

    def poll_idle(self, timeout_s: float) -> None:
        """Wait for :meth:`wake` only, and send what is to be sent; nothing more is taken in."""
        sock = self._client.socket()
        writes = [sock] if sock is not None and self._client.want_write() else []
        ready, writable = self._timing.select([self._wake_r], writes, timeout_s)
        if ready:
            self._wake_r.recv(4096)
            self._woken = False
        if writable:
            self._client.loop_write()

    @property
    def has_more(self) -> bool:
        """Whether more was received than was taken: there is work at hand."""
        return self._client.has_unread

    def _serve(self, *, writable: bool, room: bool) -> None:
        client = self._client
        if writable:
            client.loop_write()
        if client.socket() is not None:
            client.pump()
        now = self._timing.monotonic_s()
        if not room and self.connected:
            if now - self._pinged_s > client.keepalive / 2:
                self._pinged_s = now
                client.ping_unheard()
        elif client.socket() is not None:
            client.loop_misc()
            if not self.connected and now - self._since_s > _CONNACK_TIMEOUT_S:
                self._lost("no answer to CONNECT")

    def wake(self) -> None:
        """End a :meth:`poll` that waits; from any thread."""
        if not self._woken:
            self._woken = True
            self._wake_w.send(b"\0")

    def acknowledge(self, mids: list[int]) -> None:
        """PUBACK these messages of the current epoch, in this order."""
        if self.connected and mids:
            self._client.acknowledge(mids)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a probe, if connected."""
        if self.connected:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = _PROBE_EXPIRY_S
            self._client.publish(topic, payload, qos=1, properties=properties)

    def drop(self) -> None:
        """Give this connection up and with it everything received and not acknowledged: it will come again."""
        self.inbound.clear()
        self._ledger.forget()
        if self._client.socket() is not None:
            self._lost("dropped by us")

    def stop(self, timeout_s: float = 2.0) -> None:
        """Disconnect, keeping the session; acknowledgements already given are sent before."""
        self._stopped = True
        client = self._client
        if (sock := client.socket()) is None:
            return
        deadline = self._timing.monotonic_s() + timeout_s
        with socket.socket(fileno=os.dup(sock.fileno())) as line:  # paho closes its own behind the DISCONNECT
            client.disconnect()
            while (sock := client.socket()) is not None and self._timing.monotonic_s() < deadline:
                self._timing.select((), (sock,), 0.1)
                client.loop_write()
            _hear_out(line, deadline, self._timing)

    @property
    def paused(self) -> bool:
        """Whether we do not read because too much waits for Kafka."""
        return not self._has_room()

    def _has_room(self) -> bool:
        return len(self._ledger) < self._count_max and self._ledger.bytes < self._bytes_max and not self._stopped

    # ---------------------------------------------------------------------------------------------------- connecting

    def _connect(self) -> None:
        ingest, mqtt = self._settings.ingest, self._settings.mqtt
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = ingest.session_expiry_s
        properties.ReceiveMaximum = ingest.receive_maximum
        self._since_s = self._timing.monotonic_s()
        self._attempts += 1
        self._schedule()
        try:
            self._client.connect(
                mqtt.host, mqtt.port, keepalive=mqtt.keepalive_s, clean_start=False, properties=properties
            )
        except (OSError, ValueError) as error:
            log.warning("mqtt_unreachable", host=mqtt.host, port=mqtt.port, error=str(error))

    def _schedule(self) -> None:
        """The next attempt, the later the more have failed or lived only briefly."""
        self._next_attempt_s = self._timing.monotonic_s() + _BACKOFF_S[min(self._attempts, len(_BACKOFF_S)) - 1]

    def _on_connect(
        self,
        _client: PahoClient,
        _userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("mqtt_refused", reason=str(reason))
            return
        first = self._ledger.epoch == 0
        self._ledger.new_epoch()
        self.connected = True
        self._since_s = self._pinged_s = self._timing.monotonic_s()
        metrics.CONNECTED.set(1)
        metrics.SESSION_PRESENT.set(flags.session_present)
        if not first:
            metrics.RECONNECTS.inc()
        log.info("mqtt_connected", session_present=flags.session_present, epoch=self._ledger.epoch)
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        always = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
        self._wanted = self._asked = subscriptions(self._filters())
        asked = [*((topic, options) for topic in self._wanted), (self._filters_topic, always)]
        self._client.subscribe(asked)

    def follow_filters(self) -> None:
        """Subscribe to what is wanted since the last time, and unsubscribe from what is not any more.

        To be called now and then; it does nothing before the subscriptions of this connection were granted.
        """
        if not self.subscribed or self._to_remember or (wanted := subscriptions(self._filters())) == self._wanted:
            return
        before, self._wanted = self._wanted, wanted
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        if more := [topic for topic in wanted if topic not in before]:
            self._asked = more
            self._client.subscribe([(topic, options) for topic in more])
        if gone := [topic for topic in before if topic not in wanted]:
            self._client.unsubscribe(gone)
        self._to_remember = True

    def _on_subscribe(
        self, _client: PahoClient, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [
            f"{topic}: {reason}" for topic, reason in zip(self._asked, reasons, strict=False) if reason.is_failure
        ]
        self.refused = "; ".join(refused)
        self.subscribed = not refused
        if len(reasons) > len(self._asked):  # ours came along, at the start of the connection
            self._to_remember = not reasons[-1].is_failure
        if refused:
            log.error("mqtt_subscription_refused", refused=refused)

    def remember_filters(self) -> None:
        """Leave word of what this session is subscribed to, where the session itself is kept: at the broker.

        To be called when everything that the broker had for us at the subscription has come: then an earlier word was
        heard and acted upon, and this one goes out behind the UNSUBSCRIBE it led to.
        """
        if self._to_remember and self.connected:
            self._to_remember = False
            self._client.publish(self._filters_topic, msgspec.json.encode(self._wanted), qos=1, retain=True)

    def recall_filters(self, payload: bytes) -> None:
        """What an earlier process subscribed to under our session: what is not wanted any more must not come for ever.

        What the broker has queued under it still comes; it was ours when it was sent.
        """
        try:
            before = msgspec.json.decode(payload, type=list[str])
        except msgspec.MsgspecError:
            return  # not written by us; nothing is subscribed on its word
        if gone := [topic for topic in before if topic not in self._wanted]:
            log.info("mqtt_unsubscribed", filters=gone)
            self._client.unsubscribe(gone)

    def _on_disconnect(
        self,
        _client: PahoClient,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._ended(str(reason))

    def _lost(self, why: str) -> None:
        self._ended(why)
        self._client._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)  # noqa: SLF001 - closes without a DISCONNECT

    def _ended(self, why: str) -> None:
        if not self.connected:
            return
        self.connected = self.subscribed = False
        metrics.CONNECTED.set(0)
        self._ledger.new_epoch()
        if self._timing.monotonic_s() - self._since_s > _STABLE_S:
            self._attempts = 1
        self._schedule()
        log.log(20 if self._stopped else 30, "mqtt_disconnected", reason=why)

    def _enqueue(self, mid: int, *, dup: bool, topic: bytes, payload: bytes, size: int) -> None:
        ticket = self._ledger.received(mid, len(payload), self._timing.monotonic_s())
        self.inbound.append(Inbound(ticket, mid, dup, topic, payload, size, self._timing.wall_ms()))


def _hear_out(line: socket.socket, deadline: float, timing: Timing) -> None:
    """Read on, to no purpose, until the broker hangs up.

    Closing what has something unread in it resets the connection, and the broker would drop it together with the
    acknowledgements it has yet to read.
    """
    with suppress(OSError):
        line.shutdown(socket.SHUT_WR)
        while (left_s := deadline - timing.monotonic_s()) > 0 and timing.select((line,), (), left_s)[0]:
            if not line.recv(1 << 16):
                return


def subscriptions(filters: Sequence[str]) -> list[str]:
    """The filters, and the probe and clock topics where they are not covered (a topic matched twice comes twice)."""
    out = list(filters)
    for wanted, example in ((PROBE_ROOT + "+", PROBE_ROOT + "x"), (CLOCK_TOPIC, CLOCK_TOPIC)):
        if not any(topic_matches_sub(one, example) for one in out):
            out.append(wanted)
    return out
