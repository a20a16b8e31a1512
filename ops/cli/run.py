"""``eyes run``: the main job."""

from typing import Annotated

import typer
from rich.console import Console

from ops.cli.duration import parse_duration
from ops.run.service import RunOptions
from ops.run.service import run as run_city
from runtime.lifecycle import Shutdown
from runtime.logs import configure_logs
from runtime.settings import LogSettings

DEFAULT_SPEED = 2_880.0  # a day in half a minute


def run(
    duration: Annotated[
        float | None,
        typer.Option("--for", parser=parse_duration, metavar="TIME", help="stop by itself, e.g. after 60s, and reckon"),
    ] = None,
    speed: Annotated[float, typer.Option(min=1.0, help="city seconds per second")] = DEFAULT_SPEED,
    seed: Annotated[int, typer.Option(help="another seed is another city life")] = 1,
    keep_stack: Annotated[bool, typer.Option("--keep-stack", help="leave the servers running")] = False,
) -> None:
    """Run a small city: servers, pipeline and feeder, with a live view. Ctrl-C stops everything.

    Every run begins with empty servers; the data of the last one is moved aside. With --for, the exit code is 0 only
    if nothing was lost or doubled and exactly the planted incidents were found.

    Examples: `eyes run`, `eyes run --for 60s`, `eyes run --for 5m --speed 600 --seed 7`.
    """
    configure_logs(LogSettings(level="warning"), "run")
    shutdown = Shutdown()
    shutdown.install()
    options = RunOptions(for_s=duration, speed=speed, seed=seed, keep_stack=keep_stack)
    if not run_city(options, Console(), shutdown):
        raise typer.Exit(1)
