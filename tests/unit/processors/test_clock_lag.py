"""A clock in another time zone is behind by the same in every word; what waits on its way is not."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from state_kit import Earless
from street_kit import ZONE, lamp, records, replayed, restart, said

from processors.detectors.clock import ClockDetector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import FacilityClass, Policy
from schemas.model import to_ms
from schemas.observation import Quality
from schemas.registry import ClassConfigured

H, MIN = 3600.0, 60.0
RAISED, CLEARED = "raised device_clock lamp-1", "cleared device_clock lamp-1"
Word = tuple[float, float]
"""When it comes and when its device says it was, in seconds of the story."""


def street(tick_s: float = 10.0, detector: Any = None) -> PipelineTestDriver:
    driver = PipelineTestDriver(detector or ClockDetector(), tick_s=tick_s)
    driver.register(lamp())
    return driver


def hear(driver: PipelineTestDriver, words: Iterable[Word], begin_ms: int | None = None) -> PipelineTestDriver:
    """Words in the order in which they come; those of one time come a millisecond apart, in messages of their own."""
    begin_ms = driver.now_ms if begin_ms is None else begin_ms
    for n, (came_s, was_s) in enumerate(words):
        driver.advance_to(begin_ms + round(came_s * 1000))
        at_ms = begin_ms + round(was_s * 1000)
        driver.read("lamp-1", "power", 80.0 + n % 7, at_ms=at_ms, arrived_ms=driver.now_ms + n)
    return driver


def steady(lag_s: float, every_s: float, hours: float, jitter_s: float = 0.0) -> Iterator[Word]:
    for n in range(round(hours * H / every_s)):
        yield n * every_s, n * every_s - lag_s + (jitter_s, -jitter_s)[n % 2]


@pytest.mark.parametrize(
    ("lag_s", "every_s", "raised_s"),
    [
        (8 * H, 10 * MIN, 2 * H),  # a quarter of what it is behind
        (8 * H, MIN, 2 * H),
        (8 * H, H, 5 * H),  # six words
        (H, 10 * MIN, 50 * MIN),
        (H, MIN, 30 * MIN),
        (23 * H, 30 * MIN, 6 * H),
        (5.75 * H, 10 * MIN, 90 * MIN),  # Kathmandu
    ],
)
def test_a_clock_that_is_by_a_time_zone_behind_is_wrong(lag_s: float, every_s: float, raised_s: float) -> None:
    driver = hear(street(), steady(lag_s, every_s, raised_s / H + 2, jitter_s=5))
    assert said(driver) == [RAISED]
    (finding,) = driver.findings
    assert to_ms(finding.at) - to_ms(finding.since) == raised_s * 1000
    assert finding.numbers["lag_s"] == pytest.approx(lag_s, abs=10)
    assert finding.numbers["for_s"] == raised_s
    assert finding.numbers["messages"] == raised_s / every_s + 1
    assert (len(finding.evidence), finding.rule) == (2, "clock")
    assert replayed(driver, [ClockDetector()]) == records(driver)


def test_it_is_right_again_after_three_words_of_now() -> None:
    driver = hear(street(), steady(8 * H, 10 * MIN, 3))
    restart(driver)
    hear(driver, steady(8 * H, 10 * MIN, 2))
    assert said(driver) == [RAISED]
    driver.advance(10 * MIN)
    hear(driver, [(0, 0), (600, 600)])
    assert said(driver) == [RAISED]
    driver.advance(10 * MIN)
    hear(driver, [(0, 0)])
    assert said(driver) == [RAISED, CLEARED]
    hear(driver, steady(0, 10 * MIN, 12))
    assert len(driver.findings) == 2


def test_words_that_still_are_behind_do_not_say_that_it_is_right() -> None:
    driver = street()
    for _ in range(3):
        driver.read("lamp-1", "power", 80.0, quality=Quality.FUTURE)
        driver.advance(60)
    hear(driver, steady(8 * H, 10 * MIN, 1))
    assert said(driver) == [RAISED]


def offline(hours: float, every_s: float, sends_s: float) -> Iterator[Word]:
    """Away for so long, then what it kept, a word each ``sends_s``, while it goes on measuring; then it lives on."""
    at_s = hours * H
    was_s = 0.0
    while was_s <= at_s:
        yield at_s, was_s
        was_s += every_s
        at_s += sends_s
    for n in range(24):
        yield max(at_s, was_s + n * every_s), was_s + n * every_s


@pytest.mark.parametrize("hours", [1, 2, 8, 23])
@pytest.mark.parametrize("sends_s", [0.0, 1.0, 30.0, 300.0, 540.0])
def test_what_was_kept_while_a_device_was_away_says_nothing_of_its_clock(hours: float, sends_s: float) -> None:
    assert said(hear(street(), offline(hours, 600.0, sends_s))) == []


def bundles(every_s: float, held_s: float, lasts_s: float) -> Iterator[Word]:
    """A gateway that sends all that it heard each ``held_s``."""
    n = 1
    for bundle in range(1, round(lasts_s / held_s)):
        while n * every_s <= bundle * held_s:
            yield bundle * held_s, n * every_s
            n += 1


@pytest.mark.parametrize(
    ("every_s", "held_s"),
    [(600, H), (60, H), (600, 4 * H), (H, H), (3300, H), (600, 12 * H), (H, 12 * H), (1, 2 * H)],
)
def test_what_a_gateway_holds_back_and_sends_by_bundles_says_nothing_of_a_clock(every_s: float, held_s: float) -> None:
    lasts_s = 3 * H if every_s == 1 else 4 * 12 * H
    assert said(hear(street(60), bundles(every_s, held_s, lasts_s))) == []


@pytest.mark.parametrize("held_s", [H, 4 * H])
def test_one_word_in_each_bundle_is_as_old_each_time_and_no_clock_is_wrong(held_s: float) -> None:
    """Measured just after a bundle went, so that it waits for all of the gateway's pause."""
    assert said(hear(street(60), ((n * held_s, (n - 1) * held_s + 20) for n in range(1, 30)))) == []


def test_a_bundle_in_one_message_begins_no_row() -> None:
    driver = street(60)
    for _ in range(30):
        driver.advance(600)
        ages_ms = (60, 50, 45)  # minutes: all of them far
        driver.read_many([("lamp-1", "power", float(m), driver.now_ms - m * 60_000) for m in ages_ms])
    assert said(driver) == []


def test_several_properties_of_one_message_are_one_word() -> None:
    driver = street(60)
    for _ in range(18):
        driver.advance(600)
        at_ms = driver.now_ms - 8 * 3_600_000
        driver.read_many([("lamp-1", name, 1.0, at_ms) for name in ("power", "voltage", "current")])
    assert said(driver) == [RAISED]
    assert driver.findings[0].numbers["messages"] == 13


def test_what_comes_late_beside_words_of_now_says_nothing() -> None:
    both = ((n * 600 + d, n * 600 + d - (0, 8 * H)[d]) for n in range(60) for d in (0, 1))
    assert said(hear(street(1), both)) == []


def test_what_waited_for_us_is_no_lag_of_the_device() -> None:
    """Our ears were away for eight hours and read what waited hardly faster than it comes."""
    driver = street(60)
    begin_ms = driver.now_ms
    driver.disconnect()
    driver.advance(8 * H)
    for n in range(60):
        driver.read("lamp-1", "power", 80.0 + n % 7, at_ms=begin_ms + n * 600_000)
        driver.advance(595)
    assert said(driver) == []


def test_a_lag_that_is_no_time_zone_is_not_judged() -> None:
    assert said(hear(street(), steady(8 * H + 400, 10 * MIN, 6))) == []
    assert said(hear(street(), steady(40 * MIN, 10 * MIN, 6))) == []


def test_the_rule_says_how_far_and_for_how_long() -> None:
    driver = street()
    policy = Policy(rules={"clock.lag_s": 1800.0, "clock.lag_messages": 3.0, "clock.lag_for_s": 60.0})
    driver.configure(ClassConfigured(facility_class=FacilityClass.STREET_LAMP, policy=policy))
    hear(driver, steady(45 * MIN, 5 * MIN, 1))
    assert said(driver) == [RAISED]
    assert driver.findings[0].numbers["for_s"] == 900.0


def test_nothing_is_kept_of_a_device_that_is_only_late_and_what_is_kept_as_calm_is_never_far() -> None:
    long, short = street(detector=Earless(ClockDetector())), street()
    for driver in (long, short):
        hear(driver, steady(0, 10 * MIN, 12))  # calm
        driver.advance(8 * H)
        hear(driver, steady(8 * H - 60, 10 * MIN, 6))  # its times go on where they were
        driver.advance(10 * MIN)
        hear(driver, steady(0, 10 * MIN, 1))
        hear(driver, offline(2, 600, 30))
    assert said(short) == [RAISED, CLEARED]
    assert records(long) == records(short)
    assert long.fold._known(ZONE).slot("clock").snapshot() == (short.fold._known(ZONE).slot("clock").snapshot())
