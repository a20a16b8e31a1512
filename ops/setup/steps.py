"""The steps of set-up, in order, each with what it costs and how to see that it is done.

To add one, append a :class:`Step`: ``is_done`` must be cheap and true only after a complete run, and ``run`` must
succeed after having been killed at any point.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.setup import java
from ops.setup.compiled import compile_modules, is_compiled
from ops.setup.console import Progress
from ops.setup.kafka import fetch_kafka
from ops.setup.layout import Layout, is_complete
from ops.setup.packages import JRE, MAVEN, SERVERS
from ops.setup.prefix import make_prefix
from ops.setup.tool import run
from ops.setup.venv import make_venv, venv_is_current
from ops.simulate.kept import water_file

DEMO_HINT = "The networks come with the package wntr; `make clean-all` and another `make setup` install it anew."
MEGABYTES_PER_SECOND = 4.0  # a modest line; the estimate is an upper one on a good line


@dataclass(frozen=True)
class Step:
    """One thing that set-up makes."""

    name: str
    download_mb: int
    disk_mb: int
    work_s: int  # beside the download, on a small machine
    is_done: Callable[[Layout], bool]
    run: Callable[[Layout, Progress], None]
    in_checkout: bool = False  # else in the cache


def make_demo(layout: Layout, _progress: Progress) -> None:
    """Simulate the demonstration's water days with EPANET.

    Raises:
        SetupError: the simulation failed.
    """
    run(
        [layout.venv / "bin" / "python", "-m", "ops.simulate.prepare"],
        what="simulating the demonstration's water network",
        hint=DEMO_HINT,
    )


VENV = Step(
    name="Python packages (.venv)",
    download_mb=190,
    disk_mb=720,
    work_s=30,
    is_done=venv_is_current,
    run=make_venv,
    in_checkout=True,
)
COMPILED = Step(
    name="compiled modules",
    download_mb=0,
    disk_mb=1,
    work_s=20,
    is_done=is_compiled,
    run=compile_modules,
    in_checkout=True,
)
SERVER_PROGRAMS = Step(
    name="PostgreSQL, TimescaleDB, Mosquitto, Prometheus",
    download_mb=SERVERS.download_mb,
    disk_mb=SERVERS.disk_mb,
    work_s=12,
    is_done=lambda layout: is_complete(layout.servers),
    run=lambda layout, progress: make_prefix(layout, SERVERS, progress),
)
JAVA = Step(
    name="Java 21",
    download_mb=JRE.download_mb,
    disk_mb=JRE.disk_mb,
    work_s=10,
    is_done=lambda layout: java.host_java() is not None or java.private_java_ready(layout),
    run=java.make_java,
)
MAVEN_PROGRAM = Step(
    name="Maven",
    download_mb=MAVEN.download_mb,
    disk_mb=MAVEN.disk_mb,
    work_s=5,
    # Maven is only a means: where the jars are there, it is not missed.
    is_done=lambda layout: is_complete(layout.kafka) or java.has_maven(layout),
    run=lambda layout, progress: make_prefix(layout, MAVEN, progress),
)
KAFKA = Step(
    name="Kafka",
    download_mb=60,
    disk_mb=50,
    work_s=10,
    is_done=lambda layout: is_complete(layout.kafka),
    run=fetch_kafka,
)
DEMO = Step(
    name="demonstration data (six days of a water network, EPANET)",
    download_mb=0,
    disk_mb=1,
    work_s=15,
    is_done=lambda layout: water_file(layout.cache).is_file(),
    run=make_demo,
)

CHECK_STEPS: Sequence[Step] = (VENV, COMPILED)
ALL_STEPS: Sequence[Step] = (VENV, COMPILED, SERVER_PROGRAMS, JAVA, MAVEN_PROGRAM, KAFKA, DEMO)


@dataclass(frozen=True)
class Estimate:
    """What the missing steps cost."""

    download_mb: int
    disk_mb: int
    minutes: int


def estimate(steps: Sequence[Step]) -> Estimate:
    """Add up what ``steps`` cost on a modest line and machine."""
    download = sum(step.download_mb for step in steps)
    seconds = download / MEGABYTES_PER_SECOND + sum(step.work_s for step in steps)
    return Estimate(download, sum(step.disk_mb for step in steps), max(1, math.ceil(seconds / 60)))
