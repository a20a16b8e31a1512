"""What must not change a finding: when it happened, who else is there, in what order and in which pieces it came."""

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

import pytest
from health_kit import DAY, HOUR, MINUTE, Row, days_of_air, noise, play, station
from street_kit import cover, lamp, records

from processors.detectors.clock import ClockDetector
from processors.detectors.health import HealthDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.driver import START, PipelineTestDriver
from schemas.facility import Facility

DETECTORS = (SilenceDetector(), ClockDetector(), HealthDetector())
FACILITIES = [*(station(f"air-{n}") for n in range(5)), cover(), lamp("lamp-1"), lamp("lamp-2")]
FAULTS = {
    "raised device_stuck air-1/temperature",
    "cleared device_stuck air-1/temperature",
    "raised device_jump air-2/temperature",
    "cleared device_jump air-2/temperature",
    "raised device_drift air-3/temperature",
    "raised property_silent air-4/humidity",
    "raised device_battery cover-1",
    "raised device_restarts lamp-1",
    "cleared device_restarts lamp-1",
    "raised device_duplicate lamp-2",
    "cleared device_duplicate lamp-2",
    "raised device_signal cover-1",
    "raised device_silent lamp-1",
}


def story() -> list[Row]:
    """Four days in which about everything breaks."""
    rows: list[Row] = []
    for n in range(5):
        rows += [row._replace(value=row.value + n / 2) for row in days_of_air(f"air-{n}", 4, every_s=10 * MINUTE)]
    for at, row in enumerate(rows):
        if row.device == "air-1" and 2.5 * DAY <= row.at_s < 3 * DAY:
            rows[at] = row._replace(value=15.5)
        elif row.device == "air-2" and row.at_s == 1.5 * DAY:
            rows[at] = row._replace(value=120.0)
        elif row.device == "air-3" and row.at_s > 2.5 * DAY:
            rows[at] = row._replace(value=row.value + 6.0)
    rows += [Row(n * 10 * MINUTE, "air-4", "humidity", 50 + 9 * noise(n)) for n in range(200)]
    rows += [Row(n * HOUR, "cover-1", "battery_percent", max(5.0, 60.0 - n)) for n in range(96)]
    rows += [Row(n * HOUR, "cover-1", "rssi", -110.0 - n / 4) for n in range(96)]
    rows += [Row(n * 5 * MINUTE, "lamp-1", "power", 80.0, n % 40 + 17, f"b{n // 3}") for n in range(15)]
    rows += [Row((15 + n) * 5 * MINUTE, "lamp-1", "power", 80.0, n + 60, "b4") for n in range(40)]
    for n in range(600):
        rows.append(Row(n * 5 * MINUTE, "lamp-2", "power", 80.0, n + 900, ""))
        if n < 20:
            rows.append(Row(n * 5 * MINUTE + 60, "lamp-2", "power", 79.0, n, ""))
    return sorted(rows, key=lambda row: row.at_s)


def told(
    rows: Sequence[Row], facilities: Sequence[Facility] = tuple(FACILITIES), shift_s: float = 0.0
) -> PipelineTestDriver:
    driver = PipelineTestDriver(*DETECTORS, tick_s=300.0, start=START + timedelta(seconds=shift_s))
    driver.register(*facilities)
    play(driver, rows)
    driver.advance(DAY)
    assert driver.quarantined == []
    return driver


def matters(driver: PipelineTestDriver) -> list[str]:
    """Every step of what was found, in an order of its own."""
    return sorted(f"{one.transition} {one.kind} {one.subject}" for one in driver.findings)


@pytest.fixture(scope="module")
def plain() -> PipelineTestDriver:
    return told(story())


def test_the_story_has_every_fault(plain: PipelineTestDriver) -> None:
    assert set(matters(plain)) >= FAULTS
    lies = [line for line in matters(plain) if "device_silent" not in line]
    assert len(lies) == len(set(lies))


@pytest.mark.parametrize("shift_s", [12_345.0, 40 * DAY + 1.0])
def test_another_time_finds_the_same_at_that_time(plain: PipelineTestDriver, shift_s: float) -> None:
    shifted = told(story(), shift_s=shift_s)
    by = timedelta(seconds=shift_s)

    def seen(driver: PipelineTestDriver, less: timedelta) -> list[object]:
        return [(o.transition, o.kind, o.subject, o.at - less, o.since - less, o.numbers) for o in driver.findings]

    assert seen(shifted, by) == seen(plain, timedelta())


def test_the_order_of_facilities_and_of_devices_at_one_moment_does_not_matter(plain: PipelineTestDriver) -> None:
    chance = random.Random(1)
    facilities = list(FACILITIES)
    chance.shuffle(facilities)
    rows = []
    for _, moment in groupby(story(), key=lambda row: row.at_s):
        rows += chance.sample(together := list(moment), len(together))
    shuffled = told(rows, facilities)
    assert sorted(records(shuffled)) == sorted(records(plain))


def test_the_cut_of_batches_does_not_matter(plain: PipelineTestDriver) -> None:
    driver = PipelineTestDriver(*DETECTORS, tick_s=300.0)
    driver.register(*FACILITIES)
    begin_ms = driver.now_ms
    for at_s, moment in groupby(story(), key=lambda row: row.at_s):
        driver.advance_to(at_ms := begin_ms + round(at_s * 1000))
        for (seq, boot), rows in groupby(moment, key=lambda row: (row.seq, row.boot)):
            driver.read_many([(row.device, row.prop, row.value, at_ms) for row in rows], seq, boot=boot)
    driver.advance(DAY)
    assert sorted(records(driver)) == sorted(records(plain))


def test_copies_do_not_matter(plain: PipelineTestDriver) -> None:
    rows = [row for row in story() for _ in range(2)]
    assert records(told(rows)) == records(plain)


@pytest.mark.parametrize("seed", range(3))
def test_messages_that_overtake_each_other_do_not_matter(plain: PipelineTestDriver, seed: int) -> None:
    """One in fifty comes up to a minute late: what is found is the same, though perhaps by another reading."""
    chance = random.Random(seed)
    driver = PipelineTestDriver(*DETECTORS, tick_s=60.0)
    driver.register(*FACILITIES)
    begin_ms = driver.now_ms
    late = [(row.at_s + (60.0 if chance.random() < 0.02 else 0.0), n, row) for n, row in enumerate(story())]
    for arrives_s, _, row in sorted(late):
        driver.advance_to(begin_ms + round(arrives_s * 1000))
        at_ms = begin_ms + round(row.at_s * 1000)
        driver.read(row.device, row.prop, row.value, seq=row.seq, boot=row.boot, at_ms=at_ms)
    driver.advance(DAY)
    assert [m for m in matters(driver) if "silent" not in m] == [m for m in matters(plain) if "silent" not in m]
