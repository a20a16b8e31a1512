"""Where the readings of a batch go, and which may wait: of nearly every reading this is all, so set-up compiles it.

``calm.pxd`` says which numbers are C's then (docs/decisions/0031-compiled-modules.md).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from processors.engine.contract import ANY_MS, Clock, Ear, Series
from processors.engine.dedupe import ORDINAL_MAX
from processors.engine.kept import FULL, Row
from processors.engine.route import Route
from processors.engine.slot import Slot
from processors.engine.zone import Zone
from schemas.columns import BatchColumns
from schemas.observation import Quality

UNTIMED: Final = int(Quality.UNTIMED)
"""As good as those above it: it was measured when it came."""
Hear = Callable[[Route, Row, list[tuple[Ear, Slot]] | None], Any]
"""Who takes a reading that somebody must hear, and by whom it must be heard; None: it was not kept."""
Fail = Callable[[Route, list[Slot]], Any]
"""Who sees to those that raised when they were told what was kept of a series."""
Find = Callable[[Series], Route | None]
"""Where the readings of a series go that is not known; None: they are known already."""
_DIGITS_MAX: Final = len(str(ORDINAL_MAX)) - 1


def lead(series: Sequence[Series], zones: Mapping[str, Zone | bytes], find: Find) -> list[Route | None]:
    """Where the readings of each series go.

    Args:
        series: of a batch.
        zones: of the partition, by name; bytes where nothing happened yet.
        find: says it of those that are not known there.
    """
    found: list[Route | None] = []
    for one in series:
        zone = zones.get(one.zone)
        known = zone.routes if isinstance(zone, Zone) else {}
        # As Zone.route has it: of nearly every reading, without a call.
        route = known.get((one.device, one.observed_property))
        found.append(route if route is not None and route.series == one else find(one))
    return found


def sift(  # noqa: C901 - one condition after the other
    batch: BatchColumns, routes: Sequence[Route | None], clock: Clock, fresh_ms: int, hear: Hear, fail: Fail
) -> None:
    """Keep the readings that are calm, and give the others to ``hear``, in order.

    Args:
        batch: the readings.
        routes: of each of its series; None: they are known already.
        clock: of now.
        fresh_ms: what was measured before is never kept.
        hear: takes the others.
        fail: takes those who could not be told what was kept.
    """
    series, shard, now_ms, most_untimed = batch.series, batch.shard, clock.now_ms, UNTIMED
    columns = batch.series_index, batch.phenomenon_time, batch.result, batch.identity
    here = shard, clock
    if not _fits(batch.arrival_time):
        fresh_ms = ANY_MS  # so nothing of it is kept
    for index, time_ms, value, identity, quality, arrival_ms in zip(
        *columns, batch.result_quality, batch.arrival_time, strict=True
    ):
        route = routes[index]
        if route is None:
            continue
        at_ms, reads, ordinal = time_ms, value, -1
        kept = route.kept
        count = kept.count
        if count == FULL or (count and at_ms >= route.until_ms):
            failed = route.tell()
            if failed:
                fail(route, failed)
            kept, count = route.kept, 0
        if (
            route.low <= reads <= route.high
            and route.time_ms < at_ms < route.until_ms
            and 0 <= quality <= most_untimed
            and at_ms >= fresh_ms
            and at_ms - route.time_ms <= route.gap_ms
            and -route.room <= reads - route.value <= route.room
            and now_ms <= route.quiet_ms
        ):
            ordinal = number(route, identity)
        if route.after < ordinal and count < route.room_left:
            if not count:
                kept = route.begin()
            whences = kept.whences
            if not whences or whences[-1] is not here:
                whences.append(here)
            grade = quality
            kept.words[4 * count], kept.words[4 * count + 1], kept.words[4 * count + 2] = at_ms, ordinal, arrival_ms
            kept.words[4 * count + 3] = (len(whences) - 1) << 4 | grade
            kept.values[count] = reads
            if kept.identities is not None:
                kept.identities.append(identity)
            kept.count = count + 1
            kept.now_ms = now_ms
            route.after = ordinal
            route.time_ms, route.value, route.quiet_ms = at_ms, reads, now_ms + route.pause_ms
            if not route.attentive:
                continue
            route.write()
            ears = route.attentive
        else:
            ears = None
        hear(route, (series[index], time_ms, value, identity, quality, arrival_ms, shard, clock), ears)


def _fits(times_ms: Sequence[int]) -> bool:
    """Whether a column holds them: these are bounded by no schema."""
    return not times_ms or -ANY_MS < min(times_ms) <= max(times_ms) < ANY_MS


def number(route: Route, identity: str) -> int:
    """The number of an identity as a route knows them; -1: of several channels, or none of ours."""
    if not identity.startswith(route.prefix):
        return -1
    start, end = route.start, len(identity)
    if not route.is_numbered:
        if identity.find("@", start) >= 0:
            return -1
        colon = identity.find(":", start)
        end = end if colon < 0 else colon
    if not 0 < end - start <= _DIGITS_MAX or (identity[start] == "0" and end - start > 1):
        return -1  # none, or not as it would be written again
    ordinal = 0
    for at in range(start, end):
        digit = identity[at]
        if not "0" <= digit <= "9":
            return -1
        ordinal = 10 * ordinal + ord(digit) - 48
    return ordinal
