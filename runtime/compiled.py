"""Modules that set-up compiled with Cython, where it could: the same sources, with C's numbers in the hottest loops.

A module takes part by a ``.pxd`` beside it, which says what is C's. What was compiled lies in the virtual environment
under the fingerprint of all these sources, so another version of them is never run: where there is none for just these
sources, or ``EYES_COMPILED=0``, the sources themselves run. Either way says the same, byte by byte.
"""

import hashlib
import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

PACKAGES: Final = ("processors",)
"""Where they may be."""
RECIPE: Final = "2"
"""Raised when they are compiled in another way."""
SWITCH: Final = "EYES_COMPILED"
SUFFIX: Final = ".so"


def sources(checkout: Path) -> dict[str, tuple[Path, Path]]:
    """The module and its ``.pxd``, by name, of each that is compiled."""
    found = sorted(pxd for package in PACKAGES for pxd in (checkout / package).rglob("*.pxd"))
    return {".".join(pxd.relative_to(checkout).with_suffix("").parts): (pxd.with_suffix(".py"), pxd) for pxd in found}


def place(checkout: Path, prefix: Path) -> Path:
    """Where these very sources lie compiled, if they do.

    Args:
        checkout: where the sources are.
        prefix: of the virtual environment.
    """
    digest = hashlib.sha256(f"{RECIPE} {sysconfig.get_config_var('SOABI')}".encode())
    for name, files in sources(checkout).items():
        digest.update(name.encode())
        for file in files:
            digest.update(file.read_bytes())
    return prefix / "compiled" / digest.hexdigest()[:16]


class Finder(MetaPathFinder):
    """Finds what is compiled before its source is found."""

    def __init__(self, directory: Path) -> None:
        self._files = {file.name.removesuffix(SUFFIX): file for file in directory.glob(f"*{SUFFIX}")}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - as the import system asks
        target: ModuleType | None = None,  # noqa: ARG002 - the same
    ) -> ModuleSpec | None:
        """As the import system asks it."""
        file = self._files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))


def prefer(checkout: Path) -> bool:
    """Run what is compiled from now on, of these sources; says whether there is any."""
    if os.environ.get(SWITCH) == "0":
        return False
    directory = place(checkout, Path(sys.prefix))
    if not directory.is_dir():
        return False
    sys.meta_path.insert(0, Finder(directory))
    return True


def is_compiled(module: ModuleType) -> bool:
    """Whether that is what runs of it."""
    return isinstance(module.__spec__ and module.__spec__.loader, ExtensionFileLoader)
