"""What a load would write: events for what is different, states behind them, nothing for what is not."""

from datetime import date
from typing import Any

import pytest

from ops.registry import load
from ops.registry.load import LoadReport, load_registry
from ops.registry.store import Registered
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.curb import DEFAULT_CALENDAR, Calendar
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import (
    CalendarConfigured,
    CityWide,
    ClassConfigured,
    FacilityLeft,
    FacilityRegistered,
    ZoneConfigured,
    ZoneKind,
)
from schemas.water import WaterNetworkConfigured
from tests.surveyor import network


def bay(facility: str, zone: str = "segment:1", **more: Any) -> Facility:
    return Facility(
        facility=facility,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.PARKING_BAY,
        zone=zone,
        place=Place(lon=113.85, lat=34.03),
        **more,
    )


ZONE = ZoneConfigured(zone="segment:1", kind=ZoneKind.STREET_SEGMENT, place=Place(lon=113.85, lat=34.03))


class Rig:
    """The registry as it is, and what would be written to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.facilities: dict[str, Facility] = {}
        self.zones: dict[str, ZoneConfigured] = {}
        self.networks: dict[str, WaterNetworkConfigured] = {}
        self.city: dict[str, CityWide] = {}
        self.events: list[tuple[str, Any]] = []
        self.everywhere: list[Any] = []
        self.states: list[tuple[str, str, Any]] = []
        monkeypatch.setattr(
            load,
            "read_registered",
            lambda _: Registered(self.facilities, self.zones, networks=self.networks, city=self.city),
        )
        monkeypatch.setattr(load, "write", self._write)
        monkeypatch.setattr(load, "kafka_explained", _as_it_is)

    def _write(self, _settings: Settings, plan: Any) -> None:
        # Revisions have tests of their own, on the real log.
        self.events = [(zone, event.model_copy(update={"revision": 0})) for zone, event in plan.events]
        self.everywhere = [event.model_copy(update={"revision": 0}) for event in plan.everywhere]
        self.states = [
            (key, subject, data if data is None else data.model_copy(update={"revision": 0}))
            for key, subject, data in plan.states
        ]

    def load(self, *facilities: Facility, **more: Any) -> LoadReport:
        self.events, self.states, self.everywhere = [], [], []
        return load_registry(Settings.model_construct(kafka=None), facilities, more.pop("zones", ()), **more)


class _as_it_is:  # noqa: N801 - stands in for a function
    def __init__(self, _: object) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def test_what_is_new_is_added(rig: Rig) -> None:
    report = rig.load(bay("b-1"), bay("b-2"), zones=(ZONE,))
    assert report == LoadReport(added=("b-1", "b-2"), zones=("segment:1",))
    assert rig.events == [
        ("segment:1", ZONE),
        ("segment:1", FacilityRegistered(facility=bay("b-1"))),
        ("segment:1", FacilityRegistered(facility=bay("b-2"))),
    ]
    assert [(key, subject) for key, subject, _ in rig.states] == [
        ("zone:segment:1", "segment:1"),
        ("b-1", "b-1"),
        ("b-2", "b-2"),
    ]


def test_what_is_the_same_is_left_alone(rig: Rig) -> None:
    rig.facilities = {"b-1": bay("b-1"), "b-9": bay("b-9")}
    rig.zones = {"segment:1": ZONE}
    assert rig.load(bay("b-1"), zones=(ZONE,)) == LoadReport(unchanged=1)
    assert rig.events == rig.states == []


@pytest.mark.parametrize(
    "different",
    [
        bay("b-1", name="bay one"),
        bay("b-1", devices=(DeviceBinding(device="d"),)),
        bay("b-1", devices=(DeviceBinding(device="d", interval_s=60),)),
    ],
)
def test_what_is_different_is_changed_in_its_zone(rig: Rig, different: Facility) -> None:
    rig.facilities = {"b-1": bay("b-1", devices=(DeviceBinding(device="d", interval_s=30),))}
    assert rig.load(different) == LoadReport(changed=("b-1",))
    assert rig.events == [("segment:1", FacilityRegistered(facility=different))]
    assert rig.states == [("b-1", "b-1", FacilityRegistered(facility=different))]


def test_what_moved_leaves_its_old_zone_first(rig: Rig) -> None:
    rig.facilities = {"b-1": bay("b-1")}
    moved = bay("b-1", "segment:2")
    assert rig.load(moved) == LoadReport(changed=("b-1",), moved=("b-1",))
    assert rig.events == [
        ("segment:1", FacilityLeft(facility="b-1", zone="segment:1")),
        ("segment:2", FacilityRegistered(facility=moved)),
    ]
    assert rig.states == [("b-1", "b-1", FacilityRegistered(facility=moved))]


def test_what_is_not_named_goes_only_when_asked(rig: Rig) -> None:
    rig.facilities = {"b-1": bay("b-1"), "b-2": bay("b-2", "segment:2")}
    assert rig.load(bay("b-1")) == LoadReport(unchanged=1)
    assert rig.load(bay("b-1"), remove_missing=True) == LoadReport(unchanged=1, removed=("b-2",))
    assert rig.events == [("segment:2", FacilityLeft(facility="b-2", zone="segment:2"))]
    assert rig.states == [("b-2", "b-2", None)]


def test_a_dry_run_says_the_same_and_writes_nothing(rig: Rig) -> None:
    rig.facilities = {"b-1": bay("b-1"), "b-2": bay("b-2")}
    wanted = bay("b-1", "segment:2"), bay("b-3")
    report = rig.load(*wanted, zones=(ZONE,), remove_missing=True, dry_run=True)
    assert rig.events == rig.states == []
    assert str(report) == (
        "1 would be added, 1 would be changed (1 moved), 1 would be removed, 0 unchanged; 1 zones would be configured"
    )
    again = rig.load(*wanted, zones=(ZONE,), remove_missing=True)
    assert str(again) == "1 added, 1 changed (1 moved), 1 removed, 0 unchanged; 1 zones configured"


def test_the_last_of_equal_ids_counts_once(rig: Rig) -> None:
    report = rig.load(bay("b-1"), bay("b-1", name="last"))
    assert report == LoadReport(added=("b-1",))
    assert rig.events == [("segment:1", FacilityRegistered(facility=bay("b-1", name="last")))]


def test_only_what_is_registered_can_be_removed(rig: Rig) -> None:
    rig.facilities = {"b-1": bay("b-1")}
    settings = Settings.model_construct(kafka=None)
    load.remove_facility(settings, "b-1")
    assert rig.states == [("b-1", "b-1", None)]
    with pytest.raises(FatalError, match="'b-2' is registered"):
        load.remove_facility(settings, "b-2")


def test_a_water_network_stands_behind_what_it_is_made_of(rig: Rig) -> None:
    pipes = network("0" * 64, "segment:1")
    report = rig.load(bay("b-1"), zones=(ZONE,), networks=(pipes,))
    assert report.networks == ("segment:1",)
    assert "1 zones, 1 water networks configured" in str(report)
    assert [type(event) for _, event in rig.events] == [ZoneConfigured, FacilityRegistered, WaterNetworkConfigured]
    assert rig.states[-1] == ("/water/segment:1", "segment:1", pipes)


def test_a_water_network_that_is_as_it_was_is_told_again_only_when_asked(rig: Rig) -> None:
    pipes = network("0" * 64, "segment:1")
    rig.networks["segment:1"] = pipes
    assert rig.load(networks=(pipes,)) == LoadReport()
    assert rig.events == []
    assert rig.load(networks=(pipes,), again=True).networks == ("segment:1",)
    assert rig.events == [("segment:1", pipes)]
    assert rig.load(networks=(network(None, "segment:1"),)).networks == ("segment:1",)


def test_what_is_known_of_a_class_is_for_every_partition(rig: Rig) -> None:
    policy = Policy(rules={"overstay.clear_s": 5.0})
    word = ClassConfigured(facility_class=FacilityClass.PARKING_BAY, policy=policy)
    report = rig.load(city=(word, ClassConfigured(facility_class=FacilityClass.CAMERA)))  # of which nothing is known
    assert report.classes == ("parking_bay",)
    assert rig.everywhere == [word]
    assert [(key, data) for key, _, data in rig.states] == [("/city/class/parking_bay", word)]
    rig.city = {word.key: word}
    assert rig.load(city=(word,)).classes == ()
    assert rig.everywhere == rig.states == []


def test_a_calendar_is_for_every_partition_and_said_once(rig: Rig) -> None:
    word = CalendarConfigured(calendar=Calendar(time_zone="CET-1", periods={"holidays": (date(2026, 10, 1),)}))
    usual = CalendarConfigured(calendar=DEFAULT_CALENDAR)
    assert not rig.load(city=(usual,)).calendar  # it holds anyway
    report = rig.load(city=(word,))
    assert report.calendar
    assert str(report).endswith("; the calendar configured")
    assert rig.everywhere == [word]
    assert [(key, data) for key, _, data in rig.states] == [("/city/calendar", word)]
    rig.city = {word.key: word}
    assert not rig.load(city=(word,)).calendar
    assert rig.load(city=(usual,)).calendar


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_parameter_that_no_rule_takes_is_never_written(rig: Rig, dry_run: bool) -> None:
    with pytest.raises(FatalError, match=r"b-1: cover.tilt_deg is for manhole_cover.*nothing was changed"):
        rig.load(bay("b-2"), bay("b-1", policy=Policy(rules={"cover.tilt_deg": 3.0})), dry_run=dry_run)
    assert rig.events == []
