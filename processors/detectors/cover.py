"""Manhole covers: tilted away from how they were installed, or open.

Three signals are debounced alike: the contact, a tilt beyond the threshold, and an angle beyond 90 degrees, which is
no cover any more. A signal goes on with two consecutive samples or when 60 s pass without a contrary one; it goes off
with two consecutive calm samples (closed; less than half the threshold). Samples older than the newest of their
property are ignored.

Contact or angle make ``cover_open``, tilt alone ``cover_tilted``. When one becomes the other, the old finding is
cleared with the reason and a new one raised: they are different work with different deadlines.

Defaults (domain/REFERENCE.md 4.3): 10 degrees from an installation angle of 0.
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
from processors.engine.contract import Clock, Outcome, Reading, Series, Stepped, TimerDue, ZoneEvent
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility, FacilityClass
from schemas.registry import FacilityLeft, FacilityRegistered

CONFIRM_SAMPLES: Final = 2
CONFIRM_MS: Final = 60_000
CALM_SAMPLES: Final = 2
TILT_DEG: Final = 10.0
OPEN_DEG: Final = 90.0

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
    install_deg: float
    tilt_deg: float
    angle: float = 0.0
    newest_ms: dict[str, int] = {}  # by property
    signals: dict[str, Signal] = {}
    opened: Opened | None = None


class State(msgspec.Struct):
    """The covers of a zone."""

    zone: str
    covers: dict[str, Cover] = {}


class CoverDetector(Packed[State]):
    """A cover that is not where it belongs."""

    state_type = State
    name: Final = "cover"
    version: Final = 2
    hears_late: Final = False

    def initial(self, zone: str) -> State:
        """No covers."""
        return State(zone)

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
                case FacilityRegistered():
                    self._on_registered(state, event.facility, turn)
                case FacilityLeft():
                    self._on_left(state, event.facility, turn)
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
        changed = False
        for name in _SIGNALS[prop]:
            signal = cover.signals[name]
            says = _says(cover, name, reading.value)
            if says is None or says is signal.on:
                if signal.run:
                    _settle(cover, name, signal, turn)
                continue
            signal.run += 1
            if signal.run >= (CALM_SAMPLES if signal.on else CONFIRM_SAMPLES):
                signal.on = not signal.on
                changed = True
                _settle(cover, name, signal, turn)
            elif not signal.on:
                _suspect(cover, name, signal, reading, turn)
        if changed:
            _judge(cover, turn, Evidence.of(reading), reading.time_ms)

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
        _judge(cover, turn, None, at_ms)

    def _on_registered(self, state: State, facility: Facility, turn: Turn) -> None:
        if facility.facility_class is not FacilityClass.MANHOLE_COVER:
            self._on_left(state, facility.facility, turn)
            return
        policy = facility.policy
        install_deg = 0.0 if policy.install_angle_deg is None else policy.install_angle_deg
        tilt_deg = TILT_DEG if policy.tilt_deg is None else policy.tilt_deg
        site = Site.of(facility)
        cover = state.covers.get(facility.facility)
        if cover is None:
            signals = {name: Signal() for name in _ORDER}
            state.covers[facility.facility] = Cover(site, install_deg, tilt_deg, signals=signals)
            return
        cover.site = site
        if (cover.install_deg, cover.tilt_deg) == (install_deg, tilt_deg):
            return
        cover.install_deg, cover.tilt_deg = install_deg, tilt_deg
        signal = cover.signals[_TILT]
        if not _says(cover, _TILT, cover.angle):
            changed = signal.on
            signal.on = False
            _settle(cover, _TILT, signal, turn)
            if changed:
                _judge(cover, turn, None, turn.clock.now_ms, POLICY_CHANGED)

    def _on_left(self, state: State, facility: str, turn: Turn) -> None:
        cover = state.covers.pop(facility, None)
        if cover is None:
            return
        for name, signal in cover.signals.items():
            _settle(cover, name, signal, turn)
        if cover.opened is not None:
            step = Step(turn.clock.now_ms, f"Cover {facility} is no longer watched", {}, reason=LEFT)
            turn.clears(cover.opened, step)


def _put_forward(state: State, by_ms: int) -> None:
    """No suspicion is older because a clock was set; the engine has put off the timers as well."""
    for cover in state.covers.values():
        for signal in cover.signals.values():
            if signal.confirm_at_ms is not None:
                signal.confirm_at_ms += by_ms


def _judge(cover: Cover, turn: Turn, trigger: Evidence | None, at_ms: int, reason: str | None = None) -> None:
    """Say what changed after a signal went on or off."""
    facility, opened = cover.site.facility, cover.opened
    name = next((name for name in _ORDER if cover.signals[name].on), None)
    kind = None if name is None else _KIND[name]
    if kind is (None if opened is None else opened.kind):
        return
    numbers = {"angle_deg": round(cover.angle, 1), "install_deg": cover.install_deg, "limit_deg": cover.tilt_deg}
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


def _says(cover: Cover, name: str, value: float) -> bool | None:
    """What a sample says of a signal; None: neither alarming nor calm."""
    if name == _CONTACT:
        return value != 0
    if name == _ANGLE:
        return value > OPEN_DEG
    deviation = abs(value - cover.install_deg)
    if deviation > cover.tilt_deg:
        return True
    return False if deviation < cover.tilt_deg / 2 else None


def _suspect(cover: Cover, name: str, signal: Signal, reading: Reading, turn: Turn) -> None:
    signal.first = Evidence.of(reading)
    signal.shard = reading.shard
    signal.confirm_at_ms = max(turn.clock.now_ms, reading.time_ms) + CONFIRM_MS
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
