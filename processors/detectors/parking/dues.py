"""What falls due next at a spot, of all that may, and doing it."""

from typing import Final, NamedTuple

from processors.detectors.common import Turn
from processors.detectors.parking import stays, watches
from processors.detectors.parking.state import NEVER_MS, Spot, State

_TOGETHER_MS: Final = 900_000
_NEVER_MS: Final = NEVER_MS  # here a number of C's


class Next(NamedTuple):
    """``what`` of ``whom`` (a stay, a watch, a source) falls due then; compared in this order."""

    at_ms: int
    what: str
    whom: str


def next_of(state: State, spot: Spot) -> Next | None:
    """What happens next if nothing more is heard.

    Asked after nearly every word, so times are compared first and the rest only where they are equal.
    """
    lengths = spot.lengths
    at_ms, what, whom = _NEVER_MS, "", ""
    for number, stay in spot.stays.items():
        due_ms = stay.due_ms(lengths)
        if due_ms > at_ms or due_ms == _NEVER_MS:
            continue
        due = stay.what_is_due()
        if due_ms < at_ms or (due, number) < (what, whom):
            at_ms, what, whom = due_ms, due, number
    if spot.watches:
        at_ms, what, whom = _watched(state, spot, at_ms, what, whom)
    gone_ms = lengths.gone
    for name, source in spot.sources.items():
        due_ms = source.newest_ms + source.put_off_ms + gone_ms
        if due_ms > at_ms or not source.camera:
            continue
        if not source.taken:
            due_ms = _some_time(due_ms)
        if due_ms < at_ms or (due_ms == at_ms and ("gone", name) < (what, whom)):
            at_ms, what, whom = due_ms, "gone", name
    if spot.objects or spot.cooling or spot.left:
        return _sooner(spot, gone_ms, at_ms, what, whom)
    return Next(at_ms, what, whom) if what else None


def _watched(state: State, spot: Spot, at_ms: int, what: str, whom: str) -> tuple[int, str, str]:
    """What happens first of that and what is looked after."""
    for name in spot.watches:
        watch_ms = watches.next_due(state, spot, name)
        if watch_ms is not None and watch_ms <= at_ms and (watch_ms, "watch", name) < (at_ms, what, whom):
            at_ms, what, whom = watch_ms, "watch", name
    return at_ms, what, whom


def _sooner(spot: Spot, gone_ms: int, at_ms: int, what: str, whom: str) -> Next:
    """What happens first of that and what few spots have."""
    known = [(said.time_ms + gone_ms, "object", name) for name, said in spot.objects.items()]
    known += [(_some_time(until_ms), "cool", name) for name, until_ms in spot.cooling.items()]
    known += [(_some_time(until_ms), "left", plate) for plate, (_, until_ms) in spot.left.items()]
    return Next(*min((at_ms, what, whom), *known))


def _some_time(at_ms: int) -> int:
    """When something may be forgotten that nobody waits for: with others, so that there are few timers."""
    return -(-at_ms // _TOGETHER_MS) * _TOGETHER_MS


def do_due(state: State, spot: Spot, until_ms: int, turn: Turn) -> Next | None:
    """Do all that falls due up to ``until_ms``, in order; gives what is next."""
    while (due := next_of(state, spot)) is not None and due.at_ms <= until_ms:
        _do(state, spot, due, turn)
    return due


def _do(state: State, spot: Spot, due: Next, turn: Turn) -> None:
    at_ms, what, whom = due
    match what:
        case "watch":
            watches.catch_up(state, spot, whom, at_ms, turn)
        case "gone":
            source = spot.sources.pop(whom)
            if source.taken:
                stays.leave(spot, source.stay, at_ms, None, lost=False)
                watches.look(state, spot, None, at_ms, turn)
        case "object":
            del spot.objects[whom]
            watches.look(state, spot, None, at_ms, turn)
        case "cool":
            del spot.cooling[whom]
        case "left":
            del spot.left[whom]
        case _:
            stays.do(state, spot, whom, at_ms, what, turn)
