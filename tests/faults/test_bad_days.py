"""The bad days part 1 must survive: after each, every id is stored exactly once or set aside, and nobody helped."""

import pytest

from tests.faults.scenario import Scenario

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(900)]

OUTAGE_S = 30.0
SOME = 400  # lines of the feeder's list before and after each fault


def test_servers_away_for_half_a_minute_one_after_the_other(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    for server in ("kafka", "postgres"):
        scenario.outage(server, OUTAGE_S)
        scenario.feed_more(SOME)
    scenario.stack.restart("mosquitto")  # cleanly: what it held for ingest is there again
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()


def test_each_process_killed_twice(scenario: Scenario) -> None:
    """In turn: the second round hits processes whose neighbours began anew in the meantime."""
    for _ in range(2):
        for process in ("ingest", "processors", "sequencer", "archive"):
            scenario.feed_more(SOME)
            scenario.kill(process)
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
