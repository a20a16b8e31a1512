"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from typing import Any, Final

PATIENCE_S: Final = 240.0
PAUSE_S: Final = 0.05
LOOKING: Final = 2.0
"""So many times as long as a look took is the pause behind it: whoever is waited for may need the same core."""


def eventually(
    what: Callable[[], Any], timeout_s: float = PATIENCE_S, every_s: float | None = None, *, named: str = ""
) -> Any:
    """Look until this is true, and return it.

    Args:
        what: looks.
        timeout_s: for how long.
        every_s: the pause between two looks, if it matters; else the longer the longer a look takes.
        named: what is waited for, in words.

    Raises:
        AssertionError: it was not true in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        began = time.monotonic()
        if result := what():
            return result
        now = time.monotonic()
        assert now < deadline, f"no {named or what} within {timeout_s:.0f} s"
        time.sleep(max(PAUSE_S, LOOKING * (now - began)) if every_s is None else every_s)
