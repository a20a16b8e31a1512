"""``eyes sequence``: the one ordered input of cases."""

from ops.cli.member import AcceptGap, Instance, MetricsPort, Workers, overridden, run_member
from ops.cli.up import supervise
from ops.pipeline import sequencers
from runtime.settings import load_settings, stack_dir


def sequence(
    instance: Instance = None,
    metrics_port: MetricsPort = None,
    workers: Workers = None,
    accept_gap: AcceptGap = False,
) -> None:
    """Copy findings and the time into city.case-inputs, by district and in one order, until SIGTERM or Ctrl-C.

    Copies and how far the input was read become visible together. The order in which they stand there is the order in
    which things happened, for cases and for every replay. A worker that was killed goes on where it was; more workers
    share the partitions.

    Examples:
    - `eyes sequence`
    - `eyes sequence --instance 1 --metrics-port 19132`
    - `eyes sequence --workers 3`
    - `eyes tail case-inputs` shows what was copied
    - `curl -s http://127.0.0.1:19131/healthz`
    """
    from processors.sequencer.service import run  # noqa: PLC0415 - its metrics belong to its process alone

    settings = overridden(
        load_settings(),
        "sequencer",
        instance=instance,
        metrics_port=metrics_port,
        workers=workers,
        accept_gap=accept_gap or None,
    )
    chosen = settings.sequencer
    if chosen.workers > 1:
        supervise(sequencers(settings), settings, "sequence", stack_dir(settings.stack.dir) / "logs")
        return
    run_member(run, settings, job="sequencer", instance=chosen.instance, port=chosen.metrics_port)
