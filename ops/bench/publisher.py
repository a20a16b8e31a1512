"""``python -m ops.bench.publisher``: publishes readings as fast as it is told to, cheaply enough not to be the limit.

paho publishes some 10,000 messages a second per thread; on two cores that would measure the load and not the
pipeline. So this speaks just enough MQTT 3.1.1 (CONNECT, PUBLISH with QoS 1, PUBACK) over one socket and builds its
packets in bulk. What it was told stands on standard input as JSON, what it did goes to standard output the same way.
"""

import json
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ops.bench.fleet import Device, fleet
from schemas.model import format_rfc3339, from_ms
from schemas.properties import PROPERTIES

SLOT_S: Final = 0.005
WINDOW: Final = 5_000  # unacknowledged messages; packet ids are 16 bits
PACKET_IDS: Final = 60_000
CONNACK_OK: Final = b"\x20\x02\x00\x00"
PUBACK_BYTES: Final = 4
KEEPALIVE: Final = (60).to_bytes(2, "big")  # seconds; whoever publishes all the time need not ping
ANSWER_S: Final = 60.0
BOOT: Final = b"bench"


@dataclass(frozen=True, slots=True)
class Load:
    """What to publish."""

    host: str
    port: int
    username: str
    password: str
    site: str
    devices: int
    rate: float  # messages a second
    seconds: float
    sent_file: str


class Wire:
    """One MQTT connection that only publishes."""

    def __init__(self, load: Load) -> None:
        self._socket = socket.create_connection((load.host, load.port), timeout=ANSWER_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = b"\xc2"  # user name, password, clean session
        body = b"\x00\x04MQTT\x04" + flags + KEEPALIVE + _text("eyes-bench") + _text(load.username)
        self._socket.sendall(_packet(b"\x10", body + _text(load.password)))
        answer = self._socket.recv(4)
        if answer != CONNACK_OK:
            raise ConnectionError(f"the broker does not let us in: {answer.hex()}")
        self.sent = 0
        self.acknowledged = 0
        self._half = 0

    def send(self, data: bytes, messages: int) -> None:
        """Send whole packets."""
        self._socket.sendall(data)
        self.sent += messages

    def settle(self, in_flight_max: int) -> None:
        """Take acknowledgements until at most so many are outstanding.

        Raises:
            TimeoutError: the broker acknowledged nothing for a minute.
        """
        while self.sent - self.acknowledged > in_flight_max:
            self._take()

    def _take(self) -> None:
        received = len(self._socket.recv(1 << 16)) + self._half  # nothing but PUBACKs comes here
        if received == self._half:
            raise ConnectionError("the broker closed the connection")
        done, self._half = divmod(received, PUBACK_BYTES)
        self.acknowledged += done


def run(load: Load) -> dict[str, Any]:
    """Publish at the rate for as long as told; returns when everything is acknowledged."""
    speakers = [_Speaker(load.site, device) for device in fleet(load.devices)]
    wire = Wire(load)
    total = int(load.rate * load.seconds)
    with Path(load.sent_file).open("wb", buffering=1 << 20) as sent:
        began = time.monotonic()
        number = 0
        while number < total:
            due = min(total, int((time.monotonic() - began + SLOT_S) * load.rate))
            if due > number:
                until = min(due, number + WINDOW // 2)
                wire.send(_burst(speakers, number, until, sent), until - number)
                number = until
                wire.settle(WINDOW // 2)
            else:
                time.sleep(SLOT_S / 2)
        wire.settle(0)
        seconds = time.monotonic() - began
    return {"messages": wire.sent, "seconds": seconds, "cpu_s": time.process_time()}


def _burst(speakers: "list[_Speaker]", first: int, until: int, sent: BinaryIO) -> bytes:
    """The packets of these messages; every device speaks in turn."""
    now = format_rfc3339(from_ms(time.time_ns() // 1_000_000)).encode()
    packets, lines = [], []
    for number in range(first, until):
        seq, which = divmod(number, len(speakers))
        speaker = speakers[which]
        turn = seq % len(speaker.said)
        payload = b'%s,"time":"%s","boot":"%s","seq":%d}' % (speaker.said[turn], now, BOOT, seq)
        packets.append(_packet(b"\x32", speaker.topic + (number % PACKET_IDS + 1).to_bytes(2, "big") + payload))
        lines.append(b'{"n":%d,"identity":"a:%s:%d",%s\n' % (number, BOOT, seq, speaker.line[turn]))
    sent.write(b"".join(lines))
    return b"".join(packets)


class _Speaker:
    """What is the same in every message of a device."""

    __slots__ = ("line", "said", "topic")

    def __init__(self, site: str, device: Device) -> None:
        name = device.kind.observed_property
        flag = PROPERTIES[name].is_flag
        self.topic = _text(f"eyes/v1/{site}/{device.name}/observations")
        self.said = [
            json.dumps({"property": name, "value": bool(value) if flag else value})[:-1].encode()
            for value in device.kind.values
        ]
        self.line = [
            json.dumps({"kind": "reading", "device": device.name, "property": name, "value": value})[1:].encode()
            for value in device.kind.values
        ]


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(header: bytes, body: bytes) -> bytes:
    """A packet of at most 16 KiB."""
    high, low = divmod(len(body), 128)
    assert high < 128  # noqa: PLR2004 - two bytes of seven bits
    return header + (bytes((low | 128, high)) if high else bytes((low,))) + body


def main() -> None:
    """Do what standard input says."""
    report = run(Load(**json.load(sys.stdin)))
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
