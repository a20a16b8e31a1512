"""``eyes quarantine``: what was refused and why, and a second chance for it."""

import sys
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.explained import kafka_explained
from ops.logreader import read_all, read_last
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.quarantine import Quarantined
from schemas.topics import QUARANTINE

app = typer.Typer(help="Input that was refused: list it, look at it, send it again.", no_args_is_help=True)
console = Console()


@app.command("list")
def list_refused(
    last: Annotated[int, typer.Option("-n", "--last", help="how many, newest last")] = 20,
    reason: Annotated[str | None, typer.Option(help="only this reason, e.g. `schema`")] = None,
) -> None:
    """List what was refused. Example: `eyes quarantine list --reason schema -n 50`."""
    settings = load_settings().kafka
    with kafka_explained(settings):
        entries = list(read_all(settings, QUARANTINE)) if reason else read_last(settings, QUARANTINE, last)
    table = Table("id", "arrived", "reason", "field", "detail", "topic or device")
    refused = [entry.event.data for entry in entries if entry.event and isinstance(entry.event.data, Quarantined)]
    for item in [item for item in refused if reason in (None, item.reason.value)][-last:]:
        table.add_row(
            str(item.id),
            f"{item.arrival_time:%Y-%m-%d %H:%M:%S}",
            item.reason.value,
            escape(item.field or ""),  # what devices send must not be taken for markup
            escape(item.detail),
            escape(item.mqtt_topic or item.device or ""),
        )
    console.print(table)


@app.command()
def show(
    refused_id: Annotated[str, typer.Argument(metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="only the original bytes")] = False,
) -> None:
    """Show one refused input whole. Example: `eyes quarantine show ID --raw | jq .`."""
    item = _find(refused_id)
    if raw:
        sys.stdout.buffer.write(item.payload)
        return
    for name, value in item.model_dump(mode="json", by_alias=True, exclude={"payload"}).items():
        console.print(f"[bold]{name}[/] {escape(str(value))}", highlight=False, soft_wrap=True)
    console.print("[bold]payload[/]")
    console.print(item.payload.decode(errors="backslashreplace"), highlight=False, markup=False, soft_wrap=True)


@app.command()
def retry(refused_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Publish the original bytes again on their MQTT topic, after what refused them was mended.

    The refused record stays where it is: the log does not forget. A reading that carries its own identity cannot be
    doubled by this. Example: `eyes quarantine retry ID`.
    """
    from ops.feed.once import publish_once  # noqa: PLC0415 - the MQTT client is needed by no other command here

    item = _find(refused_id)
    if item.mqtt_topic is None:
        raise FatalError(
            f"{refused_id} was refused behind ingest ({item.reason.value}); there is no message to send again"
        )
    if item.payload_bytes > len(item.payload):
        raise FatalError(f"of {refused_id} only the first {len(item.payload)} of {item.payload_bytes} bytes were kept")
    publish_once(load_settings(), item.mqtt_topic, item.payload)
    now = datetime.now(UTC)
    console.print(f"published {len(item.payload)} bytes on {item.mqtt_topic} at {now:%H:%M:%S}Z", markup=False)


def _find(refused_id: str) -> Quarantined:
    wanted = _parse(refused_id)
    settings = load_settings().kafka
    with kafka_explained(settings):
        for entry in read_all(settings, QUARANTINE):
            if entry.event and isinstance(entry.event.data, Quarantined) and entry.event.data.id == wanted:
                return entry.event.data
    raise FatalError(f"nothing with id {refused_id} in {QUARANTINE.name}; `eyes quarantine list` shows what there is")


def _parse(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FatalError(f"{text!r} is not an id; `eyes quarantine list` shows ids") from None
