"""How fast water rises, from the last few depths; in whatever order they come."""

import math
from bisect import bisect_left, bisect_right
from typing import Final

PARTS: Final = 16
"""Of the span, of each of which the lowest and the highest depth are remembered: however often a device speaks."""


def remember(recent: list[tuple[int, float]], time_ms: int, depth_m: float, span_ms: int) -> None:
    """Take in a depth; of each part of the span the lowest and the highest stay, of equal ones the earliest.

    What stays follows from what was said, whatever its order and however often. So parts are forgotten as a whole: one
    that had lost its lowest to age would take in a late depth that the lowest had kept out. Those before the part in
    which the span begins go, but for the last of them.
    """
    part_ms = max(span_ms // PARTS, 1)
    begin_ms = _begin_ms(time_ms, part_ms)
    begin, end = _first(recent, begin_ms), _first(recent, begin_ms + part_ms)
    beside = [*recent[begin:end], (time_ms, depth_m)]
    lowest = min(beside, key=lambda one: (one[1], one[0]))
    highest = min(beside, key=lambda one: (-one[1], one[0]))
    recent[begin:end] = sorted({lowest, highest})
    newest_ms = _begin_ms(recent[-1][0], part_ms)  # not the newest depth's own: another may yet push that out
    older = _first(recent, _begin_ms(newest_ms - span_ms, part_ms))
    if older:
        del recent[: _first(recent, _begin_ms(recent[older - 1][0], part_ms))]


def anew(recent: list[tuple[int, float]], span_ms: int) -> list[tuple[int, float]]:
    """What would stand here had these been taken in by the present rule."""
    kept: list[tuple[int, float]] = []
    for time_ms, depth_m in recent:
        remember(kept, time_ms, depth_m, span_ms)
    return kept


def rise_m(recent: list[tuple[int, float]], time_ms: int, depth_m: float, span_ms: int) -> float:
    """How much it rose in the span before ``time_ms``, in metres.

    The last depth that is older than the span counts for its share of the time: devices that speak less often than that
    show the same rate. Others as old are remembered for the sake of those that come late, and count for nothing.
    """
    rose = 0.0
    begin = bisect_right(recent, (time_ms - span_ms, math.inf))
    for before_ms, before_m in recent[max(begin - 1, 0) :]:
        if before_ms >= time_ms:
            break
        rose = max(rose, (depth_m - before_m) * min(1.0, span_ms / (time_ms - before_ms)))
    return rose


def _begin_ms(time_ms: int, part_ms: int) -> int:
    return time_ms // part_ms * part_ms


def _first(recent: list[tuple[int, float]], at_ms: int) -> int:
    return bisect_left(recent, (at_ms, -math.inf))
