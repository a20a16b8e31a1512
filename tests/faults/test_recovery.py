"""A worker that comes goes on from its snapshots; what befalls it on the way loses and doubles nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import TopicPartition

from ops.past import committed_offsets
from processors.engine.snapshot import SHARDS
from runtime.kafka import admin, idempotent_producer, reader
from schemas.topics import EVENTS, SNAPSHOTS
from tests.faults.scenario import Scenario, health_of, wait_until
from tests.servers import free_ports

pytestmark = [pytest.mark.servers, pytest.mark.faults, pytest.mark.timeout(900)]

SOME = 400  # lines of the feeder's list
EVERY_SHARD = EVENTS.partitions * SHARDS
ONE, OTHER = "processors-0", "processors-1"


def snapshots(scenario: Scenario) -> float:
    return scenario.metric("processors", "eyes_processor_snapshots_total")


def wait_for_snapshots(scenario: Scenario, rounds: int) -> None:
    """Every shard was written so many times more than now."""
    goal = snapshots(scenario) + rounds * EVERY_SHARD
    wait_until(lambda: snapshots(scenario) >= goal, f"{rounds} whole snapshots")


def test_the_log_has_lost_its_beginning(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    settings = scenario.city.settings.kafka
    wait_until(lambda: len(committed_offsets(settings)) == EVENTS.partitions, "a commit in every partition")
    passed = committed_offsets(settings)
    wait_for_snapshots(scenario, 2)  # the second began after we looked
    name = EVENTS.full_name(settings.topic_prefix)
    client = admin(settings)
    try:
        client.delete_records({TopicPartition(name, partition): offset for partition, offset in passed.items()})
    finally:
        client.close()
    scenario.kill("processors")
    scenario.feed_more(SOME)
    wait_until(lambda: scenario.health("processors").get("recovering") == [], "state")
    assert scenario.health("processors")["stopped"] == []
    scenario.assert_nothing_lost_nothing_doubled(log_is_whole=False)


def test_spoilt_snapshots_are_found_out_and_the_log_is_folded(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    wait_for_snapshots(scenario, 1)
    settings = scenario.city.settings.kafka
    scenario.city.supervisor.stop_one("processors")
    wait_until(lambda: scenario.health("processors") == {}, "end of processors")
    name = SNAPSHOTS.full_name(settings.topic_prefix)
    consumer, producer = reader(settings, "spoiler"), idempotent_producer(settings, "spoiler")
    try:
        at = TopicPartition(name, 3)
        consumer.assign([at])
        consumer.seek_to_beginning(at)
        end = consumer.end_offsets([at])[at]
        keys: set[bytes] = set()
        while consumer.position(at) < end:
            keys |= {record.key for record in consumer.poll(timeout_ms=500).get(at, ())}
        assert len(keys) >= SHARDS
        for key in sorted(keys):
            producer.send(name, key=key, value=b"\xff spoilt", partition=3)
        producer.flush()
    finally:
        consumer.close()
        producer.close()
    scenario.city.supervisor.start_one("processors")
    wait_until(lambda: scenario.metric("processors", "eyes_processor_snapshots_distrusted_total") > 0, "distrust")
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()
    assert scenario.restarts("processors") == 0


@pytest.mark.parametrize("scenario", [(2, {})], indirect=True)
def test_a_worker_that_stood_still_while_the_other_took_its_place(scenario: Scenario) -> None:
    scenario.feed_more(SOME)
    assert scenario.city.supervisor.kill(ONE, signal.SIGSTOP) is not None
    wait_until(
        lambda: len(scenario.health(OTHER).get("live", ())) == EVENTS.partitions, "the other to have all partitions"
    )
    scenario.feed_more(SOME)
    scenario.city.supervisor.kill(ONE, signal.SIGCONT)
    scenario.feed_more(SOME)
    wait_until(lambda: len(scenario.health(ONE).get("live", ())) > 0, "work for the one that stood still")
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()


@pytest.mark.parametrize("scenario", [(2, {"EYES_PROCESSORS__SNAPSHOT_S": "3600"})], indirect=True)
def test_a_rebalance_in_the_middle_of_recovery(scenario: Scenario) -> None:
    """Somebody joins while a worker folds the log again: without snapshots that takes its time."""
    scenario.feed_more(8 * SOME)
    scenario.city.supervisor.kill(ONE)
    wait_until(lambda: scenario.health(ONE).get("recovering", []) != [], "recovery")
    with another_worker(scenario) as joined:
        wait_until(lambda: bool(joined().get("live")), "work for the one that joined")
        scenario.feed_more(SOME)
        scenario.city.supervisor.kill(OTHER)
        scenario.feed_more(SOME)
    scenario.feed_more(SOME)
    scenario.assert_nothing_lost_nothing_doubled()


@contextmanager
def another_worker(scenario: Scenario) -> Iterator[Callable[[], dict[str, Any]]]:
    """A process that joins the group and in the end leaves it; gives what it says of itself."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "ops.cli.main", "process", "--workers", "1", "--instance", "joined"]
    with subprocess.Popen(
        [*command, "--metrics-port", str(port)],
        env=os.environ | scenario.city.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield lambda: health_of(f"http://127.0.0.1:{port}/healthz")
        finally:
            process.terminate()
