"""Time spans: rush hours, midnights, holidays, nights on which clocks are set, and who comes back too soon."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from street_kit import bay, kerb, said

from processors.detectors.parking import ParkingDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Anomaly
from schemas.camera import TrackPhase
from schemas.curb import Calendar, CurbPolicy, TimeSpan
from schemas.facility import DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.model import Moment, to_ms
from schemas.registry import CalendarConfigured, ClassConfigured, ZoneConfigured, ZoneKind

RUSH = CurbPolicy(
    priority=1,
    activity="no stopping",
    time_spans=(
        TimeSpan(
            days_of_week=("mon", "tue", "wed", "thu", "fri"),
            time_of_day_start="07:00",
            time_of_day_end="09:00",
            designated_period="holidays",
            designated_period_except=True,
        ),
    ),
)
DAY = CurbPolicy(
    priority=2,
    activity="parking",
    max_stay_s=7200.0,
    no_return_s=3600.0,
    time_spans=(TimeSpan(time_of_day_start="08:00", time_of_day_end="18:00"),),
)
NIGHT = CurbPolicy(
    priority=3,
    activity="parking",
    max_stay_s=8 * 3600.0,
    time_spans=(TimeSpan(time_of_day_start="18:00", time_of_day_end="08:00"),),
)
CURB = (RUSH, DAY, NIGHT)
XUCHANG = "+08:00"


class Street:
    """A bay with a sensor, in local time."""

    def __init__(self, begin: str, *facilities: Facility, offset: str = XUCHANG, tick_s: float = 60.0) -> None:
        self._offset = offset
        start = datetime.fromisoformat(begin + offset)
        self.driver = PipelineTestDriver(ParkingDetector(), start=start, tick_s=tick_s)
        self.driver.register(*facilities or (bay(curb=CURB, max_stay_s=None),))

    def calendar(self, zone: str = "CST-8", *holidays: str) -> "Street":
        periods = {"holidays": tuple(map(date.fromisoformat, holidays))}
        self.driver.configure(CalendarConfigured(calendar=Calendar(time_zone=zone, periods=periods)))
        return self

    def at(self, moment: str) -> "Street":
        self.driver.advance_to(to_ms(datetime.fromisoformat(moment if "+" in moment else moment + self._offset)))
        return self

    def taken(self, value: int = 1) -> "Street":
        self.driver.read("bay-1", "occupied", value)
        return self

    @property
    def said(self) -> list[str]:
        return [self._line(finding) for finding in self.driver.findings]

    def _line(self, finding: Anomaly) -> str:
        zone = datetime.fromisoformat(f"2026-01-01T00:00{self._offset}").tzinfo
        because = f" ({finding.reason})" if finding.reason else ""
        return f"{finding.at.astimezone(zone):%a %H:%M} {finding.transition} {finding.kind}{because}"


def test_a_stay_is_too_long_when_the_policy_of_its_time_says_so() -> None:
    street = Street("2026-03-02T09:30").at("2026-03-02T10:00").taken().at("2026-03-02T12:30")
    assert street.said == ["Mon 12:00 raised parking_overstay"]
    numbers = street.driver.findings[0].numbers
    assert (numbers["stood_s"], numbers["allowed_s"], numbers["limit_s"]) == (7200.0, 7200.0, 7200.0)
    street.taken(0).at("2026-03-02T12:31")
    assert street.said[1:] == ["Mon 12:30 cleared parking_overstay"]


def test_what_began_before_the_rush_is_forbidden_from_its_beginning_on() -> None:
    street = Street("2026-03-02T05:00").taken().at("2026-03-02T07:30")
    assert street.said == ["Mon 07:03 raised no_stopping"]
    assert street.driver.findings[0].since == street.driver.findings[0].at - timedelta(minutes=3)
    street.at("2026-03-02T12:00")
    assert street.said[1:] == [
        "Mon 09:00 cleared no_stopping (time span over)",
        "Mon 11:00 raised parking_overstay",
    ]
    street.at("2026-03-03T03:00")
    assert street.said[3:] == [
        "Mon 18:00 cleared parking_overstay (time span over)",
        "Tue 02:00 raised parking_overstay",  # eight hours of the night
    ]
    assert len({finding.id for finding in street.driver.findings}) == 3


def test_a_holiday_has_no_rush_and_its_eve_and_morrow_have() -> None:
    street = Street("2026-03-03T06:30").calendar("CST-8", "2026-03-04")
    for day in (3, 4, 5):
        street.at(f"2026-03-0{day}T07:00").taken().at(f"2026-03-0{day}T07:30").taken(0).at(f"2026-03-0{day}T07:40")
    assert [line for line in street.said if "raised" in line] == [
        "Tue 07:03 raised no_stopping",
        "Thu 07:03 raised no_stopping",
    ]


def test_a_holiday_that_is_proclaimed_ends_the_finding_at_once() -> None:
    street = Street("2026-03-03T07:00").taken().at("2026-03-03T07:10")
    street.calendar("CST-8", "2026-03-03")
    assert street.said == ["Tue 07:03 raised no_stopping", "Tue 07:10 cleared no_stopping (policy changed)"]
    street.at("2026-03-03T09:59")
    assert len(street.said) == 2
    street.at("2026-03-03T10:10")
    assert street.said[2:] == ["Tue 10:00 raised parking_overstay"]  # of the day: two hours from eight o'clock on


def test_the_evening_before_midnight_belongs_to_the_night() -> None:
    street = Street("2026-03-02T17:00").at("2026-03-02T23:30").taken().at("2026-03-03T06:00")
    assert street.said == []
    street.at("2026-03-03T07:10")
    assert street.said == ["Tue 07:03 raised no_stopping"]  # the eighth hour would be over at half past


@pytest.mark.parametrize(
    ("day", "night_h"),
    [("2026-03-28", 5), ("2026-10-24", 7), ("2026-03-21", 6)],  # summer time begins, ends, neither
)
def test_a_night_on_which_clocks_are_set_is_as_long_as_it_is(day: str, night_h: int) -> None:
    late = CurbPolicy(
        priority=1,
        activity="parking",
        max_stay_s=5.5 * 3600,
        time_spans=(TimeSpan(time_of_day_start="00:00", time_of_day_end="06:00"),),
    )
    street = Street(f"{day}T20:00", bay(curb=(late,), max_stay_s=None), offset="+01:00")
    street.calendar("CET-1CEST,M3.5.0,M10.5.0/3")
    street.at(f"{day}T20:30").taken()
    next_day = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    street.at(f"{next_day}T12:00")
    raised = [line for line in street.said if "raised" in line]
    assert bool(raised) is (night_h > 5.5)


@pytest.mark.parametrize(
    ("plate", "away_min", "too_soon"), [("a", 20, True), ("a", 59, True), ("a", 61, False), ("b", 20, False)]
)
def test_who_comes_back_too_soon_is_known_by_the_hash_of_the_plate(plate: str, away_min: int, too_soon: bool) -> None:
    street = Street("2026-03-02T10:00", kerb(activity="parking", curb=(DAY,)), tick_s=10.0)
    driver = street.driver
    driver.see("cam-1", "kerb-1", "t1", plate="a" * 32)
    driver.advance(300)
    driver.see("cam-1", "kerb-1", "t1", plate="a" * 32, phase=TrackPhase.END, present=False)
    driver.advance(60 * away_min)
    driver.see("cam-1", "kerb-1", "t2", plate=plate * 32)
    driver.advance(20)
    assert said(driver) == (["raised parking_overstay kerb-1"] if too_soon else [])
    if too_soon:
        assert driver.findings[0].summary == f"Vehicle back at kerb-1 {away_min} min after it left"


def test_a_policy_of_the_zone_or_the_class_is_for_who_has_none() -> None:
    place = Place(lon=113.85, lat=34.03)
    short = (CurbPolicy(priority=1, activity="parking", max_stay_s=600.0),)
    zone = ZoneConfigured(zone="segment:1", kind=ZoneKind.STREET_SEGMENT, place=place, policy=Policy(curb=short))
    of_class = ClassConfigured(facility_class=FacilityClass.PARKING_BAY, policy=Policy(curb=short))
    for word in (zone, of_class):
        street = Street("2026-03-02T10:00", bay(max_stay_s=None), bay("bay-2", curb=CURB, max_stay_s=None))
        street.driver.configure(word)
        for name in ("bay-1", "bay-2"):
            street.driver.read(name, "occupied", 1)
        street.at("2026-03-02T11:00")
        assert said(street.driver) == ["raised parking_overstay bay-1"]


def test_a_bus_stop_stays_one_while_no_stopping_is_in_force() -> None:
    stop: tuple[Any, ...] = (RUSH, CurbPolicy(priority=9, activity="parking"))
    street = Street("2026-03-02T06:50", kerb(activity="bus_stop", curb=stop), tick_s=10.0)
    street.driver.see("cam-1", "kerb-1", "t1")
    street.at("2026-03-02T07:00")
    assert street.said == []
    street.driver.see("cam-1", "kerb-1", "t1")
    street.at("2026-03-02T07:05")
    assert street.said == ["Mon 07:01 raised bus_stop_blocked"]


@pytest.mark.parametrize(
    ("off_s", "stays_s", "is_one"), [(90, 50, False), (-90, 70, True), (0, 50, False), (0, 70, True)]
)
def test_hours_begin_by_the_right_clock_and_not_by_that_of_a_camera(off_s: int, stays_s: int, *, is_one: bool) -> None:
    """It stands there from a while before the hours until so long after they began."""
    stop: tuple[Any, ...] = (RUSH, CurbPolicy(priority=9, activity="parking"))
    street = Street("2026-03-02T06:40", kerb(activity="bus_stop", curb=stop), tick_s=10.0)
    driver = street.driver
    begin_ms = driver.now_ms

    def sees(track: str = "t1", **more: Any) -> None:
        at_ms, came = driver.now_ms + off_s * 1000, Moment(driver.now_ms)
        driver.see("cam-1", "kerb-1", track, box=(0.0, 0.0, 9.0, 9.0), at_ms=at_ms, came=came, **more)

    for minute in range(20):
        if minute < 8:  # somebody passes
            sees("t0", present=False, stationary=False)
        else:
            sees()
        driver.advance(60)
    driver.advance_to(begin_ms + 1_200_000 + stays_s * 1000)
    sees(present=False, stationary=False)
    driver.advance(600)
    assert bool(driver.findings) is is_one


def test_who_stood_there_while_the_sensor_was_frozen_nobody_knows() -> None:
    street = Street("2026-03-02T10:00", bay(max_stay_s=7200.0))
    driver = street.driver
    for minute in range(0, 20 * 60, 10):
        warm = 21.5 if 10 <= minute < 19 * 60 else 20.0 + minute % 7
        driver.read("bay-1", "occupied", minute > 0)
        driver.read("bay-1", "temperature", warm)
        driver.advance(600)
    assert said(driver) == []  # it may have come when its sensor woke up, an hour ago
    for minute in range(0, 80, 10):
        driver.read("bay-1", "occupied", 1)
        driver.read("bay-1", "temperature", 20.0 + minute % 7)
        driver.advance(600)
    assert said(driver) == ["raised parking_overstay bay-1"]


def test_one_that_came_while_the_sensor_was_silent_is_another() -> None:
    """A camera saw the first one leave; the sensor that is dead since then still says that it is there."""
    place = Place(lon=113.85, lat=34.03)
    devices = (
        DeviceBinding(device="mag", interval_s=120.0),
        DeviceBinding(device="cam-1", properties=(), camera_zone="bay"),
    )
    policy = Policy(max_stay_s=3600.0)
    street = Street(
        "2026-03-02T10:00",
        bay().model_copy(update={"devices": devices, "policy": policy, "place": place}),
        tick_s=10.0,
    )
    driver, box = street.driver, (0.0, 0.0, 9.0, 9.0)
    for minute in range(100):
        if minute < 10 and minute % 2 == 0:
            driver.read("mag", "occupied", 1)
        if minute < 12 or minute > 40:
            driver.see("cam-1", "bay-1", "t1" if minute < 12 else "t2", box=box)
        elif minute == 12:
            driver.see("cam-1", "bay-1", "t1", box=box, present=False, stationary=False)
        driver.advance(60)
    assert said(driver) == []
    for _ in range(3):
        driver.see("cam-1", "bay-1", "t2", box=box)
        driver.advance(60)
    assert said(driver) == ["raised parking_overstay bay-1"]
