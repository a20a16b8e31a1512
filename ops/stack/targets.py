"""Tells the stack's Prometheus what to scrape."""

from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path

from ops.stack.files import write_private
from ops.stack.paths import StackPaths
from runtime.settings import Settings, stack_dir


def register(stack_dir: Path, *, job: str, instance: str, address: str) -> Path | None:
    """Have ``address`` (host:port) scraped as ``job`` from now on; later processes of a name replace it.

    Returns:
        The file to pass to :func:`unregister`, or ``None`` where there is no local stack.
    """
    folder = StackPaths(stack_dir).targets
    if not folder.is_dir():
        return None
    path = folder / f"{job}-{instance}.json"
    labels = {"job": job, "shard": instance}
    write_private(path, dumps([{"targets": [address], "labels": labels}]) + "\n")
    return path


def unregister(path: Path | None) -> None:
    """Stop scraping what :func:`register` named."""
    if path is not None:
        path.unlink(missing_ok=True)


@contextmanager
def scraped(settings: Settings, *, job: str, instance: str, port: int) -> Iterator[None]:
    """Have the local Prometheus, where there is one, scrape this process for as long as the block lasts.

    A process that is killed stays a target, so that its absence is seen. A free port (0) is known too late for this.
    """
    path = None
    if port:
        address = f"{settings.metrics.local_host}:{port}"
        path = register(stack_dir(settings.stack.dir), job=job, instance=instance, address=address)
    try:
        yield
    finally:
        unregister(path)
