"""``eyes archive``: stores the log in TimescaleDB."""

from typing import Annotated

import typer

from ops.cli.member import overridden, run_member
from runtime.settings import load_settings


def archive(
    instance: Annotated[
        str | None, typer.Option(help="stable name of this worker; each one that runs at a time needs its own")
    ] = None,
    metrics_port: Annotated[int | None, typer.Option(help="port of /metrics and /healthz; 0 takes a free one")] = None,
) -> None:
    """Store what the log says in the database, until SIGTERM or Ctrl-C.

    Rows and how far the log was read are stored together, so a repeated delivery changes nothing. Kafka or the
    database may be away for any length of time.

    Examples:
    - `eyes archive`
    - `eyes archive --instance 1 --metrics-port 19122`
    - `curl -s http://127.0.0.1:19121/healthz`
    """
    from processors.archive.service import run  # noqa: PLC0415 - its metrics belong to its process alone

    settings = overridden(load_settings(), "archive", instance=instance, metrics_port=metrics_port)
    chosen = settings.archive
    run_member(run, settings, job="archive", instance=chosen.instance, port=chosen.metrics_port)
