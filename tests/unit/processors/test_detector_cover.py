"""Covers: what raises, what nearly does, and what clears."""

from datetime import timedelta

import pytest
from street_kit import at_s, cover, facility, said

from processors.detectors.cover import CoverDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.identity import finding_id, reading_id, timed


def street(**policy: float) -> PipelineTestDriver:
    driver = PipelineTestDriver(CoverDetector())
    driver.register(cover(**policy))
    driver.advance(10)
    return driver


def tilt(driver: PipelineTestDriver, *angles: float, every_s: float = 1.0) -> None:
    for angle in angles:
        driver.read("cover-1", "tilt_angle", angle)
        driver.advance(every_s)


def contact(driver: PipelineTestDriver, *states: int, every_s: float = 1.0) -> None:
    for is_open in states:
        driver.read("cover-1", "contact_open", is_open)
        driver.advance(every_s)


# raising


@pytest.mark.parametrize(("angles", "raises"), [([10.1, 10.1], True), ([10.0, 10.0], False), ([90.0, 90.0], True)])
def test_a_tilt_beyond_ten_degrees_in_two_samples_raises(angles: list[float], raises: bool) -> None:
    driver = street()
    tilt(driver, *angles)
    assert said(driver) == (["raised cover_tilted cover-1"] if raises else [])


def test_more_than_ninety_degrees_is_open() -> None:
    driver = street()
    tilt(driver, 90.1, 90.1)
    assert said(driver) == ["raised cover_open cover-1"]
    assert driver.findings[0].summary == "Cover cover-1 open: turned 90 deg"


def test_an_open_contact_is_open() -> None:
    driver = street()
    contact(driver, 1, 1)
    assert said(driver) == ["raised cover_open cover-1"]
    assert driver.findings[0].severity == "critical"


def test_one_sample_raises_when_sixty_seconds_pass_without_another_word() -> None:
    driver = street()
    tilt(driver, 17.0, every_s=0)
    driver.advance(59)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == ["raised cover_tilted cover-1"]
    (finding,) = driver.findings
    assert (at_s(driver, finding), finding.arrival_time) == (70.0, None)
    assert len(finding.evidence) == 1


def test_one_sample_does_not_raise_while_we_ourselves_may_not_have_heard_the_next() -> None:
    driver = street()
    tilt(driver, 17.0, every_s=0)
    driver.disconnect()
    driver.advance(300)
    assert said(driver) == []
    tilt(driver, 1.0, every_s=0)  # it was sent within the minute and reaches us now
    driver.reconnect()
    driver.advance(300)
    assert said(driver) == []


@pytest.mark.parametrize(
    "angles",
    [[17.0, 9.0, 17.0], [17.0, 3.0, 17.0, 3.0], [9.9] * 9, [17.0]],
    ids=["a doubtful one between", "flicker", "long nearly", "once"],
)
def test_near_misses_do_not_raise(angles: list[float]) -> None:
    driver = street()
    tilt(driver, *angles, every_s=10)
    assert said(driver) == []


def test_samples_older_than_the_newest_say_nothing() -> None:
    driver = street()
    old_ms = driver.now_ms
    driver.advance(30)
    tilt(driver, 1.0)
    for n in range(3):
        driver.read("cover-1", "tilt_angle", 40.0, at_ms=old_ms + n)
    driver.advance(120)
    assert said(driver) == []


def test_the_angle_is_measured_from_how_it_was_installed() -> None:
    driver = street(install_angle_deg=30.0)
    tilt(driver, 30.0, 35.0, 39.9, 21.0, 20.1)
    assert said(driver) == []
    tilt(driver, 19.9, 19.9)
    assert said(driver) == ["raised cover_tilted cover-1"]
    assert driver.findings[0].numbers == {"angle_deg": 19.9, "install_deg": 30.0, "limit_deg": 10.0}


def test_the_policy_may_ask_for_another_tilt() -> None:
    driver = street(tilt_deg=4.0)
    tilt(driver, 4.1, 4.1)
    assert said(driver) == ["raised cover_tilted cover-1"]


# clearing


def test_it_clears_with_two_samples_below_half_of_the_limit() -> None:
    driver = street()
    tilt(driver, 17.0, 17.0, 4.9, 5.0, 4.9, 9.0, 4.9)
    assert said(driver) == ["raised cover_tilted cover-1"]
    tilt(driver, 4.9)
    assert said(driver) == ["raised cover_tilted cover-1", "cleared cover_tilted cover-1"]
    assert driver.open == []


def test_what_speaks_at_an_interval_does_not_clear_by_silence() -> None:
    driver = PipelineTestDriver(CoverDetector())
    driver.register(facility("cover-1", FacilityClass.MANHOLE_COVER, interval_s=7200.0))
    tilt(driver, 17.0, 17.0, 0.0)
    driver.advance(3600)
    assert len(driver.open) == 1


@pytest.mark.parametrize(("name", "up", "down"), [("contact_open", 1, 0), ("tilt_angle", 40, 1), ("tilted", 1, 0)])
def test_what_speaks_only_when_something_happens_says_once_that_it_is_over(name: str, up: float, down: float) -> None:
    driver = street()
    driver.read("cover-1", name, up)
    driver.advance(3600)
    assert len(driver.open) == 1
    driver.read("cover-1", name, down)
    driver.advance(290)
    driver.read("cover-1", "battery_percent", 90)
    assert len(driver.open) == 1
    driver.advance(11)
    assert driver.open == []
    driver.advance(86_400)
    driver.read("cover-1", name, up)
    driver.advance(61)
    assert len(driver.open) == 1
    assert driver.quarantined == []


def test_a_contact_that_says_open_again_within_the_time_stays_open() -> None:
    driver = street()
    contact(driver, 1, 0, 1, 0, 1, every_s=120.0)
    driver.advance(3600)
    assert said(driver) == ["raised cover_open cover-1"]
    contact(driver, 0, every_s=0)
    driver.disconnect()  # we do not know what it says
    driver.advance(900)
    assert len(driver.open) == 1
    driver.reconnect()
    driver.advance(60)
    assert driver.open == []


def test_a_contact_clears_with_two_closed_samples() -> None:
    driver = street()
    contact(driver, 1, 1, 0)
    assert len(driver.open) == 1
    contact(driver, 0)
    assert driver.open == []


def test_tilted_that_opens_is_another_finding_and_back_again_a_third() -> None:
    driver = street()
    tilt(driver, 17.0, 17.0)
    contact(driver, 1, 1)
    contact(driver, 0, 0)
    assert said(driver) == [
        "raised cover_tilted cover-1",
        "cleared cover_tilted cover-1",
        "raised cover_open cover-1",
        "cleared cover_open cover-1",
        "raised cover_tilted cover-1",
    ]
    assert [one.reason for one in driver.findings] == [None, "became cover_open", None, "became cover_tilted", None]
    assert len({one.id for one in driver.findings}) == 3


def test_a_policy_that_allows_the_tilt_clears_it() -> None:
    driver = street()
    tilt(driver, 17.0, 17.0)
    driver.register(cover(install_angle_deg=17.0))
    assert said(driver)[1:] == ["cleared cover_tilted cover-1"]
    assert driver.findings[-1].reason == "policy changed"


def test_registering_the_same_again_says_nothing() -> None:
    driver = street()
    tilt(driver, 17.0, 17.0)
    driver.register(cover())
    assert len(driver.findings) == 1


def test_a_cover_that_leaves_clears_and_its_timer_dies_with_it() -> None:
    driver = street()
    tilt(driver, 17.0, 17.0)
    contact(driver, 1)
    driver.left("cover-1")
    driver.advance(120)
    assert said(driver)[1:] == ["cleared cover_tilted cover-1"]
    assert driver.findings[-1].reason == "facility left"
    assert driver.quarantined == []


def test_readings_of_what_is_not_registered_say_nothing() -> None:
    driver = street()
    tilt(driver, 17.0)
    driver.left("cover-1")
    driver._speaks_for["cover-1", None] = cover()  # still on its way when the cover left
    tilt(driver, 17.0, 17.0)
    driver.advance(120)
    assert (driver.findings, driver.quarantined) == ([], [])


# identity


def test_the_id_comes_from_kind_zone_subject_and_the_reading_that_began_it() -> None:
    driver = street()
    first_ms = driver.now_ms
    tilt(driver, 17.0, 18.0)
    (finding,) = driver.findings
    cause = reading_id("cover-1", "tilt_angle", timed(first_ms, 17.0))
    assert finding.id == finding_id(AnomalyKind.COVER_TILTED, "segment:1", "cover-1", str(cause))
    assert finding.evidence == (cause, reading_id("cover-1", "tilt_angle", timed(first_ms + 1000, 18.0)))


def test_another_version_of_the_detector_gives_the_same_id() -> None:
    class Newer(CoverDetector):
        version = 2  # type: ignore[misc]

    ids = []
    for detector in (CoverDetector(), Newer()):
        driver = PipelineTestDriver(detector)
        driver.register(cover())
        contact(driver, 1, 1)
        ids.append([one.id for one in driver.findings])
    assert ids[0] == ids[1] != []


def test_a_clock_put_forward_confirms_nothing() -> None:
    driver = street()
    tilt(driver, 40.0)
    driver.step_clock(3600)
    driver.advance(50)
    assert said(driver) == []
    driver.advance(15)
    assert said(driver) == ["raised cover_tilted cover-1"]


# rules


@pytest.mark.parametrize("samples", [1, 4])
def test_so_many_samples_confirm_and_end_it(samples: int) -> None:
    rules = {"cover.confirm_samples": float(samples), "cover.clear_samples": float(samples)}
    driver = PipelineTestDriver(CoverDetector())
    driver.register(cover(rules=rules))
    tilt(driver, *[17.0] * (samples - 1))
    assert said(driver) == []
    tilt(driver, 17.0)
    assert said(driver) == ["raised cover_tilted cover-1"]
    assert driver.findings[0].since == driver.findings[0].at - timedelta(seconds=samples - 1)
    tilt(driver, *[0.0] * (samples - 1))
    assert len(said(driver)) == 1
    tilt(driver, 0.0)
    assert said(driver)[1:] == ["cleared cover_tilted cover-1"]


def test_the_first_sample_of_many_counts_for_the_time_without_a_contrary_one() -> None:
    driver = PipelineTestDriver(CoverDetector())
    driver.register(cover(rules={"cover.confirm_samples": 9.0, "cover.confirm_s": 30.0}))
    tilt(driver, 17.0, 17.0, every_s=20.0)
    assert said(driver) == ["raised cover_tilted cover-1"]
    assert at_s(driver, driver.findings[0]) == 30.0


@pytest.mark.parametrize(("share", "clears"), [(0.5, False), (0.8, True)])
def test_calm_is_a_share_of_the_limit(share: float, *, clears: bool) -> None:
    driver = PipelineTestDriver(CoverDetector())
    driver.register(cover(rules={"cover.calm_share": share, "cover.open_deg": 60.0}))
    tilt(driver, 65.0, 65.0)
    assert said(driver) == ["raised cover_open cover-1"]
    tilt(driver, 7.0, 7.0)
    assert (said(driver)[1:] == ["cleared cover_open cover-1"]) == clears
