"""Which rule a spot is under at a moment, and when a stay breaks it."""

import math
from typing import Final, NamedTuple

from processors.detectors.parking.clocks import skew_of
from processors.detectors.parking.state import Lengths, Spot, State, Stay, Verdict
from processors.detectors.parking.timetable import timetable
from schemas.curb import CurbPolicy
from schemas.facility import Facility, FacilityClass
from schemas.rules import RULES, Values
from schemas.rules.parking import STANDING

OVERSTAY: Final = "overstay"
DOUBLE: Final = "double_parking"
NAMES: Final = tuple(name for name, rule in RULES.items() if rule.processor == "parking")
"""The rules that this processor goes by."""
_OF_CLASS: Final = {
    FacilityClass.BICYCLE_LANE: "bicycle_lane",
    FacilityClass.ENTRANCE: "entrance",
    FacilityClass.TRAVEL_LANE: "travel",
    FacilityClass.PARKING_BAY: "parking",
}
_OF_ACTIVITY: Final = {
    "no_stopping": "no_stopping",
    "no_parking": "no_parking",
    "bus_stop": "bus_stop",
    "fire_lane": "fire_lane",
    "bicycle_lane": "bicycle_lane",
    "entrance": "entrance",
    "travel": DOUBLE,
}
_FORBIDS: Final = {"no stopping": "no_stopping", "no parking": "no_parking"}
_ALLOWS: Final = frozenset({"parking", "stopping", "loading", "unloading"})
SPELLS_MAX: Final = 16
"""So many changes of the policy are looked through for the one under which a stay is too long; then again later."""
_RETRY_MS: Final = 15_000
_LONGEST_MS: Final = 1 << 60  # longer than anybody stays, and still a number of C


class Regime(NamedTuple):
    """What holds at a moment, and until when; ``limit_ms`` None: one may stay."""

    rule: str
    limit_ms: int | None
    allowed_ms: int
    no_return_ms: int
    until_ms: int | None


def activity_of(facility: Facility) -> str | None:
    """What a spot is for; None: no place where anything is forbidden or measured."""
    if facility.facility_class is FacilityClass.ROAD_SECTION:
        return "road"
    if facility.facility_class not in STANDING:
        return None
    return _OF_CLASS.get(facility.facility_class) or facility.policy.activity or "parking"


def own_rule(spot: Spot) -> str:
    """The rule of the place itself, whatever policies with time spans say."""
    return _OF_ACTIVITY.get(spot.activity, OVERSTAY)


def values_of(state: State, spot: Spot) -> Values:
    """The parameters that apply to a spot."""
    return state.rules.of(spot.site.facility, spot.site.facility_class)


def lengths_of(state: State, spot: Spot) -> Lengths:
    """How long things last there."""
    values, rule = values_of(state, spot), own_rule(spot)
    return Lengths(
        clear=ms(values[f"{rule}.clear_s"]),
        gone=ms(values[f"{rule}.track_gone_s"]),
        cool=ms(values.get(f"{rule}.cool_down_s", 0.0)),
        join_gap=ms(values["tracks.join_gap_s"]),
        fresh=ms(values["tracks.fresh_s"]),
        wait=ms(values["tracks.wait_s"]),
        words=round(values["tracks.words"]),
        rolls=ms(values["tracks.rolls_s"]),
    )


def ms(seconds: float) -> int:
    """Milliseconds."""
    return round(seconds * 1000)


def regime(state: State, spot: Spot, at_ms: int, camera: str) -> Regime:
    """What holds at a moment by the clock of a camera ("": the clock of a sensor is right), and until when by that."""
    skew_ms = skew_of(state, camera)
    holds = _regime(state, spot, at_ms + skew_ms)
    if not skew_ms or holds.until_ms is None:
        return holds
    return holds._replace(until_ms=holds.until_ms - skew_ms)


def _regime(state: State, spot: Spot, at_ms: int) -> Regime:
    values = values_of(state, spot)
    curb = _curb(state, spot)
    if not curb:
        return _standing_rule(values, own_rule(spot), None)
    policy, until_ms = timetable(curb, state.calendar).at(at_ms)
    if policy is None:
        return _standing_rule(values, own_rule(spot), until_ms)
    if policy.activity in _FORBIDS:
        own = own_rule(spot)
        return _standing_rule(values, _FORBIDS[policy.activity] if own == OVERSTAY else own, until_ms)
    if policy.activity == "travel":
        return _standing_rule(values, DOUBLE, until_ms)
    return _allowed(values, policy, until_ms)


def _curb(state: State, spot: Spot) -> str:
    """The nearest that was said of time spans: of the spot, its zone, its class."""
    said = state.curb
    if not said:
        return ""
    return said.get(spot.site.facility) or said.get("") or said.get(f"class {spot.site.facility_class.value}", "")


def _standing_rule(values: Values, name: str, until_ms: int | None) -> Regime:
    if name != OVERSTAY:
        dwell_ms = ms(values[f"{name}.dwell_s"])
        return Regime(name, dwell_ms, dwell_ms, 0, until_ms)
    allowed_s = values["overstay.max_stay_s"]
    if math.isinf(allowed_s):
        return Regime(name, None, 0, 0, until_ms)
    return Regime(name, ms(allowed_s) + ms(values["overstay.grace_s"]), ms(allowed_s), 0, until_ms)


def _allowed(values: Values, policy: CurbPolicy, until_ms: int) -> Regime:
    no_return_ms = ms(policy.no_return_s or 0)
    if policy.activity not in _ALLOWS or policy.max_stay_s is None:
        return Regime(OVERSTAY, None, 0, no_return_ms, until_ms)
    allowed_ms = min(ms(policy.max_stay_s), _LONGEST_MS)
    return Regime(OVERSTAY, allowed_ms + ms(values["overstay.grace_s"]), allowed_ms, no_return_ms, until_ms)


def judge(state: State, spot: Spot, stay: Stay, now_ms: int) -> None:
    """Find out anew when a stay is too long, from when its rule counts on, and in no spell that is over."""
    at_ms = stay.judged_ms
    stay.verdict = stay.look_ms = None
    for _ in range(SPELLS_MAX):
        holds = regime(state, spot, at_ms, stay.camera)
        limit_ms, came_back = holds.limit_ms, False
        if stay.left_ms is not None and holds.no_return_ms > stay.since_ms - stay.left_ms:
            limit_ms, came_back = ms(values_of(state, spot)["overstay.grace_s"]), True
        until_ms = holds.until_ms
        if limit_ms is not None and (until_ms is None or until_ms > now_ms):
            due_ms = max(at_ms + limit_ms, stay.quiet_ms) + 1
            if until_ms is None or due_ms < until_ms:
                kind = RULES[holds.rule].kinds[0]
                allowed_ms = 0 if came_back else holds.allowed_ms
                stay.verdict = Verdict(
                    holds.rule, kind, at_ms, limit_ms, allowed_ms, due_ms, until_ms, came_back=came_back
                )
                return
        if until_ms is None:
            return
        at_ms = until_ms
    stay.look_ms = at_ms


def excused(state: State, spot: Spot, stay: Stay) -> int | None:
    """How much later a stay is to be looked at again, because by then it would be called what it is not; None: it is.

    What an object takes is not overstayed. A vehicle in a travel lane stands in a queue while the segment is congested,
    and where a city says so it must stand beside a taken bay to be double parked.
    """
    verdict = stay.verdict
    if verdict is not None and verdict.rule == OVERSTAY and _is_blocked(spot):
        return verdict.limit_ms + 1
    if verdict is None or verdict.rule != DOUBLE:
        return None
    if any((watch := one.watches.get("congestion")) is not None and watch.opened for one in state.spots.values()):
        return _RETRY_MS
    within_m = values_of(state, spot)["beside.within_m"]
    if not within_m:
        return None
    for bay in state.spots.values():
        is_bay = bay.site.facility_class is FacilityClass.PARKING_BAY
        if is_bay and _metres(spot, bay) <= within_m and any(one.free_ms is None for one in bay.stays.values()):
            return None
    return _RETRY_MS


def _is_blocked(spot: Spot) -> bool:
    watch = spot.watches.get("bay_blocked")
    return watch is not None and watch.since_ms is not None and watch.free_ms is None


def _metres(one: Spot, two: Spot) -> float:
    """Between two spots of a street: so near that the earth is flat."""
    north = (one.site.lat - two.site.lat) * 111_320
    east = (one.site.lon - two.site.lon) * 111_320 * math.cos(math.radians(one.site.lat))
    return math.hypot(north, east)
