"""Devices that should speak at an interval and do not: blind spots, not calm ones.

A device is silent when clock time has passed ``intervals`` of its intervals since we last heard it, and everything its
shard sent until then has been received. Time in which we ourselves heard nothing of the shard (``Blind``) does not
count. A device that was never heard counts from its registration, by the slowest shard there is. Late readings count as
signs of life; a device without an interval is never silent.

Whoever loses messages now and then loses several in a row by chance, in a whole city every day. So a device is given
as many intervals as its own losses ask for: their share, to the power of the intervals, must be below ``chance``.

The parameters: rule ``silence`` in :mod:`schemas.rules`. A finding stands until the device is heard, whatever the rule
becomes meanwhile.

A zone has one timer and it is lazy: hearing a device costs two assignments, and when the timer fires it looks at all of
them and is set for the first that may then be silent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from processors.detectors.common import (
    LEFT,
    UNBOUND,
    Evidence,
    Opening,
    Packed,
    Site,
    Step,
    Turn,
    span,
)
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.detectors.silence_state import LATE, NEVER_MS, Device, State, soonest_ms
from processors.engine.contract import (
    QUIET,
    Blind,
    Calm,
    Clock,
    Ear,
    Outcome,
    Reading,
    Rested,
    Series,
    Stepped,
    TimerDue,
    Unseen,
    ZoneEvent,
    deaf,
)
from schemas.anomaly import AnomalyKind
from schemas.camera import CameraEvent
from schemas.facility import Facility
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured

_TIMER: Final = "look"
_RETRY_MIN_MS: Final = 1_000


class SilenceDetector(Packed[State]):
    """A device that stopped speaking."""

    state_type = State
    name: Final = "silence"
    version: Final = 6
    hears_late: Final = True

    def initial(self, zone: str) -> State:
        """No devices."""
        return State(zone, Rulebook(("silence",)))

    def wants(self, series: Series) -> bool:  # noqa: ARG002 - every reading is a sign of life
        """All of them."""
        return True

    def ear(self, state: State, series: Series) -> Ear | None:
        """Nearly every reading is a sign of life of a device that nobody misses."""
        device = state.devices.get(series.device)
        if device is None:
            return deaf

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            if device.opened is not None:
                return False
            if now_ms != device.heard_ms or device.blind_ms or shard != device.shard:
                device.hear(now_ms, shard)
            return True

        return hear

    def calm(self, state: State, series: Series) -> Calm | None:
        """That it speaks as often as it should is known when somebody asks."""
        device = state.devices[series.device]
        if device.opened is not None or device.blind_ms or device.shard is None:
            return None

        return Calm(device.absorb, pause_ms=int(LATE * device.every_ms))

    def rest(self, state: State, due: TimerDue, clock: Clock, newest: Mapping[str, int]) -> int | None:  # noqa: ARG002 - there is one
        """Nobody is silent, and none that lost something is to be reckoned with: as :func:`_on_timer` finds it."""
        next_ms = soonest_ms(state.devices, newest)
        return next_ms if clock.now_ms < next_ms < NEVER_MS else None

    def sees(self, state: State, device: str, facility: str) -> bool:  # noqa: ARG002 - whatever it looks at
        """Cameras that are expected to speak."""
        return device in state.devices

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in signs of life, registrations, blind spans and timers."""
        if len(events) == 1 and isinstance(events[0], CameraEvent):
            outcome = _glimpse(state, events[0], clock)
            if outcome is not None:
                return outcome
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    _hear(state, event.series.device, event, turn)
                case CameraEvent():
                    _hear(state, event.device, event, turn)
                case TimerDue() | Rested():
                    _on_timer(state, event, turn)
                case Blind():
                    _on_blind(state, event)
                case Stepped() if state.wake_ms is not None:
                    state.wake_ms += event.by_ms  # as its timer was
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    _on_registry(state, event, turn)
                case _:
                    pass
        return turn.outcome


def _glimpse(state: State, event: CameraEvent, clock: Clock) -> Outcome | None:
    """Nearly every message of a camera is a sign of life of one that nobody misses."""
    device = state.devices.get(event.device)
    if device is None or device.opened is not None:
        return None
    device.hear(clock.now_ms, event.shard)
    return QUIET


def _hear(state: State, name: str, event: Reading | CameraEvent, turn: Turn) -> None:
    device = state.devices.get(name)
    if device is None:
        return
    if device.opened is None:
        device.hear(turn.clock.now_ms, event.shard)
        return
    gone_ms = turn.clock.now_ms - device.opened.since_ms
    summary = f"Device {name} is heard again after {span(gone_ms)}"
    step = Step(turn.clock.now_ms, summary, {"silent_s": gone_ms / 1000}, (Evidence.of(event),))
    turn.clears(device.opened, step)
    device.opened = None
    _look(state, device.facilities, turn)
    device.begun_ms += turn.clock.now_ms - device.heard_ms
    device.heard_ms = turn.clock.now_ms
    device.blind_ms = 0
    device.shard = event.shard
    _wake(state, device.deadline_ms(), turn)


def _wake(state: State, at_ms: int, turn: Turn) -> None:
    """Look at the devices then, if not before."""
    if state.wake_ms is None or at_ms < state.wake_ms:
        state.wake_ms = at_ms
        turn.wake(_TIMER, at_ms)


def _on_timer(state: State, event: TimerDue | Rested, turn: Turn) -> None:
    state.wake_ms = None
    if isinstance(event, Rested):
        _wake(state, event.until_ms, turn)
        return
    now_ms, next_ms, due = turn.clock.now_ms, NEVER_MS, []
    for name, device in state.devices.items():
        if device.opened is None:
            if device.lost:
                device.reckon()  # what was lost long ago weighs less by now
            deadline_ms = device.deadline_ms()
            if deadline_ms <= now_ms:
                due.append((deadline_ms, name))
            elif deadline_ms < next_ms:
                next_ms = deadline_ms
    for deadline_ms, name in sorted(due):
        received_ms = _received_ms(state.devices[name], turn.clock)
        if received_ms >= deadline_ms:
            _miss(state, name, deadline_ms, turn)
        else:
            # Our own outage becomes blind time as soon as it is over, so there is no hurry: look less and less often.
            next_ms = min(next_ms, now_ms + max(_RETRY_MIN_MS, deadline_ms - received_ms))
    if next_ms != NEVER_MS:
        _wake(state, next_ms, turn)


def _received_ms(device: Device, clock: Clock) -> int:
    """Up to when everything was received that it may have said."""
    if device.shard is None:
        return min(clock.frontier.values(), default=0)
    return clock.frontier.get(device.shard, 0)


def _miss(state: State, name: str, deadline_ms: int, turn: Turn) -> None:
    """It is silent."""
    device = state.devices[name]
    silent_ms = deadline_ms - device.heard_ms
    expected = span(device.every_ms)
    if device.shard is None:
        summary = f"Device {name} was never heard since it was registered (expected every {expected})"
    else:
        summary = f"Device {name} silent for {span(silent_ms)} (expected every {expected})"
    numbers = {"interval_s": device.every_ms / 1000, "silent_s": silent_ms / 1000}
    step = Step(deadline_ms, summary, numbers, by_time=True)
    opening = Opening(name, state.sites[min(device.facilities)], device.heard_ms, device.heard_ms)
    device.opened = turn.raises(AnomalyKind.DEVICE_SILENT, opening, step)
    _look(state, device.facilities, turn)


def _look(state: State, facilities: Iterable[str], turn: Turn) -> None:
    """Tell the others of which facilities nobody is heard any more, and of which somebody is again."""
    for facility in sorted(facilities):
        speakers = [device for device in state.devices.values() if facility in device.facilities]
        if speakers and all(device.opened is not None for device in speakers):
            since_ms = max(device.heard_ms for device in speakers)
            if facility not in state.unseen:
                state.unseen[facility] = since_ms
                turn.unseen.append(Unseen(facility, since_ms))
        elif state.unseen.pop(facility, None) is not None:
            turn.unseen.append(Unseen(facility, None))


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            _on_registered(state, event.facility, turn)
        case FacilityLeft():
            _on_left(state, event.facility, turn)
        case _:
            if state.rules.configure(event):
                for name in sorted(state.devices):
                    _expect(state, name, turn)


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    known = facility.facility
    intervals = _intervals(facility)
    if intervals:
        state.sites[known] = Site.of(facility)
        state.rules.register(facility)
    for name in sorted(n for n, device in state.devices.items() if known in device.facilities and n not in intervals):
        _unbind(state, name, known, turn, reason=UNBOUND)
    if not intervals:
        state.sites.pop(known, None)
        state.rules.forget(known)
    for name, interval_ms in intervals.items():
        device = state.devices.get(name)
        if device is None:
            device = state.devices[name] = Device(turn.clock.now_ms)
        device.facilities[known] = interval_ms
        _expect(state, name, turn)
    if known in state.unseen:
        _look(state, [known], turn)


def _expect(state: State, name: str, turn: Turn) -> None:
    """How long it may be silent by now; the daily rewrite says nothing new."""
    device = state.devices[name]
    rules = {known: state.rules.of(known, state.sites[known].facility_class) for known in device.facilities}
    patience_ms = min(
        round(interval_ms * rules[known]["silence.intervals"]) for known, interval_ms in device.facilities.items()
    )
    before_ms = device.patience_ms + device.more_ms
    device.every_ms = min(device.facilities.values())
    device.chance = min(values["silence.chance"] for values in rules.values())
    device.patience_ms = patience_ms
    device.reckon()
    if device.patience_ms + device.more_ms != before_ms and device.opened is None:
        _wake(state, device.deadline_ms(), turn)


def _intervals(facility: Facility) -> dict[str, int]:
    """The shortest interval in ms of each device that has one."""
    intervals: dict[str, int] = {}
    for binding in facility.devices:
        if binding.interval_s is not None:
            interval_ms = round(binding.interval_s * 1000)
            intervals[binding.device] = min(interval_ms, intervals.get(binding.device, interval_ms))
    return intervals


def _on_left(state: State, facility: str, turn: Turn) -> None:
    for name in sorted(name for name, device in state.devices.items() if facility in device.facilities):
        _unbind(state, name, facility, turn, reason=LEFT)
    state.sites.pop(facility, None)
    state.rules.forget(facility)


def _unbind(state: State, name: str, facility: str, turn: Turn, *, reason: str) -> None:
    device = state.devices[name]
    if len(device.facilities) > 1:
        del device.facilities[facility]
        _expect(state, name, turn)
        _look(state, [facility], turn)
        return
    if device.opened is not None:
        step = Step(turn.clock.now_ms, f"Device {name} is no longer expected to speak", {}, reason=reason)
        turn.clears(device.opened, step)
    del state.devices[name]
    _look(state, [facility], turn)


def _on_blind(state: State, span: Blind) -> None:
    for device in state.devices.values():
        if device.shard in {None, span.shard} and device.heard_ms < span.to_ms:
            if device.heard_ms == 0:  # registered before the first tick: the time begins now
                device.heard_ms = span.to_ms
            else:
                device.blind_ms += span.to_ms - max(span.from_ms, device.heard_ms)
