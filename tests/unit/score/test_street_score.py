"""A small city from its messages to its figures, through the decoders and the fold that run in production."""

import pytest

from ops.score.street.drive import Driver
from ops.score.street.run import StreetScore, score_city
from ops.simulate.city.city import City
from schemas.anomaly import AnomalyKind

TICK_MS = 10_000  # ten times less than in production: these tests wait for no delay of a second


@pytest.fixture(scope="module")
def covers() -> StreetScore:
    return score_city(City(43, 400, noise=0, only=frozenset({"cover"})), tick_ms=TICK_MS)


def test_in_a_perfect_world_every_tilted_cover_is_found_and_nothing_else(covers: StreetScore) -> None:
    score = covers.kinds[AnomalyKind.COVER_TILTED]
    assert score.truth >= 3
    assert score.near_misses >= 1
    assert (score.recall, score.precision, score.near_false) == (1.0, 1.0, 0)
    delay_s = score.delay_s(0.5)
    assert delay_s is not None
    assert 30 < delay_s < 75  # two samples half a minute apart


def test_the_result_has_the_shape_that_was_agreed(covers: StreetScore) -> None:
    result = covers.figures.as_json()
    assert set(result["kinds"]["cover_tilted"]) >= {
        *("truth", "found", "precision", "recall", "delay_p50_s", "delay_p95_s"),
    }
    assert {"false_alarms_per_1000_facilities_per_day", "events", "cpu_s"} <= set(result)
    assert result["events"] > result["messages"] > 5_000
    assert result["cpu_s"] > 0
    assert (result["refused"], result["unregistered"], result["poison"]) == (0, 0, 0)


def test_the_same_city_is_the_same_result() -> None:
    city = City(47, 100, noise=3, only=frozenset({"cover"}))
    once, again = score_city(city, tick_ms=TICK_MS), score_city(city, tick_ms=TICK_MS)
    assert again.driven.findings == once.driven.findings != []
    assert (again.matched, again.truths) == (once.matched, once.truths)


def test_a_kind_without_a_detector_is_said_to_have_none() -> None:
    score = score_city(City(43, 100, noise=0, only=frozenset({"cover"})), detectors=(), tick_ms=TICK_MS)
    tilted = score.kinds[AnomalyKind.COVER_TILTED]
    assert (tilted.detected, tilted.recall, tilted.precision) == (False, 0.0, None)


def test_the_clock_tells_of_progress() -> None:
    told: list[str] = []
    Driver(City(31, 100, noise=0, only=frozenset({"tank"})), tick_ms=TICK_MS).run(told.append)
    assert len(told) in {23, 24}
    assert told[-1].startswith("23 of 24 h")
