"""What falls due next at a spot, of all that may, and doing it."""

from typing import Final, NamedTuple

from processors.detectors.common import Turn
from processors.detectors.parking import stays, watches
from processors.detectors.parking.state import Spot, State

_TOGETHER_MS: Final = 900_000
_NEVER: Final = (1 << 62, "", "")


class Next(NamedTuple):
    """``what`` of ``whom`` (a stay, a watch, a source) falls due then; compared in this order."""

    at_ms: int
    what: str
    whom: str


def next_of(state: State, spot: Spot) -> Next | None:
    """What happens next if nothing more is heard."""
    lengths = spot.lengths
    at_ms, what, whom = _NEVER
    for number, stay in spot.stays.items():
        due = stays.next_due(stay, lengths)
        if due is not None and (*due, number) < (at_ms, what, whom):
            at_ms, what, whom = *due, number
    for name in spot.watches:
        due_ms = watches.next_due(state, spot, name)
        if due_ms is not None and (due_ms, "watch", name) < (at_ms, what, whom):
            at_ms, what, whom = due_ms, "watch", name
    for name, source in spot.sources.items():
        if source.camera:
            due_ms = source.newest_ms + source.put_off_ms + lengths.gone
            if not source.taken:
                due_ms = _some_time(due_ms)
            if due_ms <= at_ms and (due_ms, "gone", name) < (at_ms, what, whom):
                at_ms, what, whom = due_ms, "gone", name
    if spot.objects or spot.cooling or spot.left:
        known = [(time_ms + lengths.gone, "object", name) for name, time_ms in spot.objects.items()]
        known += [(_some_time(until_ms), "cool", name) for name, until_ms in spot.cooling.items()]
        known += [(_some_time(until_ms), "left", plate) for plate, (_, until_ms) in spot.left.items()]
        at_ms, what, whom = min((at_ms, what, whom), *known)
    return None if not what else Next(at_ms, what, whom)


def _some_time(at_ms: int) -> int:
    """When something may be forgotten that nobody waits for: with others, so that there are few timers."""
    return -(-at_ms // _TOGETHER_MS) * _TOGETHER_MS


def do_next(state: State, spot: Spot, until_ms: int, turn: Turn) -> bool:
    """Do what falls due next, if that is no later than ``until_ms``; whether there was anything."""
    due = next_of(state, spot)
    if due is None or due.at_ms > until_ms:
        return False
    lengths = spot.lengths
    match due.what:
        case "watch":
            watches.catch_up(state, spot, due.whom, due.at_ms, turn)
        case "gone":
            source = spot.sources.pop(due.whom)
            if source.taken:
                stays.leave(spot, source.stay, due.at_ms, None, lost=False)
                watches.look(state, spot, None, due.at_ms, turn)
        case "object":
            del spot.objects[due.whom]
            watches.look(state, spot, None, due.at_ms, turn)
        case "cool":
            del spot.cooling[due.whom]
        case "left":
            del spot.left[due.whom]
        case _:
            stays.do(state, spot, due.whom, (due.at_ms, due.what), lengths, turn)
    return True
