"""Street lamps: dark at night, burning by day, cycling, at a wrong power; and feeders that are dark as a whole.

A lamp is judged by the power that it takes, as a share of what it should take (registered, or learnt on its first
nights; less where it is dimmed), and by the sun at its place (:mod:`processors.detectors.sun`). What burned at dusk and
is switched off later at night, or dimmed to nothing, is off on purpose. What its switch says is the lamp's own word of
its relay, not the order of anybody: who was off at dusk and stays so has lost its schedule. Where nothing measures
power, its switch tells of burning by day.

The parameters: rules ``lamp`` and ``feeder`` in :mod:`schemas.rules`.
"""

from collections.abc import Sequence
from typing import Final

from processors.detectors import lamp_ears as ears
from processors.detectors import lamp_feeder
from processors.detectors.common import (
    LEFT,
    NOT_KNOWN,
    POLICY_CHANGED,
    Bound,
    Evidence,
    Opening,
    Packed,
    Site,
    Step,
    Turn,
    span,
)
from processors.detectors.debounce import Need, Signal
from processors.detectors.lamp_state import DARK, DAY, POWER, Lamp, State
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.detectors.sun import Light, light, night_began, spell
from processors.engine.contract import Calm, Clock, Ear, Outcome, Reading, Series, ZoneEvent, deaf
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values

_CYCLING: Final = "cycling"
_EARLY: Final = 0.98  # of its interval: what comes sooner after the word before was sent because something changed
_HEARD: Final = frozenset({"power", "switch_on", "dim_level", "voltage"})


class LampDetector(Packed[State]):
    """A lamp that does not do what the time of day asks for."""

    state_type = State
    name: Final = "lamp"
    version: Final = 4
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """No lamps."""
        return State(zone, Rulebook(("lamp", "feeder")))

    def wants(self, series: Series) -> bool:
        """Power, switch and dimmer of lamps, and their mains."""
        return series.facility_class is FacilityClass.STREET_LAMP and series.observed_property in _HEARD

    def ear(self, state: State, series: Series) -> Ear | None:
        """Nearly every lamp does what it did a while ago."""
        lamp = state.lamps.get(series.facility)
        if lamp is None or series.device not in lamp.devices:
            return deaf
        if series.observed_property == "voltage":
            return ears.mains(lamp)
        if series.observed_property != "power":
            return ears.switch(lamp, series.observed_property)
        return ears.power(lamp, state.values(lamp))

    def calm(self, state: State, series: Series) -> Calm | None:
        """That it burns at night, or is out by day, is known when somebody asks."""
        lamp = state.lamps[series.facility]
        if series.observed_property == "voltage":
            return ears.calm_mains(lamp)
        return ears.calm(lamp, state.values(lamp)) if series.observed_property == "power" else None

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in readings, registrations and rules."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    _on_reading(state, event, turn)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    _on_registry(state, event, turn)
                case _:
                    pass
        return turn.outcome


def _on_reading(state: State, reading: Reading, turn: Turn) -> None:
    lamp = state.lamps.get(reading.series.facility)
    if lamp is None or reading.series.device not in lamp.devices:
        return  # none of ours, or one that spoke for it until just now
    if reading.series.observed_property == "voltage":
        lamp.hear_mains(reading.time_ms, reading.value)
        return
    values = state.values(lamp)
    now = light(lamp.site.lat, lamp.site.lon, reading.time_ms, round(values["lamp.dusk_s"] * 1000))
    if reading.series.observed_property != "power":
        lamp.hear_switch(reading.series.observed_property, reading.time_ms, reading.value)
        if lamp.power_ms < 0 and lamp.switched_on is not None and reading.series.observed_property == "switch_on":
            _judge_day(lamp, values, reading, now, float(lamp.switched_on), turn)
        return
    newest = reading.time_ms > lamp.power_ms
    lamp.power_ms = max(lamp.power_ms, reading.time_ms)
    if newest:
        lamp.hear_power(values, reading.value)
    share = lamp.share(values, reading.value)
    purpose = lamp.is_off()
    if now is Light.NIGHT:
        missed_dusk = _watch_dusk(lamp, values, reading.time_ms, share)
        purpose = purpose and not missed_dusk
        if not purpose:
            lamp.learn(values, reading.value)
            share = lamp.share(values, reading.value)
    _judge_day(lamp, values, reading, now, share, turn)
    _judge_power(lamp, values, reading, now, share, turn)
    if newest:
        _judge_cycling(lamp, values, reading, now if not purpose else Light.TWILIGHT, share, turn)
    _judge_dark(state, lamp, values, reading, now if not purpose else Light.DAY, share, turn)


def _watch_dusk(lamp: Lamp, values: Values, time_ms: int, share: float) -> bool:
    """Whether it never went on this night: that it says itself that it is off is then what is wrong, and no purpose."""
    place = lamp.site.lat, lamp.site.lon, time_ms, round(values["lamp.dusk_s"] * 1000)
    began_ms = night_began(*place)
    lamp.see_night(time_ms, began_ms, spell(*place)[1], is_lit=share >= values["lamp.lit_share"])
    return lamp.missed_dusk(began_ms, values["lamp.switch_s"] * 1000)


def _judge_dark(
    state: State, lamp: Lamp, values: Values, reading: Reading, now: Light, share: float, turn: Turn
) -> None:
    signal = lamp.signal(DARK)
    says = None
    if share >= values["lamp.lit_share"]:
        says = False
    elif share < values["lamp.dark_share"] and now is Light.NIGHT:
        # A lamp that is dark says so to the digit, and so does one that froze while it was: their mains tell.
        says = None if lamp.is_frozen(values["lamp.frozen_chance"]) else True
    if _hear(signal, reading, reading.value, says, _need(values, signal, "lamp.dark_s")):
        lamp_feeder.weigh(state, Evidence.of(reading), reading.time_ms, turn)


def _judge_day(lamp: Lamp, values: Values, reading: Reading, now: Light, share: float, turn: Turn) -> None:
    signal = lamp.signal(DAY)
    says = None
    if share < values["lamp.dark_share"]:
        says = False
    elif share >= values["lamp.lit_share"] and now is Light.DAY:
        says = None if lamp.burning.is_frozen(values["lamp.frozen_chance"]) else True
    name = lamp.site.facility
    if says is False and _burned_until(lamp, values, signal, reading.time_ms):
        signal.turn(on=True)
        burned_ms = reading.time_ms - (signal.cause or Evidence.of(reading)).time_ms
        summary = f"Lamp {name} burned by day for {span(burned_ms)}"
        _say(lamp, DAY, AnomalyKind.LAMP_ON_BY_DAY, signal, reading, {"burned_s": burned_ms / 1000}, summary, turn)
    if _hear(signal, reading, reading.value, says, _need(values, signal, "lamp.day_s")):
        summary = f"Lamp {name} burns by day" if signal.on else f"Lamp {name} is out"
        numbers = {"power_w": reading.value} if reading.series.observed_property == "power" else {}
        _say(lamp, DAY, AnomalyKind.LAMP_ON_BY_DAY, signal, reading, numbers, summary, turn)


def _burned_until(lamp: Lamp, values: Values, signal: Signal, out_ms: int) -> bool:
    """Whether a lamp that is out burned just before, and did so for too long.

    A controller speaks at its interval and when it switches. What says that it is out before a word was due was sent
    because it went out; at its interval, it may have been out since the word before.
    """
    first, newest = signal.first, signal.newest
    if signal.on or first is None or newest is None or signal.count < values["lamp.samples"]:
        return False
    if out_ms - first.time_ms < values["lamp.day_s"] * 1000:
        return False
    return 0 < out_ms - newest.time_ms < _EARLY * lamp.every_ms


def _judge_power(lamp: Lamp, values: Values, reading: Reading, now: Light, share: float, turn: Turn) -> None:
    rated_w = lamp.rated_w(values)
    if rated_w is None or now is not Light.NIGHT or share < values["lamp.lit_share"]:
        return  # whether it burns at all is another matter
    signal = lamp.signal(POWER)
    off_by = abs(share - 1.0)
    says = None
    if off_by > values["lamp.power_share"]:
        says = True
    elif off_by < values["lamp.power_clear_share"]:
        says = False
    if _hear(signal, reading, share, says, _need(values, signal, "lamp.power_s")):
        numbers = {"power_w": reading.value, "rated_w": rated_w, "share": round(share, 3)}
        name = lamp.site.facility
        summary = f"Lamp {name} takes {reading.value:g} W, {share:.0%} of what it should".replace("%", " %")
        _say(lamp, POWER, AnomalyKind.LAMP_POWER, signal, reading, numbers, summary, turn)


def _judge_cycling(lamp: Lamp, values: Values, reading: Reading, now: Light, share: float, turn: Turn) -> None:
    """Count how often it goes on or out in one night; only readings in order tell that."""
    if now is not Light.NIGHT:
        lamp.burns, lamp.steady_ms, lamp.changes = None, -1, []
        return
    burns = True if share >= values["lamp.lit_share"] else False if share < values["lamp.dark_share"] else lamp.burns
    if lamp.steady_ms < 0:
        lamp.steady_ms = reading.time_ms
    opened = lamp.opened.get(_CYCLING)
    within_ms = round(values["lamp.cycles_s"] * 1000)
    changed = lamp.burns is not None and burns is not lamp.burns
    lamp.burns = burns
    if not changed:
        if opened is not None and reading.time_ms - lamp.steady_ms >= within_ms:
            summary = f"Lamp {lamp.site.facility} is steady"
            turn.clears(opened, Step(reading.time_ms, summary, {}, (Evidence.of(reading),)))
            del lamp.opened[_CYCLING]
        return
    lamp.steady_ms = reading.time_ms
    many = 2 * round(values["lamp.cycles"])
    lamp.changes = [*lamp.changes[-many + 1 :], Evidence.of(reading)]
    first = lamp.changes[0]
    if opened is None and len(lamp.changes) == many and reading.time_ms - first.time_ms <= within_ms:
        summary = f"Lamp {lamp.site.facility} went on and out {many // 2} times within {span(within_ms)}"
        numbers = {"cycles": many / 2, "within_s": (reading.time_ms - first.time_ms) / 1000}
        opening = Opening(lamp.site.facility, lamp.site, first.id, first.time_ms)
        step = Step(reading.time_ms, summary, numbers, tuple(lamp.changes))
        lamp.opened[_CYCLING] = turn.raises(AnomalyKind.LAMP_CYCLING, opening, step)
        lamp.changes = []


def _need(values: Values, signal: Signal, lasting: str) -> Need:
    """To be believed it must last; what speaks against it only needs its samples."""
    return Need(round(values["lamp.samples"]), 0 if signal.on else round(values[lasting] * 1000))


def _hear(signal: Signal, reading: Reading, value: float, says: bool | None, need: Need) -> bool:  # noqa: FBT001 - what a sample says
    return signal.hear(reading, value, against=says is not None and says is not signal.on, need=need)


def _say(
    lamp: Lamp,
    name: str,
    kind: AnomalyKind,
    signal: Signal,
    reading: Reading,
    numbers: dict[str, float],
    summary: str,
    turn: Turn,
) -> None:
    """A signal of one lamp went on or off."""
    trigger = Evidence.of(reading)
    if not signal.on:
        opened = lamp.opened.pop(name, None)
        if opened is not None:
            turn.clears(opened, Step(reading.time_ms, summary, numbers, (trigger,)))
        return
    first = signal.cause
    assert first is not None, "a signal goes on by a sample"
    evidence = (first, trigger) if trigger != first else (first,)
    opening = Opening(lamp.site.facility, lamp.site, first.id, first.time_ms)
    lamp.opened[name] = turn.raises(kind, opening, Step(reading.time_ms, summary, numbers, evidence))


# the registry


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            _on_registered(state, event.facility, turn)
        case FacilityLeft():
            _on_left(state, event.facility, turn)
        case _:
            before = {name: state.values(state.lamps[name]) for name in sorted(state.lamps)}
            if state.rules.configure(event):
                for name, values in before.items():
                    _on_rules(state, state.lamps[name], values, turn)


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    name, site = facility.facility, Site.of(facility)
    if facility.facility_class is FacilityClass.LAMP_FEEDER:
        if name in state.lamps:
            _on_left(state, name, turn)
        state.rules.register(facility)
        state.feeders[name] = site
        return
    if name in state.feeders or facility.facility_class is not FacilityClass.STREET_LAMP:
        _on_left(state, name, turn)
    if facility.facility_class is not FacilityClass.STREET_LAMP:
        return
    lamp = state.lamps.get(name)
    every_s = min((one.interval_s for one in facility.devices if one.interval_s is not None), default=0.0)
    bound = Bound.of(facility, () if lamp is None else lamp.devices)
    if lamp is None or bound.gone:
        state.rules.register(facility)
        state.lamps[name] = Lamp(site, every_ms=round(every_s * 1000), devices=bound.devices)
        if lamp is not None:
            _end_all(lamp, f"Lamp {name} {NOT_KNOWN}", bound.reason, turn)
            lamp_feeder.weigh(state, None, turn.clock.now_ms, turn)
        return
    lamp.site, lamp.every_ms, lamp.devices = site, round(every_s * 1000), bound.devices
    before = state.values(lamp)
    state.rules.register(facility)
    _on_rules(state, lamp, before, turn)


def _end_all(lamp: Lamp, summary: str, reason: str, turn: Turn) -> None:
    for name in sorted(lamp.opened):
        turn.clears(lamp.opened[name], Step(turn.clock.now_ms, summary, {}, reason=reason))


def _on_rules(state: State, lamp: Lamp, before: Values, turn: Turn) -> None:
    """What is no alarm by the new rule is none any more; what is one by it only, the next samples say."""
    values = state.values(lamp)
    if values == before:
        return
    ended = []
    for name in sorted(lamp.signals):
        signal = lamp.signals[name]
        signal.settle()
        if signal.on and not _still(lamp, values, name, signal.value) and _still(lamp, before, name, signal.value):
            signal.turn(on=False)
            ended.append(name)
    for name in ended:
        opened = lamp.opened.pop(name, None)
        if opened is not None:
            summary = f"Lamp {lamp.site.facility} is right by a new rule"
            turn.clears(opened, Step(turn.clock.now_ms, summary, {}, reason=POLICY_CHANGED))
    if DARK in ended:
        lamp_feeder.weigh(state, None, turn.clock.now_ms, turn)


def _still(lamp: Lamp, values: Values, name: str, value: float) -> bool:
    """Whether the newest value is still an alarm."""
    match name:
        case "dark":
            return lamp.share(values, value) < values["lamp.dark_share"]
        case "day":
            return lamp.share(values, value) >= values["lamp.lit_share"]
        case _:
            return abs(value - 1.0) > values["lamp.power_share"]


def _on_left(state: State, name: str, turn: Turn) -> None:
    state.rules.forget(name)
    lamp = state.lamps.pop(name, None)
    if lamp is not None:
        _end_all(lamp, f"Lamp {name} is no longer watched", LEFT, turn)
    if state.feeders.pop(name, None) is not None or lamp is not None:
        lamp_feeder.weigh(state, None, turn.clock.now_ms, turn)
