from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fold_kit import RELAXED
from hypothesis import given
from hypothesis import strategies as st
from state_kit import restored, slot
from street_kit import ZONE, facility, records, replayed

from processors.detectors import ALL
from processors.detectors.counters import GAP_MIN_S, ROLL_MAX_M3_H, SPAN_MIN_MS, CountersDetector
from processors.detectors.leak import LeakDetector
from processors.engine.contract import Detector, Reading
from processors.engine.driver import PipelineTestDriver
from schemas.columns import BatchColumns
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.identity import Derivation, arrived, derivation, numbered, timed
from schemas.observation import Quality

HOUR = 3600.0
LITRES_10 = 0.01
BITS_16 = 65_536.0
METER = FacilityClass.FLOW_METER


def city(
    *detectors: Detector[Any],
    kind: FacilityClass = METER,
    every_s: float | None = None,
    **policy: Any,
) -> PipelineTestDriver:
    driver = PipelineTestDriver(*(detectors or (CountersDetector(),)), tick_s=600.0)
    driver.register(facility("m", kind, "wm", interval_s=every_s, **policy))
    return driver


def counted(
    driver: PipelineTestDriver, *counts: float, name: str = "pulse_count", every_s: float = HOUR
) -> list[float]:
    """The flows that these counts give, each so long after the one before."""
    before = len(driver.derived)
    for count in counts:
        driver.read("wm", name, count)
        driver.advance(every_s)
    return [round(one.value, 9) for one in driver.derived[before:]]


def volume(flows: Sequence[Reading]) -> float:
    return sum(one.value * (one.time_ms - since(one)) / 3_600_000 for one in flows)


def since(flow: Reading) -> int:
    found = derivation(flow.identity)
    assert found is not None
    assert found.time_ms == flow.time_ms
    return found.since_ms


def test_a_flow_is_what_passed_between_two_counts() -> None:
    driver = city(m3_per_pulse=LITRES_10)
    begun = driver.now_ms
    assert counted(driver, 100, 350, 350) == [2.5, 0.0]
    first = driver.derived[0]
    assert derivation(first.identity) == Derivation(begun + 3_600_000, begun, "pulse_count", "")
    series = first.series
    assert (series.device, series.facility, series.zone) == ("wm", "m", ZONE)
    assert (series.observed_property, series.unit) == ("flow", "m3/h")
    assert (first.quality, first.arrival_ms, first.shard) == (Quality.GOOD, first.time_ms, "ingest-0")


def test_a_meter_reading_needs_no_weight_and_pulses_do() -> None:
    assert counted(city(), 10.0, 12.5, name="meter_reading") == [2.5]
    assert counted(city(), 10.0, 12.5) == []
    assert counted(city(m3_per_pulse=1.0), 10.0, 12.5, name="meter_reading") == []


def test_only_meters_are_counted() -> None:
    lamp = city(kind=FacilityClass.STREET_LAMP)
    assert counted(lamp, 10.0, 12.5, name="meter_reading") == []
    tank = city(kind=FacilityClass.WATER_TANK, m3_per_pulse=1.0)
    assert counted(tank, 10, 12) == [2.0]


def test_a_fall_is_a_roll_over_where_the_width_is_known() -> None:
    assert counted(city(m3_per_pulse=LITRES_10, rolls_over_at=BITS_16), 65_500, 64, 164) == [1.0, 1.0]
    assert counted(city(m3_per_pulse=LITRES_10), 65_500, 64, 164) == [1.0]
    assert counted(city(rolls_over_at=100_000.0), 99_999.5, 0.5, name="meter_reading") == [1.0]


def test_a_fall_that_would_be_too_much_is_a_reset() -> None:
    assert counted(city(m3_per_pulse=1.0, rolls_over_at=BITS_16), BITS_16 - ROLL_MAX_M3_H, 0, 5) == [ROLL_MAX_M3_H, 5.0]
    assert counted(city(m3_per_pulse=1.0, rolls_over_at=BITS_16), BITS_16 - ROLL_MAX_M3_H - 1, 0, 5) == [5.0]
    assert counted(city(m3_per_pulse=1.0, rolls_over_at=BITS_16, max_flow_m3_h=9), BITS_16 - 10, 0, 9, 19) == [9.0]


def test_a_count_beyond_the_width_says_that_the_width_is_wrong() -> None:
    assert counted(city(m3_per_pulse=LITRES_10, rolls_over_at=BITS_16), 65_600, 65_500) == []


def test_a_device_that_began_anew_did_not_roll_over() -> None:
    driver = city(m3_per_pulse=LITRES_10, rolls_over_at=BITS_16)
    series = driver._series("wm", "pulse_count")
    for boot, seq, count in (("x", 1, 65_500), ("x", 2, 64), ("y", 1, 10), ("y", 2, 20)):
        batch = (series, driver.now_ms, float(count), f"a:{boot}:{seq}", 0, driver.now_ms, "ingest-0")
        driver.write(_batch(Reading(*batch)))
        driver.advance(HOUR)
    assert [one.value for one in driver.derived] == [1.0, 0.1]


def _batch(*rows: Reading) -> BatchColumns:
    return BatchColumns(
        shard=rows[0].shard,
        series=[row.series for row in rows],
        series_index=list(range(len(rows))),
        phenomenon_time=[row.time_ms for row in rows],
        result=[row.value for row in rows],
        identity=[row.identity for row in rows],
        result_quality=[row.quality for row in rows],
        arrival_time=[row.arrival_ms for row in rows],
    )


@pytest.mark.parametrize(
    "identity",
    [
        timed,
        lambda now, value, channel: numbered("boot", now, channel),
        lambda now, value, channel: arrived(now, f"{value}", 0, channel),
    ],
)
def test_channels_are_counters_of_their_own(identity: Callable[[int, float, str], str]) -> None:
    driver = city(m3_per_pulse=1.0)
    series = driver._series("wm", "pulse_count")
    for add in (0.0, 7.0):
        now = driver.now_ms
        rows = [
            Reading(series, now, value, identity(now, value, channel), 0, now, "s")
            for value, channel in ((10.0 + add, "1"), (900.0 + add * 2, "2"))
        ]
        driver.write(_batch(*rows))
        driver.advance(HOUR)
    found = [(derivation(one.identity), one.value) for one in driver.derived]
    assert [(one.channel, value) for one, value in found if one] == [("1", 7.0), ("2", 14.0)]


def test_counts_far_apart_give_no_flow() -> None:
    assert counted(city(), 1, 2, name="meter_reading", every_s=GAP_MIN_S) == [0.5]
    assert counted(city(), 1, 2, name="meter_reading", every_s=GAP_MIN_S + 1) == []
    assert counted(city(every_s=86_400.0), 0, 24, name="meter_reading", every_s=86_400.0) == [1.0]
    assert counted(city(count_gap_s=60.0), 1, 2, 3, name="meter_reading", every_s=61.0) == []


def test_counts_at_nearly_the_same_time_are_one() -> None:
    driver = city()
    assert counted(driver, 1, 2, 3, name="meter_reading", every_s=(SPAN_MIN_MS - 1) / 1000) == [
        round(2 * HOUR / (2 * (SPAN_MIN_MS - 1) / 1000), 9)
    ]


def test_deltas_need_an_interval() -> None:
    assert counted(city(), 0.5, 0.25, name="volume_delta") == []
    assert counted(city(every_s=900.0), 0.5, 0.25, name="volume_delta") == [2.0, 1.0]
    assert counted(city(every_s=900.0, m3_per_pulse=LITRES_10), 50, name="pulse_delta") == [2.0]


def test_where_flow_is_measured_none_is_derived() -> None:
    driver = city()
    assert counted(driver, 1, name="meter_reading") == []
    driver.read("wm", "flow", 3.0)
    measured_ms = driver.now_ms
    assert counted(driver, 2, 3, name="meter_reading") == []
    driver.fold = restored(driver.fold)
    counted(driver, *range(4, 30), name="meter_reading")
    # As long as a reading may be late, here a day, the measured one counts as new.
    assert driver.derived[0].time_ms == measured_ms + 25 * 3_600_000


def test_a_changed_weight_begins_anew_and_another_limit_does_not() -> None:
    driver = city(m3_per_pulse=1.0)
    assert counted(driver, 1) == []
    driver.register(facility("m", METER, "wm", m3_per_pulse=1.0, max_flow_m3_h=50.0))
    assert counted(driver, 2) == [1.0]
    driver.register(facility("m", METER, "wm", m3_per_pulse=2.0))
    assert counted(driver, 3, 4) == [2.0]
    driver.left("m")
    driver.register(facility("m", METER, "wm", m3_per_pulse=2.0))
    assert counted(driver, 5) == []


def test_a_device_that_spoke_for_something_else_meanwhile_begins_anew() -> None:
    driver = city()
    assert counted(driver, 1, name="meter_reading") == []
    driver.register(facility("m", METER, "other"))
    driver.register(facility("m", METER, "wm", "other"))
    assert counted(driver, 2, 3, name="meter_reading") == [1.0]


def test_of_several_bindings_of_a_device_the_shortest_interval_counts() -> None:
    driver = city()
    twice = facility("m", METER, "wm", "wm", "wm")
    spans = (900.0, 600.0, None)
    bindings = [one.model_copy(update={"interval_s": span}) for one, span in zip(twice.devices, spans, strict=True)]
    for order in (bindings, bindings[::-1], bindings[1:] + bindings[:1]):
        driver.register(twice.model_copy(update={"devices": tuple(order)}))
        assert counted(driver, 1.0, name="volume_delta") == [6.0]


@pytest.mark.parametrize("quality", [Quality.LATE, Quality.RELEASED])
def test_what_is_never_judged_is_never_counted(quality: Quality) -> None:
    driver = city()
    counted(driver, 1, name="meter_reading")
    driver.read("wm", "meter_reading", 2.0, quality=quality)
    driver.advance(HOUR)
    assert counted(driver, 3, name="meter_reading") == [1.0]


def test_a_flow_has_the_worse_quality_of_its_counts() -> None:
    driver = city()
    for count, quality in ((1.0, Quality.UNTIMED), (2.0, Quality.GOOD), (3.0, Quality.GOOD)):
        driver.read("wm", "meter_reading", count, quality=quality)
        driver.advance(HOUR)
    assert [one.quality for one in driver.derived] == [Quality.UNTIMED, Quality.GOOD]


def test_the_burst_detector_hears_what_was_derived() -> None:
    driver = city(CountersDetector(), LeakDetector())
    counted(driver, 1, 2, name="meter_reading")
    leak = slot(driver.fold, ZONE, 1)
    assert "m|wm|flow" in leak._state.sensors


# ------------------------------------------------------------------------------------------------------- generated

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["counts", "counts", "counts", "begins anew", "is away"]),
        st.integers(SPAN_MIN_MS, int(GAP_MIN_S) * 1000),
        st.integers(0, 600),
    ),
    max_size=30,
)


@RELAXED
@given(STEPS, st.integers(0, 999), st.sampled_from([None, 1000.0]))
def test_flow_times_time_is_the_volume_wherever_it_can_be_known(
    steps: list[tuple[str, int, int]], first: int, width: float | None
) -> None:
    # A pulse of 0.1 l: even 600 of them within a second are no implausible roll-over.
    driver = PipelineTestDriver(CountersDetector(), tick_s=3600.0)
    driver.register(facility("m", METER, "wm", m3_per_pulse=1e-4, rolls_over_at=width, max_flow_m3_h=1e6))
    count, now, known, spans = first, driver.now_ms, 0, []
    driver.read("wm", "pulse_count", float(count), at_ms=now)
    for what, span_ms, pulses in steps:
        before = count
        now += span_ms + (int(GAP_MIN_S) * 1000 + 1) * (what == "is away")
        driver.advance_to(now)
        # With a width nobody could tell a new beginning from a roll-over of a counter so small.
        count = 0 if what == "begins anew" and width is None else (count + pulses) % 1000
        if what != "is away" and (count >= before or width is not None):
            known += (count - before) % 1000
            spans.append((now - span_ms, now))
        driver.read("wm", "pulse_count", float(count), at_ms=now)
    assert volume(driver.derived) == pytest.approx(known * 1e-4, abs=1e-9)
    assert [(since(one), one.time_ms) for one in driver.derived] == spans


@RELAXED
@given(st.lists(st.integers(0, 40), min_size=2, max_size=25), st.randoms(use_true_random=False))
def test_order_and_copies_change_only_how_the_volume_is_divided(minutes: list[int], random: Any) -> None:
    driver = city(count_gap_s=1e6)
    begun = driver.now_ms
    driver.advance(HOUR)
    for minute in minutes:
        for _ in range(random.choice([1, 1, 2])):
            driver.read("wm", "meter_reading", float(minute**2), at_ms=begun + minute * 60_000)
    reached = max(minutes)
    assert volume(driver.derived) == pytest.approx(reached**2 - minutes[0] ** 2)
    ends = [begun + minutes[0] * 60_000, *(one.time_ms for one in driver.derived)]
    assert [since(one) for one in driver.derived] == ends[:-1]  # no time is said twice, and none left out
    assert ends[-1] == begun + reached * 60_000


@RELAXED
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0.0, 5.0, 9.0, 65_530.0])), min_size=1, max_size=20),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
)
def test_how_readings_are_cut_into_batches_changes_nothing(rows: list[tuple[int, float]], cuts: list[int]) -> None:
    one_by_one, cut = (
        city(CountersDetector(), LeakDetector(), m3_per_pulse=1e-3, rolls_over_at=BITS_16) for _ in range(2)
    )
    told = [("wm", "pulse_count", count, one_by_one.now_ms + minute * 60_000) for minute, count in rows]
    for row in told:
        one_by_one.read_many([row])
    at = 0
    while at < len(told):
        size = cuts[at % len(cuts)]
        cut.read_many(told[at : at + size])
        at += size
    assert records(cut) == records(one_by_one)
    assert records(cut) == replayed(cut, (CountersDetector(), LeakDetector()))


def test_the_live_detectors_derive_before_they_find() -> None:
    assert ALL[0].name == "counters"


def test_a_device_at_two_facilities_counts_for_each_its_own() -> None:
    driver = PipelineTestDriver(CountersDetector(), tick_s=600.0)
    for name, what in (("m", "pulse_count"), ("n", "meter_reading")):
        driver.register(
            Facility(
                facility=name,
                scheme=CodeScheme.LOCAL,
                facility_class=METER,
                zone=ZONE,
                place=Place(lon=113.85, lat=34.03),
                devices=(DeviceBinding(device="wm", properties=(what,)),),
                policy=Policy(m3_per_pulse=1.0 if name == "m" else None),
            )
        )
    for count in (1.0, 2.0):
        driver.read("wm", "pulse_count", count)
        driver.read("wm", "meter_reading", count * 10)
        driver.advance(HOUR)
    assert [(one.series.facility, one.value) for one in driver.derived] == [("m", 1.0), ("n", 10.0)]
