"""Compiles the modules of the hottest loops with Cython and the host's C compiler (docs/decisions/0031).

A host without a compiler or Python's headers runs their sources instead, which is slower and otherwise the same.
"""

import os
import shlex
import shutil
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ops.setup.console import Progress
from ops.setup.layout import Layout
from ops.setup.tool import remove_tree, replacing, run
from runtime.compiled import SUFFIX, place, sources

FLAGS = ("-shared", "-fPIC", "-O1", "-DNDEBUG", "-w", "-fno-strict-aliasing", "-ffp-contract=off")
"""``-O1``: more takes longer and gains nothing. The last: products and sums are rounded one by one, as Python does."""
HINT = "Without a compiler the sources run as they are: make setup CC=false; please report what it says above."


def compiler() -> list[str]:
    """The C compiler as a command, ``$CC`` or ``cc``; empty where there is none, or none of Python's headers."""
    command = shlex.split(os.environ.get("CC", "cc"))
    has_headers = (Path(sysconfig.get_path("include")) / "Python.h").is_file()
    return command if has_headers and command and shutil.which(command[0]) and command != ["false"] else []


def is_compiled(layout: Layout) -> bool:
    """Whether what these very sources give lies there, or nothing can be made of them here."""
    return place(layout.checkout, layout.venv).is_dir() or not compiler()


def compile_modules(layout: Layout, progress: Progress) -> None:
    """Make a library of each module that has a ``.pxd``, or take those that were made for another checkout.

    Libraries of other sources are thrown away.

    Raises:
        SetupError: Cython or the compiler does not understand a module.
    """
    target = place(layout.checkout, layout.venv)
    others = [] if not target.parent.is_dir() else [one for one in target.parent.iterdir() if one != target]
    kept = layout.cache / f"compiled-{target.name}"
    if not kept.is_dir():
        with replacing(kept) as directory, ThreadPoolExecutor(os.cpu_count()) as pool:

            def compile_one(name: str, source: Path) -> None:
                progress.update(name)
                _compile(layout, name, source, directory)

            waiting = [pool.submit(compile_one, name, source) for name, (source, _) in sources(layout.checkout).items()]
            for one in waiting:
                one.result()
    with replacing(target) as directory:
        shutil.copytree(kept, directory, dirs_exist_ok=True)
    for other in others:
        remove_tree(other)


def _compile(layout: Layout, name: str, source: Path, directory: Path) -> None:
    python, code = layout.venv / "bin" / "python", directory / f"{name}.c"
    run(
        [
            *(python, "-m", "cython", "-3", "-X", "annotation_typing=False", "-X", "nonecheck=True"),
            *("--module-name", name, "-w", layout.checkout, "-o", code, source.relative_to(layout.checkout)),
        ],
        what=f"translating {name}",
        hint=HINT,
    )
    include = f"-I{sysconfig.get_path('include')}"
    library = directory / f"{name}{SUFFIX}"
    run([*compiler(), *FLAGS, include, "-o", library, code], what=f"compiling {name}", hint=HINT)
    code.unlink()
