"""What makes a tick loud, and what it is compared with."""

import numpy as np
import pytest

from processors.leak.gate import LEAST_BASELINE, Gate, Whiteners
from processors.leak.settings import WINDOWS
from tests.unit.processors.leak_network_kit import PER_DAY

OUTPUTS = 5


def test_evidence_is_measured_in_the_noise_of_each_window() -> None:
    chance = np.random.default_rng(7)
    mixed = chance.normal(size=(len(WINDOWS), OUTPUTS, OUTPUTS))
    covariances = mixed @ mixed.transpose(0, 2, 1) * 1e-4 + np.diag(np.full(OUTPUTS, 1e-6))
    made = Whiteners(covariances)
    for row, shift in enumerate(chance.normal(size=(len(WINDOWS), OUTPUTS)) * 0.01):
        assert made.power(row, shift) == pytest.approx(shift @ np.linalg.solve(covariances[row], shift))


@pytest.mark.parametrize("count", [LEAST_BASELINE + 2, 40, 200, WINDOWS[-1] + PER_DAY, 2 * PER_DAY])
def test_a_window_is_compared_with_the_day_before_it_or_what_there_is(count: int) -> None:
    chance = np.random.default_rng(count)
    gate = Gate(OUTPUTS, 3 * PER_DAY, PER_DAY, 40.0)
    left = chance.normal(size=(3 * PER_DAY, OUTPUTS))
    plan = gate._plan(min(count, gate._full))
    sums = np.vstack([np.zeros(OUTPUTS), np.cumsum(left, axis=0)])
    shifts = plan.mix @ sums[3 * PER_DAY + plan.edges]
    assert len(shifts) == sum(
        2 * (min(count - window, PER_DAY)) >= window for window in WINDOWS if count - window >= 12
    )
    for window, baseline, limit, shift in zip(WINDOWS, plan.baselines, plan.limits, shifts, strict=False):
        assert baseline == min(count - window, PER_DAY)
        usual = left[-window - baseline : -window].mean(axis=0)
        np.testing.assert_allclose(shift, left[-window:].mean(axis=0) - usual, atol=1e-9)
        assert limit >= 40.0
        assert (limit == pytest.approx(40.0)) is (baseline == PER_DAY)
