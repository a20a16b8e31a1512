"""How fast water rises, from the last few depths; in whatever order they come."""

from bisect import insort
from typing import Final

PARTS: Final = 16
"""Of the span, of each of which the lowest and the highest depth are remembered: however often a device speaks."""


def remember(recent: list[tuple[int, float]], time_ms: int, depth_m: float, span_ms: int) -> None:
    """Take in a depth; what is older than the span before the newest is forgotten, but for the last of it."""
    if (time_ms, depth_m) in recent:
        return  # the same again
    insort(recent, (time_ms, depth_m))
    part_ms = max(span_ms // PARTS, 1)
    beside = [one for one in recent if one[0] // part_ms == time_ms // part_ms]
    if len(beside) > 2:  # noqa: PLR2004 - the two that stay
        lowest = min(beside, key=lambda one: (one[1], one[0]))
        highest = min(beside, key=lambda one: (-one[1], one[0]))
        for one in beside:
            if one not in {lowest, highest}:
                recent.remove(one)
    begin_ms = recent[-1][0] - span_ms
    while len(recent) > 1 and recent[1][0] <= begin_ms:
        del recent[0]


def rise_m(recent: list[tuple[int, float]], time_ms: int, depth_m: float, span_ms: int) -> float:
    """How much it rose in the span before ``time_ms``, in metres.

    A depth that is older than the span counts for its share of the time: devices that speak less often than that
    show the same rate.
    """
    rose = 0.0
    for before_ms, before_m in recent:
        if before_ms >= time_ms:
            break
        rose = max(rose, (depth_m - before_m) * min(1.0, span_ms / (time_ms - before_ms)))
    return rose
