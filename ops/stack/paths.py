"""The files of one stack."""

from dataclasses import dataclass
from pathlib import Path

from runtime.settings import STACK_CLIENT_FILE


@dataclass(frozen=True)
class StackPaths:
    """Names below a stack's directory.

    ``data`` is what the servers keep, ``conf`` is written anew at every start, ``run`` is of use only while
    the stack runs.
    """

    root: Path

    @property
    def data(self) -> Path:
        """What the servers keep."""
        return self.root / "data"

    @property
    def conf(self) -> Path:
        """The servers' configuration files."""
        return self.root / "conf"

    @property
    def run(self) -> Path:
        """The control socket, and what says which processes are whose."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """A log per server, and the daemon's."""
        return self.root / "logs"

    @property
    def targets(self) -> Path:
        """Where processes that expose metrics register (Prometheus ``file_sd``)."""
        return self.root / "targets"

    @property
    def lock(self) -> Path:
        """Locked by the daemon for as long as it lives."""
        return self.root / "lock"

    @property
    def secrets(self) -> Path:
        """The passwords made for this stack."""
        return self.root / "secrets.json"

    @property
    def client(self) -> Path:
        """What our own processes read to reach the servers."""
        return self.root / STACK_CLIENT_FILE

    @property
    def previous(self) -> Path:
        """Where the data of the stack before this one is kept."""
        return self.root.with_name(f"{self.root.name}.previous")

    def log(self, name: str) -> Path:
        """The log of a server, or of the ``daemon``."""
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Create the directories; what is in them is for this user alone.

        Some may be passed through, not listed: where root runs PostgreSQL as another user, its files are below.
        """
        for folder in (self.root, self.data, self.conf):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o711)
        for folder in (self.run, self.logs, self.targets):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
