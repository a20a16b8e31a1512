"""The bad days part 1 must survive: after each, every id is stored exactly once or set aside, and nobody helped."""

import pytest

from tests.faults.scenario import Scenario

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(900)]

OUTAGE_S = 30.0
SOME = 1_000  # lines of the feeder's list before and after the fault


@pytest.mark.parametrize("server", ["kafka", "postgres"])
def test_a_server_away_for_half_a_minute(scenario: Scenario, server: str) -> None:
    scenario.feed_more(SOME)
    scenario.outage(server, OUTAGE_S)
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()


def test_mosquitto_restarted_cleanly(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    scenario.stack.restart("mosquitto")
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()


@pytest.mark.parametrize("process", ["ingest", "processors", "sequencer", "archive"])
def test_a_process_killed_twice(scenario: Scenario, process: str) -> None:
    for _ in range(2):
        scenario.feed_more(SOME)
        scenario.kill(process)
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
