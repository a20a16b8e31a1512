"""Gateways: two hundred silent devices are one matter, a dark street is none of the gateway's."""

import random
from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest
from fold_kit import RELAXED
from health_kit import noise
from hypothesis import given, settings
from hypothesis import strategies as st
from state_kit import restored, state
from street_kit import lamp

from processors.correlators import ALL
from processors.correlators.gateway import GatewayCorrelator
from processors.detectors.silence import SilenceDetector
from processors.engine.composed import PartitionFold
from processors.engine.driver import PipelineTestDriver
from processors.engine.outputs import outgoing
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.carrier import DeviceCarried, GatewaySite
from schemas.envelope import CloudEvent, Data, decode, encode
from schemas.facility import FacilityClass, Place
from schemas.model import from_ms, to_ms
from tests.examples import examples

PLACE = Place(lon=113.85, lat=34.03, district="411002")
SITE = GatewaySite(facility="GW-1", facility_class=FacilityClass.GATEWAY, zone="grid:gw", place=PLACE)
EVERY_S = 300.0
BEGIN_S, END_S = 7200, 10_800


def carried(
    device: str, gateway: str | None = "gw-1", interval_s: float | None = EVERY_S, at_ms: int = 0, **rules: float
) -> DeviceCarried:
    site = SITE.model_copy(update={"rules": {f"gateway.{name}": value for name, value in rules.items()}})
    return DeviceCarried(
        device=device,
        gateway=gateway,
        district="411002",
        interval_s=interval_s,
        site=None if gateway is None else site,
        time=from_ms(at_ms),
    )


def told(events: Iterable[Data], restarts: Sequence[int] = ()) -> tuple[list[Anomaly], PartitionFold]:
    """What the fold of a district says; what it hears comes through the wire format."""
    fold = PartitionFold(ALL, 0)
    said: list[Anomaly] = []
    for number, event in enumerate(events):
        if number in restarts:
            fold = restored(fold)
        wire = encode(CloudEvent(id="x", source="/test", time=from_ms(0), data=event))
        said += [one for one in fold.fold([decode(wire).data]) if isinstance(one, Anomaly)]
    return said, fold


def lamps(many: int) -> list[str]:
    return [f"lamp-{n:03}" for n in range(many)]


def outage(many: int, dead: frozenset[int], **how: float) -> list[Anomaly]:
    """What silence finds in eight streets: ``dead`` lamps say nothing between the two times."""
    driver = PipelineTestDriver(SilenceDetector(), tick_s=30.0)
    names = lamps(many)
    driver.register(*(lamp(name, interval_s=EVERY_S, zone=f"segment:{n % 8}") for n, name in enumerate(names)))
    begin_ms = driver.now_ms
    for step in range(int(14_400 / 30)):
        driver.advance(30)
        for n, name in enumerate(names):
            at_s = (driver.now_ms - begin_ms) / 1000
            is_due = (step * 30 + n * 30) % EVERY_S == 0
            if is_due and not (n in dead and how.get("begin_s", BEGIN_S) <= at_s < END_S):
                driver.read(name, "power", 80.0 + noise(n, step))
    return driver.findings


def by_kind(said: list[Anomaly], kind: AnomalyKind) -> list[Anomaly]:
    return [one for one in said if one.kind is kind]


def test_a_gateway_with_two_hundred_devices_is_one_finding() -> None:
    silent = outage(200, frozenset(range(200)))
    assert len([one for one in silent if one.transition is Transition.RAISED]) == 200
    said, _ = told([*(carried(name) for name in lamps(200)), *silent])
    down, back = by_kind(said, AnomalyKind.GATEWAY_DOWN)
    assert (down.transition, back.transition) == (Transition.RAISED, Transition.CLEARED)
    assert (down.facility, down.zone, down.subject, down.severity) == ("GW-1", "grid:gw", "gw-1", "major")
    begin_ms = to_ms(silent[0].since) - to_ms(silent[0].since) % 86_400_000
    assert BEGIN_S - EVERY_S <= to_ms(down.since) / 1000 - begin_ms / 1000 <= BEGIN_S
    assert to_ms(down.at) - to_ms(down.since) < 4 * EVERY_S * 1000
    assert down.numbers["share"] >= 0.4
    causes: dict[UUID, list[UUID | None]] = {}
    for one in by_kind(said, AnomalyKind.DEVICE_SILENT):
        assert one.transition is Transition.UPDATED
        causes.setdefault(one.id, []).append(one.caused_by)
    assert {one.id for one in silent} == causes.keys()
    assert all(steps[0] == down.id for steps in causes.values())
    assert {tuple(steps[1:]) for steps in causes.values()} == {(), (None,)}  # the last ones to come back


def test_a_dark_street_is_not_the_gateways() -> None:
    said, _ = told([*(carried(name) for name in lamps(40)), *outage(40, frozenset(range(0, 40, 8)))])
    assert said == []


def test_two_devices_are_no_gateway() -> None:
    assert told([*(carried(name) for name in lamps(2)), *outage(2, frozenset({0, 1}))])[0] == []


def test_its_own_facility_may_say_otherwise() -> None:
    two = [carried(name, devices=2.0) for name in lamps(2)]
    said, _ = told([*two, *outage(2, frozenset({0, 1}))])
    assert [one.transition for one in by_kind(said, AnomalyKind.GATEWAY_DOWN)] == [
        Transition.RAISED,
        Transition.CLEARED,
    ]


def silence(device: str, since_ms: int, transition: Transition = Transition.RAISED, at_ms: int = 0) -> Anomaly:
    return Anomaly(
        id=UUID(int=int(device.rpartition("-")[2]) + since_ms * 1000),
        transition=transition,
        kind=AnomalyKind.DEVICE_SILENT,
        severity=Severity.WARNING,
        zone="segment:1",
        subject=device,
        facility=f"F-{device}",
        facility_class=FacilityClass.STREET_LAMP,
        place=PLACE,
        since=from_ms(since_ms),
        at=from_ms(at_ms or since_ms + 900_001),
        summary="silent",
        detector="silence",
        detector_version=3,
    )


T = 1_800_000_000_000


def test_lamps_of_one_line_may_have_lost_its_power_and_the_one_finding_says_so() -> None:
    names, line = lamps(10), "perhaps it is their feeder that lost its power"
    said, _ = told([*(carried(name) for name in names), *(silence(name, T) for name in names)])
    (down,) = by_kind(said, AnomalyKind.GATEWAY_DOWN)
    assert down.summary.endswith(f"; all are lamps of segment:1: {line}")
    assert {one.caused_by for one in by_kind(said, AnomalyKind.DEVICE_SILENT)} == {down.id}
    for other in ({"facility_class": FacilityClass.DRAIN}, {"zone": "segment:2"}):
        mixed = [silence(names[0], T).model_copy(update=other), *(silence(name, T) for name in names[1:])]
        said, _ = told([*(carried(name) for name in names), *mixed])
        assert line not in by_kind(said, AnomalyKind.GATEWAY_DOWN)[0].summary


def test_who_died_one_by_one_was_no_outage() -> None:
    each_day = [silence(name, T + n * 86_400_000) for n, name in enumerate(lamps(10))]
    assert told([*(carried(name) for name in lamps(10)), *each_day])[0] == []


def test_who_was_dead_before_does_not_hide_an_outage_and_is_no_part_of_it() -> None:
    long_ago = [silence(name, T - n * 86_400_000) for n, name in enumerate(lamps(10)[:6], 1)]
    now = [silence(name, T + n) for n, name in enumerate(lamps(10)[6:])]
    said, _ = told([*(carried(name) for name in lamps(10)), *long_ago, *now])
    (down,) = by_kind(said, AnomalyKind.GATEWAY_DOWN)
    assert down.numbers == {"silent": 3.0, "devices": 4.0, "share": 0.75}
    assert {one.subject for one in by_kind(said, AnomalyKind.DEVICE_SILENT)} == set(lamps(10)[6:])


def test_slow_devices_are_not_waited_for_and_join_when_they_are_missed() -> None:
    fast, slow = lamps(8)[:4], lamps(8)[4:]
    roster = [*(carried(name) for name in fast), *(carried(name, interval_s=3600.0) for name in slow)]
    said, _ = told([*roster, *(silence(name, T) for name in fast), *(silence(name, T - 3_000_000) for name in slow)])
    assert len(by_kind(said, AnomalyKind.GATEWAY_DOWN)) == 1
    assert {one.subject for one in by_kind(said, AnomalyKind.DEVICE_SILENT)} == {*fast, *slow}


def test_who_is_slow_does_not_hide_an_outage_of_the_fast() -> None:
    fast, slow = lamps(20)[:4], lamps(20)[4:]
    roster = [*(carried(name) for name in fast), *(carried(name, interval_s=3600.0) for name in slow)]
    said, _ = told([*roster, *(silence(name, T) for name in fast)])
    assert len(by_kind(said, AnomalyKind.GATEWAY_DOWN)) == 1


def test_it_does_not_matter_whether_one_is_missed_first_or_said_to_be_carried_first() -> None:
    names = lamps(4)
    said, _ = told([*(silence(name, T) for name in names), *(carried(name) for name in names)])
    assert len(by_kind(said, AnomalyKind.GATEWAY_DOWN)) == 1
    assert {one.subject for one in by_kind(said, AnomalyKind.DEVICE_SILENT)} == set(names)


def test_a_device_that_goes_on_through_another_gateway_is_on_its_own() -> None:
    names = lamps(4)
    story: list[Data] = [*(carried(name) for name in names), *(silence(name, T) for name in names)]
    said, fold = told([*story, carried(names[0], "gw-2", at_ms=T + 1_000_000)])
    assert [one.caused_by for one in said if one.subject == names[0]][-1] is None
    assert fold.fold([silence(names[0], T, Transition.CLEARED, T + 2_000_000)]) == []


def test_what_else_is_said_of_a_silent_device_keeps_its_cause() -> None:
    names = lamps(4)
    expected = [silence(name, T).model_copy(update={"expected": "W-1"}) for name in names]
    said, fold = told([*(carried(name) for name in names), *expected])
    (down,) = by_kind(said, AnomalyKind.GATEWAY_DOWN)
    later = {"transition": Transition.UPDATED, "expected": None, "at": from_ms(T + 700_000)}
    over = silence(names[0], T).model_copy(update=later)
    (again,) = fold.fold([over])
    assert isinstance(again, Anomaly)
    assert (again.caused_by, again.expected, again.at, again.id) == (down.id, None, over.at, over.id)
    assert fold.fold([again]) == []  # its own word
    ends = fold.fold([silence(name, T, Transition.CLEARED, T + 900_000) for name in names[1:3]])
    (alone,) = [one for one in ends if isinstance(one, Anomaly) and one.subject == names[0]]
    assert (alone.caused_by, alone.expected) == (None, None)


def gone(device: str, at_ms: int = T + 1_000_000) -> Anomaly:
    return silence(device, T, Transition.CLEARED, at_ms).model_copy(update={"reason": "facility left"})


@pytest.mark.parametrize("how", ["carried by nobody", "its finding"])
def test_when_all_its_devices_are_gone_it_is_over_and_nobody_says_that_they_were_heard(how: str) -> None:
    names = lamps(3)
    story: list[Data] = [*(carried(name) for name in names), *(silence(name, T) for name in names)]
    left = [gone(name) if how == "its finding" else carried(name, None, at_ms=T + 1_000_000) for name in names]
    said, fold = told([*story, *left[:2]])
    (down,) = by_kind(said, AnomalyKind.GATEWAY_DOWN)
    assert down.transition is Transition.RAISED  # the third is still silent
    (over,) = [one for one in fold.fold(left[2:]) if isinstance(one, Anomaly) and one.kind is down.kind]
    assert (over.transition, over.id) == (Transition.CLEARED, down.id)
    assert over.summary == "Gateway gw-1 is no longer watched: the last of its silent devices is gone"
    assert over.reason == ("facility left" if how == "its finding" else "device no longer registered")
    assert over.numbers["back"] == 0


def test_who_is_gone_is_no_part_of_an_outage_and_the_others_end_it() -> None:
    names = lamps(6)
    story: list[Data] = [*(carried(name) for name in names), *(silence(name, T) for name in names)]
    said, fold = told([*story, *(gone(name) for name in names[:3])])
    assert len(by_kind(said, AnomalyKind.GATEWAY_DOWN)) == 1
    assert fold.fold([silence(names[3], T, Transition.CLEARED, T + 1_100_000)]) == []  # one of three
    (over,) = by_kind(
        [
            one
            for one in fold.fold([silence(names[4], T, Transition.CLEARED, T + 1_200_000)])
            if isinstance(one, Anomaly)
        ],
        AnomalyKind.GATEWAY_DOWN,
    )
    assert over.summary.endswith("2 of 3 devices are heard again")
    assert over.reason is None


def test_a_gateway_that_is_no_facility_is_said_where_its_last_device_stands() -> None:
    names = lamps(3)
    said, _ = told([*(carried(n).model_copy(update={"site": None}) for n in names), *(silence(n, T) for n in names)])
    (down,) = by_kind(said, AnomalyKind.GATEWAY_DOWN)
    assert (down.facility, down.zone, down.place) == (None, "segment:1", PLACE)


def test_a_step_about_a_silent_device_never_stands_behind_its_end() -> None:
    names = lamps(4)
    roster = [carried(name) for name in names]
    said, _ = told([*roster, *(silence(name, T + n) for n, name in enumerate(names))])
    for one in by_kind(said, AnomalyKind.DEVICE_SILENT):
        assert one.at == silence(one.subject, to_ms(one.since)).at


OUTAGE = (Transition.CLEARED, Transition.RAISED, Transition.CLEARED)
STEPS = st.lists(
    st.one_of(
        st.builds(
            lambda n, g, i: carried(lamps(4)[n], g, i),
            st.integers(0, 3),
            st.sampled_from(["gw-1"] * 6 + ["gw-2", None]),
            st.sampled_from([300.0] * 4 + [None, 7200.0]),
        ),
        st.builds(
            lambda n, back, s: silence(
                lamps(4)[n], T + s * 1000, Transition.CLEARED if back else Transition.RAISED, T + 2_000_000 + s
            ),
            st.integers(0, 3),
            st.sampled_from([False, False, True]),
            st.sampled_from([0, 10, 100_000]),
        ),
    ),
    max_size=40,
)


def test_no_story_can_tell_a_restart_and_each_outage_has_one_life() -> None:
    seen: set[str] = set()

    @settings(RELAXED, max_examples=examples(200))
    @given(STEPS, st.frozensets(st.integers(0, 40), max_size=4))
    def check(story: list[Data], restarts: frozenset[int]) -> None:
        roster: list[Data] = [carried(name) for name in lamps(4)]
        late = T + 100_000_000  # whatever was before: an outage and its end
        end = [silence(name, late, step, late + 1000 * n) for n, step in enumerate(OUTAGE, 1) for name in lamps(4)]
        plain, one = told([*roster, *story, *roster, *end])
        again, other = told([*roster, *story, *roster, *end], sorted(restarts))
        assert [outgoing(o, "/t").value for o in plain] == [outgoing(o, "/t").value for o in again]
        assert state(one) == state(other)
        open_now: set[str] = set()
        for step in by_kind(plain, AnomalyKind.GATEWAY_DOWN):
            seen.add(step.transition)
            if step.transition is Transition.RAISED:
                assert step.subject not in open_now
                open_now.add(step.subject)
            else:
                open_now.remove(step.subject)

    check()
    assert seen == {"raised", "cleared"}


def test_the_order_in_which_devices_are_missed_does_not_matter() -> None:
    silent = [one for one in outage(40, frozenset(range(40))) if one.transition is Transition.RAISED]
    roster = [carried(name) for name in lamps(40)]
    for seed in range(3):
        shuffled = random.Random(seed).sample(silent, len(silent))
        said, _ = told([*random.Random(seed).sample(roster, len(roster)), *shuffled])
        assert len(by_kind(said, AnomalyKind.GATEWAY_DOWN)) == 1
        assert len({one.subject for one in by_kind(said, AnomalyKind.DEVICE_SILENT)}) == 40


@pytest.mark.parametrize("copies", [2, 3])
def test_what_is_copied_twice_is_said_once(copies: int) -> None:
    names = lamps(5)
    story: list[Data] = [*(carried(name) for name in names), *(silence(name, T) for name in names)]
    twice = [event for event in story for _ in range(copies)]
    assert told(twice)[0] == told(story)[0]


def test_a_new_state_survives_its_snapshot() -> None:
    detector = GatewayCorrelator()
    data = detector.snapshot(detector.initial("411002"))
    assert detector.snapshot(detector.restore("411002", data)) == data
