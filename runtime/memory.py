"""The garbage collector, told how these programs live: much that stays, little that forms cycles."""

import gc
from typing import Final

_YOUNG: Final = 1_000_000
"""So many new objects, and not those that were kept for a while and let go: what a fold of a city waits with comes to
as many. Each look at what is new asks all it names, which is in no processor's cache: a microsecond an object."""
_MIDDLE: Final = 50
_OLD: Final = 50


def relax() -> None:
    """Look for cycles more rarely: a fold of a city holds tens of millions of objects, and hardly makes any."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
