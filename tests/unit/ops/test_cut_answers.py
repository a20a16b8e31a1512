"""A process that ends in the middle of its answer has not answered: whoever asked goes on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.pipeline import Member, is_ready, specs
from ops.run.snapshot import scrape
from ops.supervise import NotReadyError

PREAMBLE = b"HTTP/1.0 200 OK\r\n"
HEADERS = PREAMBLE + b"Content-Type: application/json\r\nContent-Length: 400\r\n\r\n"


@contextmanager
def answering(said: bytes) -> Iterator[int]:
    """A port at which every request is answered so, and cut off."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    asker, _ = server.accept()
                except OSError:
                    return
                with asker:
                    asker.recv(4096)
                    asker.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("said", [b"", PREAMBLE, HEADERS, HEADERS + b'{"healthy": tr'])
def test_an_answer_that_is_cut_off_is_none(said: bytes) -> None:
    with answering(said) as port:
        member = Member("processors", "processors", (), "127.0.0.1", port)
        assert not scrape(member.metrics_url)
        assert not is_ready(member)


def test_who_answers_nothing_is_not_ready() -> None:
    with answering(b"") as port:
        member = Member("processors", "processors", (), "127.0.0.1", port)
        (spec,) = specs([member], Path(), {})
        assert spec.ready is not None
        with pytest.raises(NotReadyError, match="no answer"):
            spec.ready()
