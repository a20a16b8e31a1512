"""What a finding carries: what was measured beside what is allowed, and the messages that said so."""

from collections.abc import Iterable
from typing import Final

from processors.detectors.common import Evidence
from processors.detectors.parking.joining import SURE
from processors.detectors.parking.state import Said, Spot, Stay, Verdict, Watch

MOST: Final = 8
"""So many messages are named at most."""

Proof = tuple[dict[str, float], tuple[Evidence, ...]]


def of_stay(spot: Spot, stay: Stay, verdict: Verdict, at_ms: int, word: Evidence | None) -> Proof:
    """That something stands there for too long: for how long, by how many messages, of whom.

    ``stood_s`` is up to the word that decided, where one did; ``counted_s`` the part of it in which the rule was in
    force. Of a vehicle that a camera followed under several ids ``overlap`` is the least that its boxes had in common.
    """
    until_ms = at_ms if word is None else max(at_ms, word.time_ms)
    number = next(number for number, one in spot.stays.items() if one is stay)
    names = {
        source.camera or name: bool(source.camera) for name, source in spot.sources.items() if source.stay == number
    }
    numbers = {
        "stood_s": (until_ms - stay.since_ms) / 1000,
        "messages": float(stay.words % SURE + stay.words // SURE),
        "sensors": float(sum(not sees for sees in names.values())),
        "cameras": float(sum(names.values())),
        "allowed_s": verdict.allowed_ms / 1000,
        "limit_s": verdict.limit_ms / 1000,
    }
    if verdict.from_ms > stay.since_ms:
        numbers["counted_s"] = (until_ms - verdict.from_ms) / 1000
    if stay.tracks > 1:
        numbers["tracks"] = float(stay.tracks)
        if stay.overlap is not None:
            numbers["overlap"] = round(stay.overlap, 3)
    if verdict.came_back and stay.left_ms is not None:
        numbers["away_s"] = (stay.since_ms - stay.left_ms) / 1000
    last = None if stay.last is None else stay.last.evidence
    return numbers, _each((stay.first.evidence, last, word))


def of_watch(spot: Spot, name: str, watch: Watch, on_ms: int, word: Evidence | None) -> Proof:
    """That something holds for too long: for how long, and what who says so has measured."""
    assert watch.since_ms is not None, "it holds since then"
    until_ms = watch.since_ms + on_ms if word is None else max(watch.since_ms + on_ms, word.time_ms)
    numbers = {"held_s": (until_ms - watch.since_ms) / 1000, "after_s": on_ms / 1000}
    more, said = _MEASURED[name](spot)
    return numbers | more, _each((watch.first, *sorted(said, key=lambda one: (one.time_ms, one.id))[-MOST:], word))


def _blocked(spot: Spot) -> Proof:
    felt = _flags(spot, "obstruction")
    said = (*felt, *spot.objects.values())
    return {"sensors": float(len(felt)), "objects": float(len(spot.objects))}, _evidence(said)


def _locked(spot: Spot) -> Proof:
    up = _flags(spot, "lock_raised")
    return {"sensors": float(len(up))}, _evidence(up)


def _disputed(spot: Spot) -> Proof:
    sensors = [source for source in spot.sources.values() if not source.camera]
    seen = [source for source in spot.sources.values() if source.camera and source.taken]
    numbers = {
        "sensors": float(len(sensors)),
        "sensors_taken": float(sum(source.taken for source in sensors)),
        "seen": float(len(seen) + len(spot.objects)),
    }
    said = [source.said for source in (*sensors, *seen) if source.said is not None]
    return numbers, _evidence((*said, *spot.objects.values()))


def _congested(spot: Spot) -> Proof:
    standing = [stay for stay in spot.stays.values() if stay.free_ms is None]
    speeds, shares = _flags(spot, "traffic_speed"), _flags(spot, "road_occupancy")
    numbers = {"standing": float(len(standing))}
    if speeds:
        numbers["speed_mps"] = min(one.value for one in speeds)
    if shares:
        numbers["taken_share"] = max(one.value for one in shares) / 100
    return numbers, _evidence((*(stay.first for stay in standing), *speeds, *shares))


_MEASURED: Final = {
    "bay_blocked": _blocked,
    "private_lock": _locked,
    "conflict": _disputed,
    "congestion": _congested,
}


def _flags(spot: Spot, observed_property: str) -> list[Said]:
    return [spot.said[key] for key, on in sorted(spot.flags.items()) if on and key.endswith(f"|{observed_property}")]


def _evidence(said: Iterable[Said]) -> tuple[Evidence, ...]:
    return tuple(one.evidence for one in said)


def _each(evidence: Iterable[Evidence | None]) -> tuple[Evidence, ...]:
    """Each message once."""
    return tuple({one.id: one for one in evidence if one is not None}.values())
