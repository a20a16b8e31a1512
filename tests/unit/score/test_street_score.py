"""A small city from its messages to its figures, through the decoders and the fold that run in production."""

import pytest

from ops.score.street.drive import Driver
from ops.score.street.run import StreetScore, score_city
from ops.simulate.city.city import City
from schemas.anomaly import AnomalyKind


@pytest.fixture(scope="module")
def covers() -> StreetScore:
    return score_city(City(31, 400, noise=0, only=frozenset({"cover"})))


def test_in_a_perfect_world_every_tilted_cover_is_found_and_nothing_else(covers: StreetScore) -> None:
    score = covers.kinds[AnomalyKind.COVER_TILTED]
    assert score.truth >= 3
    assert score.near_misses >= 1
    assert (score.recall, score.precision, score.near_false) == (1.0, 1.0, 0)
    delay_s = score.delay_s(0.5)
    assert delay_s is not None
    assert 30 < delay_s < 65  # two samples half a minute apart


def test_the_result_has_the_shape_that_was_agreed(covers: StreetScore) -> None:
    result = covers.as_json()
    assert set(result["kinds"]["cover_tilted"]) >= {
        *("truth", "found", "precision", "recall", "delay_p50_s", "delay_p95_s"),
    }
    assert {"false_alarms_per_1000_facilities_per_day", "events", "cpu_s"} <= set(result)
    assert result["events"] > result["messages"] > 5_000
    assert result["cpu_s"] > 0
    assert (result["refused"], result["unregistered"], result["poison"]) == (0, 0, 0)


def test_the_same_seed_is_the_same_result(covers: StreetScore) -> None:
    again = score_city(covers.city)
    assert again.driven.findings == covers.driven.findings
    assert again.matched == covers.matched


def test_a_kind_without_a_detector_is_said_to_have_none() -> None:
    score = score_city(City(31, 300, noise=0, only=frozenset({"cover"})), detectors=())
    tilted = score.kinds[AnomalyKind.COVER_TILTED]
    assert (tilted.detected, tilted.recall, tilted.precision) == (False, 0.0, None)


def test_the_clock_tells_of_progress() -> None:
    told: list[str] = []
    Driver(City(31, 100, noise=0, only=frozenset({"tank"}))).run(told.append)
    assert len(told) in {23, 24}
    assert told[-1].startswith("23 of 24 h")
