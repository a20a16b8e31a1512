"""Logs as machines read them: whole lines, also when several threads write at once."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from runtime.logs import configure_logs
from runtime.settings import LogSettings


class Writes:
    """A standard error that keeps each write apart, as another thread's could come between two of them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def write(self, text: str) -> None:
        self.seen.append(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


@pytest.fixture
def own_logs() -> Iterator[None]:
    """Takes back what the test configures for the whole process."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("own_logs")
def test_every_line_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = Writes()
    monkeypatch.setattr("sys.stderr", writes)
    configure_logs(LogSettings(level="info", format="json"), "ingest")
    structlog.get_logger().info("started", port=1883)
    logging.getLogger("kafka.net").warning("slow")
    said = [json.loads(text) for text in writes.seen]
    assert [one["event"] for one in said] == ["started", "slow"]
    assert all(text.endswith("\n") for text in writes.seen)
