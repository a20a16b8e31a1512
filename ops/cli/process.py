"""``eyes process``: the detectors."""

from typing import Annotated

import typer

from ops.cli.member import overridden, run_member
from ops.cli.up import supervise
from ops.pipeline import workers as workers_of
from runtime.settings import load_settings, stack_dir


def process(
    instance: Annotated[
        str | None,
        typer.Option(help="stable name of this worker; two processes must never share one", show_default=False),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="port of /metrics and /healthz; 0 takes a free one", show_default=False)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="run so many and restart what ends; names and ports count up", show_default=False
        ),
    ] = None,
    accept_gap: Annotated[
        bool, typer.Option("--accept-gap", help="where the log lost what comes next, go on with what it holds")
    ] = False,
) -> None:
    """Turn what stands in city.events into findings in city.anomalies, until SIGTERM or Ctrl-C.

    Findings and how far the input was read become visible together. A worker that was killed is started again under
    the same instance name and goes on as if nothing had happened; more workers share the partitions.

    Examples:
    - `eyes process`
    - `eyes process --instance 1 --metrics-port 19112`
    - `eyes process --workers 3 --instance east` on one machine, `--instance west` on another
    - `curl -s http://127.0.0.1:19111/healthz`
    """
    from processors.service import run  # noqa: PLC0415 - its metrics belong to its process alone

    settings = overridden(
        load_settings(),
        "processors",
        instance=instance,
        metrics_port=metrics_port,
        workers=workers,
        accept_gap=accept_gap or None,
    )
    chosen = settings.processors
    if chosen.workers > 1:
        supervise(workers_of(settings), settings, "process", stack_dir(settings.stack.dir) / "logs")
        return
    run_member(run, settings, job="processors", instance=chosen.instance, port=chosen.metrics_port)
