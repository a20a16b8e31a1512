"""``eyes up``: our own processes under one supervisor."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops.pipeline import members, specs
from ops.supervise import Supervisor
from runtime.logs import configure_logs
from runtime.settings import load_settings, stack_dir

console = Console()


def up(
    logs: Annotated[Path | None, typer.Option(help="folder of the log files; default: logs of the stack")] = None,
) -> None:
    """Run ingest, processors and archive, restart what ends by itself, stop all on Ctrl-C or SIGTERM.

    The servers must run (`eyes stack up`, or your own in eyes.toml), and tables and topics must exist
    (`eyes db migrate`, `eyes topics create`). On a server use the units in ops/systemd instead.

    Example: `eyes up --logs /var/log/eyes`.
    """
    settings = load_settings()
    configure_logs(settings.log, "up")
    folder = logs or stack_dir(settings.stack.dir) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(specs(settings, folder, {}))

    def say() -> None:
        for member in members(settings):
            console.print(f"{member.name:<12} {member.metrics_url}  log {folder / member.name}.log", highlight=False)

    supervisor.run_forever(on_started=say)
