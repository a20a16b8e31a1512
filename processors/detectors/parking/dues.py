"""What falls due next at a spot, of all that may, and doing it."""

from typing import NamedTuple

from processors.detectors.common import Turn
from processors.detectors.parking import stays, watches
from processors.detectors.parking.rules import lengths_of
from processors.detectors.parking.state import Spot, State


class Next(NamedTuple):
    """``what`` of ``whom`` (a stay, a watch, a source) falls due then; compared in this order."""

    at_ms: int
    what: str
    whom: str


def next_of(state: State, spot: Spot) -> Next | None:
    """What happens next if nothing more is heard."""
    lengths = lengths_of(state, spot)
    found = [
        Next(due[0], due[1], number)
        for number, stay in spot.stays.items()
        if (due := stays.next_due(stay, lengths)) is not None
    ]
    found += [
        Next(at_ms, "watch", name)
        for name in spot.watches
        if (at_ms := watches.next_due(state, spot, name)) is not None
    ]
    found += [
        Next(source.newest_ms + source.put_off_ms + lengths.gone, "gone", name)
        for name, source in spot.sources.items()
        if source.camera
    ]
    found += [Next(time_ms + lengths.gone, "object", name) for name, time_ms in spot.objects.items()]
    found += [Next(until_ms, "cool", name) for name, until_ms in spot.cooling.items()]
    found += [Next(until_ms, "left", plate) for plate, (_, until_ms) in spot.left.items()]
    return min(found, default=None)


def do_next(state: State, spot: Spot, until_ms: int, turn: Turn) -> bool:
    """Do what falls due next, if that is no later than ``until_ms``; whether there was anything."""
    due = next_of(state, spot)
    if due is None or due.at_ms > until_ms:
        return False
    lengths = lengths_of(state, spot)
    match due.what:
        case "watch":
            watches.pass_time(state, spot, due.whom, due.at_ms, turn)
            if spot.watches[due.whom].since_ms is None:
                del spot.watches[due.whom]
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
