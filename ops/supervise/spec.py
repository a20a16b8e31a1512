"""What the supervisor is told about a process, and what it tells about it."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ops.supervise.policy import RestartPolicy


class NotReadyError(Exception):
    """A readiness check's ordinary answer while a process is still starting; ``str()`` says what is missing."""


class State(StrEnum):
    """Where a process is in its life."""

    STOPPED = "stopped"
    WAITING = "waiting"  # for those it comes after
    STARTING = "starting"
    RUNNING = "running"  # and ready
    BACKOFF = "backoff"  # ended by itself, will be started again shortly
    CRASH_LOOPING = "crash-looping"
    STOPPING = "stopping"


@dataclass(frozen=True)
class ProcessSpec:
    """One process to keep running.

    ``ready`` is called from another thread, again and again: while starting until it first returns, and then
    every ``health_interval_s``. It must bound its own time, and raises anything to say that the process is
    not well; that text is shown. Without it a process counts as ready once it runs.
    """

    name: str
    argv: tuple[str, ...]
    log_file: Path
    env: Mapping[str, str] = field(default_factory=dict)  # added to the supervisor's own
    cwd: Path | None = None
    wrapper: tuple[str, ...] = ()  # a command that changes identity and then runs the rest of its arguments
    after: tuple[str, ...] = ()  # names that must be running before this one starts; they also stop after it
    ready: Callable[[], object] | None = None
    ready_timeout_s: float = 60.0  # not ready for so long after its start: it is killed and started again
    health_interval_s: float = 5.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0  # then SIGKILL
    death_signal: signal.Signals = signal.SIGKILL  # what the kernel sends it when the supervisor dies
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    log_max_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True)
class ProcessStatus:
    """A snapshot of one process."""

    name: str
    state: State
    healthy: bool
    pid: int | None
    uptime_s: float | None
    restarts: int  # by the supervisor, after it ended by itself
    detail: str  # why it is not running or not well; empty when all is well
    log_file: Path
