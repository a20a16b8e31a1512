"""Makes the checkout's virtual environment from ``requirements.lock``, with every hash checked."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from ops.setup.console import Progress, SetupError
from ops.setup.layout import Layout, content_key
from ops.setup.tool import remove_tree, run

STAMP = ".eyes-stamp"
UNFINISHED = ".eyes-unfinished"
RECIPE = "2"
SELDOM = r"/(tests?|testing|pip|setuptools|mypy|mypyc|pandas|scipy|matplotlib|fontTools|networkx|wntr)/"
"""Sources that few or none of our processes read: whoever does compiles what it needs of them."""
HINT = (
    "Is the network up? pip's own settings (pip.conf, PIP_INDEX_URL, HTTPS_PROXY) apply. "
    "Run again: pip keeps what it has."
)
LAUNCHER = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from ops.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
"""


def venv_key(layout: Layout) -> str:
    """What the environment depends on: the lock, this Python, and where the checkout is."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return content_key(RECIPE, layout.lock_file.read_text("utf-8"), version, sys.executable, str(layout.checkout))


def venv_is_current(layout: Layout) -> bool:
    """Whether the environment was finished for this lock, Python and checkout."""
    stamp = layout.venv / STAMP
    return stamp.is_file() and stamp.read_text("utf-8").strip() == venv_key(layout) and _runs(layout.venv)


def make_venv(layout: Layout, progress: Progress) -> None:
    """Create or bring up to date the environment in ``.venv``.

    An interrupted installation is thrown away and begun again (pip's cache keeps what was fetched); a
    finished one of an older lock is updated in place, as a running pipeline may still be using it.

    Raises:
        SetupError: Python lacks venv, or pip could not install.
    """
    venv = layout.venv
    unfinished = venv / UNFINISHED
    if unfinished.exists() or not _runs(venv):
        remove_tree(venv)
        _create(venv)
    unfinished.touch()
    (venv / STAMP).unlink(missing_ok=True)
    wanted = sum(1 for line in layout.lock_file.read_text("utf-8").splitlines() if "==" in line and line[0].isalnum())
    seen = 0

    def show(line: str) -> None:
        nonlocal seen
        if line.startswith(("Collecting ", "Requirement already")):
            seen += 1
            progress.update(f"fetching packages, {seen} of about {wanted}")
        elif line.startswith("Installing collected"):
            progress.update(f"installing {wanted} packages")

    run(
        [
            *(venv / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
            *("--progress-bar", "off", "--require-hashes", "-r", layout.lock_file),
            "--no-compile",  # most of a hundred megabytes of sources is never imported
        ],
        what="installing the Python packages",
        hint=HINT,
        on_line=show,
    )
    progress.update("compiling what all processes read")
    _compile(layout)
    _add_checkout(layout)
    (venv / STAMP).write_text(venv_key(layout) + "\n", "utf-8")
    unfinished.unlink()


def _create(venv: Path) -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415 - only asked whether Debian's python3-venv is there
        import venv as _venv  # noqa: F401, PLC0415
    except ImportError as error:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupError(
            f"Python {version} cannot make virtual environments here: apt install python{version}-venv "
            "(or python3-venv), or name another with `make PYTHON=...`"
        ) from error
    # --copies is not used: a symbolic link follows the host's security updates.
    run(
        [sys.executable, "-m", "venv", venv],
        what="making the virtual environment",
        hint="apt install python3-venv, or name another Python with `make PYTHON=...`",
    )


def _runs(venv: Path) -> bool:
    """Whether the environment's Python starts, is the version that runs set-up, and has pip."""
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    try:
        answer = subprocess.run(
            [python, "-c", "import sys, pip; print('%d.%d.%d' % sys.version_info[:3])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == ".".join(str(part) for part in sys.version_info[:3])


def _compile(layout: Layout) -> None:
    """Without it, where PYTHONDONTWRITEBYTECODE is set, every process would compile two thousand modules for itself."""
    subprocess.run(
        [layout.venv / "bin" / "python", "-m", "compileall", "-q", "-j", "0", "-x", SELDOM, _site(layout)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,  # packages hold templates and examples of other Pythons; whoever imports one hears of it
    )


def _site(layout: Layout) -> Path:
    return Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(layout.venv), "platbase": str(layout.venv)}))


def _add_checkout(layout: Layout) -> None:
    """Make the checkout importable and put ``eyes`` into the environment.

    A path file and a launcher do what an editable installation would, without a build backend to fetch.
    """
    (_site(layout) / "digital_eyes.pth").write_text(f"{layout.checkout}\n", "utf-8")
    launcher = layout.venv / "bin" / "eyes"
    temporary = launcher.with_suffix(".tmp")
    temporary.write_text(LAUNCHER.format(python=layout.venv / "bin" / "python"), "utf-8")
    temporary.chmod(0o755)
    shutil.move(temporary, launcher)
