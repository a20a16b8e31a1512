"""What is said of a located leak while it is open: measured again as it lasts, said again when that changes much."""

from collections.abc import Sequence
from typing import Final

from processors.detectors.pipe_leak_state import PER_DAY, OpenLeak
from processors.detectors.pipe_leak_steps import STEP_MS
from processors.leak.core import LeakCore
from processors.leak.explain import MEASURED, Asked, Explanation
from processors.leak.incidents import GROWING, Alarm

MOST_UPDATES: Final = 6
CHANGED: Final = 0.25
"""Share by which the flow of a burst must differ from what was said."""
GROWN: Final = 0.5
"""Share by which a growing leak must have grown since it was last said."""
SURER: Final = 0.1
"""How much likelier another place must be, and a place be than it was, to be said."""
MOVED_M: Final = 100.0
"""A crew looks so far around a pipe anyway."""
GONE: Final = 0.5
"""Of the flow: a measurement that finds less contradicts the leak; whether it is repaired is decided elsewhere."""
NEVER: Final = 2**62
"""A tick behind all others."""


def opened(core: LeakCore, alarm: Alarm) -> OpenLeak:
    """A leak that the core has just found, with what shows it."""
    since = alarm.since
    leak = OpenLeak(
        alarm.kind, alarm.pipe, alarm.tick, since * STEP_MS, alarm.pipe, alarm.flow, alarm.sure, alarm.evidence
    )
    found = core.explain(_asked(leak))
    if found is not None:
        leak.likely, leak.shown, leak.balance = found.likely, found.shown, found.balance
        if leak.kind == GROWING:
            leak.since_ms, leak.flow = min(found.since, since) * STEP_MS, found.flow
    return leak


def next_due(leaks: Sequence[OpenLeak], tick: int) -> int:
    """The first tick, from this one on, in which any of the leaks is to be measured."""
    return min((_next_due(leak, tick) for leak in leaks), default=NEVER)


def remeasure(core: LeakCore, leak: OpenLeak, tick: int) -> bool:
    """Measure a leak anew when it is time; whether something changed that is worth saying."""
    if _next_due(leak, tick) != tick:
        return False
    found = core.explain(_asked(leak))
    if found is None or found.flow < GONE * leak.flow or not _differs(core, leak, found):
        return False
    moves = _moves(core, leak, found)
    leak.named, leak.sure = (found.pipe, found.sure) if moves else (leak.named, found.still)
    leak.flow, leak.likely, leak.shown, leak.balance = found.flow, found.likely, found.shown, found.balance
    leak.updates += 1
    return True


def _asked(leak: OpenLeak) -> Asked:
    return Asked(leak.pipe, leak.named, leak.since_ms // STEP_MS, leak.cause, leak.kind == GROWING)


def _next_due(leak: OpenLeak, tick: int) -> int:
    """A burst in its first hours, what grows at midnight; nothing in the tick in which it was found."""
    if leak.updates >= MOST_UPDATES:
        return NEVER
    first = max(tick, leak.cause + 1)
    if leak.kind == GROWING:
        return first + (-first - 1) % PER_DAY
    since = leak.since_ms // STEP_MS
    return next((due for after in MEASURED if (due := since + after - 1) >= first), NEVER)


def _differs(core: LeakCore, leak: OpenLeak, found: Explanation) -> bool:
    if _moves(core, leak, found) or abs(found.still - leak.sure) >= SURER:
        return True
    if leak.kind == GROWING:
        return found.flow >= (1 + GROWN) * leak.flow
    return abs(found.flow - leak.flow) > CHANGED * leak.flow


def _moves(core: LeakCore, leak: OpenLeak, found: Explanation) -> bool:
    apart = float(core.network.distances_m[found.pipe, leak.named])
    return apart > MOVED_M and found.sure >= found.still + SURER
