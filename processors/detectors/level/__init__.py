"""Bins, drains, tanks and water on roads: what rises until somebody must come.

Every threshold is a mark (:mod:`processors.detectors.level.marks`): a number of a reading that must be beyond it for
some samples, and well below for some more. Marks that are degrees of one matter stand on one ladder, of which the
gravest is open: a bin that is nearly full overflows, a road with water on it is flooded.

The parameters: rules ``bin``, ``drain``, ``flood`` and ``tank`` in :mod:`schemas.rules`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from processors.detectors.common import (
    LEFT,
    POLICY_CHANGED,
    Bound,
    Evidence,
    Packed,
    Site,
    Step,
    Turn,
    as_known,
)
from processors.detectors.debounce import Signal
from processors.detectors.ladder import Matter, Moment, step_to
from processors.detectors.level.marks import MARKS, Mark, Sensor, Thing, rise_span_ms
from processors.detectors.rise import anew
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import Clock, Outcome, Reading, Series, Unseen, ZoneEvent
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values

_RULES: Final = ("bin", "drain", "flood", "tank")
_AREA: Final = "surface_area"
_BY_SERIES: Final[dict[tuple[FacilityClass, str], tuple[Mark, ...]]] = {
    (kind, name): tuple(mark for mark in marks if name in mark.measures)
    for kind, marks in MARKS.items()
    for name in dict.fromkeys(name for mark in marks for name in mark.measures)
}
_NOUN: Final = {
    FacilityClass.WASTE_BIN: "Bin",
    FacilityClass.DRAIN: "Drain",
    FacilityClass.ROAD_SECTION: "Road",
    FacilityClass.WATER_TANK: "Tank",
}
_CALM: Final = {
    AnomalyKind.BIN_FIRE: "burns no more",
    AnomalyKind.BIN_OVERFLOWING: "was emptied",
    AnomalyKind.BIN_FULL: "was emptied",
    AnomalyKind.DRAIN_HIGH: "has room again",
    AnomalyKind.ROAD_FLOODED: "is free of water",
    AnomalyKind.ROAD_WATER: "is free of water",
    AnomalyKind.TANK_HIGH: "is no longer too full",
    AnomalyKind.TANK_LOW: "is filled again",
}


class State(msgspec.Struct, array_like=True):
    """What rises in a zone."""

    zone: str
    rules: Rulebook
    things: dict[str, Thing] = {}

    def values(self, thing: Thing) -> Values:
        """What applies to one of them."""
        return self.rules.of(thing.site.facility, thing.site.facility_class)


class LevelDetector(Packed[State]):
    """Something is too full, too empty, under water or on fire."""

    state_type = State
    name: Final = "level"
    version: Final = 5
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """Nothing stands here."""
        return State(zone, Rulebook(_RULES))

    def wants(self, series: Series) -> bool:
        """What some mark is measured by, and the area of water on roads."""
        kind, name = series.facility_class, series.observed_property
        return (kind, name) in _BY_SERIES or (kind is FacilityClass.ROAD_SECTION and name == _AREA)

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in readings, registrations and rules."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    _on_reading(state, event, turn)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    _on_registry(state, event, turn)
                case Unseen(facility=name, since_ms=int()):
                    _interrupt(state, name)
                case _:
                    pass
        return turn.outcome

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:
        """Version 4 kept some depths that this one does not; what it forgot sooner matters only to what comes late."""
        if version != 4:  # noqa: PLR2004 - the one before
            return None
        state = self.restore(zone, data)
        for thing in state.things.values():
            span_ms = rise_span_ms(state.values(thing))
            for sensor in thing.sensors.values():
                sensor.recent = anew(sensor.recent, span_ms)
        return self.snapshot(state)


def _on_reading(state: State, reading: Reading, turn: Turn) -> None:
    thing = state.things.get(reading.series.facility)
    if thing is None:
        return
    name = reading.series.observed_property
    sensor = thing.sensor(reading.series.device)
    if sensor is None:
        return  # it spoke for the facility until just now
    if name == _AREA:
        if reading.time_ms >= sensor.area_ms:
            sensor.area_ms, sensor.area_m2 = reading.time_ms, reading.value
        return
    values = state.values(thing)
    changed: Mark | None = None
    for mark in _BY_SERIES.get((thing.site.facility_class, name), ()):
        if _hear(thing, sensor, mark, values, reading):
            if changed is not None and changed.ladder != mark.ladder:
                _judge(thing, sensor, values, changed, Evidence.of(reading), reading.time_ms, turn)
            changed = mark
    if changed is not None:
        _judge(thing, sensor, values, changed, Evidence.of(reading), reading.time_ms, turn)


def _interrupt(state: State, facility: str) -> None:
    """What must last has not lasted while nobody saw it."""
    thing = state.things.get(facility)
    if thing is None:
        return
    values = state.values(thing)
    for mark in MARKS[thing.site.facility_class]:
        for sensor in thing.sensors.values():
            signal = sensor.signals.get(mark.name)
            if signal is not None:
                signal.interrupt(mark.calm(values) if signal.on else mark.confirm(values))


def _hear(thing: Thing, sensor: Sensor, mark: Mark, values: Values, reading: Reading) -> bool:
    """Show a mark a reading; whether it was reached, or left, by it."""
    value = mark.measures[reading.series.observed_property](sensor, values, reading)
    if value is None:
        return False
    signal = sensor.signals.get(mark.name)
    if signal is None:
        signal = sensor.signals[mark.name] = Signal()
    says = mark.says(thing, values, value, reading.time_ms)
    need = mark.calm(values) if signal.on else mark.confirm(values)
    against = says is not None and says is not signal.on
    return signal.hear(reading, value, against=against, need=need, between=says is None)


def _judge(
    thing: Thing,
    sensor: Sensor | None,
    values: Values,
    changed: Mark,
    trigger: Evidence | None,
    at_ms: int,
    turn: Turn,
    reason: str | None = None,
) -> None:
    """Say what is the case on the ladder of a mark that was reached, or left, by the word of a sensor."""
    site = thing.site
    noun = f"{_NOUN[site.facility_class]} {site.facility}"
    matter: Matter | None = None
    shown, signal = changed, None if sensor is None else sensor.signals[changed.name]
    for mark in MARKS[site.facility_class]:
        believed = thing.believed(mark.name) if mark.ladder == changed.ladder else None
        if believed is not None and believed.cause is not None:
            shown, signal = mark, believed
            matter = Matter(mark.kind, believed.cause, f"{noun} {mark.said(values, believed.value)[0]}")
            break
    numbers = {} if signal is None else shown.said(values, signal.value)[1]
    opened = thing.opened.pop(changed.ladder, None)
    calm = f"{noun} {as_known(_CALM[changed.kind if opened is None else opened.kind], reason)}"
    opened = step_to(opened, matter, calm, site, Moment(at_ms, numbers, trigger, reason), turn)
    if opened is not None:
        thing.opened[changed.ladder] = opened


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            _on_registered(state, event.facility, turn)
        case FacilityLeft():
            _on_left(state, event.facility, turn)
        case _:
            before = {name: state.values(thing) for name, thing in state.things.items()}
            if state.rules.configure(event):
                for name in sorted(before):
                    _on_rules(state, name, before[name], turn)


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    name = facility.facility
    thing = state.things.get(name)
    if thing is not None and thing.site.facility_class is not facility.facility_class:
        _on_left(state, name, turn)
        thing = None
    if facility.facility_class not in MARKS:
        return
    site = Site.of(facility)
    if thing is None:
        state.rules.register(facility)
        state.things[name] = Thing(site, Bound.of(facility).devices)
        return
    thing.site = site
    _unbind(state, thing, facility, turn)
    before = state.values(thing)
    state.rules.register(facility)
    _on_rules(state, name, before, turn)


def _unbind(state: State, thing: Thing, facility: Facility, turn: Turn) -> None:
    """What those said that do not speak for it any more is forgotten."""
    bound = Bound.of(facility, thing.devices)
    thing.devices = bound.devices
    gone = [sensor for device in bound.gone if (sensor := thing.sensors.pop(device, None)) is not None]
    ladders: dict[str, Mark] = {}
    for mark in MARKS[thing.site.facility_class]:
        if any((signal := sensor.signals.get(mark.name)) is not None and signal.on for sensor in gone):
            ladders.setdefault(mark.ladder, mark)
    for ladder in sorted(ladders):
        _judge(thing, None, state.values(thing), ladders[ladder], None, turn.clock.now_ms, turn, bound.reason)


def _on_rules(state: State, name: str, before: Values, turn: Turn) -> None:
    """What is no alarm by the new rule is none any more; what is one by it only, the next samples say."""
    thing = state.things[name]
    values = state.values(thing)
    if values == before:
        return
    ladders: dict[str, tuple[Mark, Sensor]] = {}
    for mark in MARKS[thing.site.facility_class]:
        for device in sorted(thing.sensors):
            sensor = thing.sensors[device]
            signal = sensor.signals.get(mark.name)
            if signal is None:
                continue
            signal.settle()
            # Between its limits it stays what it was only where the old rule would have raised it by this value, too.
            now, then = (mark.says(thing, one, signal.value, signal.newest_ms) for one in (values, before))
            if signal.on and not now and then:
                signal.turn(on=False)
                ladders[mark.ladder] = mark, sensor
    for ladder in sorted(ladders):
        mark, sensor = ladders[ladder]
        _judge(thing, sensor, values, mark, None, turn.clock.now_ms, turn, POLICY_CHANGED)


def _on_left(state: State, name: str, turn: Turn) -> None:
    state.rules.forget(name)
    thing = state.things.pop(name, None)
    if thing is None:
        return
    for ladder in sorted(thing.opened):
        noun = _NOUN[thing.site.facility_class]
        turn.clears(
            thing.opened[ladder], Step(turn.clock.now_ms, f"{noun} {name} is no longer watched", {}, reason=LEFT)
        )
