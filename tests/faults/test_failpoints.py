"""A crash at every place where a message could be lost or doubled (docs/guarantees.md, "Failure matrix")."""

from pathlib import Path

import pytest

from runtime.failpoint import NAMES, VARIABLE
from tests.faults.scenario import Scenario, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(900)]

PROCESS = {"ingest": "ingest", "fold": "processors", "sequence": "sequencer", "archive": "archive"}
HIT = {"ingest": 20, "fold": 4, "sequence": 4, "archive": 8}  # in the middle of the work, not at its beginning
SOME = 100


@pytest.fixture
def died(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that say that the process died at each place of a stage, one after the other.

    Made before the scenario, whose processes inherit the order.
    """
    stage: str = request.param
    files = [tmp_path / name for name in NAMES if name.startswith(f"{stage}.")]
    monkeypatch.setenv(VARIABLE, ",".join(f"{file.name}:{HIT[stage]}:{file}" for file in files))
    return files


@pytest.mark.parametrize("died", PROCESS, indirect=True)
def test_a_crash_at_each_place_of_a_stage_loses_and_doubles_nothing(
    died: list[Path], scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    process = PROCESS[request.node.callspec.params["died"]]
    assert len(died) > 1
    for number, file in enumerate(died, 1):
        wait_until(file.exists, f"crash of {process} at {file.name}")
        wait_until(lambda number=number: scenario.restarts(process) == number, f"restart {number} of {process}")  # type: ignore[misc]
        scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
    assert scenario.restarts(process) == len(died)
