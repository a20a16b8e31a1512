"""Manhole covers: tilted away from how they were installed, open, lifted by water, stolen.

Signals are debounced alike (:mod:`processors.detectors.debounce`): on with ``confirm_samples`` in a row, off with
``clear_samples`` calm ones. The contact, a tilt beyond the threshold and an angle beyond that of an open one are
confirmed, too, when ``confirm_s`` pass without a contrary sample. A device that speaks at no interval says
once that they are over: ``clear_s`` without a contrary word confirm that.

One finding is open per cover, and what it is follows from all signals (:mod:`processors.detectors.cover_judge`). When
one becomes the other, the old finding is cleared with the reason and a new one raised: they are different work with
different deadlines.

The parameters and their defaults: rule ``cover`` in :mod:`schemas.rules`.
"""

import math
from collections.abc import Sequence
from typing import Final

from processors.detectors.common import (
    LEFT,
    POLICY_CHANGED,
    Bound,
    Evidence,
    Packed,
    Site,
    Step,
    Turn,
    retry_at,
)
from processors.detectors.cover_judge import UP, judge, weigh_lift
from processors.detectors.cover_silence import LATE, SILENT, on_blind, on_silence, watch
from processors.detectors.cover_state import (
    ANGLE,
    BY_TIME,
    CONTACT,
    SIGNALS,
    TILT,
    WATER,
    Cover,
    Sensor,
    State,
    Wait,
    measured,
    need,
    says,
    timer,
)
from processors.detectors.debounce import Signal
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import (
    Blind,
    Calm,
    Clock,
    Ear,
    Outcome,
    Reading,
    Series,
    Stepped,
    TimerDue,
    Unseen,
    ZoneEvent,
    deaf,
)
from processors.engine.kept import Kept
from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values

_WHY: Final = (*UP, WATER)  # signals by which a cover is not as it should be
_PLAIN: Final = frozenset({"tilt_angle", "contact_open"})  # their numbers are judged as they are
_NEARLY: Final = 1 - 1e-9
_ANY: Final = (-math.inf, math.inf)


class CoverDetector(Packed[State]):
    """A cover that is not where it belongs."""

    state_type = State
    name: Final = "cover"
    version: Final = 8
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """No covers."""
        return State(zone, Rulebook(("cover",)))

    def wants(self, series: Series) -> bool:
        """All that covers say: it is a sign of life."""
        return series.facility_class is FacilityClass.MANHOLE_COVER

    def ear(self, state: State, series: Series) -> Ear | None:
        """Nearly every sample says that a cover lies as it should."""
        cover = state.covers.get(series.facility)
        if cover is None or series.device not in cover.devices:
            return deaf
        prop = series.observed_property
        names, sensor = SIGNALS.get(prop, ()), cover.sensors.get(series.device)
        if names and (prop not in _PLAIN or sensor is None or not sensor.knows(prop, names)):
            return None
        signals = () if sensor is None else tuple(sensor.signals[name] for name in names)
        low, high = _calm(state.values(cover)) if prop == "tilt_angle" else (0.0, 0.0) if names else _ANY

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            if not low <= value <= high or cover.silent or cover.opened is not None:
                return False
            for signal in signals:
                if signal.on or signal.count or signal.ended is not None:
                    return False
            for signal in signals:
                signal.goes_by(time_ms, value)
            cover.note(now_ms, shard)
            return True

        return hear

    def calm(self, state: State, series: Series) -> Calm | None:
        """That it lies as it should is known when somebody asks, if nothing is thought of it."""
        cover = state.covers[series.facility]
        if cover.silent or cover.opened is not None:
            return None
        if not all(one.is_quiet() for sensor in cover.sensors.values() for one in sensor.signals.values()):
            return None
        prop = series.observed_property
        names, sensor = SIGNALS.get(prop, ()), cover.sensors.get(series.device)
        low, high = _calm(state.values(cover)) if prop == "tilt_angle" else (0.0, 0.0) if names else _ANY
        signals = () if sensor is None else tuple(sensor.signals[name] for name in names)

        def absorb(kept: Kept, first: int) -> None:
            newest = kept.count - 1
            time_ms, value = kept.time(newest), kept.value(newest)
            for signal in signals:
                signal.goes_by(time_ms, value)
            cover.note(*kept.last_word(first))

        return Calm(absorb, low, high)

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in samples, registrations and timers."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    _on_reading(state, event, turn)
                case TimerDue():
                    _on_timer(state, event, turn)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    _on_registry(state, event, turn)
                case Stepped():
                    _put_forward(state, event.by_ms)
                case Blind():
                    on_blind(state, event)
                case Unseen(facility=name, since_ms=int()):
                    _interrupt(state, name)
                case _:
                    pass
        return turn.outcome


def _calm(values: Values) -> tuple[float, float]:
    """Between these angles a cover is neither tilted nor open."""
    installed, room = values["cover.install_angle_deg"], values["cover.tilt_deg"]
    room *= _NEARLY  # what lies at the limit is left to the fold, which knows on which side
    return installed - room, min(installed + room, values["cover.open_deg"])


def _on_reading(state: State, reading: Reading, turn: Turn) -> None:
    cover = state.covers.get(reading.series.facility)
    if cover is None or reading.series.device not in cover.devices:
        return
    before_ms, now_ms = cover.heard_ms, turn.clock.now_ms
    cover.note(now_ms, reading.shard)
    changed = is_wet = False
    values = state.values(cover)
    for name in SIGNALS.get(reading.series.observed_property, ()):
        sensor = cover.sensors.get(reading.series.device)
        if sensor is None:
            sensor = cover.sensors[reading.series.device] = Sensor()
        value = measured(cover, sensor, values, name, reading)
        if value is None:
            continue
        if cover.silent and name in _WHY and says(values, name, value) is False:
            _is_back(cover, sensor, name)
        if _hear(cover, sensor, values, name, reading, value, turn):
            changed, is_wet = True, name == WATER and sensor.on(WATER)
    if cover.silent and (before_ms < now_ms < before_ms + (cover.silent_ms or 0) or not _waits_for(cover, reading)):
        cover.silent, changed = False, True
    if changed or (cover.opened is None and cover.on(WATER)):
        judge(cover, values, turn, reading.time_ms, Evidence.of(reading), is_wet=is_wet)
        watch(cover, turn)


def _interrupt(state: State, facility: str) -> None:
    """What must last has not lasted while nobody saw it."""
    cover = state.covers.get(facility)
    if cover is None:
        return
    values = state.values(cover)
    for sensor in cover.sensors.values():
        for name, signal in sensor.signals.items():
            signal.interrupt(need(values, name, on=signal.on))


def _is_back(cover: Cover, sensor: Sensor, name: str) -> None:
    """After a long silence one calm sample is enough: what was believed is as old as the silence."""
    signal = sensor.signals.get(name)
    if signal is not None and signal.on:
        signal.turn(on=False)
    if not cover.on(*UP):
        cover.lifted = False
        cover.carries_no_more()


def _waits_for(cover: Cover, reading: Reading) -> bool:
    """Whether the first message after a silence may not have said all yet of whether the cover is up."""
    return any(signal.newest_ms < reading.time_ms for signal in cover.believed(*_WHY))


def _hear(cover: Cover, sensor: Sensor, values: Values, name: str, reading: Reading, value: float, turn: Turn) -> bool:
    """Show a signal a number; whether it went on or off."""
    signal = sensor.signals.get(name)
    if signal is None:
        signal = sensor.signals[name] = Signal()
    says_now = says(values, name, value)
    against = says_now is not None and says_now is not signal.on
    wanted = need(values, name, on=signal.on)
    changed = signal.hear(reading, value, against=against, need=wanted, between=says_now is None)
    if name in BY_TIME:
        _wait(cover, sensor, values, name, reading, turn)
    if changed:
        _agree(cover, turn)
        weigh_lift(cover, name, reading.time_ms, values)
        if not cover.on(*UP):
            cover.carries_no_more()
    return changed


def _agree(cover: Cover, turn: Turn) -> None:
    """A contact that has once said open and a tilt confirm each other."""
    if not cover.on(ANGLE, TILT):
        return
    for device in sorted(cover.sensors):
        contact = cover.sensors[device].signals.get(CONTACT)
        if contact is not None and contact.count and not contact.on:
            contact.turn(on=True)
            _wait_no_more(cover, device, CONTACT, turn)


def _wait(cover: Cover, sensor: Sensor, values: Values, name: str, reading: Reading, turn: Turn) -> None:
    """Have time confirm a sample, from the first that still counts; of who says it once also that it is over."""
    signal, device = sensor.signals[name], reading.series.device
    if signal.first is None or (signal.on and device not in cover.eventful):
        _wait_no_more(cover, device, name, turn)
        return
    wait = sensor.waits.get(name)
    if wait is None or wait.first_ms < signal.first.time_ms:
        lasting_s = values["cover.clear_s" if signal.on else "cover.confirm_s"]
        at_ms = max(turn.clock.now_ms, signal.first.time_ms) + round(lasting_s * 1000)
        sensor.waits[name] = Wait(signal.first.time_ms, at_ms, reading.shard)
        turn.wake(timer(cover, device, name), at_ms)


def _wait_no_more(cover: Cover, device: str, name: str, turn: Turn) -> None:
    if cover.sensors[device].waits.pop(name, None) is not None:
        turn.wake(timer(cover, device, name), None)


def _wait_for_nothing(cover: Cover, device: str, turn: Turn) -> None:
    for name in sorted(cover.sensors[device].waits):
        _wait_no_more(cover, device, name, turn)


def _on_timer(state: State, due: TimerDue, turn: Turn) -> None:
    facility, _, rest = due.name.partition(" ")
    device, _, name = rest.rpartition(" ")
    cover = state.covers[facility]
    if name == SILENT:
        on_silence(state, cover, due, turn)
        return
    sensor = cover.sensors[device]
    wait = sensor.waits[name]
    retry_ms = retry_at(turn.clock, wait.shard, wait.at_ms)
    if retry_ms is not None:
        turn.wake(due.name, retry_ms)
        return
    del sensor.waits[name]
    signal = sensor.signals[name]
    if signal.on and device not in cover.eventful:
        return  # it is registered with an interval since
    signal.turn(on=not signal.on)
    values = state.values(cover)
    weigh_lift(cover, name, wait.first_ms, values)
    if not cover.on(*UP):
        cover.carries_no_more()
    judge(cover, values, turn, wait.at_ms, None)
    watch(cover, turn)


# the registry


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            _on_registered(state, event.facility, turn)
        case FacilityLeft():
            _on_left(state, event.facility, turn)
        case _:
            before = {name: state.values(state.covers[name]) for name in sorted(state.covers)}
            if state.rules.configure(event):
                for name, values in before.items():
                    _on_rules(state, state.covers[name], values, turn)


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    if facility.facility_class is not FacilityClass.MANHOLE_COVER:
        _on_left(state, facility.facility, turn)
        return
    site = Site.of(facility)
    cover = state.covers.get(facility.facility)
    intervals = {binding.device: binding.interval_s for binding in facility.devices}
    interval_s = min((one for one in intervals.values() if one is not None), default=None)
    if cover is None:
        state.rules.register(facility)
        cover = state.covers[facility.facility] = Cover(site, Bound.of(facility).devices, heard_ms=turn.clock.now_ms)
    else:
        cover.site = site
        _unbind(state, cover, facility, turn)
        before = state.values(cover)
        state.rules.register(facility)
        _on_rules(state, cover, before, turn)
    cover.eventful = tuple(sorted(device for device, one in intervals.items() if one is None))
    patience = state.values(cover)["cover.silent_intervals"]
    silent_ms = None if interval_s is None else round(interval_s * 1000 * (patience + LATE))
    if silent_ms != cover.silent_ms:
        cover.silent_ms = silent_ms
        if cover.on(*UP):
            watch(cover, turn)


def _unbind(state: State, cover: Cover, facility: Facility, turn: Turn) -> None:
    """What those said that do not speak for it any more is forgotten, and so is how long they were silent."""
    bound = Bound.of(facility, cover.devices)
    cover.devices = bound.devices
    if not bound.gone:
        return
    for device in bound.gone:
        if device in cover.sensors:
            _wait_for_nothing(cover, device, turn)
            del cover.sensors[device]
    cover.silent, cover.heard_ms = False, turn.clock.now_ms
    cover.lifted = cover.lifted and cover.on(*UP)
    judge(cover, state.values(cover), turn, turn.clock.now_ms, None, bound.reason)
    watch(cover, turn)


def _on_rules(state: State, cover: Cover, before: Values, turn: Turn) -> None:
    """What is no alarm by the new rule is none any more; what is one by it only, the next sample says."""
    values = state.values(cover)
    if values == before:
        return
    changed = False
    for device in sorted(cover.sensors):
        sensor = cover.sensors[device]
        for name in sorted(sensor.signals):
            signal = sensor.signals[name]
            if not says(values, name, signal.value):
                changed = changed or signal.on
                if signal.on:
                    signal.turn(on=False)
                signal.settle()
                _wait_no_more(cover, device, name, turn)
    if changed:
        cover.lifted = cover.lifted and cover.on(*UP)
        judge(cover, values, turn, turn.clock.now_ms, None, POLICY_CHANGED)
        watch(cover, turn)


def _on_left(state: State, facility: str, turn: Turn) -> None:
    state.rules.forget(facility)
    cover = state.covers.pop(facility, None)
    if cover is None:
        return
    for device in sorted(cover.sensors):
        _wait_for_nothing(cover, device, turn)
    turn.wake(timer(cover, "", SILENT), None)
    if cover.opened is not None:
        step = Step(turn.clock.now_ms, f"Cover {facility} is no longer watched", {}, reason=LEFT)
        turn.clears(cover.opened, step)


def _put_forward(state: State, by_ms: int) -> None:
    """No suspicion is older because a clock was set; the engine has put off the timers as well.

    For silence the step is blind time.
    """
    for cover in state.covers.values():
        for sensor in cover.sensors.values():
            for wait in sensor.waits.values():
                wait.at_ms += by_ms
