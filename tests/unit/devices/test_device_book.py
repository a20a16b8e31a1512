from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.devices.battery import DAY_MS, DAYS_KEPT, Days, empty_at, trend, with_charge
from ingest.devices.book import UNMAPPED_MAX, VALUES_MAX, Book
from ingest.messages import About, Happening, Kind, Measurement, Numbering, Report, Unmapped
from schemas.device import DeviceTwin, LastValue

NOW = 1_795_000_000_000


def book(**more: Any) -> Book:
    return Book("shard", lambda device: device == "known", twin_s=60, **more)


def measured(name: str, value: float, time_ms: int | None = None, channel: str = "") -> Measurement:
    return Measurement(name, value, time_ms, "", None, channel)


def note(it: Book, report: Report, at_ms: int = NOW, now_s: float = 0.0) -> None:
    it.note(report, "tasmota", "tele/x/SENSOR", at_ms, now_s)


def test_a_twin_says_what_its_messages_said() -> None:
    it = book()
    about = About(vendor="Acme", model="X1", firmware="1.2", gateway="gw", location=(113.8, 34.0), tags={"site": "n"})
    parts = (measured("temperature", 21.5), measured("battery_percent", 80.0), measured("occupied", 1.0, channel="2"))
    note(it, Report("d", Kind.TELEMETRY, None, parts, about=about, unmapped=(Unmapped("Foo", {"a": 1}, "unknown"),)))
    note(it, Report("d", Kind.EVENT, happening=Happening("action.single", active=True)), NOW + 5)
    twin = it.twin("d")
    assert DeviceTwin.model_validate_json(twin.model_dump_json(by_alias=True)) == twin
    assert (twin.vendor, twin.model, twin.firmware, twin.gateway) == ("Acme", "X1", "1.2", "gw")
    assert (twin.lon, twin.lat, twin.tags, twin.registered) == (113.8, 34.0, {"site": "n"}, False)
    assert (twin.first_seen, twin.last_seen, twin.messages, twin.event) == (NOW, NOW + 5, 2, "action.single true")
    assert LastValue(property="occupied", channel="2", value=1.0, time=NOW) in twin.values
    assert twin.battery is not None
    assert twin.battery.percent == 80.0
    assert [(one.name, one.count, one.value, one.why) for one in twin.unmapped] == [("Foo", 1, '{"a":1}', "unknown")]


def test_a_twin_is_written_at_once_for_news_and_later_for_values() -> None:
    it = book()
    note(it, Report("d", Kind.TELEMETRY, None, (measured("temperature", 20.0),)), now_s=0)
    assert [twin.device for twin in it.due(0.0)] == ["d"]  # it is new
    note(it, Report("d", Kind.TELEMETRY, None, (measured("temperature", 21.0),)), now_s=1)
    note(it, Report("d", Kind.TELEMETRY, None, (measured("temperature", 22.0),)), now_s=2)
    assert list(it.due(60.9)) == []
    (twin,) = it.due(61.0)
    assert twin.values[0].value == 22.0
    note(it, Report("d", Kind.STATUS, online=False), now_s=62)
    (twin,) = it.due(62.0)
    assert twin.online is False
    assert list(it.due(1e9, everything=True)) == []


def test_a_twin_is_written_anew_when_the_registry_changes() -> None:
    it = book()
    note(it, Report("d", Kind.STATUS))
    assert len(list(it.due(0.0))) == 1
    it.changed("d")
    it.changed("never heard")
    assert [twin.device for twin in it.due(0.0)] == ["d"]


def test_history_does_not_become_the_newest_value() -> None:
    it = book()
    for value, time_ms in ((1.0, NOW), (2.0, NOW - 10), (3.0, NOW + 10)):
        note(it, Report("d", Kind.TELEMETRY, None, (measured("temperature", value, time_ms),)), NOW + 20)
    assert [(one.value, one.time) for one in it.twin("d").values] == [(3.0, NOW + 10)]


def test_a_device_that_measures_where_it_is_has_a_place() -> None:
    it = book()
    note(it, Report("d", Kind.TELEMETRY, None, (measured("latitude", 0.0), measured("longitude", 0.0))))
    assert (it.twin("d").lon, it.twin("d").lat) == (None, None), "a receiver without a fix"
    note(it, Report("d", Kind.TELEMETRY, None, (measured("latitude", 34.03), measured("longitude", 113.85))))
    assert (it.twin("d").lon, it.twin("d").lat) == (113.85, 34.03)
    told = About(location=(113.9, 34.1))
    note(it, Report("d", Kind.TELEMETRY, None, (measured("latitude", 34.0),), about=told))
    assert (it.twin("d").lon, it.twin("d").lat) == (113.9, 34.1), "what its owner says of it"


def test_a_clock_that_was_once_ahead_does_not_hold_its_value_for_ever() -> None:
    it = book()
    note(it, Report("d", Kind.TELEMETRY, None, (measured("temperature", 1.0, NOW + 10**9),)), NOW)
    note(it, Report("d", Kind.TELEMETRY, None, (measured("temperature", 2.0, NOW + 5),)), NOW + 5)
    assert it.twin("d").values[0].value == 2.0


def test_another_process_goes_on_from_the_twin() -> None:
    it = book()
    about = About(vendor="Acme", uptime_s=100.0, interval_s=60.0)
    for number in (1, 2, 5):
        parts = (measured("battery_percent", 50.0 - number),)
        report = Report("d", Kind.TELEMETRY, None, parts, about=about, numbering=Numbering(number), online=True)
        note(it, report, NOW + number * DAY_MS)
    other = book()
    other.recall(it.twin("d"))
    assert other.twin("d") == it.twin("d")
    assert other.twin("d").traffic.lost == 2
    elsewhere = Book("other", lambda _: True, 60)
    elsewhere.recall(it.twin("d"))
    assert len(elsewhere) == 0


def test_a_device_that_was_started_anew_says_so_by_its_uptime() -> None:
    it = book()
    for uptime_s in (100.0, 200.0, 5.0):
        note(it, Report("d", Kind.STATUS, about=About(uptime_s=uptime_s)))
    assert it.twin("d").traffic.restarts == 1


def test_what_a_gateway_carries_is_counted_for_it() -> None:
    it = book()
    note(it, Report("gw", Kind.STATUS, online=True))
    for number in (1, 2, 5):
        note(it, Report("d", Kind.TELEMETRY, about=About(gateway="gw"), numbering=Numbering(number)))
    assert (it.twin("gw").relayed.received, it.twin("gw").relayed.lost) == (3, 2)


def test_a_gateway_that_never_speaks_is_known_by_what_it_carries() -> None:
    it = book()
    for number in (1, 2, 5):
        note(it, Report("d", Kind.TELEMETRY, about=About(gateway="gw"), numbering=Numbering(number)), NOW + number)
    twin = it.twin("gw")
    assert (twin.relayed.received, twin.relayed.lost, twin.messages, twin.last_seen) == (3, 2, 0, NOW + 5)
    other = book()
    other.recall(twin)
    assert other.twin("gw") == twin


def test_what_cannot_be_the_id_of_a_gateway_is_none() -> None:
    it = book()
    for number in (1, 5):
        note(it, Report("d", Kind.TELEMETRY, about=About(gateway="a+b"), numbering=Numbering(number)))
    assert len(it) == 1
    assert it.twin("d").traffic.lost == 3


def test_one_count_for_all_that_a_gateway_says_is_the_gateways() -> None:
    it = book()
    for number, name in ((0, "g/n/a"), (1, "g/n/b"), (4, "g/n/a")):
        note(it, Report(name, Kind.TELEMETRY, numbering=Numbering(number, 256, "1", "g/n")))
    assert (it.twin("g/n").traffic.received, it.twin("g/n").traffic.lost) == (3, 2)
    assert it.twin("g/n/a").traffic.received == 0


def test_memory_is_bounded_and_the_registered_are_kept() -> None:
    it = book(devices_max=3)
    for number, name in enumerate(["known", "a", "b", "c", "d"]):
        note(it, Report(name, Kind.STATUS), NOW + number)
    assert len(it) == 3
    assert it.twin("known").registered
    with pytest.raises(KeyError):
        it.twin("a")


@given(
    st.lists(st.tuples(st.text(max_size=4), st.integers() | st.text() | st.none() | st.lists(st.floats())), max_size=90)
)
def test_a_twin_can_always_be_written(fields: list[tuple[str, Any]]) -> None:
    it = book()
    unmapped = [Unmapped(name, value) for name, value in fields]
    parts = [measured("temperature", float(n), channel=str(n)) for n in range(VALUES_MAX + 5)]
    note(it, Report("d", Kind.TELEMETRY, None, parts, unmapped=unmapped))
    twin = it.twin("d")
    assert DeviceTwin.model_validate_json(twin.model_dump_json(by_alias=True)) == twin
    assert len(twin.values) == VALUES_MAX
    assert len(twin.unmapped) <= UNMAPPED_MAX


def test_a_battery_goes_where_its_last_days_point() -> None:
    days: Days = ()
    for day, percent in ((10, 90.0), (10, 88.0), (11, 86.0), (12, 84.0)):
        days = with_charge(days, day * DAY_MS + 5, percent)
    assert days == ((10, 88.0), (11, 86.0), (12, 84.0))
    assert trend(days) == -2.0
    assert empty_at(days) == (12 + 42) * DAY_MS
    assert with_charge(days, 9 * DAY_MS, 1.0) == days
    assert trend(days[:2]) is None
    assert empty_at(((1, 5.0), (2, 5.0), (3, 6.0))) is None
    for day in range(13, 80):
        days = with_charge(days, day * DAY_MS, 50.0)
    assert len(days) == DAYS_KEPT
