"""Any quantity beyond a limit: too much (other limits in quiet hours), too little, up or down too fast.

Nobody but the rules says what is too much: ``limit_`` and the name of the property (:mod:`schemas.rules.limit`), for a
class, a zone or a facility. A value is judged by the limit of its own time, must be beyond for some samples and some
time, and is calm when it is within by a margin. A sensor that froze by day at what only the night forbids says nothing
new at night; what began to repeat itself when it was forbidden does. What has no limit costs one look-up.
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors.common import LEFT, POLICY_CHANGED, Bound, Evidence, Opening, Packed, Site, Step, Turn, span
from processors.detectors.debounce import Signal
from processors.detectors.limit_state import LIMITED, Bounds, Quantity, State, Watched
from processors.detectors.rise import anew, remember, rise_m
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import QUIET, Calm, Clock, Ear, Outcome, Reading, Series, Unseen, ZoneEvent, deaf
from processors.engine.kept import Kept
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility
from schemas.properties import PROPERTIES
from schemas.registry import CalendarConfigured, ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules.limit import KINDS, rule_of


class LimitDetector(Packed[State]):
    """A value that somebody has set a limit to."""

    state_type = State
    name: Final = "limit"
    version: Final = 6
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """Nothing stands here."""
        return State(zone, Rulebook(("limit_*",)))

    def wants(self, series: Series) -> bool:
        """Quantities that may have a limit."""
        return series.observed_property in LIMITED

    def ear(self, state: State, series: Series) -> Ear | None:
        """Most quantities have no limit, and those that have one are nearly always within."""
        bounds = state.bounds(series.facility, series.facility_class, series.observed_property)
        watched = state.facilities.get(series.facility)
        if bounds is None or watched is None:
            return deaf
        quantity = watched.quantity(series)
        if quantity is None or not bounds.is_steady:
            return None if series.device in watched.devices else deaf
        beyond, low, high = quantity.beyond, bounds.low, bounds.high

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            return low <= value <= high and beyond.goes_by(time_ms, value)

        return hear

    def calm(self, state: State, series: Series) -> Calm | None:
        """What is within is known when somebody asks, if nothing is suspected."""
        bounds = state.bounds(series.facility, series.facility_class, series.observed_property)
        quantity = state.facilities[series.facility].quantity(series)
        if bounds is None or quantity is None or not quantity.beyond.is_quiet():
            return None
        beyond = quantity.beyond

        def absorb(kept: Kept, first: int) -> None:  # noqa: ARG001 - as all that take in
            newest = kept.count - 1
            beyond.goes_by(kept.time(newest), kept.value(newest))

        return Calm(absorb, bounds.low, bounds.high, newest_ms=beyond.newest_ms)

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in readings, registrations, rules and the calendar."""
        if len(events) == 1 and isinstance(events[0], Reading) and not _concerns(state, events[0].series):
            return QUIET  # most of them
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    _on_reading(state, event, turn)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    _on_registry(state, event, turn)
                case Unseen(facility=name, since_ms=int()):
                    _interrupt(state, name)
                case CalendarConfigured():
                    state.time_zone = event.calendar.time_zone  # what is suspected or open, the next samples judge
                case _:
                    pass
        return turn.outcome

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:
        """Version 5 kept some values that this one does not; what it forgot sooner matters only to what comes late."""
        if version != 5:  # noqa: PLR2004 - the one before
            return None
        state = self.restore(zone, data)
        for facility, watched in state.facilities.items():
            for name, said in watched.quantities.items():
                bounds = state.bounds(facility, watched.site.facility_class, name)
                if bounds is None or not bounds.has_change:
                    continue  # nobody asks any more, and in what span they were asked for is not known
                for quantity in said.values():
                    quantity.recent = anew(quantity.recent, bounds.change_ms)
        return self.snapshot(state)


def _interrupt(state: State, facility: str) -> None:
    """What must last has not lasted while nobody saw it."""
    watched = state.facilities.get(facility)
    if watched is None:
        return
    for name, said in watched.quantities.items():
        bounds = state.bounds(facility, watched.site.facility_class, name)
        if bounds is None:
            continue
        for one in said.values():
            for signal in (one.beyond, one.change):
                signal.interrupt(bounds.off if signal.on else bounds.on)


def _concerns(state: State, series: Series) -> bool:
    return state.bounds(series.facility, series.facility_class, series.observed_property) is not None


def _on_reading(state: State, reading: Reading, turn: Turn) -> None:
    series = reading.series
    bounds = state.bounds(series.facility, series.facility_class, series.observed_property)
    if bounds is None:
        return
    watched = state.facilities.get(series.facility)
    if watched is None:
        return
    quantity = watched.quantity(series)
    if quantity is None:
        if series.device not in watched.devices:
            return  # it spoke for the facility until just now
        said = watched.quantities.setdefault(series.observed_property, {})
        quantity = said[series.device] = Quantity(Signal(), Signal())
    says = bounds.beyond(state.time_zone, reading.time_ms, reading.value)
    if bounds.has_night:
        if reading.time_ms > quantity.beyond.newest_ms:
            quantity.say(reading.time_ms, reading.value)
        if says and quantity.said.is_frozen(bounds.frozen):
            began = bounds.beyond(state.time_zone, quantity.since_ms, reading.value)
            says = True if began else None
    changed = _hear(quantity.beyond, reading, reading.value, says, bounds)
    change = _change(quantity, bounds, reading)
    if change is not None:
        changed = _hear(quantity.change, reading, change, bounds.too_fast(change), bounds) or changed
    if changed:
        _judge(watched, quantity, bounds, state.time_zone, reading, turn)


def _hear(signal: Signal, reading: Reading, value: float, says: bool | None, bounds: Bounds) -> bool:  # noqa: FBT001 - what a sample says
    against = says is not None and says is not signal.on
    need = bounds.off if signal.on else bounds.on
    return signal.hear(reading, value, against=against, need=need, between=says is None)


def _change(quantity: Quantity, bounds: Bounds, reading: Reading) -> float | None:
    """By how much it went up or (below zero) down of late, whichever is more; None where nobody asks."""
    if not bounds.has_change:
        return None
    remember(quantity.recent, reading.time_ms, reading.value, bounds.change_ms)
    rose = rise_m(quantity.recent, reading.time_ms, reading.value, bounds.change_ms)
    mirrored = [(at_ms, -value) for at_ms, value in quantity.recent]
    fell = rise_m(mirrored, reading.time_ms, -reading.value, bounds.change_ms)
    return rose if rose / bounds.rise >= fell / bounds.fall else -fell


def _judge(watched: Watched, quantity: Quantity, bounds: Bounds, zone: str, reading: Reading, turn: Turn) -> None:
    """Something about a quantity went on or off; it is beyond as long as any of its devices says so."""
    site, name = watched.site, reading.series.observed_property
    subject, unit = f"{site.facility} {name}", PROPERTIES[name].unit
    trigger = Evidence.of(reading)
    if watched.believes(name) is (name in watched.opened):
        return  # it is beyond for one more reason, or for one less
    opened = watched.opened.pop(name, None)
    if opened is not None:
        step = Step(
            reading.time_ms,
            f"{subject} is as it should be: {_said(reading.value, unit)}",
            {"value": reading.value},
            (trigger,),
        )
        turn.clears(opened, step)
        return
    believed = quantity.beyond if quantity.beyond.on else quantity.change
    assert believed.cause is not None, "a signal goes on by a sample"
    first = believed.cause
    evidence = (first, trigger) if trigger != first else (first,)
    if believed is quantity.beyond:
        top = bounds.top(zone, reading.time_ms)
        limit = top if reading.value > top else bounds.low
        summary = f"{subject} is {_said(reading.value, unit)}, the limit is {_said(limit, unit)}"
        numbers = {"value": reading.value, "limit": limit}
    else:
        change = believed.value
        limit = bounds.rise if change > 0 else bounds.fall
        way, within = ("up", "down")[change < 0], span(bounds.change_ms)
        summary = (
            f"{subject} went {way} by {_said(abs(change), unit)} within {within}, the limit is {_said(limit, unit)}"
        )
        numbers = {"value": reading.value, "change": change, "limit": limit, "within_s": bounds.change_ms / 1000}
    kind = KINDS.get(name, AnomalyKind.LIMIT_EXCEEDED)
    opening = Opening(subject, site, first.id, first.time_ms, rule_of(name))
    watched.opened[name] = turn.raises(kind, opening, Step(reading.time_ms, summary, numbers, evidence))


def _said(value: float, unit: str) -> str:
    return f"{value:.6g}" if unit == "1" else f"{value:.6g} {unit}"


# the registry


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            _on_registered(state, event.facility, turn)
        case FacilityLeft():
            gone = state.facilities.pop(event.facility, None)
            if gone is not None:
                for name in sorted(gone.opened):
                    _end(event.facility, name, gone, LEFT, turn)
            state.rules.forget(event.facility)
            state.forget_bounds()
        case _:
            before = {name: _suspected(state, state.facilities[name]) for name in sorted(state.facilities)}
            if state.rules.configure(event):
                state.forget_bounds()
                _on_rules(state, before, turn)


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    name, site = facility.facility, Site.of(facility)
    watched = state.facilities.get(name)
    if watched is None:
        watched = state.facilities[name] = Watched(site)
    _unbind(watched, facility, turn)
    before = _suspected(state, watched)
    had_own = name in state.rules.facilities
    watched.site = site
    state.rules.register(facility)
    if had_own or name in state.rules.facilities:
        state.forget_bounds()
    _on_rules(state, {name: before}, turn)


def _unbind(watched: Watched, facility: Facility, turn: Turn) -> None:
    """What those said that do not speak for it any more is forgotten."""
    bound = Bound.of(facility, watched.devices)
    watched.devices = bound.devices
    if not bound.gone:
        return
    for name in sorted(watched.quantities):
        said = watched.quantities[name]
        for device in bound.gone:
            said.pop(device, None)
        if name in watched.opened and not watched.believes(name):
            _end(facility.facility, name, watched, bound.reason, turn)
        if not said:
            del watched.quantities[name]


def _suspected(state: State, watched: Watched) -> dict[str, Bounds | None]:
    """What applies now to what is beyond, or suspected of it."""
    return {
        name: state.bounds(watched.site.facility, watched.site.facility_class, name)
        for name in sorted(watched.quantities)
        if watched.suspects(name)
    }


def _on_rules(state: State, before: dict[str, dict[str, Bounds | None]], turn: Turn) -> None:
    """What is no alarm by the new rule is none any more; what is one by it only, the next samples say."""
    for facility, names in before.items():
        watched = state.facilities[facility]
        for name, old in names.items():
            bounds = state.bounds(facility, watched.site.facility_class, name)
            if bounds == old:
                continue
            for quantity in watched.quantities[name].values():
                for signal in (quantity.beyond, quantity.change):
                    signal.settle()
                    if signal.on and not _still(quantity, signal, bounds, state.time_zone):
                        signal.turn(on=False)
            if not watched.believes(name):
                _end(facility, name, watched, POLICY_CHANGED, turn)


def _still(quantity: Quantity, signal: Signal, bounds: Bounds | None, zone: str) -> bool:
    """Whether the newest value is not calm by these limits."""
    if bounds is None:
        return False
    if signal is quantity.beyond:
        return bounds.beyond(zone, signal.newest_ms, signal.value) is True
    return bounds.too_fast(signal.value) is True


def _end(facility: str, name: str, watched: Watched, reason: str, turn: Turn) -> None:
    opened = watched.opened.pop(name, None)
    if opened is not None:
        step = Step(turn.clock.now_ms, f"No limit of {facility} {name} is passed any more", {}, reason=reason)
        turn.clears(opened, step)
