"""A crash at every place where a message could be lost or doubled (docs/guarantees.md, "Failure matrix")."""

from pathlib import Path

import pytest

from runtime.failpoint import NAMES, VARIABLE
from tests.faults.scenario import Scenario, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(300)]

PROCESS = {"ingest": "ingest", "fold": "processors", "sequence": "sequencer", "archive": "archive"}
HIT = {"ingest": 200, "fold": 4, "sequence": 4, "archive": 8}  # in the middle of the work, not at its beginning
SOME = 2_500


def stage_of(name: str) -> str:
    return name.partition(".")[0]


@pytest.fixture
def died(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says that the process died there; made before the scenario, whose processes inherit the order."""
    name: str = request.param
    file = tmp_path / "died"
    monkeypatch.setenv(VARIABLE, f"{name}:{HIT[stage_of(name)]}:{file}")
    return file


@pytest.mark.parametrize("died", NAMES, indirect=True)
def test_a_crash_there_loses_and_doubles_nothing(
    died: Path, scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    process = PROCESS[stage_of(request.node.callspec.params["died"])]
    wait_until(died.exists, f"crash of {process}")
    wait_until(lambda: scenario.restarts(process) == 1, f"restart of {process}")
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
    assert scenario.restarts(process) == 1
