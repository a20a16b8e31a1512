"""The truth about a simulated city: what it says is what was made, and nothing that nobody could see counts."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.simulate.city import kerb_sizes, sizes
from ops.simulate.city.city import City
from ops.simulate.city.faults import Fault, FaultKind
from ops.simulate.city.model import Matter
from ops.simulate.city.sizes import Size
from ops.simulate.city.truth import Truth, in_queues, longest_seen, matter_truth, own_truth
from ops.simulate.model import DAY_MS, HOUR_MS
from schemas.anomaly import AnomalyKind

MENUS: dict[AnomalyKind, Size] = {
    one.kind: one
    for menu in (*vars(sizes).values(), *vars(kerb_sizes).values())
    for one in (menu.values() if isinstance(menu, dict) else menu if isinstance(menu, tuple) else ())
    if isinstance(one, Size)
}


PARTS = {
    (AnomalyKind.BIN_FULL, AnomalyKind.BIN_OVERFLOWING),
    (AnomalyKind.DRAIN_HIGH, AnomalyKind.COVER_LIFTED),
    (AnomalyKind.ROAD_WATER, AnomalyKind.ROAD_FLOODED),
}
"""What is first the one and then, worse, the other."""


@pytest.fixture(scope="module")
def matters() -> list[Matter]:
    city = City(11, 2_000, days=3)  # kerbs with hours have tests of their own
    return [matter for thing in city.things if thing.family != "timed" for matter in city.matters(thing)]


def shares(matters: Iterable[Matter], kind: AnomalyKind, unit: float = 1.0) -> list[float]:
    return [one.size / unit / MENUS[kind].threshold for one in matters]


def test_nothing_goes_on_over_midnight(matters: list[Matter]) -> None:
    start = City(11).start_ms
    assert {one.start_ms < one.end_ms for one in matters} == {True}
    locks = [one for one in matters if one.kind is AnomalyKind.PRIVATE_LOCK]  # they last for more than a day
    assert locks
    matters = [one for one in matters if one not in locks]
    assert {(one.start_ms - start) // DAY_MS == (one.end_ms - start) // DAY_MS for one in matters} == {True}


def test_matters_of_a_facility_do_not_overlap_but_where_one_is_the_other() -> None:
    city = City(11, 1_000, days=3)
    for thing in city.things:  # what a sweeper sees of a road is another thing than the water on it
        by_place: dict[str, list[Matter]] = {}
        for one in city.matters(thing):
            by_place.setdefault(one.facility, []).append(one)
        for found in by_place.values():
            ordered = sorted(found, key=lambda one: one.start_ms)
            for before, after in pairwise(ordered):
                assert (before.kind, after.kind) in PARTS or before.end_ms <= after.start_ms


def test_three_of_ten_are_near_their_threshold_and_as_many_nearly_are(matters: list[Matter]) -> None:
    besides = {AnomalyKind.BIN_FULL, AnomalyKind.LAMP_DARK, AnomalyKind.DRAIN_HIGH}  # some are parts of others
    sized = [
        one for one in matters if one.kind in MENUS and MENUS[one.kind].before is not None and one.kind not in besides
    ]
    real = [one for one in sized if not one.silent]
    assert 0.25 < sum(one.near for one in real) / len(real) < 0.35
    assert 0.2 < sum(one.silent for one in sized) / len(real) < 0.4


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        (AnomalyKind.COVER_TILTED, 1.0),
        (AnomalyKind.PARKING_OVERSTAY, 1.0),
        (AnomalyKind.PRIVATE_LOCK, 1.0),
        (AnomalyKind.SENSOR_CAMERA_CONFLICT, 1.0),
        (AnomalyKind.NO_STOPPING, 1.0),
        (AnomalyKind.FIRE_LANE_BLOCKED, 1.0),
        (AnomalyKind.DRAIN_HIGH, sizes.DRAIN_DEPTH_M),
        (AnomalyKind.ROAD_FLOODED, 1.0),
        (AnomalyKind.TANK_HIGH, sizes.TANK_DEPTH_M),
    ],
)
def test_near_misses_stay_before_the_threshold_and_incidents_go_beyond(
    matters: list[Matter], kind: AnomalyKind, unit: float
) -> None:
    of_kind = [one for one in matters if one.kind is kind and not one.apart]
    silent = shares((one for one in of_kind if one.silent), kind, unit)
    near = shares((one for one in of_kind if one.near and not one.silent), kind, unit)
    far = shares((one for one in of_kind if not one.near and not one.silent), kind, unit)
    assert silent
    assert near
    assert far
    assert max(silent) < 1 < min(*near, *far)
    assert min(silent) >= 0.8
    assert max(near) <= 1.2


def test_what_is_too_little_is_turned_around(matters: list[Matter]) -> None:
    of_kind = [one for one in matters if one.kind is AnomalyKind.TANK_LOW]
    assert min(shares((o for o in of_kind if o.silent), AnomalyKind.TANK_LOW, sizes.TANK_DEPTH_M)) > 1
    low = [one for one in matters if one.kind is AnomalyKind.LIMIT_EXCEEDED]
    assert {one.silent for one in low} == {one.size > sizes.VOLTAGE_V for one in low} == {True, False}
    assert all(one.silent is (one.size > sizes.VOLTAGE_V) for one in low)
    assert max(shares((o for o in of_kind if not o.silent), AnomalyKind.TANK_LOW, sizes.TANK_DEPTH_M)) < 1


def test_a_stay_lasts_as_long_as_its_size_says(matters: list[Matter]) -> None:
    stays = [one for one in matters if one.kind is AnomalyKind.PARKING_OVERSTAY]
    assert stays
    assert all(abs((one.end_ms - one.start_ms) / 1000 - one.size) < 1 for one in stays)


def test_every_line_has_a_name_of_its_own() -> None:
    city = City(12, 300, only=frozenset({"cover", "bin", "lamp", "feeder"}))
    for _ in city.messages():
        pass
    truths = list(city.truth())
    assert len({one.id for one in truths}) == len(truths)
    assert {one.kind for one in truths} >= {AnomalyKind.COVER_OPEN, AnomalyKind.BIN_FULL}


def test_silence_that_losses_made_counts_for_nobody() -> None:
    city = City(12, 300, days=2, noise=4, only=frozenset({"cover"}))
    for _ in city.messages():
        pass
    gaps = [one for one in city.truth() if one.kind is AnomalyKind.DEVICE_SILENT and one.apart]
    assert gaps
    assert all(one.end_ms - one.start_ms > 2.9 * 900_000 for one in gaps if one.size is None)


def test_a_pause_is_a_near_miss_of_silence() -> None:
    city = City(11, 300, days=2, noise=5, only=frozenset({"tank", "drain", "gas", "feeder"}))
    for _ in city.messages():
        pass
    pauses = [one for one in city.truth() if one.kind is AnomalyKind.DEVICE_SILENT and one.near_miss]
    every_s = {thing.device.facility: thing.device.interval_s or 0 for thing in city.things}
    assert len(pauses) >= 3
    assert all(2.39 <= (one.size or 0) / every_s[one.facility] <= 2.92 for one in pauses)


def test_what_drifts_was_watched_for_two_days_and_does_so_for_hours() -> None:
    city = City(12, 2_000, days=4, noise=3, only=frozenset({"cover", "bay"}))
    drifts = [one for one in city.truth() if one.kind is AnomalyKind.DEVICE_DRIFT]
    assert {one.near_miss for one in drifts} == {True, False}
    assert any(one.visible and not one.apart for one in drifts)
    assert all(one.start_ms >= city.start_ms + 2 * DAY_MS for one in drifts)
    for one in drifts:
        assert one.size is not None
        assert (one.size < 3.0) is one.near_miss
        assert one.end_ms - one.start_ms > 12 * HOUR_MS


def test_a_lock_that_a_short_city_does_not_live_to_see_counts_for_nobody() -> None:
    short, long = (City(11, 2_000, days=days, only=frozenset({"bay"})) for days in (1, 2))
    seen = [
        [one for one in city.truth() if one.kind is AnomalyKind.PRIVATE_LOCK and not one.near_miss]
        for city in (short, long)
    ]
    assert len(seen[0]) == len(seen[1]) > 3
    assert not [one for one in seen[0] if one.visible]
    assert [one for one in seen[1] if one.visible]


MATTER = Matter(AnomalyKind.COVER_OPEN, "c", 100_000, 200_000, 30.0, needs_ms=60_000)


def hidden(*spans: tuple[int, int]) -> Truth:
    return matter_truth(MATTER, [Fault(FaultKind.DEAD, *span) for span in spans])


def test_what_no_working_sensor_watched_is_not_visible() -> None:
    assert hidden().visible
    assert not hidden((50_000, 250_000)).visible
    assert not hidden((0, 150_000)).visible  # 50 s are left, and a minute is needed
    assert hidden((0, 140_000)).visible
    assert not hidden((110_000, 130_000), (180_000, 190_000)).visible
    assert hidden((200_000, 300_000)).visible


def test_what_can_be_heard_only_at_first_is_not_visible_when_that_was_missed() -> None:
    stolen = Matter(AnomalyKind.COVER_STOLEN, "c", 1_000, 900_000, 50.0, needs_ms=60_000, shows_ms=180_000)
    assert matter_truth(stolen, []).visible
    assert not matter_truth(stolen, [Fault(FaultKind.OUTAGE, 0, 150_000)]).visible
    assert matter_truth(stolen, [Fault(FaultKind.OUTAGE, 100_000, 950_000)]).visible


@pytest.mark.parametrize(
    ("kind", "start_ms", "apart"),
    [
        (AnomalyKind.DOUBLE_PARKING, 1_500_000, True),
        (AnomalyKind.DOUBLE_PARKING, 2_599_999, True),  # the queue takes ten minutes to go
        (AnomalyKind.DOUBLE_PARKING, 2_600_000, False),
        (AnomalyKind.NO_STOPPING, 1_500_000, False),
    ],
)
def test_who_stands_in_a_queue_is_not_double_parked(kind: AnomalyKind, start_ms: int, *, apart: bool) -> None:
    jam = Truth(AnomalyKind.SEGMENT_CONGESTED, "lane", 1_000_000, 2_000_000)
    standing = Truth(kind, "kerb", start_ms, start_ms + 200_000)
    assert [one.apart for one in in_queues([standing, jam])] == [apart, False]
    assert not any(one.apart for one in in_queues([standing, replace(jam, near_miss=True)]))


def test_a_sensor_that_dies_in_an_open_cover_may_be_called_a_theft() -> None:
    thing = next(one for one in City(11, 100).things if one.family == "cover")
    dead = Fault(FaultKind.DEAD, 5_000_000, 15_000_000)
    is_open = Matter(AnomalyKind.COVER_OPEN, thing.facility.facility, 4_000_000, 6_000_000, 50.0)
    for matters, may_be in (([is_open], True), ([is_open._replace(end_ms=5_000_000)], False)):
        (truth,) = own_truth(thing, [dead], [], matters, (0, DAY_MS))
        assert (AnomalyKind.COVER_STOLEN in truth.also) is may_be


def test_a_device_whose_clock_is_wrong_still_sees() -> None:
    assert matter_truth(MATTER, [Fault(FaultKind.CLOCK, 0, 300_000, 1_000)]).visible


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 100)), max_size=5))
def test_the_longest_stretch_is_that_of_a_count_second_by_second(spans: list[tuple[int, int]]) -> None:
    faults = sorted(
        (Fault(FaultKind.DEAD, at * 1000, (at + length) * 1000) for at, length in spans), key=lambda f: f.start_ms
    )
    longest = run = 0
    for second in range(100, 200):
        run = 0 if any(one.holds(second * 1000) for one in faults) else run + 1
        longest = max(longest, run)
    assert longest_seen(MATTER, faults) == longest * 1000


def test_a_gateway_is_missed_only_by_who_is_heard_through_it() -> None:
    carried = City(14, 1_000, days=5, only=frozenset({"cover", "bin"}))
    outages = [one for one in carried.truth() if one.kind is AnomalyKind.GATEWAY_DOWN]
    assert outages
    covers = {thing.facility.facility for thing in carried.things if thing.family == "cover"}
    assert all(set(one.also_on) <= covers and len(one.also_on) == 18 for one in outages)
    alone = City(14, 1_000, days=5, only=frozenset({"bin"}))
    assert not [one for one in alone.truth() if one.kind is AnomalyKind.GATEWAY_DOWN]
