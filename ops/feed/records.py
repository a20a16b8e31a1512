"""What the feeder leaves behind: what it sent, what it planted, and how it is doing."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from ops.feed.publication import Publication
from ops.simulate.model import Incident

_encode = msgspec.json.Encoder().encode
BUFFER_BYTES: Final = 1 << 20


class SentFile:
    """``sent.ndjson``: a numbered line for every reading, sighting and piece of garbage that was published.

    The same identity on several lines is a duplicate where the value is equal, and a contradiction where it is not.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("wb", buffering=BUFFER_BYTES)
        self.lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, publication: Publication) -> None:
        """Record one publication."""
        for line in publication.lines:
            self.lines += 1
            if self._file is not None:
                self._file.write(_encode({"n": self.lines} | line) + b"\n")

    def flush(self) -> None:
        """Make it visible to readers."""
        if self._file is not None:
            self._file.flush()


def truth_lines(incidents: Sequence[Incident], clock_ms: int) -> bytes:
    """What had to be found by then, a line each; what may or may not have been, marked ``undecided``."""
    lines = [incident.as_json(undecided=incident.raised_by_ms > clock_ms) for incident in incidents]
    return b"".join(_encode(line) + b"\n" for line in lines)


def write_truth(truth: bytes, *, path: Path | None, descriptor: int | None) -> None:
    """Write it where it was asked for; a descriptor is one that our parent opened, and nobody else can."""
    if path is not None:
        path.write_bytes(truth)
    if descriptor is not None:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(truth)


def write_status(path: Path, status: dict[str, Any]) -> None:
    """Replace the status file; a reader never sees half of it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(status) + "\n", encoding="utf-8")
    draft.replace(path)
