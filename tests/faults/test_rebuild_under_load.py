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


def rows(scenario: Scenario, generation: int) -> int:
    """Observations in one generation of the projection."""
    query = sql.SQL("SELECT count(*) FROM {}.observations").format(sql.Identifier(f"eyes_g{generation}"))
    with connect(scenario.city.settings.database) as connection:
        ((found,),) = connection.execute(query).fetchall()
    return int(found)


def wait_for_more(scenario: Scenario, generation: int, than: int) -> None:
    """The archive fills it: fenced and started again, or connected anew where the switch took longer than it waits."""
    wait_until(lambda: rows(scenario, generation) > than, "archive that fills the new generation")


def test_a_rebuild_under_load_loses_and_doubles_nothing(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    for generation in (2, 3):
        rebuilt = Rebuild(scenario.city.settings, Shutdown(), Silent(), discard=None).run()
        assert rebuilt.new.number == generation
        assert rebuilt.rows["observations"] > 0
        at_the_switch = rows(scenario, generation)
        scenario.feed_more(SOME)
        wait_for_more(scenario, generation, at_the_switch)
    scenario.assert_nothing_lost_nothing_doubled()
    assert scenario.restarts("archive") <= 2
    counts = [rows(scenario, generation) for generation in (1, 2, 3)]
    assert counts == sorted(set(counts))  # each stopped growing when the next took its place
