"""Several workers share the partitions: whoever of them is killed, the findings are those of one that never was."""

import pytest

from tests.faults.scenario import Scenario

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(600)]

WORKERS = 3
KILLS = 6
SOME = 2_000  # lines of the feeder's list between two kills


@pytest.mark.parametrize("scenario", [WORKERS], indirect=True)
def test_workers_killed_in_turn_under_load(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    for kill in range(KILLS):
        scenario.kill(f"processors-{kill % WORKERS}")
        scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
