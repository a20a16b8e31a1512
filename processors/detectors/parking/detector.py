"""Who is told what: readings, camera events, registrations and timers of a street.

Messages older than the newest of their sensor or track are ignored, unless they say that a stay began earlier. A
spot has one timer; where nothing falls due and a track only says that it is still there, nothing is looked at.
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors.common import Packed, Turn, retry_at
from processors.detectors.parking import ears, registry, stays, watches
from processors.detectors.parking.cameras import BEHIND_MAX_MS
from processors.detectors.parking.dues import Next, do_due, next_of
from processors.detectors.parking.joining import SURE, Word, began_earlier, displaced, note, stay_of
from processors.detectors.parking.numbers import tell
from processors.detectors.parking.rules import NAMES, values_of
from processors.detectors.parking.sightings import Sight, news, word_of
from processors.detectors.parking.state import NEVER_MS, Lengths, Said, Source, Spot, State, Stay
from processors.detectors.parking.written import read, write
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import (
    QUIET,
    Calm,
    Clock,
    Ear,
    Outcome,
    Reading,
    Series,
    Stepped,
    TimerDue,
    ZoneEvent,
    deaf,
)
from schemas.camera import LIVING, VEHICLES, CameraEvent
from schemas.facility import FacilityClass
from schemas.registry import CalendarConfigured, ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured

_BAY: Final = frozenset({"occupied", "obstruction", "lock_raised", "temperature"})
_TRAFFIC: Final = frozenset({"traffic_speed", "road_occupancy"})
_LANE: Final = frozenset({"occupied", "traffic_speed", "road_occupancy"})
_HEARD: Final = {
    FacilityClass.PARKING_BAY: _BAY,
    FacilityClass.CURB_ZONE: frozenset({"occupied"}),
    FacilityClass.BICYCLE_LANE: frozenset({"occupied"}),
    FacilityClass.ENTRANCE: frozenset({"occupied"}),
    FacilityClass.TRAVEL_LANE: _LANE,
    FacilityClass.ROAD_SECTION: _TRAFFIC,
}
_MAY_STAND: Final = {"bus_stop": "bus", "bicycle_lane": "motorcycle"}  # electric bicycles look like motorcycles
_NEVER: Final = (False, 0, False)
_BEHIND_MS: Final = BEHIND_MAX_MS  # here a number of C's
_ENDS_MS: Final = 10_000  # a track ends so soon after its object left the place, by Frigate 5 s after the picture


class ParkingDetector(Packed[State]):
    """A vehicle that stands too long or where it may not, and what else is wrong with bays and lanes."""

    state_type = State
    name: Final = "parking"
    version: Final = 13
    hears_late: Final = False

    def initial(self, zone: str) -> State:
        """No spots."""
        return State(zone, Rulebook(NAMES))

    def snapshot(self, state: State) -> bytes:
        """The state as sorted msgpack."""
        return write(state)

    def restore(self, zone: str, data: bytes) -> State:  # noqa: ARG002 - the zone stands in the data
        """What :meth:`snapshot` wrote."""
        return read(data)

    def wants(self, series: Series) -> bool:
        """Occupancy, obstruction, locks, and how traffic flows."""
        heard = _HEARD.get(series.facility_class)
        return heard is not None and series.observed_property in heard

    def ear(self, state: State, series: Series) -> Ear | None:
        """Nearly every reading says of a spot what the last one said."""
        spot = state.spots.get(series.facility)
        if spot is None:
            return deaf
        if series.observed_property == "temperature":
            return ears.other(spot, series.device)
        if series.observed_property == "occupied":
            every_ms = spot.intervals.get(series.device)
            silent_ms = None if every_ms is None else watches.SILENT_INTERVALS * every_ms
            return ears.occupied(spot, series.device, every_ms, _fresh_ms(spot, series.device), silent_ms)
        return None

    def calm(self, state: State, series: Series) -> Calm | None:
        """That a bay is still free is known when somebody asks."""
        spot = state.spots[series.facility]
        if series.observed_property == "temperature":
            return ears.calm_other(spot, series.device)
        return ears.calm_free(spot, series.device, spot.intervals.get(series.device))

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in what sensors and cameras say, registrations and timers."""
        turn: Turn | None = None
        for event in events:
            if isinstance(event, CameraEvent):
                sight = news(state, event)
                if sight is not None:
                    turn = turn or Turn(self, state.zone, clock)
                    _on_sight(state, sight, turn)
                continue
            turn = turn or Turn(self, state.zone, clock)
            match event:
                case Reading():
                    _on_reading(state, event, turn)
                case TimerDue():
                    _on_timer(state, event, turn)
                case (
                    FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured() | CalendarConfigured()
                ):
                    for spot in registry.on_registry(state, event, turn):
                        _arm(spot, next_of(state, spot), turn)
                case Stepped():
                    registry.put_forward(state, event.by_ms)
                case _:
                    pass
        return QUIET if turn is None else turn.outcome


def _on_sight(state: State, sight: Sight, turn: Turn) -> None:
    event, spot, source, time_ms = sight.event, sight.spot, sight.source, sight.time_ms
    label = event.label.lower()
    if label in VEHICLES or (spot.activity == "fire_lane" and label not in LIVING and event.box is not None):
        if label != _MAY_STAND.get(spot.activity):
            word = word_of(sight)
            if source is None and not sight.taken:  # it was lost before we heard that it stood
                first = word.at(word.time_ms, word.still_ms, word.counts, taken=True, lost=False)
                _hear(state, spot, event, first, turn)
            _hear(state, spot, event, word, turn)
            seen, end_ms, lost = spot.passed.pop(sight.name, _NEVER) if source is None else _NEVER
            if end_ms > time_ms:  # its end came first; the messages changed places on their way
                counts = SURE if lost or seen else 0
                after = word.at(end_ms, 0, counts, taken=False, lost=lost)
                _hear(state, spot, event, after, turn)
    elif label not in LIVING and event.box is not None:
        _on_object(state, sight, turn)


def _on_object(state: State, sight: Sight, turn: Turn) -> None:
    """Something that is no vehicle and does not live stands there, or does not any more."""
    event, spot, name, time_ms = sight.event, sight.spot, sight.name, sight.time_ms
    before = spot.objects.get(name)
    if spot.site.facility_class is not FacilityClass.PARKING_BAY or (before is not None and time_ms < before.time_ms):
        return
    _place(spot, event, time_ms, turn)
    if sight.taken:
        spot.objects[name] = Said.of(event)
    else:
        spot.objects.pop(name, None)
    watches.look(state, spot, event, time_ms, turn)
    _arm(spot, next_of(state, spot), turn)


def _on_reading(state: State, reading: Reading, turn: Turn) -> None:
    series = reading.series
    spot = state.spots.get(series.facility)
    if spot is None:
        return
    if series.observed_property == "temperature":
        value, times = spot.other.get(series.device, (0.0, 0))
        spot.other[series.device] = reading.value, times + 1 if times and value == reading.value else 1
        return
    if series.observed_property == "occupied":
        fresh_ms = _fresh_ms(spot, series.device)
        said = Said.of(reading)
        word = Word(series.device, "", reading.time_ms, said, taken=reading.value != 0)
        word.fresh_ms = fresh_ms
        _hear(state, spot, reading, word, turn)
        return
    key = f"{series.device}|{series.observed_property}"
    if (before := spot.said.get(key)) is not None and reading.time_ms < before.time_ms:
        return
    spot.said[key] = Said.of(reading)
    if series.observed_property == "obstruction":
        watches.confirm(state, spot, reading, turn)
    on = _says(state, spot, series.observed_property, reading.value)
    if on is None or on is spot.flags.get(key, False):
        return
    _place(spot, reading, reading.time_ms, turn)
    spot.flags[key] = on
    watches.look(state, spot, reading, reading.time_ms, turn)
    _arm(spot, next_of(state, spot), turn)


def _fresh_ms(spot: Spot, device: str) -> int | None:
    """How long a word of a sensor is good for; None: until it is taken back."""
    every_ms = spot.intervals.get(device)
    return None if every_ms is None else round(watches.FRESH_INTERVALS * every_ms)


def _says(state: State, spot: Spot, observed_property: str, value: float) -> bool | None:
    """What a reading says of a flag; None: neither yes nor no."""
    if observed_property not in _TRAFFIC:
        return value != 0
    values = values_of(state, spot)
    if observed_property == "traffic_speed":
        slow, flowing = values["congestion.slow_mps"], values["congestion.flowing_mps"]
        return True if value < slow else False if value > max(slow, flowing) else None
    full, free = values["congestion.full_share"] * 100, values["congestion.free_share"] * 100
    return True if value > full else False if value < min(full, free) else None


def _hear(state: State, spot: Spot, event: Reading | CameraEvent, word: Word, turn: Turn) -> None:
    lengths = spot.lengths
    source = spot.sources.get(word.name)
    if source is not None and word.time_ms < source.newest_ms:
        if (stay := spot.stays.get(source.stay)) is not None:
            _hear_older(state, spot, stay, event, word, turn)
            _arm(spot, next_of(state, spot), turn)
        return
    _place(spot, event, word.time_ms, turn)
    if source is None:
        source = spot.sources[word.name] = Source(word.camera, taken=False, newest_ms=word.time_ms)
    if isinstance(event, Reading):
        word = _follow(state, spot, source, event, word)
    if spot.stays:
        _catch_up(state, spot, source, word, lengths, turn)
    watches.decide(state, spot, source, event, word, turn)
    source.newest_ms, source.put_off_ms = word.time_ms, 0
    changed = word.taken is not source.taken or not source.stay
    if source.said is None or word.taken is not source.taken:
        source.said = word.said
    if word.taken:
        _stands(state, spot, source, event, word, turn)
    elif source.taken:
        _leaves(state, spot, source, event, word, turn)
    if changed:
        watches.look(state, spot, event, word.time_ms, turn)
    _arm(spot, next_of(state, spot), turn)


def _follow(state: State, spot: Spot, source: Source, reading: Reading, word: Word) -> Word:
    """What the words before it make of a sensor's word.

    Nobody saw whether what stands there is what stood there before, if the sensor was silent for long, or if a word
    between was lost that was not due: then the stay begins with this one. And who is gone when a word was due may be
    gone since the word before.
    """
    every_ms = spot.intervals.get(word.name)
    told = tell(source, every_ms, word.time_ms, reading.identity)
    if every_ms is None:
        return word
    stay = spot.stays.get(source.stay)
    if stay is not None and source.taken and not stay.offends and stay.free_ms is None:
        silent = word.time_ms - stay.said_ms > watches.SILENT_INTERVALS * every_ms
        alone = not any(one is not source and one.taken and one.stay == source.stay for one in spot.sources.values())
        if silent or (told.changed and alone and word.taken):
            stays.begin_anew(state, spot, stay, word.said, word.time_ms)
    word.sudden, word.missing = told.is_due is False, told.changed
    if not word.taken:
        word.counts = int(word.sudden)
    return word


def _hear_older(state: State, spot: Spot, stay: Stay, event: Reading | CameraEvent, word: Word, turn: Turn) -> None:
    """A message that was overtaken may still move the beginning or the end of a stay, or be the one waited for."""
    if stay.waits and word.camera and word.counts and word.time_ms >= stays.due_of(stay):
        note(spot, stay, word, spot.lengths.words)
        stays.heard(state, spot, stay, event, turn)
    if word.taken and 0 < stay.since_ms - word.since_ms < spot.lengths.clear:
        began_earlier(state, spot, stay, word)
    elif not word.taken and stay.free_ms is not None and stay.said_ms <= word.time_ms < stay.free_ms:
        stays.leave(spot, spot.sources[word.name].stay, word.time_ms, event, lost=word.lost)


def _catch_up(state: State, spot: Spot, source: Source, word: Word, lengths: Lengths, turn: Turn) -> None:
    """Do what fell due before this word."""
    for number, stay in list(spot.stays.items()):
        if number == source.stay:
            if source.taken:
                note(spot, stay, word, spot.lengths.words)
            stays.pass_time(state, spot, number, _stood_until(word), lengths, turn)
        elif stay.free_ms is not None and word.taken:
            stays.pass_time(state, spot, number, word.since_ms, lengths, turn)


def _stood_until(word: Word) -> int:
    """Until when a source is known to have stood there: that a track ended is said up to ten seconds after it left."""
    return word.time_ms - _ENDS_MS if word.camera and not (word.taken or word.counts) else word.time_ms


def _stands(state: State, spot: Spot, source: Source, event: Reading | CameraEvent, word: Word, turn: Turn) -> None:
    lengths = spot.lengths
    known = source.taken and source.stay in spot.stays
    if not known and spot.stays:
        for number in displaced(state, spot, word):
            _is_gone(spot, number, word.since_ms, event)
    unseen = not known and word.camera and _is_unseen(spot, word.since_ms)
    stay = stay_of(state, spot, source, word, lengths)
    source.taken = True
    if unseen and not stay.offends:
        stays.begin_anew(state, spot, stay, word.said, word.since_ms)
    if not known:
        note(spot, stay, word, spot.lengths.words)
    if stay.waits:
        stays.heard(state, spot, stay, event, turn)
    stays.pass_time(state, spot, source.stay, word.time_ms, lengths, turn)


def _is_unseen(spot: Spot, at_ms: int) -> bool:
    """Whether only a sensor that was not heard since long ago says that something stood on a bay."""
    if spot.site.facility_class is not FacilityClass.PARKING_BAY:
        return False
    says = False
    for name, one in spot.sources.items():
        if one.taken and one.stay in spot.stays:
            says = True
            if not watches.is_silent(spot, name, one, at_ms):
                return False
    return says


def _is_gone(spot: Spot, number: str, at_ms: int, event: Reading | CameraEvent) -> None:
    """It left and nobody heard it: another has taken its place."""
    for source in spot.sources.values():
        source.taken = source.taken and source.stay != number
    if spot.stays[number].free_ms is None:
        stays.leave(spot, number, at_ms, event, lost=False)
    else:
        spot.stays[number].lost = False


def _leaves(state: State, spot: Spot, source: Source, event: Reading | CameraEvent, word: Word, turn: Turn) -> None:
    source.taken = False
    stay = spot.stays.get(source.stay)
    if stay is None:
        return
    due_ms, until_ms = stays.due_of(stay), _stood_until(word)
    if stay.waits and not word.counts and word.camera and until_ms >= due_ms:
        # That it left was lost, or is on its way.
        word = word.at(word.time_ms, word.still_ms, SURE, taken=False, lost=word.lost)
        note(spot, stay, word, spot.lengths.words)
    if stay.waits and word.counts:
        stays.heard(state, spot, stay, event, turn)  # it stood until now
    elif until_ms < due_ms <= word.time_ms and not stay.offends:
        stay.waits = True  # that it left may be on its way, and says whether it did so in time
    stays.leave(spot, source.stay, word.time_ms, event, lost=word.lost)
    stays.pass_time(state, spot, source.stay, word.time_ms, spot.lengths, turn)  # clear_s may be 0


def _place(spot: Spot, event: Reading | CameraEvent, time_ms: int, turn: Turn) -> None:
    """Who spoke last, and how late: by a clock that is behind nothing is over before its time."""
    spot.shard = event.shard
    spot.behind_ms = min(max(turn.clock.now_ms - time_ms, 0), _BEHIND_MS)


def _on_timer(state: State, due: TimerDue, turn: Turn) -> None:
    spot = state.spots[due.name]
    spot.armed_ms = None
    until_ms = turn.clock.frontier.get(spot.shard, 0) - spot.behind_ms
    _arm(spot, do_due(state, spot, until_ms, turn), turn)


def _arm(spot: Spot, due: Next | None, turn: Turn) -> None:
    """See that the spot is asked again when something falls due."""
    if due is None:
        spot.due_ms = NEVER_MS
        return  # a timer that is no longer needed fires once and finds nothing to do
    at_ms = due.at_ms
    spot.due_ms = at_ms
    at_ms += spot.behind_ms
    if at_ms <= turn.clock.now_ms:
        at_ms = retry_at(turn.clock, spot.shard, at_ms) or at_ms
    if spot.armed_ms is None or at_ms < spot.armed_ms:
        spot.armed_ms = at_ms
        turn.wake(spot.site.facility, at_ms)
