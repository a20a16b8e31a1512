"""Ticks of a network: the same as the steps of networks without a model, whatever way readings come."""

import random

import pytest

from processors.detectors.leak_steps import Steps
from processors.detectors.pipe_leak_steps import STEP_MS, OpenSteps
from processors.engine.contract import Clock, Reading, Series
from schemas.facility import FacilityClass

KEYS = ("a/pressure", "b/pressure", "c/flow")
SHARD = "ingest-0"


def reading(key: str, at_ms: int, value: float, identity: str) -> Reading:
    series = Series(key, "pressure", "Pa", key, FacilityClass.PRESSURE_METER, "dma:1")
    return Reading(series, at_ms, value, identity, 0, at_ms + 7, SHARD)


def story(seed: int) -> list[tuple[str, Reading] | Clock]:
    """Readings of an hour or two, some twice in a tick, some late, some too late, and the clock between them."""
    chance = random.Random(seed)
    events: list[tuple[int, tuple[str, Reading] | Clock]] = []
    for n in range(60):
        at_ms = chance.randrange(20) * STEP_MS + chance.choice([0, 0, 0, 20_000, -100_000, STEP_MS // 2])
        key = chance.choice(KEYS)
        come_ms = at_ms + chance.choice([0, 0, 60_000, 500_000, 1_500_000])
        events.append((come_ms, (key, reading(key, at_ms, chance.uniform(1.0, 9.0), f"a::{n}"))))
    for tick in range(1, 30):
        now_ms = tick * STEP_MS
        behind = chance.choice([0, 0, 0, 2 * STEP_MS, 20 * STEP_MS])
        events.append((now_ms, Clock(now_ms, {SHARD: now_ms, "ingest-1": now_ms - behind})))
    return [event for _, event in sorted(events, key=lambda one: one[0])]


@pytest.mark.parametrize("seed", range(20))
def test_they_hold_what_the_steps_of_other_networks_hold(seed: int) -> None:
    ours, theirs = OpenSteps(KEYS), Steps(interval_ms=STEP_MS)
    closed = 0
    for event in story(seed):
        if isinstance(event, Clock):
            mine, other = ours.close(event), theirs.close(event)
            assert [one.time_ms for one in mine] == [one.time_ms for one in other]
            for one, expected in zip(mine, other, strict=True):
                said = [expected.values.get(key) for key in KEYS]
                assert one.values() == pytest.approx(
                    [float("nan") if value is None else value[0] for value in said], nan_ok=True, rel=1e-12
                )
                assert [one.sample(key) for key in KEYS] == [None if value is None else value[1] for value in said]
            closed += len(mine)
        else:
            ours.add(*event)
            theirs.add(*event)
        assert ours.due_ms() == theirs.due_ms()
    assert closed > 10


@pytest.mark.parametrize("seed", range(10))
def test_an_ear_and_a_restart_change_not_a_byte(seed: int) -> None:
    plain, heard = OpenSteps(KEYS), OpenSteps(KEYS)
    by_ear = 0
    for event in story(seed):
        if isinstance(event, Clock):
            assert plain.close(event) == heard.close(event)
            heard = OpenSteps(KEYS, heard.written(), heard.next_slot)
        else:
            key, one = event
            plain.add(key, one)
            if heard.ear(key)(one.time_ms, one.value, one.identity, one.arrival_ms, 0, SHARD):
                by_ear += 1
            else:
                heard.add(key, one)
        assert (plain.written(), plain.next_slot) == (heard.written(), heard.next_slot)
    assert by_ear > 5


def test_an_ear_opens_a_tick_behind_one_that_is_open_and_puts_nothing_into_one_that_is_closed() -> None:
    steps = OpenSteps(KEYS)

    def hears(key: str, slot: int) -> bool:
        return steps.ear(key)(slot * STEP_MS, 2.0, f"{key}::{slot}", 0, 0, SHARD)

    assert not hears(KEYS[0], 7)  # a timer must be set
    steps.add(KEYS[0], reading(KEYS[0], 7 * STEP_MS, 1.0, "a::1"))
    assert not hears(KEYS[0], 7)  # it is not the first of its meter
    due = steps.due_ms()
    assert hears(KEYS[1], 8)
    assert not hears(KEYS[1], 6)  # it would be due sooner
    assert hears(KEYS[1], 7)
    assert steps.due_ms() == due
    now_ms = 10 * STEP_MS
    assert [one.time_ms for one in steps.close(Clock(now_ms, {SHARD: now_ms}))] == [7 * STEP_MS]
    assert not hears(KEYS[2], 7)
    assert list(steps.written()) == [8]


def test_what_is_written_does_not_depend_on_the_order_in_which_it_came() -> None:
    readings = [reading(KEYS[n % 3], 7 * STEP_MS + n, float(n), f"a::{n}") for n in range(7)]
    forth, back = OpenSteps(KEYS), OpenSteps(KEYS)
    for one in readings:
        forth.add(one.series.facility, one)
    for one in reversed(readings):
        back.add(one.series.facility, one)
    assert list(forth.written()[7].items()) == list(back.written()[7].items())
