"""``eyes process``: runs the detectors."""

from typing import Annotated, Final

import structlog
import typer

from runtime.errors import FencedError
from runtime.lifecycle import Shutdown
from runtime.logs import configure_logs
from runtime.settings import load_settings

EXIT_FENCED: Final = 75  # EX_TEMPFAIL of sysexits.h: a supervisor may start us again

log: Final = structlog.get_logger()


def process(
    instance: Annotated[
        str | None, typer.Option(help="stable name of this worker; each one that runs at a time needs its own")
    ] = None,
    metrics_port: Annotated[int | None, typer.Option(help="port of /metrics and /healthz; 0 takes a free one")] = None,
) -> None:
    """Find anomalies in the log, until asked to end. Example: `eyes process --instance 1 --metrics-port 19112`."""
    from processors.service import run  # noqa: PLC0415 - other commands need no detectors

    settings = load_settings()
    asked = {"instance": instance, "metrics_port": metrics_port}
    given = {name: value for name, value in asked.items() if value is not None}
    settings = settings.model_copy(update={"processors": settings.processors.model_copy(update=given)})
    configure_logs(settings.log, "processors")
    shutdown = Shutdown()
    shutdown.install()
    try:
        run(settings, shutdown)
    except FencedError as error:
        log.error("process.fenced", error=str(error))  # noqa: TRY400 - expected, and no place of ours to look at
        raise typer.Exit(EXIT_FENCED) from error
