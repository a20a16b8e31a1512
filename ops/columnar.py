"""pyarrow, which is large, optional, and of use to few commands."""

from importlib import import_module
from types import ModuleType

from runtime.errors import FatalError


def pyarrow() -> tuple[ModuleType, ModuleType]:
    """The library and its part for Parquet.

    Raises:
        FatalError: it is not installed.
    """
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise FatalError("Parquet needs pyarrow: run `make setup`, or pip install 'digital-eyes[data]'") from error
