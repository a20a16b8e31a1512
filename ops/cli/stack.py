"""``eyes stack``: the local servers."""

import json
import signal
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.stack.errors import StackError
from ops.stack.local import LocalStack
from ops.stack.logs import follow, tail
from ops.stack.status import StackStatus
from runtime.settings import load_settings, stack_dir

app = typer.Typer(help="The local stack: Kafka, PostgreSQL + TimescaleDB, Mosquitto, Prometheus.", no_args_is_help=True)
# Nobody reads a folded table in a log file.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

ServerName = Annotated[str, typer.Argument(metavar="NAME", help="kafka, postgres, mosquitto or prometheus")]
STATE_COLOURS = {"running": "green", "stopped": "dim", "crash-looping": "red", "backoff": "red"}


def open_stack() -> LocalStack:
    """The stack that the settings name."""
    settings = load_settings().stack
    return LocalStack(settings, stack_dir(settings.dir))


@app.command()
def up() -> None:
    """Start the servers and wait until all are well. Example: `eyes stack up`."""
    stack = open_stack()
    if stack.is_running():
        console.print("[dim]the stack is running already[/dim]")
    with _explained():
        status = stack.up(on_progress=lambda line: console.print(f"[dim]  {line}[/dim]"))
    _print(status)


@app.command()
def down() -> None:
    """Stop the servers in order. Example: `eyes stack down`."""
    stack = open_stack()
    with _explained():
        names = ", ".join(server.name for server in stack.status().servers if server.pid)
        stopped = stack.down()
    console.print(f"stopped {names or 'the daemon'}" if stopped else "the stack was not running")


@app.command()
def status(*, as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False) -> None:
    """Show every server; exit status 0 only when all are well. Example: `eyes stack status --json | jq .healthy`."""
    with _explained():
        found = open_stack().status()
    if as_json:
        values = {"daemon": found.daemon, "healthy": found.healthy, "servers": [one.to_json() for one in found.servers]}
        typer.echo(json.dumps(values, indent=2))
    else:
        _print(found)
    raise typer.Exit(0 if found.healthy else 1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="a server, or `daemon`; all by default")] = "",
    *,
    follow_on: Annotated[bool, typer.Option("-f", "--follow", help="go on until Ctrl-C; needs NAME")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, help="how many of the last lines")] = 20,
) -> None:
    """Show the servers' logs. Examples: `eyes stack logs`, `eyes stack logs kafka -n 100 -f`."""
    stack = open_stack()
    known = ("daemon", *stack.settings.servers)
    if (name and name not in known) or (follow_on and not name):
        console.print(f"[red]name one of {', '.join(known)}[/red]")
        raise typer.Exit(2)
    for one in [name] if name else known:
        if not name:
            console.print(f"[bold]{one}[/bold]  [dim]{stack.paths.log(one)}[/dim]")
        typer.echo(tail(stack.paths.log(one), lines))
    if follow_on:
        try:
            for text in follow(stack.paths.log(name)):
                typer.echo(text, nl=False)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


@app.command()
def wipe(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False) -> None:
    """Delete the stack's data and passwords; it must be down. Example: `eyes stack wipe --yes`."""
    stack = open_stack()
    if not stack.paths.root.exists():
        console.print("there is nothing to wipe")
        return
    with _explained():
        if stack.is_running():
            raise StackError("the stack is running: eyes stack down")
        if not yes:
            typer.confirm(f"Delete everything in {stack.paths.root}?", abort=True)
        stack.wipe()
    console.print(f"deleted {stack.paths.root}")


@app.command()
def start(name: ServerName) -> None:
    """Start one server and wait until it is well. Example: `eyes stack start postgres`."""
    with _explained():
        open_stack().start(name)
    console.print(f"{name} is running")


@app.command()
def stop(name: ServerName) -> None:
    """Stop one server and leave it stopped. Example: `eyes stack stop postgres`."""
    with _explained():
        open_stack().stop(name)
    console.print(f"{name} is stopped")


@app.command()
def restart(name: ServerName) -> None:
    """Stop one server and start it again. Example: `eyes stack restart mosquitto`."""
    with _explained():
        open_stack().restart(name)
    console.print(f"{name} is running")


@app.command()
def kill(
    name: ServerName,
    number: Annotated[str, typer.Option("--signal", "-s", help="e.g. STOP, CONT, TERM")] = "KILL",
) -> None:
    """Kill one server as an accident would; it starts again by itself. Example: `eyes stack kill kafka -s STOP`."""
    try:
        chosen = signal.Signals[f"SIG{number.upper().removeprefix('SIG')}"]
    except KeyError:
        console.print(f"[red]there is no signal {number}[/red]")
        raise typer.Exit(2) from None
    with _explained():
        pid = open_stack().kill(name, chosen)
    console.print(f"sent {chosen.name} to {name} (process {pid})")


class _explained:  # noqa: N801 - reads as a statement
    """Turn an error that says what to do into a message and exit status 1."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        """Explain and exit."""
        if isinstance(error, StackError | ConnectionError):
            console.print(str(error), style="red", markup=False, soft_wrap=True)
            raise typer.Exit(1) from None


def _print(found: StackStatus) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("server", "version", "state", "pid", "port", "up", "health", "log"):
        table.add_column(column, overflow="fold")
    for server in found.servers:
        colour = STATE_COLOURS.get(server.state, "yellow")
        health = "well" if server.healthy else escape(server.detail or "-")
        table.add_row(
            server.name,
            server.version,
            f"[{colour}]{server.state}[/{colour}]" + (f" (restarted {server.restarts}x)" if server.restarts else ""),
            str(server.pid or "-"),
            str(server.port),
            "-" if server.uptime_s is None else _duration(server.uptime_s),
            f"[green]{health}[/green]" if server.healthy else health,
            str(server.log),
        )
    console.print(table)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
