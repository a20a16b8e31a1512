"""Recorded messages again: lines of ``{"topic": ..., "payload": ..., "at": "<RFC 3339>"}`` in the order of ``at``.

A payload is JSON as it is, or text to be sent as UTF-8. In the sent file a reading that has neither number nor time
carries the identity null: ingest gives it one on arrival.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ops.feed.publication import Publication, canonical
from ops.simulate.model import Incident
from runtime.errors import FatalError
from schemas.camera import CameraObservation
from schemas.identity import numbered, timed
from schemas.model import Model, Timestamp, format_rfc3339, to_ms
from schemas.observation import Observation
from schemas.properties import PROPERTIES


class Recorded(Model):
    """One line of a recording."""

    topic: str
    payload: Any
    at: Timestamp


@dataclass(frozen=True, eq=False)
class Replay:
    """A recording; ``shift_ms`` is added to every time in it."""

    path: Path
    shift_ms: int = 0

    @cached_property
    def start_ms(self) -> int:
        """The time of the first message.

        Raises:
            FatalError: there is none.
        """
        for _, recorded in self._lines():
            return to_ms(recorded.at) + self.shift_ms
        raise FatalError(f"{self.path}: there is nothing to replay")

    def publications(self) -> Iterator[Publication]:
        """Everything in the order it was recorded.

        Raises:
            FatalError: a line is none, or they are out of order; the message names it.
        """
        last_ms = 0
        for number, recorded in self._lines():
            due_ms = to_ms(recorded.at) + self.shift_ms
            if due_ms < last_ms:
                raise FatalError(f"{self.path}:{number}: at: earlier than the line before; sort the recording by it")
            last_ms = due_ms
            payload = self._payload(recorded.payload)
            yield Publication(due_ms, recorded.topic, payload, tuple(_lines_for(recorded.topic, payload)))

    def leftovers(self) -> Iterator[Publication]:
        """Nothing is held back."""
        return iter(())

    def incidents(self, until_ms: int) -> list[Incident]:  # noqa: ARG002 - the protocol's signature
        """Nothing was planted, as far as we know."""
        return []

    def _payload(self, payload: Any) -> bytes:
        if isinstance(payload, str):
            return payload.encode()
        parts = payload if isinstance(payload, list) else [payload]
        for part in parts if self.shift_ms else ():
            if isinstance(part, dict) and isinstance(part.get("time"), str):
                part["time"] = _shifted(part["time"], self.shift_ms)
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()

    def _lines(self) -> Iterator[tuple[int, Recorded]]:
        """The recorded messages with the numbers of their lines."""
        try:
            with self.path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        yield number, _recorded(f"{self.path}:{number}", line)
        except (OSError, UnicodeDecodeError) as error:
            raise FatalError(f"{self.path}: {error}") from None


def _recorded(where: str, line: str) -> Recorded:
    try:
        return Recorded.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise FatalError(f"{where}: {'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from None


def _shifted(text: str, shift_ms: int) -> str:
    """The later time; what is no time stays as it is."""
    try:
        when = datetime.fromisoformat(text)
        return format_rfc3339(when + timedelta(milliseconds=shift_ms)) if when.tzinfo else text
    except (ValueError, OverflowError):
        return text


def _lines_for(topic: str, payload: bytes) -> Iterator[dict[str, Any]]:
    """The lines of the sent file: its readings or sightings, and garbage where a part is not understood."""
    device, _, channel = topic.removeprefix("eyes/v1/").partition("/")[2].rpartition("/")
    garbage = {"kind": "garbage", "topic": topic, "sha256": sha256(payload).hexdigest()}
    try:
        content = json.loads(payload, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        yield garbage
        return
    refused = False
    for part in content if isinstance(content, list) else [content]:
        try:
            yield _line(device, channel, json.dumps(part))
        except (ValueError, KeyError):
            refused = True
    if refused:
        yield garbage  # one for the whole message, as ingest keeps it


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs.

    Raises:
        ValueError: a key is given twice, which ingest does not take either.
    """
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is given twice")
    return out


def _line(device: str, channel: str, part: str) -> dict[str, Any]:
    """One part of a message as ingest will understand it.

    Raises:
        ValueError: it will not.
        KeyError: there is no such channel.
    """
    if channel == "camera":
        seen = CameraObservation.model_validate_json(part)
        timely = None if seen.time is None else f"b:{to_ms(seen.time)}:{seen.phase.value}:{seen.track}"
        identity = timely if seen.seq is None else numbered(seen.boot, seen.seq)
        return {"kind": "camera", "device": device, "identity": identity}
    if channel != "observations":
        raise KeyError(channel)
    reading = Observation.model_validate_json(part)
    value = canonical(float(reading.value), reading.unit)
    bounds = PROPERTIES[reading.observed_property]
    if not bounds.low <= value <= bounds.high:
        raise ValueError(f"{value!r} is outside of what is possible")
    timely = None if reading.time is None else timed(to_ms(reading.time), value)
    identity = timely if reading.seq is None else numbered(reading.boot, reading.seq)
    named = {"kind": "reading", "device": device, "property": reading.observed_property}
    return named | {"identity": identity, "value": value}
