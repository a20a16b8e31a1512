"""Calm readings are kept until somebody asks: nobody can tell that from being told at once."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, cast

import pytest
from fold_kit import POISON, RELAXED, Scribe
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from state_kit import Earless, restored, state
from street_kit import bay, cover, facility, lamp, records

from processors.detectors import ALL
from processors.detectors.clock import ClockDetector
from processors.detectors.health import HealthDetector
from processors.detectors.lamp import LampDetector
from processors.detectors.parking import ParkingDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.composed import PartitionFold
from processors.engine.contract import (
    Calm,
    Clock,
    Detector,
    Ear,
    Outcome,
    Rested,
    Series,
    Timer,
    TimerDue,
    ZoneEvent,
)
from processors.engine.driver import PipelineTestDriver
from processors.engine.kept import FULL, Kept
from processors.engine.outputs import outgoing
from schemas.anomaly import AnomalyKind
from schemas.columns import BatchColumns
from schemas.facility import FacilityClass

AWAKE = 5.0
HALF_WAY, REFUSED = 50.0, 60.0
"""Values that cannot be taken in afterwards; of the second not at once either."""
LATENESS_S = 1800.0


class Drowsy(Scribe):
    """Counts values from 10 to 90 and says nothing of them, sooner or later; all others it says."""

    def ear(self, state: Any, series: Series) -> Ear | None:
        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
            if not 10.0 <= value <= 90.0 or value == REFUSED:
                return False
            state.count += 1
            if value == HALF_WAY and series.observed_property == "temperature":
                raise ValueError("half-way")
            return True

        return hear

    def calm(self, state: Any, series: Series) -> Calm | None:
        if series.observed_property == "temperature":
            return None  # others keep it

        def absorb(kept: Kept, first: int) -> None:
            for at in range(first, kept.count):
                state.count += 1
                if kept.value(at) in {HALF_WAY, REFUSED}:
                    raise ValueError("half-way")

        return Calm(absorb, 10.0, 90.0, room=60.0, gap_ms=60_000)

    def fold(self, state: Any, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        (event,) = events
        value = getattr(event, "value", 0.0)
        if value == REFUSED:
            state.count += 1
            raise ValueError(f"cannot stomach {value}")
        if 10.0 <= value <= 90.0:
            state.count += 1
            return Outcome()
        return super().fold(state, events, clock)


class Moody(Drowsy):
    """Says everything after a timer, and after a value of 5, of which it says nothing, until it has said something."""

    def ear(self, state: Any, series: Series) -> Ear | None:
        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
            if AWAKE in state.values or not 10.0 <= value <= 90.0:
                return False
            state.count += 1
            return True

        return hear

    def calm(self, state: Any, series: Series) -> Calm | None:
        return None if AWAKE in state.values else super().calm(state, series)

    def fold(self, state: Any, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        (event,) = events
        if getattr(event, "value", 0.0) == AWAKE:
            state.values = [AWAKE]
            return Outcome()
        if AWAKE not in state.values and not isinstance(event, TimerDue):
            return super().fold(state, events, clock)
        state.values = []
        said = Scribe.fold(self, state, events, clock)
        state.values = [AWAKE] if isinstance(event, TimerDue) else []
        return said


def earless(driver: PipelineTestDriver, detectors: Sequence[Detector[Any]]) -> PartitionFold:
    return PartitionFold([cast("Detector[Any]", Earless(one)) for one in detectors], driver.fold._lateness_ms)


def kept(fold: PartitionFold) -> int:
    """How many readings stand somewhere untold."""
    zones = [fold._known(name) for name in fold._zones]
    return sum(route.kept.count for zone in zones for route in zone.routes.values())


def a_while() -> st.SearchStrategy[list[Any]]:
    values = [0.0, 2.0, POISON, *(11.0, 12.0, 40.0, HALF_WAY, 75.0) * 3]
    read = st.tuples(
        st.just("read"),
        st.sampled_from([("cover-1", "tilt_angle"), ("cover-1", "temperature"), ("lamp-1", "power")]),
        st.sampled_from(values),
        st.sampled_from([0.0] * 8 + [15.0, 4000.0]),
    )
    rest = st.sampled_from([("advance", 10.0), ("advance", 10.0), ("advance", 90.0), ("register",), ("snapshot",)])
    return st.lists(st.one_of(read, read, read, rest), min_size=10, max_size=120)


@RELAXED
@given(a_while(), st.booleans())
def test_what_is_told_later_is_as_if_told_at_once(steps: list[Any], numbers: bool) -> None:
    detectors = [Drowsy("drowsy"), Scribe("plain", wants="power"), Drowsy("too", wants="tilt_angle"), ClockDetector()]
    driver = PipelineTestDriver(*detectors, tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover(), lamp("lamp-1"))
    for seq, step in enumerate(steps):
        match step:
            case "read", (device, prop), value, age_s:
                driver.read(
                    device, prop, value, at_ms=driver.now_ms - round(age_s * 1000), seq=seq if numbers else None
                )
            case "advance", for_s:
                driver.advance(for_s)
            case ("register",):
                driver.register(cover(tilt_deg=20.0 + len(driver.log) % 30))
            case _:
                restored(driver.fold)
    again = earless(driver, detectors)
    assert [outgoing(output, "/test").value for output in again.fold(driver.log)] == records(driver)
    assert state(again) == state(driver.fold)


def test_what_nobody_can_take_in_is_set_aside_alone() -> None:
    driver = PipelineTestDriver(Drowsy("drowsy"), Drowsy("too"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    for seq, value in enumerate((0.0, 0.0, 11.0, 12.0, REFUSED, 13.0, HALF_WAY, 14.0)):
        driver.read("cover-1", "tilt_angle", value, seq=seq)
        driver.advance(10.0)
    assert kept(driver.fold) == 6
    driver.read("cover-1", "tilt_angle", 0.0, seq=8)
    again = earless(driver, [Drowsy("drowsy"), Drowsy("too")])
    said = [outgoing(output, "/test").value for output in again.fold(driver.log)]
    assert sorted(said) == sorted(records(driver))
    assert sum(b"cannot stomach 60" in one for one in said) == 2
    assert state(again) == state(driver.fold)


def test_a_full_column_that_cannot_be_taken_in_is_lived_again() -> None:
    driver = PipelineTestDriver(Drowsy("drowsy"), Drowsy("too"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    for seq in range(2 * FULL):
        driver.read("cover-1", "tilt_angle", {9: HALF_WAY, 12: REFUSED}.get(seq, 11.0), seq=seq)
        driver.advance(10.0)
    assert 0 < kept(driver.fold) < FULL
    assert sum(b"cannot stomach 60" in one for one in records(driver)) == 2
    again = earless(driver, [Drowsy("drowsy"), Drowsy("too")])
    assert sorted(outgoing(output, "/test").value for output in again.fold(driver.log)) == sorted(records(driver))
    assert state(again) == state(driver.fold)


def test_what_is_kept_outlives_a_new_checkpoint() -> None:
    driver = PipelineTestDriver(Drowsy("drowsy"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    for seq in range(50):  # more than a journal holds
        driver.read("cover-1", "tilt_angle", 11.0, seq=seq, at_ms=driver.now_ms + seq)
    assert kept(driver.fold)
    driver.read("cover-1", "tilt_angle", POISON, seq=50, at_ms=driver.now_ms + 50)
    assert agrees(driver, Drowsy("drowsy"))


@pytest.mark.parametrize("by", [2.0, AWAKE])
def test_what_was_calm_is_none_after_a_timer_or_a_word_of_the_same_device(by: float) -> None:
    driver = PipelineTestDriver(Moody("moody"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    for seq, (prop, value) in enumerate(
        [("tilt_angle", 11.0)] * 3 + [("humidity", by)] + [("tilt_angle", 11.0)] * 3 + [("tilt_angle", 12.0)] * 3
    ):
        driver.read("cover-1", prop, value, seq=seq, at_ms=driver.now_ms + seq)
        if seq % 3 == 2:
            driver.advance(10.0)
    assert len(driver.outputs) > 1
    assert agrees(driver, Moody("moody"))


def test_who_hears_at_once_and_fails_half_way_is_not_told_twice_of_what_is_kept() -> None:
    driver = PipelineTestDriver(Drowsy("drowsy"), ClockDetector(), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    said = [("tilt_angle", 11.0), ("temperature", 11.0)] * 4 + [("temperature", HALF_WAY)]
    for seq, (prop, value) in enumerate(said):
        driver.read("cover-1", prop, value, seq=seq, at_ms=driver.now_ms + seq)
    assert kept(driver.fold) > 4
    assert agrees(driver, Drowsy("drowsy"), ClockDetector())


def test_what_is_late_is_not_kept_however_long_ago_the_last_was() -> None:
    driver = PipelineTestDriver(ClockDetector(), tick_s=60.0, lateness_s=LATENESS_S)
    driver.register(cover())
    begin_ms = driver.now_ms
    for seq in range(6):
        driver.read("cover-1", "tilt_angle", 0.0, seq=seq, at_ms=begin_ms + seq)
        driver.advance(2 * LATENESS_S if seq == 2 else 60.0)
    assert driver.fold.counts.late == 3
    assert agrees(driver, ClockDetector())


def test_a_lamp_that_is_out_by_day_is_missed_at_night() -> None:
    driver = PipelineTestDriver(LampDetector(), tick_s=300.0, lateness_s=LATENESS_S)
    driver.register(facility("lamp-1", FacilityClass.STREET_LAMP, interval_s=600.0, rules={"lamp.rated_w": 120.0}))
    for seq in range(96):
        driver.read("lamp-1", "power", 0.0, seq=seq)
        driver.advance(900.0)
    assert [finding.kind for finding in driver.findings][:1] == [AnomalyKind.LAMP_DARK]
    assert agrees(driver, LampDetector())


@pytest.mark.parametrize("numbers", [True, False])
def test_ordinary_readings_of_a_street_are_kept(numbers: bool) -> None:
    """Else all of this compares nothing with nothing."""
    driver = PipelineTestDriver(*ALL, tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover(), bay("bay-1", "mag", interval_s=60.0, max_stay_s=600.0))
    for seq in range(20):
        driver.read("cover-1", "tilt_angle", 0.0, seq=seq if numbers else None)
        driver.read("mag", "occupied", 0.0, seq=seq if numbers else None)
        driver.advance(60.0)
    before = kept(driver.fold)
    driver.read("cover-1", "tilt_angle", 0.1, seq=20 if numbers else None)
    driver.read("mag", "occupied", 0.0, seq=20 if numbers else None)
    assert kept(driver.fold) == before + 2
    driver.advance(1.0)
    driver.read("cover-1", "tilt_angle", 90.0, seq=21 if numbers else None)
    assert kept(driver.fold) == 0
    assert driver.findings == []


def agrees(driver: PipelineTestDriver, *detectors: Detector[Any]) -> bool:
    """Whether the long way says and knows the same."""
    again = earless(driver, detectors)
    said = [outgoing(output, "/test").value for output in again.fold(driver.log)]
    return said == records(driver) and state(again) == state(driver.fold)


def test_a_number_behind_one_that_was_lost_is_known_when_it_comes_again() -> None:
    driver = PipelineTestDriver(Drowsy("drowsy"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    untold = []
    for seq in (0, 1, 2, 3, 5, 5, 6, 9, 10, 9):
        driver.read("cover-1", "tilt_angle", 11.0, seq=seq)
        driver.advance(10.0)
        untold.append(kept(driver.fold))
    assert untold[4] > 2  # the first 5
    assert driver.fold.counts.duplicates == 2
    assert agrees(driver, Drowsy("drowsy"))


def test_who_has_spoken_is_not_missed_though_nobody_was_told_yet() -> None:
    """Of two devices one falls silent; the timer that looked after both before was answered by what was kept."""
    driver = PipelineTestDriver(SilenceDetector(), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover(interval_s=60.0), cover("cover-2", interval_s=60.0))
    for seq in range(30):
        for name in ("cover-1", "cover-2") if seq < 20 else ("cover-2",):
            driver.read(name, "tilt_angle", 0.0, seq=seq)
        driver.advance(60.0)
        if seq == 19:
            assert kept(driver.fold) > 30
            assert not driver.findings
            unheard = driver.fold._known(cover().zone).slots[0]._state
            assert driver.now_ms - max(one.heard_ms for one in unheard.devices.values()) > 15 * 60_000
    assert [(finding.kind, finding.subject) for finding in driver.findings] == [(AnomalyKind.DEVICE_SILENT, "cover-1")]
    assert agrees(driver, SilenceDetector())


class Sleeper(Drowsy):
    """Is woken by a value of 1 and every four seconds from then on, and need not be woken then if anything is kept."""

    def rest(self, state: Any, due: TimerDue, clock: Clock, newest: Mapping[str, int]) -> int | None:
        if AWAKE in state.values:
            raise ValueError("cannot tell")
        return clock.now_ms + 4_000 if newest else None

    def fold(self, state: Any, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        (event,) = events
        if not isinstance(event, (TimerDue, Rested)):
            return super().fold(state, events, clock)
        if POISON in state.values and isinstance(event, Rested):
            state.count += 100
            raise ValueError("cannot rest")
        return Outcome(timers=[Timer(event.name, clock.now_ms + 4_000)])


@pytest.mark.parametrize("mood", [0.0, AWAKE, POISON])
def test_a_timer_that_finds_nothing_tells_nobody_of_what_is_kept(mood: float) -> None:
    """However that fails, what is kept is not lost."""
    driver = PipelineTestDriver(Sleeper("sleeper"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    for seq, value in enumerate((1.0, 0.0, 0.0, 0.0)):
        driver.read("cover-1", "tilt_angle", value, seq=seq)
    slot = driver.fold._known(cover().zone).slots[0]
    for seq in range(4, 14):
        driver.read("cover-1", "tilt_angle", 11.0, seq=seq)
        driver.advance(1.0)
        if seq == 6:
            slot._state.values = [mood]
            slot._checkpoint = slot.snapshot()
            slot._behind = len(slot.journal.entries)
    assert kept(driver.fold) >= 4
    untold = slot._state.count
    state(driver.fold)
    assert slot._state.count == 15
    assert (untold < 10) is (mood == 0.0)


def meter(*values: float, prop: str = "pressure", ages_s: Sequence[float] = (), **rules: float) -> PipelineTestDriver:
    """A meter, watched for its health, that said this, each minute, so much too late."""
    driver = PipelineTestDriver(HealthDetector(), tick_s=10.0, lateness_s=LATENESS_S)
    named = {name.replace("_", ".", 1): value for name, value in rules.items()}
    driver.register(facility("press-1", FacilityClass.PRESSURE_METER, interval_s=60.0, rules=named))
    for seq, (value, age_s) in enumerate(zip_longest(values, ages_s, fillvalue=0.0)):
        driver.read("press-1", prop, value, seq=seq, at_ms=driver.now_ms - round(age_s * 1000))
        driver.advance(60.0)
    return driver


def test_what_stands_still_is_stuck_as_soon_although_it_is_kept() -> None:
    driver = meter(4e5, 4.1e5, *[4e5] * 30, stuck_pressure_s=600.0, stuck_least_s=300.0)
    assert [finding.kind for finding in driver.findings] == [AnomalyKind.DEVICE_STUCK]
    assert agrees(driver, HealthDetector())


def test_what_jumps_is_heard_at_once() -> None:
    driver = meter(20.0, 20.5, 20.0, 20.5, 60.0, 20.0, 20.5, prop="temperature")
    assert AnomalyKind.DEVICE_JUMP in [finding.kind for finding in driver.findings]
    assert agrees(driver, HealthDetector())


def test_what_is_older_than_the_newest_is_not_kept() -> None:
    driver = meter(4e5, 4.1e5, 4e5, 4.2e5, 4.1e5, 4.3e5, 4e5, ages_s=(0.0, 0.0, 0.0, 0.0, 200.0, 200.0))
    assert agrees(driver, HealthDetector())


def test_a_number_that_was_heard_the_long_way_is_not_kept_when_it_comes_again() -> None:
    """Six at one time, which is no time later: they are heard, and what was offered before knows nothing of them."""
    driver = PipelineTestDriver(ParkingDetector(), tick_s=10.0)
    driver.register(bay("bay-1", "mag", interval_s=10.0, max_stay_s=60.0))
    for number in range(1, 7):
        driver.read("mag", "occupied", 0.0, seq=number)
    driver.advance(5)
    for number in range(1, 7):
        driver.read("mag", "occupied", 0.0, seq=number)
    assert driver.fold.counts.duplicates == 6


@pytest.mark.parametrize(("quality", "arrival_ms"), [(0, 10**20), (0, -(10**20)), (-(10**20), 0)])
def test_numbers_that_no_column_holds_are_heard_at_once(quality: int, arrival_ms: int) -> None:
    driver = PipelineTestDriver(Drowsy("drowsy"), tick_s=10.0, lateness_s=LATENESS_S)
    driver.register(cover())
    for seq in range(5):
        driver.read("cover-1", "tilt_angle", 11.0, seq=seq)
        driver.advance(10.0)
    assert kept(driver.fold) > 2
    (batch,) = [one for one in driver.log if isinstance(one, BatchColumns) and one.identity[0].endswith(":4")]
    identity = [batch.identity[0].removesuffix("4") + "5"]
    later = [batch.phenomenon_time[0] + 10_000]
    odd = replace(batch, identity=identity, phenomenon_time=later, result_quality=[quality], arrival_time=[arrival_ms])
    driver.log.append(odd)
    driver.outputs += driver.fold.fold([odd])
    assert kept(driver.fold) == 0
    assert agrees(driver, Drowsy("drowsy"))
