"""Planned works: what is raised within them is expected, as long as they go on."""

from datetime import timedelta
from typing import Any

import pytest
from state_kit import restored
from street_kit import ZONE, at_s, cover, records, replayed, restart, said

from processors.detectors.cover import CoverDetector
from processors.engine.driver import START, PipelineTestDriver
from schemas.anomaly import AnomalyKind
from schemas.model import to_ms
from schemas.works import REMEMBERED_MS, MaintenancePlanned


def plan(first_s: float = 100.0, last_s: float = 200.0, **more: Any) -> MaintenancePlanned:
    begins, ends = (START + timedelta(seconds=s) for s in (first_s, last_s))
    return MaintenancePlanned(works=more.pop("works", "W-1"), zone=ZONE, begins=begins, ends=ends, **more)


def street() -> PipelineTestDriver:
    driver = PipelineTestDriver(CoverDetector(), tick_s=10.0)
    driver.register(cover("cover-1"), cover("cover-2"))
    return driver


def tilt(driver: PipelineTestDriver, at_s: float, *angles: float, name: str = "cover-1") -> None:
    """So many samples, 10 ms apart, the last at a second of the story."""
    driver.advance_to(to_ms(START) + round(at_s * 1000))
    for before, angle in zip(reversed(range(len(angles))), angles, strict=True):
        driver.read(name, "tilt_angle", angle, at_ms=driver.now_ms - 10 * before)


def expected(driver: PipelineTestDriver) -> list[str | None]:
    return [one.expected for one in driver.findings]


@pytest.mark.parametrize(("at_s", "marked"), [(99.9, None), (100.0, "W-1"), (199.9, "W-1"), (200.0, None)])
def test_what_is_raised_within_the_works_is_expected(at_s: float, marked: str | None) -> None:
    driver = street()
    driver.write(plan())
    tilt(driver, at_s, 17.0, 18.0)
    assert said(driver) == ["raised cover_tilted cover-1"]
    assert expected(driver) == [marked]


@pytest.mark.parametrize(
    ("more", "marked"),
    [
        ({"facility": "cover-1"}, "W-1"),
        ({"facility": "cover-2"}, None),
        ({"kinds": (AnomalyKind.COVER_OPEN,)}, None),
        ({"kinds": (AnomalyKind.COVER_OPEN, AnomalyKind.COVER_TILTED)}, "W-1"),
        ({"cancelled": True}, None),
    ],
)
def test_works_explain_what_they_are_for(more: dict[str, Any], marked: str | None) -> None:
    driver = street()
    driver.write(plan(**more))
    tilt(driver, 150, 17.0, 18.0)
    assert expected(driver) == [marked]


def steps(driver: PipelineTestDriver) -> list[tuple[str, str, str | None, float]]:
    return [(one.transition, one.subject, one.expected, at_s(driver, one)) for one in driver.findings]


def test_what_still_holds_when_the_works_are_over_is_a_plain_finding_from_then_on() -> None:
    driver = street()
    driver.write(plan())
    tilt(driver, 150, 17.0, 18.0)
    restart(driver)
    driver.advance(49.9)
    assert len(driver.findings) == 1
    driver.advance(10)
    assert steps(driver) == [("raised", "cover-1", "W-1", 150), ("updated", "cover-1", None, 200)]
    raised, updated = driver.findings
    assert (updated.reason, updated.summary) == ("W-1: works are over", raised.summary)
    assert (updated.numbers, updated.since, updated.arrival_time) == (raised.numbers, raised.since, None)
    tilt(driver, 300, 0.0, 1.0)
    assert steps(driver)[2:] == [("cleared", "cover-1", None, 300)]
    driver.advance(1_000)
    assert len(driver.findings) == 3
    assert replayed(driver, [CoverDetector()]) == records(driver)


def test_what_is_over_before_the_works_are_stays_expected() -> None:
    driver = street()
    driver.write(plan())
    tilt(driver, 150, 17.0, 18.0)
    tilt(driver, 190, 0.0, 1.0)
    driver.advance(1_000)
    assert [(one[0], one[2]) for one in steps(driver)] == [("raised", "W-1"), ("cleared", "W-1")]


def test_what_ended_it_within_the_works_may_be_heard_after_them() -> None:
    driver = street()
    driver.write(plan())
    tilt(driver, 150, 17.0, 18.0)
    driver.disconnect()
    driver.advance_to(to_ms(START) + 260_000)
    assert [one[0] for one in steps(driver)] == ["raised"]
    ended_ms = to_ms(START) + 190_000
    for n in range(2):
        driver.read("cover-1", "tilt_angle", 1.0, at_ms=ended_ms + n)
    driver.reconnect()
    driver.advance(20)
    assert [(one[0], one[2]) for one in steps(driver)] == [("raised", "W-1"), ("cleared", "W-1")]


def test_what_ends_it_later_by_an_older_time_is_told_behind_the_step_that_said_so() -> None:
    driver = street()
    driver.write(plan())
    tilt(driver, 150, 17.0, 18.0)
    driver.advance_to(to_ms(START) + 300_000)
    for n in range(2):
        driver.read("cover-1", "tilt_angle", 1.0, at_ms=to_ms(START) + 180_000 + n)
    assert [(one[0], one[3]) for one in steps(driver)] == [("raised", 150), ("updated", 200), ("cleared", 200)]


def test_what_is_raised_for_a_time_within_works_that_are_over_is_expected_for_a_moment() -> None:
    driver = street()
    driver.write(plan())
    driver.advance_to(to_ms(START) + 230_000)
    for n in range(2):
        driver.read("cover-1", "tilt_angle", 18.0, at_ms=to_ms(START) + 190_000 + n)
    driver.advance(10)
    assert [(one[0], one[2]) for one in steps(driver)] == [("raised", "W-1"), ("updated", None)]


def test_works_that_are_called_off_or_moved_away_explain_nothing_any_more() -> None:
    for change in (plan(cancelled=True, revision=1), plan(300, 400, revision=1)):
        driver = street()
        driver.write(plan())
        tilt(driver, 150, 17.0, 18.0)
        restart(driver)
        driver.write(change)
        tilt(driver, 160, 17.0, 18.0, name="cover-2")
        assert steps(driver) == [
            ("raised", "cover-1", "W-1", 150),
            ("updated", "cover-1", None, 160),
            ("raised", "cover-2", None, 160),
        ]
        assert replayed(driver, [CoverDetector()]) == records(driver)


def test_works_that_take_longer_explain_it_longer_and_then_others_may() -> None:
    driver = street()
    driver.write(plan())
    driver.write(plan(250, 400, works="W-2"))
    tilt(driver, 150, 17.0, 18.0)
    driver.write(plan(100, 300, revision=1))
    driver.advance_to(to_ms(START) + 500_000)
    assert [(one[0], one[2], one[3]) for one in steps(driver)] == [
        ("raised", "W-1", 150),
        ("updated", "W-2", 300),
        ("updated", None, 400),
    ]


def test_works_end_by_the_calendar_also_when_the_clock_is_put_forward() -> None:
    driver = street()
    driver.write(plan())
    tilt(driver, 150, 17.0, 18.0)
    driver.step_clock(30)
    driver.advance_to(to_ms(START) + 199_000)
    assert len(driver.findings) == 1
    driver.advance_to(to_ms(START) + 209_000)
    assert steps(driver)[1:] == [("updated", "cover-1", None, 200)]


def test_an_older_word_changes_nothing_and_a_newer_one_moves_the_works() -> None:
    driver = street()
    driver.write(plan(revision=5))
    driver.write(plan(300, 400, revision=4))
    tilt(driver, 150, 17.0, 18.0)
    driver.write(plan(300, 400, revision=6))
    tilt(driver, 160, 17.0, 18.0, name="cover-2")
    assert expected(driver) == ["W-1", None, None]  # the second is a step of the first


def test_works_are_forgotten_when_they_are_long_over_with_and_without_a_restart() -> None:
    driver, other = street(), street()
    for one in (driver, other):
        one.write(plan(revision=5))
    tick_ms = to_ms(START) + 200_000 + REMEMBERED_MS
    for one, snapshots in ((driver, False), (other, True)):
        one._tick_ms = REMEMBERED_MS // 4
        one.advance_to(tick_ms - 1)
        if snapshots:
            one.fold = restored(one.fold)
        assert list(one.fold._known(ZONE).works._plans) == ["W-1"]
        one.advance_to(tick_ms)
        if snapshots:
            one.fold = restored(one.fold)
        one.write(plan(revision=5))  # the daily rewrite
        assert one.fold._known(ZONE).works.snapshot(tick_ms) == {}


def test_works_are_for_one_zone_and_of_several_the_first_by_name_counts() -> None:
    driver = street()
    driver.write(plan(works="B"))
    driver.write(plan(works="A"))
    driver.write(plan().model_copy(update={"works": "0", "zone": "segment:2"}))
    tilt(driver, 150, 17.0, 18.0)
    assert expected(driver) == ["A"]


def test_works_that_end_before_they_begin_are_none() -> None:
    with pytest.raises(ValueError, match="ends is not after begins"):
        plan(200, 200)
