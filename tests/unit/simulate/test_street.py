"""The made-up street: the same by seed, in the order of time, with a truth that its messages bear out."""

import hashlib
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise, takewhile
from typing import Any

import pytest

from ops.simulate import layout
from ops.simulate.kerb import LONGEST_STOP_S, stops
from ops.simulate.model import DAY_MS, HOUR_MS, Incident, Item, Sample, Sighting
from ops.simulate.parking import LONGEST_STAY_MS, SHORTEST_GAP_MS, longest_silence_s, stays
from ops.simulate.plan import BAYS, COVERS, FIRST_TILTED, LAMPS, NEAR_STAY_MS, NEAR_STOP_MS, NEAR_TILT_MS, day_plan
from ops.simulate.steady import NEAR_TILT_DEG, OPEN_NOTICE_MS, TILT_DEG, is_lit
from ops.simulate.street import Street
from schemas.anomaly import AnomalyKind
from schemas.camera import TrackPhase

START = 1_783_267_200_000
DAYS = 2
SEEDS = (1, 11)


@cache
def said(seed: int, days: int = DAYS, start_ms: int = START) -> list[Item]:
    return list(takewhile(lambda item: item.at_ms < start_ms + days * DAY_MS, Street(seed, start_ms).items()))


@cache
def by_device(seed: int) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in said(seed):
        found[item.device].append(item)
    return found


def values(seed: int, device: str, observed_property: str) -> list[tuple[int, Any]]:
    return [
        (item.at_ms, value.value)
        for item in by_device(seed)[device]
        if isinstance(item, Sample)
        for value in item.values
        if value.observed_property == observed_property
    ]


def incidents(seed: int, kind: AnomalyKind, days: int = DAYS) -> list[Incident]:
    return [one for one in Street(seed, START).incidents(START + days * DAY_MS - 1) if one.kind is kind]


def digest(items: list[Item]) -> str:
    return hashlib.sha256("\n".join(map(repr, items)).encode()).hexdigest()


def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    again = list(takewhile(lambda item: item.at_ms < START + DAY_MS, Street(1, START).items()))
    assert digest(again) == digest(said(1, 1))
    assert digest(again) != digest(said(11, 1))
    assert Street(1, START).incidents(START + DAY_MS) == Street(1, START).incidents(START + DAY_MS)


def test_another_start_is_the_same_street_later() -> None:
    later_ms = START + 7 * DAY_MS
    moved = [(item.at_ms - later_ms, item.device) for item in said(1, 1, later_ms) if not item.device.startswith("cam")]
    assert moved == [(item.at_ms - START, item.device) for item in said(1, 1) if not item.device.startswith("cam")]


@pytest.mark.parametrize("seed", range(40, 46))
def test_everything_is_said_in_the_order_of_time(seed: int) -> None:
    items = list(takewhile(lambda item: item.at_ms < START + DAY_MS, Street(seed, START).items()))
    assert all(one.at_ms <= two.at_ms for one, two in pairwise(items))


def test_a_cover_that_reports_the_very_second_it_is_opened_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    # The report falls between the moment the cover moves and the contact's own message, both ways.
    from ops.simulate import steady

    plan = day_plan(1, 0)
    for span_ms in (plan.opened.start_ms, plan.opened.end_ms):
        monkeypatch.setattr(steady, "cover_phase_ms", lambda *_, at=span_ms: (at + 1_000) % (600 * 1000))
        cover = steady.cover(1, plan.opened.index, START)
        items = list(takewhile(lambda item: item.at_ms < START + DAY_MS, cover))
        assert [item.at_ms for item in items] == sorted(item.at_ms for item in items)
        changes = [item.at_ms - START for item in items if not item.movable]
        assert changes == [at + OPEN_NOTICE_MS for at in (plan.opened.start_ms, plan.opened.end_ms)]
        for item in items:
            states = [value.value for value in item.values if value.observed_property == "contact_open"]
            inside = plan.opened.start_ms <= item.at_ms - START - OPEN_NOTICE_MS < plan.opened.end_ms
            assert states == [inside]


def test_all_that_speaks_is_registered_and_all_that_is_registered_speaks() -> None:
    street = Street(1, START)
    devices = {binding.device for facility in street.facilities for binding in facility.devices}
    assert devices == set(by_device(1))
    assert len(street.facilities) == COVERS + BAYS + LAMPS + 3
    zones = {zone.zone for zone in street.zones}
    assert {facility.zone for facility in street.facilities} == zones
    assert len({facility.facility for facility in street.facilities}) == len(street.facilities)
    assert street.facilities == Street(2, START + 1).facilities
    assert [street.numbers(device) for device in ("cover-101", "bay-qiyi-01", "lamp-01")] == [True, True, False]


@pytest.mark.parametrize("seed", range(1, 12))
def test_every_kind_of_incident_happens_every_day(seed: int) -> None:
    days = 3
    for day in range(days):
        begins = START + day * DAY_MS
        of_day = [
            one
            for one in Street(seed, START).incidents(START + days * DAY_MS - 1)
            if begins <= one.start_ms < begins + DAY_MS
        ]
        assert Counter(one.kind for one in of_day) == {
            AnomalyKind.COVER_TILTED: 1,
            AnomalyKind.COVER_OPEN: 1,
            AnomalyKind.PARKING_OVERSTAY: 1,
            AnomalyKind.NO_STOPPING: 1,
            AnomalyKind.BUS_STOP_BLOCKED: 1,
            AnomalyKind.DEVICE_SILENT: 2,
        }
        for one in of_day:
            assert one.start_ms < one.end_ms < begins + DAY_MS
            assert one.raised_by_ms < begins + DAY_MS


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_names_what_is_registered_where_it_stands(seed: int) -> None:
    street = Street(seed, START)
    zones = {facility.facility: facility.zone for facility in street.facilities}
    for facility in street.facilities:
        for binding in facility.devices:
            zones.setdefault(binding.device, facility.zone)
    for one in street.incidents(START + 10 * DAY_MS):
        assert one.subject is not None
        assert zones[one.subject] == one.zone


def test_the_truth_is_in_order_and_grows_with_time() -> None:
    street = Street(1, START)
    all_of_them = street.incidents(START + 3 * DAY_MS)
    assert [one.start_ms for one in all_of_them] == sorted(one.start_ms for one in all_of_them)
    for moment in range(START - HOUR_MS, START + 3 * DAY_MS, 5 * HOUR_MS):
        assert street.incidents(moment) == [one for one in all_of_them if one.start_ms <= moment]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tilted_cover_reads_so_exactly_while_the_plan_says(seed: int) -> None:
    tilted = {(one.subject, one.start_ms): one for one in incidents(seed, AnomalyKind.COVER_TILTED)}
    for index in range(COVERS):
        mine = [one for (subject, _), one in tilted.items() if subject == layout.cover_id(index)]
        for at_ms, angle in values(seed, layout.cover_device(index), "tilt_angle"):
            off = angle - layout.install_angle(index)
            expected = any(one.start_ms <= at_ms < one.end_ms for one in mine)
            assert (off > TILT_DEG - 2) == expected
            assert expected or off < NEAR_TILT_DEG + 2
    if seed == 1:
        assert min(tilted.values(), key=lambda one: one.start_ms).subject == layout.cover_id(FIRST_TILTED)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cover_says_open_from_the_contacts_message_on(seed: int) -> None:
    opened = incidents(seed, AnomalyKind.COVER_OPEN)
    for index in range(COVERS):
        mine = [one for one in opened if one.subject == layout.cover_id(index)]
        states = values(seed, layout.cover_device(index), "contact_open")
        for at_ms, is_open in states:
            assert is_open == any(one.start_ms <= at_ms < one.end_ms for one in mine)
        for one in mine:
            assert {one.start_ms, one.end_ms} <= {at_ms for at_ms, _ in states}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_silent_device_says_nothing_between_its_last_word_and_its_next(seed: int) -> None:
    intervals = {b.device: b.interval_s for f in Street(seed, START).facilities for b in f.devices}
    for one in incidents(seed, AnomalyKind.DEVICE_SILENT):
        assert one.subject is not None
        times = [item.at_ms for item in by_device(seed)[one.subject]]
        assert {one.start_ms, one.end_ms} <= set(times)
        assert not [at for at in times if one.start_ms < at < one.end_ms]
        interval_s = intervals[one.subject]
        assert interval_s is not None
        assert one.start_ms + 3 * interval_s * 1000 < one.raised_by_ms < one.end_ms


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_else_is_ever_silent_for_three_intervals(seed: int) -> None:
    silent = {(one.subject, one.start_ms) for one in incidents(seed, AnomalyKind.DEVICE_SILENT)}
    for facility in Street(seed, START).facilities:
        for binding in facility.devices:
            if binding.interval_s is None:
                continue
            times = [item.at_ms for item in by_device(seed)[binding.device]]
            gaps = {(binding.device, one) for one, two in pairwise(times) if two - one >= 3 * binding.interval_s * 1000}
            assert gaps <= silent
    assert longest_silence_s() < 3 * layout.BAY_INTERVAL_S


@pytest.mark.parametrize("seed", SEEDS)
def test_bays_are_overstayed_only_where_planned(seed: int) -> None:
    planned = {(one.subject, one.start_ms, one.end_ms) for one in incidents(seed, AnomalyKind.PARKING_OVERSTAY)}
    found = set()
    for index in range(BAYS):
        spans = list(takewhile(lambda span: span[0] < DAYS * DAY_MS, stays(seed, index)))
        assert all(two[0] - one[1] >= SHORTEST_GAP_MS for one, two in pairwise(spans))
        for begin, end in spans:
            if end - begin > LONGEST_STAY_MS:
                found.add((layout.bay_id(index), START + begin, START + end))
    near = {
        (layout.bay_id(plan.near_stay.index), START + plan.near_stay.start_ms, START + plan.near_stay.end_ms)
        for plan in (day_plan(seed, day) for day in range(DAYS))
    }
    assert found == planned | near
    assert all(end - begin > layout.MAX_STAY_S * 1000 for _, begin, end in planned)


@pytest.mark.parametrize("seed", SEEDS)
def test_bays_say_at_once_what_changes_and_otherwise_what_is(seed: int) -> None:
    for index in range(BAYS):
        device, state, changes = layout.bay_id(index), False, []
        for item in by_device(seed)[device]:
            assert isinstance(item, Sample)
            ((_, occupied, _),) = item.values
            if occupied != state:
                changes.append((item.at_ms, bool(occupied)))
                assert not item.movable  # the first sign of a change must not come late
                state = bool(occupied)
        spans = takewhile(lambda span: span[0] < DAYS * DAY_MS, stays(seed, index))
        expected = [(START + at, begins) for span in spans for at, begins in zip(span, (True, False), strict=True)]
        assert changes == [one for one in expected if one[0] < START + DAYS * DAY_MS]


@pytest.mark.parametrize("seed", SEEDS)
def test_vehicles_stop_too_long_only_where_planned(seed: int) -> None:
    planned = {
        (one.subject, one.start_ms, one.end_ms)
        for kind in (AnomalyKind.NO_STOPPING, AnomalyKind.BUS_STOP_BLOCKED)
        for one in incidents(seed, kind)
    }
    found = set()
    for kerb, name in enumerate(layout.KERBS):
        visits = list(takewhile(lambda visit: visit[0] < DAYS * DAY_MS, stops(seed, kerb)))
        assert all(one[1] < two[0] for one, two in pairwise(visits))
        for come, go, _ in visits:
            if go - come > max(LONGEST_STOP_S[kerb] * 1000, NEAR_STOP_MS):
                found.add((name, START + come, START + go))
    assert found == planned


@pytest.mark.parametrize("seed", SEEDS)
def test_a_track_comes_stands_and_goes(seed: int) -> None:
    tracks: dict[str, list[Sighting]] = defaultdict(list)
    for item in by_device(seed)[layout.CAMERA]:
        if isinstance(item, Sighting):
            tracks[item.track].append(item)
    whole = [track for track in tracks.values() if track[-1].at_ms < START + DAYS * DAY_MS - HOUR_MS]
    assert len(whole) > 100
    for track in whole:
        assert [one.at_ms for one in track] == sorted(one.at_ms for one in track)
        assert [one.phase for one in track] == [TrackPhase.NEW, *[TrackPhase.UPDATE] * (len(track) - 2), TrackPhase.END]
        *_, gone, end = track
        assert gone.zones == end.zones == ()
        assert {one.zones for one in track[:-2]} == {track[0].zones}
        assert len({(one.label, one.confidence) for one in track}) == 1


@pytest.mark.parametrize("seed", range(1, 30))
def test_near_misses_are_planned_every_day_beside_what_goes_wrong(seed: int) -> None:
    for day in range(3):
        plan = day_plan(seed, day)
        assert plan.near_tilt.end_ms - plan.near_tilt.start_ms == NEAR_TILT_MS
        assert plan.near_stay.end_ms - plan.near_stay.start_ms == NEAR_STAY_MS < layout.MAX_STAY_S * 1000
        assert plan.near_stop.end_ms - plan.near_stop.start_ms == NEAR_STOP_MS
        covers = [span.index for span in (plan.tilted, plan.opened, plan.silent_cover, plan.near_tilt)]
        assert len(set(covers)) == len(covers)
        assert plan.overstay.index != plan.near_stay.index
    assert day_plan(seed, 0) != day_plan(seed, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_near_miss_can_be_seen_and_stays_below_the_threshold(seed: int) -> None:
    plan = day_plan(seed, 0)
    index = plan.near_tilt.index
    inside = [
        angle - layout.install_angle(index)
        for at_ms, angle in values(seed, layout.cover_device(index), "tilt_angle")
        if plan.near_tilt.start_ms <= at_ms - START < plan.near_tilt.end_ms
    ]
    assert len(inside) == NEAR_TILT_MS // (layout.COVER_INTERVAL_S * 1000)
    tilt = next(f.policy.tilt_deg for f in Street(seed, START).facilities if f.facility == layout.cover_id(index))
    assert tilt is not None
    assert all(5 < angle < tilt - 1 for angle in inside)


def test_lamps_are_lit_by_night() -> None:
    assert [is_lit(START + hour * HOUR_MS) for hour in (0, 3, 12, 17, 23)] == [
        (hour_there >= 18.7 or hour_there < 5.6)
        for hour_there in ((START // HOUR_MS + hour + 8) % 24 for hour in (0, 3, 12, 17, 23))
    ]
    powers = values(1, "lamp-05", "power")
    lit = dict(values(1, "lamp-05", "switch_on"))
    assert all((power > 50) == lit[at_ms] == is_lit(at_ms) for at_ms, power in powers)
