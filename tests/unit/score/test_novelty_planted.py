"""What is planted in a series begins when it should, is as large as it should be, and is found only where it is."""

import math
from collections import Counter

import pytest

from ops.score import planted as module
from ops.score.planted import FAMILIES, LASTS_D, TIMES, Listener, Planted, Told, lines, plant
from ops.score.street.drive import Driver
from ops.simulate.city.city import City
from ops.simulate.model import DAY_MS, HOUR_MS
from processors.engine.contract import Reading, Series, ZoneEvent
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.registry import FacilityRegistered

STEP_MS = 600_000
BEGIN_MS = 20 * DAY_MS


def series() -> tuple[list[Reading], list[ZoneEvent]]:
    """Three weeks and more of a lamp's voltage every ten minutes, with a little unrest."""
    place = Place(lon=113.8, lat=34.0)
    lamp = Facility(
        facility="lamp-1",
        scheme=CodeScheme.LOCAL,
        zone="segment:test",
        facility_class=FacilityClass.STREET_LAMP,
        place=place,
        devices=(DeviceBinding(device="lamp-1"),),
    )
    of = Series("lamp-1", "voltage", "V", "lamp-1", FacilityClass.STREET_LAMP, "segment:test")
    readings = []
    for number in range(24 * 144):
        value = 230 + 3 * math.sin(2 * math.pi * number / 144) + number * 7 % 11 / 10
        readings.append(Reading(of, number * STEP_MS, value, f"t:{number}", 0, number * STEP_MS, "s"))
    return readings, [FacilityRegistered(facility=lamp)]


def test_what_is_large_is_found_soon_and_what_rises_slowly_later() -> None:
    readings, registry = series()
    found = dict(plant(readings, registry, BEGIN_MS, 1.0))
    assert list(found) == [(slowly, times) for slowly in (False, True) for times in TIMES]
    at_once, slowly = found[False, 16.0], found[True, 16.0]
    assert at_once is not None
    assert slowly is not None
    assert 0.5 <= at_once < 2
    assert at_once < slowly < 24 * LASTS_D


def test_nothing_is_found_where_nothing_is_planted() -> None:
    readings, registry = series()
    assert {delay for _, delay in plant(readings, registry, BEGIN_MS, 0.0)} == {None}


def test_what_comes_after_its_two_days_is_as_it_was() -> None:
    reading = series()[0][0]
    at = lambda hours: module._moved(reading._replace(time_ms=int(hours * HOUR_MS)), 0, 8.0, slowly=True)  # noqa: E731
    assert at(24 * LASTS_D / 2).value == reading.value + 4.0
    assert at(24 * LASTS_D).value == reading.value


def test_a_series_that_is_not_heard_any_more_counts_for_nothing() -> None:
    readings, registry = series()
    assert list(plant(readings[:1_000], registry, BEGIN_MS, 1.0)) == []


def test_only_these_families_have_series_that_no_rule_speaks_for() -> None:
    listener = Listener()
    city = City(7, 100, 1)
    Driver(city, [listener], 3_600_000).run()
    families = {thing.device.name: thing.family for thing in city.things}
    assert {families[key.rpartition(" ")[0]] for key in listener.heard} == FAMILIES


def test_the_tables_name_what_was_watched_and_what_was_found() -> None:
    ways = {(slowly, times): Planted(4, [1.0, 2.0, 6.0]) for slowly in (False, True) for times in TIMES}
    ways[True, 4.0] = Planted(4)
    text = "\n".join(lines([Told(5, 100, Counter({"voltage of street_lamp": 4}), ways)]))
    assert "| voltage of street_lamp | 4 |" in text
    assert "| all, of 100 facilities | 4 |" in text
    assert "| at once 16 times the usual departure | 3 of 4 | 2.0 |" in text
    assert "| risen slowly to 4 times the usual departure | 0 of 4 |  |" in text


def test_the_command_prints_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[int] = []

    def told(seed: int, facilities: int, report: object) -> Told:
        asked.append(seed)
        return Told(seed, facilities, Counter(), {})

    monkeypatch.setattr(module, "tell", told)
    assert module.main(["--seed", "3", "4"]) == 0
    assert asked == [3, 4]
    assert "seed 4: found" in capsys.readouterr().out
