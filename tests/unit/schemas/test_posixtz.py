"""Local time from a rule is that of the tz database, whose files end in the same rules."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.posixtz import PosixZone

ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "Europe/Dublin",  # whose winter is what the rule calls daylight time
    "America/New_York",
    "America/Nuuk",  # changes on the day before
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Chatham",
    "Asia/Kolkata",
    "America/Santiago",
]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time
FROM, TO = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2040, 2090))
moments = st.integers(FROM, TO)


def rule(name: str) -> str:
    data = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    return data.rstrip(b"\n").rsplit(b"\n", 1)[1].decode()


def near_changes(name: str) -> list[int]:
    """The seconds around each change of some years."""
    zone, found, hour = ZoneInfo(name), [], 3_600
    for at_s in range(FROM, FROM + 4 * 366 * 86_400, hour):
        before, after = (datetime.fromtimestamp(one, zone).utcoffset() for one in (at_s, at_s + hour))
        if before != after:
            found += [at_s + step for step in range(-2 * hour, 3 * hour, 900)] + [at_s + hour - 1]
    return found


def agrees(name: str, at_s: int) -> None:
    zone, ours = ZoneInfo(name), PosixZone.parse(rule(name))
    wall = datetime.fromtimestamp(at_s, zone)
    assert ours.wall(at_s) == wall.replace(tzinfo=None)
    first = wall.replace(fold=0)
    assert ours.moment(ours.wall(at_s)) == first.timestamp()


@pytest.mark.parametrize("name", ZONES)
def test_it_is_what_the_database_says(name: str) -> None:
    @given(moments)
    def check(at_s: int) -> None:
        agrees(name, at_s)

    check()
    for at_s in near_changes(name):
        agrees(name, at_s)


@pytest.mark.parametrize("name", ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"])
def test_a_time_that_is_left_out_is_the_moment_at_which_the_clock_is_set(name: str) -> None:
    zone, ours = ZoneInfo(name), PosixZone.parse(rule(name))
    left_out = 0
    for at_s in near_changes(name):
        wall = ours.wall(at_s) + timedelta(minutes=20)
        aware = wall.replace(tzinfo=zone)
        if datetime.fromtimestamp(aware.timestamp(), zone).replace(tzinfo=None) != wall:
            left_out += 1
            moment = ours.moment(wall)
            assert ours.wall(moment - 1) < wall < ours.wall(moment)
            assert ours.wall(moment) - ours.wall(moment - 1) > timedelta(seconds=1)
    assert left_out >= 4  # a spring each year


@given(st.sampled_from(ZONES), moments, st.integers(0, 200_000))
def test_moments_go_on_as_the_wall_clock_does(name: str, at_s: int, later_s: int) -> None:
    zone = PosixZone.parse(rule(name))
    wall = EPOCH + timedelta(seconds=at_s)
    assert zone.moment(wall) <= zone.moment(wall + timedelta(seconds=later_s))


def test_a_change_may_come_days_after_the_day_it_is_named_by() -> None:
    zone = PosixZone.parse("EET-2EEST,M3.4.4/50,M10.4.4/50")  # 2:00 on the Saturday after the fourth Thursday
    change = zone.moment(datetime(2040, 3, 24, 3))  # noqa: DTZ001 - wall time
    assert zone.wall(change - 1) == datetime(2040, 3, 24, 1, 59, 59)  # noqa: DTZ001 - wall time
    assert zone.wall(change) == datetime(2040, 3, 24, 3)  # noqa: DTZ001 - wall time


def test_whoever_keeps_one_time_writes_only_that() -> None:
    assert PosixZone.parse("CST-8").wall(0) == datetime(1970, 1, 1, 8)  # noqa: DTZ001 - wall time
    assert PosixZone.parse("<+0530>-5:30").wall(0) == datetime(1970, 1, 1, 5, 30)  # noqa: DTZ001 - wall time


@pytest.mark.parametrize(
    "text", ["", "Asia/Shanghai", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,J60,J300", "CET-1CEST,M13.5.0,M10.5.0"]
)
def test_what_is_no_such_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no POSIX time zone|names no day"):
        PosixZone.parse(text)
