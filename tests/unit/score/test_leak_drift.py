"""The score of meters that drift: what is done to readings, what is counted, and what the table shows."""

from functools import cache

import numpy as np
import pytest

from ops.score import drift
from ops.score.battledim import Leak, PipeMap
from ops.score.drift import BEGINS, DAYS, ENDS, Outcome, Row
from ops.score.driven import Driven, rows
from ops.score.ltown import Year
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, PIPES, burst, network, readings

NETWORK = network()
RING = PipeMap({f"p{i}": (f"n{i}", f"n{(i + 1) % PIPES}", 150.0) for i in range(PIPES)})
NAMES = (*(f"P{i}" for i in range(8)), "F0", "F1")


@cache
def year() -> Year:
    at = 12 * PER_DAY + 100
    flow = burst(DAYS, at, 9.0)
    values = readings(NETWORK, DAYS, [(13, flow)])
    return Year("made-up", NAMES, values, FIRST, (Leak("p13", at, len(values), True, flow),))


def test_one_meter_drifts_for_thirty_days_and_stays_where_it_is() -> None:
    values = np.zeros((DAYS * PER_DAY, 10))
    drifted = drift.drifting(values, 8, -0.5)
    assert not drifted[: BEGINS * PER_DAY].any()
    assert not np.delete(drifted, 8, axis=1).any()
    assert drifted[(BEGINS + 10) * PER_DAY, 8] == pytest.approx(-5.0)
    assert set(drifted[ENDS * PER_DAY :, 8]) == {-15.0}


def test_a_drift_is_counted_by_the_days_until_it_is_told() -> None:
    plain, _ = drift.run(year(), NETWORK, RING, None, 0.0)
    assert plain == Outcome(None, 0, 1, 0)
    told, _ = drift.run(year(), NETWORK, RING, "F0", 1.0)
    assert told.told_after is not None
    assert 1 < told.told_after < 10
    assert (told.found, told.false) == (1, 0)


def test_pipes_that_look_like_a_meter_are_counted() -> None:
    driven = Driven(NETWORK)
    driven.live(rows(NETWORK, year().values[: 10 * PER_DAY], FIRST))
    alike = drift.alike(driven)
    assert [one.meter for one in alike] == ["F0", "F1"]
    assert all(one.metres == 150.0 * one.pipes for one in alike)
    assert all(one.share == pytest.approx(one.pipes / PIPES, abs=1e-4) for one in alike)


def test_the_table_sums_over_years() -> None:
    row = Row("F0", -0.3, [Outcome(3.0, 1, 2, 0), Outcome(None, 0, 1, 2), Outcome(6.0, 0, 1, 0)])
    lines = drift.table([Row("none", 0.0, [Outcome(None, 0, 1, 0)]), row]).splitlines()
    assert lines[2:] == ["| none | 0 | - | 0 | 1 | 0 |", "| F0 | -0.3 | 2 of 3, 4 days | 1 | 4 | 2 |"]
