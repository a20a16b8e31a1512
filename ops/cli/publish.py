"""``eyes publish``: send messages of one's own, and hear what became of each."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from paho.mqtt.reasoncodes import ReasonCode
from rich.console import Console
from rich.markup import escape

from ops.feed.access import feeder_access
from ops.feed.session import NO_SUBSCRIBERS, FeedSession
from runtime.errors import FatalError
from runtime.settings import load_settings

console = Console(highlight=False)


class _Message(NamedTuple):
    line: int
    topic: str
    payload: bytes


def publish(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="one JSON message a line; - is standard input")],
    *,
    topic: Annotated[str | None, typer.Option(help="MQTT topic of all lines")] = None,
    device: Annotated[str | None, typer.Option(help="publish as this device")] = None,
    site: Annotated[str | None, typer.Option(help="with --device; default: the configured site")] = None,
    camera: Annotated[bool, typer.Option("--camera", help="with --device: the lines are of a camera")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="send lines that are no JSON, too")] = False,
) -> None:
    """Send each line as one MQTT message with QoS 1.

    A line is a reading like `{"property":"tilt_angle","value":17.0,"unit":"deg"}`, an array of them, or, without
    --topic and --device, `{"topic": ..., "payload": ...}`.

    Example: `echo '{"property":"tilt_angle","value":17}' | eyes publish - --device cover-123`.
    """
    settings = load_settings()
    if topic and device:
        raise FatalError("--topic and --device exclude each other: a device has one topic")
    if device:
        topic = f"eyes/v1/{site or settings.site}/{device}/{'camera' if camera else 'observations'}"
    messages = list(_messages(_text(file), topic, raw=raw))
    if not messages:
        raise FatalError(f"{file}: there is no message in it")
    failures = 0

    def outcome(number: int, where: str, reason: ReasonCode) -> None:
        nonlocal failures
        failures += reason.is_failure
        console.print(f"line {messages[number].line}: {_said(reason)} {escape(where)}", soft_wrap=True)

    with FeedSession(
        feeder_access(settings, "device"), client_id=f"eyes-publish-{os.getpid()}", on_outcome=outcome
    ) as session:
        for message in messages:
            session.publish(message.topic, message.payload)
        session.drain()
    if failures:
        raise FatalError(f"the broker refused {failures} of {len(messages)} messages")


def _said(reason: ReasonCode) -> str:
    if reason.is_failure:
        return f"[red]refused ({reason})[/]"
    if reason.value == NO_SUBSCRIBERS:
        return "[yellow]accepted, but nobody listens: is `eyes ingest` running?[/]"
    return "[green]accepted[/]"


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FatalError(f"{file}: {error}") from None


def _messages(text: str, topic: str | None, *, raw: bool) -> Iterator[_Message]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        content = _content(number, line, raw=raw)
        if topic is not None:
            yield _Message(number, topic, line.encode())
        elif isinstance(content, dict) and isinstance(content.get("topic"), str) and "payload" in content:
            payload = content["payload"]
            text_payload = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
            yield _Message(number, content["topic"], text_payload.encode())
        else:
            raise FatalError(
                f'line {number}: where to? Give --device or --topic, or write {{"topic": ..., "payload": ...}}'
            )


def _content(number: int, line: str, *, raw: bool) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        if raw:
            return None
        raise FatalError(f"line {number} is not JSON: {error}; --raw sends it as it is") from None
