"""``eyes up``: our own processes under one supervisor."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops.pipeline import Member, members, specs
from ops.supervise import Supervisor
from runtime.logs import configure_logs
from runtime.settings import Settings, load_settings, stack_dir

console = Console()


def up(
    logs: Annotated[Path | None, typer.Option(help="folder of the log files; default: logs of the stack")] = None,
) -> None:
    """Run all processes of ours and restart what ends by itself; stop all on Ctrl-C or SIGTERM.

    These are ingest, processors, sequencer, correlators and archive.

    The servers must run (`eyes stack up`, or your own in eyes.toml), and tables and topics must exist
    (`eyes db migrate`, `eyes topics create`). On a server use the units in ops/systemd instead.

    Example: `eyes up --logs /var/log/eyes`.
    """
    settings = load_settings()
    supervise(members(settings), settings, "up", logs or stack_dir(settings.stack.dir) / "logs")


def supervise(found: Sequence[Member], settings: Settings, name: str, logs: Path) -> None:
    """Keep these processes running until Ctrl-C or SIGTERM."""
    configure_logs(settings.log, name)
    logs.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(specs(found, logs, {}))

    def say() -> None:
        for member in found:
            console.print(f"{member.name:<12} {member.metrics_url}  log {logs / member.name}.log", highlight=False)

    supervisor.run_forever(on_started=say)
