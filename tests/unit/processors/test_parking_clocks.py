"""A sensor and a camera whose clocks are not the same."""

from typing import Any

import pytest
from parking_kit import BOX, street, watched_bay
from street_kit import said

from schemas.model import Moment


@pytest.mark.parametrize(("ahead_s", "is_one"), [(-80, False), (80, False), (0, False)])
def test_a_dispute_is_timed_by_one_clock(ahead_s: float, *, is_one: bool) -> None:
    """The camera's clock is wrong; the sensor agrees after four minutes."""
    driver = street(watched_bay(interval_s=60.0), tick_s=1.0)

    def sees(track: str, **more: Any) -> None:
        at_ms = driver.now_ms + round(ahead_s * 1000)
        driver.see("cam-1", "bay-1", track, box=BOX, at_ms=at_ms, came=Moment(driver.now_ms), **more)

    for _ in range(10):
        driver.read("mag", "occupied", 0)
        sees("t0", present=False, stationary=False)
        driver.advance(60)
    for n in range(8):
        driver.read("mag", "occupied", n >= 4)
        sees("t1")
        driver.advance(60)
    assert said(driver) == (["raised sensor_camera_conflict bay-1"] if is_one else [])


@pytest.mark.parametrize(
    ("ahead_s", "until_s", "is_one"), [(0, 350, False), (40, 350, False), (0, 480, True), (40, 480, True)]
)
def test_a_sensor_that_is_ahead_disputes_no_longer_than_it_was_heard(
    ahead_s: int, until_s: int, *, is_one: bool
) -> None:
    """The camera saw the car leave after a minute; five minutes later is too long."""
    driver = street(watched_bay(interval_s=60.0), tick_s=1.0)
    start_ms = driver.now_ms
    driver.see("cam-1", "bay-1", "t0", box=BOX)
    for second in range(0, 480, 10):
        driver.advance_to(start_ms + second * 1000)
        if second == 60:
            driver.see("cam-1", "bay-1", "t0", present=False, stationary=False, box=BOX)
        if second % 60 == 50:
            taken, now_ms = second < until_s, driver.now_ms
            driver.read("mag", "occupied", taken, at_ms=now_ms + ahead_s * 1000, arrived_ms=now_ms, seq=second)
    assert said(driver) == (["raised sensor_camera_conflict bay-1"] if is_one else [])
