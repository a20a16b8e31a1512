"""``eyes run``: the stack, the city on it, the live view; then stop, drain, reckon."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.live import Live

from ops.accounting import print_reckoning
from ops.pipeline import members
from ops.run.city import City
from ops.run.observer import Observer
from ops.run.snapshot import Snapshot
from ops.run.view import page, sentence
from ops.stack.local import LocalStack
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.settings import Settings, stack_dir
from schemas.anomaly import Transition

REFRESH_S: Final = 0.5
PLAIN_REFRESH_S: Final = 5.0
FEED_STEP_S: Final = 60.0
OURS: Final = "made-by-eyes-run"  # in the stack's folder: the next run may move it aside


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the user asked for; ``for_s`` None runs until Ctrl-C."""

    for_s: float | None
    speed: float
    seed: int
    keep_stack: bool


def run(options: RunOptions, console: Console, shutdown: Shutdown) -> bool:
    """Do the main job; returns whether the reckoning was good (True where none was asked for).

    Raises:
        FatalError: something could not be started; the message says what to do.
        StackError: the same for a server.
    """
    env = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": str(FEED_STEP_S)}
    os.environ.update(env)
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    with _fresh_stack(say, shutdown, keep=options.keep_stack) as root:
        settings = Settings()  # only now: the stack wrote down addresses and secrets
        city = City(settings, env, root / "run", _feed_arguments(options))
        try:
            city.prepare(say)
            city.start(say, cancelled=lambda: shutdown.requested)
            console.print(f"running after {time.monotonic() - began:.1f} s", style="green")
            _watch(city, options, console, shutdown)
            console.print("stopping the feed and draining ...", style="dim")
            reckoning = city.reckon()
            print_reckoning(console, reckoning)
            return reckoning.good or options.for_s is None
        finally:
            city.stop()


def _feed_arguments(options: RunOptions) -> tuple[str, ...]:
    return ("demo", "--speed", str(options.speed), "--seed", str(options.seed))


@contextmanager
def _fresh_stack(say: Callable[[str], None], shutdown: Shutdown, *, keep: bool) -> Iterator[Path]:
    """A stack that holds nothing yet; stopped in the end, its data left for a look until the next run."""
    settings = Settings()
    stack = LocalStack(settings.stack, stack_dir(settings.stack.dir))
    if stack.is_running():
        raise FatalError(
            "a stack is already running here, and `eyes run` begins with an empty one: stop it with `eyes stack down`, "
            "or feed it as it is with `eyes up` and `eyes feed demo`"
        )
    _clear(stack, say)
    # Tied: if we are killed, the servers go down with us.
    stack.up(say, tied=not keep, cancelled=lambda: shutdown.requested)
    (stack.paths.root / OURS).touch()
    try:
        yield stack.paths.root
    finally:
        if keep:
            say("the stack keeps running; `eyes stack down` stops it")
        else:
            stack.down()


def _clear(stack: LocalStack, say: Callable[[str], None]) -> None:
    """Move the last run's data aside, and nobody else's."""
    if stack.paths.data.exists() and not (stack.paths.root / OURS).exists():
        raise FatalError(
            f"{stack.paths.root} holds data that no `eyes run` made, and a run begins with an empty stack. Run "
            "elsewhere (EYES_STACK__DIR=var/demo), move that folder, or delete it with `eyes stack wipe`"
        )
    if (aside := stack.archive_data()) is not None:
        say(f"the last run's data is now in {aside}")


def _watch(city: City, options: RunOptions, console: Console, shutdown: Shutdown) -> None:
    """Show the city until the time is over, the feed has ended, or Ctrl-C."""
    observer = Observer(city.settings, _urls(city.settings))
    observer.start()
    until = None if options.for_s is None else time.monotonic() + options.for_s

    def over() -> bool:
        return shutdown.requested or city.feeder.ended or (until is not None and time.monotonic() >= until)

    def look() -> Snapshot:
        states = {status.name: str(status.state) for status in city.supervisor.status()}
        return observer.snapshot(states, _feeding(options, city.feeder.status))

    try:
        if console.is_terminal:
            _watch_live(console, shutdown, over, look)
        else:
            _watch_plain(console, shutdown, over, look)
    finally:
        observer.stop()
    if city.feeder.ended:
        console.print(f"the feeder ended; its log is {city.feeder.log_file}", style="yellow")


def _watch_live(console: Console, shutdown: Shutdown, over: Callable[[], bool], look: Callable[[], Snapshot]) -> None:
    with Live(console=console, auto_refresh=False, screen=False) as live:
        while not over():
            live.update(page(look()), refresh=True)
            shutdown.wait(REFRESH_S)
        live.update(page(look()), refresh=True)


def _watch_plain(console: Console, shutdown: Shutdown, over: Callable[[], bool], look: Callable[[], Snapshot]) -> None:
    """Without a terminal: a line of numbers now and then, and every finding once."""
    told: set[tuple[UUID, Transition]] = set()
    next_line = 0.0
    while not over():
        snapshot = look()
        for seen in snapshot.newest:
            step = (seen.finding.id, seen.finding.transition)
            if step not in told:
                told.add(step)
                console.print(f"{seen.finding.at:%m-%d %H:%M}  {sentence(seen, snapshot.at)}", highlight=False)
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + PLAIN_REFRESH_S
            console.print(
                f"{snapshot.messages:,.0f} messages, {snapshot.readings_per_s:,.0f} readings/s, "
                f"{snapshot.rows:,.0f} rows, lag {sum(snapshot.lag.values()):,.0f}",
                style="dim",
                highlight=False,
            )
        shutdown.wait(REFRESH_S)


def _feeding(options: RunOptions, status: Mapping[str, object]) -> str:
    sent = status.get("sent", 0)
    return f"{options.speed:,.0f}x faster than the wall, {sent:,} sent"


def _urls(settings: Settings) -> dict[str, str]:
    stack = settings.stack
    return {
        "Prometheus": f"http://{stack.host}:{stack.prometheus_port}/graph",
        "PostgreSQL": f"{settings.database.dsn} (`eyes db psql`)",
        **{member.name: member.metrics_url for member in members(settings)},
    }
