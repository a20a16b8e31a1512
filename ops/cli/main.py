"""Assembles the ``eyes`` command line."""

import sys

import typer
from rich.console import Console

from ops.cli import account, archive, database, feed, ingest, inspect, process, publish, quarantine, registry, stack, up
from ops.cli import run as run_command
from ops.stack import StackError
from runtime.errors import PipelineError

app = typer.Typer(
    name="eyes",
    help="Digital Eyes (数字眼): see what a city's probes see, from MQTT to a closed case.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # paragraphs wrap, examples stand a line each
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a local variable may hold a secret
)

app.command("run")(run_command.run)
app.add_typer(stack.app, name="stack")
app.command("up")(up.up)
app.command("ingest")(ingest.ingest)
app.command("process")(process.process)
app.command("archive")(archive.archive)
app.add_typer(database.app, name="db")
app.add_typer(inspect.topics_app, name="topics")
app.add_typer(registry.app, name="registry")
app.add_typer(feed.app, name="feed")
app.command("account")(account.account)
app.command("publish")(publish.publish)
app.command("tail")(inspect.tail)
app.add_typer(quarantine.app, name="quarantine")
app.command("config")(inspect.config)


def main() -> None:
    """Entry point of the ``eyes`` script; an error that a person can mend is said in one line."""
    try:
        app()
    except (PipelineError, StackError) as error:
        Console(stderr=True).print(f"[bold red]eyes:[/] {error}", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
