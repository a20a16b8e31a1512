"""Where vehicles stand too long: bays beyond their allowed stay, kerbs where nobody may stop.

A spot is taken while any of its occupancy sensors says so or any stationary vehicle track stands in it; tracks change
their ids, so only whether there is one counts. A gap shorter than ``clear_s`` is no gap. When a spot has been taken
for longer than its limit and everything that was sent until then has been received, a finding is raised without any
new reading; it is cleared when the spot was free for ``clear_s``. One finding per spot is open at a time.

A track of which a camera says nothing for ``track_gone_s`` counts as gone from then on: the camera died or lost it.
Messages older than the newest of their sensor or track are ignored. At a bus stop a bus may stand.

The parameters and their defaults: rules ``overstay``, ``no_stopping``, ``bus_stop`` and ``fire_lane`` in
:mod:`schemas.rules`. A bay has no limit unless one is set.
"""

import math
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
    span,
)
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import Clock, Outcome, Reading, Series, Stepped, TimerDue, ZoneEvent
from schemas.anomaly import AnomalyKind
from schemas.camera import CameraEvent, TrackPhase
from schemas.facility import Facility, FacilityClass
from schemas.model import to_ms
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured

VEHICLES: Final = frozenset({"car", "truck", "bus", "motorcycle", "van"})
OVERSTAY: Final = "overstay"
KERBS: Final = ("no_stopping", "bus_stop", "fire_lane")
"""The rules of kerbs, which are the activities of their policies."""


class Rule(msgspec.Struct, frozen=True):
    """How long a spot may be taken, and when it counts as free."""

    name: str  # in schemas.rules
    kind: AnomalyKind
    limit_ms: int | None
    clear_ms: int
    track_gone_ms: int
    allowed_ms: int | None = None  # the limit without grace, as a sign would say it
    bus_may: bool = False


class Source(msgspec.Struct):
    """A sensor or a track that says whether the spot is taken."""

    taken: bool
    newest_ms: int
    expires: bool
    put_off_ms: int = 0  # how much later it expires because the clock was set since it spoke


class Spot(msgspec.Struct):
    """A bay or a stretch of kerb."""

    site: Site
    rule: Rule
    sources: dict[str, Source] = {}
    shard: str = ""  # of the newest message
    since_ms: int | None = None  # taken since
    first: Evidence | None = None  # the message that said so
    free_ms: int | None = None  # free since, but not yet for `clear_ms`
    freed: Evidence | None = None
    opened: Opened | None = None
    epoch_ms: int = 0  # when a change of policy last closed a finding of a stay that went on
    armed_ms: int | None = None


class State(msgspec.Struct):
    """The spots of a zone."""

    zone: str
    rules: Rulebook
    spots: dict[str, Spot] = {}


class ParkingDetector(Packed[State]):
    """A vehicle that stands too long or where it may not."""

    state_type = State
    name: Final = "parking"
    version: Final = 4
    hears_late: Final = False

    def initial(self, zone: str) -> State:
        """No spots."""
        return State(zone, Rulebook((OVERSTAY, *KERBS)))

    def wants(self, series: Series) -> bool:
        """Occupancy of bays and kerbs."""
        return series.observed_property == "occupied" and series.facility_class in {
            FacilityClass.PARKING_BAY,
            FacilityClass.CURB_ZONE,
        }

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in occupancy, camera tracks, registrations and timers."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case Reading():
                    spot = state.spots.get(event.series.facility)
                    if spot is not None:
                        taken = event.value != 0
                        _hear(spot, event, event.series.device, turn, taken=taken)
                        _arm(spot, turn)
                case CameraEvent():
                    self._on_camera(state, event, turn)
                case TimerDue():
                    self._on_timer(state, event, turn)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    self._on_registry(state, event, turn)
                case Stepped():
                    for spot in state.spots.values():
                        _put_forward(spot, event.by_ms)
                case _:
                    pass
        return turn.outcome

    def _on_camera(self, state: State, event: CameraEvent, turn: Turn) -> None:
        spot = state.spots.get(event.facility)
        if spot is None or event.label not in VEHICLES or (spot.rule.bus_may and event.label == "bus"):
            return
        taken = event.present and event.stationary and event.phase is not TrackPhase.END
        source = f"{event.device}/{event.track}"
        _hear(spot, event, source, turn, taken=taken)
        _arm(spot, turn)

    def _on_timer(self, state: State, due: TimerDue, turn: Turn) -> None:
        spot = state.spots[due.name]
        spot.armed_ms = None
        _pass_time(spot, turn.clock.frontier.get(spot.shard, 0), turn)
        _arm(spot, turn)

    def _on_registry(self, state: State, event: RegistryEvent, turn: Turn) -> None:
        match event:
            case FacilityRegistered():
                self._on_registered(state, event.facility, turn)
            case FacilityLeft():
                self._on_left(state, event.facility, turn)
            case _:
                if state.rules.configure(event):
                    for _, spot in sorted(state.spots.items()):
                        _change_rule(spot, _rule(state.rules, spot.site, spot.rule.name), turn)

    def _on_registered(self, state: State, facility: Facility, turn: Turn) -> None:
        name = _rule_name(facility)
        if name is None:
            self._on_left(state, facility.facility, turn)
            return
        state.rules.register(facility)
        site = Site.of(facility)
        rule = _rule(state.rules, site, name)
        spot = state.spots.get(facility.facility)
        if spot is None:
            state.spots[facility.facility] = Spot(site, rule)
            return
        spot.site = site
        _change_rule(spot, rule, turn)

    def _on_left(self, state: State, facility: str, turn: Turn) -> None:
        state.rules.forget(facility)
        spot = state.spots.pop(facility, None)
        if spot is None:
            return
        if spot.armed_ms is not None:
            turn.wake(facility, None)
        _end_stay(spot, turn.clock.now_ms, turn, LEFT)


def _change_rule(spot: Spot, rule: Rule, turn: Turn) -> None:
    if spot.rule == rule:
        return
    spot.rule = rule
    if spot.opened is not None:
        limit_ms = _limit_due(spot)
        if rule.kind is not spot.opened.kind or limit_ms is None or limit_ms > turn.clock.now_ms:
            summary = f"{spot.site.facility} is under another rule"
            turn.clears(spot.opened, Step(turn.clock.now_ms, summary, {}, reason=POLICY_CHANGED))
            spot.opened = None
            spot.epoch_ms = turn.clock.now_ms
    _arm(spot, turn)


def _put_forward(spot: Spot, by_ms: int) -> None:
    """Nobody stood here for longer because a clock was set; the engine has put off the timers as well."""
    if spot.since_ms is not None:
        spot.since_ms += by_ms
    if spot.free_ms is not None:
        spot.free_ms += by_ms
    if spot.armed_ms is not None:
        spot.armed_ms += by_ms
    for source in spot.sources.values():
        source.put_off_ms += by_ms


def _hear(spot: Spot, event: Reading | CameraEvent, name: str, turn: Turn, *, taken: bool) -> None:
    time_ms = event.time_ms if isinstance(event, Reading) else to_ms(event.phenomenon_time)
    source = spot.sources.get(name)
    if source is not None and time_ms < source.newest_ms:
        return
    _pass_time(spot, time_ms, turn)
    spot.shard = event.shard
    spot.sources[name] = Source(taken, time_ms, isinstance(event, CameraEvent))
    if taken:
        if spot.since_ms is None:
            spot.since_ms, spot.first = time_ms, Evidence.of(event)
        spot.free_ms = spot.freed = None
    elif spot.since_ms is not None and spot.free_ms is None and not _is_taken(spot):
        # Sensors may say it out of order; nobody leaves before he came.
        spot.free_ms, spot.freed = max(time_ms, spot.since_ms), Evidence.of(event)
        _pass_time(spot, time_ms, turn)  # clear_s may be 0


def _pass_time(spot: Spot, until_ms: int, turn: Turn) -> None:
    """Do what falls due up to ``until_ms``, in order: what comes out does not depend on when we are asked."""
    while (due := _next_due(spot)) is not None and due[0] <= until_ms:
        at_ms, what = due
        if what == "limit":
            _raise(spot, turn)
        elif what == "free":
            _end_stay(spot, at_ms, turn, None)
        else:
            gone = spot.sources.pop(what)
            if gone.taken and spot.since_ms is not None and spot.free_ms is None and not _is_taken(spot):
                spot.free_ms, spot.freed = at_ms, None


def _raise(spot: Spot, turn: Turn) -> None:
    rule, facility = spot.rule, spot.site.facility
    assert spot.since_ms is not None, "only a taken spot has a limit"
    assert spot.first is not None, "a message began it"
    assert rule.limit_ms is not None, "only a rule with a limit falls due"
    allowed_ms = rule.limit_ms if rule.allowed_ms is None else rule.allowed_ms
    if rule.kind is AnomalyKind.PARKING_OVERSTAY:
        summary = f"Bay {facility} taken for longer than the {span(allowed_ms)} allowed"
    else:
        summary = f"Vehicle standing at {facility} for more than {span(rule.limit_ms)}"
    cause = f"{spot.first.id}/{spot.epoch_ms}" if spot.epoch_ms else spot.first.id
    numbers = {"allowed_s": allowed_ms / 1000, "limit_s": rule.limit_ms / 1000}
    # Time alone decides, so the finding carries no arrival time.
    step = Step(spot.since_ms + rule.limit_ms, summary, numbers, (spot.first,), by_time=True)
    opening = Opening(facility, spot.site, cause, spot.since_ms)
    spot.opened = turn.raises(rule.kind, opening, step)


def _end_stay(spot: Spot, at_ms: int, turn: Turn, reason: str | None) -> None:
    if spot.opened is not None:
        assert spot.since_ms is not None, "an open finding has a stay"
        stay_ms = (at_ms if spot.free_ms is None else spot.free_ms) - spot.since_ms
        facility = spot.site.facility
        summary = f"{facility} is no longer watched" if reason else f"{facility} free again after {span(stay_ms)}"
        evidence = () if spot.freed is None else (spot.freed,)
        step = Step(at_ms, summary, {"stay_s": stay_ms / 1000}, evidence, reason, by_time=True)
        turn.clears(spot.opened, step)
    spot.opened = spot.since_ms = spot.first = spot.free_ms = spot.freed = None
    spot.epoch_ms = 0


def _rule_name(facility: Facility) -> str | None:
    """The rule that a facility is under; None: nothing is forbidden there."""
    if facility.facility_class is FacilityClass.PARKING_BAY:
        return OVERSTAY
    activity = facility.policy.activity
    return activity if facility.facility_class is FacilityClass.CURB_ZONE and activity in KERBS else None


def _rule(rules: Rulebook, site: Site, name: str) -> Rule:
    values = rules.of(site.facility, site.facility_class)
    clear_ms, gone_ms = _ms(values[f"{name}.clear_s"]), _ms(values[f"{name}.track_gone_s"])
    if name != OVERSTAY:
        dwell_ms = _ms(values[f"{name}.dwell_s"])
        return Rule(name, AnomalyKind.NO_STOPPING, dwell_ms, clear_ms, gone_ms, bus_may=name == "bus_stop")
    allowed_s = values["overstay.max_stay_s"]
    if math.isinf(allowed_s):
        return Rule(name, AnomalyKind.PARKING_OVERSTAY, None, clear_ms, gone_ms)
    limit_ms = _ms(allowed_s) + _ms(values["overstay.grace_s"])
    return Rule(name, AnomalyKind.PARKING_OVERSTAY, limit_ms, clear_ms, gone_ms, allowed_ms=_ms(allowed_s))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _is_taken(spot: Spot) -> bool:
    return any(source.taken for source in spot.sources.values())


def _limit_due(spot: Spot) -> int | None:
    """When a taken spot will have been taken for longer than its limit."""
    if spot.since_ms is None or spot.rule.limit_ms is None:
        return None
    return spot.since_ms + spot.rule.limit_ms + 1


def _next_due(spot: Spot) -> tuple[int, str] | None:
    """What will happen next if nothing more is heard: ``limit``, ``free``, or the name of a track that is gone."""
    due: list[tuple[int, str]] = []
    if spot.free_ms is not None:
        due.append((spot.free_ms + spot.rule.clear_ms, "free"))
    elif spot.opened is None and (limit_ms := _limit_due(spot)) is not None:
        due.append((limit_ms, "limit"))
    due.extend(
        (source.newest_ms + source.put_off_ms + spot.rule.track_gone_ms, name)
        for name, source in spot.sources.items()
        if source.expires
    )
    return min(due, default=None)


def _arm(spot: Spot, turn: Turn) -> None:
    due = _next_due(spot)
    if due is None:
        return  # a timer that is no longer needed fires once and finds nothing to do
    at_ms = due[0]
    if at_ms <= turn.clock.now_ms:
        at_ms = retry_at(turn.clock, spot.shard, at_ms) or at_ms
    if spot.armed_ms is None or at_ms < spot.armed_ms:
        spot.armed_ms = at_ms
        turn.wake(spot.site.facility, at_ms)
