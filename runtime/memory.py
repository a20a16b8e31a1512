"""The garbage collector, told how these programs live: much that stays, little that forms cycles."""

import gc
from typing import Final

_YOUNG: Final = 20_000
_MIDDLE: Final = 50
_OLD: Final = 50


def relax() -> None:
    """Look for cycles more rarely: a fold of a city holds tens of millions of objects, and hardly makes any."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
