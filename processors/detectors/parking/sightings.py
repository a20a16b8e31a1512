"""What a message of a camera says of a spot: nearly always that a vehicle passes, or still stands there.

That is taken in here, without a turn; :func:`news` gives what is left.
"""

from typing import Final

from processors.detectors.parking import clocks, hearing
from processors.detectors.parking.joining import SURE, Word
from processors.detectors.parking.rules import ms
from processors.detectors.parking.state import NEVER_MS, Said, Source, Spot, State
from schemas.camera import CameraEvent, TrackPhase

_PASSED_MAX: Final = 8
_HOUR_MS: Final = clocks.HOUR_MS
_NEVER_MS: Final = NEVER_MS
_STOPPED_S: Final = 2.0  # what has not moved for so long stands, though the camera may not call it stationary yet
_JITTER_MS: Final = 2_000
"""So much longer than another may a message be on its way; it is dated by when it came if its camera's clock is not
believed (ours)."""
_END: Final = TrackPhase.END


class Sight:
    """A message that says something new of a spot, by the track ``name``; None as ``source``: it never stood there."""

    __slots__ = ("event", "name", "source", "spot", "stands", "taken", "time_ms")

    def __init__(
        self,
        event: CameraEvent,
        spot: Spot,
        source: Source | None,
        name: str,
        time_ms: int,
        *,
        stands: bool,
        taken: bool,
    ) -> None:
        self.event = event
        self.spot = spot
        self.source = source
        self.name = name
        self.time_ms = time_ms
        self.stands = stands
        self.taken = taken


def news(state: State, event: CameraEvent) -> Sight | None:
    """Take in what a message says; what it says that is new, if anything is."""
    time_ms, arrival_ms, device = int(event.seen), int(event.came), event.device
    heard, skew = state.cameras.get(device), state.skews.get(device)
    if heard is None or skew is None:
        hearing.note(state, device, time_ms)
        clocks.note(state, device, time_ms, arrival_ms)
    else:
        heard.note(time_ms)
        skew.note(arrival_ms - time_ms, arrival_ms // _HOUR_MS)
    spot = state.spots.get(event.facility)
    if spot is None:
        return None
    name = f"{device}/{event.track}"
    source = spot.sources.get(name)
    stands = event.stationary or ((still_s := event.still_s) is not None and still_s >= _STOPPED_S)
    taken = stands and event.present and event.phase is not _END
    if source is None:
        if not (taken or (stands and is_lost(event)) or name in spot.objects):
            _passes(spot, event, name, time_ms)
            return None
    elif taken and _is_nothing_new(spot, source, event, time_ms, arrival_ms):
        return None
    return Sight(event, spot, source, name, time_ms, stands=stands, taken=taken)


def is_lost(event: CameraEvent) -> bool:
    """Whether the camera may find it again, and say so in a way that can be told."""
    return event.lost and event.box is not None


def _passes(spot: Spot, event: CameraEvent, name: str, time_ms: int) -> None:
    """Something comes, passes by, or left before we heard that it stood: remembered of the last few."""
    coming, passed = spot.coming, spot.passed
    if event.present:
        coming[name] = min(time_ms, coming.get(name, time_ms))
        if len(coming) > _PASSED_MAX:
            del coming[_first_coming(coming)]
        return
    coming.pop(name, None)
    left, before = (event.phase is not _END, time_ms, is_lost(event)), passed.get(name)
    passed[name] = left if before is None else max(left, before)  # its end comes a little after it was seen leaving
    if len(passed) > _PASSED_MAX:
        del passed[_first(passed)]


def _first_coming(coming: dict[str, int]) -> str:
    """Which of them came first."""
    first_ms, first = _NEVER_MS, ""
    for name, came_ms in coming.items():
        if came_ms < first_ms or (came_ms == first_ms and name < first):
            first_ms, first = came_ms, name
    return first


def _first(passed: dict[str, tuple[bool, int, bool]]) -> str:
    """Which of them left first: the least of times and names, as ``min`` finds it in three times the time."""
    first_ms, first = _NEVER_MS, ""
    for name, (_, left_ms, _) in passed.items():
        if left_ms < first_ms or (left_ms == first_ms and name < first):
            first_ms, first = left_ms, name
    return first


def _is_nothing_new(spot: Spot, source: Source, event: CameraEvent, time_ms: int, arrival_ms: int) -> bool:
    """Whether a track says only that it is still there, as nearly every message does; it is noted then."""
    stay = spot.stays.get(source.stay)
    if not source.taken or stay is None or stay.waits or not source.newest_ms <= time_ms < spot.due_ms:
        return False
    if event.plate is not None and event.plate != stay.plate:
        return False
    if time_ms > stay.said_ms:
        stay.every_ms = time_ms - stay.said_ms
    source.newest_ms = stay.said_ms = time_ms
    stay.last = Said(event.device, "camera", event.identity, time_ms, arrival_ms)
    source.put_off_ms = 0
    stay.words += event.stationary
    stay.box = event.box
    return True


def word_of(sight: Sight) -> Word:
    """What it says of the spot, and of whom."""
    event, spot, name, time_ms, taken = sight.event, sight.spot, sight.name, sight.time_ms, sight.taken
    if event.device not in spot.cameras:
        spot.cameras = tuple(sorted((*spot.cameras, event.device)))
    lost = is_lost(event)
    still_ms = 0 if event.still_s is None else ms(event.still_s)
    came_ms = spot.coming.pop(name, None)
    rolls_ms = spot.lengths.rolls + (_JITTER_MS if event.result_quality else 0)
    if taken:
        counts = int(event.stationary)
    elif event.phase is _END:
        counts = SURE if lost else 0  # when it left, nobody heard
    else:
        counts = 1 if event.present else SURE
    word = Word(name, event.device, time_ms, Said.of(event), taken=taken, still_ms=still_ms)
    word.box, word.plate = event.box, event.plate
    word.lost = lost
    word.fresh_ms = None if event.box is None else spot.lengths.fresh
    word.counts = counts
    word.rolled = came_ms is not None and word.since_ms - came_ms > rolls_ms
    return word
