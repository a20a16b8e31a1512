"""Where set-up puts things, and the keys that say whether they are current.

The stack reads its programs from here too, so a checkout always runs exactly what its own set-up made:
every directory name ends with a hash of what went into it, and two checkouts never overwrite each other.
"""

import hashlib
import os
import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ops.setup.console import SetupError
from ops.setup.packages import JRE, MAVEN, SERVERS, PackageSet

CHECKOUT = Path(__file__).resolve().parents[2]
STAMP = ".complete"


@dataclass(frozen=True)
class Architecture:
    """What differs between processors: Debian's name and where the C library keeps its loader."""

    debian: str
    libraries: str
    loader: str


ARCHITECTURES = {
    "x86_64": Architecture("amd64", "usr/lib/x86_64-linux-gnu", "usr/lib64/ld-linux-x86-64.so.2"),
    "aarch64": Architecture("arm64", "usr/lib/aarch64-linux-gnu", "usr/lib/ld-linux-aarch64.so.1"),
}


def architecture(machine: str = "") -> Architecture:
    """This machine's architecture.

    Raises:
        SetupError: It is none of those the servers were tried on.
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise SetupError(
            f"this machine is a {machine}; the local stack supports {known}. `make check` works without it; "
            "to run the pipeline, point eyes.toml at servers elsewhere."
        )
    return ARCHITECTURES[machine]


def content_key(*parts: str) -> str:
    """A short hash of everything a step's result depends on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def cache_dir() -> Path:
    """Set-up's own directory: ``$XDG_CACHE_HOME/digital-eyes``, by default under ``~/.cache``."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return base / "digital-eyes"


@dataclass(frozen=True)
class Layout:
    """The directories of one checkout's tools."""

    cache: Path
    checkout: Path = CHECKOUT

    @cached_property
    def architecture(self) -> Architecture:
        """This machine's architecture."""
        return architecture()

    @property
    def venv(self) -> Path:
        """The virtual environment, in the checkout."""
        return self.checkout / ".venv"

    @property
    def lock_file(self) -> Path:
        """The pinned requirements of the virtual environment."""
        return self.checkout / "requirements.lock"

    @property
    def kafka_pom(self) -> Path:
        """The Maven project that names Kafka and its companions."""
        return self.checkout / "ops" / "setup" / "kafka-pom.xml"

    @property
    def servers(self) -> Path:
        """PostgreSQL, TimescaleDB, Mosquitto and Prometheus."""
        return self.prefix(SERVERS)

    @property
    def jre(self) -> Path:
        """A Java runtime, for hosts without one."""
        return self.prefix(JRE)

    @property
    def maven(self) -> Path:
        """Maven, for hosts without one."""
        return self.prefix(MAVEN)

    @property
    def kafka(self) -> Path:
        """Kafka's jars."""
        return self.cache / f"kafka-{content_key(self.kafka_pom.read_text(encoding='utf-8'))}"

    def prefix(self, packages: PackageSet) -> Path:
        """The directory that a set of Debian packages is unpacked into."""
        return self.cache / f"{packages.name}-{content_key(packages.identity, self.architecture.debian)}"


def layout() -> Layout:
    """The layout of this checkout for this user."""
    return Layout(cache_dir())


def is_complete(directory: Path) -> bool:
    """Whether a step finished this directory."""
    return (directory / STAMP).is_file()


def mark_complete(directory: Path, note: str = "") -> None:
    """Say that a step finished this directory."""
    (directory / STAMP).write_text(note + "\n", encoding="utf-8")
