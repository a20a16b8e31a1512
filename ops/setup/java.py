"""Finds the host's Java and Maven, or the private ones, and makes the trust store the private one needs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from ops.setup.console import Progress, SetupError
from ops.setup.layout import Layout, is_complete
from ops.setup.packages import JRE
from ops.setup.prefix import make_prefix
from ops.setup.tool import run

MINIMUM = 17
TRUST_STORE = "truststore.p12"
TRUST_PASSWORD = "changeit"  # noqa: S105 - Java wants one; the certificates in it are public
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
VERSION = re.compile(r'version "(?:1\.)?(?P<major>\d+)')


def host_java() -> Path | None:
    """The host's ``java``, of ``JAVA_HOME`` or ``PATH``, when it is new enough."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if found := shutil.which("java"):
        candidates.append(Path(found))
    return next((java for java in candidates if java.is_file() and java_major(java) >= MINIMUM), None)


def java_major(java: Path) -> int:
    """The major version of a ``java``; 0 when it does not run."""
    release = java.resolve().parent.parent / "release"
    if release.is_file() and (found := re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', release.read_text("utf-8"))):
        return int(found[1])
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = VERSION.search(answer.stderr)
    return int(match["major"]) if match else 0


def java(layout: Layout) -> Path:
    """The ``java`` that runs Kafka: the host's when it will do, else the private one.

    Raises:
        SetupError: There is neither.
    """
    if found := host_java():
        return found
    private = private_java_home(layout)
    if private is None or not is_complete(layout.jre):
        raise SetupError("there is no Java here: run `make setup`")
    return private / "bin" / "java"


def private_java_home(layout: Layout) -> Path | None:
    """The home of the Java in the private prefix, if it has been unpacked."""
    homes = sorted(path for path in layout.jre.glob("usr/lib/jvm/java-*") if not path.is_symlink())
    return next((home for home in homes if (home / "bin" / "java").is_file()), None)


def private_java_ready(layout: Layout) -> bool:
    """Whether the private Java is unpacked and, where the host has certificates, trusts what it trusts."""
    return is_complete(layout.jre) and ((layout.jre / TRUST_STORE).is_file() or not CERTIFICATES.is_file())


def has_maven(layout: Layout) -> bool:
    """Whether Maven is there, the host's or the private one."""
    return shutil.which("mvn") is not None or is_complete(layout.maven)


def maven(layout: Layout) -> tuple[list[str], dict[str, str]]:
    """How to call Maven: its program, and the variables that it needs.

    Raises:
        SetupError: There is no Java.
    """
    program = shutil.which("mvn") or str(layout.maven / "usr" / "share" / "maven" / "bin" / "mvn")
    if host_java():
        return [program], {}
    home = private_java_home(layout)
    if home is None:
        raise SetupError("there is no Java here: run `make setup`")
    store = layout.jre / TRUST_STORE
    trust = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword={TRUST_PASSWORD}"
    options = f"{os.environ.get('MAVEN_OPTS', '')} {trust if store.is_file() else ''}".strip()
    return [program], {"JAVA_HOME": str(home), "MAVEN_OPTS": options}


def make_java(layout: Layout, progress: Progress) -> None:
    """Put a Java runtime into a private prefix.

    Raises:
        SetupError: It could not be fetched.
    """
    make_prefix(layout, JRE, progress)
    make_trust_store(layout)


def make_trust_store(layout: Layout) -> None:
    """Give the private Java the host's certificates; without them only plain HTTP mirrors would work."""
    store = layout.jre / TRUST_STORE
    if not CERTIFICATES.is_file():
        return
    temporary = store.with_suffix(".tmp")
    run(
        [
            *(layout.jre / "usr" / "bin" / "openssl", "pkcs12", "-export", "-nokeys"),
            *("-jdktrust", "anyExtendedKeyUsage", "-in", CERTIFICATES),
            *("-out", temporary, "-passout", f"pass:{TRUST_PASSWORD}"),
        ],
        what="making Java's trust store",
        hint="Is /etc/ssl/certs/ca-certificates.crt sound? (apt install --reinstall ca-certificates)",
    )
    temporary.replace(store)
