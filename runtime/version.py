"""The version of what is running."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _version() -> str:
    try:
        return version("digital-eyes")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+checkout"


VERSION: Final = _version()
