"""``eyes trace``: what does this finding stand on, down to the bytes?"""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ingest.decoders.configured import catalogue_of
from ops.explained import kafka_explained
from ops.trace import Link, Log, Message, Place, Row, Step, Tables, Trace, Tracer, parse
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.model import format_rfc3339, from_ms

HEX_LINE: Final = 32
COLUMNS: Final = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())


def trace(
    traced: Annotated[
        str,
        typer.Argument(metavar="ID", help="of a finding, a reading, a refused or waiting message, or its beginning"),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print the chain as JSON")] = False,
    into: Annotated[
        Path | None,
        typer.Option("--bytes", metavar="FILE", help="write the message; of several FILE-1, FILE-2 and so on"),
    ] = None,
) -> None:
    """Walk from a finding back to the accepted MQTT bytes, topic, device and arrival, each with its place in the log.

    ID is that of a finding, of a reading (as findings name it), of a refused message or of one that nobody had
    registered; its first 8 digits do where they are unique. A reading can also be named as DEVICE/PROPERTY/IDENTITY
    (of a camera: DEVICE/camera/IDENTITY). The tables say where to look, the log says what was; without the database it
    takes longer. Exit code 1 if a link of the chain is not to be found; it is said which and why.

    Examples:
    - `eyes trace 6f1d3a52`
    - `eyes trace cover-17/tilt_angle/a::4711 --bytes message.json`
    - `eyes trace 6f1d3a52 --json | jq '.readings[].message.text'`
    """
    parse(traced)  # what is wrong in itself is said before anybody is asked
    settings = load_settings()
    stderr = Console(stderr=True, highlight=False)
    with kafka_explained(settings.kafka), Progress(*COLUMNS, console=stderr, transient=True) as progress:
        task = progress.add_task("looking", total=None)
        log, tables = Log(settings.kafka), Tables(settings.database)
        seen = 0

        def note(line: str) -> None:
            progress.update(task, description=line)

        def advance(rows: int) -> None:
            nonlocal seen
            seen += rows
            note(f"computing the ids of what is stored: {seen:,}")

        try:
            if tables.away:
                stderr.print(f"{tables.away}; searching the log without it, which takes longer", style="dim")
            chain = Tracer(log, tables, note, advance, catalogue_of(settings)).trace(traced)
        finally:
            log.close()
            tables.close()
    if as_json:
        print(json.dumps(as_document(chain), ensure_ascii=False))
    else:
        _show(Console(highlight=False, soft_wrap=True), chain)
    if into is not None:
        _write(chain.messages, into, stderr)
    if chain.missing:
        raise typer.Exit(1)


def _write(messages: list[Message], into: Path, stderr: Console) -> None:
    files = [into] if len(messages) == 1 else [into.with_name(f"{into.name}-{n + 1}") for n in range(len(messages))]
    for file, message in zip(files, messages, strict=True):
        try:
            file.write_bytes(message.payload)
        except OSError as error:
            raise FatalError(f"cannot write {file}: {error.strerror}") from None
        stderr.print(f"{file}: {len(message.payload)} bytes of {message.mqtt_topic}", markup=False)


# ------------------------------------------------------------------------------------------------------- for programs


def as_document(chain: Trace) -> dict[str, Any]:
    """The chain as JSON; payloads in base64, and as text where they are text."""
    return {
        "id": str(chain.id),
        "kind": chain.kind,
        "said": chain.said or None,
        "steps": [_step(step) for step in chain.steps],
        "readings": [_link(link) for link in chain.links],
        "message": None if chain.message is None else _message(chain.message),
        "missing": [{"step": one.step, "of": one.of, "why": one.why} for one in chain.missing],
        "complete": not chain.missing,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "written": format_rfc3339(from_ms(place.written_ms)),
    }


def _step(step: Step) -> dict[str, Any]:
    said = step.anomaly.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"eventId": step.event_id, "place": _place(step.place), "anomaly": said}


def _link(link: Link) -> dict[str, Any]:
    row = link.row
    message = None if link.message is None else _message(link.message) | {"ofAnotherDelivery": link.again}
    return {
        "id": str(row.id),
        "device": row.device,
        "observedProperty": row.observed_property,
        "identity": row.identity,
        "result": row.value,
        "unit": row.unit or None,
        "phenomenonTime": format_rfc3339(from_ms(row.time_ms)),
        "arrivalTime": format_rfc3339(from_ms(row.arrival_ms)),
        "resultQuality": row.quality.name.lower(),
        "facility": row.facility,
        "zone": row.zone,
        "shard": row.shard,
        "place": _place(row.place),
        "message": message,
        "madeOf": [str(one) for one in link.made_of],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "mqttTopic": message.mqtt_topic,
        "arrivalTime": format_rfc3339(from_ms(message.arrival_ms)),
        "bytes": message.size,
        "sha256": sha256(message.payload).hexdigest(),
        "payload": b64encode(message.payload).decode(),
        "text": _text(message.payload),
        "place": _place(message.place),
        "number": message.number,
    }


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


# --------------------------------------------------------------------------------------------------------- for people


def _show(console: Console, chain: Trace) -> None:
    def line(text: str, style: str = "") -> None:
        # What devices send must not be taken for markup, nor for orders to the terminal.
        safe = "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)
        console.print(safe, style=style or None, markup=False)

    if chain.steps:
        last = chain.steps[-1].anomaly
        line(f"{last.kind.value} {chain.id}", "bold")
        line(f"  zone {last.zone}, subject {last.subject}, found by {last.detector} {last.detector_version}")
    else:
        line(f"{chain.kind} {chain.id}", "bold")
    for step in chain.steps:
        line(f"  {step.anomaly.transition.value:<8} {format_rfc3339(step.anomaly.at)}  {step.anomaly.summary}")
        line(f"{' ' * 11}{step.place}, {len(step.anomaly.evidence)} readings as evidence", "dim")
    if chain.said:
        line(f"  {chain.said}")
    if chain.message is not None:
        _show_message(line, chain.message, again=False)
    for link in chain.links:
        _show_row(line, link.row)
        for count in link.made_of:
            line(f"  made of {count}")
        if link.message is not None and link.message is not chain.message:
            _show_message(line, link.message, again=link.again)
    for one in chain.missing:
        line(f"missing: {one.step} of {one.of}: {one.why}", "red")


def _show_row(line: Any, row: Row) -> None:
    value = "seen" if row.value is None else f"{row.value!r} {row.unit}".rstrip()
    line(f"{row.device}/{row.observed_property}/{row.identity}", "bold")
    line(f"  {value} at {format_rfc3339(from_ms(row.time_ms))} ({row.quality.name.lower()}), id {row.id}")
    line(f"  arrived {format_rfc3339(from_ms(row.arrival_ms))} at {row.shard}, for {row.facility} in {row.zone}")
    line(f"  {row.place}", "dim")


def _show_message(line: Any, message: Message, *, again: bool) -> None:
    kept = "" if message.size == len(message.payload) else f", of which the first {len(message.payload)} were kept"
    line(f"  {message.mqtt_topic or 'no MQTT message'}: {message.size} bytes{kept}")
    arrived = f"arrived {format_rfc3339(from_ms(message.arrival_ms))}"
    if again:
        arrived += " when it was delivered another time: ingest died before it had kept the bytes of this one"
    line(f"  {arrived}; {message.place}, message {message.number}", "dim")
    line("\n".join("    " + one for one in pretty(message.payload).splitlines()))


def pretty(payload: bytes) -> str:
    """Indented where it is JSON, as hexadecimal where it is not."""
    try:
        return msgspec.json.format(payload, indent=2).decode()
    except ValueError:
        return "\n".join(payload[n : n + HEX_LINE].hex(" ") for n in range(0, len(payload), HEX_LINE))
