"""Finds the Debian mirror that the host itself uses; no address of a mirror is written down anywhere here."""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ops.setup.console import SetupError

OVERRIDE = "EYES_DEBIAN_MIRROR"
APT_ETC = Path("/etc/apt")
KEYRINGS = tuple(Path("/usr/share/keyrings") / f"debian-archive-keyring.{end}" for end in ("gpg", "pgp"))
RELEASES = ("bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable")
ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")


def find_mirror() -> str:
    """The address of the Debian archive, as the host's apt knows it.

    Raises:
        SetupError: The host's apt knows no Debian archive.
    """
    if named := os.environ.get(OVERRIDE):
        return named
    mirror = _from_apt() or mirror_in(_source_files())
    if mirror is None:
        raise SetupError(
            "found no Debian archive in the host's apt configuration (/etc/apt/sources.list*). The servers come "
            f"from Debian packages; name a mirror with {OVERRIDE}=URI, or point eyes.toml at servers elsewhere."
        )
    return mirror


def find_keyring() -> Path:
    """The keys that Debian signs its releases with.

    Raises:
        SetupError: The keyring is missing.
    """
    for keyring in KEYRINGS:
        if keyring.is_file():
            return keyring
    raise SetupError("Debian's archive keys are missing: apt install debian-archive-keyring")


def mirror_in_targets(lines: Iterable[str]) -> str | None:
    """The archive in ``apt-get indextargets`` output of the form ``origin|label|codename|uri``."""
    for line in lines:
        origin, label, codename, uri = (line.split("|") + [""] * 4)[:4]
        if origin == "Debian" and label == "Debian" and "-" not in codename and uri:
            return uri
    return None


def mirror_in(files: Iterable[tuple[str, str]]) -> str | None:
    """The archive in sources files given as (name, text): ``.list`` is one-line style, ``.sources`` deb822."""
    for name, text in files:
        entries = _deb822(text) if name.endswith(".sources") else _one_line(text)
        for uri, suite, components in entries:
            if suite.strip("/") in RELEASES and "main" in components and "security" not in uri:
                return uri
    return None


def _one_line(text: str) -> Iterable[tuple[str, str, list[str]]]:
    for line in text.splitlines():
        if match := ONE_LINE.match(line.split("#", 1)[0].strip()):
            yield match["uri"], match["suite"], match["components"].split()


def _deb822(text: str) -> Iterable[tuple[str, str, list[str]]]:
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, list[str]] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in {" ", "\t"} and key:
                fields[key] += line.split()
            elif ":" in line:
                key, _colon, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.split()
        if fields.get("enabled", ["yes"])[0].lower() in {"no", "false", "0"} or "deb" not in fields.get("types", []):
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite, fields.get("components", [])


def _from_apt() -> str | None:
    """Ask apt itself; it answers only where ``apt-get update`` has been run."""
    form = "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)"
    try:
        answer = subprocess.run(
            ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise SetupError(
            "apt-get is missing: the local stack's servers come from Debian packages, so set-up needs Debian 12 "
            "or 13. Elsewhere point eyes.toml at servers of your own."
        ) from error
    return mirror_in_targets(answer.stdout.splitlines())


def _source_files() -> Iterable[tuple[str, str]]:
    for path in (APT_ETC / "sources.list", *sorted((APT_ETC / "sources.list.d").glob("*"))):
        if path.is_file() and (path.suffix in {".list", ".sources"}):
            yield path.name, path.read_text(encoding="utf-8", errors="replace")
