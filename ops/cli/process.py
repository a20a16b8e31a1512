"""``eyes process``: the detectors."""

from ops.cli.member import AcceptGap, Instance, MetricsPort, Workers, overridden, run_member
from ops.cli.up import supervise
from ops.pipeline import workers as workers_of
from runtime.settings import load_settings, stack_dir


def process(
    instance: Instance = None,
    metrics_port: MetricsPort = None,
    workers: Workers = None,
    accept_gap: AcceptGap = False,
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
