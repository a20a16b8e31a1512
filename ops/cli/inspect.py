"""Commands that look: ``eyes config``, ``eyes topics`` and ``eyes tail``."""

import json
import sys
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.explained import kafka_explained
from ops.logreader import LogEntry, find_topic, follow, read_last
from ops.topics import ensure_topics
from runtime.lifecycle import Shutdown
from runtime.settings import config_file, load_settings
from schemas.anomaly import Anomaly
from schemas.columns import AcceptedColumns, BatchColumns
from schemas.envelope import written
from schemas.model import format_rfc3339
from schemas.quarantine import Quarantined
from schemas.topics import CATALOGUE, UNLIMITED

console = Console()
topics_app = typer.Typer(help="The topics of the log.", no_args_is_help=True)


def config() -> None:
    """Show the configuration that applies, secrets hidden.

    Sources, the last one wins: defaults, what the local stack wrote, eyes.toml (or the file EYES_CONFIG names),
    EYES_... environment variables, e.g. EYES_KAFKA__BOOTSTRAP=host:9092.

    Example: `eyes config | jq .kafka`.
    """
    file = config_file()
    print(f"# {file} ({'read' if file.is_file() else 'not there'})", file=sys.stderr)
    json.dump(load_settings().model_dump(mode="json"), sys.stdout, indent=2)
    sys.stdout.write("\n")


@topics_app.command("create")
def create() -> None:
    """Create the topics of the catalogue that do not exist yet.

    Example: `EYES_KAFKA__TOPIC_PREFIX=trial. eyes topics create`.
    """
    settings = load_settings().kafka
    with kafka_explained(settings):
        created = ensure_topics(settings)
    for name in created:
        console.print(f"created {name}")
    if not created:
        console.print("all topics exist")


@topics_app.command("list")
def list_topics() -> None:
    """List the catalogue: names, keys, partitions, retention, writers and readers. Example: `eyes topics list`."""
    table = Table("topic", "key", "partitions", "kept", "writers", "readers", "about")
    for topic in CATALOGUE:
        days = "for ever" if topic.retention_ms == UNLIMITED else f"{topic.retention_ms // 86_400_000} d"
        kept = "newest per key" if topic.cleanup == "compact" else days
        table.add_row(
            topic.full_name(load_settings().kafka.topic_prefix),
            topic.key,
            str(topic.partitions),
            kept,
            ", ".join(topic.writers),
            ", ".join(topic.readers),
            topic.about,
        )
    console.print(table)


def tail(
    topic: Annotated[str, typer.Argument(help="e.g. `anomalies`, `quarantine` or `city.events.v1`")],
    last: Annotated[int, typer.Option("-n", "--last", help="begin with this many records")] = 10,
    follow_on: Annotated[bool, typer.Option("--follow/--no-follow", "-f/-F", help="go on with what comes")] = True,
    raw: Annotated[bool, typer.Option("--json", help="print the events as they stand in the log")] = False,
) -> None:
    """Show what is written to a topic, newest last; Ctrl-C ends.

    Examples: `eyes tail anomalies`, `eyes tail quarantine -F -n 3`, `eyes tail events --json | jq .data`.
    """
    settings, meant, shutdown = load_settings().kafka, find_topic(topic), Shutdown()
    shutdown.install()
    with kafka_explained(settings):
        entries = follow(settings, meant, shutdown, last) if follow_on else read_last(settings, meant, last)
        for entry in entries:
            _print(entry, raw=raw)


def _print(entry: LogEntry, *, raw: bool) -> None:
    if raw:
        sys.stdout.write((entry.raw or b"null").decode(errors="replace") + "\n")
        sys.stdout.flush()
        return
    where = f"{entry.partition}/{entry.offset}"
    if entry.event is None:
        what = f"{entry.key}  {'removed' if entry.raw is None else 'no event of ours'}"
    else:
        kind = entry.event.type.removeprefix("org.digital-eyes.").removesuffix(".v1")
        what = f"{format_rfc3339(entry.event.time)}  [bold]{kind}[/]  {escape(_gist(entry))}"
    console.print(f"{where:>12}  {what if entry.event else escape(what)}", highlight=False, soft_wrap=True)


def _gist(entry: LogEntry) -> str:
    """One line that says what an event is about."""
    match entry.event.data if entry.event else None:
        case BatchColumns() as batch:
            devices = sorted({series.device for series in batch.series})
            more = f" and {len(devices) - 3} more" if len(devices) > 3 else ""  # noqa: PLR2004 - three fit the line
            return f"{len(batch.result)} readings of {', '.join(devices[:3])}{more}"
        case Anomaly() as finding:
            return f"{finding.transition.value}: {finding.summary}"
        case Quarantined() as refused:
            return f"{refused.reason.value}: {refused.detail} ({refused.mqtt_topic or refused.device})"
        case AcceptedColumns() as taken:
            return f"{len(taken.payload)} messages, {sum(map(len, taken.payload)):,} bytes, of {taken.shard}"
        case None:
            return ""
        case data:
            told = msgspec.json.decode(written(data))
            return json.dumps(_without_nulls(told), ensure_ascii=False, separators=(",", ":"))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
