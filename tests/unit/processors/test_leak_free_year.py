"""A year in which nothing leaks: what is allowed are half a false alarm a month."""

from processors.leak.core import LeakCore
from tests.small_town import INLETS, PER_DAY, SENSED, readings, simulate, small_model, small_network

FIRST = 17_532 * PER_DAY
DAYS = 365
ALLOWED = 6


def test_a_year_without_leaks_raises_hardly_any() -> None:
    values = readings(simulate(small_network(), DAYS), SENSED, INLETS)
    core = LeakCore(small_model())
    at = [[*SENSED, *INLETS].index(name) for name in core.sensors]
    alarms = [alarm for row, reading in enumerate(values[:, at]) for alarm in core.tick(FIRST + row, reading)]
    assert len(values) == DAYS * PER_DAY
    assert len(alarms) <= ALLOWED
