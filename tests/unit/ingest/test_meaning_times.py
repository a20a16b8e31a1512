from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.meaning import times

T = 1_764_000_000_000
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (1_764_000_000, T),
        (1_764_000_000.25, T + 250),
        (1_764_000_000.082975, T + 82),  # cut off, as all times are
        (1_590_045_190.230, 1_590_045_190_230),  # and not one less, which the nearest float is below
        (0, None),
        (12.5, None),
        (1e15, None),
        (float("nan"), None),
        (True, None),
        ("1764000000", None),
        (None, None),
    ],
)
def test_seconds(value: Any, ms: int | None) -> None:
    assert times.epoch_s(value) == ms


def test_a_number_without_unit_is_told_by_its_size() -> None:
    assert times.epoch(1_764_000_000) == times.epoch(T) == T


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-11-24T16:00:00Z", T),
        ("2025-11-24T16:00:00.235700766+00:00", T + 235),
        ("2025-11-25T00:00:00+08:00", T),
        ("2025-11-24T16:00:00", None),
        ("1970-01-01T00:00:05Z", None),  # a clock that counts from its own start
        ("2025-13-24T16:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (5, None),
    ],
)
def test_rfc_3339(text: Any, ms: int | None) -> None:
    assert times.rfc3339(text) == ms


def test_local_time_needs_a_zone() -> None:
    assert times.local("2025-11-25T00:00:00", None, T) is None
    assert times.local("2025-11-25T00:00:00", ZoneInfo("Asia/Shanghai"), T) == T
    assert times.local("2025-11-24T16:00:00Z", ZoneInfo("Asia/Shanghai"), T) == T


def test_of_an_hour_told_twice_the_one_nearer_to_its_arrival_is_meant() -> None:
    summer = int(datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp() * 1000)
    winter = summer + 3_600_000
    for arrived, meant in ((summer + 60_000, summer), (winter + 60_000, winter)):
        assert times.local("2025-10-26T02:30:00", BERLIN, arrived) == meant


@given(st.floats() | st.integers() | st.text() | st.none() | st.booleans())
def test_whatever_is_there_gives_a_time_the_log_can_hold_or_none(value: Any) -> None:
    readers = (times.epoch, times.epoch_s, times.epoch_ms, times.rfc3339, lambda text: times.local(text, BERLIN, T))
    for read in readers:
        ms = read(value)
        assert ms is None or times.NEVER_SET_MS <= ms <= 253_402_300_799_999


@given(st.integers(times.NEVER_SET_MS, 4_000_000_000_000))
def test_milliseconds_survive_as_a_fraction_of_seconds(ms: int) -> None:
    assert times.epoch_s(ms / 1000) == ms
