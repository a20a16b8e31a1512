"""``eyes correlate``: the folds over findings."""

from ops.cli.member import AcceptGap, Instance, MetricsPort, Workers, overridden, run_member
from ops.cli.up import supervise
from ops.pipeline import correlators
from runtime.settings import load_settings, stack_dir


def correlate(
    instance: Instance = None,
    metrics_port: MetricsPort = None,
    workers: Workers = None,
    accept_gap: AcceptGap = False,
) -> None:
    """Find what findings of one district have in common, such as a gateway that is down, until SIGTERM or Ctrl-C.

    Reads city.case-inputs, so `eyes sequence` must run. What is found goes to city.anomalies like any other finding,
    and the findings that it explains say so (`causedBy`). A worker that was killed goes on as if nothing had happened.

    Examples:
    - `eyes correlate`
    - `eyes correlate --instance 1 --metrics-port 19142`
    - `eyes correlate --workers 3`
    - `curl -s http://127.0.0.1:19141/healthz`
    """
    from processors.correlators.service import run  # noqa: PLC0415 - its metrics belong to its process alone

    settings = overridden(
        load_settings(),
        "correlators",
        instance=instance,
        metrics_port=metrics_port,
        workers=workers,
        accept_gap=accept_gap or None,
    )
    chosen = settings.correlators
    if chosen.workers > 1:
        supervise(correlators(settings), settings, "correlate", stack_dir(settings.stack.dir) / "logs")
        return
    run_member(run, settings, job="correlators", instance=chosen.instance, port=chosen.metrics_port)
