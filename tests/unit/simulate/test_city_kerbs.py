"""Kerbs where another policy holds by the hour, and bays that a camera and a sensor watch together."""

import json
from datetime import date
from itertools import pairwise

import pytest

from ops.simulate.city.city import City
from ops.simulate.city.curb import HOLIDAYS, TIMED_POLICIES, in_force, is_holiday
from ops.simulate.city.families.bay import Bays
from ops.simulate.city.families.camera import Stop
from ops.simulate.city.families.timed import TimedKerbs
from ops.simulate.city.kerb_sizes import RETURN, TIMED
from ops.simulate.city.model import Thing
from ops.simulate.city.sky import Weather
from ops.simulate.model import DAY_MS, MINUTE_MS
from processors.detectors.curb import spell
from schemas.anomaly import AnomalyKind
from schemas.curb import Calendar

DAYS = 14
CITY = City(31, 600, days=DAYS)
FAMILY = TimedKerbs(CITY.seed, CITY.start_ms, 1.0, Bays(CITY.seed, CITY.start_ms, Weather(CITY.seed)))
FORBIDDING = ("rush", "night", "bus_lane")


def cameras() -> list[Thing]:
    return [one for one in CITY.things if one.family == "timed"]


def stops(name: str) -> list[Stop]:
    index = list(TIMED_POLICIES).index(name)
    return [stop for one in cameras() for day in range(DAYS) for stop in FAMILY.stops(one.parts[index], day)]


@pytest.mark.parametrize("name", FORBIDDING)
def test_the_policy_in_the_registry_holds_when_the_city_means_it(name: str) -> None:
    calendar = Calendar(time_zone="CST-8", periods={HOLIDAYS: tuple(date.fromisoformat(one) for one in CITY.holidays)})
    curb = TIMED_POLICIES[name].curb or ()
    assert 0 < len(CITY.holidays) < DAYS
    for at_ms in range(CITY.start_ms, CITY.end_ms, 30 * MINUTE_MS):
        begin = at_ms - (at_ms - CITY.start_ms) % DAY_MS
        meant = any(first <= at_ms < last for first, last in in_force(CITY.seed, TIMED[name][1], begin))
        policy = spell(curb, calendar, at_ms).policy
        assert (policy is not None and policy.activity.startswith("no ")) is meant, at_ms


@pytest.mark.parametrize("name", FORBIDDING)
def test_who_stands_there_is_a_matter_only_for_long_enough_within_the_hours(name: str) -> None:
    size, hours = TIMED[name]
    found = stops(name)
    inside_s: dict[bool, list[float]] = {True: [], False: []}
    for stop in found:
        assert stop.matter is not None
        begin = stop.stops_ms - (stop.stops_ms - CITY.start_ms) % DAY_MS
        spans = in_force(CITY.seed, hours, begin)
        within = max((min(stop.goes_ms, b) - max(stop.stops_ms, a) for a, b in spans), default=0) / 1000
        if stop.label != "bus":
            inside_s[stop.matter.silent].append(within / size.threshold)
        else:
            assert stop.matter.silent
    assert max(inside_s[True]) < 1 < min(inside_s[False])
    assert min(inside_s[True]) <= 0  # outside of the hours
    assert any(0.8 <= one < 1 for one in inside_s[True])  # hardly inside
    assert any(1 < one <= 1.2 for one in inside_s[False])
    before = [one for one in found if one.matter is not None and one.stops_ms < one.matter.start_ms]
    assert before  # stood there already when the hours began


def test_who_is_back_too_soon_is_the_same_vehicle() -> None:
    found = stops("short")
    back = [(one, two) for one, two in pairwise(found) if one.plate == two.plate]
    assert back
    for first, second in back:
        assert second.matter is not None
        away_s = (second.stops_ms - first.goes_ms) / 1000
        assert (away_s > RETURN.threshold) is second.matter.silent
    assert {two.matter.silent for _, two in back if two.matter} == {True, False}
    assert len({one.plate for one in found}) > len(found) / 2


def test_nobody_comes_while_another_stands_there() -> None:
    for name in TIMED_POLICIES:
        index = list(TIMED_POLICIES).index(name)
        for one in cameras():
            for day in range(DAYS):
                ordered = FAMILY.stops(one.parts[index], day)
                assert all(a.goes_ms + MINUTE_MS <= b.stops_ms for a, b in pairwise(ordered)), (name, day)


def test_holidays_are_days_of_the_city() -> None:
    drawn = [is_holiday(CITY.seed, CITY.start_ms + day * DAY_MS) for day in range(DAYS)]
    assert sum(drawn) == len(CITY.holidays)


# ------------------------------------------------------------------------------------------------------------- bays

BAYS = City(31, 200, days=4, noise=0, only=frozenset({"bay", "timed"}))


def felt(bay: Thing, what: str) -> list[tuple[int, bool]]:
    """When a sensor said what of a flag."""
    said = []
    for message in BAYS.messages_of(bay):
        body = json.loads(message.payload)
        values = body["object"] if isinstance(body, dict) else {one["property"]: one["value"] for one in body}
        said.append((message.at_ms, bool(values[what])))
    return said


def seen(camera: Thing, zone: str) -> list[tuple[int, int]]:
    """From when to when a vehicle was seen standing in a zone."""
    spans: dict[str, tuple[int, int]] = {}
    for message in BAYS.messages_of(camera):
        if message.topic != "frigate/events":
            continue
        after = json.loads(message.payload)["after"]
        if zone in after["entered_zones"]:
            first, _ = spans.get(after["id"], (message.at_ms, 0))
            spans[after["id"]] = first, message.at_ms
    return sorted(spans.values())


def test_sensor_and_camera_disagree_exactly_in_the_matters_of_a_bay() -> None:
    kinds = set()
    for camera in (one for one in BAYS.things if one.family == "timed"):
        for bay in camera.beside:
            zone = next(one.camera_zone for one in bay.facility.devices if one.device == camera.device.name)
            stands = seen(camera, zone or "")
            matters = [one for one in BAYS.matters(bay) if one.kind is AnomalyKind.SENSOR_CAMERA_CONFLICT]
            kinds |= {one.silent for one in matters}
            for at_ms, taken in felt(bay, "occupied"):
                near = [edge for span in stands for edge in span if abs(edge - at_ms) < 90_000]
                if near:
                    continue  # the camera speaks once a minute
                agree = any(first <= at_ms <= last for first, last in stands) is taken
                at = [one for one in matters if one.start_ms - 10_000 <= at_ms < one.end_ms + 10_000]
                assert agree or at, (bay.facility.facility, at_ms)
                inside = [one for one in at if one.start_ms + 90_000 < at_ms < one.end_ms]
                assert not (agree and inside), (bay.facility.facility, at_ms)
    assert kinds == {True, False}


def test_a_lock_is_up_for_as_long_as_its_matter_and_nobody_parks_meanwhile() -> None:
    matters = [
        (bay, one)
        for bay in BAYS.things
        if bay.family == "bay"
        for one in BAYS.matters(bay)
        if one.kind is AnomalyKind.PRIVATE_LOCK
    ]
    assert {one.silent for _, one in matters} == {True, False}
    for bay, one in matters:
        up = [at_ms for at_ms, raised in felt(bay, "lock_raised") if raised]
        during = [at_ms for at_ms in up if one.start_ms <= at_ms < one.end_ms + 10_000]
        assert during[0] - one.start_ms < 10_000
        assert one.end_ms - during[-1] < 11 * MINUTE_MS
        assert not [at for at in up if one.start_ms - 20 * MINUTE_MS < at < one.start_ms]
        taken = [at_ms for at_ms, is_taken in felt(bay, "occupied") if is_taken]
        assert not [at_ms for at_ms in taken if one.start_ms <= at_ms < one.end_ms]


def test_what_lies_on_a_bay_is_felt_or_not() -> None:
    both = set()
    for bay in BAYS.things:
        for one in BAYS.matters(bay) if "obstruction" in bay.device.senses else ():
            if one.kind is AnomalyKind.BAY_BLOCKED:
                lies = [at for at, on in felt(bay, "obstruction") if on and one.holds(at)]
                assert lies
                both.add(dict(felt(bay, "occupied"))[lies[-1]])
    assert both == {True, False}
