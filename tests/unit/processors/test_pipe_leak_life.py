"""What is said of a located leak while it lasts."""

from functools import cache

import numpy as np
import pytest

from processors.detectors.pipe_leak_life import MOST_UPDATES, opened, remeasure
from processors.detectors.pipe_leak_state import OpenLeak
from processors.detectors.pipe_leak_steps import STEP_MS
from processors.leak.core import LeakCore
from processors.leak.explain import MEASURED, Asked, Explanation
from processors.leak.incidents import GROWING
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, Floats, burst, network, readings

NETWORK = network()
AT = 7 * PER_DAY + 130
PLACE = 13
FAR = {0, 5, 6, 7}
"""Pressures that fall less than so much inflow would let them fall if it went everywhere."""


def lived(flow: Floats) -> tuple[list[OpenLeak], list[tuple[int, float, float]]]:
    """The leaks that were found, and every time that one was said again: tick, flow, probability."""
    core = LeakCore(NETWORK)
    found: list[OpenLeak] = []
    again = []
    for row, values in enumerate(readings(NETWORK, len(flow) // PER_DAY, [(PLACE, flow)])):
        found += [opened(core, alarm) for alarm in core.tick(FIRST + row, values)]
        again += [(row, leak.flow, leak.sure) for leak in found if remeasure(core, leak, FIRST + row)]
    return found, again


@cache
def growing() -> tuple[list[OpenLeak], list[tuple[int, float, float]], Floats]:
    flow = np.clip((np.arange(36 * PER_DAY) / PER_DAY - 15) * 0.5, 0, None)
    return *lived(flow), flow


def test_a_burst_that_widens_is_said_again_with_its_new_size() -> None:
    flow = burst(9, AT, 8.0)
    flow[AT + 12 :] = 12.5
    (leak,), again = lived(flow)
    assert len(again) >= 1
    assert {row + 1 - AT for row, _, _ in again} <= {age + late for age in MEASURED for late in (-2, -1, 0, 1, 2)}
    assert again[-1][1] == leak.flow == pytest.approx(12.5, rel=0.25)


def test_a_burst_that_stays_as_it_is_is_not_said_again() -> None:
    found, again = lived(burst(9, AT, 9.0))
    assert len(found) == 1
    assert again == []


def test_what_grows_is_said_again_as_it_grows_and_not_too_often() -> None:
    (leak, *_), again, flow = growing()
    assert leak.kind == GROWING
    assert 1 <= len(again) <= MOST_UPDATES
    assert all((row + 1) % PER_DAY == 0 for row, _, _ in again)
    for row, said, _ in again:
        assert said == pytest.approx(flow[row], rel=0.35)


def test_what_grows_is_told_since_when() -> None:
    (leak, *_), _, _ = growing()
    began = leak.since_ms // STEP_MS - FIRST
    assert abs(began - 15 * PER_DAY) <= 3 * PER_DAY


def test_likely_pipes_and_readings_are_of_the_leak() -> None:
    (leak,), _ = lived(burst(9, AT, 9.0))
    assert leak.likely[0][1] == max(probability for _, probability in leak.likely)
    assert NETWORK.distances_m[leak.likely[0][0], PLACE] <= 300
    assert {int(key.removeprefix("P")) for key, _ in leak.shown} <= FAR
    assert all(0.02 < metres < 0.1 for _, metres in leak.shown)
    assert leak.balance == pytest.approx(9.0, abs=4.0)


class Saying:
    """A core that says this of any leak."""

    network = NETWORK

    def __init__(self, **said: object) -> None:
        usual = {"flow": 5.0, "pipe": 3, "still": 0.8, "sure": 0.8}
        rest = {"since": FIRST, "likely": (), "shown": (), "balance": 5.0}
        self.said = Explanation(**{**usual, **rest, **said})

    def explain(self, leak: Asked) -> Explanation:
        return self.said


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        ({}, False),
        ({"flow": 6.0}, False),
        ({"flow": 6.5}, True),
        ({"flow": 2.0}, False),  # less than half: a repair is not decided here
        ({"still": 0.95}, True),
        ({"pipe": 9, "still": 0.75, "sure": 0.95}, True),
        ({"pipe": 9, "still": 0.92, "sure": 0.95}, True),
        ({"pipe": 9, "still": 0.85, "sure": 0.9}, False),
    ],
)
def test_only_what_changes_something_is_said(said: dict[str, object], worth: bool) -> None:
    leak = OpenLeak("burst", 3, FIRST + 2, FIRST * STEP_MS, 3, 5.0, 0.8, 50.0)
    assert remeasure(Saying(**said), leak, FIRST + MEASURED[0] - 1) is worth
    assert leak.updates == worth


def test_a_place_is_corrected_only_by_a_surer_one() -> None:
    leak = OpenLeak("burst", 3, FIRST + 2, FIRST * STEP_MS, 3, 5.0, 0.8, 50.0)
    remeasure(Saying(pipe=9, still=0.95, sure=0.99), leak, FIRST + MEASURED[0] - 1)
    assert (leak.named, leak.sure) == (3, 0.95)
    remeasure(Saying(pipe=9, still=0.3, sure=0.99), leak, FIRST + MEASURED[1] - 1)
    assert (leak.named, leak.sure, leak.pipe) == (9, 0.99, 3)


def test_at_other_times_nothing_is_measured() -> None:
    leak = OpenLeak("burst", 3, FIRST + 2, FIRST * STEP_MS, 3, 5.0, 0.8, 50.0)
    assert not any(remeasure(Saying(flow=9.0), leak, FIRST + age) for age in range(PER_DAY) if age + 1 not in MEASURED)
