import time
from typing import Any

import pytest

from ingest.health import ANSWERS_S, PROBE_S, STUCK_S, Health
from runtime.lifecycle import Progress


@pytest.fixture
def health() -> Health:
    health = Health(Progress(60.0), 1.0)
    health.stage = "running"
    health.connected = True
    health.connected_s = health.probed_s = health.confirmed_s = time.monotonic()
    return health


def said(health: Health) -> tuple[Any, Any]:
    report = health.report()
    assert report["healthy"] == (not report["wrong"])
    return report["wrong"], report["waitingFor"]


def test_a_process_that_gets_on_is_well(health: Health) -> None:
    assert said(health) == ([], [])


@pytest.mark.parametrize("kafka_s", [0.0, ANSWERS_S * 100])
def test_a_probe_that_stays_away_is_no_health_even_when_nothing_is_written(health: Health, kafka_s: float) -> None:
    """On a feed's clock nothing is written while nobody feeds, so that Kafka is silent says nothing."""
    health.confirmed_s -= kafka_s
    health.probed_s = health.connected_s = time.monotonic() - PROBE_S - 1
    assert said(health) == (["the probe does not come back"], [])
    health.connected_s = time.monotonic()  # a new connection has not had the time
    assert said(health) == ([], [])


def test_a_rare_probe_is_waited_for() -> None:
    health = Health(Progress(60.0), 600.0)
    health.connected = True
    health.probed_s = time.monotonic() - PROBE_S - 1
    assert said(health)[0] == []


def test_what_waits_for_kafka_is_not_stuck_while_kafka_is_away(health: Health) -> None:
    health.in_flight, health.oldest_s = 3, STUCK_S + 1
    health.probed_s = health.connected_s = time.monotonic() - PROBE_S - 1  # it stands behind what waits
    assert said(health) == (["a message is stuck although Kafka answers"], [])
    health.confirmed_s -= ANSWERS_S + 1
    assert said(health) == ([], ["kafka"])


def test_a_broker_that_is_away_is_named(health: Health) -> None:
    health.connected = False
    health.probed_s = health.connected_s = time.monotonic() - PROBE_S - 1
    assert said(health) == ([], ["mqtt"])


def test_a_loop_that_stands_still_is_not_well(health: Health) -> None:
    health._loop = Progress(0.0)
    health._loop.step()
    assert said(health) == (["the loop stands still"], [])
