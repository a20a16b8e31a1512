"""Several workers share the partitions: whoever of them is killed, the findings are those of one that never was."""

import time

import pytest

from tests.faults.scenario import Scenario

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(900)]

WORKERS = 3
SPELL_S = 30.0
SOME = 400  # lines of the feeder's list between two kills


@pytest.mark.parametrize("scenario", [(WORKERS, {})], indirect=True)
def test_workers_killed_in_turn_under_load(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    over = time.monotonic() + SPELL_S
    kills = 0
    while kills < WORKERS or time.monotonic() < over:
        scenario.kill(f"processors-{kills % WORKERS}")
        kills += 1
        scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
