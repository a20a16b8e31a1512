"""What a burst's score is worth: by hand, in any order of scores, and as an area without a model says it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from water_kit import DAY, HOUR, STEP_S, ZONE, Burst, configured, flow_on, network, water

from processors.detectors import leak_confidence
from processors.detectors.leak import LeakDetector
from processors.detectors.leak_confidence import confidence
from processors.engine.composed import PartitionFold
from processors.engine.driver import PipelineTestDriver
from processors.engine.errors import SnapshotError
from schemas.anomaly import Transition
from tests.unit.processors.state_kit import slot, state
from tests.unit.processors.street_kit import restart

BURST = Burst(start=36 * HOUR, end=44 * HOUR)
SCORES = st.floats(1.0, 1e9)


class Before(LeakDetector):
    """The version before, which wrote the same state."""

    version = 5


def area(detector: LeakDetector) -> PipelineTestDriver:
    driver = PipelineTestDriver(detector, tick_s=STEP_S)
    driver.register(*network(ZONE))
    driver.configure(configured(ZONE))
    return driver


@pytest.mark.parametrize(
    ("line", "score", "sure"),
    [
        ((0.0, 1.0), 3.0, 0.75),  # the score as odds: three to one
        ((0.0, 2.0), 3.0, 0.9),  # the odds squared: nine to one
        ((1.0, 0.0), 3.0, 0.731_059),  # 1 / (1 + 1/e), whatever the score
        ((0.0, 1.0), 1e6, 8 / 9),  # eight to one is the most a score is taken for
    ],
)
def test_what_a_score_is_worth_by_hand(
    monkeypatch: pytest.MonkeyPatch, line: tuple[float, float], score: float, sure: float
) -> None:
    monkeypatch.setattr(leak_confidence, "LINES", {"inflow": line, "pressures": (0.0, 0.0)})
    assert confidence(score, 1.0) == pytest.approx(sure)
    assert confidence(score, 0.9) == 0.5


def test_what_ships_by_hand() -> None:
    """e^0.44 = 1.5527; 2^1.28 = 2.4284, together 3.7706 to one; without an inflow one to one."""
    assert confidence(1.0, 20.0) == pytest.approx(1.5527 / 2.5527, abs=1e-4)
    assert confidence(2.0, 20.0) == pytest.approx(3.7706 / 4.7706, abs=1e-4)
    assert confidence(129.4, 0.4) == 0.5


@given(SCORES, SCORES, st.floats(0.0, 1e6))
def test_what_is_said_is_a_probability_and_never_falls_with_the_score(one: float, other: float, flow: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 < confidence(low, flow) <= confidence(high, flow) < 1.0


def test_every_step_of_a_burst_says_how_sure_it_is_by_the_score_beside_it() -> None:
    driver = area(LeakDetector())
    flow_on(driver, water(45 * HOUR, (BURST,)), 0, 45 * HOUR)
    steps = {one.transition for one in driver.findings}
    assert {Transition.RAISED, Transition.CLEARED} <= steps
    for one in driver.findings:
        assert one.score == round(confidence(one.numbers["score"], one.numbers["extra_flow_m3h"]), 2)
        assert one.numbers["score"] >= 1.0
        assert one.detector_version == LeakDetector.version


def test_the_state_of_the_version_before_goes_on_and_its_burst_ends() -> None:
    data = water(2 * DAY, (BURST,))
    both = [area(Before()), area(LeakDetector())]
    for driver in both:
        flow_on(driver, data, 0, 38 * HOUR)
        assert [one.transition for one in driver.findings][:1] == [Transition.RAISED]
    old, new = both
    old.fold, _ = PartitionFold.restore([LeakDetector()], old.fold._lateness_ms, state(old.fold))
    assert slot(old.fold, ZONE).snapshot() == slot(new.fold, ZONE).snapshot()
    restart(old)
    flow_on(old, data, 38 * HOUR, 45 * HOUR)
    assert old.findings[-1].transition is Transition.CLEARED
    assert old.findings[-1].detector_version == LeakDetector.version


def test_of_versions_before_that_nothing_is_known() -> None:
    driver = area(type("Old", (LeakDetector,), {"version": 4})())
    with pytest.raises(SnapshotError, match="leak 4 cannot become version 7"):
        PartitionFold.restore([LeakDetector()], driver.fold._lateness_ms, state(driver.fold))
