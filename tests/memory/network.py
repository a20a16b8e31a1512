"""Lines between a client and the broker in memory: bytes move only when the scheduler lets them, or are lost."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.memory.broker import Broker, Connection

Io = Callable[[str], None]
"""Called at every point at which a process does something outside of itself; a simulation has it die there."""


class Line(socket.socket):
    """A client's end: a real socket, so that the client's own code reads and writes it."""

    io: Io

    def send(self, data: Any, *flags: int) -> int:
        """Into the kernel; it is not with the broker yet."""
        self.io("mqtt.send")
        sent = super().send(data, *flags)
        self.io("mqtt.sent")
        return sent

    def recv(self, size: int, *flags: int) -> bytes:
        """What has come so far."""
        self.io("mqtt.receive")
        return super().recv(size, *flags)


@dataclass(eq=False)
class _Link:
    far: socket.socket
    connection: Connection


class Network:
    """Every line to one broker."""

    def __init__(self, broker: Broker, io: Io) -> None:
        self.down = False
        """Nobody gets through any more."""
        self._broker = broker
        self._io = io
        self._links: list[_Link] = []

    def dial(self, _host: str, _port: int, _timeout_s: float) -> socket.socket:
        """As :func:`ingest.mqtt.dial`."""
        self._io("mqtt.dial")
        if self.down:
            raise ConnectionRefusedError("the broker is away")
        near, far = socket.socketpair()
        line = Line(fileno=near.detach())
        line.io = self._io
        far.setblocking(False)
        self._links.append(_Link(far, self._broker.connection()))
        return line

    def pump(self, up: int = 1 << 20, down: int = 1 << 20) -> None:
        """Let so many bytes of each line go each way."""
        for link in list(self._links):
            self._up(link, up)
            if link not in self._links:
                continue
            sent = bytes(link.connection.out[:down])
            if sent:
                with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                    del link.connection.out[: link.far.send(sent)]
            if link.connection.closed and not link.connection.out:
                self._close(link)

    def cut(self) -> None:
        """Every line ends; what was on its way to the broker is lost."""
        for link in list(self._links):
            self._close(link)

    def _up(self, link: _Link, most: int) -> None:
        try:
            data = link.far.recv(most)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if data:
            link.connection.feed(data)
        else:
            self._close(link)

    def _close(self, link: _Link) -> None:
        if link in self._links:
            self._links.remove(link)
            link.connection.end()
            link.far.close()
