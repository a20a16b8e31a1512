"""Bays and kerbs: too long, where nobody may, and all the flicker in between."""

import pytest
from street_kit import ZONE, at_s, bay, kerb, said

from processors.detectors.parking import ParkingDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import AnomalyKind
from schemas.camera import TrackPhase
from schemas.facility import Facility, FacilityClass, Policy
from schemas.identity import finding_id, reading_id, timed
from schemas.registry import ClassConfigured, ZoneConfigured, ZoneKind

OVERSTAY = ["raised parking_overstay bay-1", "cleared parking_overstay bay-1"]
STOPPING = ["raised no_stopping kerb-1", "cleared no_stopping kerb-1"]


def street(*facilities: Facility) -> PipelineTestDriver:
    driver = PipelineTestDriver(ParkingDetector())
    driver.register(*facilities)
    driver.advance(10)
    return driver


def bay_says(driver: PipelineTestDriver, taken: int, device: str = "bay-1") -> None:
    driver.read(device, "occupied", taken)


# bays


def test_a_stay_beyond_the_limit_raises_and_one_of_exactly_the_limit_does_not() -> None:
    driver = street(bay())
    bay_says(driver, 1)
    driver.advance(3600)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == OVERSTAY[:1]
    numbers = driver.findings[0].numbers
    assert (numbers["stood_s"], numbers["allowed_s"], numbers["limit_s"]) == (3600.0, 3600.0, 3600.0)
    assert at_s(driver, driver.findings[0]) == 3610.0
    assert driver.findings[0].arrival_time is None


def test_grace_comes_on_top_of_what_is_allowed() -> None:
    driver = street(bay(grace_s=300.0))
    bay_says(driver, 1)
    driver.advance(3900)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == OVERSTAY[:1]
    assert driver.findings[0].summary == "Bay bay-1 taken for longer than the 60 min allowed"


def test_a_bay_without_a_limit_is_never_overstayed() -> None:
    driver = street(bay(max_stay_s=None))
    bay_says(driver, 1)
    driver.advance(7200)
    assert said(driver) == []


def test_it_is_raised_once_however_often_the_sensor_repeats_itself() -> None:
    driver = street(bay(max_stay_s=60.0))
    for _ in range(20):
        bay_says(driver, 1)
        driver.advance(30)
    assert said(driver) == OVERSTAY[:1]


def test_it_clears_when_the_bay_was_free_for_thirty_seconds() -> None:
    driver = street(bay(max_stay_s=60.0))
    bay_says(driver, 1)
    driver.advance(100)
    bay_says(driver, 0)
    driver.advance(29)
    assert said(driver) == OVERSTAY[:1]
    driver.advance(1)
    assert said(driver) == OVERSTAY
    assert driver.findings[-1].numbers == {"stay_s": 100.0}
    assert driver.findings[-1].summary == "bay-1 free again after 100 s"


def test_a_gap_shorter_than_that_is_no_gap() -> None:
    driver = street(bay(max_stay_s=100.0))
    for _ in range(5):
        bay_says(driver, 1)
        driver.advance(25)
        bay_says(driver, 0)
        driver.advance(20)
    assert said(driver) == OVERSTAY[:1]


def test_a_gap_as_long_as_that_begins_a_new_stay() -> None:
    driver = street(bay(max_stay_s=100.0))
    for _ in range(5):
        bay_says(driver, 1)
        driver.advance(90)
        bay_says(driver, 0)
        driver.advance(30)
    assert said(driver) == []


def test_flicker_within_one_instant_leaves_no_finding() -> None:
    driver = street(bay(max_stay_s=60.0, clear_s=0.0))
    for _ in range(200):
        bay_says(driver, 1)
        bay_says(driver, 0)
        driver.advance(1)
    assert said(driver) == []


def test_two_sensors_agree_only_when_both_say_free() -> None:
    driver = street(bay("bay-1", "mag", "radar", max_stay_s=100.0))
    bay_says(driver, 1, "mag")
    bay_says(driver, 1, "radar")
    driver.advance(50)
    bay_says(driver, 0, "mag")
    driver.advance(100)
    assert said(driver) == OVERSTAY[:1]
    bay_says(driver, 0, "radar")
    driver.advance(30)
    assert said(driver) == OVERSTAY


def test_a_stay_that_ends_by_an_older_word_of_another_sensor_is_not_negative() -> None:
    driver = street(bay("bay-1", "mag", "radar", max_stay_s=100.0))
    early_ms = driver.now_ms
    driver.read("radar", "occupied", 1, at_ms=early_ms + 40_000)
    driver.read("mag", "occupied", 1, at_ms=early_ms)
    driver.advance(200)
    bay_says(driver, 0, "radar")
    driver.read("mag", "occupied", 0, at_ms=early_ms + 1)
    driver.advance(60)
    assert said(driver) == OVERSTAY
    assert driver.findings[-1].numbers["stay_s"] >= 0


def test_what_a_sensor_said_before_its_newest_word_is_ignored() -> None:
    driver = street(bay(max_stay_s=60.0))
    driver.advance(100)
    bay_says(driver, 0)
    driver.read("bay-1", "occupied", 1, at_ms=driver.now_ms - 90_000)
    driver.advance(100)
    assert said(driver) == []


def test_nothing_is_raised_before_we_have_heard_all_that_was_sent_until_then() -> None:
    driver = street(bay(max_stay_s=60.0))
    bay_says(driver, 1)
    driver.disconnect()
    driver.advance(300)
    assert said(driver) == []
    driver.read("bay-1", "occupied", 0, at_ms=driver.now_ms - 260_000)  # left in time; it reaches us now
    driver.reconnect()
    driver.advance(300)
    assert said(driver) == []


def test_a_stay_heard_of_only_afterwards_is_raised_with_its_own_times() -> None:
    driver = street(bay(max_stay_s=60.0))
    driver.advance(600)
    driver.read("bay-1", "occupied", 1, at_ms=driver.now_ms - 500_000)
    driver.read("bay-1", "occupied", 0, at_ms=driver.now_ms - 100_000)
    assert said(driver) == OVERSTAY[:1]
    assert at_s(driver, driver.findings[0]) == 170.0
    driver.advance(2)
    assert said(driver) == OVERSTAY[:1]  # what comes so late may have more behind it
    driver.advance(30)
    assert said(driver) == OVERSTAY


# kerbs


@pytest.mark.parametrize(
    ("activity", "limit_s", "kind"),
    [
        ("no_stopping", 180, "no_stopping"),
        ("no_parking", 300, "no_stopping"),
        ("bus_stop", 60, "bus_stop_blocked"),
        ("fire_lane", 60, "fire_lane_blocked"),
        ("bicycle_lane", 180, "bicycle_lane_blocked"),
        ("entrance", 180, "entrance_blocked"),
        ("travel", 120, "double_parking"),
    ],
)
def test_nobody_may_stand_at_a_kerb_longer_than_its_rule_says(activity: str, limit_s: int, kind: str) -> None:
    driver = street(kerb(activity=activity))
    driver.see("cam-1", "kerb-1", "t1")
    driver.advance(limit_s)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == [f"raised {kind} kerb-1"]


@pytest.mark.parametrize("activity", ["loading", "parking"])
def test_other_kerbs_have_no_such_rule(activity: str) -> None:
    driver = street(kerb(activity=activity))
    driver.see("cam-1", "kerb-1", "t1")
    driver.advance(500)
    assert said(driver) == []


@pytest.mark.parametrize(
    ("what", "raises"),
    [
        ({"label": "truck"}, True),
        ({"label": "person"}, False),
        ({"stationary": False}, False),
        ({"present": False}, False),
        ({"phase": TrackPhase.END}, False),
    ],
)
def test_only_a_vehicle_that_stands_in_the_zone_counts(what: dict[str, object], raises: bool) -> None:
    driver = street(kerb())
    driver.see("cam-1", "kerb-1", "t1", **what)  # type: ignore[arg-type]
    driver.advance(300)
    assert said(driver) == (STOPPING[:1] if raises else [])


def test_a_bus_may_stand_at_a_bus_stop_and_nowhere_else() -> None:
    driver = street(kerb(activity="bus_stop"), kerb("kerb-2", "fire_lane"))
    driver.see("cam-1", "kerb-1", "t1", label="bus")
    driver.see("cam-1", "kerb-2", "t1", label="bus")
    driver.advance(300)
    assert said(driver) == ["raised fire_lane_blocked kerb-2"]


def test_a_track_that_changes_its_name_is_still_the_same_stay() -> None:
    driver = street(kerb())
    for n in range(10):
        driver.see("cam-1", "kerb-1", f"t{n}", phase=TrackPhase.NEW)
        driver.advance(25)
        driver.see("cam-1", "kerb-1", f"t{n}", phase=TrackPhase.END)
        driver.advance(5)
    assert said(driver) == STOPPING[:1]
    driver.advance(60)
    assert said(driver) == STOPPING


def test_a_track_nobody_speaks_of_any_more_is_gone_after_ten_minutes() -> None:
    driver = street(kerb())
    driver.see("cam-1", "kerb-1", "t1")
    driver.advance(600 + 59)
    assert said(driver) == STOPPING[:1]
    driver.advance(1)
    assert said(driver) == STOPPING
    assert driver.findings[-1].numbers == {"stay_s": 600.0}


# rules that change, facilities that leave


def test_a_longer_limit_clears_what_is_open_and_counts_on() -> None:
    driver = street(bay(max_stay_s=60.0))
    bay_says(driver, 1)
    driver.advance(100)
    driver.register(bay(max_stay_s=200.0))
    assert said(driver) == OVERSTAY
    assert driver.findings[-1].reason == "policy changed"
    driver.advance(102)
    assert said(driver) == [*OVERSTAY, OVERSTAY[0]]
    assert driver.findings[0].id != driver.findings[-1].id
    assert driver.findings[0].since == driver.findings[-1].since


def test_a_shorter_limit_is_applied_to_the_stay_that_goes_on() -> None:
    driver = street(bay())
    bay_says(driver, 1)
    driver.advance(100)
    driver.register(bay(max_stay_s=60.0))
    driver.advance(1)
    assert said(driver) == OVERSTAY[:1]


def test_a_bay_that_leaves_clears_without_calling_itself_free() -> None:
    driver = street(bay(max_stay_s=60.0))
    bay_says(driver, 1)
    driver.advance(100)
    driver.left("bay-1")
    driver.advance(1000)
    assert said(driver) == OVERSTAY
    assert (driver.findings[-1].reason, driver.quarantined) == ("facility left", [])
    assert driver.findings[-1].summary == "bay-1 is no longer watched"


# identity


def test_the_id_comes_from_the_message_that_began_the_stay() -> None:
    driver = street(bay(max_stay_s=60.0))
    began_ms = driver.now_ms
    bay_says(driver, 1)
    driver.advance(10)
    again_ms = driver.now_ms
    bay_says(driver, 1)
    driver.advance(100)
    cause = reading_id("bay-1", "occupied", timed(began_ms, 1.0))
    (finding,) = driver.findings
    assert finding.id == finding_id(AnomalyKind.PARKING_OVERSTAY, "segment:1", "bay-1", str(cause))
    assert finding.evidence == (cause, reading_id("bay-1", "occupied", timed(again_ms, 1.0)))


def test_a_clock_put_forward_makes_no_stay_longer() -> None:
    driver = street(bay())
    bay_says(driver, 1)
    driver.advance(600)
    driver.step_clock(7200)
    driver.advance(2990)
    assert said(driver) == []
    driver.advance(20)
    assert said(driver) == OVERSTAY[:1]


def test_a_clock_put_forward_ends_no_track() -> None:
    driver = street(kerb())
    driver.see("cam-1", "kerb-1", "t1", phase=TrackPhase.NEW)
    driver.advance(200)
    assert said(driver) == STOPPING[:1]
    driver.step_clock(3600)
    driver.advance(300)
    assert said(driver) == STOPPING[:1]
    driver.advance(400)
    assert said(driver) == STOPPING


def test_a_zone_and_a_class_rule_over_the_dwell_and_the_kerb_over_both() -> None:
    driver = street(kerb(), kerb("kerb-2", grace_s=30.0))
    driver.configure(ClassConfigured(facility_class=FacilityClass.CURB_ZONE, policy=dwelling(90.0)))
    place = driver._facilities["kerb-1"].place
    for seconds, raised in ((None, 91), (60.0, 61)):
        policy = Policy() if seconds is None else dwelling(seconds)
        driver.configure(ZoneConfigured(zone=ZONE, kind=ZoneKind.STREET_SEGMENT, place=place, policy=policy))
        began, before = driver.now_ms, len(driver.findings)
        for name in ("kerb-1", "kerb-2"):
            driver.see("cam-1", name, f"t-{began}")
        driver.advance(100)
        assert {one.subject: one.numbers["limit_s"] for one in driver.findings[before:]} == {
            "kerb-1": raised - 1,
            "kerb-2": 30.0,
        }
        for name in ("kerb-1", "kerb-2"):
            driver.see("cam-1", name, f"t-{began}", phase=TrackPhase.END)
        driver.advance(100)


def dwelling(seconds: float) -> Policy:
    return Policy(rules={"no_stopping.dwell_s": seconds})
