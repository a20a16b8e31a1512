"""The fold: each reading to the rules that have something to say of it.

An ordinary reading (not older than the last, where it usually stands, no later than usual, nothing open) costs a few
comparisons; a timer looks at what only time can tell.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from processors.detectors.common import LEFT, UNBOUND, Opened, Packed, Site, Step, Turn
from processors.detectors.health import battery, ears, jump, lives, missing, neighbours, peers, rows, signal, stuck
from processors.detectors.health.bounds import bounds_of, forget
from processors.detectors.health.state import RULES, Device, State
from processors.detectors.health.watch import NEVER_MS, Watch
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import (
    QUIET,
    Calm,
    Clock,
    Ear,
    Outcome,
    Reading,
    Rested,
    Series,
    TimerDue,
    ZoneEvent,
    deaf,
)
from schemas.facility import Facility
from schemas.identity import boot_and_channel
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured

SWEEP_MS: Final = 900_000
"""Time between two looks at what is missing."""
HOUR: Final = 4
"""Looks."""
HALF_AN_HOUR: Final = 2
_SWEEP: Final = "sweep"
_SPECIAL: Final = battery.PROPERTIES | signal.THRESHOLDS.keys() | ears.COUNTED


class HealthDetector(Packed[State]):
    """A sensor that lies, or a device that will not last."""

    state_type = State
    name: Final = "health"
    version: Final = 5
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """No devices."""
        return State(zone, Rulebook(RULES))

    def wants(self, series: Series) -> bool:  # noqa: ARG002 - any series may stop, and its numbers tell of restarts
        """All of them."""
        return True

    def ear(self, state: State, series: Series) -> Ear | None:
        """Nearly every reading is newer than the last, where it usually stands, and no later than usual."""
        device = state.devices.get(series.device)
        if device is None:
            return deaf
        prop = series.observed_property
        watch = device.watches.get(prop)
        if watch is None or device.facility not in state.sites:
            return None
        return ears.of(state, device, watch, prop)

    def calm(self, state: State, series: Series) -> Calm | None:
        """What sensors say is taken in when somebody asks, unless something is wrong with their device."""
        device = state.devices[series.device]
        prop = series.observed_property
        if prop in _SPECIAL or device.opened or device.begun or device.returned:
            return None
        return ears.calm(state, device.watches[prop], prop)

    def rest(self, state: State, due: TimerDue, clock: Clock, newest: Mapping[str, int]) -> int | None:  # noqa: ARG002 - there is one
        """Half an hour behind the full one there is nothing to see where no device has two sensors."""
        is_half = (state.sweeps + state.stride) % HOUR == HALF_AN_HOUR
        if not is_half or any(len(device.watches) > 1 for device in state.devices.values()):
            return None
        return clock.now_ms + HALF_AN_HOUR * SWEEP_MS

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in readings, registrations and the look around."""
        turn: Turn | None = None
        for event in events:
            if isinstance(event, Reading):
                if event.series.device in state.devices:
                    turn = turn or Turn(self, state.zone, clock)
                    _on_reading(state, event, turn)
                continue
            turn = turn or Turn(self, state.zone, clock)
            match event:
                case TimerDue() | Rested():
                    _sweep(state, turn)
                case FacilityRegistered():
                    _on_registered(state, event.facility, turn)
                case FacilityLeft():
                    _on_left(state, event.facility, turn, LEFT)
                case ZoneConfigured() | ClassConfigured():
                    if state.rules.configure(event):
                        _on_rules(state)
                case _:
                    pass
        return QUIET if turn is None else turn.outcome


def _on_reading(state: State, reading: Reading, turn: Turn) -> None:
    series, time_ms, value, identity = reading.series, reading.time_ms, reading.value, reading.identity
    prop = series.observed_property
    channel = boot_and_channel(identity)[1] if "@" in identity else ""
    key = f"{prop}@{channel}" if channel else prop
    device = state.devices[series.device]
    if series.facility not in state.sites:
        return
    watch = device.watches.get(key)
    if watch is None:
        _begin(state, device, key, reading, turn)
        watch = device.watches[key]
    elif time_ms <= watch.time_ms:
        return
    else:
        _go_on(state, watch, reading, f"{series.device}/{key}"[:160], turn)
    if identity.startswith("a:"):
        rows.follow(device, watch, identity, time_ms)
    if prop in _SPECIAL:
        _on_special(state, device, reading, turn)
    if device.begun or device.returned or device.opened:
        site = state.sites[device.facility]
        lives.judge(state, series.device, device, reading, state.rules.of(site.facility, site.facility_class), turn)
    watch.time_ms = time_ms
    watch.value = value


def _begin(state: State, device: Device, key: str, reading: Reading, turn: Turn) -> None:
    """The first reading of a series."""
    series, time_ms, value = reading.series, reading.time_ms, reading.value
    watch = device.watches[key] = Watch(series.facility, time_ms, value)
    bounds = bounds_of(state, series.facility, series.observed_property)
    if bounds.is_free:
        watch.low, watch.high = -math.inf, math.inf
    watch.due_ms = stuck.due(watch, time_ms, bounds)
    if not jump.is_possible(bounds, value):
        jump.judge(state, watch, reading, f"{series.device}/{key}"[:160], turn, bounds)
    if not state.sweeping:
        state.sweeping, state.stride = True, 1
        turn.wake(_SWEEP, turn.clock.now_ms + SWEEP_MS)


def _go_on(state: State, watch: Watch, reading: Reading, name: str, turn: Turn) -> None:
    """A reading behind others of its series."""
    time_ms, value = reading.time_ms, reading.value
    since_ms = time_ms - watch.time_ms
    if watch.opened:
        missing.clear(watch, reading, name, turn)
    if since_ms > watch.gap_ms:
        missing.paused(watch, since_ms)
    watch.count += 1
    watch.still += 1
    watch.total += value
    watch.counted += 1
    if not watch.low <= value <= watch.high:
        bounds = bounds_of(state, watch.facility, reading.series.observed_property)
        if jump.is_possible(bounds, value, watch.value, since_ms):
            if watch.opened:
                stuck.clear(watch, reading, name, turn)
        else:
            jump.judge(state, watch, reading, name, turn, bounds)
        stuck.moved(watch, time_ms, value, bounds)
    elif time_ms >= watch.due_ms:
        stuck.judge(state, watch, reading, name, turn)
    if jump.KIND in watch.opened:
        _calm(state, watch, reading, name, turn)


def _calm(state: State, watch: Watch, reading: Reading, name: str, turn: Turn) -> None:
    """Whether a jump that is open is over by now."""
    bounds = bounds_of(state, watch.facility, reading.series.observed_property)
    if jump.is_possible(bounds, reading.value, watch.value, reading.time_ms - watch.time_ms):
        site = state.sites[watch.facility]
        jump.calm(watch, reading, name, state.rules.of(watch.facility, site.facility_class), turn)


def _on_special(state: State, device: Device, reading: Reading, turn: Turn) -> None:
    """What a device says of itself."""
    name, prop, value = reading.series.device, reading.series.observed_property, reading.value
    site = state.sites[device.facility]
    values = state.rules.of(site.facility, site.facility_class)
    if prop in battery.PROPERTIES:
        battery.judge(state, name, device, reading, values, turn)
    elif prop in signal.THRESHOLDS:
        signal.judge(state, name, device, reading, values, turn)
    elif prop == "uptime":
        if device.uptime_s is not None and value < device.uptime_s:
            rows.restarted(device, reading.time_ms)
        device.uptime_s = value
    else:
        if device.restarts is not None and value > device.restarts:
            rows.restarted(device, reading.time_ms)
        device.restarts = value


def _sweep(state: State, turn: Turn) -> None:
    """Look at what only time can tell."""
    state.sweeps += state.stride
    state.stride = HOUR - state.sweeps % HOUR
    several = [name for name, device in state.devices.items() if len(device.watches) > 1]
    for name in sorted(several):
        missing.look(state, name, state.devices[name], turn)
        state.stride = 1
    if state.stride > HALF_AN_HOUR and any(
        watch.due_ms < NEVER_MS for device in state.devices.values() for watch in device.watches.values()
    ):
        state.stride = HALF_AN_HOUR  # what can be stuck is kept for less than an hour
    if state.sweeps % HOUR == 0:
        neighbours.look(state, turn)
        turn.stirred = peers.look(state)
    state.sweeping = bool(state.devices)
    if state.sweeping:
        turn.wake(_SWEEP, turn.clock.now_ms + state.stride * SWEEP_MS)


def _on_rules(state: State) -> None:
    forget(state)
    for device in state.devices.values():
        _look_up(state, device)


def _look_up(state: State, device: Device) -> None:
    for key, watch in device.watches.items():
        watch.due_ms = stuck.due(watch, watch.time_ms, bounds_of(state, watch.facility, key.partition("@")[0]))


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    known = facility.facility
    names = {binding.device for binding in facility.devices}
    for name in sorted(n for n, device in state.devices.items() if known in device.facilities and n not in names):
        _unbind(state, name, known, turn, UNBOUND)
    before = state.sites.get(known), state.rules.facilities.get(known)
    state.sites[known] = Site.of(facility)
    state.rules.register(facility)
    for name in sorted(names):
        device = state.devices.setdefault(name, Device([]))
        if known not in device.facilities:
            device.facilities = sorted([*device.facilities, known])
    if before != (state.sites[known], state.rules.facilities.get(known)):
        forget(state, known)
        for name in sorted(names):
            _look_up(state, state.devices[name])


def _on_left(state: State, facility: str, turn: Turn, reason: str) -> None:
    for name in sorted(name for name, device in state.devices.items() if facility in device.facilities):
        _unbind(state, name, facility, turn, reason)
    state.sites.pop(facility, None)
    state.rules.forget(facility)
    forget(state, facility)


def _unbind(state: State, name: str, facility: str, turn: Turn, reason: str) -> None:
    """A device speaks for a facility no more, and what was found of it there is over."""
    device = state.devices[name]
    device.facilities.remove(facility)
    for key in sorted(key for key, watch in device.watches.items() if watch.facility == facility):
        _end(device.watches.pop(key).opened, turn, reason)
    if not device.facilities:
        _end(device.opened, turn, reason)
        del state.devices[name]


def _end(opened: dict[str, Opened], turn: Turn, reason: str) -> None:
    for kind in sorted(opened):
        step = Step(turn.clock.now_ms, f"{opened[kind].subject} is no longer watched", {}, reason=reason)
        turn.clears(opened[kind], step)
