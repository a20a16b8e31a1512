"""Which readings of a batch may wait: of nearly every reading there is, so this is compiled where set-up could.

``calm.pxd`` says which numbers are C's then (docs/decisions/0031-compiled-modules.md); else this runs as it stands.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from processors.engine.contract import Clock, Ear, Series
from processors.engine.dedupe import ORDINAL_MAX
from processors.engine.route import Route
from processors.engine.slot import Slot
from schemas.columns import BatchColumns
from schemas.observation import Quality

UNTIMED: Final = int(Quality.UNTIMED)
"""As good as those above it: it was measured when it came."""
Row = tuple[Series, int, float, str, int, int, str, Clock]
"""As :class:`processors.engine.contract.Kept`, of which none is made for its own sake."""
Hear = Callable[[Route, Row, list[tuple[Ear, Slot]] | None], Any]
"""Who takes a reading that somebody must hear, and by whom it must be heard; None: it was not kept."""


def sift(batch: BatchColumns, routes: Sequence[Route | None], clock: Clock, fresh_ms: int, hear: Hear) -> None:
    """Keep the readings that are calm, and give the others to ``hear``, in order.

    Args:
        batch: the readings.
        routes: of each of its series; None: they are known already.
        clock: of now.
        fresh_ms: what was measured before is never kept.
        hear: takes the others.
    """
    series, shard, now_ms, most_untimed = batch.series, batch.shard, clock.now_ms, UNTIMED
    columns = batch.series_index, batch.phenomenon_time, batch.result, batch.identity
    for index, time_ms, value, identity, quality, arrival_ms in zip(
        *columns, batch.result_quality, batch.arrival_time, strict=True
    ):
        route = routes[index]
        if route is None:
            continue
        entry = (series[index], time_ms, value, identity, quality, arrival_ms, shard, clock)
        at_ms, reads, ordinal = time_ms, value, -1
        if (
            route.low <= reads <= route.high
            and route.time_ms < at_ms < route.until_ms
            and quality <= most_untimed
            and at_ms >= fresh_ms
            and at_ms - route.time_ms <= route.gap_ms
            and -route.room <= reads - route.value <= route.room
            and now_ms <= route.quiet_ms
        ):
            ordinal = number(route, identity)
        if route.after < ordinal and len(route.kept) < route.room_left:
            if not route.kept:
                route.journal.dozing.append(route)
            route.kept.append(entry)
            route.after = ordinal
            if route.is_numbered:
                route.next = f"{route.prefix}{ordinal + 1}"
            route.time_ms, route.value, route.quiet_ms = at_ms, reads, now_ms + route.pause_ms
            if route.attentive:
                route.write()
                hear(route, entry, route.attentive)
        else:
            hear(route, entry, None)


def number(route: Route, identity: str) -> int:
    """The number of an identity as a route knows them; -1: of several channels, or none of ours."""
    if identity == route.next:
        return route.after + 1
    if not identity.startswith(route.prefix):
        return -1
    digits, tail = identity[route.start :], ""
    if not route.is_numbered:
        digits, _, tail = digits.partition(":")
    if not digits.isdecimal() or "@" in tail:
        return -1
    ordinal = int(digits)
    return ordinal if ordinal <= ORDINAL_MAX else -1
