"""A rebuild of a city in full life: the supervisor brings the archive over, and the account balances."""

from typing import Any

import pytest
from psycopg import sql

from ops.database.migrate import connect
from ops.rebuild.service import Rebuild
from runtime.lifecycle import Shutdown
from tests.faults.scenario import Scenario, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(900)]

SOME = 400


class Silent:
    """A report nobody reads."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def wait_for_restarts(scenario: Scenario, count: int) -> None:
    wait_until(lambda: scenario.restarts("archive") == count, "archive that was fenced and started again")


def test_a_rebuild_under_load_loses_and_doubles_nothing(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    for generation in (2, 3):
        rebuilt = Rebuild(scenario.city.settings, Shutdown(), Silent(), discard=None).run()
        assert rebuilt.new.number == generation
        assert rebuilt.rows["observations"] > 0
        wait_for_restarts(scenario, generation - 1)
        scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
    assert scenario.restarts("archive") == 2
    with connect(scenario.city.settings.database) as connection:
        counts = [
            connection.execute(
                sql.SQL("SELECT count(*) FROM {}.observations").format(sql.Identifier(f"eyes_g{generation}"))
            ).fetchall()[0][0]
            for generation in (1, 2, 3)
        ]
    assert counts == sorted(set(counts))  # each stopped growing when the next took its place
