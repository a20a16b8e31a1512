"""How many random histories are run, and what is said of one that fails."""

import os
from collections.abc import Callable
from typing import Final

import pytest

from tests.memory.process import Violation

SEEDS: Final = int(os.environ.get("EYES_SEEDS", "100"))
"""``EYES_SEEDS``; ``make simulate SEEDS=10000`` sets it."""
ENOUGH: Final = 300
"""Seeds within which a broken build must be caught."""


def for_every_seed(simulate: Callable[[int], object], seeds: int = SEEDS) -> None:
    """Run so many histories; one that fails names its seed and how to run it again."""
    for seed in range(seeds):
        try:
            simulate(seed)
        except BaseException as error:
            module = simulate.__module__
            error.add_note(f"seed {seed}: from {module} import {simulate.__name__}; {simulate.__name__}({seed})")
            raise


def must_be_caught(
    simulate: Callable[[int], object],
    broken: type,
    seeds: int = ENOUGH,
    by: type[BaseException] = Violation,
) -> BaseException:
    """A history in which the broken build breaks a promise; gives what was said of it."""
    for seed in range(seeds):
        try:
            simulate(seed)
        except by as caught:
            return caught
    pytest.fail(f"{seeds} seeds found nothing wrong with {broken.__name__}: {broken.__doc__}")
