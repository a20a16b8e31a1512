"""What ``eyes stack status`` tells about each server."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class ServerStatus:
    """One server; ``state`` is one of :class:`ops.supervise.State`."""

    name: str
    version: str
    state: str
    healthy: bool
    pid: int | None
    port: int
    uptime_s: float | None
    restarts: int
    detail: str
    log: Path

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "log": str(self.log)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**{**values, "log": Path(values["log"])})


@dataclass(frozen=True)
class StackStatus:
    """The whole stack; ``daemon`` is ``None`` when it is down."""

    daemon: int | None
    servers: tuple[ServerStatus, ...]

    @property
    def healthy(self) -> bool:
        """Whether it runs with every server well."""
        return self.daemon is not None and all(server.healthy for server in self.servers)
