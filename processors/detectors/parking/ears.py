"""The short cut of what nearly every reading of a bay says: that all is as it was."""

from processors.detectors.parking.cameras import BEHIND_MAX_MS
from processors.detectors.parking.numbers import go_on, number, tell
from processors.detectors.parking.state import NEVER_MS, Said, Spot
from processors.engine.contract import Calm, Ear
from processors.engine.kept import Kept


def other(spot: Spot, device: str) -> Ear:
    """Counts how often a sensor said the same of what is not its business."""
    known = spot.other

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
        before, times = known.get(device, (0.0, 0))
        known[device] = value, times + 1 if times and before == value else 1
        return True

    return hear


def occupied(spot: Spot, device: str, every_ms: int | None, fresh_ms: int | None, silent_ms: int | None) -> Ear:
    """Takes note that a spot is still taken, before anything falls due, or still free, with nobody else there.

    Args:
        spot: which.
        device: the sensor that says so.
        every_ms: its interval.
        fresh_ms: how long its word is good for.
        silent_ms: who stands there after so long without a word may be somebody else.
    """
    sources, stays = spot.sources, spot.stays

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
        source = sources.get(device)
        if (
            source is None
            or len(stays) > 1
            or (value != 0) is not source.taken
            or time_ms < source.newest_ms
            or spot.watches
        ):
            return False
        behind_ms = min(max(now_ms - time_ms, 0), BEHIND_MAX_MS)
        due_ms = spot.due_ms
        if due_ms != NEVER_MS and (spot.armed_ms is None or due_ms + behind_ms < spot.armed_ms):
            return False  # to be asked again sooner
        if source.taken:
            stay = stays.get(source.stay)
            if stay is None or stay.waits or stay.free_ms is not None or not stay.since_ms <= time_ms < due_ms:
                return False
            if silent_ms is not None and (
                time_ms - stay.said_ms > silent_ms or number(identity) != (source.boot, source.seq + 1)
            ):
                return False  # there may have been another between
            stay.words_needed, stay.fresh_ms = 1, fresh_ms
            stay.words += 1
            if time_ms >= stay.said_ms:
                stay.said_ms = time_ms
                stay.last = Said(device, "occupied", identity, time_ms, arrival_ms, value)
        elif stays or not (source.stay or not (spot.cameras or spot.flags or spot.objects)):
            return False
        tell(source, every_ms, time_ms, identity)
        spot.shard, spot.behind_ms = shard, behind_ms
        source.newest_ms, source.put_off_ms = time_ms, 0
        return True

    return hear


def calm_other(spot: Spot, device: str) -> Calm:
    """What :func:`other` counts."""
    hear = other(spot, device)

    def absorb(kept: Kept, first: int) -> None:
        for at in range(first, kept.count):
            hear(kept.time(at), kept.value(at), "", 0, 0, "")

    return Calm(absorb)


def calm_free(spot: Spot, device: str, every_ms: int | None) -> Calm | None:
    """What :func:`occupied` takes in where nobody stands, and nobody but this sensor would say so if somebody did."""
    source = spot.sources.get(device)
    if source is None or len(spot.sources) > 1 or source.taken or source.stay or spot.due_ms != NEVER_MS:
        return None
    if spot.stays or spot.watches or spot.cameras or spot.flags or spot.objects:
        return None

    def absorb(kept: Kept, first: int) -> None:
        go_on(source, every_ms, kept, first)
        spot.shard = kept.shard()
        spot.behind_ms = min(max(kept.now_ms - kept.time(kept.count - 1), 0), BEHIND_MAX_MS)
        source.put_off_ms = 0

    return Calm(absorb, 0.0, 0.0, newest_ms=source.newest_ms)
