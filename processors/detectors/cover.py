"""Manhole covers: tilted away from how they were installed, or open.

Three signals are debounced alike: the contact, a tilt beyond the threshold, and an angle beyond that of an open one,
which is no cover any more. A signal goes on with ``confirm_samples`` in a row or when ``confirm_s`` pass without a
contrary one; it goes off with ``clear_samples`` calm ones in a row (closed; less than ``calm_share`` of the threshold).
Samples older than the newest of their property are ignored.

Contact or angle make ``cover_open``, tilt alone ``cover_tilted``. When one becomes the other, the old finding is
cleared with the reason and a new one raised: they are different work with different deadlines.

The parameters and their defaults: rule ``cover`` in :mod:`schemas.rules`.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from processors.detectors.common import (
    LEFT,
    POLICY_CHANGED,
    Evidence,
    Opened,
    Opening,
    Packed,
    Site,
    Step,
    Turn,
    retry_at,
)
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import Clock, Outcome, Reading, Series, Stepped, TimerDue, ZoneEvent
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values

_CONTACT, _ANGLE, _TILT = "contact", "angle", "tilt"
_SIGNALS: Final = {"contact_open": (_CONTACT,), "tilt_angle": (_ANGLE, _TILT)}
_ORDER: Final = (_CONTACT, _ANGLE, _TILT)  # the first that is on names the finding
_KIND: Final = {
    _CONTACT: AnomalyKind.COVER_OPEN,
    _ANGLE: AnomalyKind.COVER_OPEN,
    _TILT: AnomalyKind.COVER_TILTED,
}
_WORD: Final = {AnomalyKind.COVER_OPEN: "open", AnomalyKind.COVER_TILTED: "only tilted"}


class Signal(msgspec.Struct):
    """A debounced yes or no."""

    on: bool = False
    run: int = 0  # consecutive samples that speak against `on`
    first: Evidence | None = None  # the sample that began the run towards on
    shard: str = ""  # of that sample
    confirm_at_ms: int | None = None


class Cover(msgspec.Struct):
    """One cover."""

    site: Site
    angle: float = 0.0
    newest_ms: dict[str, int] = {}  # by property
    signals: dict[str, Signal] = {}
    opened: Opened | None = None


class State(msgspec.Struct):
    """The covers of a zone."""

    zone: str
    rules: Rulebook
    covers: dict[str, Cover] = {}

    def values(self, cover: Cover) -> Values:
        """What applies to a cover."""
        return self.rules.of(cover.site.facility, FacilityClass.MANHOLE_COVER)


class CoverDetector(Packed[State]):
    """A cover that is not where it belongs."""

    state_type = State
    name: Final = "cover"
    version: Final = 3
    hears_late: Final = False

    def initial(self, zone: str) -> State:
        """No covers."""
        return State(zone, Rulebook(("cover",)))

    def wants(self, series: Series) -> bool:
        """Tilt and contact of covers."""
        return series.facility_class is FacilityClass.MANHOLE_COVER and series.observed_property in _SIGNALS

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in samples, registrations and confirmation timers."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    self._on_reading(state, event, turn)
                case TimerDue():
                    self._on_timer(state, event, turn)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    self._on_registry(state, event, turn)
                case Stepped():
                    _put_forward(state, event.by_ms)
                case _:
                    pass
        return turn.outcome

    def _on_reading(self, state: State, reading: Reading, turn: Turn) -> None:
        cover = state.covers.get(reading.series.facility)
        prop = reading.series.observed_property
        if cover is None or reading.time_ms < cover.newest_ms.get(prop, 0):
            return
        cover.newest_ms[prop] = reading.time_ms
        if prop == "tilt_angle":
            cover.angle = reading.value
        values = state.values(cover)
        changed = False
        for name in _SIGNALS[prop]:
            signal = cover.signals[name]
            says = _says(values, name, reading.value)
            if says is None or says is signal.on:
                if signal.run:
                    _settle(cover, name, signal, turn)
                continue
            signal.run += 1
            if signal.run == 1 and not signal.on:
                _suspect(cover, name, signal, reading, values, turn)
            if signal.run >= values["cover.clear_samples" if signal.on else "cover.confirm_samples"]:
                signal.on = not signal.on
                changed = True
                _settle(cover, name, signal, turn)
        if changed:
            _judge(cover, values, turn, Evidence.of(reading), reading.time_ms)

    def _on_timer(self, state: State, due: TimerDue, turn: Turn) -> None:
        facility, _, name = due.name.rpartition("|")
        cover = state.covers[facility]
        signal = cover.signals[name]
        assert signal.confirm_at_ms is not None, "a settled signal has no timer"
        retry_ms = retry_at(turn.clock, signal.shard, signal.confirm_at_ms)
        if retry_ms is not None:
            turn.wake(due.name, retry_ms)
            return
        at_ms = signal.confirm_at_ms
        signal.on, signal.run, signal.confirm_at_ms = True, 0, None
        _judge(cover, state.values(cover), turn, None, at_ms)

    def _on_registry(self, state: State, event: RegistryEvent, turn: Turn) -> None:
        match event:
            case FacilityRegistered():
                self._on_registered(state, event.facility, turn)
            case FacilityLeft():
                self._on_left(state, event.facility, turn)
            case _:
                _on_configured(state, event, turn)

    def _on_registered(self, state: State, facility: Facility, turn: Turn) -> None:
        if facility.facility_class is not FacilityClass.MANHOLE_COVER:
            self._on_left(state, facility.facility, turn)
            return
        site = Site.of(facility)
        cover = state.covers.get(facility.facility)
        if cover is None:
            state.rules.register(facility)
            state.covers[facility.facility] = Cover(site, signals={name: Signal() for name in _ORDER})
            return
        cover.site = site
        before = state.values(cover)
        state.rules.register(facility)
        if state.values(cover) != before:
            _on_new_rule(cover, state.values(cover), turn)

    def _on_left(self, state: State, facility: str, turn: Turn) -> None:
        state.rules.forget(facility)
        cover = state.covers.pop(facility, None)
        if cover is None:
            return
        for name, signal in cover.signals.items():
            _settle(cover, name, signal, turn)
        if cover.opened is not None:
            step = Step(turn.clock.now_ms, f"Cover {facility} is no longer watched", {}, reason=LEFT)
            turn.clears(cover.opened, step)


def _on_configured(state: State, event: ZoneConfigured | ClassConfigured, turn: Turn) -> None:
    before = {name: state.values(state.covers[name]) for name in sorted(state.covers)}
    if state.rules.configure(event):
        for name, values in before.items():
            cover = state.covers[name]
            if state.values(cover) != values:
                _on_new_rule(cover, state.values(cover), turn)


def _on_new_rule(cover: Cover, values: Values, turn: Turn) -> None:
    """What is no alarm by the new rule is none any more; what is one by it only, the next sample says."""
    changed = False
    for name in (_ANGLE, _TILT):
        signal = cover.signals[name]
        if not _says(values, name, cover.angle):
            changed = changed or signal.on
            signal.on = False
            _settle(cover, name, signal, turn)
    if changed:
        _judge(cover, values, turn, None, turn.clock.now_ms, POLICY_CHANGED)


def _put_forward(state: State, by_ms: int) -> None:
    """No suspicion is older because a clock was set; the engine has put off the timers as well."""
    for cover in state.covers.values():
        for signal in cover.signals.values():
            if signal.confirm_at_ms is not None:
                signal.confirm_at_ms += by_ms


def _judge(
    cover: Cover, values: Values, turn: Turn, trigger: Evidence | None, at_ms: int, reason: str | None = None
) -> None:
    """Say what changed after a signal went on or off."""
    facility, opened = cover.site.facility, cover.opened
    name = next((name for name in _ORDER if cover.signals[name].on), None)
    kind = None if name is None else _KIND[name]
    if kind is (None if opened is None else opened.kind):
        return
    numbers = {
        "angle_deg": round(cover.angle, 1),
        "install_deg": values["cover.install_angle_deg"],
        "limit_deg": values["cover.tilt_deg"],
    }
    evidence = () if trigger is None else (trigger,)
    if opened is not None:
        summary = f"Cover {facility} is in place" if kind is None else f"Cover {facility} is now {_WORD[kind]}"
        step = Step(at_ms, summary, numbers, evidence, reason or (kind and f"became {kind.value}"), trigger is None)
        turn.clears(opened, step)
        cover.opened = None
    if name is None or kind is None:
        return
    first = cover.signals[name].first
    assert first is not None, "a signal goes on by a sample"
    if opened is not None and opened.kind is AnomalyKind.COVER_OPEN and trigger is not None:
        first = trigger  # the tilt that remains may have opened a finding before
    elif trigger != first:
        evidence = (first, *evidence)
    step = Step(at_ms, _summary(cover, name), numbers, evidence, by_time=trigger is None)
    cover.opened = turn.raises(kind, Opening(facility, cover.site, first.id, first.time_ms), step)


def _says(values: Values, name: str, value: float) -> bool | None:
    """What a sample says of a signal; None: neither alarming nor calm."""
    if name == _CONTACT:
        return value != 0
    if name == _ANGLE:
        return value > values["cover.open_deg"]
    deviation = abs(value - values["cover.install_angle_deg"])
    tilt_deg = values["cover.tilt_deg"]
    if deviation > tilt_deg:
        return True
    return False if deviation < tilt_deg * values["cover.calm_share"] else None


def _suspect(cover: Cover, name: str, signal: Signal, reading: Reading, values: Values, turn: Turn) -> None:
    signal.first = Evidence.of(reading)
    signal.shard = reading.shard
    signal.confirm_at_ms = max(turn.clock.now_ms, reading.time_ms) + round(values["cover.confirm_s"] * 1000)
    turn.wake(f"{cover.site.facility}|{name}", signal.confirm_at_ms)


def _settle(cover: Cover, name: str, signal: Signal, turn: Turn) -> None:
    signal.run = 0
    if signal.confirm_at_ms is not None:
        signal.confirm_at_ms = None
        turn.wake(f"{cover.site.facility}|{name}", None)


def _summary(cover: Cover, name: str) -> str:
    facility = cover.site.facility
    if name == _CONTACT:
        return f"Cover {facility} open: its contact says so"
    angle = f"{cover.angle:.0f} deg"
    return f"Cover {facility} open: turned {angle}" if name == _ANGLE else f"Cover {facility} tilted {angle}"
