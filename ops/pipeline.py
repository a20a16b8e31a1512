"""Our own processes as the supervisor runs them: ingest, workers and archive, each with its metrics port."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import urlopen

from ops.supervise import NotReadyError, ProcessSpec
from runtime.settings import Settings, WorkerSettings

HEALTH_TIMEOUT_S: Final = 2.0
NO_ANSWER: Final = (OSError, HTTPException)
"""What comes of asking a process that is not there, or ends in the middle of its answer."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the pipeline: the ``eyes`` command that it is, and where its metrics stand.

    ``role`` is the same for workers that share one work.
    """

    name: str
    role: str
    arguments: tuple[str, ...]
    host: str
    port: int

    @property
    def metrics_url(self) -> str:
        """What Prometheus scrapes."""
        return f"http://{self.host}:{self.port}/metrics"

    @property
    def health_url(self) -> str:
        """Answers 200 while the process makes progress."""
        return f"http://{self.host}:{self.port}/healthz"


def members(settings: Settings) -> tuple[Member, ...]:
    """The processes of a pipeline on one machine."""
    host = settings.metrics.local_host
    return (
        Member("ingest", "ingest", ("ingest",), host, settings.ingest.metrics_port),
        *workers(settings),
        *sequencers(settings),
        *correlators(settings),
        Member("archive", "archive", ("archive",), host, settings.archive.metrics_port),
    )


def member(settings: Settings, name: str) -> Member:
    """The process of this name."""
    return next(one for one in members(settings) if one.name == name)


def workers(settings: Settings) -> tuple[Member, ...]:
    """The workers of the detectors on this machine."""
    return _pool("processors", "process", settings.processors, settings.metrics.local_host)


def sequencers(settings: Settings) -> tuple[Member, ...]:
    """The workers of the sequencer on this machine."""
    return _pool("sequencer", "sequence", settings.sequencer, settings.metrics.local_host)


def correlators(settings: Settings) -> tuple[Member, ...]:
    """The workers of the folds over findings on this machine."""
    return _pool("correlators", "correlate", settings.correlators, settings.metrics.local_host)


def _pool(role: str, command: str, chosen: WorkerSettings, host: str) -> tuple[Member, ...]:
    """Workers that share one work: names and ports count up from those that are configured."""
    one = (command, "--workers", "1", *(("--accept-gap",) if chosen.accept_gap else ()))
    if chosen.workers == 1:
        return (Member(role, role, one, host, chosen.metrics_port),)
    return tuple(
        Member(
            f"{role}-{number}",
            role,
            (*one, "--instance", f"{chosen.instance}-{number}", "--metrics-port", str(chosen.metrics_port + number)),
            host,
            chosen.metrics_port + number,
        )
        for number in range(chosen.workers)
    )


def specs(found: Iterable[Member], logs: Path, env: Mapping[str, str]) -> list[ProcessSpec]:
    """What the supervisor is told about each member; ``env`` is added to its own environment."""
    return [
        ProcessSpec(
            name=member.name,
            argv=(sys.executable, "-m", "ops.cli.main", *member.arguments),
            log_file=logs / f"{member.name}.log",
            env=dict(env),
            ready=_health_check(member),
            stop_timeout_s=20.0,
        )
        for member in found
    ]


def is_ready(member: Member) -> bool:
    """Whether a process says that it does all of its work by now, where it makes that difference."""
    try:
        with urlopen(member.health_url, timeout=HEALTH_TIMEOUT_S) as answer:  # noqa: S310 - an http URL made by us
            report = json.load(answer)
    except (*NO_ANSWER, ValueError):
        return False
    return bool(report.get("ready", report["healthy"]))


def _health_check(member: Member) -> Callable[[], None]:
    def check() -> None:
        try:
            with urlopen(member.health_url, timeout=HEALTH_TIMEOUT_S):  # noqa: S310 - an http URL made by us
                return
        except HTTPError as unwell:
            raise NotReadyError(unwell.read().decode(errors="replace").strip()) from None
        except NO_ANSWER as silent:
            raise NotReadyError(f"no answer from {member.health_url}: {silent}") from None

    return check
