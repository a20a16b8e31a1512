"""Gateways whose clocks are wrong, and what they kept for days: each reading once, at a time that can be judged."""

import json
from typing import NamedTuple

import pytest
from ingest_rig import NOW, Rig, facility

from schemas.facility import DeviceBinding
from schemas.observation import Quality

SHELLY = "shellyplus1pm-a0b1c2d3e4f5"
TOPIC = f"{SHELLY}/events/rpc"
DAY_MS = 86_400_000


def said(time_ms: float, voltage: float = 230.0) -> bytes:
    status = {"ts": time_ms / 1000, "switch:0": {"id": 0, "voltage": voltage}}
    return json.dumps({"src": SHELLY, "dst": "x", "method": "NotifyStatus", "params": status}).encode()


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device=SHELLY)))
    return rig


class Row(NamedTuple):
    device: str
    observed_property: str
    identity: str
    value: float
    time_ms: int
    quality: int


def rows(rig: Rig) -> list[Row]:
    return [Row(*one) for one in rig.writer.rows()]


def test_a_clock_that_was_never_set_gives_no_time_and_equal_values_are_two_readings(rig: Rig) -> None:
    """It stands at the same second whenever the gateway starts: by it they would be one."""
    for at in (NOW, NOW + 60_000):
        rig.take(TOPIC, said(35_000), at=at)
    one, two = rows(rig)
    assert [row.quality for row in (one, two)] == [Quality.UNTIMED, Quality.UNTIMED]
    assert [row.time_ms for row in (one, two)] == [NOW, NOW + 60_000]
    assert one.identity != two.identity


def test_a_clock_that_says_2036_is_not_believed_and_a_copy_is_still_known(rig: Rig) -> None:
    then = NOW + 10 * 365 * DAY_MS
    rig.take(TOPIC, said(then), mid=7)
    rig.take(TOPIC, said(then), mid=7, dup=True)
    one, copy = rows(rig)
    assert (one.quality, one.time_ms) == (Quality.FUTURE, NOW)
    assert (one.identity, one.time_ms) == (copy.identity, copy.time_ms)


def test_what_was_kept_for_days_is_stored_late_and_once(rig: Rig) -> None:
    days = [NOW - number * DAY_MS for number in (5, 4, 3)]
    for mid, time_ms in enumerate([*days, *days], 1):
        rig.take(TOPIC, said(time_ms), mid=mid)
    found = rows(rig)
    assert {row.quality for row in found} == {Quality.LATE}
    assert len({row.identity for row in found}) == 3
    assert rig.book.twin(SHELLY).messages == 6


def test_two_devices_under_one_id_are_told_apart_where_they_say_their_number(rig: Rig) -> None:
    """The same number with another value is a contradiction, which the folds set aside (conflicting_duplicate)."""
    rig.register(facility("F2", DeviceBinding(device="d")))
    for site, value in (("north", 1.0), ("south", 2.0)):
        body = json.dumps({"property": "flow", "value": value, "boot": "b", "seq": 1}).encode()
        rig.take(f"eyes/v1/{site}/d/observations", body)
    one, two = rows(rig)
    assert one.identity == two.identity
    assert one.value != two.value
