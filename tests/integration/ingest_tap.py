"""A tap on the wire between ingest and the broker: sees every packet, and loses or cuts what a test wants lost."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Self

CONNECT: Final = 1
PUBLISH: Final = 3
PUBACK: Final = 4
_CHUNK: Final = 1 << 16


class Packet(NamedTuple):
    """One MQTT packet as it passed; ``mid`` is 0 for kinds that have none here."""

    connection: int  # from 1, in the order ingest made them
    upward: bool  # from ingest to the broker
    kind: int
    mid: int
    dup: bool
    topic: str


class Tap:
    """Listens on :attr:`port` and hands everything on to the broker."""

    def __init__(self, host: str, port: int) -> None:
        self._broker = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.packets: list[Packet] = []
        self.connections = 0
        self.lose_acks = False
        """PUBACKs are seen, and the broker never gets them."""
        self.down = False
        """Nobody gets through any more."""
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for one in (self._listener, *self._open):
            one.close()

    def cut(self, *, down: bool = False) -> None:
        """End the connection as a network would; with ``down`` no other gets through until that is cleared."""
        self.down = down
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @property
    def env(self) -> dict[str, str]:
        """How ingest is told to come this way."""
        return {"EYES_MQTT__HOST": "127.0.0.1", "EYES_MQTT__PORT": str(self.port)}

    def delivered(self, connection: int | None = None, root: str = "") -> list[Packet]:
        """The messages the broker handed to ingest, probes and word of its own subscriptions left out."""
        return [
            one
            for one in list(self.packets)
            if not one.upward and one.kind == PUBLISH and one.connection == (connection or one.connection)
            if "/_probe/" not in one.topic and "/_session/" not in one.topic and one.topic.startswith(root)
        ]

    def acknowledged(self, connection: int | None = None) -> list[int]:
        """The packet ids ingest acknowledged, in order, those of probes included."""
        return [
            one.mid
            for one in list(self.packets)
            if one.upward and one.kind == PUBACK and one.connection == (connection or one.connection)
        ]

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                if self.down:
                    client.close()
                    continue
                broker = socket.create_connection(self._broker)
                self.connections += 1
                self._open += [client, broker]
                for here, there, upward in ((client, broker, True), (broker, client, False)):
                    self._run(self._pump, here, there, self.connections, upward)

    def _pump(self, here: socket.socket, there: socket.socket, connection: int, upward: bool) -> None:
        buffer = bytearray()
        with contextlib.suppress(OSError):
            while data := here.recv(_CHUNK):
                buffer += data
                for frame in _frames(buffer):
                    packet = _read(frame, connection, upward=upward)
                    self.packets.append(packet)
                    if not (upward and packet.kind == PUBACK and self.lose_acks):
                        there.sendall(frame)
        with contextlib.suppress(OSError):  # what comes the other way may still be on its way
            there.shutdown(socket.SHUT_WR)


def _frames(buffer: bytearray) -> Iterator[bytes]:
    """Take whole packets from the front of the buffer."""
    while len(buffer) > 1:
        length = shift = 0
        at = 1
        while True:
            if at >= len(buffer):
                return
            byte = buffer[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if len(buffer) < at + length:
            return
        frame = bytes(buffer[: at + length])
        del buffer[: at + length]
        yield frame


def _read(frame: bytes, connection: int, *, upward: bool) -> Packet:
    kind = frame[0] >> 4
    at = 1
    while frame[at] > 127:
        at += 1
    body = frame[at + 1 :]
    if kind == PUBACK:
        return Packet(connection, upward, kind, int.from_bytes(body[:2]), dup=False, topic="")
    if kind == PUBLISH:
        end = 2 + int.from_bytes(body[:2])
        qos = frame[0] >> 1 & 3
        mid = int.from_bytes(body[end : end + 2]) if qos else 0
        return Packet(connection, upward, kind, mid, bool(frame[0] & 8), body[2:end].decode(errors="replace"))
    return Packet(connection, upward, kind, 0, dup=False, topic="")
