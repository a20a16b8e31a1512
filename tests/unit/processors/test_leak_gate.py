"""The quick look at a tick: it may find too much, never too little."""

import numpy as np
import pytest

from processors.leak.gate import LEAST_BASELINE, Gate, Whiteners
from processors.leak.noise import Noise
from processors.leak.settings import WINDOWS
from tests.unit.processors.leak_network_kit import PER_DAY

OUTPUTS = 5


def noise(chance: np.random.Generator) -> Noise:
    """Of sensors that are correlated, and that calm down at different rates in longer windows."""
    mixed = chance.normal(size=(OUTPUTS, OUTPUTS))
    return Noise(mixed @ mixed.T * 1e-4, chance.uniform(0.05, 2.0, (len(WINDOWS), OUTPUTS)), np.zeros((24, OUTPUTS)))


def whiteners(known: Noise, added: np.ndarray) -> Whiteners:
    """Made as an area makes them."""
    root = np.sqrt(known.factors)
    return Whiteners(known, known.covariance * root[:, :, None] * root[:, None, :] + np.diag(added), added)


@pytest.mark.parametrize("still", [False, True])
def test_the_bound_of_the_evidence_is_never_less(still: bool) -> None:
    chance = np.random.default_rng(7)
    for _ in range(50):
        known = noise(chance)
        if still:
            known.factors[:, 2] = 0.0  # a sensor that did not move for a day
        added = np.where(chance.random(OUTPUTS) < 0.2, 1e6, chance.uniform(1e-7, 1e-3, OUTPUTS))
        made = whiteners(known, added)
        shifts = chance.normal(size=(len(WINDOWS), OUTPUTS)) * 0.01
        bound = np.square((shifts * made.scale) @ made.above).sum(axis=1)
        for row, shift in enumerate(shifts):
            evidence = shift @ np.linalg.solve(made.covariances[row], shift)
            assert made.power(row, shift) == pytest.approx(evidence)
            assert bound[row] >= evidence


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
