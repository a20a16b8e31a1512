"""paho-mqtt as ingest drives it: our own loop, reads and acknowledgements in bulk, a hard bound on what is taken in.

paho's loop reads a packet byte by byte and builds objects nobody asks for: 60 CPU seconds per million messages with its
thread, 34 without, 20-24 with a subclass like this one (reference/STACK.md). Only incoming PUBLISH packets are parsed
here, everything else is handed to paho as it would have read it. The private names this stands on are those of
paho-mqtt 2.2; ``tests/integration/test_ingest_bridge.py`` runs them against a real broker.
"""

import socket
import time
from collections.abc import Callable
from typing import Final, Protocol

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

_RECEIVE_BYTES: Final = 1 << 18
_PUBLISH: Final = 0x30
_PUBACK: Final = 0x40
_PUBACK_HEAD: Final = b"\x40\x02"
_HEAD_BYTES: Final = 96 * 1024
"""Kept of a packet that is too large: the longest topic, properties of some size and the payload's beginning."""
_OTHER_BYTES_MAX: Final = 1 << 20
_LENGTH_SHIFT_MAX: Final = 21
_QOS_MASK: Final = 3


class Deliver(Protocol):
    """Takes one message; it must not raise."""

    def __call__(self, mid: int, *, dup: bool, topic: bytes, payload: bytes, size: int) -> None:
        """``size`` is that of the whole payload, of which ``payload`` may be the beginning."""


Dial = Callable[[str, int, float], socket.socket]
"""Opens a connection to a host and port within so many seconds.

Raises:
    OSError: nobody answers.
"""


def dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection((host, port), timeout=timeout_s)


class PacketError(Exception):
    """The broker sent something that is not MQTT 5."""


class _Packet:
    """The frame at the front of the buffer."""

    __slots__ = ("body", "header", "length")

    def __init__(self, header: int, body: int, length: int) -> None:
        self.header = header
        self.body = body  # where its body begins in the buffer
        self.length = length


class Client(paho.Client):
    """A client whose owner waits for the socket, calls :meth:`pump`, and acknowledges by :meth:`acknowledge`."""

    def __init__(
        self, client_id: str, deliver: Deliver, room: Callable[[], bool], message_max: int, dial: Dial = dial
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.suppress_exceptions = True  # belt and braces: nothing of ours runs inside of paho but bookkeeping
        self._deliver = deliver
        self._room = room
        self._dial = dial
        self._whole_max = message_max + _HEAD_BYTES
        self._buffer = bytearray()
        self._cut: tuple[int, bytes, int] | None = None  # header, beginning and length of a packet being skipped
        self._skip = 0

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew; half a packet of the old connection is worth nothing."""
        self._buffer.clear()
        self._cut, self._skip = None, 0
        return super().reconnect()

    def _create_socket_connection(self) -> socket.socket:
        return self._dial(self._host, self._port, self._connect_timeout)

    @property
    def has_unread(self) -> bool:
        """Whether something was received that :meth:`pump` had no room for."""
        return len(self._buffer) > 0

    def pump(self) -> MQTTErrorCode:
        """Take what the socket has, as long as there is room; an error means that the connection is gone."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if self._room():
            try:
                data = self._sock_recv(_RECEIVE_BYTES)
            except BlockingIOError:
                data = None
            except OSError:
                return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            if data is not None:
                if not data:
                    return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
                self._buffer += data
                with self._msgtime_mutex:
                    self._last_bytes_received = time.monotonic()
        try:
            return self._parse()
        except (PacketError, IndexError, ValueError):
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)

    def _parse(self) -> MQTTErrorCode:
        at = 0
        buffer = self._buffer
        try:
            while True:
                if self._skip:
                    at = self._skip_on(at)
                packet = None if self._skip else _frame(buffer, at)
                if packet is None:
                    return MQTTErrorCode.MQTT_ERR_SUCCESS
                if packet.header & 0xF0 == _PUBLISH:
                    if not self._room():
                        return MQTTErrorCode.MQTT_ERR_SUCCESS
                    end = self._publish(packet)
                else:
                    end = self._other(packet)
                if end is None:
                    return MQTTErrorCode.MQTT_ERR_SUCCESS
                at = end
                if self._sock is None:  # paho closed it over that packet
                    return MQTTErrorCode.MQTT_ERR_CONN_LOST
        finally:
            del buffer[:at]

    def _publish(self, packet: _Packet) -> int | None:
        """Deliver one PUBLISH; None while it is not there yet."""
        have = len(self._buffer) - packet.body
        if packet.length > self._whole_max:
            if have < _HEAD_BYTES:
                return None
            head = bytes(memoryview(self._buffer)[packet.body : packet.body + _HEAD_BYTES])
            self._cut = packet.header, head, packet.length
            self._skip = packet.length - _HEAD_BYTES
            return packet.body + _HEAD_BYTES
        if have < packet.length:
            return None
        end = packet.body + packet.length
        self._hand_over(packet.header, bytes(memoryview(self._buffer)[packet.body : end]), packet.length)
        return end

    def _skip_on(self, at: int) -> int:
        """Pass over the rest of a packet that is too large; deliver its beginning when all of it has come."""
        passed = min(self._skip, len(self._buffer) - at)
        self._skip -= passed
        if not self._skip and self._cut is not None:
            header, head, length = self._cut
            self._cut = None
            self._hand_over(header, head, length)
        return at + passed

    def _hand_over(self, header: int, body: bytes, length: int) -> None:
        at = 2 + (body[0] << 8 | body[1])
        topic = body[2:at]
        mid = 0
        if header >> 1 & _QOS_MASK:
            mid = body[at] << 8 | body[at + 1]
            at += 2
        properties, at = _varint(body, at)
        at += properties
        self._deliver(mid, dup=bool(header & 8), topic=topic, payload=body[at:], size=length - at)

    def _other(self, packet: _Packet) -> int | None:
        """Let paho handle one packet of another kind; None while it is not there yet."""
        if packet.length > _OTHER_BYTES_MAX:
            raise PacketError
        end = packet.body + packet.length
        if len(self._buffer) < end:
            return None
        self._in_packet = {
            "command": packet.header,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": packet.length,
            "packet": self._buffer[packet.body : end],
            "to_process": 0,
            "pos": 0,
        }
        rc = self._packet_handle()
        if rc > 0:
            self._loop_rc_handle(rc)
        return end

    def acknowledge(self, mids: list[int]) -> None:
        """Send PUBACKs in this order, in one piece."""
        packets = b"".join([_PUBACK_HEAD + mid.to_bytes(2) for mid in mids])
        self._packet_queue(_PUBACK, packets, 0, 1)

    def ping_unheard(self) -> None:
        """Keep the connection while we do not read: paho would miss the answer and give up."""
        self._send_pingreq()
        self._ping_t = 0.0
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()


def _varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """A variable byte integer and where it ends.

    Raises:
        IndexError: it goes on beyond the data.
        PacketError: it is longer than four bytes.
    """
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the continuation bit
            return value, at
        shift += 7
        if shift > _LENGTH_SHIFT_MAX:
            raise PacketError


def _frame(buffer: bytearray, at: int) -> _Packet | None:
    """The fixed header at this place; None while it is not there yet."""
    if len(buffer) - at < 2:  # noqa: PLR2004 - the shortest packet
        return None
    try:
        length, body = _varint(buffer, at + 1)
    except IndexError:
        return None
    return _Packet(buffer[at], body, length)
