"""Manhole covers: tilted away from how they were installed, open, lifted by water, stolen.

Signals are debounced alike (:mod:`processors.detectors.debounce`): on with ``confirm_samples`` in a row, off with
``clear_samples`` calm ones. The contact, a tilt beyond the threshold and an angle beyond that of an open one are
confirmed, too, when ``confirm_s`` pass without a contrary sample.

One finding is open per cover, and what it is follows from all signals (:mod:`processors.detectors.cover_judge`). When
one becomes the other, the old finding is cleared with the reason and a new one raised: they are different work with
different deadlines.

The parameters and their defaults: rule ``cover`` in :mod:`schemas.rules`.
"""

import math
from collections.abc import Sequence
from typing import Final

from processors.detectors.common import LEFT, POLICY_CHANGED, Evidence, Packed, Site, Step, Turn, last_word, retry_at
from processors.detectors.cover_judge import UP, judge, weigh_lift
from processors.detectors.cover_state import (
    ANGLE,
    BY_TIME,
    CARRIED,
    CONTACT,
    SIGNALS,
    TILT,
    WATER,
    Cover,
    State,
    Wait,
    measured,
    need,
    says,
)
from processors.detectors.debounce import Signal
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import (
    Blind,
    Calm,
    Clock,
    Ear,
    Kept,
    Outcome,
    Reading,
    Series,
    Stepped,
    TimerDue,
    ZoneEvent,
    deaf,
)
from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values

_SILENT: Final = "silent"
_WHY: Final = (*UP, WATER)  # signals by which a cover is not as it should be
_NEARLY: Final = 1 - 1e-9
_ANY: Final = (-math.inf, math.inf)
_OTHERS_MIN: Final = 2  # covers beside it tell that more than it is silent
_MISSED: Final = 1.05  # intervals without a word
_LOOKS: Final = 6  # whether they still are, in the time that it may be silent


class CoverDetector(Packed[State]):
    """A cover that is not where it belongs."""

    state_type = State
    name: Final = "cover"
    version: Final = 7
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
        if cover is None:
            return deaf
        prop = series.observed_property
        names = SIGNALS.get(prop, ())
        if (names and prop not in {"tilt_angle", "contact_open"}) or (prop == "tilt_angle" and not cover.has_angle):
            return None
        if not all(name in cover.signals for name in names):
            return None
        low, high = _calm(state.values(cover)) if prop == "tilt_angle" else (0.0, 0.0) if names else _ANY
        signals = tuple(cover.signals[name] for name in names)

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            if not low <= value <= high or cover.silent or cover.opened is not None:
                return False
            for signal in signals:
                if signal.on or signal.count:
                    return False
            for signal in signals:
                if time_ms >= signal.newest_ms:
                    signal.newest_ms, signal.value = time_ms, value
                signal.contrary_ms = max(signal.contrary_ms, time_ms)
            cover.note(now_ms, shard)
            return True

        return hear

    def calm(self, state: State, series: Series) -> Calm | None:
        """That it lies as it should is known when somebody asks, if nothing is thought of it."""
        cover = state.covers[series.facility]
        if cover.silent or cover.opened is not None or any(one.on or one.count for one in cover.signals.values()):
            return None
        prop = series.observed_property
        names = SIGNALS.get(prop, ())
        low, high = _calm(state.values(cover)) if prop == "tilt_angle" else (0.0, 0.0) if names else _ANY
        signals = tuple(cover.signals[name] for name in names)

        def absorb(kept: Sequence[Kept]) -> None:
            newest = kept[-1]
            for signal in signals:
                signal.goes_by(newest[1], newest[2])
            cover.note(*last_word(kept))

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
                    _on_blind(state, event)
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
    if cover is None:
        return
    before_ms, now_ms = cover.heard_ms, turn.clock.now_ms
    cover.note(now_ms, reading.shard)
    changed = False
    values = state.values(cover)
    for name in SIGNALS.get(reading.series.observed_property, ()):
        value = measured(cover, values, name, reading)
        if value is None:
            continue
        if cover.silent and name in _WHY and says(values, name, value) is False:
            _is_back(cover, name)
        if _hear(cover, values, name, reading, value, turn):
            changed = True
    if cover.silent and (before_ms < now_ms < before_ms + (cover.silent_ms or 0) or not _waits_for(cover, reading)):
        cover.silent, changed = False, True
    if changed or (cover.opened is None and cover.on(WATER)):
        judge(cover, values, turn, reading.time_ms, Evidence.of(reading))
        _watch(cover, turn)


def _is_back(cover: Cover, name: str) -> None:
    """After a long silence one calm sample is enough: what was believed is as old as the silence."""
    signal = cover.signals.get(name)
    if signal is not None and signal.on:
        signal.turn(on=False)
    if not cover.on(*UP):
        cover.lifted = False
        cover.signals.pop(CARRIED, None)


def _waits_for(cover: Cover, reading: Reading) -> bool:
    """Whether the first message after a silence may not have said all yet of whether the cover is up."""
    signals = (cover.signals.get(name) for name in _WHY)
    return any(signal is not None and signal.on and signal.newest_ms < reading.time_ms for signal in signals)


def _hear(cover: Cover, values: Values, name: str, reading: Reading, value: float, turn: Turn) -> bool:
    """Show a signal a number; whether it went on or off."""
    signal = cover.signals.get(name)
    if signal is None:
        signal = cover.signals[name] = Signal()
    says_now = says(values, name, value)
    against = says_now is not None and says_now is not signal.on
    changed = signal.hear(reading, value, against=against, need=need(values, name, on=signal.on))
    if name in BY_TIME:
        _wait(cover, values, name, signal, reading, turn)
    if changed:
        _agree(cover, turn)
        weigh_lift(cover, name, reading.time_ms, values)
        if not cover.on(*UP) and CARRIED in cover.signals:
            del cover.signals[CARRIED]  # who puts a cover back carries it no more
    return changed


def _agree(cover: Cover, turn: Turn) -> None:
    """A contact that has once said open and a tilt confirm each other."""
    contact = cover.signals.get(CONTACT)
    if cover.on(ANGLE, TILT) and contact is not None and contact.count and not contact.on:
        contact.turn(on=True)
        _wait_no_more(cover, CONTACT, turn)


def _wait(cover: Cover, values: Values, name: str, signal: Signal, reading: Reading, turn: Turn) -> None:
    """Have time confirm what a sample said, from the first on that still counts."""
    if signal.on or signal.first is None:
        _wait_no_more(cover, name, turn)
        return
    wait = cover.waits.get(name)
    if wait is None or wait.first_ms < signal.first.time_ms:
        at_ms = max(turn.clock.now_ms, signal.first.time_ms) + round(values["cover.confirm_s"] * 1000)
        cover.waits[name] = Wait(signal.first.time_ms, at_ms, reading.shard)
        turn.wake(f"{cover.site.facility}|{name}", at_ms)


def _wait_no_more(cover: Cover, name: str, turn: Turn) -> None:
    if cover.waits.pop(name, None) is not None:
        turn.wake(f"{cover.site.facility}|{name}", None)


def _on_timer(state: State, due: TimerDue, turn: Turn) -> None:
    facility, _, name = due.name.rpartition("|")
    cover = state.covers[facility]
    if name == _SILENT:
        _on_silence(state, cover, due, turn)
        return
    wait = cover.waits[name]
    retry_ms = retry_at(turn.clock, wait.shard, wait.at_ms)
    if retry_ms is not None:
        turn.wake(due.name, retry_ms)
        return
    del cover.waits[name]
    cover.signals[name].turn(on=True)
    values = state.values(cover)
    weigh_lift(cover, name, wait.first_ms, values)
    judge(cover, values, turn, wait.at_ms, None)
    _watch(cover, turn)


# a cover that falls silent after it went up


def _watch(cover: Cover, turn: Turn) -> None:
    """Look whether it still speaks, as long as it is up."""
    name = f"{cover.site.facility}|{_SILENT}"
    if cover.silent_ms is not None and cover.on(*UP) and not cover.silent:
        turn.wake(name, cover.heard_ms + cover.silent_ms + 1)
    else:
        turn.wake(name, None)


def _on_silence(state: State, cover: Cover, due: TimerDue, turn: Turn) -> None:
    if cover.silent_ms is None:
        return
    now_ms = turn.clock.now_ms
    deadline_ms = max(cover.heard_ms, cover.others_ms) + cover.silent_ms + 1
    was_with_others = cover.others_ms > cover.heard_ms
    if deadline_ms > now_ms and not was_with_others:
        turn.wake(due.name, deadline_ms)
        return
    retry_ms = retry_at(turn.clock, cover.shard, min(deadline_ms, now_ms))
    if retry_ms is not None:
        turn.wake(due.name, retry_ms)
        return
    if _is_silent_with_others(state, cover, now_ms):
        # Its time begins when the others are heard again; until then it is looked at often.
        cover.others_ms = now_ms
        turn.wake(due.name, now_ms + cover.silent_ms // _LOOKS)
        return
    if deadline_ms > now_ms:
        turn.wake(due.name, min(deadline_ms, now_ms + cover.silent_ms // _LOOKS))
        return
    cover.silent = True
    judge(cover, state.values(cover), turn, deadline_ms, None)


def _is_silent_with_others(state: State, cover: Cover, now_ms: int) -> bool:
    """Whether most covers that spoke when this one did are silent as well: then its gateway is, and nobody took it."""
    silent = heard = 0
    patience = state.values(cover)["cover.silent_intervals"]
    for other in state.covers.values():
        if other is cover or other.silent_ms is None or cover.silent_ms is None:
            continue
        if other.heard_ms <= cover.heard_ms - other.silent_ms:
            continue  # dead long before
        # The outage may have begun later, if a word of this one was lost before: one that was missed is enough.
        if now_ms - other.heard_ms > other.silent_ms * _MISSED / patience:
            silent += 1
        else:
            heard += 1
    return silent >= _OTHERS_MIN and silent > heard


def _on_blind(state: State, span: Blind) -> None:
    """What we did not hear ourselves is nobody's silence."""
    for cover in state.covers.values():
        if cover.shard == span.shard and cover.heard_ms < span.to_ms:
            cover.heard_ms += span.to_ms - max(span.from_ms, cover.heard_ms)


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
    intervals = [binding.interval_s for binding in facility.devices if binding.interval_s is not None]
    interval_s = min(intervals, default=None)
    if cover is None:
        state.rules.register(facility)
        cover = state.covers[facility.facility] = Cover(site, heard_ms=turn.clock.now_ms)
    else:
        cover.site = site
        before = state.values(cover)
        state.rules.register(facility)
        _on_rules(state, cover, before, turn)
    patience = state.values(cover)["cover.silent_intervals"]
    silent_ms = None if interval_s is None else round(interval_s * 1000 * patience)
    if silent_ms != cover.silent_ms:
        cover.silent_ms = silent_ms
        if cover.on(*UP):
            _watch(cover, turn)


def _on_rules(state: State, cover: Cover, before: Values, turn: Turn) -> None:
    """What is no alarm by the new rule is none any more; what is one by it only, the next sample says."""
    values = state.values(cover)
    if values == before:
        return
    changed = False
    for name in sorted(cover.signals):
        signal = cover.signals[name]
        if not says(values, name, signal.value):
            changed = changed or signal.on
            if signal.on:
                signal.turn(on=False)
            signal.settle()
            _wait_no_more(cover, name, turn)
    if changed:
        cover.lifted = cover.lifted and cover.on(*UP)
        judge(cover, values, turn, turn.clock.now_ms, None, POLICY_CHANGED)
        _watch(cover, turn)


def _on_left(state: State, facility: str, turn: Turn) -> None:
    state.rules.forget(facility)
    cover = state.covers.pop(facility, None)
    if cover is None:
        return
    for name in sorted(cover.waits):
        turn.wake(f"{facility}|{name}", None)
    turn.wake(f"{facility}|{_SILENT}", None)
    if cover.opened is not None:
        step = Step(turn.clock.now_ms, f"Cover {facility} is no longer watched", {}, reason=LEFT)
        turn.clears(cover.opened, step)


def _put_forward(state: State, by_ms: int) -> None:
    """No suspicion is older because a clock was set; the engine has put off the timers as well.

    For silence the step is blind time.
    """
    for cover in state.covers.values():
        for wait in cover.waits.values():
            wait.at_ms += by_ms
