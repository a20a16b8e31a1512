"""What the three processes of the pipeline have in common as commands."""

import errno
from collections.abc import Callable
from typing import Annotated, Any, Final

import structlog
import typer

from ops.stack.targets import scraped
from runtime.errors import FatalError, FencedError
from runtime.lifecycle import Shutdown
from runtime.logs import configure_logs
from runtime.settings import Settings

Instance = Annotated[
    str | None, typer.Option(help="stable name of this worker; two processes must never share one", show_default=False)
]
MetricsPort = Annotated[
    int | None, typer.Option(help="port of /metrics and /healthz; 0 takes a free one", show_default=False)
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="run so many and restart what ends; names and ports count up", show_default=False),
]
AcceptGap = Annotated[
    bool, typer.Option("--accept-gap", help="where the log lost what comes next, go on with what it holds")
]

EXIT_FENCED: Final = 75  # EX_TEMPFAIL of sysexits.h: a supervisor may start us again

log: Final = structlog.get_logger()


def overridden(settings: Settings, section: str, **options: Any) -> Settings:
    """The settings with the options that were given in place of the section's own."""
    given = {name: value for name, value in options.items() if value is not None}
    changed = getattr(settings, section).model_copy(update=given)
    return settings.model_copy(update={section: changed})


def run_member(
    run: Callable[[Settings, Shutdown], None], settings: Settings, *, job: str, instance: str, port: int
) -> None:
    """Run a process of the pipeline until SIGTERM, Ctrl-C or a closed terminal.

    Args:
        run: The process.
        settings: What it is told.
        job: Its name among Prometheus' targets.
        instance: Which one of its kind it is.
        port: Its metrics port; 0 takes a free one.

    Raises:
        FatalError: a person must act; the message says how.
        typer.Exit: with :data:`EXIT_FENCED`, when another process has taken its place.
    """
    configure_logs(settings.log, f"{job}-{instance}")
    shutdown = Shutdown()
    shutdown.install()
    try:
        with scraped(settings, job=job, instance=instance, port=port):
            run(settings, shutdown)
    except FencedError as error:
        log.error("fenced", error=str(error))  # noqa: TRY400 - expected, and no place of ours to look at
        raise typer.Exit(EXIT_FENCED) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise FatalError(f"metrics port {port} is taken: choose another with --metrics-port or in eyes.toml") from error
