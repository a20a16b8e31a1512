"""The sequencer on the real servers: everything once and in order, whoever dies and wherever."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City
from sequencer_kit import NOW, Desk, desk_on, life, tick

from processors.sequencer.copies import INPUTS
from runtime.failpoint import NAMES, VARIABLE
from schemas.quarantine import Quarantined, Reason
from schemas.topics import ANOMALIES, CASE_INPUTS, QUARANTINE
from tests.waiting import eventually

pytestmark = pytest.mark.servers

PLACED = [(one.topic, n) for one in INPUTS for n in range(one.topic.partitions)]
PLACES = [name for name in NAMES if name.startswith("sequence.")]


@pytest.fixture
def desk(stack: Any) -> Iterator[Desk]:
    with desk_on(City.on(stack)) as desk:
        yield desk


def test_findings_and_time_are_copied_and_garbage_is_set_aside(desk: Desk, tmp_path: Path) -> None:
    with desk.process(tmp_path) as process:
        desk.live_on(0, 8)
        desk.say(b"no event at all", *life(8))
        eventually(lambda: desk.complete)
        (refused,) = eventually(lambda: desk.city.of(QUARANTINE, Quarantined))
        assert (refused.reason, refused.payload) == (Reason.POISON, b"no event at all")
        desk.assert_once_and_in_order()
        said = process.health()
        assert (said["status"], said["healthy"], said["stopped"], said["trouble"]) == (200, True, [], "")
        # Standing is told once a second.
        eventually(lambda: process.metric("eyes_sequencer_watermark_seconds") == (NOW + 7 * 60_000) / 1000)
        eventually(lambda: process.metric("eyes_sequencer_lag_records") == 0)
        assert process.metric("eyes_sequencer_events_total", ANOMALIES.name) == len(desk.findings)
        assert process.metric("eyes_quarantined_total") == 1
        assert process.stop() == 0
    desk.live_on(9, 4)
    with desk.process(tmp_path):
        eventually(lambda: desk.complete)
        desk.say(tick(NOW))  # of a ticker that was frozen: time does not go back for it, also after a restart
        desk.ticks -= 1
        desk.live_on(13, 2)
        eventually(lambda: desk.complete)
    desk.assert_once_and_in_order()


@pytest.mark.parametrize("place", PLACES)
def test_a_crash_in_a_transaction_loses_and_doubles_nothing(desk: Desk, tmp_path: Path, place: str) -> None:
    died = tmp_path / "died"
    with desk.process(tmp_path, **{VARIABLE: f"{place}:3:{died}"}) as process:
        number = 0
        while not died.exists():
            desk.live_on(number, 2)
            number += 2
        assert process.process
        assert process.process.wait(10) == -signal.SIGKILL
        desk.live_on(number, 6)
        process.start()
        eventually(lambda: desk.complete)
    desk.assert_once_and_in_order()


@pytest.mark.timeout(900)
def test_three_workers_killed_in_turn_give_what_one_would(desk: Desk, tmp_path: Path) -> None:
    workers = [desk.process(tmp_path, instance) for instance in "abc"]
    with workers[0], workers[1], workers[2]:
        eventually(lambda: shares(workers) == len(PLACED))
        number = 0
        for worker in workers:
            desk.live_on(number, 6)
            worker.kill()
            desk.live_on(number + 6, 6)
            number += 12
            worker.start()
        frozen = workers[0]
        frozen.signal(signal.SIGSTOP)  # longer than its session and its transaction may last
        desk.live_on(number, 6)
        eventually(lambda: desk.complete)
        frozen.signal(signal.SIGCONT)
        desk.live_on(number + 6, 6)
        eventually(lambda: desk.complete)
        eventually(lambda: shares(workers) == len(PLACED))
    desk.assert_once_and_in_order()
    assert len(desk.copied()) == CASE_INPUTS.partitions


def shares(workers: list[Any]) -> int:
    """The partitions that somebody says are his."""
    return sum(len(worker.lines("partitions")[-1]["assigned"]) for worker in workers if worker.lines("partitions"))
