"""What must hold for a while, and be over for a while: objects on bays, locks, disagreement, congestion."""

from typing import Final, NamedTuple

from processors.detectors.common import LEFT, POLICY_CHANGED, Evidence, Opening, Step, Turn, span
from processors.detectors.parking import clocks, hearing, proof
from processors.detectors.parking.joining import Word
from processors.detectors.parking.numbers import is_due
from processors.detectors.parking.rules import judge, ms, values_of
from processors.detectors.parking.state import Source, Spot, State, Watch
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.camera import CameraEvent
from schemas.facility import FacilityClass

BLOCKED, LOCK, CONFLICT, CONGESTION = "bay_blocked", "private_lock", "conflict", "congestion"
_KIND: Final = {
    BLOCKED: AnomalyKind.BAY_BLOCKED,
    LOCK: AnomalyKind.PRIVATE_LOCK,
    CONFLICT: AnomalyKind.SENSOR_CAMERA_CONFLICT,
    CONGESTION: AnomalyKind.SEGMENT_CONGESTED,
}
_WORDS: Final = {
    BLOCKED: ("Something that is no vehicle on {} for more than {}", "{} no longer blocked"),
    LOCK: ("A lock bars {}, and nobody parked there for more than {}", "{} no longer barred"),
    CONFLICT: ("Sensor and camera disagree about {} for more than {}", "Sensor and camera agree about {}"),
    CONGESTION: ("Traffic crawls at {} for more than {}", "Traffic flows at {}"),
}
SILENT_INTERVALS: Final = 3
"""A sensor that missed so many words says nothing of what stands there."""
FRESH_INTERVALS: Final = 0.6
"""An older word convinces nobody: the next decides, of which 4 in 10 findings wait."""
_RETRY_MS: Final = 3_600_000
_FROZEN: Final = 2
_BAY: Final = (BLOCKED, LOCK, CONFLICT)
_ROAD: Final = (CONGESTION,)
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    FacilityClass.PARKING_BAY: _BAY,
    FacilityClass.TRAVEL_LANE: _ROAD,
    FacilityClass.ROAD_SECTION: _ROAD,
}


class Delays(NamedTuple):
    """How long something must hold, and be over, in ms."""

    on: int
    off: int


def names_of(spot: Spot) -> tuple[str, ...]:
    """What is looked after at a spot."""
    return _NAMES.get(spot.site.facility_class, ())


def delays(state: State, spot: Spot, name: str) -> Delays:
    """As the rules say."""
    values = values_of(state, spot)
    return Delays(ms(values[f"{name}.after_s"]), ms(values[f"{name}.clear_s"]))


def look(state: State, spot: Spot, event: Reading | CameraEvent | None, time_ms: int, turn: Turn) -> None:
    """Something may have changed: see what holds now."""
    for name in names_of(spot):
        holds = _holds(state, spot, name)
        watch = spot.watches.get(name)
        if watch is None:
            if not holds:
                continue
            watch = spot.watches[name] = Watch()
        at_ms = _when(state, name, event, time_ms)
        pass_time(state, spot, name, at_ms, turn)
        evidence = None if event is None else Evidence.of(event)
        if holds:
            if watch.since_ms is None:
                watch.since_ms, watch.first = at_ms, evidence
            watch.free_ms = watch.freed = None
        elif name == CONFLICT and watch.opened is None:
            watch.since_ms, watch.waits = None, False  # who agrees again has not disagreed for long
        elif watch.since_ms is not None and watch.free_ms is None:
            watch.free_ms, watch.freed = max(at_ms, watch.since_ms), evidence
            if name == BLOCKED:
                _count_anew(state, spot, watch.free_ms)
            pass_time(state, spot, name, at_ms, turn)  # the delay may be 0
        if watch.since_ms is None:
            del spot.watches[name]


def _when(state: State, name: str, event: Reading | CameraEvent | None, time_ms: int) -> int:
    """By the clock of the log, where the clocks of two are compared: nothing was sent after it came."""
    if name != CONFLICT or event is None:
        return time_ms
    if isinstance(event, Reading):
        return min(time_ms, event.arrival_ms)
    return time_ms + clocks.skew_of(state, event.device)


def _count_anew(state: State, spot: Spot, at_ms: int) -> None:
    """What stands on a bay after the object has gone came then."""
    for stay in spot.stays.values():
        if not stay.offends:
            stay.judged_ms, stay.waits = at_ms, False
            judge(state, spot, stay, at_ms)


def _holds(state: State, spot: Spot, name: str) -> bool:
    if name == BLOCKED:
        vehicle = any(source.taken and source.camera for source in spot.sources.values())
        return _any(spot, "obstruction") or (bool(spot.objects) and not vehicle)
    if name == LOCK:
        return _any(spot, "lock_raised") and not any(source.taken for source in spot.sources.values())
    if name == CONFLICT:
        sensors = [source.taken for source in spot.sources.values() if not source.camera]
        if not sensors or not spot.cameras:
            return False
        seen = bool(spot.objects) or any(source.taken for source in spot.sources.values() if source.camera)
        seen = seen or any(stay.lost for stay in spot.stays.values())  # it may be found again at once
        return any(sensors) is not seen
    standing = sum(stay.free_ms is None for stay in spot.stays.values())
    slow = _any(spot, "traffic_speed") or _any(spot, "road_occupancy")
    return slow or standing >= values_of(state, spot)["congestion.vehicles"]


def _any(spot: Spot, observed_property: str) -> bool:
    return any(on and key.endswith(f"|{observed_property}") for key, on in spot.flags.items())


def next_due(state: State, spot: Spot, name: str) -> int | None:
    """When something happens next to a watch if nothing more is heard."""
    watch = spot.watches[name]
    on_ms, off_ms = delays(state, spot, name)
    if watch.free_ms is not None:
        return watch.free_ms + off_ms
    if watch.opened is not None or watch.since_ms is None or watch.waits:
        return None
    return watch.since_ms + on_ms + 1


def pass_time(state: State, spot: Spot, name: str, until_ms: int, turn: Turn) -> None:
    """Do what falls due up to then, in order."""
    watch = spot.watches[name]
    while (due_ms := next_due(state, spot, name)) is not None and due_ms <= until_ms:
        if watch.free_ms is not None:
            summary = _WORDS[name][1].format(spot.site.facility)
            numbers = {} if watch.since_ms is None else {"held_s": (watch.free_ms - watch.since_ms) / 1000}
            freed = () if watch.freed is None else (watch.freed,)
            _end(watch, Step(due_ms, summary, numbers, freed, by_time=True), turn)
        else:
            _begin(state, spot, name, due_ms - 1, turn)


def catch_up(state: State, spot: Spot, name: str, until_ms: int, turn: Turn) -> None:
    """Do what falls due up to then, by what was said so far, and forget what is over."""
    if name in spot.watches:
        pass_time(state, spot, name, until_ms, turn)
        if spot.watches[name].since_ms is None:
            del spot.watches[name]


def _begin(state: State, spot: Spot, name: str, at_ms: int, turn: Turn) -> None:
    watch = spot.watches[name]
    assert watch.since_ms is not None, "it holds since then"
    on_ms = delays(state, spot, name).on
    if name == CONFLICT:
        if not _both_say(state, spot, watch.since_ms, at_ms):
            watch.since_ms = at_ms + 1  # who says nothing contradicts nobody
            return
        if not _is_fresh(spot, at_ms):
            watch.waits = True
            return
    if name == BLOCKED and not _is_felt(spot, at_ms):
        watch.waits = True
        return
    if name == LOCK and (times := _repeats(spot)) >= (most := values_of(state, spot)["overstay.same_values"]):
        # So few may be chance, which is soon over; what a frozen sensor has said for long counts for nothing.
        watch.since_ms = at_ms + 1 if times >= _FROZEN * most else watch.since_ms + _RETRY_MS
        return
    _raise(spot, name, on_ms, None, turn)


def _raise(spot: Spot, name: str, on_ms: int, event: Reading | CameraEvent | None, turn: Turn) -> None:
    """It has held for long enough: dated so, whichever word makes sure of it."""
    watch, facility = spot.watches[name], spot.site.facility
    assert watch.since_ms is not None, "it holds since then"
    watch.waits = False
    summary = _WORDS[name][0].format(facility, span(on_ms))
    at_ms = watch.since_ms + on_ms
    word = None if event is None else Evidence.of(event)
    step = Step(at_ms, summary, *proof.of_watch(spot, name, watch, on_ms, word), by_time=word is None)
    began = watch.since_ms if watch.first is None else watch.first.id  # None: it began because a track was gone
    cause = f"{name}/{began}/{watch.epoch_ms}"
    watch.opened = turn.raises(_KIND[name], Opening(facility, spot.site, cause, watch.since_ms), step)


def decide(state: State, spot: Spot, source: Source, event: Reading | CameraEvent, word: Word, turn: Turn) -> None:
    """What falls due in a dispute before a word; and what this word says of one that waits for it.

    One that was due to speak says that they disagree still; one that was not, that they did until now. A word between
    that was lost may have said that they agree.
    """
    if not spot.watches:
        return
    at_ms = _when(state, CONFLICT, event, word.time_ms)
    catch_up(state, spot, CONFLICT, at_ms, turn)
    watch = spot.watches.get(CONFLICT)
    if watch is None or not watch.waits or watch.since_ms is None or word.camera:
        return
    on_ms = delays(state, spot, CONFLICT).on
    if at_ms <= watch.since_ms + on_ms:
        return  # it was on its way while we waited
    agrees = word.taken is not source.taken
    if agrees and word.sudden:
        _raise(spot, CONFLICT, on_ms, event, turn)
    elif word.missing:
        watch.since_ms, watch.first, watch.waits = at_ms, Evidence.of(event), False
    elif not agrees:
        _raise(spot, CONFLICT, on_ms, event, turn)


def confirm(state: State, spot: Spot, reading: Reading, turn: Turn) -> None:
    """What a word of a sensor that feels objects says of one that was to be confirmed: it lay there until now, or not.

    That it is gone was due to be said: then it may have gone long ago, and that word was lost. What says so again says
    no more than that.
    """
    watch, device = spot.watches.get(BLOCKED), reading.series.device
    if watch is None or not watch.waits or watch.since_ms is None or watch.free_ms is not None:
        return
    on_ms = delays(state, spot, BLOCKED).on
    source, every_ms = spot.sources.get(device), spot.intervals.get(device)
    gone = reading.value == 0 and (source is None or every_ms is None or is_due(source, every_ms, reading.time_ms))
    if reading.time_ms > watch.since_ms + on_ms and not gone:
        _raise(spot, BLOCKED, on_ms, reading, turn)


def _is_felt(spot: Spot, at_ms: int) -> bool:
    """Whether a camera sees the object, or no sensor's word that it is gone can have been lost."""
    devices = {key: key.partition("|")[0] for key, on in spot.flags.items() if on and key.endswith("|obstruction")}
    return not devices or any(
        at_ms - spot.said[key].time_ms <= FRESH_INTERVALS * spot.intervals.get(device, at_ms)
        for key, device in devices.items()
    )


def _is_fresh(spot: Spot, at_ms: int) -> bool:
    """Whether no sensor has agreed in a word that was lost: each has spoken not long ago."""
    return all(
        at_ms - source.newest_ms <= FRESH_INTERVALS * spot.intervals.get(name, at_ms)
        for name, source in spot.sources.items()
        if not source.camera
    )


def _both_say(state: State, spot: Spot, since_ms: int, at_ms: int) -> bool:
    """Whether the sensor and the camera have both spoken since they disagree, the sensor as often as it should."""
    for name, source in spot.sources.items():
        every_ms = None if source.camera else spot.intervals.get(name)
        if every_ms is not None and source.newest_ms < max(since_ms, at_ms - SILENT_INTERVALS * every_ms):
            return False
    skews_ms = {camera: clocks.skew_of(state, camera) for camera in spot.cameras}
    seen = [source.newest_ms for source in spot.sources.values() if source.camera and source.taken]
    seen += [said.time_ms for said in spot.objects.values()]
    if seen:
        return max(seen) + max(skews_ms.values(), default=0) >= since_ms
    return any(
        hearing.would_have_said(state, camera, since_ms - skew_ms, at_ms - skew_ms)
        for camera, skew_ms in skews_ms.items()
    )


def is_silent(spot: Spot, name: str, source: Source, at_ms: int) -> bool:
    """Whether a sensor was not heard for so long that what it said last says nothing of now."""
    every_ms = None if source.camera else spot.intervals.get(name)
    return every_ms is not None and at_ms - source.newest_ms > SILENT_INTERVALS * every_ms


def _repeats(spot: Spot) -> int:
    """How often the sensor that says that a lock is up has repeated its temperature to the digit."""
    saying = (key.partition("|")[0] for key, on in spot.flags.items() if on and key.endswith("|lock_raised"))
    return max((spot.other.get(device, (0.0, 0))[1] for device in saying), default=0)


def _end(watch: Watch, step: Step, turn: Turn) -> None:
    if watch.opened is not None:
        turn.clears(watch.opened, step)
    watch.opened = watch.since_ms = watch.first = watch.free_ms = watch.freed = None
    watch.epoch_ms, watch.waits = 0, False


def rejudge(state: State, spot: Spot, turn: Turn) -> None:
    """By what applies now, a finding may be none."""
    now_ms = turn.clock.now_ms
    for name, watch in spot.watches.items():
        due_ms = None if watch.since_ms is None else watch.since_ms + delays(state, spot, name).on + 1
        if watch.opened is not None and due_ms is not None and due_ms > now_ms:
            summary = f"{spot.site.facility} is under another rule"
            turn.clears(watch.opened, Step(now_ms, summary, {}, reason=POLICY_CHANGED))
            watch.opened, watch.epoch_ms = None, now_ms


def put_forward(spot: Spot, by_ms: int) -> None:
    """Nothing held longer because a clock was set."""
    for watch in spot.watches.values():
        if watch.since_ms is not None:
            watch.since_ms += by_ms
        if watch.free_ms is not None:
            watch.free_ms += by_ms
    for said in spot.objects.values():
        said.time_ms += by_ms


def void(state: State, spot: Spot, reason: str, turn: Turn) -> None:
    """What only those said who speak no more is over at once, and what they kept from holding may begin."""
    now_ms = turn.clock.now_ms
    for name in sorted(spot.watches):
        watch = spot.watches[name]
        if watch.since_ms is not None and watch.free_ms is None and not _holds(state, spot, name):
            summary = f"Nobody says any more what was said of {spot.site.facility}"
            _end(watch, Step(now_ms, summary, {}, reason=reason), turn)
            del spot.watches[name]
    look(state, spot, None, now_ms, turn)


def forget(spot: Spot, turn: Turn) -> None:
    """The facility is gone."""
    for _, watch in sorted(spot.watches.items()):
        if watch.opened is not None:
            summary = f"{spot.site.facility} is no longer watched"
            turn.clears(watch.opened, Step(turn.clock.now_ms, summary, {}, reason=LEFT))
    spot.watches.clear()
