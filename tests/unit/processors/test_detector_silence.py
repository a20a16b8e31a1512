"""Silence: who is missed, when, and whose silence is our own."""

import pytest
from fold_kit import NOW, row, series, tick
from fold_kit import batch as batch_of
from state_kit import slot
from street_kit import ZONE, at_s, facility, kerb, lamp, said

from processors.detectors.silence import SilenceDetector
from processors.engine.composed import PartitionFold
from processors.engine.contract import Blind
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Anomaly, AnomalyKind
from schemas.facility import Facility, FacilityClass, Policy
from schemas.identity import finding_id
from schemas.model import from_ms
from schemas.observation import Quality
from schemas.registry import ClassConfigured, FacilityRegistered

SILENT = ["raised device_silent lamp-1", "cleared device_silent lamp-1"]


def street(*facilities: Facility, **how: float) -> PipelineTestDriver:
    driver = PipelineTestDriver(SilenceDetector(), **how)  # type: ignore[arg-type]
    driver.register(*facilities or (lamp(),))
    return driver


def speak(driver: PipelineTestDriver, device: str = "lamp-1", name: str = "power", **how: object) -> None:
    driver.read(device, name, 80.0, **how)  # type: ignore[arg-type]


# raising


def test_a_device_is_silent_when_three_intervals_have_passed() -> None:
    driver = street()
    driver.advance(100)
    speak(driver)
    driver.advance(180)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == SILENT[:1]
    (finding,) = driver.findings
    assert finding.summary == "Device lamp-1 silent for 3 min (expected every 60 s)"
    assert finding.since == from_ms(driver.now_ms - 181_000)
    assert finding.arrival_time is None
    assert at_s(driver, finding) == pytest.approx(280.001)


def test_it_is_raised_once() -> None:
    driver = street()
    driver.advance(7200)
    assert said(driver) == SILENT[:1]


def test_a_device_that_keeps_its_interval_is_never_silent() -> None:
    driver = street()
    for _ in range(100):
        driver.advance(60)
        speak(driver)
    assert said(driver) == []


@pytest.mark.parametrize("tick_s", [0.25, 1.0, 60.0])
@pytest.mark.parametrize("start_s", [0.0, 0.25, 7.0])
def test_a_message_after_exactly_three_intervals_is_in_time_whatever_the_ticks(tick_s: float, start_s: float) -> None:
    driver = street(tick_s=tick_s)
    driver.advance(start_s)
    speak(driver)
    for _ in range(3):
        driver.advance(180)
        speak(driver)
    assert said(driver) == []


def test_one_that_was_never_heard_counts_from_its_registration() -> None:
    driver = street()
    driver.advance(180)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == SILENT[:1]
    assert driver.findings[0].summary == "Device lamp-1 was never heard since it was registered (expected every 60 s)"


def test_one_that_speaks_only_when_something_happens_is_never_silent() -> None:
    driver = street(lamp(interval_s=None))
    driver.advance(10_000)
    assert said(driver) == []


def test_each_device_of_a_facility_counts_on_its_own() -> None:
    driver = street(lamp("lamp-1", "meter", "sensor"))
    for _ in range(10):
        driver.advance(60)
        speak(driver, "meter")
    assert said(driver) == ["raised device_silent sensor"]


def test_any_of_many_series_and_a_camera_event_is_a_sign_of_life() -> None:
    camera = kerb().model_copy(update={"devices": lamp("x", "cam-1").devices})
    driver = street(lamp(), camera)
    for n in range(12):
        driver.advance(50)
        speak(driver, name=("power", "voltage", "fault")[n % 3])
        driver.see("cam-1", "kerb-1", "t1", present=False)
    assert said(driver) == []


# losses


def lossy(driver: PipelineTestDriver, intervals: int, lost: int, run: int = 1) -> None:
    """It speaks every minute, and so many times in a hundred a run of messages is lost."""
    for n in range(intervals):
        driver.advance(60)
        if n % 100 not in {k + 25 * r for r in range(lost) for k in range(run)}:
            speak(driver)


@pytest.mark.parametrize(("lost", "missing", "found"), [(0, 3, True), (2, 4, False), (2, 5, True)])
def test_who_loses_messages_is_given_as_many_intervals_as_its_losses_explain(
    lost: int, missing: int, found: bool
) -> None:
    driver = street(tick_s=10.0)
    speak(driver)
    lossy(driver, 199, lost)
    speak(driver)
    driver.advance(missing * 60 + 10)
    assert said(driver) == (SILENT[:1] if found else [])


def test_one_loss_is_no_habit() -> None:
    driver = street(tick_s=10.0)
    speak(driver)
    lossy(driver, 5, 1)  # the first of five
    driver.advance(310)
    assert said(driver) == []
    driver.advance(60)
    assert said(driver) == SILENT[:1]  # after 6 minutes, not 11


def test_an_outage_that_was_found_is_no_loss() -> None:
    driver = street(tick_s=10.0)
    speak(driver)
    lossy(driver, 50, 0)
    driver.advance(7200)
    lossy(driver, 50, 0)
    driver.advance(190)
    assert said(driver) == [*SILENT, SILENT[0]]


def test_a_zone_may_have_three_intervals_count_whatever_is_lost() -> None:
    driver = street(lamp().model_copy(update={"policy": Policy(rules={"silence.chance": 0.0})}), tick_s=10.0)
    speak(driver)
    lossy(driver, 199, 2)
    speak(driver)
    driver.advance(190)
    assert said(driver) == SILENT[:1]


# clearing


def test_the_first_word_clears_it_and_counting_begins_anew() -> None:
    driver = street()
    driver.advance(500)
    speak(driver)
    assert said(driver) == SILENT
    assert driver.findings[-1].summary == "Device lamp-1 is heard again after 8.3 min"
    driver.advance(180)
    assert said(driver) == SILENT
    driver.advance(1)
    assert said(driver) == [*SILENT, SILENT[0]]
    assert len({one.id for one in driver.findings}) == 2


@pytest.mark.parametrize("quality", [Quality.LATE, Quality.FUTURE, Quality.UNTIMED])
def test_even_a_reading_that_is_late_or_odd_proves_life(quality: Quality) -> None:
    driver = street()
    for _ in range(10):
        driver.advance(100)
        speak(driver, quality=quality)
    assert said(driver) == []


def test_a_reading_older_than_the_floor_proves_life() -> None:
    driver = street(lateness_s=600.0)
    driver.advance(3000)
    speak(driver, at_ms=driver.now_ms - 2_000_000)
    assert said(driver) == SILENT


def test_a_copy_and_what_was_released_prove_nothing() -> None:
    driver = street()
    speak(driver, seq=1)
    for n in range(4):
        driver.advance(60)
        speak(driver, seq=1)
        speak(driver, seq=100 + n, quality=Quality.RELEASED)
    assert said(driver) == SILENT[:1]


# our own outages


def test_while_we_hear_nothing_nobody_is_silent_and_afterwards_the_time_does_not_count() -> None:
    driver = street()
    speak(driver)
    driver.advance(100)
    driver.disconnect()
    driver.advance(3600)
    assert said(driver) == []
    driver.reconnect()
    driver.advance(81)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == SILENT[:1]
    assert at_s(driver, driver.findings[0]) == pytest.approx(3781.001)  # three minutes of hearing and the outage


def test_an_outage_excuses_nobody_who_was_heard_after_it() -> None:
    driver = street()
    driver.disconnect()
    driver.advance(3600)
    driver.reconnect()
    driver.advance(10)
    speak(driver)
    driver.advance(181)
    assert said(driver) == SILENT[:1]


def test_an_outage_too_short_to_be_blind_is_waited_for() -> None:
    driver = street()
    speak(driver)
    driver.advance(178)
    driver.disconnect()
    driver.advance(4)
    assert said(driver) == []
    speak(driver)  # it waited with the broker
    driver.reconnect()
    driver.advance(180)
    assert said(driver) == []


def test_a_clock_that_is_put_forward_makes_nobody_silent() -> None:
    driver = street()
    speak(driver)
    driver.advance(60)
    driver.step_clock(3600)
    driver.advance(1)
    assert said(driver) == []
    driver.advance(121)
    assert said(driver) == SILENT[:1]


def test_only_the_blindness_of_its_own_shard_excuses_a_device() -> None:
    detector = SilenceDetector()
    driver = street()
    speak(driver)
    state = detector.restore(ZONE, detector.snapshot(slot(driver.fold, ZONE)._state))
    clock = driver.fold._clock
    for shard, blind_ms in (("another", 0), ("ingest-0", 5000)):
        detector.fold(state, [Blind(shard, clock.now_ms, clock.now_ms + 5000)], clock)
        assert state.devices["lamp-1"].blind_ms == blind_ms


def test_a_device_registered_before_the_first_tick_counts_from_there() -> None:
    fold = PartitionFold([SilenceDetector()], 86_400_000)
    fold.fold([FacilityRegistered(facility=lamp())])
    assert fold.fold(tick(NOW + passed_ms) for passed_ms in range(0, 181_000, 1000)) == []
    (finding,) = fold.fold([tick(NOW + 181_000)])
    assert isinstance(finding, Anomaly)
    assert finding.since == from_ms(NOW)


# what is registered


def test_a_facility_that_leaves_takes_its_devices_along() -> None:
    driver = street(lamp("lamp-1", "b", "a"))
    driver.advance(200)
    driver.left("lamp-1")
    driver.advance(1000)
    assert said(driver)[2:] == ["cleared device_silent a", "cleared device_silent b"]
    assert [one.reason for one in driver.findings[2:]] == ["facility left"] * 2
    assert driver.quarantined == []


def test_a_device_that_speaks_for_two_is_expected_until_both_have_left() -> None:
    driver = street(lamp("lamp-1", "d", interval_s=60.0), lamp("lamp-2", "d", interval_s=600.0))
    driver.left("lamp-1")
    speak(driver, "d")
    driver.advance(1800)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == ["raised device_silent d"]
    driver.left("lamp-2")
    assert said(driver)[1:] == ["cleared device_silent d"]


def test_the_shortest_interval_that_anybody_expects_counts() -> None:
    driver = street(lamp("lamp-1", "d", interval_s=600.0), lamp("lamp-2", "d", interval_s=60.0))
    driver.advance(181)
    assert said(driver) == ["raised device_silent d"]


def test_another_device_in_its_place_ends_the_wait_for_the_old_one() -> None:
    driver = street(lamp("lamp-1", "old"))
    driver.advance(200)
    driver.register(lamp("lamp-1", "new"))
    assert said(driver)[1:] == ["cleared device_silent old"]
    assert driver.findings[-1].reason == "device no longer registered"
    driver.advance(181)
    assert said(driver)[2:] == ["raised device_silent new"]


def test_the_daily_rewrite_of_the_registry_is_no_sign_of_life() -> None:
    driver = street()
    for _ in range(3):
        driver.advance(60)
        driver.register(lamp())
    driver.advance(1)
    assert said(driver) == SILENT[:1]


def test_the_id_comes_from_when_it_was_last_heard() -> None:
    driver = street()
    driver.advance(100)
    speak(driver)
    heard_ms = driver.now_ms
    driver.advance(181)
    assert driver.findings[0].id == finding_id(AnomalyKind.DEVICE_SILENT, ZONE, "lamp-1", str(heard_ms))


def test_a_device_of_nobody_is_not_waited_for() -> None:
    detector = SilenceDetector()
    driver = PipelineTestDriver(detector)
    driver.write(batch_of(row(1, of=series("stranger", zone=ZONE), time_ms=NOW)))
    driver.advance(10_000)
    assert said(driver) == []


# the rule


def class_of_lamps(intervals: float) -> ClassConfigured:
    policy = Policy(rules={"silence.intervals": intervals})
    return ClassConfigured(facility_class=FacilityClass.STREET_LAMP, policy=policy)


def test_a_rule_that_is_more_patient_counts_at_once() -> None:
    driver = PipelineTestDriver(SilenceDetector())
    driver.register(lamp())
    driver.read("lamp-1", "power", 1.0)
    driver.configure(class_of_lamps(5.0))
    driver.advance(300)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == ["raised device_silent lamp-1"]
    assert driver.findings[0].numbers == {"interval_s": 60.0, "silent_s": 300.001}


def test_a_rule_that_is_less_patient_finds_who_was_silent_for_long_enough() -> None:
    driver = PipelineTestDriver(SilenceDetector())
    driver.register(lamp())
    driver.read("lamp-1", "power", 1.0)
    driver.advance(100)
    driver.configure(class_of_lamps(1.0))
    driver.advance(1)
    assert said(driver) == ["raised device_silent lamp-1"]


def test_of_several_facilities_the_least_patient_counts() -> None:
    driver = PipelineTestDriver(SilenceDetector())
    driver.register(lamp("lamp-1", "d"), facility("bay-1", FacilityClass.PARKING_BAY, "d", interval_s=60.0))
    driver.configure(class_of_lamps(10.0))
    driver.advance(181)
    assert said(driver) == ["raised device_silent d"]
    driver = PipelineTestDriver(SilenceDetector())
    driver.register(lamp("lamp-1", "d"), facility("bay-1", FacilityClass.PARKING_BAY, "d", interval_s=60.0))
    driver.configure(class_of_lamps(10.0))
    driver.left("bay-1")
    driver.advance(600)
    assert said(driver) == []
    driver.advance(1)
    assert said(driver) == ["raised device_silent d"]
