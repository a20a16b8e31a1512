"""What stands where and by which rules: registrations, configurations, the calendar, and clocks that are set."""

from processors.detectors.common import Site, Turn
from processors.detectors.parking import replaced, stays, watches
from processors.detectors.parking.rules import activity_of, judge, lengths_of
from processors.detectors.parking.state import Spot, State
from processors.detectors.parking.timetable import written
from schemas.facility import Facility
from schemas.registry import CalendarConfigured, ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured

Event = FacilityRegistered | FacilityLeft | ZoneConfigured | ClassConfigured | CalendarConfigured


def on_registry(state: State, event: Event, turn: Turn) -> list[Spot]:
    """Take it in; gives the spots for which something may fall due at another time."""
    match event:
        case FacilityRegistered():
            return _on_registered(state, event.facility, turn)
        case FacilityLeft():
            _on_left(state, event.facility, turn)
            return []
        case CalendarConfigured():
            calendar = event.calendar.model_dump_json()
            changed, state.calendar = calendar != state.calendar, calendar
        case _:
            changed = state.rules.configure(event)
            key = "" if isinstance(event, ZoneConfigured) else f"class {event.facility_class.value}"
            changed = _say_curb(state, key, written(event.policy.curb)) or changed
    if not changed:
        return []
    spots = [spot for _, spot in sorted(state.spots.items())]
    for spot in spots:
        _rejudge(state, spot, turn)
    return spots


def _on_registered(state: State, facility: Facility, turn: Turn) -> list[Spot]:
    name, activity = facility.facility, activity_of(facility)
    if activity is None:
        _on_left(state, name, turn)
        return []
    state.rules.register(facility)
    _say_curb(state, name, written(facility.policy.curb))
    spot = state.spots.get(name)
    if spot is None:
        spot = state.spots[name] = Spot(Site.of(facility), activity)
    spot.site, spot.activity = Site.of(facility), activity
    looks = {one.device for one in facility.devices if one.camera_zone is not None or one.polygon is not None}
    spot.cameras = tuple(sorted(looks))
    spot.intervals = {
        one.device: round(one.interval_s * 1000)
        for one in facility.devices
        if one.interval_s is not None and one.device not in looks
    }
    replaced.on_registered(state, spot, facility, turn)
    _rejudge(state, spot, turn)
    return [spot]


def _on_left(state: State, facility: str, turn: Turn) -> None:
    state.rules.forget(facility)
    state.curb.pop(facility, None)
    spot = state.spots.pop(facility, None)
    if spot is None:
        return
    if spot.armed_ms is not None:
        turn.wake(facility, None)
    stays.forget(spot, turn)
    watches.forget(spot, turn)
    replaced.forget_cameras(state, set(spot.devices))


def _say_curb(state: State, key: str, curb: str) -> bool:
    before = state.curb.pop(key, "")
    if curb:
        state.curb[key] = curb
    return curb != before


def _rejudge(state: State, spot: Spot, turn: Turn) -> None:
    spot.lengths = lengths_of(state, spot)
    stays.rejudge(state, spot, turn)
    watches.rejudge(state, spot, turn)


def put_forward(state: State, by_ms: int) -> None:
    """Nothing lasted longer because a clock was set; the engine has put off the timers as well."""
    for spot in state.spots.values():
        for stay in spot.stays.values():
            stay.since_ms += by_ms
            stay.judged_ms += by_ms
            stay.said_ms += by_ms
            if stay.free_ms is not None:
                stay.free_ms += by_ms
            if not stay.offends:
                judge(state, spot, stay, stay.judged_ms)
        watches.put_forward(spot, by_ms)
        for source in spot.sources.values():
            source.put_off_ms += by_ms
        if spot.armed_ms is not None:
            spot.armed_ms += by_ms
        spot.due_ms = 0
