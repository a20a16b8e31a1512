"""An MQTT broker in memory, as Mosquitto behaves where it matters to ingest: sessions that last, order, redelivery.

It speaks MQTT 5 in bytes, so the client under test is the real one. What is not here: wills, expiry, QoS 2, access
control; a session never ends. ``tests/contracts/broker.py`` holds it against Mosquitto.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from paho.mqtt.client import topic_matches_sub

from tests.memory import wire

_SEND_IF_NEW: Final = 1  # retain handling, MQTT 5 section 3.8.3.1
_MID_MAX: Final = 65_535


@dataclass(frozen=True)
class Message:
    """What a publisher gave us, in the order we took it."""

    number: int
    topic: str
    payload: bytes
    retain: bool = False


@dataclass
class Session:
    """What is kept of a client, connected or not."""

    filters: dict[str, int] = field(default_factory=dict)
    queue: deque[Message] = field(default_factory=deque)
    in_flight: dict[int, Message] = field(default_factory=dict)
    """Sent and not acknowledged, oldest first."""
    last_mid: int = 0

    def next_mid(self) -> int:
        """One that is not in use."""
        while True:
            self.last_mid = self.last_mid % _MID_MAX + 1
            if self.last_mid not in self.in_flight:
                return self.last_mid


class Broker:
    """Takes messages and hands them to every session that wants them."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.retained: dict[str, Message] = {}
        self.connections: dict[str, Connection] = {}
        self.acknowledged: Callable[[Connection, int, Message | None], None] = lambda *_: None
        """Told of each PUBACK: its connection, its packet id, and the message; None where there is no such message."""
        self._numbers = count()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> Message:
        """Take a message; the publisher may forget it."""
        message = Message(next(self._numbers), topic, payload, retain)
        if retain:
            self.retained[topic] = message
        for client_id, session in self.sessions.items():
            if any(topic_matches_sub(one, topic) for one in session.filters):
                session.queue.append(replace(message, retain=False))
                self._go_on(client_id)
        return message

    def connection(self) -> "Connection":
        """Somebody opened a connection."""
        return Connection(self)

    def _go_on(self, client_id: str) -> None:
        if (connection := self.connections.get(client_id)) is not None:
            connection.deliver()


class Connection:
    """The broker's side of one connection; bytes come by :meth:`feed` and go out through :attr:`out`."""

    def __init__(self, broker: Broker) -> None:
        self.out = bytearray()
        self.closed = False
        """Whether the broker hung up; what stands in :attr:`out` still goes out."""
        self.brought: list[int] = []
        """Packet ids this connection has delivered and that are not acknowledged, in order."""
        self.session = Session()
        self.client_id = ""
        self._broker = broker
        self._buffer = bytearray()
        self._receive_maximum = 0

    def feed(self, data: bytes) -> None:
        """Bytes from the client."""
        self._buffer += data
        for packet in wire.packets(self._buffer):
            if self.closed:
                return
            self._handle(packet)

    def end(self) -> None:
        """The connection is gone; the session stays."""
        self.closed = True
        if self._broker.connections.get(self.client_id) is self:
            del self._broker.connections[self.client_id]

    def deliver(self) -> None:
        """Send what waits, as much as the client wants to have unacknowledged."""
        session = self.session
        while session.queue and len(session.in_flight) < self._receive_maximum:
            mid = session.next_mid()
            session.in_flight[mid] = session.queue.popleft()
            self._send(mid, dup=False)

    def _handle(self, packet: wire.Packet) -> None:
        match packet.kind:
            case wire.CONNECT:
                self._connect(wire.read_connect(packet.body))
            case wire.PUBLISH:
                message = wire.read_publish(packet)
                self._broker.publish(message.topic, message.payload, retain=message.retain)
                if message.mid:
                    self.out += wire.puback(message.mid)
            case wire.PUBACK:
                self._acknowledged(int.from_bytes(packet.body[:2]))
            case wire.SUBSCRIBE:
                self._subscribe(*wire.read_filters(packet))
            case wire.UNSUBSCRIBE:
                mid, filters = wire.read_filters(packet)
                for topic, _ in filters:
                    self.session.filters.pop(topic, None)
                self.out += wire.unsuback(mid, len(filters))
            case wire.PINGREQ:
                self.out += wire.pingresp()
            case wire.DISCONNECT:
                self.end()

    def _connect(self, asked: wire.Connect) -> None:
        broker = self._broker
        if (older := broker.connections.get(asked.client_id)) is not None:
            older.out += wire.disconnect(wire.TAKEN_OVER)
            older.end()
        if asked.clean:
            broker.sessions.pop(asked.client_id, None)
        present = asked.client_id in broker.sessions
        self.session = broker.sessions.setdefault(asked.client_id, Session())
        self.client_id = asked.client_id
        self._receive_maximum = asked.receive_maximum
        broker.connections[asked.client_id] = self
        self.out += wire.connack(session_present=present)
        for mid in self.session.in_flight:
            self._send(mid, dup=True)
        self.deliver()

    def _subscribe(self, mid: int, filters: list[tuple[str, int]]) -> None:
        self.out += wire.suback(mid, len(filters))
        for topic, options in filters:
            new = topic not in self.session.filters
            self.session.filters[topic] = options
            if new or options >> 4 & 3 != _SEND_IF_NEW:
                self.session.queue += [
                    one for name, one in self._broker.retained.items() if topic_matches_sub(topic, name)
                ]
        self.deliver()

    def _acknowledged(self, mid: int) -> None:
        message = self.session.in_flight.pop(mid, None)
        self._broker.acknowledged(self, mid, message)
        if mid in self.brought:
            self.brought.remove(mid)
        self.deliver()

    def _send(self, mid: int, *, dup: bool) -> None:
        message = self.session.in_flight[mid]
        self.brought.append(mid)
        self.out += wire.publish(wire.Publish(mid, message.topic, message.payload, message.retain, dup))
