"""What every server of the stack has in common."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ops.setup.layout import Layout
from ops.stack.errors import StackError
from ops.stack.paths import StackPaths
from ops.stack.secrets import StackSecrets
from ops.supervise import ProcessSpec
from runtime.settings import StackSettings

PREPARE_TIMEOUT_S = 120
TAIL_CHARS = 2_000


@dataclass(frozen=True)
class Context:
    """What a server is built from."""

    settings: StackSettings
    paths: StackPaths
    secrets: StackSecrets
    layout: Layout


class Server(ABC):
    """One server: :meth:`prepare` once before the start, then :meth:`spec` is supervised."""

    name: ClassVar[str]
    after: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings = context.settings
        self.paths = context.paths

    @property
    def data(self) -> Path:
        """Where it keeps what must survive."""
        return self.paths.data / self.name

    @abstractmethod
    def ports(self) -> tuple[int, ...]:
        """The ports it listens on, the main one first."""

    @abstractmethod
    def version(self) -> str:
        """Its version, as cheaply as possible."""

    @abstractmethod
    def prepare(self) -> None:
        """Write its configuration and, the first time, make its data directory.

        Raises:
            StackError: That failed.
        """

    @abstractmethod
    def spec(self) -> ProcessSpec:
        """How to run and check it."""


def run_tool(command: Sequence[str | Path], *, what: str, env: Mapping[str, str] | None = None) -> str:
    """Run a server's own tool while preparing, and return what it printed.

    Raises:
        StackError: It failed; the message ends with what it said.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PREPARE_TIMEOUT_S,
            env=env,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"{what}: {error}. Run `make setup` and try again.") from error
    if done.returncode != 0:
        raise StackError(f"{what} failed:\n{(done.stdout + done.stderr)[-TAIL_CHARS:].strip()}")
    return done.stdout


def installed_version(layout: Layout, package: str) -> str:
    """The upstream version of a Debian package in the servers' prefix, from set-up's record; ``?`` without one."""
    try:
        record = (layout.servers / ".complete").read_text(encoding="utf-8")
    except OSError:
        return "?"
    for line in record.splitlines():
        name, _, rest = line.partition("_")
        if name == package:
            return rest.split("_")[0].replace("%3a", ":").split(":")[-1].split("-")[0].split("+")[0]
    return "?"
