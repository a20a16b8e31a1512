import itertools
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import MQTTErrorCode

from ingest.bridge import subscriptions
from ingest.mqtt import Client
from tests.examples import examples


def varint(value: int) -> bytes:
    out = b""
    while True:
        byte, value = value & 127, value >> 7
        out += bytes([byte | (128 if value else 0)])
        if not value:
            return out


def publish(topic: bytes, payload: bytes, mid: int, *, dup: bool = False, properties: bytes = b"") -> bytes:
    identifier = struct.pack("!H", mid) if mid else b""
    body = struct.pack("!H", len(topic)) + topic + identifier + varint(len(properties)) + properties + payload
    return bytes([0x30 | (8 if dup else 0) | (2 if mid else 0)]) + varint(len(body)) + body


class Socket:
    """Gives what it was given, in pieces of its own choosing."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def recv(self, _size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)

    def close(self) -> None: ...


def run(stream: bytes, cuts: list[int], *, room: Any = lambda: True, message_max: int = 1000) -> tuple[list, Client]:
    got: list[tuple] = []

    def deliver(mid: int, *, dup: bool, topic: bytes, payload: bytes, size: int) -> None:
        got.append((mid, dup, topic, payload, size))

    client = Client("c", deliver, lambda: room(got), message_max) if room.__code__.co_argcount else None
    client = client or Client("c", deliver, room, message_max)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    socket = Socket([stream[a:b] for a, b in itertools.pairwise(edges)])
    client._sock = socket  # type: ignore[assignment]
    for _ in range(len(edges) + 1):
        assert client.pump() == MQTTErrorCode.MQTT_ERR_SUCCESS
    return got, client


messages = st.lists(
    st.tuples(
        st.binary(max_size=20),
        st.binary(max_size=300) | st.just(b"x" * 200_000),
        st.integers(0, 65535),
        st.booleans(),
        st.sampled_from([b"", b"\x01\x00", b"\x26\x00\x01k\x00\x01v" * 30]),
    ),
    max_size=6,
)


@settings(max_examples=examples(200), deadline=None)
@given(messages=messages, cuts=st.lists(st.integers(0, 10**6), max_size=12))
def test_packets_are_read_however_they_are_cut(messages: list, cuts: list[int]) -> None:
    stream = b""
    for topic, payload, mid, dup, properties in messages:
        stream += publish(topic, payload, mid, dup=dup, properties=properties) + b"\xd0\x00"  # a PINGRESP between
    got, client = run(stream, cuts)
    assert [(g[0], g[1], g[2], g[4]) for g in got] == [(m[2], m[3], m[0], len(m[1])) for m in messages]
    for delivered, (_, payload, *_rest) in zip(got, messages, strict=True):
        assert payload.startswith(delivered[3])
        assert delivered[3] == payload if len(payload) <= 1000 else len(delivered[3]) >= 4096
    assert not client.has_unread


def test_nothing_is_taken_without_room() -> None:
    stream = b"".join(publish(b"t", b"p", mid) for mid in range(1, 6))
    got, client = run(stream, [], room=lambda got: len(got) < 2)
    assert [one[0] for one in got] == [1, 2]
    assert client.has_unread


def test_a_huge_message_never_fills_the_memory() -> None:
    body = publish(b"t", b"x" * 50_000_000, 7)
    got, client = run(body, [n * 250_000 for n in range(200)])
    ((mid, _, topic, payload, size),) = got
    assert (mid, topic, size) == (7, b"t", 50_000_000)
    assert len(payload) < 100_000
    assert len(client._buffer) == 0


def test_probe_and_clock_are_subscribed_once() -> None:
    assert subscriptions(("eyes/v1/#",)) == ["eyes/v1/#"]
    assert subscriptions(("eyes/v1/north/#",)) == ["eyes/v1/north/#", "eyes/v1/_probe/+", "eyes/v1/_clock"]
    assert subscriptions(("eyes/v1/+/+/observations", "eyes/v1/_probe/+")) == [
        "eyes/v1/+/+/observations",
        "eyes/v1/_probe/+",
        "eyes/v1/_clock",
    ]
