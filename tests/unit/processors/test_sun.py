"""When lamps are to burn: any place, any day, and the ends of the earth."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detectors.sun import Light, light

MARGIN_MS = 1_800_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("lat", "lon", "rises", "sets"),
    [
        (34.03, 113.85, "2026-03-02T06:53+08:00", "2026-03-02T18:23+08:00"),
        (34.03, 113.85, "2026-06-21T05:15+08:00", "2026-06-21T19:38+08:00"),
        (52.52, 13.41, "2026-06-21T04:43+02:00", "2026-06-21T21:33+02:00"),
        (-33.87, 151.21, "2026-12-21T05:41+11:00", "2026-12-21T20:05+11:00"),
        (21.31, -157.86, "2026-01-01T07:09-10:00", "2026-01-01T18:00-10:00"),
    ],
)
def test_almanacs_agree_to_a_few_minutes(lat: float, lon: float, rises: str, sets: str) -> None:
    few = 4 * MINUTE_MS
    assert light(lat, lon, at(rises) - few, 0) is Light.NIGHT
    assert light(lat, lon, at(rises) + few, 0) is Light.DAY
    assert light(lat, lon, at(sets) - few, 0) is Light.DAY
    assert light(lat, lon, at(sets) + few, 0) is Light.NIGHT


def height(lat: float, lon: float, at_ms: int) -> float:
    """Of the sun, in degrees, by Cooper's and Spencer's formulas: good to a degree, and nobody else's code."""
    when = datetime.fromtimestamp(at_ms / 1000, UTC)
    angle = 2 * math.pi * (when.timetuple().tm_yday - 1) / 365
    declination = math.radians(23.45 * math.sin(2 * math.pi * (284 + when.timetuple().tm_yday) / 365))
    equation = 229.18 * (0.000075 + 0.001868 * math.cos(angle) - 0.032077 * math.sin(angle))
    equation -= 229.18 * (0.014615 * math.cos(2 * angle) + 0.040849 * math.sin(2 * angle))
    minutes = when.hour * 60 + when.minute + lon * 4 + equation
    hour = math.radians(minutes / 4 - 180)
    phi = math.radians(lat)
    return math.degrees(
        math.asin(math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour))
    )


@given(
    st.floats(-65, 65),
    st.floats(-180, 180),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
)
def test_it_is_day_where_the_sun_is_up(lat: float, lon: float, when: datetime) -> None:
    at_ms = round(when.replace(tzinfo=UTC).timestamp() * 1000)
    up = height(lat, lon, at_ms)
    if abs(up + 0.83) > 2.0:
        assert light(lat, lon, at_ms, 0) is (Light.DAY if up > 0 else Light.NIGHT)


def test_a_day_goes_round_once() -> None:
    midnight = at("2026-03-02T00:00+08:00")
    seen = [light(34.03, 113.85, midnight + n * MINUTE_MS, MARGIN_MS) for n in range(1440)]
    changes = [one for before, one in itertools.pairwise(seen) if one is not before]
    assert changes == [Light.TWILIGHT, Light.DAY, Light.TWILIGHT, Light.NIGHT]
    assert seen.count(Light.TWILIGHT) == 120


@pytest.mark.parametrize(
    ("lat", "day", "expected"),
    [(78.2, "2026-06-21", Light.DAY), (78.2, "2026-12-21", Light.NIGHT), (-78.0, "2026-12-21", Light.DAY)],
)
def test_beyond_the_circles_a_day_is_all_one(lat: float, day: str, expected: Light) -> None:
    midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    seen = {light(lat, 15.6, round((midnight + timedelta(hours=n)).timestamp() * 1000), MARGIN_MS) for n in range(24)}
    assert seen == {expected}


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(0, 20_000), st.integers(0, DAY_MS))
def test_no_place_and_no_time_is_too_much(lat: float, lon: float, day: int, in_day: int) -> None:
    assert light(lat, lon, day * DAY_MS + in_day, MARGIN_MS) in Light
