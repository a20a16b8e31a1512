"""MQTT 5 as a broker reads and writes it: only what ingest and a device need (OASIS MQTT 5.0, section 3)."""

from collections.abc import Iterator
from typing import NamedTuple

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 10, 12, 14
TAKEN_OVER = 0x8E


class Packet(NamedTuple):
    """One packet: its kind, the flags of its first byte, and what stands behind the length."""

    kind: int
    flags: int
    body: bytes


class Connect(NamedTuple):
    """What a client asks for."""

    client_id: str
    clean: bool
    receive_maximum: int


class Publish(NamedTuple):
    """A message; ``mid`` 0 for QoS 0."""

    mid: int
    topic: str
    payload: bytes
    retain: bool = False
    dup: bool = False


def packets(buffer: bytearray) -> Iterator[Packet]:
    """Take whole packets from the front of the buffer."""
    while (found := _frame(buffer)) is not None:
        end, body = found
        packet = Packet(buffer[0] >> 4, buffer[0] & 15, bytes(buffer[body:end]))
        del buffer[:end]
        yield packet


def read_connect(body: bytes) -> Connect:
    properties, length = Properties(PacketTypes.CONNECT).unpack(body[10:])
    client_id, _ = _text(body, 10 + length)
    return Connect(client_id, bool(body[7] & 2), getattr(properties, "ReceiveMaximum", 65_535))


def read_publish(packet: Packet) -> Publish:
    topic, at = _text(packet.body, 0)
    mid = 0
    if packet.flags >> 1 & 3:
        mid = int.from_bytes(packet.body[at : at + 2])
        at += 2
    _, length = Properties(PacketTypes.PUBLISH).unpack(packet.body[at:])
    return Publish(mid, topic, packet.body[at + length :], bool(packet.flags & 1), bool(packet.flags & 8))


def read_filters(packet: Packet) -> tuple[int, list[tuple[str, int]]]:
    """The packet id, and each filter with its options (0 in an UNSUBSCRIBE)."""
    mid = int.from_bytes(packet.body[:2])
    kind = PacketTypes.SUBSCRIBE if packet.kind == SUBSCRIBE else PacketTypes.UNSUBSCRIBE
    _, length = Properties(kind).unpack(packet.body[2:])
    at = 2 + length
    found = []
    while at < len(packet.body):
        topic, at = _text(packet.body, at)
        options = 0
        if packet.kind == SUBSCRIBE:
            options = packet.body[at]
            at += 1
        found.append((topic, options))
    return mid, found


def connack(*, session_present: bool) -> bytes:
    return bytes([0x20, 3, session_present, 0, 0])


def publish(message: Publish) -> bytes:
    topic = message.topic.encode()
    body = len(topic).to_bytes(2) + topic + message.mid.to_bytes(2) + b"\0" + message.payload
    return bytes([0x32 | message.dup << 3 | message.retain]) + _varint(len(body)) + body


def puback(mid: int) -> bytes:
    return b"\x40\x02" + mid.to_bytes(2)


def suback(mid: int, count: int) -> bytes:
    return bytes([0x90, 3 + count]) + mid.to_bytes(2) + b"\0" + b"\1" * count


def unsuback(mid: int, count: int) -> bytes:
    return bytes([0xB0, 3 + count]) + mid.to_bytes(2) + b"\0" + b"\0" * count


def pingresp() -> bytes:
    return b"\xd0\x00"


def disconnect(reason: int) -> bytes:
    return bytes([0xE0, 2, reason, 0])


def _frame(buffer: bytearray) -> tuple[int, int] | None:
    """Where the first packet ends and where its body begins; None while it is not whole."""
    length = shift = 0
    for at in range(1, min(len(buffer), 5)):
        length |= (buffer[at] & 127) << shift
        shift += 7
        if buffer[at] < 128:
            return (at + 1 + length, at + 1) if len(buffer) >= at + 1 + length else None
    return None


def _text(body: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + int.from_bytes(body[at : at + 2])
    return body[at + 2 : end].decode(), end


def _varint(value: int) -> bytes:
    out = b""
    while True:
        byte, value = value & 127, value >> 7
        out += bytes([byte | (128 if value else 0)])
        if not value:
            return out
