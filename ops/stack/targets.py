"""Tells the stack's Prometheus what to scrape."""

from json import dumps
from pathlib import Path

from ops.stack.files import write_private
from ops.stack.paths import StackPaths


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
