"""Assembles the ``eyes`` command line."""

import sys
import tomllib

import typer
from kafka.errors import KafkaError
from pydantic import ValidationError
from rich.console import Console

from ops.cli import (
    account,
    archive,
    bench,
    calendar,
    codecs,
    correlate,
    database,
    decode,
    detectors,
    devices,
    feed,
    ingest,
    inspect,
    process,
    publish,
    quarantine,
    rebuild,
    registry,
    replay,
    rules,
    score,
    sequence,
    shadow,
    simulate,
    stack,
    trace,
    up,
    verify,
    water,
    works,
)
from ops.cli import run as run_command
from ops.stack import StackError
from runtime.errors import PipelineError
from runtime.settings import config_file

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
app.command("sequence")(sequence.sequence)
app.command("correlate")(correlate.correlate)
app.add_typer(archive.app, name="archive")
app.add_typer(database.app, name="db")
app.add_typer(rebuild.app, name="rebuild")
app.add_typer(inspect.topics_app, name="topics")
app.add_typer(registry.app, name="registry")
app.add_typer(water.app, name="water")
app.add_typer(rules.app, name="rules")
app.add_typer(calendar.app, name="calendar")
app.add_typer(works.app, name="works")
app.add_typer(codecs.app, name="codecs")
app.add_typer(feed.app, name="feed")
app.command("simulate")(simulate.simulate)
app.add_typer(score.app, name="score")
app.command("publish")(publish.publish)
app.command("decode")(decode.decode)
app.add_typer(devices.app, name="devices")
app.command("trace")(trace.trace)
app.command("tail")(inspect.tail)
app.add_typer(quarantine.app, name="quarantine")
app.command("account")(account.account)
app.command("verify")(verify.verify)
app.command("replay")(replay.replay)
app.add_typer(shadow.app, name="shadow")
app.add_typer(detectors.app, name="detectors")
app.add_typer(bench.app, name="bench")
app.command("config")(inspect.config)


def main() -> None:
    """Entry point of the ``eyes`` script; an error that a person can mend is said without a traceback."""
    try:
        app()
    except (PipelineError, StackError) as error:
        _fail(str(error))
    except KafkaError as error:
        _fail(f"Kafka does not answer as it should ({error!r}): is the stack up? eyes stack status")
    except tomllib.TOMLDecodeError as error:
        _fail(f"{config_file()} cannot be read: {error}")
    except ValidationError as error:
        if error.title != "Settings":
            raise
        _fail("\n".join(("the configuration is wrong:", *(f"  {line}" for line in _complaints(error)))))


def _complaints(error: ValidationError) -> list[str]:
    """What is wrong with which key, and how its variable is called."""
    return [
        f"{'.'.join(map(str, one['loc']))}: {one['msg']} (eyes.toml, or EYES_{'__'.join(map(str, one['loc'])).upper()})"
        for one in error.errors(include_url=False, include_input=False)  # an input may be a secret
    ]


def _fail(said: str) -> None:
    console = Console(stderr=True, highlight=False)
    console.print("eyes:", style="bold red", end=" ")
    console.print(said, markup=False, soft_wrap=True)  # a path must not be broken
    sys.exit(1)


if __name__ == "__main__":
    main()
